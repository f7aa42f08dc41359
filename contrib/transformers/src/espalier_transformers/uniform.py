"""Tie the choices of a search space so that a configuration can say every subnet."""

from __future__ import annotations

import itertools
import weakref
from fractions import Fraction
from typing import TYPE_CHECKING, final

import attrs
import structlog

from espalier.errors import ConversionError
from espalier.spaces import supernet_of

from .assigning import Assignment
from .fields import changed, shown
from .looks import Look
from .solving import Solver
from .twins import computes, is_same


if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import PreTrainedModel

    from espalier.hparams import Hparam

    from .fields import Field
    from .solving import Values

    Sizes = dict[Hparam, int]

log = structlog.get_logger()

#: How many sizes of an hparam are tried to find what says it.
_SHARES = 4

#: With more fields than that, no three are tried together: there would be too many.
_MOST_FOR_THREE = 8


@attrs.frozen(eq=False)
class _Group:
    """
    Hparams that keep one share of their units, and the fields that say it.

    Args:
        hparams: At least one.

        scaled: Fields that are in proportion to the share.

        said: Fields that must be said, since they would be derived otherwise.
    """

    hparams: tuple[Hparam, ...]
    scaled: Values
    said: Values

    def values(self, share: Fraction) -> Values | None:
        """Return the fields at *share*; ``None`` if one is no whole number then."""
        scaled = {field: share * value for field, value in self.scaled.items()}
        if any(value.denominator > 1 for value in scaled.values()):
            return None
        return {**self.said, **{field: int(value) for field, value in scaled.items()}}


def make_uniform(model: PreTrainedModel) -> None:
    """
    Tie and narrow the choices of a converted model to those that its configuration can say.

    Raises:
        ConversionError: If its configuration does not describe the model as it is.
    """
    search = _Search(model)
    groups = search.groups()
    space = supernet_of(model).space
    said = {hparam for group in groups for hparam in group.hparams}
    for group in groups:
        leader, *_ = group.hparams
        space.tie([hparam.name for hparam in group.hparams])
        choices = [c for c in leader.choices if search.says(group, Fraction(c, leader.units))]
        leader.choices = choices or [leader.units]
    _groups_of[model] = tuple(groups)
    # A configuration counts blocks, but does not tell kernels apart.
    places = supernet_of(model).blueprint.places
    depths = {name for name, place in places.items() if place.blocks}
    unsaid = [h for h in space.values() if h not in said and h.name not in depths]
    for hparam in unsaid:
        hparam.choices = [hparam.original]
    log.info(
        "space_uniform",
        fields=[sorted(map(shown, group.scaled)) for group in groups],
        not_in_config=[hparam.name for hparam in unsaid],
    )


def fields_said(model: PreTrainedModel) -> Values:
    """
    Return the fields that say the active choices of a model that was made uniform.

    They can be found without, as for a copy; this is the short way.
    """
    values: Values = {}
    groups = _groups_of.get(model, ())
    for group in groups:
        values |= group.said
    for group in groups:
        leader, *_ = group.hparams
        share = Fraction(leader.active, leader.units)
        values |= {field: int(share * value) for field, value in group.scaled.items()}
    return values


# Beside the models: an exported one must not carry anything of Espalier's.
_groups_of: weakref.WeakKeyDictionary[PreTrainedModel, tuple[_Group, ...]] = (
    weakref.WeakKeyDictionary()
)


@final
class _Search:
    """Tries fields of the configuration of a converted model, and sees what they change."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._supernet = supernet_of(model)
        self._solver = Solver(type(model), model.config)
        self._assignment = Assignment(self._supernet)
        look, own = self._solver.look({}), Look.of(model)
        if look is None or any(look.shapes.get(name) != own.shapes[name] for name in own.saved):
            raise ConversionError(
                f"{type(model).__name__} must be as its configuration says; it was changed since "
                f"it was built. Correct model.config, or convert without uniform=True."
            )
        self._base = look
        # The solver keeps every look, and many fields give the same one for many hparams.
        self._sizes: dict[int, Sizes | None] = {}

    def groups(self) -> list[_Group]:
        """Return the groups that can be said, each also together with those before it."""
        found: list[_Group] = []
        done: set[Hparam] = set()
        for hparam in self._supernet.space.values():
            if hparam in done or not hparam.is_configurable:
                continue
            group = self._group_of(hparam, found)
            if group is not None:
                found.append(group)
                done.update(group.hparams)
        return found

    def says(self, group: _Group, share: Fraction) -> bool:
        """Whether the fields of *group* say that its hparams keep *share*, and nothing else."""
        values = group.values(share)
        look = None if values is None else self._solver.look(values)
        sizes = self._sizes_of(look)
        return sizes is not None and _kept(sizes) == {h: share for h in group.hparams if share < 1}

    def _group_of(self, hparam: Hparam, others: list[_Group]) -> _Group | None:
        taken = {field for group in others for field in group.scaled}
        shares = [
            Fraction(choice, hparam.units) for choice in hparam.choices if choice < hparam.units
        ]
        shares = sorted(shares, key=lambda share: share.denominator)[:_SHARES]
        for fields, said in self._proposals(taken):
            scaled = {field: self._solver.fields[field] for field in fields}
            for share in shares:
                group = self._seen(_Group((hparam,), scaled, said), share)
                if group is not None and self._works(group, share, others):
                    return group
        return None

    def _seen(self, guess: _Group, share: Fraction) -> _Group | None:
        """Return the group of what the fields of *guess* change, if all change by *share*."""
        values = guess.values(share)
        look = None if values is None else self._solver.look(values)
        sizes = self._sizes_of(look)
        kept = {} if sizes is None else _kept(sizes)
        if guess.hparams[0] not in kept or set(kept.values()) != {share}:
            return None
        if look is None or look.reals() != self._base.reals():
            return None  # such as what scores are scaled by
        return attrs.evolve(guess, hparams=tuple(kept))

    def _works(self, group: _Group, share: Fraction, others: list[_Group]) -> bool:
        """Whether the fields do not interfere with others, and mean nothing but sizes."""
        space = self._supernet.space
        if any(h.name not in space or not h.is_configurable for h in group.hparams):
            return False
        if any(
            Fraction(h.min, h.units) > share or share * h.units not in h.choices
            for h in group.hparams
        ):
            return False
        least = {other: self._least(other) for other in others} | {group: share}
        values: Values = {}
        for each in least:
            values |= each.said
        for each, kept in least.items():
            values |= {field: int(kept * value) for field, value in each.scaled.items()}
        expected = {h: kept for each, kept in least.items() for h in each.hparams if kept < 1}
        look = self._solver.look(values)
        sizes = self._sizes_of(look)
        return sizes is not None and _kept(sizes) == expected and self._computes(group, share)

    def _sizes_of(self, look: Look | None) -> Sizes | None:
        """Return the size of every hparam in a model of that look; ``None`` if there is none."""
        if look is None:
            return None
        if id(look) not in self._sizes:
            self._sizes[id(look)] = self._assignment.of(look)
        return self._sizes[id(look)]

    def _least(self, group: _Group) -> Fraction:
        """Return the smallest share that the fields of *group* can say."""
        leader, *_ = group.hparams
        shares = (Fraction(choice, leader.units) for choice in leader.choices)
        return next((share for share in shares if self.says(group, share)), Fraction(1))

    def _computes(self, group: _Group, share: Fraction) -> bool:
        """Whether a model that is built with the fields computes what the subnet computes."""
        before = self._supernet.space.config()
        try:
            self._supernet.space.select({h.name: int(share * h.units) for h in group.hparams})
            inputs = self._supernet.blueprint.inputs
            expected = computes(self._model, inputs)
            config = changed(self._model.config, group.values(share) or {})
            return is_same(self._model, config, {}, inputs, expected) is not False
        finally:
            self._supernet.space.select(before)

    def _proposals(self, taken: set[Field]) -> Iterator[tuple[tuple[Field, ...], Values]]:
        """Yield fields to scale, and those to say besides, the simplest first."""
        free = (field for field in self._solver.fields if field not in taken)
        fields = [field for field in free if self._has_effect(field)]
        for count in (1, 2, 3) if len(fields) <= _MOST_FOR_THREE else (1, 2):
            for derived in (self._solver.derived, {}) if self._solver.derived else ({},):
                for scaled in itertools.combinations(fields, count):
                    yield scaled, {f: v for f, v in derived.items() if f not in scaled}

    def _has_effect(self, field: Field) -> bool:
        """Whether a field changes something, or can't be changed alone."""
        value = self._solver.fields[field]
        factors = [d for d in (2, 3, 5, 7) if value % d == 0] or [value]
        look = self._solver.look({field: value // factors[0]})
        return look != self._base


def _kept(sizes: dict[Hparam, int]) -> dict[Hparam, Fraction]:
    return {h: Fraction(size, h.units) for h, size in sizes.items() if size != h.units}

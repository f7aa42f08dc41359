"""Find the configuration that a model of given shapes is built from."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, final

import structlog
from transformers import PreTrainedConfig

from .fields import Field, changed, fields_of, may_be_size
from .looks import Look, built


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transformers import PreTrainedModel

log = structlog.get_logger()

#: How many models are built at most for one answer.
BUILDS = 120

#: Something even that no size is.
_PROBE = 34

Values = dict[Field, int]


@final
class Solver:
    """
    Changes fields of a configuration until its class builds what is wanted.

    Args:
        model_class: What to build.

        config: The configuration to start from; left as it is.
    """

    def __init__(self, model_class: type[PreTrainedModel], config: PreTrainedConfig) -> None:
        self._class = model_class
        self._config = config
        self._looks: dict[tuple[tuple[Field, int], ...], Look | None] = {}
        found = {field: self._derived(field) for field in _open_fields(config)}
        self.derived = {field: value for field, value in found.items() if value}
        self.fields = fields_of(config) | self.derived

    def look(self, values: Values) -> Look | None:
        """Return how the class looks with *values*; ``None`` if it can't be built."""
        key = tuple(sorted(values.items(), key=str))
        if key not in self._looks:
            try:
                made = built(self._class, changed(self._config, values))
                self._looks[key] = Look.of(made)
            except Exception as error:  # noqa: BLE001 - whatever the class says against it
                log.debug("config_refused", values=values, error=str(error))
                self._looks[key] = None
        return self._looks[key]

    def solve(self, wanted: Look) -> tuple[Values, int]:
        """
        Return the fields to change so that as many axes as possible have the wanted sizes.

        Several configurations may give the same shapes. Of those that are found, the one whose
        modules keep most of the wanted numbers is taken, real ones first.

        Args:
            wanted: What to build; only tensors that a file holds matter.

        Returns:
            The values of the fields, and how many axes still differ.
        """
        shapes = {name: wanted.shapes[name] for name in wanted.saved}
        starts = [dict(self.derived), {}] if self.derived else [{}]
        found = [self._descend(start, shapes, frozenset()) for start in starts]
        best, gaps = min(found, key=lambda answer: answer[1])
        if not gaps and self._strays(best, wanted) != (0, 0):
            found += [self._descend(s, shapes, frozenset({f})) for s in starts for f in best]
            found = [(self._polished(values, wanted, shapes), gaps) for values, gaps in found]
        return min(
            found,
            key=lambda answer: (answer[1], self._strays(answer[0], wanted), len(answer[0])),
        )

    def _descend(
        self, values: Values, wanted: Mapping[str, tuple[int, ...]], banned: frozenset[Field]
    ) -> tuple[Values, int]:
        gaps = self._gaps(values, wanted)
        while gaps and len(self._looks) < BUILDS:
            for steps in (self._single, self._double):
                tried = [{**values, **step} for step in steps(values, gaps, banned)]
                found = min(
                    ((each, self._gaps(each, wanted)) for each in tried),
                    key=lambda pair: (len(pair[1]), len(pair[0])),
                    default=(values, gaps),
                )
                if len(found[1]) < len(gaps):
                    break
            else:
                break
            values, gaps = found
        return values, len(gaps)

    def _polished(
        self, values: Values, wanted: Look, shapes: Mapping[str, tuple[int, ...]]
    ) -> Values:
        """Return *values* with further fields that bring numbers closer and keep the shapes."""
        most = len(self._gaps(values, shapes))
        while (strays := self._strays(values, wanted)) != (0, 0) and len(self._looks) < 2 * BUILDS:
            look = self.look(values)
            pairs = [
                (is_, to)
                for key, to in wanted.numbers.items()
                if look and type(is_ := look.numbers.get(key)) is int and type(to) is int
            ]
            ratios = [(is_, to) for is_, to in pairs if is_ != to]
            shares = {Fraction(to, is_) for is_, to in ratios if is_ and to}
            alike = [
                list(self._single(values, [(share.denominator, share.numerator)], frozenset()))
                for share in sorted(shares | {1 / share for share in shares})
            ]
            doubles = [{**a, **b} for same in alike for a, b in itertools.combinations(same, 2)]
            for steps in ([step for same in alike for step in same], doubles[:BUILDS]):
                better = [
                    ({**values, **step}, found)
                    for step in steps
                    if (found := self._strays({**values, **step}, wanted)) < strays
                    and len(self._gaps({**values, **step}, shapes)) <= most
                ]
                if better:
                    break
            if not better:
                break
            values, _ = min(better, key=lambda pair: pair[1])
        return values

    def _strays(self, values: Values, wanted: Look) -> tuple[int, int]:
        """Return how many real and how many whole numbers are not the wanted ones."""
        look = self.look(values)
        own = {} if look is None else look.numbers
        odd = [value for key, value in wanted.numbers.items() if own.get(key) != value]
        reals = sum(isinstance(value, float) for value in odd)
        return reals, len(odd) - reals

    def _derived(self, field: Field) -> int | None:
        """Return the value that the class takes for a field that the configuration leaves open."""
        base, look = self.look({}), self.look({field: _PROBE})
        if base is None or look is None or look.shapes.keys() != base.shapes.keys():
            return None
        pairs = [
            pair
            for name, shape in look.shapes.items()
            for pair in zip(base.shapes[name], shape, strict=False)
            if len(set(pair)) > 1
        ]
        values = {was * _PROBE / is_ for was, is_ in pairs}
        value = values.pop() if len(values) == 1 else 0.0
        return int(value) if value.is_integer() else None

    def _gaps(
        self, values: Values, wanted: Mapping[str, tuple[int, ...]]
    ) -> list[tuple[int, int]]:
        """Return the size that is built and the one that is wanted, of each axis that differs."""
        look = self.look(values)
        if look is None:
            return _hopeless(wanted)
        gaps = [(0, 1) for name in look.saved if name not in wanted]
        for name, shape in wanted.items():
            own = look.shapes.get(name, ())
            if len(own) != len(shape):
                gaps += [(0, size) for size in shape]
            else:
                gaps += [(is_, to) for is_, to in zip(own, shape, strict=True) if is_ != to]
        return gaps

    def _single(
        self, values: Values, gaps: list[tuple[int, int]], banned: frozenset[Field]
    ) -> Iterator[Values]:
        """Yield one field at a time, changed in the ratio in which some size must change."""
        ratios = sorted(set(gaps))
        for field, original in self.fields.items():
            if field in banned:
                continue
            now = values.get(field, original)
            tried = {now}
            for is_, to in ratios:
                if is_ and now * to % is_ == 0 and (value := now * to // is_) not in tried:
                    tried.add(value)
                    if value > 0:
                        yield {field: value}

    def _double(
        self, values: Values, gaps: list[tuple[int, int]], banned: frozenset[Field]
    ) -> Iterator[Values]:
        singles = list(self._single(values, gaps, banned))
        # What has no effect alone, though it can be built, has none with another either.
        here = self.look(values)
        useful = [step for step in singles if self.look({**values, **step}) != here]
        pairs = itertools.combinations(useful, 2)
        apart = ({**a, **b} for a, b in pairs if a.keys() != b.keys())
        yield from itertools.islice(apart, BUILDS // 2)


def _hopeless(wanted: Mapping[str, tuple[int, ...]]) -> list[tuple[int, int]]:
    return [(0, size) for shape in wanted.values() for size in (*shape, 0)]


def _open_fields(held: PreTrainedConfig, before: Field = ()) -> Iterator[Field]:
    """Yield the fields that are left open, and ``head_dim`` where models look for it in vain."""
    for name, value in vars(held).items():
        if isinstance(value, PreTrainedConfig):
            yield from _open_fields(value, (*before, name))
        elif value is None and may_be_size(name):
            yield (*before, name)
    if hasattr(held, "num_attention_heads") and not hasattr(held, "head_dim"):
        yield (*before, "head_dim")

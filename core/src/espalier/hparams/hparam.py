"""The choices for one size of a dynamic module, with an active value."""

from __future__ import annotations

import contextlib
import numbers
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..errors import InvalidChoiceError


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from torch import LongTensor, Tensor

#: What an hparam may choose between: sizes, numbers, tuples, or any comparable object.
Choice: TypeAlias = Any


class Dependent(Protocol):
    """Something that caches what it derived from an hparam."""

    def invalidate(self) -> None:
        """Forget it: the hparam changed."""


class Hparam:
    """
    The choices for one size (or any other discrete value) of a dynamic module.

    A new hparam is active at *original*. Where the choices are sizes, the hparam stands for
    ``n`` interchangeable units, ``n`` being the largest choice it was made with, and a choice
    ``k`` keeps the first ``k`` of them: see `active_slice` and `enforce_order`.

    Args:
        choices: At least one value; duplicates are dropped and the rest is sorted.

        original: The value before anything was searched; one of *choices*. The largest when
            left out.

        name: Where the size is, for messages: ``"layer2.0.conv1.out_channels"``.

    Raises:
        InvalidChoiceError: If there is no choice, or *original* is not one of them.

    Example:
        >>> width = Hparam([16, 32, 64])
        >>> width.active = 32
        >>> width.active_slice
        slice(None, 32, None)
    """

    def __init__(
        self, choices: Sequence[Choice], original: Choice | None = None, *, name: str = ""
    ) -> None:
        self.name = name
        self._choices = _ordered(choices)
        if not self._choices:
            raise InvalidChoiceError(f"{self.label}: choices must hold at least one, got none.")
        self._original = (
            self._choices[-1] if original is None else self._check(original, "original")
        )
        self._units = self._choices[-1] if all(map(_is_size, self._choices)) else None
        self._active = self._original
        self._order: Tensor | None = None
        self._ranking: tuple[int, ...] | None = None
        self._estimators: list[Callable[[], Tensor | None]] = []
        self._dependents: list[Dependent] = []
        self._leader: Hparam | None = None
        self._by_leader: Mapping[Choice, Choice] = {}

    @property
    def label(self) -> str:
        """The name, or what stands for it in messages when there is none."""
        return self.name or type(self).__name__

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The available choices, ascending. May be set to a non-empty subset of themselves."""
        return self._choices

    @choices.setter
    def choices(self, values: Sequence[Choice]) -> None:
        subset = _ordered(self._check(v, "choices may only be narrowed: each") for v in values)
        if not subset:
            raise InvalidChoiceError(f"{self.label}: choices can't be empty; keep at least one.")
        self._choices = subset
        if self.active not in subset:
            self.active = subset[-1]

    @property
    def active(self) -> Choice:
        """The choice in use. May be set to any of `choices`, unless it follows another hparam."""
        return self._active if self._leader is None else self._by_leader[self._leader.active]

    @active.setter
    def active(self, value: Choice) -> None:
        choice = self._check(value, "active")
        if self._leader is not None:
            raise InvalidChoiceError(
                f"{self.label}: active must be set on the hparam that this one is tied to, "
                f"{self._leader.label}; got {choice!r} here."
            )
        if choice != self._active:
            self._active = choice
            self._changed()

    @property
    def original(self) -> Choice:
        """The value before anything was searched."""
        return self._original

    @property
    def min(self) -> Choice:
        """The smallest choice."""
        return self._choices[0]

    @property
    def max(self) -> Choice:
        """The largest choice."""
        return self._choices[-1]

    @property
    def units(self) -> int:
        """
        How many units there are, whatever is active: the largest choice at construction.

        Raises:
            TypeError: If the choices are not sizes.
        """
        if self._units is None:
            raise TypeError(
                f"{self.label}: only an hparam over sizes has units; its choices are "
                f"{_shown(self._choices)}."
            )
        return self._units

    @property
    def active_slice(self) -> slice | LongTensor:
        """
        Which units are active: ``slice(active)``, or the first *active* of an enforced order.

        Raises:
            TypeError: If the choices are not sizes.
        """
        count = self.active if self.units else 0
        if self._order is None:
            return slice(count)
        return self._order[:count]  # type: ignore[return-value]

    @property
    def order(self) -> Tensor | None:
        """The enforced order of the units, shape ``(units,)``, or ``None`` for their own."""
        return self._order

    @property
    def kept(self) -> tuple[int, ...]:
        """The numbers of the active units, ascending, whatever their order."""
        return self.kept_of(self.active)

    def kept_of(self, choice: int) -> tuple[int, ...]:
        """Return the numbers of the units that *choice* keeps, ascending."""
        if self._ranking is None:
            return tuple(range(choice))
        return tuple(sorted(self._ranking[:choice]))

    @property
    def is_configurable(self) -> bool:
        """Whether there is more than one choice."""
        return len(self._choices) > 1

    @property
    def is_whole(self) -> bool:
        """Whether all units are active, in their own order; of other choices, the original."""
        full = self._original if self._units is None else self._units
        return self._order is None and bool(self.active == full)

    @property
    def is_sortable(self) -> bool:
        """Whether the units may be put in another order: true for sizes, false for the rest."""
        return self._units is not None

    @property
    def importance(self) -> Tensor | None:
        """
        How much each unit matters, shape ``(units,)``; ``None`` where no estimator tells.

        Each estimator's vector is divided by its own maximum, so none outweighs another by its
        scale; then they are summed.

        Raises:
            ValueError: If an estimator returns anything but one number for each unit.
        """
        total: Tensor | None = None
        for estimator in self._estimators:
            vector = estimator()
            if vector is None:
                continue
            if tuple(vector.shape) != (self.units,):
                raise ValueError(
                    f"{self.label}: an importance estimator must return shape ({self.units},), "
                    f"one number for each unit; got {tuple(vector.shape)}."
                )
            vector = vector.detach().double()
            top = vector.max() if self.units else 0.0
            scaled = vector / top if top > 0 else vector
            total = scaled if total is None else total + scaled
        return total

    @property
    def estimators(self) -> tuple[Callable[[], Tensor | None], ...]:
        """What was registered to tell the importance, in that order."""
        return tuple(self._estimators)

    def register_importance(
        self, estimator: Callable[[], Tensor | None], *, instead_of: tuple[type, ...] = ()
    ) -> None:
        """
        Add *estimator*; drop those of the types *instead_of*.

        Args:
            estimator: Without arguments; returns shape ``(units,)``, higher matters more, or
                ``None``.
        """
        kept = [own for own in self._estimators if not isinstance(own, instead_of)]
        self._estimators = [*kept, estimator]

    def enforce_order(self, order: Tensor | None = None) -> None:
        """
        Keep the first units of *order* instead of the first units; ``None`` goes back.

        The tensor is referred to, not copied; it must not be written to afterwards.

        Args:
            order: A permutation of ``range(units)``, integers, shape ``(units,)``.

        Raises:
            InvalidChoiceError: If *order* is not such a permutation.
        """
        if order is not None and not _is_permutation(order, self.units):
            raise InvalidChoiceError(
                f"{self.label}: order must be a permutation of range({self.units}) as integers "
                f"of shape ({self.units},), got {_shown(order.flatten().tolist())} as "
                f"{order.dtype} of shape {tuple(order.shape)}."
            )
        self._order = order
        self._ranking = None if order is None else tuple(order.tolist())
        self._changed()

    @contextlib.contextmanager
    def at_original(self) -> Iterator[None]:
        """Be active at the original value for a while, even if it is no choice any more."""
        choices, active = self._choices, self._active
        self._choices = _ordered([*choices, self._original])
        try:
            self.active = self._original
            yield
        finally:
            self._choices, self._active = choices, active
            self._changed()

    @property
    def leader(self) -> Hparam | None:
        """The hparam that this one follows, if any."""
        return self._leader

    def follow(self, leader: Hparam, choices: Mapping[Choice, Choice]) -> None:
        """
        From now on, be active at what belongs to the active choice of *leader*.

        Args:
            leader: Another hparam, which follows none.

            choices: For each choice of *leader* the one that belongs to it here.

        Raises:
            InvalidChoiceError: If *choices* leave one out, name one that is not offered, or if
                either hparam follows one already.
        """
        if leader is self or self._leader is not None or leader.leader is not None:
            raise InvalidChoiceError(
                f"{self.label}: an hparam that follows none can follow one that follows none; "
                f"{leader.label} can't lead it."
            )
        missing = [choice for choice in leader.choices if choice not in choices]
        if missing:
            raise InvalidChoiceError(
                f"{self.label}: choices must say what belongs to each choice of {leader.label}; "
                f"they leave out {_shown(missing)}."
            )
        own = {
            choice: self._check(choices[choice], "each of choices") for choice in leader.choices
        }
        self._choices = _ordered(own.values())
        self._leader, self._by_leader = leader, own
        for dependent in self._dependents:
            leader.notify(dependent)
        self._changed()

    def under(self, config: Mapping[str, Choice]) -> Choice:
        """Return the choice that *config* means for this hparam, or what is active."""
        if self._leader is None:
            return config.get(self.name, self._active)
        return self._by_leader[self._leader.under(config)]

    def notify(self, dependent: Dependent) -> None:
        """Have *dependent* invalidated whenever the active units change. A copy has none."""
        self.__dict__.setdefault("_dependents", []).append(dependent)
        leader = self.__dict__.get("_leader")
        if leader is not None:
            leader.notify(dependent)

    def _changed(self) -> None:
        for dependent in self._dependents:
            dependent.invalidate()

    def offers(self, value: Choice) -> bool:
        """Whether *value* is one of `choices`."""
        try:
            self._check(value, "value")
        except InvalidChoiceError:
            return False
        return True

    def _check(self, value: Choice, what: str) -> Choice:
        """Return the choice that equals *value*: an ``int`` for a ``float`` or a NumPy integer."""
        if isinstance(value, list) and value not in self._choices:
            value = tuple(value)  # which JSON makes lists of
        if value in self._choices:
            choice = self._choices[self._choices.index(value)]
            # True is no size, though Python takes it to equal 1.
            if isinstance(value, bool) is isinstance(choice, bool):
                return choice
        near = ""
        if _is_number(value) and all(_is_number(choice) for choice in self._choices):
            below = [c for c in self._choices if c <= value][-1:]
            above = [c for c in self._choices if c >= value][:1]
            near = " Nearest: " + " and ".join(str(c) for c in below + above) + "."
        raise InvalidChoiceError(
            f"{self.label}: {what} must be one of {_shown(self._choices)}, got {value!r}.{near}"
        )

    def __getstate__(self) -> dict[str, Any]:
        # Dependents of a copy tell it of themselves. Through them a copy would recurse into the
        # whole model, layer by layer.
        return {name: value for name, value in self.__dict__.items() if name != "_dependents"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A dependent that was copied first may have told of itself already.
        self.__dict__ |= {"_dependents": [], **self.__dict__, **state}
        if self._leader is not None:
            for dependent in self._dependents:
                self._leader.notify(dependent)

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        return f"Hparam({name}{_shown(self._choices)}, active={self.active!r})"


def _ordered(values: Iterable[Choice]) -> tuple[Choice, ...]:
    given = [_plain(value) for value in values]
    try:
        unique = list(dict.fromkeys(given))
    except TypeError:  # not hashable
        unique = [value for i, value in enumerate(given) if value not in given[:i]]
    try:
        return tuple(sorted(unique))
    except TypeError:
        return tuple(unique)  # objects without an order keep the one they came in


def _plain(value: Choice) -> Choice:
    # NumPy's integers are no ints to Python, to JSON or to torch.
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return int(value) if whole else value


def _is_permutation(order: Tensor, units: int) -> bool:
    # torch reads a tensor of bytes or truth values as a mask, not as positions.
    whole = str(order.dtype) in ("torch.int64", "torch.int32")
    return whole and order.dim() == 1 and sorted(order.tolist()) == list(range(units))


def _shown(values: Sequence[Choice], most: int = 12) -> str:
    shown = [repr(value) for value in values[:most]]
    if len(values) > most:
        shown[-1:] = ["...", repr(values[-1])]
    return "(" + ", ".join(shown) + ("," if len(shown) == 1 else "") + ")"


def _is_number(value: Choice) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_size(value: Choice) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

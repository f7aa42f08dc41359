"""Where in a run the units of each size can be seen: what modules take and what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from espalier.axes import atoms
from espalier.dynamic import Terms
from espalier.spaces import consumers


if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from espalier.axes import Axis
    from espalier.hparams import Hparam, Term
    from espalier.spaces import Supernet
    from espalier.tracing import Axes


@attrs.frozen
class Place:
    """
    An axis of the first tensor that a module takes or gives, and whose units it carries.

    Args:
        module: Path of the module.

        is_input: Whether the module takes the tensor, rather than gives it.

        dims: How many axes the tensor has.

        axis: Number of the axis.

        term: The term of that axis.

        hparams: Some of the hparams that the term is made of.
    """

    module: str
    is_input: bool
    dims: int
    axis: int
    term: Term
    hparams: tuple[Hparam, ...]


def places_of(supernet: Supernet) -> Iterator[Place]:
    """
    Yield where weights read units, if a module takes what they read.

    Of a size that no module with such weights takes, yield every module that gives it.
    """
    traced = supernet.blueprint.trace
    seek = _Seeker.of(supernet)
    read: dict[str, dict[Hparam, None]] = {}
    for axis in consumers(supernet):
        read.setdefault(axis.module, {}).update(dict.fromkeys(axis.hparams))
    seen: set[Hparam] = set()
    for module, hparams in read.items():
        for place in seek(module, traced.module_inputs.get(module), hparams, is_input=True):
            seen.update(place.hparams)
            yield place
    rest = [hparam for hparam in seek.by_root.values() if hparam not in seen]
    for module, given in traced.module_outputs.items():
        yield from seek(module, given, rest, is_input=False)


@attrs.frozen
class _Seeker:
    """Finds the axes of tensors that carry the units of hparams."""

    by_root: dict[Axis, Hparam]
    term_of: Terms

    @classmethod
    def of(cls, supernet: Supernet) -> _Seeker:
        by_name = {h.name: h for h in supernet.space.every() if h.is_configurable}
        atoms_of = supernet.blueprint.atoms
        by_root = {a.root: by_name[name] for name, a in atoms_of.items() if name in by_name}
        return cls(by_root, Terms(dict(by_root)))

    def __call__(
        self, module: str, axes: Axes | None, hparams: Collection[Hparam], *, is_input: bool
    ) -> Iterator[Place]:
        for number, axis in enumerate(axes or ()):
            found = {self.by_root[root] for root in atoms(axis) if root in self.by_root}
            own = tuple(hparam for hparam in hparams if hparam in found)
            if own:
                term = self.term_of(axis)
                yield Place(module, is_input, len(axes or ()), number, term, own)

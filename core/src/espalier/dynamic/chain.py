"""Containers of blocks that run one after the other, some of which may be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast, overload

import attrs

from ..errors import ConversionError
from ..structuring import Limits
from .module import DynamicModule, served_type
from .rules import LayerRule


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import nn

    from ..hparams import Hparam

#: Name of the hparam of a chain, in its layout and at the end of its full name.
DEPTH = "depth"


@attrs.frozen
class DepthRule(LayerRule):
    """
    How many blocks a chain may have.

    Args:
        depth_ratio: Ratios of the full number of blocks to offer besides it; none to keep all
            blocks. A block may go only where the analysis shows that it gives the axes that it
            gets.
    """

    depth_ratio: tuple[float, ...] = attrs.field(
        default=(), converter=tuple, validator=Limits(items=Limits(above=0, most=1))
    )

    def depths(self, blocks: int) -> set[int]:
        """Return the numbers of blocks to offer, of *blocks* that there are."""
        return {max(round(ratio * blocks), 1) for ratio in self.depth_ratio} | {blocks}


class Chain(DynamicModule):
    """
    Base of the converters of containers that hold blocks.

    The active blocks are all that is seen of the container by whoever iterates, indexes or
    measures it; the others keep their parameters and their place in the state dict.
    """

    rule = DepthRule

    @classmethod
    def convert(cls, module: nn.Module) -> Self:
        """
        Refuse: which blocks may go depends on the model around them.

        Raises:
            ConversionError: Always. `espalier.convert` converts the chains of a model.
        """
        raise ConversionError(
            f"{type(module).__name__} holds blocks, and only the model around it tells which of "
            f"them may go: convert the whole model with espalier.convert."
        )

    @classmethod
    def mutate(
        cls, module: nn.Module, name: str, memo: dict[str, Any], mutate_kwargs: dict[str, Any]
    ) -> DynamicModule | bool:
        """Leave *module* as it is, for the reason that `convert` gives."""
        del module, name, memo, mutate_kwargs
        return False

    @classmethod
    def of_blocks(cls, blocks: Iterable[nn.Module]) -> nn.Module:
        """Return a plain container of the type that is served, with *blocks*."""
        made: Any = served_type(cls)
        return cast("nn.Module", made(list(blocks)))

    def _blocks(self) -> list[nn.Module]:
        all_blocks = list(self._modules.values())
        kept = cast("Hparam", self.layout.further[DEPTH]).kept
        return [cast("nn.Module", all_blocks[number]) for number in kept]

    def __iter__(self) -> Iterator[nn.Module]:
        return iter(self._blocks())

    def __len__(self) -> int:
        return len(self._blocks())

    @overload
    def __getitem__(self, index: int) -> nn.Module: ...

    @overload
    def __getitem__(self, index: slice) -> nn.Module: ...

    def __getitem__(self, index: int | slice) -> nn.Module:
        found = self._blocks()[index]
        return self.of_blocks(found) if isinstance(found, list) else found

    def export(self, shared: dict[int, Any] | None = None) -> nn.Module:
        """Turn into the plain container of the active blocks: see `DynamicModule.export`."""
        kept = cast("Hparam", self.layout.further[DEPTH]).kept
        exported = super().export(shared)
        exported.__dict__["_modules"] = kept_modules(exported, kept)
        return exported


def kept_modules(container: nn.Module, kept: Iterable[int]) -> dict[str, nn.Module | None]:
    """
    Return the children of *container* at the numbers *kept*, under the names they have then.

    Where all names are numbers, the rest is numbered anew, as if it had been built so.
    """
    pairs = list(container._modules.items())  # noqa: SLF001
    numbered = all(name == str(number) for number, (name, _) in enumerate(pairs))
    found: Mapping[str, nn.Module | None] = {
        str(place) if numbered else pairs[number][0]: pairs[number][1]
        for place, number in enumerate(kept)
    }
    return type(container._modules)(found)  # noqa: SLF001

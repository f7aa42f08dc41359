"""Derivatives of the loss by a mask on what a smaller kernel leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import torch

from espalier.hparams import WindowHparam


if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from espalier.hparams import Choice, Hparam
    from espalier.spaces import Supernet


@attrs.frozen
class KernelWindow:
    """
    The axes of a weight of which a choice keeps the middle.

    Args:
        module: Path of the module that holds it.

        tensor: Its name in the module.

        windows: The window of each axis, by its number.

        hparam: What chooses.
    """

    module: str
    tensor: str
    windows: dict[int, WindowHparam]
    hparam: Hparam

    @property
    def hparams(self) -> tuple[Hparam]:
        """What chooses, alone."""
        return (self.hparam,)

    def derivatives(self, weight: Tensor, gradient: Tensor) -> Tensor:
        """
        Return the derivative by a mask on the taps that each choice drops, shape ``(choices,)``.

        Args:
            weight: The whole weight.

            gradient: Of the loss by it.
        """
        others = [axis for axis in range(weight.dim()) if axis not in self.windows]
        wide = torch.promote_types(weight.dtype, torch.float32)
        taps = (weight.to(wide) * gradient.to(wide)).sum(others, dtype=torch.float64)
        return torch.stack([self._dropped(taps, choice) for choice in self.hparam.choices])

    def _dropped(self, taps: Tensor, choice: Choice) -> Tensor:
        dropped = torch.ones(taps.shape, dtype=torch.bool, device=taps.device)
        kept = []
        for window in self.windows.values():
            margin = (window.units - choice[window.index]) // 2
            kept.append(slice(margin, window.units - margin))
        dropped[tuple(kept)] = False
        return taps[dropped].sum()


def windows_of(model: nn.Module, supernet: Supernet) -> Iterator[KernelWindow]:
    """Yield each weight of which the search may keep the middle."""
    for path, layout in supernet.layouts.items():
        own = model.get_submodule(path)._parameters  # noqa: SLF001
        for name, terms in layout.tensors.items():
            windows = {axis: t for axis, t in enumerate(terms) if isinstance(t, WindowHparam)}
            if own.get(name) is None or not windows:
                continue
            for hparam in dict.fromkeys(window.hparam for window in windows.values()):
                mine = {axis: w for axis, w in windows.items() if w.hparam is hparam}
                if hparam.is_configurable:
                    yield KernelWindow(path, name, mine, hparam)

"""What units lose when they go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from espalier.hparams import Hparam
    from espalier.spaces import Supernet

#: Of how many batches the derivatives are kept.
MOST_BATCHES = 64


@final
class Together:
    """
    The derivatives by the masks on all units, batch by batch.

    The sum of squares is what units lose if each goes in a world where the others stay. One mask
    on all that go has the sum of their derivatives, which is then squared: units that pull the
    loss the same way cost more together, and those that make up for each other cost less.

    Args:
        supernet: The record of the converted model.

        power: Of the absolute derivative that is added up over batches.
    """

    def __init__(self, supernet: Supernet, power: int = 2) -> None:
        self._orders = supernet.orders
        self._power = power
        self._kept: dict[Hparam, list[Tensor]] = {}
        self._seen = 0

    def add(self, derivatives: Mapping[Hparam, Tensor]) -> None:
        """
        Keep what one batch tells, unless enough was kept.

        Args:
            derivatives: By the mask on each unit, where it stands now, shape ``(units,)``.
        """
        self._seen += 1
        if self._seen > MOST_BATCHES:
            return
        for hparam, vector in derivatives.items():
            if hparam.is_sortable and vector.shape == (hparam.units,):
                order = self._orders.get(hparam.name)
                found = vector.detach().cpu()
                self._kept.setdefault(hparam, []).append(
                    found.float() if order is None else found[order.argsort()].float()
                )

    def lost(self, hparam: Hparam) -> list[float] | None:
        """
        Return what *hparam* loses with its last units, by how many it keeps, from 0 to all.

        ``None`` if its derivatives were not told.
        """
        kept = self._kept.get(hparam)
        if kept is None:
            return None
        rows = torch.stack(kept).double()
        if hparam.name in self._orders:
            rows = rows[:, self._orders[hparam.name]]
        if hparam.order is not None:
            rows = rows[:, hparam.order.to(rows.device)]
        tails = rows.flip(1).cumsum(1).flip(1)
        return [*tails.abs().pow(self._power).sum(0).tolist(), 0.0]

"""What the units scored, kept where the core looks for their importance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, final

import attrs

from ..spaces.importance import Importance


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ..hparams import Hparam
    from ..spaces import Supernet


@final
@attrs.define(eq=False)
class UnitScores:
    """
    The scores of the units of one hparam, wherever sorting has put them since.

    Args:
        name: The hparam's.

        orders: Where each unit stood when the model was converted, by hparam. Not the record that
            holds it: through that, a copy of an hparam would recurse into the whole model.

        by_choice: What each choice loses, of an hparam that is no number of units.
    """

    name: str
    orders: Mapping[str, Tensor]
    by_choice: Mapping[Any, float] | None = None
    _as_converted: Tensor | None = None

    @classmethod
    def record(cls, hparam: Hparam, supernet: Supernet, scores: Tensor | None) -> Self:
        """
        Register *scores* with *hparam*, in place of earlier ones and of magnitudes.

        What somebody registered by hand stays, and adds to them.

        Args:
            hparam: Whose units, or choices, were scored.

            supernet: The record of the converted model.

            scores: Shape ``(units,)`` as the units stand now, or ``(choices,)``; ``None`` if
                nothing is known.
        """
        made = cls(hparam.name, supernet.orders)
        if scores is not None and hparam.is_sortable:
            order = supernet.orders.get(hparam.name)
            made._as_converted = scores if order is None else scores[order.argsort()]
        elif scores is not None:
            made.by_choice = dict(zip(hparam.choices, scores.tolist(), strict=True))
        hparam.register_importance(made, instead_of=(cls, Importance))
        return made

    @classmethod
    def known(cls, hparam: Hparam) -> Self | None:
        """Return what is registered with *hparam*, if anything is."""
        return next((own for own in hparam.estimators if isinstance(own, cls)), None)

    def __call__(self) -> Tensor | None:
        """Return the scores as the units stand now, shape ``(units,)``, if there are any."""
        if self._as_converted is None or self.name not in self.orders:
            return self._as_converted
        return self._as_converted[self.orders[self.name]]

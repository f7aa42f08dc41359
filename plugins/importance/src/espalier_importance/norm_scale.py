"""Importance by what a normalisation multiplies a unit with."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from espalier import ImportanceEstimator
from espalier.hparams import leaves
from espalier.spaces.importance import Importance, carried


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from espalier.hparams import Hparam
    from espalier.searching import SearchTask


@final
class BatchNormScale(ImportanceEstimator):
    """
    The absolute scale that normalisations give a unit, each over its largest, summed.

    A normalisation is a module whose class, or a base of it, has "norm" in its name, and its
    scale is the parameter ``weight``: batch, instance, layer, group and root mean square
    normalisation of torch's, and those that a model brings itself. A size that no such scale
    carries, such as the inner width of a transformer's block, has no score and keeps its order.

    Source:
        Liu et al., *Learning Efficient Convolutional Networks through Network Slimming*,
        ICCV 2017, arXiv:1708.06519, section 3.
    """

    name = "bn_scale"

    def estimate(self, task: SearchTask) -> Mapping[Hparam, Tensor]:
        """Return the sums of the scales of each size that a normalisation scales."""
        found: dict[Hparam, Tensor] = {}
        for path, tensor, axis, term in carried(task.model, task.supernet):
            module = task.model.get_submodule(path)
            if tensor != "weight" or not _is_normalisation(module):
                continue
            for hparam in dict.fromkeys(leaves(term)):
                own = module._parameters  # noqa: SLF001
                scales = Importance(own, tensor, axis, term, hparam, power=1)()
                if scales is None or not hparam.is_configurable:
                    continue
                top = scales.max()
                scaled = scales / top if top > 0 else scales
                known = found.get(hparam)
                found[hparam] = scaled if known is None else known + scaled.to(known.device)
        return found


def _is_normalisation(module: nn.Module) -> bool:
    return any("norm" in kind.__name__.lower() for kind in type(module).__mro__)

"""Recurrent layers and cells whose hidden and input features follow hparams."""

from typing import Any, cast, final

import torch
from torch import nn

from espalier.dynamic import DynamicModule, follows

from .rules import FeatureRule


class _DynamicRecurrent(DynamicModule):
    """
    All layers and directions have one ``hidden_size``, and its units.

    ``forward`` reads a list of the parameters and not the parameters; here it is made anew at
    each reading, of their active parts.
    """

    sizes = {
        "hidden_size": follows("weight_hh_l0", axis=1),
        "input_size": follows("weight_ih_l0", axis=1),
    }
    rule = FeatureRule
    _flat_weights_names: list[str]

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one step of one sequence, on ``meta``."""
        dtype = module.weight_ih_l0.dtype
        return torch.empty(1, 1, module.input_size, dtype=dtype, device="meta")

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @_flat_weights.setter
    def _flat_weights(self, value: list[Any]) -> None:
        del value
        own = {**self.__dict__, **self._parameters}
        self.__dict__["_flat_weights"] = [own[name] for name in self._flat_weights_names]

    def _update_flat_weights(self) -> None:
        """Do nothing: they are never out of date."""

    def flatten_parameters(self) -> None:
        """Lay the parameters out one after the other, unless only parts of them are active."""
        if all(getattr(self, name) is own for name, own in self._parameters.items()):
            super().flatten_parameters()  # type: ignore[misc]

    def export(self, shared: dict[int, Any] | None = None) -> nn.Module:
        """Turn into a plain layer of the active sizes, in place: see `DynamicModule.export`."""
        exported: Any = super().export(shared)
        exported._init_flat_weights()  # noqa: SLF001 - as torch does when parameters are replaced
        return cast("nn.Module", exported)


@final
class DynamicRNN(_DynamicRecurrent, nn.RNN):
    """A recurrent layer without gates, with searchable features."""


@final
class DynamicGRU(_DynamicRecurrent, nn.GRU):
    """A gated recurrent layer with searchable features."""


@final
class DynamicLSTM(_DynamicRecurrent, nn.LSTM):
    """
    A layer of long short-term memory with searchable features.

    With a projection its own units stay, since they must be more than the projection's.
    """

    sizes = {
        "hidden_size": follows(
            "weight_hr_l0", axis=1, otherwise=_DynamicRecurrent.sizes["hidden_size"]
        ),
        "proj_size": follows("weight_hr_l0", axis=0),
        "input_size": _DynamicRecurrent.sizes["input_size"],
    }


class _DynamicCell(DynamicModule):
    """The weights are ``(gates * hidden_size, input_size)`` and ``(…, hidden_size)``."""

    sizes = {
        "hidden_size": follows("weight_hh", axis=1),
        "input_size": follows("weight_ih", axis=1),
    }
    rule = FeatureRule

    @classmethod
    def example_inputs(cls, module: Any) -> torch.Tensor:
        """Return one sample, on ``meta``."""
        return torch.empty(1, module.input_size, dtype=module.weight_ih.dtype, device="meta")


@final
class DynamicRNNCell(_DynamicCell, nn.RNNCell):
    """One step of a recurrent layer without gates, with searchable features."""


@final
class DynamicGRUCell(_DynamicCell, nn.GRUCell):
    """One step of a gated recurrent layer, with searchable features."""


@final
class DynamicLSTMCell(_DynamicCell, nn.LSTMCell):
    """One step of long short-term memory, with searchable features."""

"""Remember what every module of a model holds, and put it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import attrs


if TYPE_CHECKING:
    from torch import nn

_HOLDERS = ("_parameters", "_buffers", "_modules")


@attrs.frozen
class Snapshot:
    """
    The structure of a model at one moment: classes, attributes, and which tensors it holds.

    The tensors themselves are referred to, not copied.

    Example:
        >>> from torch import nn
        >>> layer = nn.Linear(2, 3)
        >>> before = Snapshot.of(layer)
        >>> layer.out_features, layer.bias = 4, None
        >>> before.restore()
        >>> layer.out_features, layer.bias is None
        (3, False)
    """

    states: tuple[_ModuleState, ...]

    @classmethod
    def of(cls, model: nn.Module) -> Self:
        """Remember *model* and all modules below it."""
        return cls(tuple(_ModuleState.of(module) for module in model.modules()))

    def restore(self) -> None:
        """Put every module back; tensors changed in place stay changed."""
        for state in self.states:
            state.restore()


@attrs.frozen
class _ModuleState:
    module: nn.Module
    type: type[nn.Module]
    attributes: dict[str, Any]
    contents: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, module: nn.Module) -> Self:
        own = dict(module.__dict__)
        return cls(module, type(module), own, {key: dict(own[key]) for key in _HOLDERS})

    def restore(self) -> None:
        self.module.__class__ = self.type
        self.module.__dict__.clear()
        self.module.__dict__.update(self.attributes)
        for key, content in self.contents.items():
            held = self.module.__dict__[key]
            held.clear()
            held.update(content)

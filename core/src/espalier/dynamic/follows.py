"""How a converter says which attributes of a layer follow which axes."""

from __future__ import annotations

from typing import TypeAlias

import attrs


@attrs.frozen
class TensorAxis:
    """Axis *axis* of the parameter or buffer *tensor*; *otherwise* where there is none."""

    tensor: str
    axis: int
    otherwise: SizeRule | None = None


@attrs.frozen
class InputAxis:
    """Axis *axis* of the first tensor that the layer is called with; negative from the end."""

    axis: int


@attrs.frozen
class OperatorArgument:
    """Integer argument *name* of an operator that the layer, or its *submodule*, runs."""

    name: str
    submodule: str = ""


Source: TypeAlias = TensorAxis | InputAxis | OperatorArgument


@attrs.frozen
class SizeRule:
    """What an attribute is: the row-major product of its sources, outermost first."""

    sources: tuple[Source, ...]

    def __mul__(self, other: SizeRule) -> SizeRule:
        return SizeRule(self.sources + other.sources)


def follows(tensor: str, axis: int, otherwise: SizeRule | None = None) -> SizeRule:
    """
    Say that an attribute is the size of an axis of a parameter or buffer.

    Args:
        tensor: Its name in the layer.

        axis: Counted from the front.

        otherwise: What the attribute follows in a layer made without that tensor.

    Example:
        >>> sizes = {"in_channels": argument("groups") * follows("weight", axis=1)}
    """
    return SizeRule((TensorAxis(tensor, axis, otherwise),))


def follows_input(axis: int) -> SizeRule:
    """Say that an attribute is the size of an axis of the layer's first input, ``-1`` the last."""
    return SizeRule((InputAxis(axis),))


def argument(name: str, submodule: str = "") -> SizeRule:
    """
    Say that an attribute is handed to the layer's operator as its argument *name*.

    The axis rule of the operator knows which axes that argument belongs to.

    Args:
        name: In the operator's schema: ``"groups"``.

        submodule: Path, in the layer, of the module that runs the operator; the layer itself
            where empty.
    """
    return SizeRule((OperatorArgument(name, submodule),))

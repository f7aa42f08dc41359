"""Whether a converter would hide what a subclass of the layer type it serves says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .module import DynamicModule, served_type


if TYPE_CHECKING:
    from torch import nn

#: What every class has, whatever is written in it.
_OF_ALL = frozenset(vars(type("_", (), {}))) | {"__annotations__", "__abstractmethods__"}


def hides(converter: type[DynamicModule], plain: type[nn.Module]) -> bool:
    """
    Whether *converter* and *plain* override the same name in the layer type they both are of.

    In a converted module the converter's come first, so the module would no longer do what its
    own class says. What all converters have is not looked at.

    Args:
        converter: The converter of an ancestor of *plain*.

        plain: Class of a module.
    """
    served = served_type(converter)
    own = _names_in(converter, besides=(DynamicModule, served))
    return not own.isdisjoint(_names_in(plain, besides=(served,)))


def _names_in(kind: type[object], besides: tuple[type[object], ...]) -> set[str]:
    """Return what *kind* and its ancestors define, those that *besides* also have left out."""
    left_out = {cls for other in besides for cls in other.__mro__}
    classes = (cls for cls in kind.__mro__ if cls not in left_out)
    return {name for cls in classes for name in vars(cls)} - _OF_ALL

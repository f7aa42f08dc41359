"""Modules whose sizes follow hparams."""

from .follows import SizeRule, argument, follows, follows_input
from .layout import Layout, Size, Terms, layouts_of, stand_ins
from .module import DynamicModule, make_dynamic
from .rules import LayerRule


__all__ = [
    "DynamicModule",
    "LayerRule",
    "Layout",
    "Size",
    "SizeRule",
    "Terms",
    "argument",
    "follows",
    "follows_input",
    "layouts_of",
    "make_dynamic",
    "stand_ins",
]

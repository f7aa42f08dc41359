"""Modules whose sizes follow hparams."""

from .follows import SizeRule, argument, follows, follows_input
from .hiding import hides
from .layout import Layout, Size, Terms, layouts_of, stand_ins
from .module import DynamicModule, make_dynamic, plain_type_of
from .rules import LayerRule, WidthRule, divisor_field, ratio_field


__all__ = [
    "DynamicModule",
    "LayerRule",
    "Layout",
    "Size",
    "SizeRule",
    "Terms",
    "WidthRule",
    "argument",
    "divisor_field",
    "follows",
    "follows_input",
    "hides",
    "layouts_of",
    "make_dynamic",
    "plain_type_of",
    "ratio_field",
    "stand_ins",
]

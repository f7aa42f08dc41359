"""Modules whose sizes follow hparams."""

from .chain import DEPTH, Chain, DepthRule, kept_modules
from .follows import SizeRule, argument, follows, follows_input
from .further import Further
from .hiding import hides
from .layout import (
    Layout,
    Size,
    Terms,
    layouts_of,
    stand_ins,
    window_terms,
    with_further,
)
from .module import DynamicModule, make_dynamic, plain_type_of
from .rules import LayerRule, WidthRule, divisor_field, ratio_field


__all__ = [
    "DEPTH",
    "Chain",
    "DepthRule",
    "DynamicModule",
    "Further",
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
    "kept_modules",
    "layouts_of",
    "make_dynamic",
    "plain_type_of",
    "ratio_field",
    "stand_ins",
    "window_terms",
    "with_further",
]

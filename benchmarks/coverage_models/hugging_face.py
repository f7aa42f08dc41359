"""Architectures of Hugging Face's transformers, small, with sizes that differ from each other."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from . import kernels as _kernels  # noqa: F401 - transformers imports torchvision
from .case import Case
from .hugging_face_sight import SIGHT
from .hugging_face_sound import SOUND
from .hugging_face_text import DECODERS, ENCODERS, PAIRS
from .hugging_face_text_more import MORE_DECODERS, MORE_ENCODERS, MORE_PAIRS


# The kernels must be declared first.
import transformers  # isort: skip


#: Architecture to the arguments of its configuration.
Sizes = Mapping[str, Mapping[str, Any]]

#: Tokens are numbers below this, and none of the special ones.
VOCABULARY = 101
SPECIAL = 4


def cases() -> list[Case]:
    """Return every architecture, with the inputs of its kind."""
    reading = {**ENCODERS, **DECODERS, **MORE_ENCODERS, **MORE_DECODERS}
    made = [_case(name, sizes, _text) for name, sizes in reading.items()]
    made += [_case(name, sizes, _pair) for name, sizes in {**PAIRS, **MORE_PAIRS}.items()]
    made += [_case(name, sizes, inputs) for name, (sizes, inputs) in SOUND.items()]
    return made + [_case(name, sizes, inputs) for name, (sizes, inputs) in SIGHT.items()]


def _case(name: str, sizes: Mapping[str, Any], inputs: Any) -> Case:
    return Case("transformers", name, partial(_make, getattr(transformers, name), sizes, inputs))


def _make(kind: Any, sizes: Mapping[str, Any], inputs: Any) -> tuple[nn.Module, Any]:
    return kind(kind.config_class(**sizes)), inputs()


def _tokens(length: int) -> torch.Tensor:
    return torch.randint(SPECIAL, VOCABULARY, (2, length))


def _text() -> dict[str, torch.Tensor]:
    return {"input_ids": _tokens(11)}


def _pair() -> dict[str, torch.Tensor]:
    return {"input_ids": _tokens(11), "decoder_input_ids": _tokens(7)}

"""Networks written for the table: what people build themselves, and two of *diffusers*' make."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .case import Case
from .diffusion import Autoencoder, UNet
from .sequences import GPT, Tagger, Translator


def _words(length: int) -> torch.Tensor:
    return torch.randint(1, 101, (2, length))


def _noise() -> dict[str, torch.Tensor]:
    return {
        "sample": torch.randn(2, 5, 16, 16),
        "timestep": torch.tensor([3, 700]),
        "encoder_hidden_states": torch.randn(2, 9, 28),
    }


def _encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(48, 4, 80, batch_first=True)
    return nn.TransformerEncoder(layer, 2)


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any]]] = {
    "VAE": (Autoencoder, lambda: torch.randn(2, 3, 32, 32)),
    "UNet": (UNet, _noise),
    "GPT": (GPT, lambda: _words(11)),
    "nn.Transformer": (Translator, lambda: (_words(11), _words(7))),
    "nn.TransformerEncoder": (_encoder, lambda: torch.randn(2, 11, 48)),
    "LSTM tagger": (Tagger, lambda: _words(11)),
}


def cases() -> list[Case]:
    """Return all of them."""
    return [Case("own", name, _maker(*parts)) for name, parts in MODELS.items()]


def _maker(
    kind: Callable[[], nn.Module], inputs: Callable[[], Any]
) -> Callable[[], tuple[nn.Module, Any]]:
    return lambda: (kind(), inputs())

"""Speech models of transformers, by class: arguments of their configurations, and inputs."""

from collections.abc import Callable
from typing import Any

import torch

from .hugging_face_text import TWO_SIDES, USUAL


_WAVES = {
    **{name: size for name, size in USUAL.items() if name != "max_position_embeddings"},
    "conv_dim": (24, 20, 28),
    "conv_stride": (5, 2, 2),
    "conv_kernel": (10, 3, 3),
    "num_feat_extract_layers": 3,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def _waves() -> dict[str, torch.Tensor]:
    return {"input_values": torch.randn(2, 480)}


def _spectrum() -> dict[str, torch.Tensor]:
    return {
        "input_features": torch.randn(2, 20, 48),
        "decoder_input_ids": torch.randint(4, 101, (2, 7)),
    }


SOUND: dict[str, tuple[dict[str, Any], Callable[[], Any]]] = {
    "WhisperForConditionalGeneration": (
        {
            **{name: size for name, size in TWO_SIDES.items() if "position" not in name},
            "num_mel_bins": 20,
            "max_source_positions": 24,
            "max_target_positions": 30,
            "pad_token_id": 0,
            "decoder_start_token_id": 1,
        },
        _spectrum,
    ),
    "Wav2Vec2ForCTC": (_WAVES, _waves),
    "HubertForCTC": (_WAVES, _waves),
    "WavLMForCTC": ({**_WAVES, "num_buckets": 12, "max_bucket_distance": 20}, _waves),
    "UniSpeechSatForCTC": (_WAVES, _waves),
    "Data2VecAudioForCTC": ({**_WAVES, "conv_pos_kernel_size": 7}, _waves),
    "SEWForCTC": ({**_WAVES, "squeeze_factor": 2}, _waves),
}

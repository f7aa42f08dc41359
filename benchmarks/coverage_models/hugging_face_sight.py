"""Models of transformers that see, by class: arguments of their configurations, and inputs."""

from collections.abc import Callable
from typing import Any

import torch

from .hugging_face_text import USUAL


_LAYERS = {
    "hidden_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 160,
}
_PATCHES = {**_LAYERS, "image_size": 32, "patch_size": 8}
_WORDS = {**USUAL, "bos_token_id": 1, "eos_token_id": 2}

_SWIN = {
    "image_size": 64,
    "patch_size": 4,
    "embed_dim": 24,
    "depths": (2, 2),
    "num_heads": (3, 6),
    "window_size": 4,
}
_SWIN_STAGES = {
    "model_type": "swin",
    **_SWIN,
    "embed_dim": 12,
    "depths": (1, 1, 1, 1),
    "num_heads": (1, 2, 3, 6),
    "window_size": 2,
    "out_features": ["stage1", "stage2", "stage3", "stage4"],
}
_RESNET = {
    "embedding_size": 20,
    "hidden_sizes": (32, 48, 64, 80),
    "depths": (1, 2, 1, 1),
}
_CONVNEXT = {"hidden_sizes": (24, 40, 56, 72), "depths": (1, 2, 1, 1)}
_DETECTION = {
    "backbone_config": {"model_type": "resnet", **_RESNET, "out_features": ["stage4"]},
    "use_timm_backbone": False,
    "d_model": 96,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 160,
    "decoder_ffn_dim": 144,
    "num_queries": 9,
}
_TWO_TOWERS = {
    "text_config": _WORDS,
    "vision_config": {**_PATCHES, "hidden_size": 80, "intermediate_size": 144},
    "projection_dim": 56,
}


def _picture(pixels: int) -> Callable[[], dict[str, torch.Tensor]]:
    return lambda: {"pixel_values": torch.randn(2, 3, pixels, pixels)}


def _captioned() -> dict[str, torch.Tensor]:
    return {**_picture(32)(), "input_ids": torch.randint(4, 101, (2, 11))}


SIGHT: dict[str, tuple[dict[str, Any], Callable[[], Any]]] = {
    "ViTForImageClassification": (_PATCHES, _picture(32)),
    "DeiTForImageClassificationWithTeacher": (_PATCHES, _picture(32)),
    "BeitForImageClassification": (
        {**_PATCHES, "use_relative_position_bias": True},
        _picture(32),
    ),
    "SwinForImageClassification": (_SWIN, _picture(64)),
    "ConvNextForImageClassification": (_CONVNEXT, _picture(64)),
    "ResNetForImageClassification": (_RESNET, _picture(64)),
    "SegformerForSemanticSegmentation": (
        {
            "hidden_sizes": (16, 24, 40, 48),
            "num_attention_heads": (1, 2, 5, 6),
            "depths": (1, 2, 1, 1),
            "decoder_hidden_size": 56,
        },
        _picture(64),
    ),
    "DetrForObjectDetection": (_DETECTION, _picture(64)),
    "Mask2FormerForUniversalSegmentation": (
        {
            "backbone_config": _SWIN_STAGES,
            "feature_size": 64,
            "mask_feature_size": 40,
            "hidden_dim": 64,
            "encoder_feedforward_dim": 72,
            "dim_feedforward": 88,
            "encoder_layers": 2,
            "decoder_layers": 3,
            "num_attention_heads": 4,
            "num_queries": 9,
        },
        _picture(64),
    ),
    "CLIPModel": (_TWO_TOWERS, _captioned),
    "SiglipModel": (
        {name: value for name, value in _TWO_TOWERS.items() if name != "projection_dim"}
        | {"vision_config": _PATCHES},
        _captioned,
    ),
    "BlipModel": (
        {**_TWO_TOWERS, "text_config": {**_WORDS, "encoder_hidden_size": 80}},
        _captioned,
    ),
    "Dinov2ForImageClassification": (
        {"mlp_ratio": 2, **{n: s for n, s in _PATCHES.items() if n != "intermediate_size"}},
        _picture(32),
    ),
    "Swinv2ForImageClassification": (_SWIN, _picture(64)),
    "ConvNextV2ForImageClassification": (_CONVNEXT, _picture(64)),
    "PoolFormerForImageClassification": (
        {"hidden_sizes": (16, 24, 40, 48), "depths": (1, 2, 1, 1)},
        _picture(64),
    ),
    "RegNetForImageClassification": (
        {**_RESNET, "groups_width": 16},
        _picture(64),
    ),
    "YolosForObjectDetection": (
        {**_PATCHES, "image_size": [32, 48], "num_detection_tokens": 7},
        lambda: {"pixel_values": torch.randn(2, 3, 32, 48)},
    ),
    "ViTMAEForPreTraining": (
        {
            **_PATCHES,
            "decoder_hidden_size": 56,
            "decoder_num_hidden_layers": 2,
            "decoder_num_attention_heads": 2,
            "decoder_intermediate_size": 72,
        },
        _picture(32),
    ),
    "DPTForDepthEstimation": (
        {
            **_PATCHES,
            "num_hidden_layers": 4,
            "backbone_out_indices": [0, 1, 2, 3],
            "neck_hidden_sizes": [12, 20, 28, 36],
            "fusion_hidden_size": 32,
            "is_hybrid": False,
        },
        _picture(32),
    ),
    "VideoMAEForVideoClassification": (
        {**_PATCHES, "num_frames": 4},
        lambda: {"pixel_values": torch.randn(2, 4, 3, 32, 32)},
    ),
    "TimesformerForVideoClassification": (
        {**_PATCHES, "num_frames": 4},
        lambda: {"pixel_values": torch.randn(2, 4, 3, 32, 32)},
    ),
    "ViltModel": (
        {**_PATCHES, **{n: USUAL[n] for n in ("vocab_size", "max_position_embeddings")}},
        _captioned,
    ),
}

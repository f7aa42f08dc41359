"""All models of torchvision but the quantized ones, which are other models in another dtype."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from . import kernels
from .case import Case


# The kernels must be declared first.
from torchvision import models  # isort: skip


kernels.install()

#: Inputs of 64 pixels leave something to every stage of most networks.
PIXELS = 64

#: Networks that need more, or a fixed number of pixels.
NEEDS = {
    "alexnet": 128,
    "inception_v3": 80,
    "maxvit_t": 224,
    "vit_b_16": 64,
    "vit_b_32": 96,
    "vit_h_14": 56,
    "vit_l_16": 64,
    "vit_l_32": 96,
}

#: Arguments of constructors that depend on the input.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"init_weights": True},
    "inception_v3": {"init_weights": True},
    **{name: {"image_size": pixels} for name, pixels in NEEDS.items() if name.startswith("vit")},
}

#: Few proposals, or the time goes into boxes.
FEW = {
    "rpn_pre_nms_top_n_test": 30,
    "rpn_post_nms_top_n_test": 12,
    "box_detections_per_img": 8,
    "box_score_thresh": 0.0,
}

SHAPES = {
    models.video: (2, 3, 8, 64, 64),
    models.segmentation: (2, 3, PIXELS, PIXELS),
}


def cases() -> list[Case]:
    """Return every model that torchvision lists."""
    made = [_case(name, _classification) for name in models.list_models(module=models)]
    made += [
        _case(name, partial(_shaped, shape=shape))
        for module, shape in SHAPES.items()
        for name in models.list_models(module=module)
    ]
    made += [_case(name, _detection) for name in models.list_models(module=models.detection)]
    made += [_case(name, _flow) for name in models.list_models(module=models.optical_flow)]
    return made


def _case(name: str, make: Any) -> Case:
    return Case("torchvision", name, partial(make, name))


def _plain(name: str, **more: Any) -> nn.Module:
    return models.get_model(name, weights=None, **more)


def _classification(name: str) -> tuple[nn.Module, Tensor]:
    pixels = NEEDS.get(name, PIXELS)
    return _plain(name, **ARGUMENTS.get(name, {})), torch.randn(2, 3, pixels, pixels)


def _shaped(name: str, shape: tuple[int, ...]) -> tuple[nn.Module, Tensor]:
    more = {"weights_backbone": None} if len(shape) == 4 else {}  # noqa: PLR2004 - pictures
    if name.startswith(("mvit", "s3d")):
        shape = (1, 3, 16, 224, 224)  # what their last pooling and position tables are made for
    return _plain(name, **more), torch.randn(shape)


def _detection(name: str) -> tuple[nn.Module, tuple[list[Tensor]]]:
    sizes = {} if name.startswith("ssd") else {"min_size": 96, "max_size": 128}
    few = (
        FEW
        if "rcnn" in name
        else {"detections_per_img": 8, "topk_candidates": 30, "score_thresh": 0.0}
    )
    model = _plain(name, weights_backbone=None, **sizes, **few)
    return model, ([torch.rand(3, 96, 96), torch.rand(3, 96, 128)],)


def _flow(name: str) -> tuple[nn.Module, tuple[Tensor, Tensor, int]]:
    # Correlation over 4 levels needs 16 cells of 8 pixels.
    return _plain(name), (torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 128), 2)

"""Every family goes all the way, with the same code."""

import random

import pytest
import torch

import espalier
import espalier_transformers

from .families import FAMILIES, build, output


RULES = {
    "nn.Linear": {"feature_divisor": 4},
    "nn.Conv1d": {"channel_divisor": 4},
    "nn.Conv2d": {"channel_divisor": 4},
}


#: Where both ways take some seconds, the one that only `make long` goes; the other is always gone.
FREE_LATER = {
    "bart", "gemma2", "gptj", "llama", "mamba", "phi", "qwen2", "qwen2_moe", "swin", "t5",
    "whisper",
}  # fmt: skip
UNIFORM_LATER = {
    "deepseek_v3", "gemma", "gemma3", "mamba2", "mbart", "mistral", "mixtral", "modernbert",
    "pegasus", "phi3", "qwen3", "qwen3_moe", "segformer",
}  # fmt: skip


def cases():
    """Yield each family both ways."""
    for family in sorted(FAMILIES):
        for way, later in (("free", FREE_LATER), ("uniform", UNIFORM_LATER)):
            marks = [pytest.mark.slow, *[pytest.mark.long] * (family in later)]
            yield pytest.param(family, way == "uniform", id=f"{family}-{way}", marks=marks)


@pytest.mark.parametrize(("family", "uniform"), list(cases()))
def test_a_random_subnet_is_exported_saved_and_loaded(family, uniform, tmp_path):
    """
    It gives the outputs that it gave in the supernet, also after it was loaded again.
    """
    model, inputs = build(family)
    espalier_transformers.convert(model, inputs=inputs, config=RULES, uniform=uniform)
    space = espalier.space(model)
    space.select(space.sample(random.Random(0)))
    expected = output(model, inputs)
    espalier.export(model)
    model.save_pretrained(tmp_path)
    load = type(model).from_pretrained if uniform else espalier_transformers.from_pretrained

    torch.testing.assert_close(output(model, inputs), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(output(load(tmp_path).eval(), inputs), expected, rtol=0, atol=1e-5)

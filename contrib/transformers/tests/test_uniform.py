"""Spaces in which a configuration can say every subnet."""

import random

import pytest
import torch

import espalier
import espalier_transformers
from espalier.errors import ConversionError

from .families import build, output


RULES = {"nn.Linear": {"feature_divisor": 4}}


def converted(family):
    model, inputs = build(family)
    espalier_transformers.convert(model, inputs=inputs, config=RULES, uniform=True)
    return model, inputs


def free(model):
    return {name for name, hparam in espalier.space(model).items() if hparam.is_configurable}


def test_one_choice_for_all_layers():
    """
    What shares a number in the configuration is one hparam; what has none there stays.
    """
    model, _ = converted("llama")

    assert {
        "model.embed_tokens.embedding_dim",
        "model.layers.0.self_attn.q_proj.out_features.0",
        "model.layers.0.mlp.gate_proj.out_features",
    } == free(model)


def test_width_and_heads_go_together_where_one_is_derived_from_the_other():
    """
    BERT has no head size of its own: its width is the heads times that.
    """
    model, _ = converted("bert")
    space = espalier.space(model)
    width = "bert.embeddings.word_embeddings.embedding_dim"

    assert (24, 48, 72, 96) == space[width].choices
    space.select({width: 48})
    espalier.export(model)
    assert (48, 2) == (model.config.hidden_size, model.config.num_attention_heads)
    assert 24 == model.bert.encoder.layer[1].attention.self.attention_head_size


@pytest.mark.parametrize("family", ["bert", "qwen2", "vit"])
def test_every_subnet_loads_with_the_library_alone(family, tmp_path):
    """
    The promise of the option.
    """
    model, inputs = converted(family)
    space = espalier.space(model)
    space.select(space.sample(random.Random(3)))
    expected = output(model, inputs)
    espalier.export(model)
    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path).eval()

    torch.testing.assert_close(output(loaded, inputs), expected, rtol=0, atol=1e-6)


def test_costs_are_those_of_all_layers():
    """
    A choice that several layers share is paid by each of them.
    """
    model, _ = converted("llama")
    space = espalier.space(model)
    config = space.min()
    expected = espalier.profile(model, build("llama")[1]).params

    assert sum(p.numel() for p in build("llama")[0].parameters()) == expected
    costs = espalier.spaces.supernet_of(model).costs.params(config)
    space.select(config)
    assert sum(p.numel() for p in espalier.export(model).parameters()) == costs


def test_a_uniform_space_is_saved_and_restored(tmp_path):
    """
    Ties are a part of the search space.
    """
    model, inputs = converted("llama")
    space = espalier.space(model)
    space.select(space.sample(random.Random(0)))
    expected = output(model, inputs)
    espalier.save(model, tmp_path / "model.safetensors")
    again = espalier.restore(build("llama", seed=1)[0], tmp_path / "model.safetensors")

    assert {n: h.choices for n, h in espalier.space(again).items()} == {
        n: h.choices for n, h in space.items()
    }
    torch.testing.assert_close(output(again, inputs), expected)


def test_a_model_that_is_not_as_its_configuration_says_is_refused():
    """
    The configuration could not say subnets of it either.
    """
    model, inputs = build("llama")
    model.lm_head = torch.nn.Linear(96, 30, bias=False)
    with pytest.raises(ConversionError, match="must be as its configuration says"):
        espalier_transformers.convert(model, inputs=inputs, config=RULES, uniform=True)


def test_a_model_without_a_configuration_is_refused():
    """
    There is nothing that could say sizes.
    """
    model = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))
    with pytest.raises(ConversionError, match="needs a configuration"):
        espalier_transformers.convert(model, inputs=torch.zeros(2, 8), uniform=True)

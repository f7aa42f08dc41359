"""The configuration of an exported model says what the model is."""

import random

import pytest
import torch
import transformers

import espalier
import espalier_transformers
from espalier.testing import check_plugin_is_light

from .families import build, output


RULES = {"nn.Linear": {"feature_divisor": 4}}


def converted(family, *, uniform=False, **changes):
    model, inputs = build(family, **changes)
    espalier_transformers.convert(model, inputs=inputs, config=RULES, uniform=uniform)
    return model, inputs


def exported(model, config):
    """Return the plain model at *config*, and what the subnet computed."""
    espalier.space(model).select(config)
    return espalier.export(model)


def test_the_plugin_is_light():
    """
    Looking up what is installed imports neither torch nor the library.
    """
    check_plugin_is_light("espalier_transformers.plugin")


def test_fields_say_the_sizes_where_layers_agree(tmp_path):
    """
    What fields can say loads with the library alone, and computes the same.
    """
    model, inputs = converted("llama", uniform=True)
    space = espalier.space(model)
    space.select({name: hparam.choices[0] for name, hparam in space.items()})
    expected = output(model, inputs)
    espalier.export(model)
    model.save_pretrained(tmp_path)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()

    assert (4, 2, 1, 8, 24) == tuple(
        getattr(loaded.config, name)
        for name in (
            "hidden_size",
            "num_attention_heads",
            "num_key_value_heads",
            "intermediate_size",
            "head_dim",
        )
    )
    assert not hasattr(model.config, "espalier")
    torch.testing.assert_close(output(model, inputs), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(output(loaded, inputs), expected, rtol=0, atol=1e-6)


def test_layers_that_differ_load_and_are_refused_by_the_library_alone(tmp_path):
    """
    What fields can't say is kept, and never filled with random weights.
    """
    model, inputs = converted("llama")
    space = espalier.space(model)
    first = next(name for name in space if name.endswith("0.mlp.gate_proj.out_features"))
    space.select({first: space[first].min})
    expected = output(model, inputs)
    espalier.export(model)
    model.save_pretrained(tmp_path)

    loaded = espalier_transformers.from_pretrained(tmp_path).eval()
    assert transformers.LlamaForCausalLM is type(loaded)
    torch.testing.assert_close(output(loaded, inputs), expected, rtol=0, atol=1e-6)
    with pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        transformers.LlamaForCausalLM.from_pretrained(tmp_path)


def test_a_loaded_model_can_be_saved_again(tmp_path):
    """
    What the fields can't say is not lost on the way.
    """
    model, inputs = converted("bert")
    space = espalier.space(model)
    exported(model, space.sample(random.Random(1)))
    expected = output(model, inputs)
    model.save_pretrained(tmp_path / "once")
    once = espalier_transformers.from_pretrained(tmp_path / "once")
    once.save_pretrained(tmp_path / "twice")
    twice = espalier_transformers.from_pretrained(
        tmp_path / "twice", transformers.AutoModelForMaskedLM
    )

    torch.testing.assert_close(output(twice.eval(), inputs), expected, rtol=0, atol=1e-6)


def test_a_rotary_head_size_keeps_its_angles(tmp_path):
    """
    Built from a smaller head_dim, the library would rotate by others: so the field stays.
    """
    model, inputs = converted("llama")
    space = espalier.space(model)
    name = next(name for name in space if name.endswith("q_proj.out_features.2"))
    space.select({name: space[name].min})
    expected = output(model, inputs)
    espalier.export(model)
    model.save_pretrained(tmp_path)

    assert 24 == model.config.head_dim
    assert {"model.rotary_emb.inv_freq"} <= model.config.espalier["buffers"].keys()
    loaded = espalier_transformers.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(output(loaded, inputs), expected, rtol=0, atol=1e-6)
    with pytest.raises(RuntimeError, match="ignore_mismatched_sizes"):
        transformers.LlamaForCausalLM.from_pretrained(tmp_path)


def test_what_also_scales_activations_is_left_as_it_was():
    """
    Gemma multiplies its embeddings by the root of hidden_size: another field, another function.
    """
    model, inputs = converted("gemma2")
    space = espalier.space(model)
    name = next(name for name in space if name.endswith("embed_tokens.embedding_dim"))
    space.select({name: space[name].min})
    expected = output(model, inputs)
    espalier.export(model)

    assert 96 == model.config.hidden_size
    torch.testing.assert_close(output(model, inputs), expected, rtol=0, atol=1e-6)


def test_generation_is_the_same_with_and_without_a_cache():
    """
    A cache is made from the configuration, and fits the exported model.
    """
    model, inputs = converted("llama")
    exported(model, espalier.space(model).sample(random.Random(0)))
    tokens = inputs["input_ids"][:1]
    found = [
        model.generate(tokens, max_new_tokens=5, do_sample=False, use_cache=use_cache)
        for use_cache in (True, False)
    ]

    assert found[1].tolist() == found[0].tolist()


@pytest.mark.parametrize("family", ["bert", "llama", "opt", "vit"])
def test_another_implementation_of_attention_computes_the_same(family):
    """
    Attributes that only the other code path reads are right too.
    """
    model, inputs = converted(family)
    exported(model, espalier.space(model).sample(random.Random(2)))
    expected = output(model, inputs)
    model.set_attn_implementation("eager")

    torch.testing.assert_close(output(model, inputs), expected, rtol=0, atol=1e-5)


def test_without_data_only_what_is_certain_is_said():
    """
    On the meta device nothing can be compared, so the sizes are kept beside the fields.
    """
    with torch.device("meta"):
        model, inputs = build("llama")
    espalier_transformers.convert(model, inputs=inputs, config=RULES)
    space = espalier.space(model)
    exported(model, {n: 80 for n in space if n.endswith("mlp.gate_proj.out_features")})

    assert [80, 96] == model.config.espalier["shapes"]["model.layers.1.mlp.up_proj.weight"]


def test_models_of_others_are_left_alone():
    """
    A plain network has no configuration to correct.
    """
    model = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))
    espalier.convert(model, inputs=torch.zeros(2, 8), config=RULES)
    espalier.export(model)

    assert not hasattr(model, "config")

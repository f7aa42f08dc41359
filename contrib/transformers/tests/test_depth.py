"""Models that lost layers load again, with the library alone."""

import copy

import pytest
import torch
import transformers
from transformers import (
    BertConfig,
    BertModel,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

import espalier
import espalier_transformers


IDS = torch.randint(3, 40, (2, 6), generator=torch.Generator().manual_seed(0))
SMALL = {"vocab_size": 40, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
WIDE = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, **SMALL}
LLAMA = {"num_key_value_heads": 2, "num_hidden_layers": 4, **WIDE}
DECODER = {"input_ids": IDS, "use_cache": False}

CASES = {
    "llama": (LlamaForCausalLM, LlamaConfig(**LLAMA), DECODER),
    "gemma2": (
        Gemma2ForCausalLM,
        Gemma2Config(**LLAMA, head_dim=8, sliding_window=3),
        DECODER,
    ),
    "gpt2": (GPT2LMHeadModel, GPT2Config(n_embd=32, n_layer=4, n_head=4, **SMALL), DECODER),
    "bert": (BertModel, BertConfig(num_hidden_layers=4, **WIDE), {"input_ids": IDS}),
    "t5": (
        T5ForConditionalGeneration,
        T5Config(d_model=32, d_kv=8, d_ff=48, num_layers=3, num_heads=4, **SMALL),
        {"input_ids": IDS, "decoder_input_ids": IDS, "use_cache": False},
    ),
}


#: Where not every block may go: T5's first computes the positions of all, and Gemma 2 takes the
#: mask of each layer by its number.
STAYING = {"t5", "gemma2"}


def run(model, inputs):
    with torch.no_grad():
        return model(**inputs)[0]


#: Where both ways take many seconds, the one that only `make long` goes.
FREE_LATER = {"llama", "gemma2"}
UNIFORM_LATER = {"t5"}


def cases():
    """Yield each model both ways."""
    for name in CASES:
        for way, later in (("free", FREE_LATER), ("uniform", UNIFORM_LATER)):
            marks = [pytest.mark.long] if name in later else []
            yield pytest.param(name, way == "uniform", id=f"{name}-{way}", marks=marks)


@pytest.mark.parametrize(("name", "uniform"), list(cases()))
def test_a_model_with_fewer_layers_loads_with_the_library_alone(name, uniform, tmp_path):
    """
    Its configuration counts them, keeps the entry of each that stayed, and a cache still works.
    """
    kind, config, inputs = CASES[name]
    torch.manual_seed(0)
    model = kind(copy.deepcopy(config)).eval()
    rules = {"nn.ModuleList": {"depth_ratio": [0.25, 0.5, 0.75]}}
    espalier_transformers.convert(model, inputs=inputs, config=rules, uniform=uniform)
    space = espalier.space(model)
    depths = {n: h for n, h in space.items() if n.endswith("depth")}
    assert depths
    if name not in STAYING:
        depths["".join(depths)].enforce_order(torch.tensor([3, 1, 2, 0]))
    space.select({name: hparam.choices[-2] for name, hparam in depths.items()})
    if uniform:
        space.select({n: hparam.min for n, hparam in space.items() if n not in depths})
    expected = run(model, inputs)
    espalier.export(model)
    model.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path).eval()

    assert torch.equal(expected, run(model, inputs))
    assert torch.equal(expected, run(loaded, inputs))
    if name == "gemma2":
        assert config.layer_types[:3] == loaded.config.layer_types
    if kind is not BertModel:
        more = [m.generate(IDS, max_new_tokens=4, do_sample=False) for m in (model, loaded)]
        assert torch.equal(*more)


def test_layers_that_differ_by_their_number_load_with_this_package(tmp_path):
    """
    What a class computes from the number of a layer is said beside the configuration.
    """
    config = GPT2Config(
        n_embd=32, n_layer=3, n_head=4, scale_attn_by_inverse_layer_idx=True, **SMALL
    )
    torch.manual_seed(0)
    model = GPT2LMHeadModel(config).eval()
    rules = {"nn.ModuleList": {"depth_ratio": [0.67]}}
    espalier_transformers.convert(model, inputs=DECODER, config=rules)
    space = espalier.space(model)
    space["transformer.h.depth"].enforce_order(torch.tensor([0, 2, 1]))
    space.select({"transformer.h.depth": 2})
    expected = run(model, DECODER)
    espalier.export(model)
    model.save_pretrained(tmp_path)
    loaded = espalier_transformers.from_pretrained(tmp_path).eval()

    assert torch.equal(expected, run(model, DECODER))
    assert torch.equal(expected, run(loaded, DECODER))


@pytest.fixture(autouse=True)
def _quiet():
    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    yield
    transformers.logging.set_verbosity(level)

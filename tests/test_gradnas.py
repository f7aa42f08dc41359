"""Gradient scores of models of others, and the mode among other modes."""

import itertools

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

import espalier
from espalier.mode import steps_of
from espalier.searching import Constraints, SearchConfig, SearchTask
from espalier_gradnas.scoring import score_units
from tests.models import FINE, Faithful, images, small_cnn


QUIET = {"progress": False}
MODES = ["fastnas", "gradnas"]


def loss(model, batch):
    return (model(batch) - 1).square().mean()


def pruned(model, mode, budget):
    return espalier.prune(
        model,
        mode,
        constraints={"flops": budget},
        inputs=images(),
        score=Faithful(model, images()),
        loss=loss,
        data=[images(), 2 * images()],
        config=FINE,
        search_config=QUIET,
    )


@pytest.mark.parametrize("modes", list(itertools.product(MODES, MODES)), ids="-".join)
def test_modes_can_be_chained(modes, tmp_path):
    """
    Pruned by one mode and then by another, a model is restored on a fresh one bit for bit.
    """
    model, x = small_cnn(), images()
    sizes = [sum(p.numel() for p in model.parameters())]
    for mode in modes:
        pruned(model, mode, "60%")
        sizes.append(sum(p.numel() for p in model.parameters()))
    espalier.save(model, tmp_path / "model")
    fresh = espalier.restore(small_cnn(seed=9), tmp_path / "model")

    assert sizes[0] > sizes[1] > sizes[2]
    assert [modes[0], "export", modes[1], "export"] == [step.mode for step in steps_of(fresh)]
    assert torch.equal(model(x), fresh(x))
    assert [repr(m) for m in model.modules()] == [repr(m) for m in fresh.modules()]


def test_a_searched_supernet_is_restored_and_searched_again(tmp_path):
    """
    After an export and a second conversion, in the middle of the second step.

    Statistics stay as they are: a file has those of the subnet, not of the full model before it.
    """
    settings = {**QUIET, "bn_calibration": False}
    model, x = small_cnn(), images()
    pruned(model, "fastnas", "60%")
    espalier.convert(model, "gradnas", inputs=x, config=FINE)
    espalier.search(model, constraints={"flops": "70%"}, loss=loss, data=[x], config=settings)
    espalier.save(model, tmp_path / "model")
    fresh = espalier.restore(small_cnn(seed=9), tmp_path / "model")

    assert ["fastnas", "export", "gradnas"] == [step.mode for step in steps_of(fresh)]
    assert torch.equal(model(x), fresh(x))

    for one in (model, fresh):
        espalier.search(one, constraints={"flops": "50%"}, loss=loss, data=[x], config=settings)

    assert espalier.space(model).config() == espalier.space(fresh).config()
    assert torch.equal(model(x), fresh(x))


@pytest.fixture(scope="module")
def tokens():
    return torch.randint(50, (3, 5), generator=torch.Generator().manual_seed(0))


def llama(*, tied):
    """Return a small model with 8 heads in 2 groups, in float64."""
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=2,
        head_dim=6,
        tie_word_embeddings=tied,
        initializer_range=0.3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LlamaForCausalLM(config).double().eval()


def next_word(model, batch):
    return model(input_ids=batch, labels=batch).loss


def _spread(units, each, times):
    """Return how many units there are, and what spreads a mask over *times* rows of them."""
    return units, lambda mask: mask.repeat_interleave(each).repeat(times)


def masked_score(model, readers, spread, batch):
    """Return the squared derivative by a mask that is spread over what *readers* read."""
    units, over = spread
    mask = torch.ones(units, dtype=torch.float64, requires_grad=True)
    handles = [
        model.get_submodule(path).register_forward_pre_hook(
            lambda _module, args: (args[0] * over(mask), *args[1:])
        )
        for path in readers
    ]
    next_word(model, batch).backward()
    for handle in handles:
        handle.remove()
    model.zero_grad()
    return mask.grad.square()


@pytest.mark.parametrize("tied", [False, True])
def test_a_language_model_with_grouped_queries(tied, tokens):
    """
    Key-value groups, queries of each group, values, the inner width and the stream: each scores
    as a mask by hand on what is read, also where the head is the embedding.
    """
    model = llama(tied=tied)
    out, down = "model.layers.1.self_attn.o_proj", "model.layers.1.mlp.down_proj"
    outs = ["model.layers.0.self_attn.o_proj", out]
    readers = [
        *(f"model.layers.{i}.self_attn.{p}_proj" for i in range(2) for p in "qkv"),
        *(f"model.layers.{i}.mlp.{p}_proj" for i in range(2) for p in ("gate", "up")),
        "lm_head",
    ]
    masks = {
        "model.layers.1.self_attn.q_proj.out_features.0": ([out], _spread(2, 24, 1)),
        "model.layers.1.self_attn.q_proj.out_features.1": ([out], _spread(4, 6, 2)),
        "model.layers.0.self_attn.q_proj.out_features.2": (outs, _spread(3, 1, 16)),
        "model.layers.1.mlp.gate_proj.out_features": ([down], _spread(24, 1, 1)),
        "model.embed_tokens.embedding_dim": (readers, _spread(32, 1, 1)),
    }
    expected = {name: masked_score(model, *given, tokens) for name, given in masks.items()}
    config = {"nn.Linear": {"feature_divisor": 1}}
    espalier.convert(model, "gradnas", inputs={"input_ids": tokens}, config=config)
    bounds = Constraints.resolve(model, {"params": "100%"})
    task = SearchTask(
        model, bounds, None, next_word, [tokens], config=SearchConfig(progress=False)
    )
    found = {hparam.name: vector for hparam, vector in score_units(task, {}).items()}

    assert set(espalier.space(model)) == set(found)
    for name, vector in expected.items():
        torch.testing.assert_close(found[name], vector, rtol=1e-9, atol=0)

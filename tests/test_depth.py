"""Blocks of a chain may be left out where the analysis shows that they can."""

import copy
import itertools
import random

import pytest
import torch
from torch import nn

import espalier
from espalier.errors import ConfigError, ConversionError, InvalidChoiceError
from espalier.spaces.supernet import supernet_of
from tests.chains import RULES, Block, Net, X, converted, depths, made


def test_depth_is_searched_only_if_a_rule_lists_ratios():
    """
    By default containers stay what they are.
    """
    model = converted(config=None)

    assert {} == depths(model)
    assert nn.ModuleList is type(model.listed)


def test_only_blocks_whose_output_axes_are_their_input_axes_may_go():
    """
    An activation costs nothing, and a layer from 32 to other 32 features is no residual block.
    """
    found = depths(converted())

    assert {
        "listed.depth": (1, 2, 3, 4),
        "mixed.depth": (2, 3, 4, 5),
        "stages.depth": (1, 2),
        "stages.0.depth": (1, 2, 3),
        "stages.1.depth": (1, 2, 3),
    } == {name: hparam.choices for name, hparam in found.items()}
    assert (1, 3) == found["mixed.depth"].kept_of(2)


def by_hand(plain, space):
    """Return the outputs of the plain network with only the blocks that are kept."""
    x = plain.enter(X)
    for name, chain in (("listed", plain.listed), ("mixed", plain.mixed)):
        for number in space[f"{name}.depth"].kept:
            x = chain[number](x)
    for stage in space["stages.depth"].kept:
        for number in space[f"stages.{stage}.depth"].kept:
            x = plain.stages[stage][number](x)
    return plain.leave(x)


@pytest.mark.parametrize("ordered", [False, True], ids=["in place", "ordered"])
def test_every_depth_computes_the_kept_blocks_and_nothing_else(ordered):
    """
    Supernet, costs and the exported model agree with the plain blocks run by hand.
    """
    rng = random.Random(0)
    plain = made()
    most = espalier.profile(plain, X).activation_bytes
    supernet = converted()
    for _ in range(4):
        model = copy.deepcopy(supernet)
        space = espalier.space(model)
        if ordered:
            for hparam in depths(model).values():
                if hparam.order is None:
                    hparam.enforce_order(torch.tensor(rng.sample(range(n := hparam.units), n)))
        space.select({name: rng.choice(h.choices) for name, h in depths(model).items()})
        expected = by_hand(plain, space)
        known = supernet_of(model).costs
        costs = known.flops(space.config()), known.params(space.config())
        peak = known.activation_bytes(space.config())
        before = espalier.profile(model, X)
        sizes = {name: hparam.active for name, hparam in depths(model).items()}
        outputs = model(X)
        espalier.export(model)
        found = espalier.profile(model, X)

        torch.testing.assert_close(outputs, expected, rtol=0, atol=0)
        torch.testing.assert_close(model(X), expected, rtol=0, atol=0)
        assert costs == (found.flops, found.params) == (before.flops, before.params)
        assert found.activation_bytes <= peak <= most
        assert sizes["listed.depth"] == len(model.listed)
        assert sizes["mixed.depth"] == len(model.mixed)
        assert sizes["stages.depth"] == len(model.stages)
        assert nn.ModuleList is type(model.listed)
        assert {nn.Sequential} == {type(model.mixed), type(model.stages[0])}
        assert [str(n) for n in range(len(model.listed))] == list(model.listed._modules)


def test_the_largest_depth_is_the_plain_model():
    """
    Nothing is added, and state-dict keys stay at every depth.
    """
    plain, model = made(), converted()
    assert torch.equal(plain(X), model(X))
    space = espalier.space(model)
    space.select(space.min())

    assert list(plain.state_dict()) == list(model.state_dict())


def test_what_is_seen_of_a_container_is_what_is_active():
    """
    Whoever counts, indexes or slices it gets the active blocks.
    """
    model = converted()
    blocks = list(model.listed)
    espalier.space(model)["listed.depth"].enforce_order(torch.tensor([3, 1, 0, 2]))
    espalier.space(model).select({"listed.depth": 2})

    assert 2 == len(model.listed)
    assert [blocks[1], blocks[3]] == list(model.listed)
    assert blocks[3] is model.listed[-1] is model.listed[1]
    assert nn.ModuleList is type(model.listed[:1])
    assert [blocks[1]] == list(model.listed[:1])
    with pytest.raises(IndexError):
        model.listed[2]


@pytest.mark.parametrize("stage", ["searched", "exported"])
def test_depth_comes_back_from_a_file(stage, tmp_path):
    """
    On a fresh model with all blocks.
    """
    model = converted()
    space = espalier.space(model)
    space.select({"listed.depth": 2, "mixed.depth": 3, "stages.1.depth": 1, **widths(space)})
    expected = model(X)
    if stage == "exported":
        espalier.export(model)
    espalier.save(model, tmp_path / "model")
    fresh = espalier.restore(Net().eval(), tmp_path / "model")

    assert torch.equal(expected, fresh(X))
    assert 2 == len(fresh.listed)


def widths(space):
    return {name: h.min for name, h in space.items() if not name.endswith("depth")}


def test_an_exported_chain_can_be_converted_again():
    """
    Its blocks are numbered as if it had been built so.
    """
    model = converted()
    espalier.space(model).select({"listed.depth": 2})
    espalier.export(model)
    expected = model(X)
    espalier.convert(model, inputs=X, config=RULES)
    assert (1, 2) == depths(model)["listed.depth"].choices
    espalier.space(model).select({"listed.depth": 1})
    espalier.export(model)

    assert 1 == len(model.listed)
    assert not torch.equal(expected, model(X))


def test_copies_choose_for_themselves():
    """
    A deep copy has its own depth.
    """
    model = converted()
    other = copy.deepcopy(model)
    espalier.space(other).select({"listed.depth": 1})

    assert (4, 1) == (len(model.listed), len(other.listed))
    assert torch.equal(made()(X), model(X))


def test_a_block_alone_is_not_converted():
    """
    Only the model around a container tells which blocks may go.
    """
    with pytest.raises(ConversionError, match="whole model"):
        espalier.converters[nn.Sequential].convert(nn.Sequential(Block()))


@pytest.mark.parametrize(
    ("ratios", "text"),
    [([0], "got 0"), ([1.5], "got 1.5"), (["half"], "'half'"), (0.5, "depth_ratio")],
)
def test_what_is_no_ratio_is_refused(ratios, text):
    """
    With the rule and what came.
    """
    with pytest.raises(ConfigError, match=text):
        converted(config={"nn.ModuleList": {"depth_ratio": ratios}})


def test_a_depth_that_is_not_offered_is_refused():
    """
    Blocks that must stay count.
    """
    with pytest.raises(InvalidChoiceError, match=r"mixed\.depth"):
        espalier.space(converted()).select({"mixed.depth": 1})


def test_prune_finds_the_block_that_does_nothing():
    """
    Of three blocks, the one whose last layer is zero goes first when sorted so by the user.
    """

    class Lazy(Net):
        def __init__(self):
            super().__init__()
            with torch.no_grad():
                self.listed[1].down.weight.zero_()
                self.listed[1].down.bias.zero_()

    model = made(Lazy)
    target = model(X)
    espalier.convert(
        model,
        inputs=X,
        config={"nn.ModuleList": {"depth_ratio": [0.75]}, "nn.Linear": None, "nn.LayerNorm": None},
    )
    espalier.space(model)["listed.depth"].enforce_order(torch.tensor([0, 2, 3, 1]))
    result = espalier.search(
        model,
        constraints={"flops": "95%"},
        score=lambda m: -(m(X) - target).square().mean().item(),
        config={"progress": False},
    )
    espalier.export(model)

    assert {"listed.depth": 3} == {k: v for k, v in result.config.items() if "depth" in k}
    assert 0.0 == result.score
    assert torch.equal(target, model(X))


def test_every_pair_of_depths_of_nested_chains():
    """
    A stage of blocks, and the blocks of a stage.
    """

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter = nn.Linear(8, 32)
            self.stages = nn.Sequential(
                *(nn.Sequential(Block(), Block(), Block()) for _ in range(3))
            )

        def forward(self, x):
            return self.stages(self.enter(x)).sum(-1)

    model = converted(Deep)
    found = depths(model)
    assert 4 == len(found)
    for choice in itertools.islice(
        itertools.product(*(h.choices for h in found.values())), 0, 81, 7
    ):
        other = copy.deepcopy(model)
        config = dict(zip(found, choice, strict=True))
        espalier.space(other).select(config)
        outputs = other(X)
        flops = espalier.metrics["flops"]().measure(other, espalier.space(other).config())
        espalier.export(other)

        assert torch.equal(outputs, other(X))
        assert flops == espalier.profile(other, X).flops

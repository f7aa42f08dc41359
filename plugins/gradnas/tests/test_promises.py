"""What gradient scores cost, and what they must not depend on."""

import collections
import itertools

import hypothesis
import hypothesis.strategies as st
import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import espalier
from espalier.errors import ScoreError
from espalier.importance import UnitScores
from espalier_gradnas.derivatives import _PIECE
from espalier_gradnas.scoring import score_units

from .networks import FINE, by_masks, draw, scores_of, seeded, task_on


QUIET = {"progress": False}


def make():
    return seeded(
        lambda: nn.Sequential(
            nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3)
        )
    )


def loss(model, batch):
    return (model(batch) - batch[:, :3]).square().mean()


def batches(count=3):
    return [draw(8, 6, seed=seed) for seed in range(count)]


class Operators(TorchDispatchMode):
    """Counts how often each operator runs."""

    def __init__(self):
        super().__init__()
        self.counts = collections.Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("count", [1, 4])
def test_one_forward_and_one_backward_pass_for_each_batch(count):
    """
    As many runs of each layer as plain passes have, and no more derivatives than those.
    """
    model, data = make(), batches(count)
    with Operators() as plain:
        for batch in data:
            loss(model, batch).backward()
    model = espalier.convert(make(), "gradnas", inputs=data[0], config=FINE)
    task = task_on(model, loss, data)
    with Operators() as scoring:
        score_units(task, {})

    # The first layer's weights read no unit, so the pass need not reach them.
    assert 2 * count == plain.counts["threshold_backward"]
    assert count == scoring.counts["threshold_backward"]
    assert 3 * count == plain.counts["addmm"] == scoring.counts["addmm"]
    assert 0 < scoring.counts["mm"] < plain.counts["mm"]


class Live(TorchDispatchMode):
    """Notes the most bytes that tensors made within it took at one time."""

    def __init__(self):
        super().__init__()
        self.peak = 0
        self._live = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {id_of(t) for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        made = func(*args, **(kwargs or {}))
        self._live = {key: own for key, own in self._live.items() if not own[0].expired()}
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and id_of(tensor) not in given:
                storage = tensor.untyped_storage()
                self._live[id_of(tensor)] = StorageWeakRef(storage), storage.nbytes()
        self.peak = max(self.peak, sum(size for _, size in self._live.values()))
        return made


def id_of(tensor):
    return tensor.untyped_storage()._cdata


@pytest.mark.parametrize("count", [1, 3])
def test_memory_is_that_of_the_gradients_and_a_vector_for_each_size(count):
    """
    Beyond a plain pass over the same batches there is one vector for each size, some for the
    batch at hand, and pieces of products: never the product of a weight and its gradient.
    """
    widths = [512, 2048, 2048, 8]

    def wide():
        layers = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
        return seeded(lambda: nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2]))

    data = [draw(2, 512, seed=seed).float() for seed in range(count)]

    def square(model, batch):
        return model(batch).square().mean()

    model = wide().float()
    with Live() as plain:
        for batch in data:
            torch.autograd.grad(square(model, batch), list(model.parameters()))
    model = espalier.convert(wide().float(), "gradnas", inputs=data[0], config=FINE)
    task = task_on(model, square, data)
    with Live() as scoring:
        found = score_units(task, {})
    vectors = sum(vector.nbytes for vector in found.values())
    weight = 4 * 2048 * 2048

    assert plain.peak > 1.2 * weight
    assert scoring.peak - plain.peak < 8 * vectors + 3 * 4 * _PIECE < 0.2 * weight


def searched(factor, budget="50%"):
    model = espalier.convert(make(), "gradnas", inputs=batches()[0], config=FINE)
    result = espalier.search(
        model,
        constraints={"flops": budget},
        loss=lambda m, b: factor * loss(m, b),
        data=batches(),
        config=QUIET,
    )
    return result.config, model.state_dict()


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(st.floats(-12, 12), st.sampled_from(["75%", "50%", "30%"]))
def test_scores_are_scale_free(exponent, budget):
    """
    Any constant times the loss gives the same subnet, of the same units.
    """
    expected, before = searched(1.0, budget)
    found, after = searched(10.0**exponent, budget)

    assert expected == found
    assert all(torch.equal(before[name], tensor) for name, tensor in after.items())


def test_scores_under_autocast():
    """
    A search within a block of lower precision scores near what it does without, and keeps the
    weights' own precision.
    """
    data = [batch.float() for batch in batches()]
    expected = scores_of(make().float(), loss, data, data[0])
    with torch.autocast("cpu", torch.bfloat16):
        found = scores_of(model := make().float(), loss, data, data[0])

    assert {torch.float32} == {parameter.dtype for parameter in model.parameters()}
    for name, vector in expected.items():
        assert (vector - found[name]).norm() < 0.1 * vector.norm()


def test_gradients_that_were_being_accumulated_are_left_alone():
    """
    In the middle of accumulation the sums keep their bits, also after a loss that breaks, and the
    scores are those without.
    """
    expected = scores_of(make(), loss, batches(), batches()[0])
    model = espalier.convert(make(), "gradnas", inputs=batches()[0], config=FINE)
    loss(model, batches()[0]).backward()
    before = [(p.grad, p.grad.clone()) for p in model.parameters()]
    found = score_units(task_on(model, loss, batches()), {})

    def breaking(model, batch):
        loss(model, batch).backward(inputs=[draw(1).requires_grad_()])

    with pytest.raises(ScoreError):
        score_units(task_on(model, breaking, batches()), {})

    for hparam, vector in found.items():
        assert torch.equal(expected[hparam.name], vector)
    for parameter, (grad, bits) in zip(model.parameters(), before, strict=True):
        assert parameter.grad is grad
        assert torch.equal(bits, grad)


@pytest.mark.parametrize("most", [1, 2])
def test_a_generator_that_would_break_is_not_asked(most):
    """
    Exactly the batches that are wanted are read.
    """

    def generate():
        yield from batches(most)
        raise AssertionError("one batch too many was asked for")

    model = espalier.convert(make(), "gradnas", inputs=batches()[0], config=FINE)
    settings = {**QUIET, "max_batches": most}
    espalier.search(
        model, constraints={"flops": "50%"}, loss=loss, data=generate(), config=settings
    )
    expected = scores_of(make(), loss, batches(most), batches()[0])
    for name, hparam in espalier.space(model).items():
        found = UnitScores.known(hparam)()
        torch.testing.assert_close(found.sort().values, expected[name].sort().values)


def test_a_loss_that_depends_on_a_part_of_the_model():
    """
    What it does not depend on scores nothing, and goes first.
    """

    def first(model, batch):
        return model[2](model[1](model[0](batch))).square().mean()

    found = scores_of(make(), first, batches(), batches()[0])

    assert bool(found["0.out_features"].any())
    assert not bool(found["2.out_features"].any())


class Attending(nn.Module):
    """Attention of torch's, or the same in steps with masks."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(5, 8)
        self.attention = nn.MultiheadAttention(8, 4, batch_first=True)
        self.leave = nn.Linear(8, 3)

    def forward(self, x):
        x = self.enter(x)
        return self.leave(self.attention(x, x, x, need_weights=False)[0])

    def masked(self, x, heads, within):
        mask = (heads[:, None] * within).flatten()
        own, x = self.attention, self.enter(x) * mask
        q, k, v = (x @ own.in_proj_weight.T + own.in_proj_bias).unflatten(-1, (3, 4, 2)).unbind(2)
        mixed = ((q.transpose(1, 2) @ k.permute(0, 2, 3, 1)) / 2**0.5).softmax(-1)
        mixed = (mixed @ v.transpose(1, 2)).transpose(1, 2).flatten(2)
        return self.leave(own.out_proj(mixed * mask) * mask)


def test_heads_of_torchs_attention():
    """
    One module with one projection of queries, keys and values, whose width is that of the stream:
    each of the two factors is masked wherever weights read it, heads by twos as the divisor says.
    """
    model, data = seeded(Attending), [draw(2, 3, 5, seed=seed) for seed in range(2)]
    heads, within = torch.ones(4).double(), torch.ones(2).double()

    def spread(outputs):
        weights = torch.arange(1.0, 1.0 + outputs.numel(), dtype=outputs.dtype)
        return (outputs.flatten() * weights.sin()).sum().square()

    torch.testing.assert_close(model(data[0]), model.masked(data[0], heads, within))
    expected = [
        by_masks(lambda m, x: spread(model.masked(x, m.repeat_interleave(2), within)), 2, data),
        by_masks(lambda m, x: spread(model.masked(x, heads, m)), 2, data),
    ]
    config = {"nn.MultiheadAttention": {"feature_divisor": 2}, **FINE}
    found = scores_of(model, lambda m, b: spread(m(b)), data, data[0], config)

    for name, one in zip(("enter.out_features.0", "attention.head_dim"), expected, strict=True):
        torch.testing.assert_close(found[name], one, rtol=1e-9, atol=0)

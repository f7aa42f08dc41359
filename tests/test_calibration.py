"""Running statistics of a subnet are those that a plain model of its sizes has on the data."""

import copy
import random

import pytest
import torch
from torch.optim.swa_utils import update_bn

import espalier
from espalier.errors import ScoreError
from espalier.searching.calibration import calibration_of, tracking
from espalier.spaces import supernet_of
from espalier.spaces.sorting import sort
from tests.models import FINE, Faithful, images, small_cnn


QUIET = {"progress": False}
BATCHES = list(images(12, seed=8).split(3))
SMALL = {"0.out_channels": 10, "3.out_channels": 14}


def statistics(model):
    """Return the running statistics of a plain model, in order."""
    return [t.clone() for m in tracking(model) for t in (m.running_mean, m.running_var)]


def state(model):
    """Return every tensor of a model, whole, whatever is active."""
    own = (t for m in model.modules() for t in (*m._parameters.values(), *m._buffers.values()))
    return [tensor.clone() for tensor in own if tensor is not None]


def converted(model=None, inputs=None, config=FINE):
    model = small_cnn() if model is None else model
    return espalier.convert(model, inputs=images() if inputs is None else inputs, config=config)


def apply(model, data, loss=None):
    calibration_of(supernet_of(model), model, loss, data, wanted=True).apply(model)


def expected_of(model, data):
    """Return the statistics that PyTorch computes for a plain model of the active sizes."""
    plain = espalier.export(copy.deepcopy(model))
    update_bn(data, plain)
    return statistics(plain)


def unsorted(model):
    """Leave the units as they are."""


def sorted_(model):
    sort(model, supernet_of(model))


def ordered(model):
    """Have other units stay than the first ones, without moving any."""
    rng = random.Random(3)
    for hparam in espalier.space(model).values():
        order = rng.sample(range(hparam.units), hparam.units)
        hparam.enforce_order(torch.tensor(order))


def widths(model):
    return float(model[0].out_channels + model[3].out_channels)


ARRANGEMENTS = [unsorted, sorted_, ordered]


@pytest.mark.parametrize("arrange", ARRANGEMENTS)
def test_what_is_exported_has_what_pytorch_computes(arrange):
    """
    Wherever the units of the subnet stand, the plain mean over batches reaches the buffers.
    """
    model = converted()
    arrange(model)
    espalier.space(model).select(SMALL)
    expected = expected_of(model, BATCHES)
    stale = statistics(espalier.export(copy.deepcopy(model)))
    apply(model, BATCHES)
    found = statistics(espalier.export(model))

    torch.testing.assert_close(found, expected)
    assert not any(torch.equal(a, b) for a, b in zip(stale, expected, strict=True))


@pytest.mark.parametrize("arrange", ARRANGEMENTS)
def test_nothing_but_the_active_statistics_changes(arrange):
    """
    Weights, flags, momenta, and what inactive units have stay as they are.
    """
    model = converted()
    arrange(model)
    model[2].train()
    espalier.space(model).select({"3.out_channels": 14})
    slots = espalier.space(model)["3.out_channels"].order
    active = torch.arange(24) if slots is None else slots
    others = active[14:]
    before = model[4]._buffers["running_var"][others].clone()
    weights = [p.clone() for p in model.parameters()]
    flags = [m.training for m in model.modules()]
    apply(model, BATCHES)

    assert torch.equal(before, model[4]._buffers["running_var"][others])
    assert all(map(torch.equal, weights, model.parameters()))
    assert flags == [m.training for m in model.modules()]
    assert [0.1, 0.1] == [norm.momentum for norm in tracking(model)]
    assert [4, 4] == [int(norm.num_batches_tracked) for norm in tracking(model)]
    assert not any(norm._forward_pre_hooks for norm in tracking(model))


@pytest.mark.parametrize("share", [True, False], ids=["shared", "each for itself"])
def test_a_search_scores_and_returns_the_statistics_of_each_subnet(share):
    """
    A score sees what PyTorch would compute for just that subnet, and so does who exports it.
    """
    model, wrong = converted(config={"nn.Conv2d": {"channel_divisor": 8}}), []

    def score(net):
        small = espalier.export(copy.deepcopy(net))
        found = statistics(small)
        update_bn(BATCHES, small)
        wrong.extend((a - b).abs().max() for a, b in zip(found, statistics(small), strict=True))
        return widths(net)

    espalier.search(
        model,
        constraints={"flops": "50%"},
        score=score,
        data=BATCHES,
        config={**QUIET, "share_prefixes": share},
    )
    expected = expected_of(model, BATCHES)

    assert wrong
    assert max(wrong) < 1e-5
    torch.testing.assert_close(statistics(espalier.export(model)), expected)


def test_sharing_prefixes_changes_no_score():
    """
    Every trial and every bit of what is exported is the same without it.
    """
    found = []
    for share in (True, False):
        model = converted()
        result = espalier.search(
            model,
            constraints={"flops": "50%"},
            score=Faithful(model, images()),
            data=BATCHES,
            config={**QUIET, "share_prefixes": share},
        )
        found.append((result, state(espalier.export(model))))

    assert found[0][0] == found[1][0]
    assert all(map(torch.equal, found[0][1], found[1][1]))


def breaking(calls):
    left = iter(range(calls))

    def loss(model, batch):
        if next(left, None) is None:
            raise RuntimeError("bad batch")
        return model(batch).square().mean()

    return loss


@pytest.mark.parametrize("calls", [0, 2, 8, 30])
def test_a_search_that_fails_leaves_the_statistics(calls):
    """
    To the bit, whether it failed while they were estimated or later.
    """
    model = converted()
    before = state(model)
    score = Faithful(model, images())
    with pytest.raises(ScoreError, match="raised RuntimeError: bad batch"):
        espalier.search(
            model,
            constraints={"flops": "50%"},
            score=score,
            loss=breaking(calls),
            data=BATCHES,
            config=QUIET,
        )

    assert all(map(torch.equal, before, state(model)))


class FailsAtTheEnd:
    """Data that can be read a number of times, and then breaks in the middle."""

    def __init__(self, times):
        self.left = times

    def __iter__(self):
        self.left -= 1
        yield BATCHES[0]
        if self.left < 0:
            raise OSError("the disk is gone")
        yield from BATCHES[1:]


def test_an_error_at_the_very_end_leaves_the_statistics():
    """
    After the last score, when those of the chosen subnet are to stay.
    """
    counting = FailsAtTheEnd(10_000)
    for data in (counting, None):
        model = converted()
        before = state(model)
        arguments = {"constraints": {"flops": "50%"}, "config": QUIET}
        score = Faithful(model, images())
        if data is not None:
            espalier.search(model, score=score, data=data, **arguments)
            continue
        last = FailsAtTheEnd(10_000 - counting.left - 1)
        with pytest.raises(OSError, match="disk is gone"):
            espalier.search(model, score=score, data=last, **arguments)
        assert -1 == last.left
        assert all(map(torch.equal, before, state(model)))


def test_the_largest_subnet_keeps_its_own():
    """
    Where the budget allows everything, those of the exported model are those that came, to the
    bit, wherever its units were sorted to.
    """
    model = small_cnn()
    before = statistics(model)
    pruned, result = espalier.prune(
        model,
        constraints={"flops": "100%"},
        inputs=images(),
        score=Faithful(model, images()),
        data=BATCHES,
        config=FINE,
        search_config=QUIET,
    )

    assert 1 == len(result.history)
    for expected, found in zip(before, statistics(pruned), strict=True):
        assert torch.equal(expected.sort().values, found.sort().values)


@pytest.mark.parametrize(("wanted", "data"), [(False, BATCHES), (None, None)], ids=str)
def test_without_it_statistics_stay(wanted, data):
    """
    If it is turned off, or there is no data: those of the units that are kept.
    """
    model = converted()
    before = copy.deepcopy(model)
    espalier.search(
        model,
        constraints={"flops": "50%"},
        score=Faithful(model, images()),
        data=data,
        config={**QUIET, "bn_calibration": wanted},
    )
    orders = supernet_of(model).orders
    for name, number in (("0.out_channels", 1), ("3.out_channels", 4)):
        order = orders.get(name, torch.arange(len(before[number]._buffers["running_mean"])))
        for buffer in ("running_mean", "running_var"):
            expected = before[number]._buffers[buffer][order]
            assert torch.equal(expected, model[number]._buffers[buffer])


def test_a_score_may_estimate_them_itself():
    """
    What it leaves is put back, so that it has no say about the next subnet or the end.
    """
    model = converted()

    def score(net):
        update_bn(images(6, seed=2).split(3), net)
        return widths(net)

    espalier.search(model, constraints={"flops": "50%"}, score=score, data=BATCHES, config=QUIET)
    expected = expected_of(model, BATCHES)

    torch.testing.assert_close(statistics(espalier.export(model)), expected)


def test_a_later_search_begins_with_the_statistics_of_the_full_model():
    """
    What an earlier one settled on is undone, and comes back if the later one fails.
    """
    model, bounds = converted(), {"flops": "40%"}
    first = state(model)
    espalier.search(model, constraints=bounds, score=widths, data=BATCHES, config=QUIET)
    settled = state(model)
    seen = []
    with pytest.raises(ScoreError, match="a number"):
        espalier.search(
            model, constraints=bounds, score=lambda m: seen.append(state(m)), config=QUIET
        )

    unsorted_again = [sorted(tensor.flatten().tolist()) for tensor in seen[0]]
    assert [sorted(tensor.flatten().tolist()) for tensor in first] == unsorted_again
    assert all(map(torch.equal, settled, state(model)))

"""What statistics are estimated on, and for which normalisations."""

import copy
import itertools

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

import espalier
from espalier.errors import ScoreError
from espalier.searching.calibration import tracking
from tests.models import FINE, images, small_cnn
from tests.test_calibration import BATCHES, QUIET, apply, converted, expected_of, statistics


SMALL = {"0.out_channels": 10, "3.out_channels": 14}


class Named(nn.Module):
    """Takes its image by name, with a scale that may be left out."""

    def __init__(self):
        super().__init__()
        self.net = small_cnn()

    def forward(self, image, scale=None):
        return self.net(image if scale is None else image * scale)


def loss_of_pairs(model, batch):
    return nn.functional.cross_entropy(model(batch["x"]), batch["y"])


LABELS = torch.arange(3)
SHAPES = {
    "tensors": (small_cnn, images(), lambda x: x, None),
    "pairs": (small_cnn, images(), lambda x: (x, LABELS), None),
    "lists": (small_cnn, images(), lambda x: [x, LABELS], None),
    "tuples of one": (small_cnn, (images(),), lambda x: (x,), None),
    "a loss": (small_cnn, images(), lambda x: {"x": x, "y": LABELS}, loss_of_pairs),
    "dicts with labels": (Named, {"image": images()}, lambda x: {"image": x, "y": LABELS}, None),
    "a dict and labels": (Named, {"image": images()}, lambda x: ({"image": x}, LABELS), None),
    "two inputs and labels": (
        Named,
        (images(), torch.ones(())),
        lambda x: (x, torch.ones(()), LABELS),
        None,
    ),
}


@pytest.mark.parametrize(("make", "inputs", "batch", "loss"), SHAPES.values(), ids=SHAPES)
def test_batches_as_loaders_give_them(make, inputs, batch, loss):
    """
    The inputs are found among labels; a loss knows by itself.
    """
    model = converted(make().eval(), inputs)
    espalier.space(model).select(
        {name: espalier.space(model)[name].choices[3] for name in espalier.space(model)}
    )
    expected = expected_of(model, BATCHES)
    apply(model, map(batch, BATCHES), loss)

    torch.testing.assert_close(statistics(espalier.export(model)), expected)


def test_no_more_batches_than_needed():
    """
    Of endless data 64 are read.
    """
    model, count = converted(), itertools.count()
    espalier.space(model).select(SMALL)
    data = (BATCHES[next(count) % 4] for _ in itertools.repeat(None))
    expected = expected_of(model, BATCHES * 16)
    apply(model, data)

    assert 64 == next(count)
    torch.testing.assert_close(statistics(espalier.export(model)), expected)


class Empty:
    """Looks like data, and holds none."""

    def __iter__(self):
        return iter(())


WRONG = {
    "empty": ({"data": Empty()}, "at least one batch; it held none, and batch-norm"),
    "other shape": ({"data": [torch.zeros(2, 4, 8, 8)]}, "batch 0 raised RuntimeError.*turn it"),
    "not forward's": ({"data": [{"image": images()}]}, "batch 0 raised TypeError.*other keys"),
    "none": ({"data": None}, "^bn_calibration re-estimates .* pass data=batches"),
}


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_data_that_does_not_do(change, message):
    """
    The error says what came and how to do without; statistics are as before.
    """
    model = converted()
    before = statistics(model)
    with pytest.raises(ScoreError, match=message):
        espalier.search(
            model,
            constraints={"flops": "50%"},
            score=lambda _: 1.0,
            config={**QUIET, "bn_calibration": True},
            **change,
        )

    assert all(map(torch.equal, before, statistics(model)))


def test_dropout_draws_nothing():
    """
    Only normalisations are in training mode, in a model that is trained, too.
    """
    model = small_cnn()
    model.insert(8, nn.Dropout(0.5))
    model.insert(3, nn.Dropout(0.5))
    converted(model).train()
    espalier.space(model).select(dict.fromkeys(espalier.space(model), 10))
    plain = espalier.export(copy.deepcopy(model))
    plain[3].p = plain[9].p = 0.0
    update_bn(BATCHES, plain)
    before = torch.get_rng_state()
    apply(model, BATCHES)

    assert torch.equal(before, torch.get_rng_state())
    assert all(module.training for module in model.modules())
    torch.testing.assert_close(statistics(espalier.export(model)), statistics(plain))


class Twice(nn.Module):
    """Normalises with one layer in two places."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.inner = nn.Conv2d(16, 16, 1)
        self.head = nn.Conv2d(16, 4, 1)

    def forward(self, x):
        x = self.norm(self.stem(x)).relu()
        return self.head(self.norm(self.inner(x)).relu())


def with_norm(norm):
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), norm, nn.ReLU(), nn.Conv2d(16, 8, 1), nn.BatchNorm2d(8)
    )


NORMS = {
    "momentum of None": lambda: with_norm(nn.BatchNorm2d(16, momentum=None)),
    "momentum of 0.5": lambda: with_norm(nn.BatchNorm2d(16, momentum=0.5)),
    "not tracking": lambda: with_norm(nn.BatchNorm2d(16, track_running_stats=False)),
    "synchronised": lambda: with_norm(nn.SyncBatchNorm(16)),
    "without scale": lambda: with_norm(nn.BatchNorm2d(16, affine=False)),
    "twice": Twice,
}


@pytest.mark.parametrize("make", NORMS.values(), ids=NORMS)
def test_norms_of_all_kinds(make):
    """
    As PyTorch computes it; momenta, and layers that track nothing, stay as they were.
    """
    torch.manual_seed(0)
    model = converted(make().eval(), images(), {"nn.Conv2d": {"channel_divisor": 2}})
    momenta = [norm.momentum for norm in tracking(model)]
    name = next(iter(espalier.space(model)))
    espalier.space(model).select({name: 6})
    plain = espalier.export(copy.deepcopy(model))
    update_bn(BATCHES, plain)
    apply(model, BATCHES)

    assert momenta == [norm.momentum for norm in tracking(model)]
    torch.testing.assert_close(statistics(espalier.export(model)), statistics(plain))


def test_instance_norms_that_track():
    """
    The mean over batches of the mean over their images.
    """
    torch.manual_seed(0)
    norm = nn.InstanceNorm2d(16, affine=True, track_running_stats=True)
    model = converted(with_norm(norm).eval(), images(), {"nn.Conv2d": {"channel_divisor": 2}})
    espalier.space(model).select({"0.out_channels": 6})
    with torch.no_grad():
        outputs = torch.cat([model[0](batch) for batch in BATCHES])
    apply(model, BATCHES)
    small = espalier.export(model)

    torch.testing.assert_close(small[1].running_mean, outputs.mean((0, 2, 3)))
    torch.testing.assert_close(small[1].running_var, outputs.var((2, 3)).mean(0))


def test_a_last_batch_of_one():
    """
    It has no variance after pooling, and is left out there; in training mode it would be an error.
    """
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2)).eval()
    data = torch.randn(9, 6, generator=torch.Generator().manual_seed(1))
    model = converted(net, data, FINE)
    espalier.space(model).select({"0.out_features": 8})
    expected = expected_of(model, data[:8].split(4))
    apply(model, data.split(4))

    torch.testing.assert_close(statistics(espalier.export(model)), expected)


def test_a_loss_that_changes_modes():
    """
    Statistics are estimated all the same.
    """
    model = converted()
    espalier.space(model).select(SMALL)
    expected = expected_of(model, BATCHES)
    apply(model, BATCHES, lambda net, batch: net.eval()(batch).square().mean())

    torch.testing.assert_close(statistics(espalier.export(model)), expected)

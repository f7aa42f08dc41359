"""Axis rules of normalisation and of recurrent cells."""

import pytest
import torch
from torch.nn import functional

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def positive(*shape):
    return torch.rand(shape, generator=GENERATOR, dtype=torch.float64) + 0.5


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


CASES = [
    case(
        "layer norm",
        "fff f f",
        lambda x, w, b: functional.layer_norm(x, w.shape, w, b),
        real(2, 3, 4),
        real(4),
        real(4),
        spans=True,
    ),
    case(
        "layer norm over two axes",
        "fff ff",
        lambda x, w: functional.layer_norm(x, w.shape, w),
        real(2, 3, 4),
        real(3, 4),
        spans=True,
    ),
    case(
        "ln nw", "fff", lambda x: functional.layer_norm(x, x.shape[-1:]), real(2, 3, 4), spans=True
    ),
    case(
        "layer norm and its statistics",
        "ppp p",
        lambda x, w: [t * 1 for t in torch.native_layer_norm(x, w.shape, w, None, 1e-05)],
        real(2, 3, 4),
        real(4),
        spans=True,
    ),
    case(
        "rms norm",
        "fff f",
        lambda x, w: functional.rms_norm(x, w.shape, w),
        real(2, 3, 4),
        real(4),
        spans=True,
    ),
    case(
        "rms nw", "fff", lambda x: functional.rms_norm(x, x.shape[-1:]), real(2, 3, 4), spans=True
    ),
    case(
        "group norm",
        "fff f f",
        lambda x, w, b: functional.group_norm(x, 2, w, b),
        real(2, 6, 3),
        real(6),
        real(6),
        literal=True,
    ),
    case(
        "group norm by channel",
        "ffff f f",
        lambda x, w, b: functional.group_norm(x, x.shape[1], w, b),
        real(2, 6, 3, 2),
        real(6),
        real(6),
        spans=True,
    ),
    case(
        "group norm of one group",
        "fff f f",
        lambda x, w, b: functional.group_norm(x, 1, w, b),
        real(2, 6, 3),
        real(6),
        real(6),
        spans=True,
    ),
    case(
        "group norm of a matrix",
        "ff f",
        lambda x, w: functional.group_norm(x, 3, w),
        real(2, 6),
        real(6),
        literal=True,
    ),
    case(
        "batch norm",
        "ffff f f f f",
        functional.batch_norm,
        real(2, 3, 4, 4),
        real(3),
        positive(3),
        real(3),
        real(3),
    ),
    case(
        "batch norm without weights",
        "ff f f",
        functional.batch_norm,
        real(2, 3),
        real(3),
        positive(3),
    ),
    case(
        "batch norm in training",
        "fff f f f f",
        lambda x, m, v, w, b: (functional.batch_norm(x, m, v, w, b, training=True), m, v),
        real(2, 3, 4),
        real(3),
        positive(3),
        real(3),
        real(3),
        spans=True,
    ),
    case(
        "batch norm without statistics",
        "fff",
        lambda x: functional.batch_norm(x, None, None, training=True),
        real(2, 3, 4),
        spans=True,
    ),
    case(
        "instance norm",
        "ffff f f",
        lambda x, w, b: functional.instance_norm(x, weight=w, bias=b),
        real(2, 3, 4, 4),
        real(3),
        real(3),
        spans=True,
    ),
    case(
        "instance norm with statistics",
        "fff f f f f",
        lambda x, m, v, w, b: functional.instance_norm(x, m, v, w, b, use_input_stats=False),
        real(2, 3, 4),
        real(3),
        positive(3),
        real(3),
        real(3),
        spans=True,
    ),
    case(
        "lrn", "fppp", lambda x: functional.local_response_norm(x, 3), real(2, 5, 4, 4), spans=True
    ),
    case(
        "weight norm",
        "ff f-",
        lambda v, g: torch._weight_norm(v, g, 0),
        real(3, 4),
        real(3, 1),
        spans=True,
    ),
    case(
        "batch norm and its statistics",
        "ppp p",
        lambda x, w: [t * 1 for t in torch.native_batch_norm(x, w, w, w, w * w, True, 0.1, 1e-05)],
        real(2, 3, 4),
        positive(3),
        spans=True,
    ),
    case(
        "group norm and its statistics",
        "ppp p",
        lambda x, w: [
            t * 1
            for t in torch.native_group_norm(x, w, w, x.shape[0], x.shape[1], x.shape[2], 1, 1e-05)
        ],
        real(2, 3, 4),
        positive(3),
        spans=True,
    ),
    case(
        "lstm",
        "pff ff ff f f",
        lambda x, w, u, b, c: torch.lstm(
            x,
            (x.new_zeros(1, 2, 4), x.new_zeros(1, 2, 4)),
            (w, u, b, c),
            True,
            1,
            0.0,
            False,
            False,
            False,
        )[0],
        real(3, 2, 5),
        real(16, 5),
        real(16, 4),
        real(16),
        real(16),
        literal=True,
    ),
    case(
        "gru cell",
        "ff ff ff ff",
        torch.gru_cell,
        real(2, 5),
        real(2, 4),
        real(12, 5),
        real(12, 4),
        literal=True,
    ),
    case(
        "weight norm by column",
        "ff -f",
        lambda v, g: torch._weight_norm(v, g, 1),
        real(3, 4),
        real(1, 4),
        spans=True,
    ),
    case(
        "weight norm of a kernel",
        "fff f--",
        lambda v, g: torch._weight_norm(v, g, 0),
        real(3, 4, 2),
        real(3, 1, 1),
        spans=True,
    ),
    case("renorm in place", "ff", lambda a: a.renorm_(2, -1, 1.0), real(3, 4), spans=True),
    case(
        "softmax into a given tensor",
        "ff",
        lambda a: torch.softmax(a, -1, out=a.new_empty(0)),
        real(3, 4),
        spans=True,
    ),
    case("safe softmax", "ff", lambda a: torch._safe_softmax(a, -1), real(3, 4), spans=True),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_normalisation_keeps_channels_and_groups_apart(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()

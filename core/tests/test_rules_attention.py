"""Axis rules of attention."""

import pytest
import torch
from torch.nn import functional

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


CASES = [
    case(
        "attention without heads",
        "fff fff fff",
        functional.scaled_dot_product_attention,
        real(2, 3, 6),
        real(2, 5, 6),
        real(2, 5, 7),
        spans=True,
    ),
    case(
        "attention without a batch",
        "ff ff ff",
        functional.scaled_dot_product_attention,
        real(3, 6),
        real(5, 6),
        real(5, 7),
        spans=True,
    ),
    case(
        "one query batch for all keys",
        "-fff ffff ffff",
        functional.scaled_dot_product_attention,
        real(1, 4, 3, 6),
        real(2, 4, 5, 6),
        real(2, 4, 5, 6),
        spans=True,
    ),
    case(
        "one key batch for all queries",
        "ffff -fff -fff",
        functional.scaled_dot_product_attention,
        real(2, 4, 3, 6),
        real(1, 4, 5, 6),
        real(1, 4, 5, 6),
        spans=True,
    ),
    case(
        "one value batch for all",
        "ffff ffff -fff",
        functional.scaled_dot_product_attention,
        real(2, 4, 3, 6),
        real(2, 4, 5, 6),
        real(1, 4, 5, 6),
        spans=True,
    ),
    case(
        "a side output that is used",
        "pppp pppp pppp",
        lambda q, k, v: (
            torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v)[1].transpose(1, 2)
            * 1
        ),
        real(2, 4, 3, 6),
        real(2, 4, 5, 6),
        real(2, 4, 5, 6),
        spans=True,
    ),
    case(
        "causal attention over latents",
        "pf ff",
        lambda w, x: (
            functional.scaled_dot_product_attention(
                w[None, None], w[None, None], w[None, None], is_causal=True
            )[0, 0]
            @ x
        ),
        real(5, 6),
        real(6, 2),
        spans=True,
    ),
    case(
        "multi-head attention",
        "fff ff f ff f",
        lambda x, w, b, o, ob: functional.multi_head_attention_forward(
            x, x, x, x.shape[-1], 2, w, b, None, None, False, 0.0, o, ob, training=False
        )[0],
        real(3, 2, 8),
        real(24, 8),
        real(24),
        real(8, 8),
        real(8),
        literal=True,
    ),
    case(
        "attention",
        "ffff ffff ffff",
        functional.scaled_dot_product_attention,
        real(2, 4, 3, 6),
        real(2, 4, 5, 6),
        real(2, 4, 5, 7),
        spans=True,
    ),
    case(
        "attention with a mask",
        "ffff ffff ffff ff",
        functional.scaled_dot_product_attention,
        real(2, 4, 3, 6),
        real(2, 4, 5, 6),
        real(2, 4, 5, 7),
        real(3, 5),
        spans=True,
    ),
    case(
        "attention with a mask by sample",
        "ffff ffff ffff f-ff",
        functional.scaled_dot_product_attention,
        real(2, 4, 3, 6),
        real(2, 4, 5, 6),
        real(2, 4, 5, 7),
        real(2, 1, 3, 5),
        spans=True,
    ),
    case(
        "attention with a truth mask",
        "ffff ffff ffff ff",
        functional.scaled_dot_product_attention,
        real(2, 4, 3, 6),
        real(2, 4, 5, 6),
        real(2, 4, 5, 7),
        real(3, 5) > -1,
        spans=True,
    ),
    case(
        "causal attention",
        "ffpf ffpf ffpf",
        lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True),
        real(2, 4, 3, 6),
        real(2, 4, 3, 6),
        real(2, 4, 3, 6),
        spans=True,
    ),
    case(
        "grouped queries",
        "ffff ffff ffff",
        lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        real(2, 4, 3, 6),
        real(2, 2, 5, 6),
        real(2, 2, 5, 6),
        spans=True,
    ),
    case(
        "one key for all queries",
        "ffff f-ff f-ff",
        lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        real(2, 4, 3, 6),
        real(2, 1, 5, 6),
        real(2, 1, 5, 6),
        spans=True,
    ),
    case(
        "attention with a scale",
        "ffff ffff ffff",
        lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, scale=0.5),
        real(2, 4, 3, 6),
        real(2, 4, 5, 6),
        real(2, 4, 5, 7),
        spans=True,
    ),
    case(
        "attention by the kernel",
        "ffff ffff ffff",
        lambda *t: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(*t)[0],
        real(2, 4, 3, 6),
        real(2, 4, 5, 6),
        real(2, 4, 5, 6),
        spans=True,
        literal=True,
    ),
    case(
        "causal attention by the kernel",
        "ffpf ffpf ffpf",
        lambda *t: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(*t, 0.0, True)[0],
        real(2, 4, 3, 6),
        real(2, 4, 3, 6),
        real(2, 4, 3, 6),
        spans=True,
        literal=True,
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_attention_keeps_heads_and_both_head_sizes_apart(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected == " ".join(check_rule(function, *tensors, **flags)).strip()

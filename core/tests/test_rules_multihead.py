"""The axis rule of multi-head attention with its projections."""

import pytest
import torch
from torch.nn import functional

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)

ROWS, COLUMNS, BATCH, WIDTH = 3, 5, 2, 8


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def attend(heads, *, separate=False, **given):
    """Return multi-head attention of query, key and value as a function of its tensors."""

    def run(query, key, value, *rest):
        rest = list(rest)
        weights = [rest.pop(0) for _ in range(3 if separate else 1)]
        if separate:
            names = (f"{name}_proj_weight" for name in "qkv")
            given.update(zip(names, weights, strict=True))
        in_bias, out, out_bias = rest[:3]
        given.update(zip(given.get("tensors", ()), rest[3:], strict=True))
        options = {name: value for name, value in given.items() if name != "tensors"}
        return functional.multi_head_attention_forward(
            query,
            key,
            value,
            query.shape[-1],
            heads,
            None if separate else weights[0],
            in_bias,
            options.pop("bias_k", None),
            options.pop("bias_v", None),
            options.pop("add_zero_attn", False),
            0.0,
            out,
            out_bias,
            training=False,
            use_separate_proj_weight=separate,
            **options,
        )

    return run


def packed():
    """Return parameters of attention to a stream of the query's width."""
    return (real(3 * WIDTH, WIDTH), real(3 * WIDTH), real(WIDTH, WIDTH), real(WIDTH))


def operands(key=WIDTH, value=WIDTH, batch=(BATCH,)):
    """Return query, key and value."""
    sizes = ((ROWS, WIDTH), (COLUMNS, key), (COLUMNS, value))
    return tuple(real(length, *batch, width) for length, width in sizes)


def case(name, expected, function, *tensors):
    return pytest.param(expected, function, tensors, id=name)


CASES = [
    case("plain", "fff fff fff ff f ff f", attend(4), *operands(), *packed()),
    case(
        "without weights",
        "fff fff fff ff f ff f",
        attend(4, need_weights=False),
        *operands(),
        *packed(),
    ),
    case(
        "weights of each head",
        "fff fff fff ff f ff f",
        attend(4, average_attn_weights=False),
        *operands(),
        *packed(),
    ),
    case("odd heads", "fff fff fff ff f ff f", attend(1), *operands(), *packed()),
    case("unbatched", "ff ff ff ff f ff f", attend(4), *operands(batch=()), *packed()),
    case(
        "a projection for each",
        "fff fff fff ff ff ff f ff f",
        attend(4, separate=True),
        *operands(6, 7),
        real(WIDTH, WIDTH),
        real(WIDTH, 6),
        real(WIDTH, 7),
        real(3 * WIDTH),
        real(WIDTH, WIDTH),
        real(WIDTH),
    ),
    case(
        "another width out",
        "fff fff fff ff f ff f",
        attend(4),
        *operands(),
        *packed()[:2],
        real(6, WIDTH),
        real(6),
    ),
    case(
        "further positions",
        "fff fff fff ff f ff f --f --f",
        attend(4, add_zero_attn=True, tensors=("bias_k", "bias_v")),
        *operands(),
        *packed(),
        real(1, 1, WIDTH),
        real(1, 1, WIDTH),
    ),
    case(
        "a mask",
        "fff fff fff ff f ff f ff",
        attend(4, tensors=("attn_mask",)),
        *operands(),
        *packed(),
        real(ROWS, COLUMNS),
    ),
    case(
        "a mask for each head",
        "fff fff fff ff f ff f fff",
        attend(4, tensors=("attn_mask",)),
        *operands(),
        *packed(),
        real(4 * BATCH, ROWS, COLUMNS),
    ),
    case(
        "padding",
        "fff fff fff ff f ff f ff",
        attend(4, tensors=("key_padding_mask",)),
        *operands(),
        *packed(),
        real(BATCH, COLUMNS),
    ),
    case(
        "causal",
        "pff pff pff ff f ff f pp",
        attend(4, is_causal=True, need_weights=False, tensors=("attn_mask",)),
        *operands(),
        *packed(),
        real(ROWS, COLUMNS),
    ),
    case(
        "projected keys",
        "ppp ppp ppp pp p pp p ppp ppp",
        attend(4, tensors=("static_k", "static_v")),
        *operands(),
        *packed(),
        real(4 * BATCH, COLUMNS, 2),
        real(4 * BATCH, COLUMNS, 2),
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors"), CASES)
def test_heads_and_their_size_are_the_width_of_the_query(expected, function, tensors):
    """
    Permuted in every tensor at once, the free units of each axis permute the results alike.
    """
    assert expected == " ".join(check_rule(function, *tensors, literal=True))

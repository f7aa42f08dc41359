"""Axis rules of operators on lists of tensors."""

import pytest
import torch

from espalier.testing.rules import check_rule


GENERATOR = torch.Generator().manual_seed(0)


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def case(name, expected, function, *tensors, **flags):
    return pytest.param(expected, function, tensors, flags, id=name)


CASES = [
    case(
        "addcmul",
        "ff ff ff",
        lambda a, b, c: torch._foreach_addcmul([a], [b], [c]),
        real(3, 4),
        real(3, 4),
        real(3, 4),
    ),
    case("norm", "ff f", lambda a, b: torch._foreach_norm([a, b]), real(3, 4), real(5)),
    case("max", "ff f", lambda a, b: torch._foreach_max([a, b]), real(3, 4), real(5), spans=True),
    case("power sum", "ff f", lambda a, b: torch._foreach_powsum([a, b], 2), real(3, 4), real(3)),
    case(
        "one number for all",
        "ff f ",
        lambda a, b, c: torch._foreach_mul([a, b], c),
        real(3, 4),
        real(5),
        real(),
    ),
    case(
        "in place",
        "ff ff",
        lambda a, b: (torch._foreach_mul_([a], [b]), a),
        real(3, 4),
        real(3, 4),
    ),
    case(
        "copy", "ff ff", lambda a, b: (torch._foreach_copy_([a], [b]), a), real(3, 4), real(3, 4)
    ),
    case("zero", "ff f", lambda a, b: (torch._foreach_zero_([a, b]), a, b), real(3, 4), real(4)),
    case("exp", "ff f", lambda a, b: torch._foreach_exp([a, b]), real(3, 4), real(4)),
    case(
        "lerp",
        "ff ff ff",
        lambda a, b, c: torch._foreach_lerp([a], [b], [c]),
        real(3, 4),
        real(3, 4),
        real(3, 4),
    ),
    case(
        "power of a number",
        "ff f",
        lambda a, b: torch._foreach_pow(2.0, [a, b]),
        real(3, 4),
        real(3),
    ),
    case(
        "clamp", "ff ff", lambda a, b: torch._foreach_clamp_min([a], [b]), real(3, 4), real(3, 4)
    ),
    case(
        "matrix product", "ff ff", lambda a, b: torch._foreach_mm([a], [b]), real(3, 4), real(4, 2)
    ),
    case("broadcasting", "ff f", lambda a, b: torch._foreach_mul([a], [b]), real(3, 4), real(4)),
    case(
        "numbers by tensor",
        "ff f",
        lambda a, b: torch._foreach_add([a, b], [1.0, 2.0]),
        real(3, 4),
        real(3),
    ),
]


@pytest.mark.parametrize(("expected", "function", "tensors", "flags"), CASES)
def test_each_tensor_of_a_list_is_treated_like_one_alone(expected, function, tensors, flags):
    """
    Run on fewer and on permuted units of every free axis, against the whole; the rest is pinned.
    """
    assert expected.strip() == " ".join(check_rule(function, *tensors, **flags)).strip()

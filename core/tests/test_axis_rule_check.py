"""The check that authors of plug-ins run against their axis rules."""

import pytest
import torch

from espalier.axes import concat, product
from espalier.testing import check_axis_rule


GENERATOR = torch.Generator().manual_seed(0)
aten = torch.ops.aten

LIBRARY = torch.library.Library("espalier_checked", "FRAGMENT")
LIBRARY.define("mix(Tensor x, Tensor weight, int groups) -> Tensor")
LIBRARY.define("scale_(Tensor(a!) x, Tensor by) -> Tensor(a!)")


def mix(x, weight, groups):
    """Multiply each group of the last axis by the same matrix."""
    return (x.unflatten(-1, (groups, -1)) @ weight).flatten(-2)


LIBRARY.impl("mix", mix, "CPU")
torch.library.register_fake(
    "espalier_checked::mix",
    lambda x, weight, groups: x.new_empty(*x.shape[:-1], groups * weight.shape[1]),
    lib=LIBRARY,
)
LIBRARY.impl("scale_", lambda x, by: x.copy_(x * by.flip(0)), "CPU")
torch.library.register_fake("espalier_checked::scale_", lambda x, by: x, lib=LIBRARY)
ours = torch.ops.espalier_checked


def real(*shape):
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def mix_rule(call):
    rows, columns = call.axes("x")
    inner, out = call.axes("weight")
    group, own = call.split_product(columns, call.value("groups"), inner.size)
    call.unify(own, inner)
    call.follow("groups", group)
    return [[rows, product(group, out)]]


def matrix_rule(call):
    a, b = call.axes("self"), call.axes("mat2")
    call.unify(a[1], b[0])
    return [[a[0], b[1]]]


def forgetful(call):
    return [[call.axes("self")[0], call.axes("mat2")[1]]]


def passing(call):
    return [call.axes("self")]


def silent(call):
    axes = mix_rule(call)
    call.follows.clear()
    return axes


def swapped(call):
    axes = mix_rule(call)
    group, out = call.split_product(axes[0][1], 3, 4)
    return [[axes[0][0], product(out, group)]]


def joined(call):
    a, b = call.all_axes("tensors")
    return [[a[0], concat(b[1], a[1])]]


def overfollowed(call):
    call.follow("groups", call.axes("x")[0])
    return mix_rule(call)


def held(call):
    for axes in call.operands():
        call.pin(axes, "held")
    return [call.fresh()]


MIX = (ours.mix.default, (real(5, 6), real(2, 4), 3))


def test_a_right_rule_passes_with_integers_that_follow():
    """
    The letters say which axes the rule lets change.
    """
    op, arguments = MIX

    assert ["ff", "ff"] == check_axis_rule(op, mix_rule, *arguments)
    assert ["ff", "ff"] == check_axis_rule(aten.mm.default, matrix_rule, real(3, 4), real(4, 5))


def test_arguments_go_by_name_too():
    """
    As the operator takes them.
    """
    op, (x, weight, groups) = MIX

    assert ["ff", "ff"] == check_axis_rule(op, mix_rule, x, groups=groups, weight=weight)


def test_a_rule_that_pins_everything_is_never_wrong():
    """
    The letters tell.
    """
    x = real(3, 4)

    def rule(call):
        call.pin(call.axes("self"), "held")
        return [call.axes("self")]

    assert ["pp"] == check_axis_rule(aten.flip.default, rule, x, [0, 1])


@pytest.mark.parametrize(
    ("rule", "op", "arguments", "message"),
    [
        (
            forgetful,
            aten.mm.default,
            (real(3, 4), real(4, 5)),
            r"aten::mm: the rule lets axis 1 of self change, but .* permuted",
        ),
        (
            passing,
            aten.cumsum.default,
            (real(3, 4), 1),
            r"aten::cumsum: the rule lets axis 1 of self change, but .* permuted",
        ),
        (
            passing,
            aten._softmax.default,
            (real(3, 4), 1, False),
            r"axis 1 of self change, but .* left out",
        ),
        (swapped, *MIX, r"change, but .* not close"),
        (
            joined,
            aten.cat.default,
            ([real(2, 3), real(2, 4)], 1),
            r"axis . of tensors\[.\] change",
        ),
        (silent, *MIX, r"with fewer units the operator raised RuntimeError"),
        (overfollowed, *MIX, r"the rule says that groups is 5, got 3"),
        (held, aten.mm.default, (real(3, 4), real(4, 5)), "new units are all alike, but"),
        (
            lambda call: [call.axes("self")],
            aten.mm.default,
            (real(3, 4), real(4, 5)),
            r"the rule says that output 0 has shape \(3, 4\), but it has \(3, 5\)",
        ),
        (
            lambda call: [call.fresh(), call.fresh()],
            aten.relu.default,
            (real(3, 4),),
            r"the rule tells the axes of 2 outputs, but the operator has 1",
        ),
        (
            lambda call: [call.axes("input")],
            aten.relu.default,
            (real(3, 4),),
            r"aten::relu: the rule raised KeyError: 'input'",
        ),
        (
            matrix_rule,
            aten.matmul.default,
            (real(3, 4), real(4, 5)),
            r"aten::matmul: the rule was not asked",
        ),
        (
            lambda call: [call.axes("x")],
            ours.scale_.default,
            (real(3, 4), real(3, 1)),
            r"axis 0 of x change, but",
        ),
    ],
)
def test_a_wrong_rule_is_found(rule, op, arguments, message):
    """
    The message names the operator, and the axes that do not change as the rule says.
    """
    with pytest.raises(AssertionError, match=message):
        check_axis_rule(op, rule, *arguments)


def test_values_that_span_all_units_are_not_compared_where_some_are_left_out():
    """
    A softmax over fewer units is another one, of the right shape.
    """
    assert ["ff"] == check_axis_rule(
        aten._softmax.default, passing, real(3, 4), 1, False, spans=True
    )

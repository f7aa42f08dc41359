"""How a rule is found for an operator, and what happens where there is none or it fails."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from espalier.axes import atoms
from espalier.testing.rules import check_rule
from espalier.tracing import trace
from espalier.tracing.rules import RULES, find_rule
from espalier.tracing.rules.pointwise import broadcast


aten = torch.ops.aten


class Weights(nn.Module):
    """Runs *function* on parameters of the given shapes."""

    def __init__(self, function, *shapes):
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList(torch.ones(shape) for shape in shapes)

    def forward(self):
        return self.function(*self.weights)


def traced(function, *shapes):
    return trace(Weights(function, *shapes), ())


def reasons(found, number=0):
    axes = found.tensors[f"weights.{number}"].axes
    return [{why.text for atom in atoms(axis) for why in atom.reasons} for axis in axes]


@pytest.mark.parametrize(
    "op",
    [
        aten.add.Tensor,
        aten.add_.Tensor,
        aten.add.out,
        aten.copysign_.Tensor,
        aten.eq_.Scalar,
        aten.__lshift__.Tensor,
        aten.__ilshift__.Tensor,
        aten.__xor__.Scalar,
        aten.hardswish.default,
        aten.copy_.default,
        aten.masked_fill_.Tensor,
        aten.clamp.Tensor,
    ],
    ids=str,
)
def test_pointwise_operators_are_found_in_every_spelling(op):
    """
    In place, ``out=``, reflected; tagged by torch or not.
    """
    assert broadcast is find_rule(op)


@pytest.mark.parametrize(
    "op",
    [
        aten._ctc_loss.default,
        aten._linalg_eigh.default,
        aten._scaled_mm.default,
        aten.histogram.bins_tensor,
        aten.linalg_inv_ex.default,
        aten.quantize_per_tensor.default,
        aten.resize_.default,
        aten.set_.source_Tensor,
    ],
    ids=str,
)
def test_operators_that_are_not_understood_have_no_rule(op):
    """
    No name is taken for another's.
    """
    assert find_rule(op) is None


def test_an_in_place_variant_has_the_rule_of_its_operator():
    """
    One underscore at the end is dropped, and nothing else.
    """
    assert RULES["aten::transpose"] is find_rule(aten.transpose_.default)
    assert RULES["aten::cumsum"] is find_rule(aten.cumsum_.default)
    assert find_rule(aten.__and__.Tensor) is None


def test_an_operator_without_a_rule_pins_its_operands_and_names_itself():
    """
    Its result is pinned too; where it was met first is kept once.
    """
    found = traced(lambda a, b: torch.linalg.inv(a) + torch.linalg.inv(b), (4, 4), (4, 4))

    for number in range(2):
        assert [{"operator aten::linalg_inv_ex has no rule"}] * 2 == [
            {text for text in texts if text.startswith("operator")}
            for texts in reasons(found, number)
        ]
    assert ["aten::linalg_inv_ex"] == list(found.unknown)
    assert "test_rules_lookup.py" in found.unknown["aten::linalg_inv_ex"]


def test_a_rule_that_raises_pins_what_it_was_given_and_the_analysis_goes_on():
    """
    A mistake in a plug-in's rule costs axes, not the model.
    """

    def broken(call):
        raise IndexError("no such axis")

    module = Weights(torch.mm, (3, 4), (4, 5))
    found = trace(module, (), rules={"aten::mm": broken})

    assert {"the rule of aten::mm failed: no such axis"} <= reasons(found)[0]
    assert "aten::mm" in found.unknown


def test_a_rule_that_gives_another_shape_is_not_believed():
    """
    Sizes are known, so such a rule is wrong for sure.
    """
    module = Weights(torch.mm, (3, 4), (4, 5))
    found = trace(module, (), rules={"aten::mm": lambda call: [call.axes("self")]})

    assert {"the rule of aten::mm gave another shape"} <= reasons(found)[1]


def test_a_rule_of_a_plug_in_comes_before_the_core_s():
    """
    Whoever adds one means it.
    """

    def hold(call):
        call.pin(call.axes("self"), "held by a plug-in")
        return [call.axes("self")]

    found = trace(Weights(torch.relu, (3, 4)), (), rules={"aten::relu": hold})

    assert all("held by a plug-in" in texts for texts in reasons(found))


def test_attention_is_one_operator_whichever_kernel_torch_picks():
    """
    Equal head sizes are fused and others are not; the sizes of a subnet must not change the run.
    """

    def ops(size):
        found = traced(
            functional.scaled_dot_product_attention, (1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, size)
        )
        return [record.op for record in found.records if "attention" in record.op]

    assert ["aten::scaled_dot_product_attention"] == ops(4) == ops(6)


def test_operators_are_told_apart_in_an_inference_mode_too():
    """
    There torch hands on composite operators whole, for which there are no rules.
    """

    def body(x, weight):
        y = functional.conv1d(x, weight).flatten(1)
        return torch.einsum("bi,bi->b", torch.cat(y.chunk(2, -1)[::-1], -1), y)

    shapes = (2, 3, 5), (4, 3, 2)
    plain, inside = traced(body, *shapes), traced(torch.inference_mode()(body), *shapes)

    assert [record.op for record in plain.records] == [record.op for record in inside.records]
    assert {} == inside.unknown


def test_what_a_used_side_output_was_made_from_is_pinned():
    """
    No rule tells the axes of saved statistics, so whoever reads them holds the operator's inputs.
    """

    def statistics(x, weight):
        return torch.native_layer_norm(x, weight.shape, weight, None, 1e-5)[1] + 1

    text = "a side output of an operator is used"

    assert all(text in texts for texts in reasons(traced(statistics, (3, 4), (4,))))


def test_data_that_was_replaced_is_pinned_together_with_what_replaced_it():
    """
    An assignment to ``.data`` is no operator, so nobody can tell how the two relate.
    """

    def replace(a, b):
        a.data = (b * 2).t()
        return a * 1

    found = traced(replace, (3, 4), (4, 3))

    for number in range(2):
        assert all("its data was replaced" in texts for texts in reasons(found, number))


@pytest.mark.parametrize("shape", [(0,), (3, 4), (2, 2)])
def test_out_is_written_and_not_read(shape):
    """
    Whatever shape it had, it gets the axes of the result.
    """

    def into(a, b):
        with pytest.warns(UserWarning, match="resized") if shape == (2, 2) else torch.no_grad():
            return torch.add(a, b, out=a.new_empty(shape)) * 2

    literal = {"literal": True} if shape != (0,) else {}

    assert ["ff", "f"] == check_rule(
        into, torch.ones(3, 4).double(), torch.ones(4).double(), **literal
    )


def test_the_checker_finds_a_free_axis_that_is_not():
    """
    A rule that calls the axis of a running sum free is caught by permuting it.
    """

    def wrong(call):
        return [call.axes("self")]

    x = torch.rand(3, 4, generator=torch.Generator().manual_seed(0)).double()
    with pytest.raises(AssertionError, match="when units were permuted"):
        check_rule(lambda a: a.cumsum(1), x, rules={"aten::cumsum": wrong})
    with pytest.raises(AssertionError, match="when units were left out"):
        check_rule(lambda a: a.mean(1), x)

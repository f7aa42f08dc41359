"""The properties catch mistakes: a rule is broken on purpose, and one of them must fail."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from espalier.axes import concat, product
from espalier.tracing import rules
from tests.properties import check_properties
from tests.random_networks import made_of, networks


def identity(call):
    """Every output has the axes of the operand."""
    return [list(call.axes("self")) for _ in call.outputs]


def repeats_lie_inside(call):
    """The copies of a unit lie side by side, not one width apart."""
    axes, counts = call.axes("self"), call.value("repeats")
    made = [call.pinned(n, "repeat") for n in counts]
    return [[product(axis, n) for axis, n in zip(axes, made, strict=True)]]


def parts_are_reversed(call):
    """The first tensor comes last."""
    pieces, dim = call.all_axes("tensors"), call.dim(rank=call.outputs[0].dim())
    return [[*pieces[0][:dim], concat(*(p[dim] for p in reversed(pieces))), *pieces[0][dim + 1 :]]]


def groups_lie_inside(call):
    """Neighbours are in different groups, not in the same."""
    axes, groups = call.axes("input"), call.value("group")
    _, group = call.split_product(axes[1], axes[1].size // groups, groups)
    call.follow("group", group)
    call.follow("C", axes[1])
    for name in ("weight", "bias"):
        call.unify(call.axes(name)[0], axes[1])
    return [list(axes)]


def phases_lie_outside(call):
    """The pixels of one channel come from channels far apart."""
    *batch, channels, _, _ = call.axes("self")
    phase, kept = call.split_product(channels, 4, channels.size // 4)
    call.pin(phase, "phase")
    grown = [call.pinned(size, "pixels") for size in call.outputs[0].shape[-2:]]
    return [[*batch, kept, *grown]]


def channels_are_not_shuffled(call):
    """They stay in their groups."""
    axes, groups = call.axes("self"), call.value("groups")
    group, inner = call.split_product(axes[1], groups, axes[1].size // groups)
    call.follow("groups", group)
    return [[axes[0], product(group, inner), *axes[2:]]]


def without_costs(rule):
    """Return *rule*, counting nothing."""

    def free(call):
        made = rule(call)
        call.costs.clear()
        return made

    return free


def around(block, width=8):
    """Return the code of a map network with *block* between convolutions."""
    return f"Network('map', Conv2d(3, 8, 1), {block}, Conv2d({width}, 3, 1))"


#: What is broken, by what, and a network that must notice.
MISTAKES = {
    "running sum": (("cumsum",), identity, around("RunningSum(1)")),
    "flip": (("flip",), identity, around("Flip(1)")),
    "roll": (("roll",), identity, around("Roll(1, 3)")),
    "sort": (("sort",), identity, around("Sorted(1)")),
    "running maximum": (("cummax",), identity, around("RunningMaximum(1)")),
    "triangle": (("tril",), identity, around("Triangle(1)")),
    "repeat": (("repeat",), repeats_lie_inside, around("Repeated(1)", 16)),
    "concat": (("cat",), parts_are_reversed, around("Concat(1, Conv2d(8, 8, 1))", 16)),
    "group norm": (("native_group_norm",), groups_lie_inside, around("GroupNorm(2, 8)")),
    "pixel shuffle": (("pixel_shuffle",), phases_lie_outside, around("Pixels()", 2)),
    "channel shuffle": (
        ("channel_shuffle", "native_channel_shuffle"),
        channels_are_not_shuffled,
        around("ShuffledByTorch()"),
    ),
}


@pytest.fixture
def broken(monkeypatch):
    """Replace rules of the core for one test."""

    def replace(operators, rule):
        for operator in operators:
            monkeypatch.setitem(rules.RULES, f"aten::{operator}", rule)
        rules.find_rule.cache_clear()

    yield replace
    monkeypatch.undo()
    rules.find_rule.cache_clear()


@pytest.mark.parametrize("name", MISTAKES)
def test_the_properties_hold_until_the_rule_is_broken(name, broken):
    """
    The network is sound, and no more when the rule is wrong: nothing but the rule is to blame.
    """
    operators, wrong, code = MISTAKES[name]
    check_properties(made_of(code))
    broken(operators, wrong)

    with pytest.raises(AssertionError):
        check_properties(made_of(code))


def test_costs_that_are_not_counted_are_missed(broken):
    """
    A convolution that costs nothing is not what is counted on the exported model.
    """
    network = made_of(around("ReLU()"))
    broken(("convolution",), without_costs(rules.RULES["aten::convolution"]))

    with pytest.raises(AssertionError):
        check_properties(network)


@pytest.mark.parametrize("name", ["running sum", "flip"])
def test_random_networks_find_the_mistake(name, broken):
    """
    Nobody has to point at the operator: some of the first random networks has it.
    """
    operators, wrong, _ = MISTAKES[name]
    broken(operators, wrong)

    with pytest.raises(AssertionError):
        search(networks(focus=("order",)), 150, check_properties)


def test_most_random_networks_have_sizes_to_choose():
    """
    The properties would hold of networks in which nothing can change.
    """
    found = []
    search(networks(), 40, lambda n: found.append(check_properties(n, configurations=0)))

    assert sum(count > 0 for count in found) > 0.7 * len(found)
    assert sum(found) > 2 * len(found)


def search(strategy, count, check):
    """Call *check* with *count* examples, until one fails."""

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(strategy)
    def run(example):
        check(example)

    run()

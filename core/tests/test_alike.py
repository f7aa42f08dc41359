"""What differs only in its numbers is brought together, and nothing else."""

import pytest

from espalier.spaces.alike import alike, numbers, shortened


def names(things, **options):
    """Return the names of the groups."""
    return [group.name for group in alike(things, lambda thing: thing[0], **options)]


def test_numbers_of_several_levels_come_together():
    """
    Experts within layers are one line if every layer has the same ones.
    """
    paths = [f"layers.{i}.experts.{j}.up.weight[0]" for i in range(4) for j in range(8)]

    assert ["layers.0…3.experts.0…7.up.weight[0]"] == shortened(paths)
    assert ["layers.0…2.experts.0…7.up.weight[0]", "layers.3.experts.0…6.up.weight[0]"] == (
        shortened(paths[:-1])
    )


def test_numbers_at_the_end_of_a_name_count():
    """
    ``layer1``, ``layer2`` and ``layer3`` are numbered like ``layer.1``; ``conv1d`` is a name.
    """
    assert ["layer1…3.conv1d.bias[0]"] == shortened(f"layer{i}.conv1d.bias[0]" for i in (1, 2, 3))
    assert ["a1d.w", "a2d.w", "a3d.w"] == shortened(["a1d.w", "a2d.w", "a3d.w"])


def test_the_number_of_an_axis_is_not_one_of_a_layer():
    """
    Axes 2 and 3 of a kernel stay apart.
    """
    assert ["conv.weight.2", "conv.weight.3"] == names([("conv.weight.2",), ("conv.weight.3",)])


def test_other_paths_count_by_their_distance():
    """
    A layer that is tied to the next is like another that is tied to its next, and like no other.
    """
    things = [(f"h.{i}.out", f"h.{i + 1}.weight[0]") for i in range(3)]
    odd = ("h.3.out", "h.9.weight[0]")

    assert ["h.0…2.out", "h.3.out"] == names([*things, odd], paths=lambda thing: thing[1:])


def test_groups_come_in_the_order_of_their_first_members():
    """
    What is alone stays where it was.
    """
    things = ["b.0.w", "a", "b.1.w", "c.0.w", "b.2.w"]

    assert ["b.0…2.w", "a", "c.0.w"] == shortened(things)


@pytest.mark.parametrize(
    ("expected", "found"),
    [("3", [3]), ("1/2", [2, 1]), ("0…2", [0, 1, 2]), ("1,3…7/8", [1, 3, 5, 7, 8]), ("", [])],
)
def test_numbers_are_ranges_where_that_is_shorter(expected, found):
    """
    Every number can be read back.
    """
    assert expected == numbers(found)

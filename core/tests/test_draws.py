"""The sizes that a model is tried at tell all its atoms apart."""

import random

import pytest

from espalier.axes import atom
from espalier.spaces.draws import draws


def names(seed):
    generator = random.Random(seed)
    sizes = (2, 2, 3, 4, 8, 8, 16, 100, 28672)
    return {
        atom(generator.choice(sizes)): f"layers.{i}.part{generator.randrange(4)}"
        for i in range(generator.randrange(1, 150))
    }


@pytest.mark.parametrize("seed", range(30))
def test_no_two_atoms_have_the_same_size_every_time(seed):
    """
    Two that must be equal are caught, whatever their number of units.
    """
    atoms = names(seed)
    found = list(draws(atoms))

    assert len(atoms) == len({tuple(draw[axis] for draw in found) for axis in atoms})


@pytest.mark.parametrize("seed", range(10))
def test_every_size_is_possible_and_the_first_ones_are_smaller(seed):
    """
    All are shrunk at once first.
    """
    atoms = names(seed)
    first, *rest = draws(atoms)

    assert all(1 <= first[axis] < axis.size for axis in atoms)
    assert all(1 <= draw[axis] <= axis.size for draw in rest for axis in atoms)


def test_deep_models_take_few_draws():
    """
    Three sizes in each of eighty layers alike are told apart in four runs.
    """
    parts = {"groups": 8, "queries": 8, "width": 28672}
    atoms = {atom(n): f"layers.{i}.{name}" for i in range(80) for name, n in parts.items()}

    assert 4 == len(list(draws(atoms)))


@pytest.mark.parametrize("seed", range(10))
def test_every_atom_has_an_odd_size_at_some_time(seed):
    """
    A kernel that takes multiples only is found out.
    """
    atoms = [axis for axis in names(seed) if axis.size != 3]  # of which 2 is all that is left
    found = list(draws({axis: f"part{i}" for i, axis in enumerate(atoms)}))

    assert all(any(draw[axis] % 2 for draw in found if draw[axis] < axis.size) for axis in atoms)

"""The checksum of a tensor tells every change of its bytes that nobody made to fit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from espalier import checksum


ROW = 65_536

#: Around every border of a row, of a task, and of the few bytes that sums begin later.
LENGTHS = [0, 1, 7, 8, ROW - 1, ROW, ROW + 3, ROW + 4, ROW + 5, 3 * ROW + 11, 260 * ROW + 4]


def drawn(count):
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count,), dtype=torch.uint8, generator=generator)


def found(tensor):
    return checksum.checksums({"x": tensor})["x"]


@pytest.mark.parametrize("count", LENGTHS)
def test_every_byte_counts(count):
    """
    Changed at the ends, at each border, and in between, it is another checksum.
    """
    data = drawn(count)
    before = found(data)
    places = {0, 3, 4, ROW - 1, ROW, ROW + 3, ROW + 4, count // 2, count - 5, count - 1}
    for place in sorted(places & set(range(count))):
        for bit in (0, 7):
            data[place] ^= 1 << bit
            assert before != found(data), (place, bit)
            data[place] ^= 1 << bit

    assert before == found(data)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(flips=st.sets(st.integers(0, 8 * (2 * ROW + 100) - 1), min_size=1, max_size=32))
def test_flips_never_cancel(flips):
    """
    Not even flips of equal bits in words that are summed up.
    """
    data = drawn(2 * ROW + 100)
    before = found(data)
    for flip in flips:
        data[flip // 8] ^= 1 << flip % 8

    assert before != found(data)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int64])
def test_changes_that_a_sum_would_not_see(dtype):
    """
    Signs, halves and rows that change places: what keeps every sum and every exclusive-or.
    """
    data = torch.randn(64, ROW // 8, generator=torch.Generator().manual_seed(0))
    data = (data * 1000).to(dtype)
    changed = {
        "negated": -data,
        "flipped": data.flip(0),
        "rolled": data.flatten().roll(1).view_as(data),
        "turned": data.view(2, 32, -1).transpose(0, 1).reshape_as(data),
        "two swapped": data[[1, 0, *range(2, 64)]],
        "zero for minus zero": torch.where(data == 0, -data, data) * 1,
    }
    changed["two signs"] = data.clone()
    changed["two signs"][0, 1::2] *= -1

    for name, tensor in changed.items():
        same = torch.equal(tensor.view(torch.uint8), data.view(torch.uint8))
        assert same is (found(tensor) == found(data)), name


def test_it_is_the_same_whatever_the_threads():
    """
    The value does not depend on how the work was parted, nor on the other tensors.
    """
    data = {str(count): drawn(count) for count in LENGTHS}
    together = checksum.checksums(data)

    assert together == {name: found(tensor) for name, tensor in data.items()}


def test_it_stays_what_it_is():
    """
    Files that were written stay readable: these values are part of the format.
    """
    assert "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc" == found(drawn(0))
    data = (torch.arange(3 * ROW) * 31 % 251).to(torch.uint8)
    assert EXPECTED == found(data)


EXPECTED = "87836f0f8bc03d118cf7d947476b1088b31f98fc4efa836119a4f029f316181d"

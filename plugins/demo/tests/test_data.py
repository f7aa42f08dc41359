"""The data: how it is split, scaled and moved."""

import pytest
import torch

from espalier_demo.data import PIXELS, Digits, shifted


def test_every_scan_is_in_one_part(digits):
    """
    All 1,797 scans are used, and none is in two parts.
    """
    parts = (digits.train, digits.validation, digits.test)
    together = torch.cat([part.pictures.flatten(1) for part in parts])

    assert [1157, 240, 400] == [len(part) for part in parts]
    assert 1797 == len(together.unique(dim=0))


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_each_part_has_its_share_of_each_digit(digits, part):
    """
    No digit is more or less frequent by over one scan than its share of all scans.
    """
    parts = (digits.train, digits.validation, digits.test)
    total = sum(p.labels.bincount(minlength=10) for p in parts)
    found = getattr(digits, part)
    expected = total * len(found) / 1797

    assert (found.labels.bincount(minlength=10) - expected).abs().max() <= 1


def test_the_split_is_always_the_same(digits):
    """
    Loading again gives the same parts.
    """
    assert torch.equal(digits.test.pictures, Digits.load().test.pictures)


def test_pictures_are_standardised_by_the_training_part(digits):
    """
    The training part has mean 0 and deviation 1; the test part had no say in it.
    """
    pictures = digits.train.pictures

    assert (1, PIXELS, PIXELS) == pictures.shape[1:]
    assert abs(pictures.mean().item()) < 1e-5
    assert abs(pictures.std().item() - 1) < 1e-5
    assert digits.test.pictures.mean().item() != pytest.approx(0, abs=1e-5)


def test_each_picture_moves_by_itself(generator):
    """
    Every moved picture is a window of the same picture with its border repeated, and all
    windows within reach occur.
    """
    pictures = torch.rand(200, 2, 4, 5, generator=generator)
    moved = shifted(pictures, 1, generator)
    padded = torch.nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    windows = {
        (row, column): padded[:, :, row : row + 4, column : column + 5]
        for row in range(3)
        for column in range(3)
    }
    found = [
        [place for place, window in windows.items() if torch.equal(window[i], moved[i])]
        for i in range(200)
    ]

    assert [1] * 200 == [len(places) for places in found]
    assert set(windows) == {places[0] for places in found}


def test_no_reach_moves_nothing(generator):
    """
    With a reach of 0 the pictures stay as they are.
    """
    pictures = torch.rand(3, 1, 4, 4, generator=generator)

    assert torch.equal(pictures, shifted(pictures, 0, generator))

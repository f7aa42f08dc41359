"""The handwritten digits that scikit-learn brings along."""

from __future__ import annotations

from typing import final

import attrs
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.nn import functional as F


#: The pictures are 8x8 and are enlarged, so that the last stage of the network still sees shapes.
PIXELS = 16

#: Pictures for choosing between subnets, and for the numbers at the end.
VALIDATION, TEST = 240, 400

_SPLIT_SEED = 0


@final
@attrs.frozen(eq=False)
class Part:
    """
    One part of the data.

    Args:
        pictures: Shape ``(N, 1, PIXELS, PIXELS)``, standardised by the training part.

        labels: Shape ``(N,)``, 0 to 9.
    """

    pictures: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@final
@attrs.frozen(eq=False)
class Digits:
    """
    1,797 real scans in three parts with the same share of each digit.

    Args:
        train: To learn from, and to re-estimate batch-norm statistics on.

        validation: To choose between subnets.

        test: For the numbers at the end, and for nothing else.

    Source:
        Alpaydin and Kaynak, *Optical Recognition of Handwritten Digits*, UCI, 1998.
    """

    train: Part
    validation: Part
    test: Part

    @classmethod
    def load(cls) -> Digits:
        """Return the data; every call splits it alike."""
        data, target = load_digits(return_X_y=True)
        labels = torch.from_numpy(target).long()
        small = torch.from_numpy(data).float().view(-1, 1, 8, 8)
        pictures = F.interpolate(small, size=PIXELS, mode="bilinear", align_corners=False)
        rest, test = _split(torch.arange(len(labels)), labels, TEST)
        train, validation = _split(rest, labels, VALIDATION)
        pictures = (pictures - pictures[train].mean()) / pictures[train].std()
        parts = [Part(pictures[index], labels[index]) for index in (train, validation, test)]
        return cls(*parts)


def shifted(pictures: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """
    Move each picture by up to *reach* pixels along both axes; the rim repeats the border.

    Args:
        pictures: Shape ``(N, C, H, W)``.

        reach: The largest shift, in pixels.

        generator: Says how far each is moved.
    """
    count, _, height, width = pictures.shape
    padded = F.pad(pictures, (reach,) * 4, mode="replicate")
    shifts = torch.randint(2 * reach + 1, (2, count, 1), generator=generator)
    rows = (shifts[0] + torch.arange(height))[:, None, :, None]
    columns = (shifts[1] + torch.arange(width))[:, None, None, :]
    picture = torch.arange(count)[:, None, None, None]
    channel = torch.arange(pictures.shape[1])[None, :, None, None]
    return padded[picture, channel, rows, columns]


def _split(index: Tensor, labels: Tensor, held_out: int) -> tuple[Tensor, Tensor]:
    kept, held = train_test_split(
        index.numpy(),
        test_size=held_out,
        stratify=labels[index].numpy(),
        random_state=_SPLIT_SEED,
    )
    return torch.from_numpy(kept), torch.from_numpy(held)

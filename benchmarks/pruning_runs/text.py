"""The source text of Python's standard library, as bytes."""

import hashlib
import pathlib
import random
import sysconfig
from typing import Self, final

import attrs
import torch
from torch import Tensor

from .transformer import CONTEXT


#: Folders that are not the library itself.
_OTHERS = {"site-packages", "test", "tests", "idlelib", "__pycache__"}

#: Of the files, how many percent are held out to choose by, and to report.
_VALIDATION, _TEST = 5, 5

_SPLIT_SEED = 0


@final
@attrs.frozen(eq=False)
class Text:
    """
    Three parts of the library, split by whole files; every call splits alike.

    Args:
        train: To learn from, shape ``(bytes,)``.

        validation: To choose between subnets.

        test: For the numbers at the end, and for nothing else.
    """

    train: Tensor
    validation: Tensor
    test: Tensor

    @classmethod
    def load(cls) -> Self:
        """Return the text of the Python that runs."""
        files = library()
        random.Random(_SPLIT_SEED).shuffle(files)
        validation = len(files) * _VALIDATION // 100
        test = len(files) * _TEST // 100
        parts = (files[validation + test :], files[:validation], files[validation:][:test])
        return cls(*(_joined(part) for part in parts))


def library() -> list[pathlib.Path]:
    """Return the files of the standard library, sorted; those of its tests are left out."""
    root = pathlib.Path(sysconfig.get_path("stdlib"))
    found = (path.relative_to(root) for path in root.rglob("*.py"))
    return [root / path for path in sorted(found) if not _OTHERS & set(path.parts)]


def fingerprint() -> str:
    """Return a short name of the library's text."""
    digest = hashlib.sha256()
    for file in library():
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def spread(part: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """
    Return *count* stretches of *part*, evenly spread over it, with the bytes that follow each.

    Returns:
        What is read and what is to be predicted, each of shape ``(count, CONTEXT)``.
    """
    return _stretches(part, torch.linspace(0, len(part) - CONTEXT - 1, count).long())


def drawn(part: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return *count* stretches of *part* drawn by *generator*, as `spread` does."""
    return _stretches(part, torch.randint(len(part) - CONTEXT, (count,), generator=generator))


def _stretches(part: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    both = part[starts[:, None] + torch.arange(CONTEXT + 1)].long()
    return both[:, :-1], both[:, 1:]


def _joined(files: list[pathlib.Path]) -> Tensor:
    both = bytearray(b"\n".join(file.read_bytes() for file in files))
    return torch.frombuffer(both, dtype=torch.uint8)

"""
A checksum of many bytes that costs little more than to read them.

The bytes are taken as rows of 64-bit words. Each row is multiplied by a fixed row of random keys
and summed modulo 2**64, once from its first byte and once from its fifth, so that every 32 bits
are the low half of a word in one of the sums. A change that was not made to fit the keys leaves
both sums of a row as they were with a probability of at most 2**-32; a single changed word never
does. SHA-256 over all sums, and over the bytes behind the last row, gives the checksum.

It tells damage and careless edits. It is no signature: who can write a file can write the
checksums that go with it.

Source:
    The multilinear family of Carter and Wegman, *Universal Classes of Hash Functions*, JCSS 1979,
    with words twice as wide as what they tell apart.
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import functools
import hashlib
import os
from typing import TYPE_CHECKING

import torch


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future, ThreadPoolExecutor

    from torch import Tensor

#: Words in a row, and bytes of a word and of its half.
_WORDS, _WORD, _HALF = 8192, 8, 4
_ROW = _WORDS * _WORD

#: Rows that stay in a processor's cache from one sum to the other, and rows of one task.
_NEAR, _TASK = 16, 256

#: How many threads may read at once; more than that and memory is what they wait for.
_MOST_THREADS = 4


def threads() -> ThreadPoolExecutor:
    """Return threads to run `started` on, for a ``with`` statement."""
    # By what this process may use, where the system tells.
    usable = getattr(os, "sched_getaffinity", None)
    count = len(usable(0)) if usable is not None else os.cpu_count() or 1
    return concurrent.futures.ThreadPoolExecutor(min(count, _MOST_THREADS), "espalier-checksum")


def started(pool: ThreadPoolExecutor, tensor: Tensor) -> _Running:
    """
    Begin to compute the checksum of the bytes of *tensor*.

    Args:
        pool: Of `threads`.

        tensor: On the CPU, row-major and dense. It must not change until the result is there.
    """
    rows = max(0, tensor.nbytes - _HALF) // _ROW
    tasks = [
        pool.submit(_sums, tensor, start, min(start + _TASK, rows))
        for start in range(0, rows, _TASK)
    ]
    return _Running(tensor, rows, tasks)


def checksums(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the checksum of each of *tensors*, as `started` takes them, as 64 hex digits."""
    with threads() as pool:
        running = {name: started(pool, tensor) for name, tensor in tensors.items()}
        return {name: found.result() for name, found in running.items()}


def raw(tensor: Tensor) -> memoryview:
    """Return the bytes of a dense, row-major *tensor* on the CPU; they live as long as it does."""
    return memoryview((ctypes.c_ubyte * tensor.nbytes).from_address(tensor.data_ptr())).cast("B")


class _Running:
    def __init__(self, tensor: Tensor, rows: int, tasks: list[Future[Tensor]]) -> None:
        self._tensor = tensor
        self._rows = rows
        self._tasks = tasks

    def result(self) -> str:
        """Wait for it and return 64 hex digits."""
        digest = hashlib.sha256(self._tensor.nbytes.to_bytes(8, "little"))
        for task in self._tasks:
            digest.update(raw(task.result()))
        if self._tensor.nbytes:
            digest.update(raw(self._tensor)[self._rows * _ROW :])
        return digest.hexdigest()


def _sums(tensor: Tensor, start: int, stop: int) -> Tensor:
    """Return both sums of rows *start* to *stop*, shape ``(rows, 2)``."""
    first, second = _keys()
    return torch.cat(
        [
            torch.stack([torch.mv(even, first), torch.mv(odd, second)], dim=1)
            for even, odd in _near(tensor, start, stop)
        ]
    )


def _near(tensor: Tensor, start: int, stop: int) -> Iterator[tuple[Tensor, Tensor]]:
    held = (ctypes.c_ubyte * tensor.nbytes).from_address(tensor.data_ptr())
    count = (stop - start) * _WORDS
    even, odd = (
        torch.frombuffer(held, dtype=torch.int64, count=count, offset=start * _ROW + shift)
        for shift in (0, _HALF)
    )
    yield from zip(
        even.view(-1, _WORDS).split(_NEAR), odd.view(-1, _WORDS).split(_NEAR), strict=True
    )


@functools.cache
def _keys() -> tuple[Tensor, Tensor]:
    """Return two rows of keys, the same on every machine; odd, so no single word can hide."""
    drawn = bytearray(hashlib.shake_128(b"espalier tensor checksum").digest(2 * _ROW))
    keys = torch.frombuffer(drawn, dtype=torch.int64).bitwise_or(1).view(2, _WORDS)
    return keys[0], keys[1]

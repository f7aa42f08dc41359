"""When hyper-parameters are fitted again."""

from __future__ import annotations


__all__ = ["refits"]


def refits(count: int) -> list[int]:
    """
    Return the numbers of observations at which is fitted, up to *count*.

    Each is one more than the last, or a tenth more where that is more.
    """
    found = [1]
    while (following := found[-1] + max(1, found[-1] // 10)) <= count:
        found.append(following)
    return found

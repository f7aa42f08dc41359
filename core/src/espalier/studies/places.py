"""Find the store that a URL or a path stands for."""

from __future__ import annotations

import os

from ..errors import StoreError
from ..plugins import current_host
from .memory import MemoryStore
from .store import TrialStore


__all__ = ["open_store"]


def open_store(given: TrialStore | str | os.PathLike[str] | None) -> TrialStore:
    """
    Return the store that *given* stands for.

    Args:
        given: A store; a URL, whose scheme says which plug-in keeps it; the path of a file, whose
            suffix does; or ``None`` for memory.

    Raises:
        StoreError: If no plug-in offers such a place, or it can't be opened.
    """
    if given is None:
        return MemoryStore()
    if isinstance(given, TrialStore):
        return given
    url = os.fspath(given)
    stores = current_host().stores
    for offer in stores.offers():
        if _is_of(url, offer.name, offer.suffixes):
            store: TrialStore = stores[offer.name].at(url)
            return store
    known = ", ".join(_told(offer.name, offer.suffixes) for offer in stores.offers())
    raise StoreError(
        f"{url!r} is no place for a study that an installed plug-in knows. There are: {known}. "
        f"Run `espalier plugins` to see what each plug-in offers."
    )


def _is_of(url: str, scheme: str, suffixes: frozenset[str]) -> bool:
    if "://" in url:
        return url.partition("://")[0].partition("+")[0] == scheme
    return url == scheme or any(url.endswith(suffix) for suffix in suffixes)


def _told(scheme: str, suffixes: frozenset[str]) -> str:
    ends = "".join(f", *{suffix}" for suffix in sorted(suffixes))
    return f"{scheme}://{ends}"

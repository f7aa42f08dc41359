"""Open a study that is kept somewhere, without what it was made of."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any, final

from ..domains import Domain, Space
from ..errors import DomainError, StoreError, StudyError, nearest
from ..plugins import current_host


if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from ..sampling import TrialRecord
    from .header import StudyHeader
    from .store import TrialStore

__all__ = ["header_in", "require_there", "space_of"]


def require_there(url: str) -> None:
    """
    Check that the file at *url* is there, if it is one: looking for a study makes none.

    Args:
        url: A path, or the URL of a store.

    Raises:
        StoreError: If it is missing.
    """
    scheme, mark, rest = url.partition("://")
    offers = current_host().stores.offers()
    are_files = {offer.name for offer in offers if offer.suffixes}
    if mark and scheme.partition("+")[0] not in are_files:
        return
    path = rest.removeprefix("/").partition("?")[0] if mark else url
    if not mark and not any(path.endswith(s) for offer in offers for s in offer.suffixes):
        return
    if path and not path.startswith("file:") and not pathlib.Path(path).exists():
        raise StoreError(f"{path}: there is no such file, so there is no study in it.")


def header_in(store: TrialStore, name: str | None) -> StudyHeader:
    """
    Return the header of a study.

    Args:
        store: Where it is kept.

        name: Which one; may be left out where there is one only.

    Raises:
        StudyError: If there is none of that name, or several and no name.
    """
    headers = {header.name: header for header in store.headers()}
    if not headers:
        raise StudyError(f"there is no study in {store.place}.")
    known = ", ".join(map(repr, headers))
    if name is None:
        if len(headers) > 1:
            raise StudyError(f"{store.place} has {len(headers)} studies: {known}. Give a name.")
        return next(iter(headers.values()))
    if name not in headers:
        raise StudyError(
            f"{store.place} has no study named {name!r}.{nearest(name, headers)} It has {known}."
        )
    return headers[name]


def space_of(header: StudyHeader, trials: Sequence[TrialRecord]) -> Space:
    """
    Return the space of a study.

    Args:
        header: Its parameters; those that JSON could not write are there as text.

        trials: What values such a parameter had.
    """
    if header.parameters is not None:
        return header.parameters
    domains = {}
    for name, plain in header.space.items():
        try:
            domains[name] = Space.from_dict({name: plain})[name]
        except DomainError:
            seen = [record.config[name] for record in trials if name in record.config]
            domains[name] = Told(str(plain.get("type")), str(plain.get("told")), seen)
    return Space(domains)


@final
class Told(Domain):
    """
    A domain whose values can't be read again: what is known of it is text, and what was tried.

    Args:
        kind: What domain it was.

        told: What it said of itself.

        seen: Values that trials had, as a store tells them.
    """

    def __init__(self, kind: str, told: str, seen: Sequence[Any]) -> None:
        self.type = kind  # type: ignore[misc]
        self._told = told
        self._values = list({repr(value): value for value in seen}.values()) or [told]

    @property
    def size(self) -> int:
        return len(self._values)

    @property
    def default(self) -> Any:
        return self._values[0]

    def at(self, index: int) -> Any:
        return self._values[self._place(index)]

    def index(self, value: Any) -> int:
        for place, known in enumerate(self._values):
            if repr(known) == repr(value):
                return place
        raise self._refuse(value)

    def read(self, value: Any) -> Any:
        return self.at(self.index(value))

    def sample(self, rng: random.Random) -> Any:
        return self.at(rng.randrange(self.size))

    def to_dict(self) -> dict[str, Any]:
        raise DomainError(f"{self} can't be written as JSON.")

    def __str__(self) -> str:
        return self._told

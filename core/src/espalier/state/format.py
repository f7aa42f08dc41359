"""
The file: one safetensors file whose header holds the steps as JSON.

Nothing in it is ever executed. The header says the version of the format, the class of the model,
the steps, the look of every module that a converter serves, and which tensors share one storage.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from typing import TYPE_CHECKING, Any

import attrs

from ..errors import StateError


if TYPE_CHECKING:
    from collections.abc import Mapping


#: Key of the JSON text in the header.
KEY = "espalier"
VERSION = 1


@attrs.frozen
class Manifest:
    """
    What the header says.

    Args:
        model: Name of the model's class, for messages.

        steps: ``mode``, ``config`` and ``metadata`` of each step, oldest first.

        modules: Shapes and attributes of modules that a converter serves, by path.

        aliases: For each further name of a shared tensor, the name it is stored under.

        digest: SHA-256 of the rest, to tell an altered file.
    """

    model: str
    steps: tuple[Mapping[str, Any], ...]
    modules: Mapping[str, Any]
    aliases: Mapping[str, str]
    digest: str = ""

    def dump(self) -> str:
        """Return the JSON text."""
        data = attrs.asdict(attrs.evolve(self, digest=self.fingerprint()))
        return json.dumps({"version": VERSION, **data}, allow_nan=False)

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything but the digest itself."""
        data = attrs.asdict(attrs.evolve(self, digest=""))
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    @classmethod
    def load(cls, text: str | None, path: object) -> Manifest:
        """
        Read the JSON text.

        Raises:
            StateError: If there is none, or it is newer, altered or malformed.
        """
        if text is None:
            raise StateError(
                f"{path}: not a file that espalier.save wrote; its header has no steps."
            )
        try:
            data = json.loads(text)
            version = data.pop("version")
            if not isinstance(version, int) or version > VERSION:
                raise StateError(
                    f"{path}: written in format {version!r}, this Espalier reads up to {VERSION}. "
                    f"Upgrade espalier-core."
                )
            made = cls(**{**data, "steps": tuple(data["steps"])})
            intact = made.digest == made.fingerprint()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, StateError):
                raise
            raise StateError(f"{path}: the header can't be read: {error}.") from error
        if not intact:
            raise StateError(f"{path}: the header was altered or damaged; its checksum is wrong.")
        return made


def check_length(path: Any) -> None:
    """
    Raise unless the file is as long as its header says.

    Raises:
        StateError: If it is truncated or has something behind its end.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        if len(head) < 8:  # noqa: PLR2004 - the length of the header, little-endian
            raise StateError(f"{path}: truncated; it has {size} bytes.")
        (length,) = struct.unpack("<Q", head)
        if length > size - 8:
            raise StateError(f"{path}: truncated or not a safetensors file; it has {size} bytes.")
        try:
            header = json.loads(file.read(length))
            ends = [e["data_offsets"][1] for n, e in header.items() if n != "__metadata__"]
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise StateError(f"{path}: the header can't be read: {error}.") from error
    expected = 8 + length + (max(ends) if ends else 0)
    if expected != size or not math.isfinite(expected):
        raise StateError(f"{path}: it must have {expected} bytes, but it has {size}: truncated?")

"""
What a file says besides the tensors, as JSON in the header of a safetensors file.

Nothing in it is ever executed. ``docs/reference/file-format.md`` says what each field means.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import attrs

from ..checksum import checksums
from ..errors import StateError
from ..mode.looks import checked_looks
from ..reading import Entry


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

#: Keys of the JSON text, and of its SHA-256, in the metadata.
KEY, DIGEST_KEY = "espalier", "espalier_sha256"
VERSION = 2


@attrs.frozen
class Stored:
    """
    What is known of one tensor besides its dtype and shape.

    Args:
        checksum: Of its bytes, as 64 hex digits.

        order: Its axes from the widest stride to the narrowest, where that is not their own
            order: the memory format.

        in_state: Whether ``state_dict`` has it; other buffers are made by the model itself.
    """

    checksum: str
    order: tuple[int, ...] | None = None
    in_state: bool = True


@attrs.frozen
class Manifest:
    """
    What the header says.

    Args:
        model: Name of the model's class, for messages.

        steps: ``mode``, ``config`` and ``metadata`` of each step, oldest first.

        modules: Shapes and attributes of modules, by path.

        aliases: For each further name of a shared tensor, the name it is stored under.

        tensors: By the name they are stored under.
    """

    model: str
    steps: tuple[Mapping[str, Any], ...]
    modules: Mapping[str, Any]
    aliases: Mapping[str, str]
    tensors: Mapping[str, Stored]

    def stored(self, path: str, name: str) -> Stored:
        """Return what is known of tensor *name* of the module at *path*."""
        full = f"{path}.{name}" if path else name
        return self.tensors[self.aliases.get(full, full)]

    def dump(self) -> dict[str, str]:
        """
        Return the metadata of the file.

        Raises:
            StateError: If the record of a step is no JSON data.
        """
        for i, step in enumerate(self.steps):
            try:
                json.dumps(step, allow_nan=False)
            except (TypeError, ValueError, RecursionError) as error:
                raise StateError(
                    f"steps[{i}]: the configuration and the metadata of mode {step['mode']!r} "
                    f"must be JSON data to be saved; {error}."
                ) from error
        data = {"version": VERSION, **attrs.asdict(self)}
        text = json.dumps(data, separators=(",", ":"), allow_nan=False)
        return {KEY: text, DIGEST_KEY: _sha256(text)}

    @classmethod
    def load(cls, metadata: Mapping[str, str]) -> Manifest:
        """
        Read the metadata of a file, each field on its own: anybody can write a digest.

        Raises:
            StateError: If there are none, or they are newer, older, altered or malformed.
        """
        if KEY not in metadata:
            raise StateError(
                "not a file that espalier.save wrote; its header has no steps. Load it with "
                "safetensors.torch.load_model."
            )
        root = Entry.parse("steps", metadata[KEY])
        _check_version(root["version"].size())
        if metadata.get(DIGEST_KEY) != _sha256(metadata[KEY]):
            raise StateError("the header was altered or damaged; its checksum is wrong.")
        top = {name: Entry(name, value) for name, value in root.mapping().items()}
        root.fields(["version", *(field.name for field in attrs.fields(cls))])
        return cls(
            top["model"].text(),
            tuple(_step(entry) for entry in top["steps"].entries()),
            checked_looks(top["modules"]),
            {name: entry.text() for name, entry in top["aliases"].items()},
            {name: _stored(entry) for name, entry in top["tensors"].items()},
        )

    def check(self, tensors: Mapping[str, Tensor]) -> None:
        """
        Raise unless this tells of *tensors*, and of no others.

        Raises:
            StateError: If the two differ in names, in shapes, or in one bit of the values.
        """
        if set(self.tensors) != set(tensors):
            odd = sorted(set(self.tensors) ^ set(tensors))[:4]
            raise StateError(f"tensors: must name the tensors of the file; on one side: {odd}.")
        for alias, name in self.aliases.items():
            if name not in self.tensors or alias in self.tensors:
                Entry(f"aliases[{alias!r}]", name).fail("must be another name of a tensor")
        for name, stored in self.tensors.items():
            if stored.order is not None and len(stored.order) != tensors[name].dim():
                Entry(f"tensors[{name!r}].order", list(stored.order)).fail("must name each axis")
        self._check_shapes(tensors)
        found = checksums(tensors)
        wrong = [name for name, stored in self.tensors.items() if stored.checksum != found[name]]
        if wrong:
            raise StateError(
                f"the weights were altered or damaged: of {len(found)} tensors {len(wrong)} do "
                f"not have the values that were saved ({', '.join(wrong[:4])})."
            )

    def _check_shapes(self, tensors: Mapping[str, Tensor]) -> None:
        for path, look in self.modules.items():
            for name, shape in look["shapes"].items():
                full = f"{path}.{name}" if path else name
                tensor = tensors.get(self.aliases.get(full, full))
                if tensor is None or tuple(tensor.shape) != shape:
                    rule = "must be the shape of a tensor of the file"
                    Entry(f"modules[{path!r}].shapes[{name!r}]", list(shape)).fail(rule)


def _check_version(version: int) -> None:
    if version > VERSION:
        raise StateError(
            f"too new: written in format {version}, this Espalier reads format {VERSION}. Upgrade "
            f"espalier-core."
        )
    if version < VERSION:
        raise StateError(
            f"too old: written in format {version}, which does not protect the weights; this "
            f"Espalier reads format {VERSION}. Restore it with the espalier-core that wrote it "
            f"and save the weights."
        )


def _step(entry: Entry) -> dict[str, Any]:
    entry.fields(["mode", "config", "metadata"])
    return {
        "mode": entry["mode"].text(),
        "config": entry["config"].mapping(),
        "metadata": entry["metadata"].mapping(),
    }


def _stored(entry: Entry) -> Stored:
    entry.fields([field.name for field in attrs.fields(Stored)])
    order = entry["order"]
    axes = None if order.value is None else order.sizes()
    if axes is not None and sorted(axes) != list(range(len(axes))):
        order.fail("must name each axis once")
    if not re.fullmatch("[0-9a-f]{64}", entry["checksum"].text()):
        entry["checksum"].fail("must have 64 hex digits")
    return Stored(entry["checksum"].text(), axes, entry["in_state"].flag())


def _sha256(text: str) -> str:
    # A lone surrogate, which JSON can escape, is no text that could be encoded strictly.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

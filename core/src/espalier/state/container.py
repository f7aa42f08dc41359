"""
The safetensors file: written one tensor at a time, and checked before a tensor of it is used.

The library writes what lies in memory as it is, all at once; a model whose tensors do not (on
another device, or in another memory format) would be copied whole before. Reading is left to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import stat
import sys
from typing import TYPE_CHECKING, Any

import attrs
import torch
from safetensors import SafetensorError, safe_open

from ..checksum import raw, started, threads
from ..drafts import drafted
from ..errors import StateError
from ..reading import Entry


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from io import FileIO

    from torch import Tensor

#: How the format calls torch's dtypes.
DTYPES = {
    getattr(torch, name): code
    for name, code in {
        "float64": "F64",
        "float32": "F32",
        "float16": "F16",
        "bfloat16": "BF16",
        "complex64": "C64",
        "int64": "I64",
        "int32": "I32",
        "int16": "I16",
        "int8": "I8",
        "uint64": "U64",
        "uint32": "U32",
        "uint16": "U16",
        "uint8": "U8",
        "bool": "BOOL",
        "float8_e4m3fn": "F8_E4M3",
        "float8_e5m2": "F8_E5M2",
        "float8_e4m3fnuz": "F8_E4M3FNUZ",
        "float8_e5m2fnuz": "F8_E5M2FNUZ",
    }.items()
    if hasattr(torch, name)
}

#: The length of the header stands in the first bytes, little-endian.
_PREFIX = 8

#: Data begin at a multiple of this, so that every tensor lies where its words may.
_ALIGNMENT = 64

#: The format allows no longer header.
_LONGEST = 100_000_000


@attrs.frozen
class Contents:
    """
    What a file holds.

    Args:
        metadata: Strings by name.

        tensors: By name, mapped from the file: they take no memory, and must not outlive it.
    """

    metadata: Mapping[str, str]
    tensors: Mapping[str, Tensor]


def write(
    path: pathlib.Path,
    tensors: Mapping[str, Tensor],
    metadata: Callable[[Mapping[str, str]], Mapping[str, str]],
    *,
    sync: bool,
) -> None:
    """
    Write *tensors* to a file beside *path* and then move it there.

    Args:
        path: Where to write. What is there is replaced as soon as the new file is whole.

        tensors: By name; dense, on any device, in any memory format.

        metadata: Given the checksum of each tensor, returns strings by name, which must be as
            long for one checksum as for another.

        sync: Whether to wait for the disk.
    """
    path = pathlib.Path(os.path.realpath(path))
    with drafted(path) as draft, draft.open("xb", buffering=0) as file:
        if path.exists():
            draft.chmod(stat.S_IMODE(path.stat().st_mode))
        _fill(file, tensors, metadata)
        if sync:
            os.fsync(file.fileno())
    if sync:
        _sync_folder(path)


def _sync_folder(path: pathlib.Path) -> None:
    # The new name is safe, too, where a folder can be synchronised.
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _fill(
    file: FileIO,
    tensors: Mapping[str, Tensor],
    metadata: Callable[[Mapping[str, str]], Mapping[str, str]],
) -> None:
    # Wide ones first, so that each begins at a multiple of its own width.
    ordered = dict(sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])))
    # The checksums are known when all is written, and stand in front.
    unknown = _header(ordered, metadata(dict.fromkeys(ordered, "0" * 64)))
    _write_all(file, memoryview(unknown))
    found = {}
    with threads() as pool:
        for name, tensor in ordered.items():
            data = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
            running = started(pool, data)
            if data.nbytes:
                _write_all(file, raw(data))
            found[name] = running.result()
    known = _header(ordered, metadata(found))
    if len(known) != len(unknown):
        raise AssertionError("the header must be as long with checksums as without")
    file.seek(0)
    _write_all(file, memoryview(known))


def _write_all(file: FileIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) :]


def _header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + tensor.nbytes],
        }
        end += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + _PREFIX) % _ALIGNMENT)
    return len(text).to_bytes(_PREFIX, "little") + text


def read(path: pathlib.Path) -> Contents:
    """
    Return what the file at *path* holds.

    Raises:
        StateError: If it is no safetensors file, or its length or its header is wrong.
    """
    if not path.is_file():
        raise StateError(f"{path}: there is no such file.")
    if sys.byteorder != "little":
        raise StateError(f"{path}: saved models are read on little-endian machines only.")
    try:
        metadata = _checked_header(path)
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError) as error:
        raise StateError(f"{path}: not a readable safetensors file: {error}.") from error
    return Contents(metadata, tensors)


def _checked_header(path: pathlib.Path) -> dict[str, str]:
    """Return the metadata, after everything that the header says was compared with the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_PREFIX), "little")
        if size < _PREFIX or length > size - _PREFIX or length > _LONGEST:
            raise StateError(
                f"truncated, or no safetensors file: it has {size} bytes, and they say that the "
                f"header has {length}."
            )
        header = Entry.parse("header", file.read(length))
    metadata, end = {}, 0
    for name, entry in header.items():
        if name == "__metadata__":
            metadata = {key: value.text() for key, value in entry.items()}
        else:
            end = _checked_place(entry, end)
    if _PREFIX + length + end != size:
        raise StateError(
            f"it must have {_PREFIX + length + end} bytes, and has {size}: truncated, or written "
            f"to by something else."
        )
    return metadata


def _checked_place(entry: Entry, end: int) -> int:
    """Raise unless *entry* is a tensor whose data begin at *end*; return where they end."""
    entry.fields(["dtype", "shape", "data_offsets"])
    widths = {code: dtype.itemsize for dtype, code in DTYPES.items()}
    code, shape = entry["dtype"].text(), entry["shape"].sizes()
    if code not in widths:
        entry["dtype"].fail(f"must be one of {', '.join(widths)}")
    stop = end + widths[code]
    for size in shape:
        stop = end + (stop - end) * size
    if entry["data_offsets"].sizes() != (end, stop):
        entry["data_offsets"].fail(f"must be [{end}, {stop}], as dtype and shape have it")
    return stop

"""Nothing in a file is executed, and what is refused says where and why."""

import ast
import hashlib
import json
import pathlib
import pickle
import struct

import pytest
import torch

import espalier
from espalier.errors import StateError
from tests.models import FINE, images, small_cnn
from tests.test_bad_input import assert_unchanged, state_of


ROOT = pathlib.Path(__file__).parent.parent

#: What runs what it reads.
UNSAFE = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
CALLS = {"eval", "exec", "compile", "__import__"}


def sources():
    # A contract for authors of converters pickles on purpose; nothing else imports it.
    core = ROOT / "core/src/espalier"
    return [p for p in sorted(core.rglob("*.py")) if core / "testing" not in p.parents]


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_of_the_core_can_unpickle(path):
    """
    None imports what runs what it reads, calls ``torch.load``, or evaluates text.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not UNSAFE & {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in UNSAFE
        if isinstance(node, ast.Call):
            assert "torch.load" != ast.unparse(node.func)
            assert ast.unparse(node.func) not in CALLS


@pytest.mark.parametrize("stage", ["converted", "exported"])
def test_a_restore_calls_nothing_that_unpickles(stage, tmp_path, monkeypatch):
    """
    With all of it out of order, a model is restored all the same.
    """
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    if stage == "exported":
        espalier.export(model)
    espalier.save(model, tmp_path / "net")

    def forbidden(*args, **kwargs):
        raise AssertionError("something was unpickled")

    for place, name in [
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
        (torch, "load"),
        (torch.serialization, "load"),
    ]:
        monkeypatch.setattr(place, name, forbidden)
    assert torch.equal(
        model(images()), espalier.restore(small_cnn(seed=4), tmp_path / "net")(images())
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("safety")
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    espalier.save(model, folder / "converted")
    espalier.space(model).select({"0.out_channels": 6})
    espalier.save(espalier.export(model), folder / "exported")
    return folder


def edited(path, places, value):
    """Write what is at *path* with another *value* at *places*, and digests that fit."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    content = json.loads(header["__metadata__"]["espalier"])
    inner = content
    for place in places[:-1]:
        inner = inner[place]
    inner[places[-1]] = value
    text = json.dumps(content)
    header["__metadata__"] = {
        "espalier": text,
        "espalier_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    head = json.dumps(header).encode()
    target = path.with_name("edited")
    target.write_bytes(struct.pack("<Q", len(head)) + head + data[8 + length :])
    return target


CONVERTED, EXPORTED = "converted", "exported"
METADATA = ("steps", 0, "metadata")
MODULES = ("steps", 1, "metadata", "modules")
REFUSED = {
    "steps that are no list": (CONVERTED, ["steps"], {}, "steps: must be a list; got {}"),
    "a mode that is none": (
        CONVERTED,
        ["steps", 0, "mode"],
        "fastnass",
        "steps[0].mode: No mode named 'fastnass'. Did you mean 'fastnas'",
    ),
    "a mode that is a number": (CONVERTED, ["steps", 0, "mode"], 3, "steps[0].mode: must be a st"),
    "a field too many": (
        CONVERTED,
        ["steps", 0, "code"],
        "import os",
        "steps[0]: must have the fields mode, config, metadata; got ['code', 'config',",
    ),
    "a configuration of another mode": (
        CONVERTED,
        ["steps", 0, "config"],
        {"relax_divisr": True},
        "steps[0].config: relax_divisr: there is no such field",
    ),
    "inputs of no dtype": (
        CONVERTED,
        [*METADATA, "inputs", "dtype"],
        "load",
        "steps[0].metadata.inputs.dtype: must be the name of a dtype of torch; got 'load'",
    ),
    "inputs of no shape": (
        CONVERTED,
        [*METADATA, "inputs", "tensor"],
        [4, -3, 8, 8],
        "steps[0].metadata.inputs.tensor[1]: must be an integer from 0 up; got -3",
    ),
    "inputs without end": (
        CONVERTED,
        [*METADATA, "inputs", "tensor"],
        [2**40, 2**40],
        "steps[0].metadata.inputs.tensor: must be a shape that some tensor can have; got [10995",
    ),
    "choices that are none": (
        CONVERTED,
        [*METADATA, "hparams", "0.out_channels", "choices"],
        "all",
        "steps[0].metadata.hparams['0.out_channels'].choices: must be a list; got 'all'",
    ),
    "an active size that is not offered": (
        CONVERTED,
        [*METADATA, "hparams", "0.out_channels", "active"],
        999,
        "steps[0] (fastnas): 0.out_channels: active must be one of",
    ),
    "an order that is none": (
        CONVERTED,
        [*METADATA, "orders", "0.out_channels"],
        [0, 0, 1],
        "steps[0] (fastnas): 0.out_channels: order must be a permutation",
    ),
    "an order of nothing": (
        CONVERTED,
        [*METADATA, "orders", "x"],
        [0],
        "steps[0].metadata.orders['x']: must belong to an hparam of the space; got [0]",
    ),
    "a shape that is too large": (
        EXPORTED,
        [*MODULES, "0", "shapes", "weight"],
        [2**40, 3, 3, 3],
        "steps[1].metadata.modules['0'].shapes['weight']: must fit into the shape of the model",
    ),
    "a shape that is none": (
        EXPORTED,
        [*MODULES, "0", "shapes", "weight"],
        [6, "3"],
        "steps[1].metadata.modules['0'].shapes['weight'][1]: must be an integer from 0",
    ),
    "an attribute that is no number": (
        EXPORTED,
        [*MODULES, "0", "attributes", "out_channels"],
        "6",
        "steps[1].metadata.modules['0'].attributes['out_channels']: must be an integer; got '6'",
    ),
    "an attribute that is no size": (
        EXPORTED,
        [*MODULES, "0", "attributes", "__class__"],
        6,
        "Conv2d has no size '__class__' to set to 6",
    ),
    "a flag in place of a size": (
        EXPORTED,
        [*MODULES, "0", "attributes", "training"],
        0,
        "Conv2d has no size 'training' to set to 0",
    ),
    "a module that is not there": (
        EXPORTED,
        [*MODULES, "99"],
        {"shapes": {}, "attributes": {}},
        "must have a module '99'",
    ),
    "looks of another file": (
        EXPORTED,
        ["modules", "0", "shapes", "weight"],
        [5, 3, 3, 3],
        "modules['0'].shapes['weight']: must be the shape of a tensor of the file; got [5, 3,",
    ),
    "an alias of nothing": (
        EXPORTED,
        ["aliases", "x"],
        "y",
        "aliases['x']: must be another name of a tensor; got 'y'",
    ),
    "a checksum that is none": (
        EXPORTED,
        ["tensors", "0.bias", "checksum"],
        "0",
        "tensors['0.bias'].checksum: must have 64 hex digits; got '0'",
    ),
    "an order of axes that is none": (
        EXPORTED,
        ["tensors", "0.weight", "order"],
        [0, 0, 1, 2],
        "tensors['0.weight'].order: must name each axis once; got [0, 0, 1, 2]",
    ),
    "a version that is none": (CONVERTED, ["version"], "2", "version: must be an integer from 0"),
}


@pytest.mark.parametrize(("kind", "places", "value", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refused_value_is_named_by_its_path(files, kind, places, value, message):
    """
    The message names the file, the path, the rule and what came; the model is as before.
    """
    model = small_cnn(seed=4)
    before = state_of(model)
    path = edited(files / kind, places, value)
    with pytest.raises(StateError) as caught:
        espalier.restore(model, path)

    assert_unchanged(before, model)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)

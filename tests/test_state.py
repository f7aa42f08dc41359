"""Models are saved with what was done to them, and come back as they were."""

import copy
import json
import struct
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn

import espalier
from espalier.errors import EspalierError
from espalier.mode import steps_of
from tests.models import FINE, Faithful, images, small_cnn
from tests.test_bad_input import assert_unchanged, state_of


def pruned(model, x):
    espalier.prune(
        model, constraints={"flops": "50%"}, inputs=x, score=Faithful(model, x), config=FINE
    )
    return model


def converted(model, x):
    return espalier.convert(model, inputs=x, config=FINE)


def searched(model, x):
    converted(model, x)
    espalier.search(model, constraints={"flops": "50%"}, score=Faithful(model, x))
    return model


def twice(model, x):
    return searched(pruned(model, x), x)


def copied(model, x):
    return copy.deepcopy(pruned(model, x))


WAYS = {
    "plain": lambda model, x: model,
    "converted": converted,
    "searched": searched,
    "exported": pruned,
    "exported and copied": copied,
    "exported and searched again": twice,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_fresh_model_gives_the_same_outputs(way, tmp_path):
    """
    Restored on a fresh instance, every bit of the outputs is the same.
    """
    x = images()
    model = way(small_cnn(), x)
    espalier.save(model, tmp_path / "model.safetensors")
    fresh = espalier.restore(small_cnn(seed=9), tmp_path / "model.safetensors")

    assert torch.equal(model(x), fresh(x))
    assert list(model.state_dict()) == list(fresh.state_dict())
    assert [repr(m) for m in model.modules()] == [repr(m) for m in fresh.modules()]


def test_a_restored_supernet_can_be_searched_on(tmp_path):
    """
    Its space has the names, choices and costs that it had.
    """
    x = images()
    model = searched(small_cnn(), x)
    espalier.space(model)["0.out_channels"].choices = (4, 8, 16)
    espalier.save(model, tmp_path / "net")
    fresh = espalier.restore(small_cnn(seed=9), tmp_path / "net")
    space = espalier.space(fresh)

    assert {n: h.choices for n, h in espalier.space(model).items()} == {
        n: h.choices for n, h in space.items()
    }
    assert espalier.space(model).config() == space.config()
    espalier.search(fresh, constraints={"flops": "30%"}, score=Faithful(fresh, x))
    espalier.export(fresh)


def test_steps_are_kept(tmp_path):
    """
    The steps come back in order, with what is needed to repeat them.
    """
    x = images()
    model = twice(small_cnn(), x)
    espalier.save(model, tmp_path / "net")
    fresh = espalier.restore(small_cnn(), tmp_path / "net")

    assert ["fastnas", "export", "fastnas"] == [step.mode for step in steps_of(fresh)]


def test_another_process_reads_it(tmp_path):
    """
    Nothing but the file and the model's own code is needed.
    """
    x = images()
    model = pruned(small_cnn(), x)
    espalier.save(model, tmp_path / "net")
    torch.save(model(x), tmp_path / "expected")
    code = textwrap.dedent(f"""
        import torch, espalier
        from tests.models import images, small_cnn
        model = espalier.restore(small_cnn(seed=7), {str(tmp_path / "net")!r})
        expected = torch.load({str(tmp_path / "expected")!r})
        assert torch.equal(model(images()), expected)
    """)

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


def test_shared_weights_stay_shared(tmp_path):
    """
    A tensor under two names is one tensor in the file and in the restored model.
    """

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(8, 64)
            self.outer = nn.Linear(64, 64)
            self.again = nn.Linear(64, 64)
            self.again.weight = self.outer.weight
            self.head = nn.Linear(64, 4)

        def forward(self, x):
            return self.head(self.again(self.outer(self.inner(x))))

    torch.manual_seed(0)
    model, x = Tied().eval(), torch.randn(2, 8)
    espalier.prune(model, constraints={"flops": "50%"}, inputs=x, score=Faithful(model, x))
    espalier.save(model, tmp_path / "net")
    fresh = espalier.restore(Tied().eval(), tmp_path / "net")

    assert model.again.weight is model.outer.weight
    assert fresh.again.weight is fresh.outer.weight
    assert torch.equal(model(x), fresh(x))


def test_the_saved_dtype_and_a_meta_model(tmp_path):
    """
    A fresh model takes the saved dtype, and one without data gets some.
    """
    x = images()
    model = pruned(small_cnn(), x).double()
    espalier.save(model, tmp_path / "net")
    with torch.device("meta"):
        hollow = nn.Sequential(*(copy.deepcopy(m) for m in small_cnn())).to("meta").eval()

    for fresh in (small_cnn(seed=3), hollow):
        assert torch.equal(
            model(x.double()), espalier.restore(fresh, tmp_path / "net")(x.double())
        )


@pytest.fixture(scope="module")
def good_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "net"
    espalier.save(pruned(small_cnn(), images()), path)
    return path


def refused(path, model=None):
    """Restore *path*, check that it is refused and the model untouched; return the message."""
    model = small_cnn() if model is None else model
    before = state_of(model)
    with pytest.raises(EspalierError) as caught:
        espalier.restore(model, path)
    assert_unchanged(before, model)
    return str(caught.value)


class TestRefused:
    def test_a_file_that_is_not_there(self, tmp_path):
        """
        The message names it.
        """
        assert "there is no such file" in refused(tmp_path / "none")

    def test_another_model(self, good_file):
        """
        The message says what does not fit.
        """
        other = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))

        assert "0: Linear has no size 'out_channels'" in refused(good_file, other)

    def test_a_taller_model(self, good_file):
        """
        Tensors that the file does not have are named.
        """
        taller = small_cnn()
        taller.append(nn.Linear(10, 2))

        assert "2 tensors are missing in the file (9.weight, 9.bias)" in refused(good_file, taller)

    def test_a_converted_model(self, good_file):
        """
        Only a fresh model can repeat the steps.
        """
        model = espalier.convert(small_cnn(), inputs=images(), config=FINE)

        assert "restore a fresh model" in refused(good_file, model)

    def test_a_newer_format(self, good_file, tmp_path):
        """
        The message says what to upgrade.
        """
        changed = rewritten(good_file, tmp_path / "new", version=99)

        assert "Upgrade espalier-core" in refused(changed)

    def test_an_older_format(self, good_file, tmp_path):
        """
        The message says what it lacks, and what to do.
        """
        changed = rewritten(good_file, tmp_path / "old", version=1)

        assert "does not protect the weights" in refused(changed)

    def test_altered_weights(self, good_file, tmp_path):
        """
        The message names the tensor.
        """
        data = bytearray(good_file.read_bytes())
        data[-1] ^= 1
        (tmp_path / "net").write_bytes(data)

        assert "of 16 tensors 1 do not have the values" in refused(tmp_path / "net")

    def test_an_altered_header(self, good_file, tmp_path):
        """
        A checksum tells that somebody changed the steps.
        """
        changed = rewritten(good_file, tmp_path / "new", model="Other")

        assert "checksum" in refused(changed)

    def test_a_plain_safetensors_file(self, tmp_path):
        """
        A file without steps is not taken for one with none.
        """
        from safetensors.torch import save_file

        save_file(small_cnn().state_dict(), tmp_path / "net")

        assert "not a file that espalier.save wrote" in refused(tmp_path / "net")


def rewritten(source, target, **changes):
    """Write *source* to *target* with other entries in the header's JSON text."""
    data = source.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    text = json.loads(header["__metadata__"]["espalier"])
    header["__metadata__"]["espalier"] = json.dumps(text | changes)
    head = json.dumps(header).encode()
    target.write_bytes(struct.pack("<Q", len(head)) + head + data[8 + length :])
    return target

"""A progress file of other work, or of somebody else, is refused and left as it is."""

import json
import os
import pathlib
import tempfile

import pytest
import torch

import espalier
from espalier.errors import StateError
from tests.models import FINE, Faithful, images, small_cnn
from tests.survivors import QUIET, searched
from tests.test_bad_input import assert_unchanged, state_of


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("finished") / "progress"
    searched(Faithful(small_cnn(), images()), path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress"


@pytest.fixture
def written(path, finished):
    path.write_bytes(finished)
    return path


def others():
    """Yield what differs from the search that wrote the file, and what is said then."""
    faithful = Faithful(small_cnn(), images())
    yield "weights", {"model": small_cnn(seed=1)}, "weights is .* in the file and .* here"
    yield "constraints", {"constraints": {"flops": "50%"}}, "constraints.flops is '60%' in the"
    yield (
        "more constraints",
        {"constraints": {"flops": "60%", "params": 1e4}},
        "constraints.params is None in the file and 10000.0 here",
    )
    yield "settings", {"config": {**QUIET, "spend": False}}, "settings.spend is True in the file"
    yield "mode", {"mode": "gradnas", "loss": len, "data": [1]}, "mode is 'fastnas' in the file"
    yield "score", {"score": faithful.__call__}, "score is 'Faithful' in the file"


@pytest.mark.parametrize("name", [name for name, _, _ in others()])
def test_the_file_of_another_search_is_refused(name, written):
    """
    The error names what differs, in the file and here; file and model are as before.
    """
    before = written.read_bytes()
    [(changes, message)] = [(c, m) for n, c, m in others() if n == name]
    arguments = {"score": Faithful(small_cnn(), images())} | changes
    with pytest.raises(StateError, match=rf"{message}.*delete the file to begin anew"):
        searched(arguments.pop("score"), written, **arguments)

    assert before == written.read_bytes()


def test_the_file_of_another_model_leaves_the_model_alone(written):
    """
    The model is as it was before ``prune``.
    """
    model = torch.nn.Sequential(*small_cnn(), torch.nn.ReLU())
    before, file = state_of(model), written.read_bytes()
    with pytest.raises(StateError, match="is the progress of something else"):
        espalier.prune(
            model,
            constraints={"flops": "60%"},
            inputs=images(),
            score=Faithful(model, images()),
            config=FINE,
            search_config=QUIET,
            progress_file=written,
        )

    assert_unchanged(before, model)
    assert file == written.read_bytes()


def test_what_only_shows_progress_does_not_matter(written):
    """
    The bar is no part of a search.
    """
    before = written.read_bytes()
    searched(Faithful(small_cnn(), images()), str(written), config={"progress": True})

    assert before == written.read_bytes()


FOREIGN = {
    "weights": b"\x80\x00\x00\x00\x00\x00\x00\x00{}",
    "text": b"my thesis\n",
    "text without an end": b"my thesis",
    "JSON": b'{"version": 1}\n',
    "an open brace": b"{",
    "what begins as a progress file": b'{"espalier_pro',
    "zeros": bytes(100),
    "an empty line": b"\n",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_file_of_somebody_else_is_left_as_it_is(content, path):
    """
    It is never overwritten, and nothing is scored.
    """
    path.write_bytes(content)
    with pytest.raises(StateError, match="is no progress file of Espalier, and is left as it is"):
        searched(lambda _: pytest.fail("scored"), path)

    assert content == path.read_bytes()


def damaged(lines):
    """Yield files with something wrong, and what is said of it."""
    yield lines[0][:-9] + lines[0][-2:] + b"".join(lines[1:]), "line 1: must be JSON"
    yield b"".join([*lines[:2], b"{}\n", *lines[2:]]), "line 3: must have a field 'random'"
    yield b"".join([*lines[:2], b"xx\n", *lines[2:]]), "line 3: must be JSON"
    first = next(i for i, line in enumerate(lines) if line.startswith(b'{"config"'))
    score = lines[first].replace(b'"score":', b'"score":"high","was":')
    rest = lines[first + 1 :]
    yield b"".join([*lines[:first], score, *rest]), "must have the fields config, score"
    number = json.dumps(json.loads(lines[first]) | {"score": "high"}).encode() + b"\n"
    yield b"".join([*lines[:first], number]), r"line \d.score: must be a number or null"
    newer = lines[0].replace(b'"espalier_progress":1', b'"espalier_progress":2')
    yield newer, "in format 2, this Espalier reads 1; it is too new: upgrade espalier-core"
    older = lines[0].replace(b'"espalier_progress":1', b'"espalier_progress":0')
    yield older, "in format 0, this Espalier reads 1; it is too old"
    state = json.loads(lines[0])
    state["random"]["torch"] = "AAAA"
    yield json.dumps(state, separators=(",", ":")).encode() + b"\n", r"random\['torch'\]: must be"
    state["random"] = {"dice": 6}
    yield json.dumps(state, separators=(",", ":")).encode() + b"\n", r"'dice'\]: must be one of"


@pytest.mark.parametrize("number", range(9))
def test_a_damaged_file_is_refused(number, written):
    """
    The error says in which line, and the file is left as it is.
    """
    content, message = list(damaged(written.read_bytes().splitlines(keepends=True)))[number]
    written.write_bytes(content)
    with pytest.raises(StateError, match=rf"{written}.*{message}"):
        searched(Faithful(small_cnn(), images()), written)

    assert content == written.read_bytes()


def places(folder):
    (folder / "file").write_text("")
    return {
        "a folder that is not there": (folder / "none" / "progress", "a folder that exists"),
        "a folder": (folder, "must be an ordinary file"),
        "a device": (pathlib.Path("/dev/full"), "must be an ordinary file"),
        "a folder that is a file": (folder / "file" / "progress", "a folder that exists"),
        "where nobody can write": (pathlib.Path("/sys/progress"), "can't be written"),
        "no path": (3, "must be a path or None, got 3"),
    }


@pytest.mark.parametrize("name", places(pathlib.Path("/tmp")))
def test_a_place_that_will_not_do_is_refused_before_any_work(name, tmp_path):
    """
    Nothing is converted, traced or scored before.
    """
    path, message = places(tmp_path)[name]
    model = torch.nn.ReLU()  # would be refused later
    with pytest.raises(StateError, match=message):
        espalier.prune(
            model,
            constraints={},
            inputs="none",
            score=lambda _: pytest.fail("scored"),
            progress_file=path,
        )


def test_a_folder_that_may_not_be_written_is_refused():
    """
    An ordinary user, which this test becomes, is told before any work; the same for a file.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, own = pathlib.Path(name), os.geteuid()
        (folder / "file").write_text("")
        (folder / "file").chmod(0o444)
        folder.chmod(0o555)
        if own == 0:
            os.seteuid(65534)
        try:
            for path in (folder / "progress", folder / "file"):
                with pytest.raises(StateError, match="can't be written: Permission denied"):
                    espalier.prune(small_cnn(), constraints={}, inputs=0, progress_file=path)
        finally:
            os.seteuid(own)
            folder.chmod(0o755)

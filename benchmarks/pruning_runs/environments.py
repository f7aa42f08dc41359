"""A virtual environment for each peer, so that what it needs meets nobody else's needs."""

import os
import pathlib
import subprocess
import sys


ROOT = pathlib.Path(__file__).parents[2]

#: Everything that is made: environments, checkpoints, results. Git does not see it.
PLACE = ROOT / "out" / "pruning"

#: The environment that this runs in, and those of the peers, by what is measured in each.
OURS, PEERS = "espalier", ("torch-pruning", "modelopt")

#: The first distribution of each is the one that the table names.
DISTRIBUTIONS = {
    OURS: "espalier-core",
    "torch-pruning": "torch-pruning",
    "modelopt": "nvidia-modelopt",
}


def requirements(name: str) -> pathlib.Path:
    """Return the file that says what the environment of a peer has."""
    return ROOT / "requirements" / f"peers-{name}.txt"


def python_of(name: str) -> pathlib.Path:
    """Return the interpreter of an environment; it need not be there yet."""
    return pathlib.Path(sys.executable) if name == OURS else _folder(name) / "bin" / "python"


def set_up(name: str) -> None:
    """Make the environment of a peer, unless it is there and its requirements are as they were."""
    if name == OURS:
        return
    wanted, ready = requirements(name).read_text(), _folder(name) / "ready"
    if ready.exists() and ready.read_text() == wanted:
        return
    print(f"Setting up {_folder(name)} ...", flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(_folder(name))])
    constraints = ROOT / "requirements" / "constraints.txt"
    lines = constraints.read_text().splitlines()
    torch = next(line for line in lines if line.startswith("torch=="))
    install = [str(python_of(name)), "-m", "pip", "install", "--quiet"]
    # torch comes first and by its exact version: nothing else may choose another build of it.
    _run([*install, torch, "--constraint", str(constraints)])
    _run([*install, "--no-deps", "--requirement", str(requirements(name))])
    ready.write_text(wanted)


def version_of(name: str) -> str:
    """Return the name and version of what an environment measures, as installed there."""
    distribution = DISTRIBUTIONS[name]
    code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
    words = [str(python_of(name)), "-c", code]
    done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return f"{distribution} {done.stdout.strip()}"


def surroundings() -> dict[str, str]:
    """Return the variables for a process in any environment: one thread, and the demo's source."""
    demo = str(ROOT / "plugins" / "demo" / "src")
    return {
        **os.environ,
        "PYTHONPATH": demo,
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONWARNINGS": "ignore",
    }


def _folder(name: str) -> pathlib.Path:
    return PLACE / "environments" / name


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True)  # noqa: S603 - our own

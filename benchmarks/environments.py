"""A virtual environment for each peer, so that what it needs meets nobody else's needs."""

import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping

import attrs


ROOT = pathlib.Path(__file__).parents[1]

#: The environment that this runs in.
OURS = "espalier"


@attrs.frozen
class Environments:
    """
    The environments of one benchmark.

    Args:
        place: Where everything is made that the benchmark makes. Git does not see it.

        distributions: What is measured in each environment, and named in the table.
    """

    place: pathlib.Path
    distributions: Mapping[str, str]

    def python_of(self, name: str) -> pathlib.Path:
        """Return the interpreter of an environment; it need not be there yet."""
        return pathlib.Path(sys.executable) if name == OURS else self._folder(name) / "bin/python"

    def set_up(self, name: str) -> None:
        """Make an environment, unless it is there and its requirements are as they were."""
        if name == OURS:
            return
        wanted, ready = requirements(name).read_text(), self._folder(name) / "ready"
        if ready.exists() and ready.read_text() == wanted:
            return
        print(f"Setting up {self._folder(name)} ...", flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(self._folder(name))])
        constraints = ROOT / "requirements" / "constraints.txt"
        lines = constraints.read_text().splitlines()
        torch = next(line for line in lines if line.startswith("torch=="))
        install = [str(self.python_of(name)), "-m", "pip", "install", "--quiet"]
        # torch comes first and by its exact version: nothing else may choose another build of it.
        _run([*install, torch, "--constraint", str(constraints)])
        _run([*install, "--no-deps", "--requirement", str(requirements(name))])
        ready.write_text(wanted)

    def version_of(self, name: str) -> str:
        """Return the name and version of what an environment measures, as installed there."""
        distribution = self.distributions[name]
        code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
        words = [str(self.python_of(name)), "-c", code]
        done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603 - our own
        return f"{distribution} {done.stdout.strip()}"

    def _folder(self, name: str) -> pathlib.Path:
        return self.place / "environments" / name


def requirements(name: str) -> pathlib.Path:
    """Return the file that says what the environment of a peer has."""
    return ROOT / "requirements" / f"peers-{name}.txt"


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


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True)  # noqa: S603 - our own

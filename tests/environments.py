"""Virtual environments with the libraries of this one, and nothing of Espalier in them."""

import os
import pathlib
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable


ROOT = pathlib.Path(__file__).parent.parent
HERE = pathlib.Path(sysconfig.get_path("purelib"))

#: Folders of the distributions, the one that only requires the others at last.
PROJECTS = [
    ROOT / "core",
    *(file.parent for file in sorted(ROOT.glob("plugins/*/pyproject.toml"))),
    *(file.parent for file in sorted(ROOT.glob("contrib/*/pyproject.toml"))),
    ROOT,
]


class Environment:
    """
    An empty virtual environment where the libraries that are installed here can be imported.

    Links stand in for a download of gigabytes. What belongs to Espalier, and what makes an
    editable install work, is left out.

    Args:
        folder: A folder that is not there yet.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        venv.create(folder, symlinks=True, with_pip=False)
        self.folder = folder
        self.python = folder / "bin/python"
        lib = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        self.site = folder / lib
        for path in HERE.iterdir():
            if "espalier" not in path.name and path.name != "__pycache__":
                (self.site / path.name).symlink_to(path)

    def run(
        self, *words: str, cwd: pathlib.Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python`` with *words*; from a folder where nothing can be imported by accident."""
        hidden = {"PYTHONPATH", "PYTEST_CURRENT_TEST", "VIRTUAL_ENV"}
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        return subprocess.run(
            [str(self.python), *words],
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            check=False,
            env=kept | {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "120"},
        )

    def pip(self, *words: str, cwd: pathlib.Path | None = None) -> None:
        """Run pip without a network."""
        done = self.run("-m", "pip", "--quiet", "--disable-pip-version-check", *words, cwd=cwd)
        assert 0 == done.returncode, done.stderr


def wheels_of(projects: Iterable[pathlib.Path], folder: pathlib.Path) -> None:
    """Build the wheels of distributions into *folder*, with what is installed here."""
    # The way pip builds them without isolation, in one process for all.
    code = (
        "import os, sys\nfrom hatchling.build import build_wheel\n"
        "for project in sys.argv[2:]:\n    os.chdir(project)\n    build_wheel(sys.argv[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), *map(str, projects)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr


def published(folder: pathlib.Path) -> Environment:
    """Return an environment in *folder* with the wheels of this repository."""
    wheels = folder / "wheels"
    wheels.mkdir()
    wheels_of(PROJECTS, wheels)
    made = Environment(folder / "venv")
    made.pip("install", "--no-index", "--no-deps", *map(str, wheels.iterdir()))
    return made

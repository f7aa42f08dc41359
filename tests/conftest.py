"""A way to install a plug-in of somebody else's, without pip."""

import os
import pathlib
import subprocess
import sys

import pytest


class ThirdParty:
    """
    Distributions in a folder of their own, which sub-processes find as if they were installed.

    Args:
        folder: An empty folder.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def install(
        self, name: str, source: str, *, plugin: str = "acme", version: str = "1.0"
    ) -> None:
        """Write distribution *name* with one module of *source* and its record of metadata."""
        module = name.replace("-", "_")
        (self.folder / f"{module}.py").write_text(source)
        record = self.folder / f"{module}-{version}.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        (record / "entry_points.txt").write_text(f"[espalier]\n{plugin} = {module}\n")

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``python`` with *command* where these distributions are installed."""
        return subprocess.run(
            [sys.executable, "-W", "error", *command],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {"PYTHONPATH": str(self.folder), "COLUMNS": "120", "NO_COLOR": "1"}
            | environment,
        )

    def espalier(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line where these distributions are installed."""
        return self.run("-m", "espalier", *words, **environment)


@pytest.fixture
def third_party(tmp_path):
    return ThirdParty(tmp_path)

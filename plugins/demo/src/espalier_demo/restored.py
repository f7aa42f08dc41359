"""
Restore a saved network in a fresh process.

``python -m espalier_demo.restored SAVED INPUTS OUTPUTS THREADS`` is the fresh process: it builds
a new ResNet-20, restores SAVED onto it, and runs it on the array in INPUTS.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

import espalier

from .network import ResNet20


def outputs_in_fresh_process(saved: pathlib.Path, inputs: torch.Tensor) -> torch.Tensor:
    """
    Return what the network saved at *saved* computes for *inputs* in another process.

    Args:
        saved: What ``espalier.save`` wrote.

        inputs: Shape ``(N, 1, H, W)``.

    Returns:
        Logits, shape ``(N, classes)``.

    Raises:
        RuntimeError: If that process fails; with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, got = pathlib.Path(folder, "inputs.npy"), pathlib.Path(folder, "outputs.npy")
        np.save(given, inputs.numpy(), allow_pickle=False)
        # As many threads as here: the order of additions, and so the last bit, may depend on it.
        words = [saved, given, got, torch.get_num_threads()]
        done = subprocess.run(  # noqa: S603 - our own module and paths
            [sys.executable, "-m", __name__, *map(str, words)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"restoring {saved} in a fresh process failed: {done.stderr}")
        return torch.from_numpy(np.load(got, allow_pickle=False))


@torch.no_grad()
def main(saved: str, inputs: str, outputs: str, threads: str) -> None:
    """Restore *saved* and write what it computes for the array in *inputs* to *outputs*."""
    torch.set_num_threads(int(threads))
    model = espalier.restore(ResNet20(), saved).eval()
    logits = model(torch.from_numpy(np.load(inputs, allow_pickle=False)))
    np.save(outputs, logits.numpy(), allow_pickle=False)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The side of the fresh process."""

import numpy as np
import pytest
import torch

import espalier
from espalier.errors import StateError
from espalier_demo import restored
from espalier_demo.network import seeded_network


def test_a_restored_network_gives_the_same_outputs(tmp_path, generator):
    """
    A pruned network comes back on a fresh full one, and computes the same bit for bit.
    """
    inputs = torch.rand(4, 1, 8, 8, generator=generator)
    model = espalier.convert(seeded_network(3), inputs=inputs)
    space = espalier.space(model)
    space.select(space.min())
    espalier.export(model).eval()
    espalier.save(model, tmp_path / "saved")
    np.save(tmp_path / "inputs.npy", inputs.numpy())
    words = [str(tmp_path / name) for name in ("saved", "inputs.npy", "outputs.npy")]
    restored.main(*words, str(torch.get_num_threads()))
    with torch.no_grad():
        expected = model(inputs).numpy()

    assert np.array_equal(expected, np.load(tmp_path / "outputs.npy"))


def test_a_missing_file_says_so(tmp_path):
    """
    What Espalier says reaches whoever looks at the process.
    """
    with pytest.raises(StateError, match="there is no such file"):
        restored.main(str(tmp_path / "saved"), "", "", str(torch.get_num_threads()))

"""What the tests of this distribution share."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """With one thread the time of this process is told, whatever else the machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

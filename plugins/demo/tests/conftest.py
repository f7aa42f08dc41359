"""What the tests of the demo share."""

import pytest
import structlog
import torch

from espalier_demo.data import Digits


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Keep tests from waiting for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def digits():
    """Return the data, loaded once."""
    return Digits.load()


@pytest.fixture
def generator():
    """Return a seeded generator."""
    return torch.Generator().manual_seed(0)


@pytest.fixture
def application_settings():
    """Put back what an application may set and a test must not keep."""
    config, threads = structlog.get_config(), torch.get_num_threads()
    yield
    structlog.configure(**config)
    torch.set_num_threads(threads)

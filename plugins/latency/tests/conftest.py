"""What the tests of this distribution share."""

import contextlib

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from espalier_latency import timing


@pytest.fixture(autouse=True)
def _one_thread():
    """With one thread the time of this process is told, whatever else the machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Machine:
    """
    A clock that ticks as layers run, and never else: how busy the real machine is has no say.

    A pass of a layer takes a thousand ticks, and one for each of its multiplications.
    """

    def __init__(self):
        self.seconds = 0.0
        self.tick_seconds = 1e-9

    def __call__(self):
        return self.seconds

    def tick(self, ticks):
        self.seconds += ticks * self.tick_seconds

    def ran(self, module, args, output):
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.BatchNorm1d, nn.BatchNorm2d)):
            outputs = output.numel() // (output.shape[-1 if output.dim() == 2 else 1])
            self.tick(1000 + outputs * module.weight.numel())

    @contextlib.contextmanager
    def running(self):
        """Have every layer of the process run on it."""
        handle = register_module_forward_hook(self.ran)
        try:
            yield self
        finally:
            handle.remove()


@pytest.fixture
def machine(monkeypatch):
    """Time everything on a `Machine`; return it."""
    made = Machine()
    monkeypatch.setattr(timing, "clock_for", lambda device: made)
    with made.running():
        yield made

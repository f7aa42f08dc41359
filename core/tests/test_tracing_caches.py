"""What a model keeps for its next call must still fit then."""

import torch
from torch import nn

from espalier.tracing import trace


class Keeping(nn.Module):
    """Keeps what is between two layers in an attribute, and reads it in the next call or not."""

    def __init__(self, *, reads):
        super().__init__()
        self.reads = reads
        self.last = None
        self.inner = nn.Linear(3, 5)
        self.outer = nn.Linear(5, 2)

    def forward(self, x):
        hidden = self.inner(x)
        if self.reads and self.last is not None:
            hidden = hidden + self.last
        self.last = hidden
        return self.outer(hidden)


class Listing(Keeping):
    """Keeps it in a list."""

    def forward(self, x):
        self.last = self.last or []
        hidden = self.inner(x)
        for earlier in self.last if self.reads else ():
            hidden = hidden + earlier
        self.last.append(hidden)
        return self.outer(hidden)


def reasons(model):
    (atom,) = (trace(model, torch.zeros(4, 3)).tensors["inner.weight"].axes[0].root,)
    return [reason.text for reason in atom.reasons]


def test_what_the_next_call_reads_keeps_its_size():
    """
    A subnet must not meet what another one left behind.
    """
    assert ["kept in an attribute for the next call"] == reasons(Keeping(reads=True))
    assert ["kept in an attribute for the next call"] == reasons(Listing(reads=True))


def test_what_is_only_left_to_be_looked_at_is_free():
    """
    An attention map that somebody may want to plot binds nothing.
    """
    assert [] == reasons(Keeping(reads=False))
    assert [] == reasons(Listing(reads=False))


def test_nothing_is_left_behind():
    """
    The model does not hold what the trace computed.
    """
    model = Keeping(reads=True)
    trace(model, torch.zeros(4, 3))

    assert model.last is None

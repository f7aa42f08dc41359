"""A user's module, and the command line run beside it."""

import sys
import textwrap

import pytest
import structlog

from espalier.cli import main


#: A module of a user's; every test gets a fresh copy under this name.
NET = """
    import os

    import torch
    from torch import nn

    number = 3


    def make():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)
        )


    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(10, 32)
            self.head = nn.Linear(32, 2)

        def forward(self, ids, mask=None):
            assert ids.dtype is torch.int64
            hidden = self.embed(ids)
            return self.head(hidden if mask is None else hidden * mask[..., None])


    def broken():
        raise RuntimeError("no weights on this disk")


    def words():
        return "a model"


    def stopping(model):
        with open("calls", "a") as file:
            file.write("x")
        if os.path.getsize("calls") == 3:
            raise KeyboardInterrupt
        return score(model)


    def score(model):
        data = torch.randn(16, 6, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            return -float((model(data) - make()(data)).square().mean())


    def nothing(model):
        return float("nan")
"""


class Result:
    """What a run of the command line came to."""

    def __init__(self, status, captured):
        self.status, self.out, self.err = status, captured.out, captured.err


@pytest.fixture(name="run")
def run_beside_usernet(capsys, monkeypatch, tmp_path):
    """Run the command line in a folder that holds ``usernet.py``; return how it ended."""
    (tmp_path / "usernet.py").write_text(textwrap.dedent(NET))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "usernet", raising=False)

    def call(*words):
        with pytest.raises(SystemExit) as caught:
            main([str(word) for word in words])
        return Result(caught.value.code or 0, capsys.readouterr())

    yield call
    sys.modules.pop("usernet", None)
    structlog.reset_defaults()


PRUNE = ["prune", "usernet:make", "--input", "1x6", "--score", "usernet:score", "--no-progress"]

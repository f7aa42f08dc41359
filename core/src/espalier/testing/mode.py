"""What every mode that searches sizes promises, as tests."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from ..api import convert, export, profile, prune, restore, save, search, space
from ..errors import ConstraintError, ScoreError
from ..plugins import ModeOffer, PluginHost, current_host, installed, use_host
from .fakes import fake_source


if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from ..mode import ModeDescriptor

__all__ = ["ModeContract"]

BUDGETS = [
    {"flops": "85%"},
    {"flops": "50%"},
    {"params": "60%"},
    {"flops": "70%", "params": "55%"},
]


class ModeContract:
    """
    Inherit, write `make`, and pytest runs every promise of a mode that searches sizes.

    The mode need not be installed. It is tried on a small network of the contract's own; another
    one, or other settings, are given by overriding `model`, `inputs`, `config` and
    `search_config`. What is given must leave a subnet of 40% of the multiply-accumulates.

    Example:
        >>> class TestMyMode(ModeContract):
        ...     def make(self):
        ...         return MyModeDescriptor
    """

    def make(self) -> type[ModeDescriptor]:
        """Return the descriptor's class."""
        raise NotImplementedError

    def model(self, seed: int) -> nn.Module:
        """Return a new model in evaluation mode, with weights drawn from *seed*."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Residual().eval()

    def inputs(self) -> Any:
        """Return real inputs of `model`, as ``convert`` takes them."""
        return torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(1))

    def config(self) -> Mapping[str, Any] | None:
        """Return the mode's configuration, as plain data; it must leave `model` choices."""
        return None

    def search_config(self) -> Mapping[str, Any]:
        """Return the searcher's settings, as plain data."""
        return {"progress": False}

    @pytest.fixture(autouse=True)
    def _offered(self) -> Iterator[None]:
        """Offer the mode as if it were installed."""
        with offered(self.make()):
            yield

    def test_converting_changes_nothing_that_is_seen(self) -> None:
        """
        Outputs stay bit for bit; so do the state dict's keys and values, and ``isinstance``.
        """
        plain, model = self.model(0), self._converted()
        before, after = plain.state_dict(), model.state_dict()

        assert torch.equal(run(plain, self.inputs()), run(model, self.inputs()))
        assert list(before) == list(after)
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert all(
            isinstance(model.get_submodule(path), type(module))
            for path, module in plain.named_modules()
        )

    def test_there_is_something_to_search(self) -> None:
        """
        The space is not empty, and the largest subnet, which is the model, is active.
        """
        found = space(self._converted())

        assert found.size > 1
        assert found.max() == found.original() == found.config()

    def test_a_configuration_survives_json(self) -> None:
        """
        As plain data, through JSON and back, a configuration is equal to what it was.
        """
        kind = self.make().config_class
        for given in (None, self.config()):
            config = kind.structure(given)

            assert config == kind.structure(json.loads(json.dumps(config.unstructure())))

    def test_search_settings_are_structured(self) -> None:
        """
        Plain data gives the searcher's own class of settings.
        """
        searcher = self.make().searcher_class
        assert searcher is not None
        settings = searcher.config_class.structure(self.search_config())

        assert isinstance(settings, searcher.config_class)
        assert all(getattr(settings, k) == value for k, value in self.search_config().items())

    @pytest.mark.parametrize("constraints", BUDGETS, ids=str)
    def test_a_search_meets_its_constraints(self, constraints: dict[str, str]) -> None:
        """
        What is found is active, within the bounds, and costs what the result says.
        """
        model = self._converted()
        largest = profile(model, self.inputs())
        result = self._searched(model, constraints)
        found = profile(model, self.inputs())

        assert space(model).config() == result.config
        assert set(constraints) == set(result.constraints)
        for name, bound in constraints.items():
            assert getattr(found, name) == result.metrics[name]
            assert getattr(found, name) <= float(bound[:-1]) / 100 * getattr(largest, name)

    def test_the_smallest_subnet_can_be_asked_for(self) -> None:
        """
        The tightest bound that can be had is met; below it there is nothing, and that is said.
        """
        model = self._converted()
        space(model).select(space(model).min())
        least = profile(model, self.inputs()).params
        space(model).select(space(model).max())
        before = looks(model)
        with pytest.raises(ConstraintError):
            self._searched(model, {"params": least - 1})

        assert before == looks(model)
        assert space(model).min() == self._searched(model, {"params": least}).config

    def test_the_same_search_finds_the_same(self) -> None:
        """
        Nothing is left to chance, and the global generators are not moved.
        """
        torch_state, state = torch.random.get_rng_state(), random.getstate()
        first = self._searched(self._converted(), {"flops": "60%"})
        second = self._searched(self._converted(), {"flops": "60%"})

        assert first.config == second.config
        assert torch.equal(torch_state, torch.random.get_rng_state())
        assert state == random.getstate()

    def test_training_flags_and_gradients_are_left_alone(self) -> None:
        """
        A search does not decide what is trained, and leaves no gradients behind.
        """
        model = self._converted()
        next(model.children()).train()
        expected = [module.training for module in model.modules()]
        self._searched(model, {"flops": "60%"})

        assert expected == [module.training for module in model.modules()]
        assert all(parameter.grad is None for parameter in model.parameters())

    def test_the_exported_model_is_plain(self) -> None:
        """
        Types and attributes are those of before, and the outputs those of the subnet.
        """
        plain, model = self.model(0), self._converted()
        self._searched(model, {"flops": "50%"})
        expected = run(model, self.inputs())
        exported = export(model)

        assert model is exported
        for (path, before), after in zip(plain.named_modules(), model.modules(), strict=True):
            assert (path, type(before)) == (path, type(after))
            assert vars(before).keys() == vars(after).keys()
        assert all(parameter.is_contiguous() for parameter in model.parameters())
        torch.testing.assert_close(run(model, self.inputs()), expected, rtol=1e-5, atol=1e-5)

    def test_the_exported_model_trains(self) -> None:
        """
        Gradients reach every parameter.
        """
        model = self._converted()
        self._searched(model, {"flops": "50%"})
        export(model).train()
        run(model, self.inputs(), grad=True).square().mean().backward()

        assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())

    @pytest.mark.parametrize("stage", ["converted", "searched", "exported"])
    def test_a_fresh_model_is_restored(self, stage: str, tmp_path: pathlib.Path) -> None:
        """
        On a model with other weights, every bit of the outputs comes back, and so does the space.
        """
        model = self._converted()
        if stage != "converted":
            self._searched(model, {"flops": "50%"})
        if stage == "exported":
            export(model)
        else:
            metadata = self.make()().metadata(model)
            assert metadata == json.loads(json.dumps(metadata))
        save(model, tmp_path / "model")
        fresh = restore(self.model(7), tmp_path / "model")

        assert torch.equal(run(model, self.inputs()), run(fresh, self.inputs()))
        if stage != "exported":
            assert space(model).config() == space(fresh).config()
            assert self._searched(fresh, {"flops": "40%"}).config

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["first", "middle", "last"])
    def test_a_score_that_raises_leaves_the_model_alone(self, share: float) -> None:
        """
        Whenever it breaks, structure, weights and flags are what they were before ``prune``.
        """
        model = self.model(0)
        before, tensors = looks(model), copy.deepcopy(model.state_dict())
        calls = Judge(self)
        self._pruned(self.model(0), calls)
        breaking = Judge(self, breaks_at=1 + round(share * (calls.count - 1)))
        with pytest.raises(ScoreError, match="out of memory"):
            self._pruned(model, breaking)

        assert before == looks(model)
        assert all(torch.equal(value, tensors[n]) for n, value in model.state_dict().items())

    def _converted(self) -> nn.Module:
        return convert(self.model(0), self.make().name, inputs=self.inputs(), config=self.config())

    def _searched(self, model: nn.Module, constraints: Mapping[str, float | str]) -> Any:
        judge = Judge(self)
        return search(
            model,
            constraints=constraints,
            score=judge,
            loss=judge.loss,
            data=judge.data,
            config=self.search_config(),
        )

    def _pruned(self, model: nn.Module, judge: Judge) -> Any:
        return prune(
            model,
            self.make().name,
            constraints={"flops": "50%"},
            inputs=self.inputs(),
            score=judge,
            loss=judge.loss,
            data=judge.data,
            config=self.config(),
            search_config=self.search_config(),
        )


class Residual(nn.Module):
    """A convolutional network with a residual block and a hidden linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.inner = nn.Conv2d(32, 48, 1)
        self.norm = nn.BatchNorm2d(48)
        self.outer = nn.Conv2d(48, 32, 1)
        self.hidden = nn.Linear(32, 64)
        self.head = nn.Linear(64, 5)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of shape ``(N, 5)`` for images of shape ``(N, 3, H, W)``."""
        stem = self.stem(images).relu()
        block = stem + self.outer(self.norm(self.inner(stem)).relu())
        return self.head(self.hidden(block.mean((2, 3))).relu())


class Judge:
    """
    How close a model's outputs are to those of the contract's unpruned model.

    Args:
        contract: Gives the model and its inputs.

        breaks_at: Number of the call that raises; none where it is 0.
    """

    def __init__(self, contract: ModeContract, *, breaks_at: int = 0) -> None:
        self.count = 0
        self._breaks_at = breaks_at
        self._inputs = contract.inputs()
        self._expected = run(contract.model(0), self._inputs)
        self.data = [(self._inputs, self._expected)]

    def __call__(self, model: nn.Module) -> float:
        """Return minus the mean squared difference."""
        self.count += 1
        if self.count == self._breaks_at:
            model.train()
            raise RuntimeError("out of memory")
        return -float((run(model, self._inputs) - self._expected).square().mean())

    @staticmethod
    def loss(model: nn.Module, batch: tuple[Any, Tensor]) -> Tensor:
        """Return the mean squared difference."""
        inputs, expected = batch
        return (run(model, inputs, grad=True) - expected).square().mean()


@contextlib.contextmanager
def offered(kind: type[ModeDescriptor]) -> Iterator[None]:
    """Use a host that offers *kind*, with everything installed but other modes of its name."""
    name = kind.name
    host = current_host()
    if name in host.modes and len(host.modes.qualified(name)) == 1 and host.modes[name] is kind:
        yield
        return
    others = [key.partition("/")[0] for key in host.modes.qualified(name)]
    module = types.ModuleType("espalier_mode_under_test")
    module.Mode = kind  # type: ignore[attr-defined]
    source = fake_source(
        "mode-under-test",
        espalier_modes=lambda: [ModeOffer(name, f"{module.__name__}:Mode")],
    )
    tried = PluginHost([*installed(), source], disabled=others)
    sys.modules[module.__name__] = module
    try:
        with use_host(tried):
            yield
    finally:
        del sys.modules[module.__name__]


def run(model: nn.Module, inputs: Any, *, grad: bool = False) -> Any:
    """Return the outputs of *model*."""
    called: Callable[..., Any] = model
    with torch.set_grad_enabled(grad):
        if isinstance(inputs, dict):
            return called(**inputs)
        return called(*inputs) if isinstance(inputs, tuple) else called(inputs)


def looks(model: nn.Module) -> list[Any]:
    """Return what a person sees of every module: its type, flags, attributes and shapes."""
    return [
        (
            path,
            type(module),
            module.training,
            sorted(vars(module)),
            {n: (id(p), tuple(p.shape)) for n, p in module.named_parameters(recurse=False)},
            module.extra_repr(),
        )
        for path, module in model.named_modules()
    ]

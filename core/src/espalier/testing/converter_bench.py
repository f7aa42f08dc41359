"""Where a converter's promises are tried: layers, inputs, settings, and what to compare."""

from __future__ import annotations

import contextlib
import copy
import inspect
import random
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

from ..dynamic import DynamicModule, plain_type_of
from ..hparams import positions
from ..plugins import converters


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import LongTensor, Tensor, nn

    from ..hparams import Hparam

#: Random settings that a promise about any size is tried on, after the smallest one.
DRAWS = 2


class ConverterBench:
    """What the author of a converter tells about a layer, and what the promises need of it."""

    #: Options of `make` that every promise is tried with, by a name for the test's report.
    kinds: ClassVar[Mapping[str, Mapping[str, Any]]] = {"plain": {}}

    #: The converter; the one that is installed for the layer's type where ``None``.
    converter: ClassVar[type[DynamicModule] | None] = None

    def make(self) -> nn.Module:
        """Return a new layer. With `kinds`, it takes their options as keyword arguments."""
        raise NotImplementedError

    def inputs(self, layer: Any) -> tuple[Any, ...]:
        """
        Return random positional arguments of ``forward``, in the default dtype.

        Args:
            layer: Dynamic or plain; its attributes say the sizes that it is to be run at.
        """
        raise NotImplementedError

    def like(self, layer: Any) -> nn.Module:
        """
        Return a new plain layer of the sizes that *layer*, an exported one, says it has.

        Without an override, the constructor gets each attribute of *layer* that has the name of
        one of its arguments; for a parameter, whether it is there.
        """
        given = {}
        for name in inspect.signature(type(layer).__init__).parameters:
            value = getattr(layer, name, None)
            if name != "self" and hasattr(layer, name):
                is_tensor = name in layer._parameters  # noqa: SLF001
                given[name] = value is not None if is_tensor else value
        return type(layer)(**given)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run every test of the class once for each of `kinds`."""
        if "kind" in metafunc.fixturenames:
            metafunc.parametrize("kind", list(self.kinds))

    @pytest.fixture(autouse=True)
    def _on_one_thread(self, kind: str) -> Iterator[None]:
        # Layers this small gain nothing from several threads, which wait for each other.
        self.kind = kind
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)

    def plain(self, dtype: torch.dtype = torch.float32) -> nn.Module:
        """Return a new layer of the kind at hand whose tensors hold seeded random numbers."""
        with _seeded(0):
            layer = self.make(**self.kinds[self.kind])
            for tensor in layer.state_dict().values():
                if tensor.is_floating_point():
                    tensor.uniform_(0.5, 1.5)
        return layer.to(dtype)

    def find(self, layer: nn.Module) -> type[DynamicModule]:
        """Return the converter of *layer*."""
        if self.converter is not None:
            return self.converter
        kind = plain_type_of(layer)
        found: type[DynamicModule] | None = converters.find(kind)
        assert found is not None, f"no converter serves {kind.__name__}"
        return found

    def convert(self, layer: nn.Module) -> DynamicModule:
        """Convert *layer* by itself."""
        return self.find(layer).convert(layer)

    def dynamic(self, dtype: torch.dtype = torch.float32) -> DynamicModule:
        """Return a converted layer of the kind at hand."""
        return self.convert(self.plain(dtype))

    def settings(self, dtype: torch.dtype = torch.float32) -> Iterator[DynamicModule]:
        """
        Yield dynamic layers at their smallest and at random sizes.

        In the second half of them the active units are no prefix.
        """
        full = self.dynamic(dtype)
        for seed in range(2 * (1 + DRAWS)):
            layer = copy.deepcopy(full)
            rng = random.Random(seed)
            if seed > DRAWS:
                reorder(layer, rng)
            choose(layer, rng, smallest=seed % (1 + DRAWS) == 0)
            yield layer

    def call(self, layer: nn.Module, dtype: torch.dtype | None = None) -> Tensor:
        """Run *layer* on seeded inputs of *dtype*; by default that of its first tensor."""
        own = (t.dtype for t in layer.state_dict().values() if t.is_floating_point())
        wanted = dtype or next(own, torch.float32)
        with _seeded(1):
            inputs = self.inputs(layer)
            made = [
                t.to(wanted) if isinstance(t, torch.Tensor) and t.is_floating_point() else t
                for t in inputs
            ]
            return layer(*made)


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def choose(layer: DynamicModule, rng: random.Random, *, smallest: bool = False) -> None:
    """Make the smallest choice of each hparam active, or one drawn from *rng*."""
    for hparam in layer.search_space_spec().values():
        hparam.active = hparam.min if smallest else rng.choice(hparam.choices)


def reorder(layer: DynamicModule, rng: random.Random) -> None:
    """Put the units of each hparam in an order drawn from *rng*."""
    for hparam in layer.search_space_spec().values():
        if hparam.is_sortable:
            hparam.enforce_order(torch.tensor(rng.sample(range(hparam.units), hparam.units)))


def enlarge(layer: DynamicModule) -> None:
    """Make all units active, in their own order."""
    for hparam in layer.search_space_spec().values():
        hparam.active = hparam.original
        hparam.enforce_order(None)


def config_of(layer: DynamicModule) -> dict[str, Any]:
    """Return the active choices and the sizes that follow them."""
    active = {name: hparam.active for name, hparam in layer.search_space_spec().items()}
    return active | {name: getattr(layer, name) for name in layer.layout.sizes}


def tensors_of(layer: nn.Module) -> dict[str, Tensor]:
    """Return the whole parameters and buffers of *layer* by name, whatever is active."""
    return {**dict(layer.named_parameters()), **dict(layer.named_buffers())}


def active_index(layer: DynamicModule, name: str) -> tuple[Tensor, ...]:
    """Return what indexes the active part of tensor *name*, one grid for each axis."""
    path, _, own = name.rpartition(".")
    owner = layer.get_submodule(path)
    terms = owner.layout.tensors.get(own) if isinstance(owner, DynamicModule) else None
    if terms is None:
        rows = [torch.arange(size) for size in tensors_of(layer)[name].shape]
    else:
        rows = [positions(term, _active_units) for term in terms]
    return tuple(torch.meshgrid(*rows, indexing="ij")) if rows else ()


def _active_units(hparam: Hparam) -> LongTensor:
    units = torch.arange(hparam.units) if hparam.order is None else hparam.order
    return units[: hparam.active]  # type: ignore[return-value]


def attributes(layer: nn.Module) -> dict[str, Any]:
    """Return every attribute of *layer*: plain data by value, anything else by its type."""
    return {
        name: value if _is_plain(value) else type(value) for name, value in vars(layer).items()
    }


def _is_plain(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def shapes(layer: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of *layer*, by name."""
    return {name: tuple(tensor.shape) for name, tensor in layer.state_dict().items()}


def loss(output: Tensor) -> Tensor:
    """Return a scalar that depends on each element of *output* in another way."""
    weights = torch.linspace(0.5, 1.5, output.numel(), dtype=output.dtype)
    return (output * weights.reshape(output.shape)).square().sum()

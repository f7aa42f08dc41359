"""Which converter a layer gets."""

import sys
import types

import pytest
from torch import nn

from espalier.errors import ConflictError, UnknownPluginError
from espalier.plugins import ConverterOffer, PluginHost, converters, use_host
from espalier.testing import fake_source


class Scaled(nn.Linear):
    """Same forward."""


class Noisy(nn.Linear):
    """Own forward."""

    def forward(self, x):
        return super().forward(x) + 1


class VeryNoisy(Noisy):
    """Same forward as its own base."""


class ForLinear:
    """Stands in for a converter."""


class ForAcme:
    """Stands in for another one."""


LINEAR = ("torch.nn.Linear", "acme:ForLinear")


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    classes = (Scaled, Noisy, VeryNoisy, ForLinear, ForAcme)
    module = types.ModuleType("acme")
    vars(module).update({cls.__name__: cls for cls in classes})
    monkeypatch.setitem(sys.modules, "acme", module)


def make_converters(**plugins: tuple[str, str]):
    """Return the registry of plug-ins that each offer one converter, a name and a target."""
    return PluginHost(
        [
            fake_source(plugin, espalier_converters=lambda offer=offer: [ConverterOffer(*offer)])
            for plugin, offer in plugins.items()
        ]
    ).converters


@pytest.mark.parametrize("first", ["layers", "acme"])
def test_converter_for_a_subclass_of_linear_is_not_ignored(first):
    """
    The closest ancestor wins over its base, whichever plug-in came first.
    """
    offers = {"layers": LINEAR, "acme": ("acme.Scaled", "acme:ForAcme")}
    found = make_converters(**dict(sorted(offers.items(), key=lambda pair: first != pair[0])))

    assert ForAcme is found[Scaled]
    assert ForLinear is found[nn.Linear]


def test_subclass_that_shares_forward_is_covered():
    """
    Renaming a layer does not hide it.
    """
    assert ForLinear is make_converters(layers=LINEAR)[Scaled]


def test_subclass_with_its_own_forward_is_left_alone():
    """
    Nobody converts behaviour they have not seen, and the error says why.
    """
    found = make_converters(layers=LINEAR)

    assert found.find(Noisy) is None
    assert Noisy not in found
    with pytest.raises(UnknownPluginError, match=r"overrides the forward of .*Linear"):
        found[Noisy]


def test_own_forward_can_have_a_converter_of_its_own():
    """
    Whoever wrote the forward can register it, and serves what derives from it.
    """
    found = make_converters(layers=LINEAR, acme=("acme.Noisy", "acme:ForAcme"))

    assert ForAcme is found[Noisy]
    assert ForAcme is found[VeryNoisy]


@pytest.mark.parametrize(
    "key", ["torch.nn.Linear", "nn.Linear", "torch.nn.modules.linear.Linear", "acme.Scaled"]
)
def test_import_paths_do_for_types(key):
    """
    A path finds what the type it leads to would find.
    """
    found = make_converters(layers=LINEAR)

    assert key in found
    assert ForLinear is found[key]
    assert LINEAR[0] == found.offer(key).name


def test_defining_module_is_a_name_too():
    """
    A plug-in may name the class by where it is defined.
    """
    found = make_converters(layers=("torch.nn.modules.linear.Linear", "acme:ForLinear"))

    assert ForLinear is found[nn.Linear]


def test_two_paths_to_one_class_are_a_conflict():
    """
    Nobody wins silently by spelling the class in another way.
    """
    found = make_converters(layers=LINEAR, acme=("torch.nn.modules.linear.Linear", "acme:ForAcme"))

    with pytest.raises(ConflictError, match="layers, acme"):
        found.find(nn.Linear)
    assert ForAcme is found["acme/torch.nn.modules.linear.Linear"]


def test_looking_does_not_import():
    """
    A converter for a package that is absent, or lazy, costs nothing.
    """
    found = make_converters(gone=("no_such_package.Layer", "no:Such"), lazy=("lazy.L", "no:Such"))
    lazy = types.ModuleType("lazy")
    lazy.__getattr__ = lambda name: pytest.fail("looked into a lazy module")
    sys.modules["lazy"] = lazy
    try:
        assert found.find(nn.Linear) is None
    finally:
        del sys.modules["lazy"]


@pytest.mark.parametrize("key", [nn.GRU, "torch.nn.Linea", 3])
def test_unknown_is_a_key_error(key):
    """
    The registry is a mapping: `get` and `in` work, with types as well.
    """
    found = make_converters(layers=LINEAR)

    assert found.get(key) is None
    assert key not in found
    with pytest.raises(KeyError):
        found[key]


def test_view_takes_types():
    """
    `espalier.converters` is the same mapping over the host in use.
    """
    host = PluginHost(
        [fake_source("layers", espalier_converters=lambda: [ConverterOffer(*LINEAR)])]
    )
    with use_host(host):
        assert ForLinear is converters[nn.Linear]
        assert ForLinear is converters.find(Scaled)
        assert LINEAR[0] == converters.offer(Scaled).name
        assert nn.GRU not in converters

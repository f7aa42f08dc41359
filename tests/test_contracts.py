"""Whatever the distributions of this repository offer is held to the contract of its kind."""

import functools
import importlib.util
import pathlib
import sys
import tempfile
import tomllib

import pytest
import torch

import espalier
from espalier.plugins import PluginHost, SamplerOffer, use_host
from espalier.testing import (
    ConverterContract,
    ImportanceContract,
    MetricContract,
    ModeContract,
    SamplerContract,
    TrialStoreContract,
    fake_source,
)
from espalier.testing.sampler_bench import small_space


ROOT = pathlib.Path(__file__).parent.parent
PROJECTS = [
    file.parent
    for pattern in ("core", "plugins/*", "contrib/*")
    for file in sorted(ROOT.glob(f"{pattern}/pyproject.toml"))
]
OURS = {
    tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"]
    for project in PROJECTS
}
TESTS = [
    file
    for project in PROJECTS
    for file in sorted(project.glob("tests/test_*.py"))
    if "Contract)" in file.read_text()
]

#: What no contract fits, and why; each reason is checked below.
EXEMPT = {
    "export": "searches nothing; what it does is a part of the contract of every other mode",
    "torch.nn.ModuleList": "its blocks belong to a model; tests/test_depth.py tries it",
    "torch.nn.Sequential": "its blocks belong to a model; tests/test_depth.py tries it",
    "torch.nn.Transformer": "owns no tensor; plugins/layers/tests/test_transformer.py tries it",
}


@functools.cache
def classes():
    """Return every class that pytest collects and that inherits a contract."""
    found = []
    for number, file in enumerate(TESTS):
        folder = ".".join(
            file.parent.relative_to(ROOT).parts
        )  # what is next to it can be imported
        name = f"{folder}.contract_tests_{number}"
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # attrs looks for the module of a class
        spec.loader.exec_module(module)
        found += [
            value
            for key, value in vars(module).items()
            if key.startswith("Test") and isinstance(value, type) and value.__module__ == name
        ]
    return found


def held_to(contract):
    """Return an instance of every test class that inherits *contract*."""
    return [kind() for kind in classes() if issubclass(kind, contract)]


def tried_converters():
    """Return the converters that some test class holds to their contract."""
    found = set()
    for case in held_to(ConverterContract):
        for kind in case.kinds:
            case.kind = kind
            found.add(case.find(case.plain()))
    return found


def tried_stores():
    """Return the stores that some test class holds to their contract."""
    found = set()
    for case in held_to(TrialStoreContract):
        with tempfile.TemporaryDirectory() as folder, case.make(pathlib.Path(folder)) as store:
            found.add(type(store))
    return found


TRIED = {
    "converters": tried_converters,
    "modes": lambda: {case.make() for case in held_to(ModeContract)},
    "metrics": lambda: {case.make() for case in held_to(MetricContract)},
    "importances": lambda: {case.make() for case in held_to(ImportanceContract)},
    "samplers": lambda: {
        type(case.make(small_space(), seed=0)) for case in held_to(SamplerContract)
    },
    "stores": tried_stores,
}


def missing(kind, tried):
    """Return the names of what is offered here of one *kind* and is not among what was *tried*."""
    host = espalier.plugins.current_host()
    return {
        offer.name
        for plugin in host.plugins()
        if plugin.distribution in OURS
        for offer in plugin.offers.get(kind, ())
        if offer.name not in EXEMPT and offer.load() not in tried
    }


@pytest.mark.parametrize("kind", TRIED)
def test_every_offer_is_held_to_its_contract(kind):
    """
    A test class in the repository inherits the contract of each converter, mode, metric,
    importance, sampler and store.
    """
    assert set() == missing(kind, TRIED[kind]())


@pytest.mark.parametrize("kind", ["converters", "modes", "metrics", "importances"])
def test_an_offer_without_a_test_is_missed(kind):
    """
    Take away any one that was tried, and it is said to be missing.
    """
    tried = TRIED[kind]()
    offered = set(espalier.plugins.current_host().registries[kind]) - set(EXEMPT)

    assert offered
    for name in offered:
        implementation = espalier.plugins.current_host().registries[kind][name]
        assert {name} == missing(kind, tried - {implementation})


def test_an_untried_sampler_is_missed():
    """
    One is made up here, whatever is offered.
    """
    offer = SamplerOffer("dice", "json:JSONEncoder")
    source = fake_source("dice", distribution="espalier-core", espalier_samplers=lambda: [offer])
    with use_host(PluginHost([source])):
        assert {"dice"} == missing("samplers", TRIED["samplers"]())


def test_what_is_exempt_can_not_be_held_to_a_contract():
    """
    A mode without a searcher, and a converter of what owns no tensors.
    """
    layer = torch.nn.Transformer(8, 2, 1, 1, 8, batch_first=True)

    assert espalier.modes["export"].searcher_class is None
    assert [] == [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]

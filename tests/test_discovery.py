"""How plug-ins are found, checked and kept apart."""

import logging
import subprocess
import sys

import pytest
import structlog

from espalier.plugins import (
    CommandOffer,
    PluginHost,
    SamplerOffer,
    Source,
    current_host,
    default_host,
    hookimpl,
    samplers,
    use_host,
)
from espalier.testing import check_plugin_is_light, fake_source


#: Plug-in modules of this repository.
MODULES = (
    "espalier.builtin",
    "espalier_demo.plugin",
    "espalier_fastnas.plugin",
    "espalier_layers.plugin",
)


def offers_grid():
    return [SamplerOffer("grid", "json:JSONEncoder")]


def broken(**_: object):
    raise ImportError("No module named 'gone'")


class TestInstalled:
    def test_finds_every_distribution_of_this_repository(self):
        """
        All workspace members register; none has a problem.
        """
        host = default_host()

        assert [] == host.problems
        assert {"core", "demo", "fastnas", "layers"} <= {p.name for p in host.plugins()}

    def test_each_plugin_knows_where_it_comes_from(self):
        """
        Name and version of the distribution are kept apart.
        """
        found = {p.name: (p.distribution, p.version) for p in default_host().plugins()}

        assert ("espalier-layers", "0.1.0") == found["layers"]

    @pytest.mark.parametrize(
        "offer",
        [
            pytest.param((kind, offer.name), id=f"{kind}-{offer.name}")
            for kind, registry in default_host().registries.items()
            for offer in registry.offers()
        ],
    )
    def test_everything_that_is_offered_can_be_loaded(self, offer):
        """
        No offer of this repository points to what does not exist.
        """
        kind, name = offer

        assert default_host().registries[kind][name] is not None

    @pytest.mark.parametrize("module", MODULES)
    def test_plugin_modules_are_light(self, module):
        """
        Discovery imports them all, so none may load torch or numpy.
        """
        check_plugin_is_light(module)

    def test_import_and_lookup_do_not_load_torch(self):
        """
        Importing the core and listing every name of every kind stays cheap.
        """
        code = (
            "import sys, espalier\n"
            "from espalier.plugins import default_host\n"
            "for kind in ('modes', 'samplers', 'converters', 'metrics'):\n"
            "    list(getattr(espalier, kind)), getattr(espalier, kind).offers()\n"
            "for registry in default_host().registries.values(): list(registry)\n"
            "import espalier.hparams\n"
            "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
        )

        assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


class TestBroken:
    def test_one_broken_plugin_does_not_hide_the_others(self):
        """
        A plug-in that fails to import is reported and skipped.
        """
        host = PluginHost(
            [
                Source("bad", "bad", "0.1", broken),
                fake_source("good", espalier_samplers=offers_grid),
            ]
        )

        assert ["grid"] == list(host.samplers)
        assert ["bad"] == [problem.source.name for problem in host.problems]
        assert ["ImportError: No module named 'gone'"] == [p.reason for p in host.problems]

    def test_a_problem_is_logged_once(self):
        """
        The log names the plug-in, its distribution and the reason.
        """
        with structlog.testing.capture_logs() as logs:
            PluginHost([Source("bad", "bad-dist", "0.1", broken)])

        assert [
            {
                "event": "plugin_skipped",
                "log_level": logging.getLevelName(logging.WARNING).lower(),
                "plugin": "bad",
                "distribution": "bad-dist",
                "version": "0.1",
                "reason": "ImportError: No module named 'gone'",
            }
        ] == logs

    def test_strict_raises(self):
        """
        In strict mode the first failure is raised unchanged.
        """
        with pytest.raises(ImportError, match="gone"):
            PluginHost([Source("bad", "bad", "0.1", broken)], strict=True)

    def test_misspelt_argument_is_rejected(self):
        """
        Hook signatures are checked when the plug-in registers.
        """
        host = PluginHost([fake_source("typo", espalier_trial_done=lambda numbr: None)])

        assert "numbr" in host.problems[0].reason

    def test_unknown_hook_is_rejected(self):
        """
        A hook the core does not define is a mistake, not a no-op.
        """
        host = PluginHost(
            [
                fake_source("typo", espalier_sampler=offers_grid),
                fake_source("good", espalier_samplers=offers_grid),
            ]
        )

        assert ["typo"] == [problem.source.name for problem in host.problems]
        assert ["grid"] == list(host.samplers)

    def test_forgotten_decorator_is_rejected(self):
        """
        A function that looks like a hook and is not marked is a mistake, not a no-op.
        """
        source = fake_source("typo")
        source.load().espalier_samplers = lambda: iter(())
        host = PluginHost([source])

        assert "@espalier.hookimpl" in host.problems[0].reason

    def test_wrappers_are_rejected(self):
        """
        A plug-in may offer and watch; it may not change what others offer.
        """
        source = fake_source("wrapper")
        source.load().espalier_samplers = hookimpl(wrapper=True)(lambda: (yield))
        host = PluginHost([source])

        assert "can't be a wrapper" in host.problems[0].reason

    @pytest.mark.parametrize(
        "bad_hook",
        [
            {"espalier_trial_done": lambda numbr: None},
            {"espalier_sampler": offers_grid},
            {"espalier_modes": broken},
            {"espalier_modes": offers_grid},
            {"espalier_modes": lambda: ["fastnas"]},
            {"espalier_modes": lambda: None},
        ],
        ids=["argument", "unknown", "raises", "wrong kind", "not an offer", "nothing"],
    )
    def test_rejected_plugin_leaves_nothing_behind(self, bad_hook):
        """
        A plug-in with one good and one bad hook offers neither and is told nothing.
        """
        told = []
        host = PluginHost(
            [
                fake_source(
                    "half",
                    espalier_samplers=offers_grid,
                    espalier_search_finished=lambda result: told.append([result]),
                    **bad_hook,
                )
            ]
        )
        host.notify("espalier_search_finished", result=None)

        assert 0 == len(host.samplers)
        assert [] == host.plugins()
        assert [] == told
        assert ["half"] == [problem.source.name for problem in host.problems]

    def test_one_name_offered_twice_by_one_plugin_is_rejected(self):
        """
        Nobody could ever pick between the two.
        """
        host = PluginHost(
            [fake_source("twice", espalier_samplers=lambda: [*offers_grid(), *offers_grid()])]
        )

        assert "'grid' twice" in host.problems[0].reason

    @pytest.mark.parametrize(
        ("api", "advice"),
        [
            ((2, 0), "upgrade espalier-core"),
            ((1, 9), "upgrade espalier-core"),
            ((0, 9), "upgrade acme-old"),
            (None, "ESPALIER_API = (major, minor), got None"),
            ("1.0", "ESPALIER_API = (major, minor), got '1.0'"),
        ],
    )
    def test_wrong_api_version_says_what_to_upgrade(self, api, advice):
        """
        The message names the side that is behind.
        """
        host = PluginHost([fake_source("old", distribution="acme-old", api=api)])

        assert advice in host.problems[0].reason

    def test_two_distributions_with_one_plugin_name(self):
        """
        The second is reported with both names, not dropped in silence.
        """
        host = PluginHost(
            [
                fake_source("x", distribution="one", espalier_samplers=offers_grid),
                fake_source("x", distribution="two"),
            ]
        )

        assert ["grid"] == list(host.samplers)
        assert ["two"] == [problem.source.distribution for problem in host.problems]
        assert "one 1.0 already has a plug-in named 'x'" in host.problems[0].reason


class TestChoice:
    def test_disabled(self):
        """
        A disabled plug-in is not even imported, and is no problem.
        """
        host = PluginHost([Source("bad", "bad", "0.1", broken)], disabled=["bad"])

        assert [] == host.plugins()
        assert [] == host.problems

    def test_environment_disables(self, monkeypatch):
        """
        ESPALIER_DISABLE_PLUGINS takes several names, spaces allowed.
        """
        monkeypatch.setenv("ESPALIER_DISABLE_PLUGINS", "layers, fastnas")
        host = default_host.__wrapped__()

        assert 0 == len(host.converters)
        assert "fastnas" not in host.modes
        assert "params" in host.metrics

    @pytest.mark.parametrize(("value", "raises"), [("1", True), ("0", False), ("", False)])
    def test_environment_makes_strict(self, monkeypatch, value, raises):
        """
        ESPALIER_STRICT_PLUGINS=1 raises what would be set aside.
        """
        monkeypatch.setenv("ESPALIER_STRICT_PLUGINS", value)
        monkeypatch.setattr(
            "espalier.plugins.views.installed", lambda: [Source("bad", "bad", "0.1", broken)]
        )
        if raises:
            with pytest.raises(ImportError, match="gone"):
                default_host.__wrapped__()
        else:
            assert 1 == len(default_host.__wrapped__().problems)

    def test_a_host_can_stand_in_for_a_block(self):
        """
        Views and core see the innermost host, and the old one again after the block.
        """
        before = current_host()
        with use_host(PluginHost([fake_source("a", espalier_samplers=offers_grid)])) as host:
            assert host is current_host()
            assert ["grid"] == list(samplers)
            with use_host(PluginHost([])):
                assert [] == list(samplers)
            assert ["grid"] == list(samplers)

        assert before is current_host()

    def test_plugins_tell_what_they_offer_by_kind(self):
        """
        The record of a loaded plug-in lists its offers under their kinds.
        """
        offer = CommandOffer("greet", "acme:greet")
        [plugin] = PluginHost(
            [
                fake_source(
                    "a",
                    distribution="acme",
                    espalier_samplers=offers_grid,
                    espalier_commands=lambda: [offer],
                )
            ]
        ).plugins()

        assert ("a", "acme", "1.0") == (plugin.name, plugin.distribution, plugin.version)
        assert {"samplers": tuple(offers_grid()), "commands": (offer,)} == plugin.offers

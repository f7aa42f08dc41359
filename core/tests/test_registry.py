"""What a registry answers, and how it fails."""

import collections.abc
import json
import pickle

import pytest

import espalier
from espalier.errors import ConflictError, PluginError, UnknownPluginError
from espalier.plugins import ModeOffer, PluginHost, SamplerOffer, modes, use_host
from espalier.testing import fake_source


def host_of(**plugins: SamplerOffer):
    """Return a host of plug-ins that each offer one sampler."""
    return PluginHost(
        [
            fake_source(name, distribution=f"{name}-dist", espalier_samplers=lambda o=offer: [o])
            for name, offer in plugins.items()
        ]
    )


GRID = SamplerOffer("grid", "json:JSONEncoder", "Every configuration once.")
OTHER_GRID = SamplerOffer("grid", "json:JSONDecoder")


class TestMapping:
    def test_values_are_the_implementations(self):
        """
        Looking a name up imports what it stands for.
        """
        samplers = host_of(a=GRID).samplers

        assert json.JSONEncoder is samplers["grid"]
        assert json.JSONEncoder is samplers["a/grid"]
        assert {"grid": json.JSONEncoder} == dict(samplers)
        assert isinstance(samplers, collections.abc.Mapping)

    def test_offers_are_seen_without_import(self):
        """
        The record is there even where the implementation can't be imported.
        """
        offer = SamplerOffer("dice", "no_such_package:Dice", "Throws dice.")
        samplers = host_of(a=offer).samplers

        assert offer == samplers.offer("dice")
        assert (offer,) == samplers.offers()
        assert ["dice"] == list(samplers)
        assert "dice" in samplers
        assert 1 == len(samplers)

    def test_it_is_read_only(self):
        """
        Nothing can be put in or taken out.
        """
        samplers = host_of(a=GRID).samplers
        with pytest.raises(TypeError):
            samplers["grid"] = object
        with pytest.raises(TypeError):
            del samplers["grid"]

    def test_comparing_imports_nothing(self):
        """
        A registry equals itself only, so that comparing never loads what it holds.
        """
        offer = SamplerOffer("dice", "no_such_package:Dice")

        assert host_of(a=offer).samplers != host_of(a=offer).samplers

    def test_names_are_sorted_and_shown(self):
        """
        The order of installation does not show.
        """
        samplers = host_of(b=SamplerOffer("random", "json:JSONDecoder"), a=GRID).samplers

        assert ["grid", "random"] == list(samplers)
        assert "<sampler registry: grid, random>" == repr(samplers)


class TestUnknown:
    def test_error_suggests_and_lists(self):
        """
        The error guesses what was meant and says what is there.
        """
        with pytest.raises(UnknownPluginError) as caught:
            host_of(a=GRID).samplers["gird"]

        assert (
            "No sampler named 'gird'. Did you mean 'grid'? Installed: grid. "
            "Run `espalier plugins` to see what each plugin offers."
        ) == str(caught.value)

    def test_wrong_side_of_a_qualified_name(self):
        """
        The guess keeps the form that was asked for.
        """
        with pytest.raises(UnknownPluginError, match="Did you mean 'a/grid'"):
            host_of(a=GRID).samplers["b/grid"]

    def test_nothing_installed(self):
        """
        An empty registry says so.
        """
        with pytest.raises(UnknownPluginError, match="Installed: none"):
            PluginHost([]).modes["fastnas"]

    def test_it_is_what_a_caller_of_a_mapping_expects(self):
        """
        `get` and `except KeyError` work, and so does `except LookupError`.
        """
        samplers = host_of(a=GRID).samplers

        assert samplers.get("gird") is None
        assert "default" == samplers.get("gird", "default")
        assert issubclass(UnknownPluginError, LookupError)
        assert 3 not in samplers


class TestConflict:
    def test_neither_wins_and_both_are_named(self):
        """
        Only a look-up of the name fails, with the plug-ins, the distributions and the way out.
        """
        host = host_of(a=GRID, b=OTHER_GRID)

        assert [] == host.problems
        assert "grid" in host.samplers
        for look in (host.samplers.__getitem__, host.samplers.offer, host.samplers.get):
            with pytest.raises(ConflictError) as caught:
                look("grid")
            assert (
                "2 plugins offer a sampler named 'grid': a, b (from a-dist 1.0, b-dist 1.0). Ask "
                "for 'a/grid' or 'b/grid', or set ESPALIER_DISABLE_PLUGINS=b."
            ) == str(caught.value)

    def test_a_qualified_name_picks_a_side(self):
        """
        Both implementations can be had.
        """
        samplers = host_of(a=GRID, b=OTHER_GRID).samplers

        assert json.JSONEncoder is samplers["a/grid"]
        assert json.JSONDecoder is samplers["b/grid"]
        assert OTHER_GRID == samplers.offer("b/grid")

    def test_other_names_are_not_affected(self):
        """
        A clash costs nobody else anything.
        """
        host = host_of(a=GRID, b=OTHER_GRID, c=SamplerOffer("random", "json:JSONDecoder"))

        assert json.JSONDecoder is host.samplers["random"]
        assert 1 == len(host.samplers.conflicts())


class TestBrokenTarget:
    @pytest.mark.parametrize(
        ("target", "cause"),
        [
            ("no_such_package:Dice", "ModuleNotFoundError: No module named 'no_such_package'"),
            ("json:Dice", "AttributeError: module 'json' has no attribute 'Dice'"),
        ],
    )
    def test_error_names_who_what_and_why(self, target, cause):
        """
        The user learns which distribution to reinstall.
        """
        samplers = host_of(a=SamplerOffer("dice", target)).samplers
        with pytest.raises(PluginError) as caught:
            samplers["dice"]

        for part in ("'a'", "a-dist 1.0", repr(target), cause):
            assert part in str(caught.value)
        assert caught.value.__cause__ is not None
        assert not isinstance(caught.value, LookupError)


class TestOffer:
    @pytest.mark.parametrize("target", ["json.JSONEncoder", "json:", ":JSONEncoder", ""])
    def test_target_must_name_module_and_object(self, target):
        """
        A target without a colon is refused when the offer is made.
        """
        with pytest.raises(ValueError, match=r"package\.module:Name"):
            SamplerOffer("grid", target)

    @pytest.mark.parametrize("name", ["", "a/grid", "my grid", 3])
    def test_name_must_be_a_word(self, name):
        """
        A slash is for choosing sides, so no name contains one.
        """
        with pytest.raises(ValueError, match="without spaces and slashes"):
            SamplerOffer(name, "json:JSONEncoder")

    def test_mode_follows_any_iterable_of_names(self):
        """
        Whatever the author writes becomes a frozen set.
        """
        assert frozenset({"fastnas"}) == ModeOffer("x", "a:B", follows=["fastnas"]).follows

    def test_mode_does_not_follow_letters(self):
        """
        One name is no collection of names, though Python takes it for one.
        """
        with pytest.raises(ValueError, match=r"as in \{'fastnas'\}; got 'fastnas'"):
            ModeOffer("x", "a:B", follows="fastnas")


class TestView:
    def test_it_is_a_mapping_over_the_host_in_use(self):
        """
        The view has no memory of its own.
        """
        offer = ModeOffer("fancy", "json:JSONEncoder")
        host = PluginHost([fake_source("a", espalier_modes=lambda: [offer])])
        with use_host(host):
            assert json.JSONEncoder is modes["fancy"]
            assert {"fancy": json.JSONEncoder} == dict(modes)
            assert offer == modes.offer("fancy")
            assert (offer,) == modes.offers()
            assert "fancy" in modes
            assert 1 == len(modes)
            assert "<mode registry: fancy>" == repr(modes)
        with use_host(PluginHost([])):
            assert 0 == len(modes)

    def test_public_names_are_views(self):
        """
        `espalier.modes` is the view, not a package of that name.
        """
        assert modes is espalier.modes


def test_errors_print_their_message_and_survive_pickling():
    """
    A `KeyError` shows its message in quotes; ours does not, in any process.
    """
    error = UnknownPluginError("No mode named 'x'.")

    assert "No mode named 'x'." == str(error)
    assert "No mode named 'x'." == str(pickle.loads(pickle.dumps(error)))

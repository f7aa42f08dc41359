"""Which sizes a configuration leaves without a choice, or with a smaller divisor, is told."""

import copy
import io
import json

import pytest
from rich.console import Console
from structlog.testing import capture_logs

import espalier
from espalier.errors import ConfigError, ConversionError
from tests.models import FINE, images, small_cnn


STRICT = {"relax_divisor": False}
NO_MULTIPLE = "no multiple of the divisor 32 below {} is offered"


def explained(config, *, convert=False):
    model, x = small_cnn(), images()
    if convert:
        return espalier.explain(espalier.convert(model, inputs=x, config=config), x)
    return espalier.explain(model, x, config=config)


class TestExplain:
    @pytest.mark.parametrize("convert", [False, True], ids=["plain", "converted"])
    def test_a_relaxed_divisor_is_told(self, convert):
        """
        By default, layers smaller than the divisor get a smaller one: which, and what it leaves.
        """
        sizes = explained(None, convert=convert).hparams

        assert [(32, 8, (8, 16)), (32, 16, (16, 24))] == [
            (size.relaxed_from, size.relaxed_to, size.choices) for size in sizes
        ]

    @pytest.mark.parametrize("convert", [False, True], ids=["plain", "converted"])
    def test_what_the_divisor_froze_is_told(self, convert):
        """
        With the number that was asked for, among what can't change.
        """
        found = explained(STRICT, convert=convert)
        frozen = {size.name: size.reasons for size in found.frozen}

        assert () == found.hparams
        assert (NO_MULTIPLE.format(16),) == frozen["0.out_channels"]
        assert (NO_MULTIPLE.format(24),) == frozen["3.out_channels"]

    @pytest.mark.parametrize(
        "config", [None, STRICT, FINE, {"nn.Conv2d": {"0": None}}, {"nn.Conv2d": None}], ids=str
    )
    def test_a_plain_model_is_told_what_a_conversion_would_do(self, config):
        """
        The same choices, divisors and reasons as after the conversion.
        """
        before, after = explained(config), explained(config, convert=True)

        assert before.hparams == after.hparams
        assert {s.name: s.reasons for s in before.frozen} == {
            s.name: s.reasons for s in after.frozen
        }
        assert {s.name: s.choices for s in before.hparams} == {
            name: hparam.choices
            for name, hparam in espalier.space(
                espalier.convert(small_cnn(), inputs=images(), config=config)
            ).items()
            if hparam.is_configurable
        }

    def test_choices_without_trouble_are_told_as_data_only(self):
        """
        The text has lines only where a divisor was relaxed.
        """
        found = explained(FINE)

        assert all(size.choices and not size.relaxed_to for size in found.hparams)
        assert "choices:" not in str(found)
        assert "smaller divisor" not in found.to_html()

    def test_every_form_tells(self):
        """
        Text, tables on a terminal, the page, and plain data.
        """
        relaxed, frozen = explained(None), explained(STRICT)
        console = Console(width=200, record=True, file=io.StringIO())
        console.print(relaxed)
        drawn = console.export_text()
        data = json.loads(json.dumps(relaxed.to_dict()))["hparams"][0]

        assert "choices: 8, 16 (multiples of 8: the divisor 32 leaves none)" in str(relaxed)
        for text in (drawn, relaxed.to_html()):
            assert "2 sizes with a smaller divisor" in text
        assert ["0.out_channels", "16", "32", "8", "8,", "16"] in [
            line.split() for line in drawn.splitlines()
        ]
        assert ([8, 16], 32, 8) == (data["choices"], data["relaxed_from"], data["relaxed_to"])
        for text in (str(frozen), frozen.to_html()):
            assert NO_MULTIPLE.format(16) in text

    def test_a_converted_model_has_its_own_configuration(self):
        """
        Another one can't be asked about; a bad one is refused first.
        """
        model = espalier.convert(small_cnn(), inputs=images())
        with pytest.raises(ConversionError, match="configuration that it was converted with"):
            espalier.explain(model, images(), config=STRICT)
        with pytest.raises(ConfigError, match="Did you mean 'relax_divisor'"):
            espalier.explain(small_cnn(), images(), config={"relax_divisr": False})

    def test_the_model_is_left_alone(self):
        """
        An explanation with a configuration converts nothing.
        """
        model = small_cnn()
        before = copy.deepcopy(model)
        espalier.explain(model, images(), config=STRICT)

        assert repr(before) == repr(model)
        assert [vars(m).keys() for m in before.modules()] == [
            vars(m).keys() for m in model.modules()
        ]


def events(config, name):
    with capture_logs() as logs:
        espalier.convert(small_cnn(), inputs=images(), config=config)
    return [(log["log_level"], log) for log in logs if log["event"] == name]


class TestLog:
    def test_sizes_that_the_divisor_froze_are_warned_of(self):
        """
        Nobody finds out by a search that had nothing to search.
        """
        ((level, log),) = events(STRICT, "sizes_without_choice")

        assert "warning" == level
        assert {
            "0.out_channels": NO_MULTIPLE.format(16),
            "3.out_channels": NO_MULTIPLE.format(24),
        } == log["sizes"]

    @pytest.mark.parametrize("config", [None, FINE, {"nn.Conv2d": None}], ids=str)
    def test_nothing_is_warned_of_otherwise(self, config):
        """
        Not what was switched off on purpose, nor what a smaller divisor saved.
        """
        assert [] == events(config, "sizes_without_choice")

    def test_a_relaxed_divisor_is_noted(self):
        """
        With the divisor that was used, for each size.
        """
        ((level, log),) = events(None, "space_built")

        assert ("info", {"0.out_channels": 8, "3.out_channels": 16}) == (
            level,
            log["divisor_relaxed"],
        )

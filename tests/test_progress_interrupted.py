"""Ctrl-C keeps what was found so far."""

import sys

import pytest

import espalier
from espalier.errors import EspalierError, SearchInterrupted
from tests.models import FINE, Faithful, images, small_cnn
from tests.survivors import QUIET, Stops, searched
from tests.test_bad_input import assert_unchanged, state_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress"


class TestInterrupt:
    def test_with_a_file_the_search_goes_on(self, path):
        """
        The error says how many were scored, where they are and how to go on.
        """
        faithful = Faithful(small_cnn(), images())
        expected = searched(faithful, None)
        model = small_cnn()
        before = state_of(model)
        with pytest.raises(SearchInterrupted) as found:
            espalier.prune(
                model,
                constraints={"flops": "60%"},
                inputs=images(),
                score=Stops(faithful, 6),
                config=FINE,
                search_config=QUIET,
                progress_file=path,
            )

        assert f"5 configurations were scored, which are in {path}; call it with" in str(
            found.value
        )
        assert expected.history[:5] == found.value.history
        assert_unchanged(before, model)
        rest = Stops(faithful, -1)
        assert expected == searched(rest, path)
        assert len(expected.history) - 5 == rest.calls

    def test_without_a_file_what_was_found_is_in_the_error(self):
        """
        It has the history, and the best that satisfies the constraints.
        """
        faithful = Faithful(small_cnn(), images())
        with pytest.raises(
            KeyboardInterrupt, match=r"7 configurations .* pass progress_file="
        ) as e:
            searched(Stops(faithful, 8), None, constraints={"flops": "85%"})

        assert 7 == len(e.value.history)
        result = e.value.result
        assert result.history == e.value.history
        assert result.metrics["flops"] <= result.constraints["flops"]
        able = [
            trial.score
            for trial in result.history
            if _flops(trial.config) <= result.constraints["flops"]
        ]
        assert max(able) == result.score

    def test_there_may_be_nothing_that_fits(self):
        """
        Then there is no result, and the history all the same.
        """
        with pytest.raises(SearchInterrupted) as found:
            searched(Stops(lambda _: 1.0, 2), None, constraints={"flops": "10%"})

        assert found.value.result is None
        assert 1 == len(found.value.history)

    def test_what_handles_errors_lets_it_pass(self):
        """
        It is an interrupt, and no error of Espalier's.
        """
        assert not issubclass(SearchInterrupted, Exception)
        assert not issubclass(SearchInterrupted, EspalierError)

    def test_another_way_to_stop_leaves_the_file_whole(self, path):
        """
        ``SystemExit`` passes as it is.
        """
        faithful, calls = Faithful(small_cnn(), images()), []

        def score(model):
            calls.append(1)
            return sys.exit(3) if len(calls) == stops_at else faithful(model)

        stops_at = 4

        with pytest.raises(SystemExit):
            searched(score, path)

        stops_at = -1

        assert 3 == path.read_bytes().count(b'\n{"config"')
        assert searched(faithful, None) == searched(score, path)


def _flops(config):
    model = espalier.convert(small_cnn(), inputs=images(), config=FINE)
    return espalier.profile(model, config=config).flops

"""Which configurations Optuna's samplers propose: of any space, and after a restart."""

import pytest

from espalier.domains import Float, Integer
from espalier.sampling import TrialRecord, TrialState
from espalier_optuna import OptunaSampler

from .samplers import ALGOS, finish, make, proposals
from .spaces import countable, everything, numbers


class TestSpaces:
    """Every kind of domain."""

    @pytest.mark.parametrize("algo", ALGOS)
    def test_proposals_are_of_the_space(self, algo):
        """
        Numbers of all kinds, choices that are no scalars, lists and conditions come out right.
        """
        space = everything()
        count = 10 if algo == "gp" else 30
        found = proposals(make(algo, space), count)

        for config in found:
            assert config == space.check(config)
        assert {"sgd", "adam", None} == {config["optimizer"] for config in found}
        assert 1 < len({config["huge"] for config in found})
        assert 1 < len({repr(config["kernel"]) for config in found})
        assert 3 < len({config["wide"] for config in found})

    @pytest.mark.parametrize("algo", ALGOS)
    def test_every_point_of_a_countable_space_once(self, algo):
        """
        All 21 configurations come, none twice, and then it is the end, for four at a time too.
        """
        space = countable()
        for batch in (1, 4):
            sampler = make(algo, space, seed=batch)
            found = []
            while len(found) < 100:
                try:
                    asked = sampler.ask(batch)
                except StopIteration:
                    break
                found += [trial.config for trial in asked]
                for trial in asked:
                    finish(sampler, trial)

            assert 21 == len(found) == space.size
            assert set(range(21)) == {space.index(config) for config in found}

    def test_what_was_dropped_can_come_again(self):
        """
        In a space that is at its end, the dropped configuration is the one that is left.
        """
        sampler = make("tpe", countable())
        dropped = sampler.eager_sample()[1]
        sampler.unlock(drop=True)
        found = [trial.config for trial in sampler.ask(21)]

        assert dropped in found
        with pytest.raises(StopIteration):
            sampler.ask()

    def test_repeats_are_replaced_by_what_is_like_them(self):
        """
        Half of a grid of 100 points holds nearly all of the 15 best; chance would find 7 or 8.
        """
        space = {"x": Integer(0, 9), "y": Integer(0, 9)}
        sampler = OptunaSampler("tpe", space, "min", seed=0)
        sums = []
        for _ in range(50):
            trial = sampler.ask()
            sums.append(trial.config["x"] + trial.config["y"])
            sampler.tell(trial, sums[-1])

        assert 12 <= sum(total <= 4 for total in sums)
        assert 50 == len({tuple(record.config.items()) for record in sampler.records})


class TestResuming:
    """A study that was stopped and is gone on with."""

    @pytest.mark.parametrize("algo", ALGOS)
    @pytest.mark.parametrize("space_of", [numbers, everything, countable])
    def test_goes_on_with_the_same_proposals(self, algo, space_of):
        """
        A sampler that is given the trials proposes what the first one would have: with trials
        that failed, were stopped, dropped, or are under way.
        """
        more = {"n_startup_trials": 6} if algo == "gp" else {}
        first = make(algo, space_of(), seed=3, **more)
        for number in range(12):
            trial_id, config, _ = first.eager_sample()
            first.unlock(drop=number in {2, 9})
            if number in {2, 9, 10}:
                continue
            trial = TrialRecord(trial_id, config, TrialState.RUNNING)
            finish(first, trial, ENDS.get(number, TrialState.COMPLETE))
        second = make(algo, space_of(), seed=3, trials=first.records, **more)
        count = 1 if algo == "gp" else 6

        assert first.records == second.records
        assert proposals(first, count) == proposals(second, count)

    @pytest.mark.parametrize("algo", ALGOS)
    def test_the_order_of_results_does_not_matter(self, algo):
        """
        What four workers find is learned alike, whoever was the first.
        """
        found = []
        for order in ((0, 1, 2, 3), (3, 1, 0, 2)):
            sampler = make(algo, numbers(), seed=1)
            for _ in range(1 if algo == "gp" else 4):
                asked = sampler.ask(4)
                for place in order:
                    finish(sampler, asked[place])
            found.append(sampler.ask().config)

        assert found[0] == found[1]

    def test_an_evolution_is_where_it_was(self):
        """
        After 60 trials in two halves, CMA-ES is as near as after 60 in one.
        """
        space = {name: Float(-5, 5) for name in "abc"}
        results = []
        for stop in (0, 31):
            sampler = OptunaSampler("cma-es", space, "min", seed=2)
            for number in range(60):
                if number == stop:
                    sampler = OptunaSampler("cma-es", space, "min", sampler.records, 2)
                trial = sampler.ask()
                sampler.tell(trial, sum(value**2 for value in trial.config.values()))
            results.append([record.metrics["score"] for record in sampler.records])

        assert results[0] == results[1]
        assert 0.5 > min(results[0])


#: How trials end that are not complete, by number.
ENDS = {4: TrialState.FAILED, 6: TrialState.STOPPED_EARLY, 7: TrialState.INVALID}

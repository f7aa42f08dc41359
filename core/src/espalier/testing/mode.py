"""What every mode that searches sizes promises, as tests."""

from __future__ import annotations

import copy
import json
import pathlib
import random
import tempfile
from typing import Any

import pytest
import torch

from ..api import convert, export, profile, restore, save, space
from ..errors import ConfigError, ConstraintError, ConversionError, ScoreError, SearchInterrupted
from ..mode import steps_of
from ..plugins import current_host
from ..searching import SearchResult
from .bench import Judge, looks, run, without_data
from .fakes import fake_source
from .mode_bench import ModeBench


__all__ = ["ModeContract"]

BUDGETS = [
    {"flops": "85%"},
    {"flops": "50%"},
    {"params": "60%"},
    {"flops": "70%", "params": "55%"},
]


class ModeContract(ModeBench):
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

    def test_converting_changes_nothing_that_is_seen(self) -> None:
        """
        Outputs stay bit for bit; so do the state dict's keys and values, ``isinstance`` and flags.
        """
        plain, model = self.model(0), self._converted()
        flags = [[p.requires_grad for p in m.parameters()] for m in (plain, model)]
        before, after = plain.state_dict(), model.state_dict()

        assert torch.equal(run(plain, self.inputs()), run(model, self.inputs()))
        assert flags[0] == flags[1]
        assert [m.training for m in plain.modules()] == [m.training for m in model.modules()]
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

    def test_an_unknown_setting_is_refused(self) -> None:
        """
        The error names the key; it comes before anything is done to the model.
        """
        descriptor, odd = self.make(), {"no_such_setting": 1}
        searcher = descriptor.searcher_class
        assert searcher is not None
        with pytest.raises(ConfigError, match="no_such_setting"):
            descriptor.config_class.structure({**(self.config() or {}), **odd})
        with pytest.raises(ConfigError, match="no_such_setting"):
            searcher.config_class.structure({**self.search_config(), **odd})
        model = self.model(0)
        before = looks(model)
        with pytest.raises(ConfigError, match="no_such_setting"):
            convert(model, descriptor.name, inputs=self.inputs(), config=odd)

        assert before == looks(model)

    def test_the_steps_are_recorded(self) -> None:
        """
        A converted model knows its mode and configuration; an exported one remembers both.
        """
        model, kind = self._converted(), self.make().config_class
        [step] = steps_of(model)

        assert step.mode == self.make().name
        assert kind.structure(json.loads(json.dumps(step.config))) == kind.structure(self.config())
        export(model)
        assert [step.mode, "export"] == [each.mode for each in steps_of(model)]

    def test_converting_twice_is_refused(self) -> None:
        """
        A model that waits to be searched stays as it is.
        """
        model = self._converted()
        before = looks(model)
        with pytest.raises(ConversionError):
            convert(model, self.make().name, inputs=self.inputs(), config=self.config())

        assert before == looks(model)

    def test_it_follows_what_its_offer_says(self) -> None:
        """
        After an export the mode can be applied again, or is refused where its offer says so.
        """
        name = self.make().name
        model, again = export(self._converted()), self._converted()
        follows = current_host().modes.offer(name).follows
        if follows and "export" not in follows:
            before = looks(model)
            with pytest.raises(ConversionError, match=name):
                convert(model, name, inputs=self.inputs(), config=self.config())
            assert before == looks(model)
            return
        convert(model, name, inputs=self.inputs(), config=self.config())

        assert [name, "export", name] == [step.mode for step in steps_of(model)]
        assert space(again).max() == space(model).max()
        assert torch.equal(run(again, self.inputs()), run(model, self.inputs()))
        with tempfile.TemporaryDirectory() as folder:
            save(model, pathlib.Path(folder, "model"))
            fresh = restore(self.model(7), pathlib.Path(folder, "model"))
        assert torch.equal(run(model, self.inputs()), run(fresh, self.inputs()))
        assert [name, "export", name] == [step.mode for step in steps_of(fresh)]

    def test_a_model_without_data_converts(self) -> None:
        """
        On ``meta`` the space is the same, and so is what each subnet costs.
        """
        model, name = self._converted(), self.make().name
        meta = without_data(self.model(0))
        convert(meta, name, inputs=self.inputs(), config=self.config())
        for seed in range(3):
            config = space(model).sample(random.Random(seed))
            space(model).select(config)
            space(meta).select(config)

            assert space(model).config() == space(meta).config()
            assert profile(model, self.inputs()) == profile(meta, self.inputs())

    def test_a_copy_is_independent(self) -> None:
        """
        A deep copy can be searched and exported while the original stays as it is.
        """
        model = self._converted()
        expected, config = run(model, self.inputs()), space(model).config()
        before = looks(model)
        other = copy.deepcopy(model)
        assert torch.equal(expected, run(other, self.inputs()))
        self._searched(other, {"flops": "50%"})
        found = space(other).config()
        export(other)

        assert found != config == space(model).config()
        assert before == looks(model)
        assert torch.equal(expected, run(model, self.inputs()))
        assert found == self._searched(model, {"flops": "50%"}).config

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

    def test_a_result_can_be_written_and_read(self) -> None:
        """
        What was found, and all that was tried, is plain data of choices and numbers.
        """
        result = self._searched(self._converted(), {"flops": "60%"})

        assert result == SearchResult.from_json(result.to_json())

    def test_observers_are_told(self) -> None:
        """
        They hear of the start before any trial, of every trial once, and of the end.
        """
        told: list[Any] = []

        def started(mode: str) -> None:
            told.append(mode)

        def done(number: int) -> None:
            told.append(number)

        def finished(result: SearchResult) -> None:
            told.append(result)

        watching = fake_source(
            "watching",
            espalier_search_started=started,
            espalier_trial_done=done,
            espalier_search_finished=finished,
        )
        with self.offering(watching):
            result = self._searched(self._converted(), {"flops": "60%"})

        assert [self.make().name, *range(len(result.history)), result] == told

    def test_a_score_that_is_never_a_number_is_an_error(self) -> None:
        """
        The search ends, says so, and the model is at what it was.
        """
        model = self._converted()
        expected, config = run(model, self.inputs()), space(model).config()
        judge = Judge(self, gives=float("nan"))
        with pytest.raises(ScoreError):
            self._searched(model, {"flops": "60%"}, judge)

        assert config == space(model).config()
        assert torch.equal(expected, run(model, self.inputs()))

    def test_training_flags_and_gradients_are_left_alone(self) -> None:
        """
        A search does not decide what is trained, and leaves no gradients behind.
        """
        model = self._converted()
        next(model.children()).train()
        next(model.parameters()).requires_grad_(False)
        expected = [module.training for module in model.modules()]
        trained = [parameter.requires_grad for parameter in model.parameters()]
        self._searched(model, {"flops": "60%"})

        assert expected == [module.training for module in model.modules()]
        assert trained == [parameter.requires_grad for parameter in model.parameters()]
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
    def test_a_score_that_raises_costs_one_candidate(self, share: float) -> None:
        """
        The reason is in the history; where there is nothing else, it is in the error, and
        structure, weights and flags are what they were before ``prune``.
        """
        found = self._break(share, RuntimeError("out of memory"))
        if isinstance(found, SearchResult):
            failed = [trial for trial in found.history if trial.score != trial.score]
            assert ["raised RuntimeError: out of memory"] == [trial.reason for trial in failed]
            assert failed[0].config != found.config
        else:
            assert isinstance(found, ScoreError), found
            assert "out of memory" in str(found)

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["first", "middle", "last"])
    def test_an_interrupt_leaves_the_model_alone(self, share: float) -> None:
        """
        Ctrl-C ends the search there and then, and structure, weights and flags are as before.
        """
        found = self._break(share, KeyboardInterrupt())

        assert isinstance(found, KeyboardInterrupt)

    def test_a_search_goes_on_where_it_was_killed(self, tmp_path: pathlib.Path) -> None:
        """
        With a progress file nothing is scored twice, and the result is that of an uninterrupted
        search, bit for bit; a search that was finished is not scored again at all.
        """
        whole, counting = self._converted(), Judge(self)
        expected = self._searched(whole, {"flops": "50%"}, counting)
        path, stops_at = tmp_path / "progress", 1 + counting.count // 2
        breaking = Judge(self, breaks_at=stops_at, error=KeyboardInterrupt())
        with pytest.raises(SearchInterrupted):
            self._searched(self._converted(), {"flops": "50%"}, breaking, progress_file=path)
        for calls in (counting.count - stops_at + 1, 0):
            model, judge = self._converted(), Judge(self)
            result = self._searched(model, {"flops": "50%"}, judge, progress_file=path)

            assert calls == judge.count
            assert expected == result
            assert space(whole).config() == space(model).config()
            assert torch.equal(run(whole, self.inputs()), run(model, self.inputs()))

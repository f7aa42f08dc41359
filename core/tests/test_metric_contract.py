"""The contract of metrics notices what it is there to notice."""

import random
import time

import pytest
import torch

from espalier import Metric
from espalier.errors import ShapeError
from espalier.spaces import supernet_of
from espalier.testing import MetricContract


class Widths(Metric):
    """Keeps every promise: the sum of all sizes."""

    name = "widths"
    unit = "units"

    def measure(self, model, config):
        return sum(hparam.under(config) for hparam in supernet_of(model).space.every())


class TestAMetricWithoutFaults(MetricContract):
    def make(self):
        return Widths

    def reference(self, model):
        return model.stem.out_channels + model.inner.out_channels + model.hidden.out_features


class Discount(Widths):
    """Has less where two layers are at their full width than where one of them is."""

    def measure(self, model, config):
        space = supernet_of(model).space
        both = all(space[f"{name}.out_channels"].under(config) == most for name, most in PAIR)
        return super().measure(model, config) - 20 * both


PAIR = [("stem", 32), ("inner", 48)]


class TestAMetricThatGoesUpAndDown(MetricContract):
    monotone = False

    def make(self):
        return Discount

    def reference(self, model):
        widths = model.stem.out_channels, model.inner.out_channels, model.hidden.out_features
        return sum(widths) - 20 * ((32, 48) == widths[:2])


class Seconds(Widths):
    """What a run takes by a clock, which ticks once for each unit of each layer that is run."""

    name = "ticks"

    def measure(self, model, config):
        if any(parameter.is_meta for parameter in model.parameters()):
            raise ShapeError("a model on the meta device can't be run.")
        space = supernet_of(model).space
        before, ticks = space.config(), []
        hooks = [
            layer.register_forward_hook(lambda layer, _, out: ticks.append(out.shape[1]))
            for layer in (model.stem, model.inner, model.hidden)
        ]
        space.select(config)
        try:
            with torch.no_grad():
                model(torch.zeros(2, 3, 6, 6))
        finally:
            space.select(before)
            for hook in hooks:
                hook.remove()
        return sum(ticks) * (1 + time.perf_counter() % 1e-5)


class TestAMetricThatRunsTheModel(MetricContract):
    tolerance = 1e-4
    needs_data = True

    def make(self):
        return Seconds

    def model(self):
        # In training mode a run would move the statistics, so a metric that runs needs evaluation.
        model = super().model()
        model.norm.train = lambda mode=True: model.norm
        return model


class Needy(Widths):
    def __init__(self, unit):
        self.unit = unit


class Tensorial(Widths):
    def measure(self, model, config):
        return torch.tensor(float(super().measure(model, config)))


class Endless(Widths):
    def measure(self, model, config):
        found = super().measure(model, config)
        return float("inf") if config == supernet_of(model).space.max() else found


class Negative(Widths):
    def measure(self, model, config):
        return super().measure(model, config) - 100


class Flat(Widths):
    def measure(self, model, config):
        return 5


class Selecting(Widths):
    def measure(self, model, config):
        supernet_of(model).space.select(config)
        return super().measure(model, config)


class Touching(Widths):
    """Runs the model in evaluation mode, and forgets to switch back."""

    def measure(self, model, config):
        model.eval()
        return super().measure(model, config)


class Training(Widths):
    """Runs a backward pass, and leaves its gradients."""

    def measure(self, model, config):
        if not next(model.parameters()).is_meta:
            model(torch.zeros(2, 3, 6, 6)).sum().backward()
        return super().measure(model, config)


class Drawing(Widths):
    """Draws its inputs from the global generator."""

    def measure(self, model, config):
        torch.rand(1)
        return super().measure(model, config)


class Writing(Widths):
    """Completes the caller's configuration."""

    def measure(self, model, config):
        config.update({**supernet_of(model).space.config(), **config})
        return super().measure(model, config)


class Noisy(Widths):
    def measure(self, model, config):
        return super().measure(model, config) + random.random()


class Caching(Widths):
    """Remembers a number by the order of the choices, not by their names."""

    seen = {}  # noqa: RUF012 - that is the fault

    def measure(self, model, config):
        key = tuple(config.values())
        return self.seen.setdefault(key, super().measure(model, config) + len(self.seen))


class Completing(Widths):
    """Takes the largest choice of what is left out."""

    def measure(self, model, config):
        return super().measure(model, {**supernet_of(model).space.max(), **config})


class Complete(Widths):
    """Reads every name."""

    def measure(self, model, config):
        return sum(config[name] for name in supernet_of(model).space)


class Active(Widths):
    """Measures what is active, whatever is asked."""

    def measure(self, model, config):
        return super().measure(model, {})


class Odd(Widths):
    """Takes a size that is no power of two for a cheap one."""

    def measure(self, model, config):
        found = supernet_of(model).space["inner.out_channels"].under(config)
        return super().measure(model, config) + (60 if found == 32 else 0)


class Upside(Widths):
    """Has most for the smallest subnet."""

    def measure(self, model, config):
        return 300 - super().measure(model, config)


class Stale(Widths):
    """Counts units of the model that was converted, also those that an export cuts."""

    def measure(self, model, config):
        return super().measure(model, config) + 0.1 * sum(p.numel() for p in model.parameters())


class Attached(Widths):
    """Keeps the first model it has seen."""

    model = None

    def measure(self, model, config):
        type(self).model = type(self).model or model
        return super().measure(type(self).model, config)


class Reading(Widths):
    """Reads weights."""

    def measure(self, model, config):
        return super().measure(model, config) + 0 * float(next(model.parameters()).detach().sum())


class Fickle(Widths):
    """Depends on how often it was asked."""

    asked = 0

    def measure(self, model, config):
        type(self).asked += 1
        return super().measure(model, config) * (1 + 0.1 * type(self).asked)


FAULTS = [
    (Needy, "it_is_found_under_its_name"),
    (Tensorial, "every_subnet_has_a_number"),
    (Endless, "every_subnet_has_a_number"),
    (Negative, "every_subnet_has_a_number"),
    (Flat, "subnets_differ"),
    (Selecting, "measuring_changes_nothing"),
    (Touching, "measuring_changes_nothing"),
    (Training, "measuring_changes_nothing"),
    (Drawing, "measuring_changes_nothing"),
    (Writing, "measuring_changes_nothing"),
    (Noisy, "the_same_subnet_has_the_same_number"),
    (Caching, "the_same_subnet_has_the_same_number"),
    (Completing, "what_is_left_out_is_taken_as_it_is_active"),
    (Complete, "what_is_left_out_is_taken_as_it_is_active"),
    (Odd, "a_larger_choice_never_has_less"),
    (Upside, "a_larger_choice_never_has_less"),
    (Stale, "it_is_what_the_exported_model_has"),
    (Active, "it_is_what_the_exported_model_has"),
    (Attached, "a_copy_measures_alike"),
    (Reading, "a_model_without_data"),
    (Fickle, "a_percentage_is_of_the_largest_subnet"),
    (Selecting, "a_bound_that_can_not_be_had_is_refused"),
]


@pytest.mark.parametrize(
    ("metric", "promise"), FAULTS, ids=[f"{m.__name__}-{p}" for m, p in FAULTS]
)
def test_a_fault_is_found(metric, promise):
    """
    A metric that breaks one promise fails that test, which one without faults passes.
    """
    for kind in (Widths, metric):
        contract = type("Contract", (MetricContract,), {"make": lambda _, kind=kind: kind})()
        with contract.offering():
            if kind is Widths:
                getattr(contract, f"test_{promise}")()
                continue
            with pytest.raises((Exception, pytest.fail.Exception)):
                getattr(contract, f"test_{promise}")()


def test_every_promise_has_a_metric_that_breaks_it():
    """
    No test of the contract is there in vain.
    """
    promises = {name for name in vars(MetricContract) if name.startswith("test_")}

    assert promises == {f"test_{promise}" for _, promise in FAULTS}


def test_a_metric_that_says_what_it_is_not_is_found():
    """
    One that claims to need data and does not, or to be monotone and is not.
    """
    for kind, claim, promise in (
        (Widths, {"needs_data": True}, "a_model_without_data"),
        (Discount, {"monotone": True}, "a_larger_choice_never_has_less"),
    ):
        contract = type("C", (MetricContract,), {"make": lambda _, k=kind: k, **claim})()
        with contract.offering(), pytest.raises((AssertionError, pytest.fail.Exception)):
            getattr(contract, f"test_{promise}")()

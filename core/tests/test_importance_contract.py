"""The contract of importance estimators notices what it is there to notice."""

import pytest
import torch

from espalier import ImportanceEstimator
from espalier.importance.chance import Random
from espalier.importance.magnitude import L1, L2
from espalier.testing import ImportanceContract


class TestL1(ImportanceContract):
    def make(self):
        return L1


class TestL2(ImportanceContract):
    def make(self):
        return L2


class TestRandom(ImportanceContract):
    informed = False

    def make(self):
        return Random


class Loss(ImportanceEstimator):
    """Keeps every promise: the L2 norm of the weights, after a look at the mean loss."""

    name = "loss-and-weights"
    needs = frozenset({"loss", "data"})

    def estimate(self, task):
        with torch.no_grad():
            for batch in task.data:
                task.loss(task.model, batch)
        return L2().estimate(task)


class TestAnEstimatorWithoutFaults(ImportanceContract):
    def make(self):
        return Loss


class Needy(Loss):
    def __init__(self, seed):
        super().__init__(seed=seed)


class Empty(Loss):
    def estimate(self, task):
        return {}


class Short(Loss):
    def estimate(self, task):
        return {hparam: scores[:-1] for hparam, scores in super().estimate(task).items()}


class Negative(Loss):
    def estimate(self, task):
        return {hparam: scores - 10 for hparam, scores in super().estimate(task).items()}


class Endless(Loss):
    def estimate(self, task):
        return {
            hparam: scores.log().abs() / 0 for hparam, scores in super().estimate(task).items()
        }


class Leaving(Loss):
    """Leaves its gradients."""

    def estimate(self, task):
        for batch in task.data:
            task.loss(task.model, batch).backward()
        return super().estimate(task)


class Training(Loss):
    """Switches modules to training mode."""

    def estimate(self, task):
        found = super().estimate(task)
        task.model.train()
        return found


class Drawing(Loss):
    def estimate(self, task):
        torch.rand(1)
        return super().estimate(task)


class Hooking(Loss):
    """Takes its hooks away only where nothing breaks."""

    def estimate(self, task):
        handle = next(task.model.children()).register_forward_hook(lambda *_: None)
        found = super().estimate(task)
        handle.remove()
        return found


class Thawing(Loss):
    """Has every weight take gradients from then on."""

    def estimate(self, task):
        task.model.requires_grad_(True)
        return super().estimate(task)


class Picky(Loss):
    """Tells only of what takes gradients."""

    def estimate(self, task):
        found = super().estimate(task)
        return found if any(p.requires_grad for p in task.model.parameters()) else {}


class Noisy(Loss):
    def estimate(self, task):
        return {h: s + torch.rand(len(s)) for h, s in super().estimate(task).items()}


class Placed(Loss):
    """Has favourites by place."""

    def estimate(self, task):
        return {h: s + torch.arange(len(s)) for h, s in super().estimate(task).items()}


class Silent(Loss):
    """Needs what it doesn't say."""

    needs = frozenset()


class Twice(Loss):
    def estimate(self, task):
        super().estimate(task)
        return super().estimate(task)


class Upside(Loss):
    """Scores most what is least."""

    def estimate(self, task):
        return {h: s.max() - s for h, s in super().estimate(task).items()}


class Remembering(Loss):
    """Scores by what it saw first of a size."""

    seen = {}  # noqa: RUF012 - that is the fault

    def estimate(self, task):
        found = super().estimate(task)
        return {h: self.seen.setdefault((h.name, id(task.model)), s) for h, s in found.items()}


class Breaking(Loss):
    """Changes what the model computes."""

    def estimate(self, task):
        with torch.no_grad():
            next(task.model.parameters()).mul_(3)
        return super().estimate(task)


FAULTS = [
    (Needy, "it_is_found_under_its_name"),
    (Empty, "every_unit_has_a_score"),
    (Short, "every_unit_has_a_score"),
    (Negative, "every_unit_has_a_score"),
    (Endless, "every_unit_has_a_score"),
    (Leaving, "scoring_changes_nothing"),
    (Training, "scoring_changes_nothing"),
    (Drawing, "scoring_changes_nothing"),
    (Thawing, "scoring_changes_nothing"),
    (Breaking, "scoring_changes_nothing"),
    (Hooking, "what_breaks_changes_nothing"),
    (Leaving, "what_breaks_changes_nothing"),
    (Noisy, "scores_are_the_same_each_time"),
    (Placed, "units_take_their_scores_along"),
    (Remembering, "units_take_their_scores_along"),
    (Picky, "a_frozen_model_scores_alike"),
    (Thawing, "a_frozen_model_scores_alike"),
    (Silent, "it_needs_what_it_says"),
    (Twice, "each_batch_is_read_once"),
    (Upside, "a_unit_of_zeros_scores_least"),
    (Breaking, "a_search_puts_units_in_its_order"),
]


@pytest.mark.parametrize(
    ("estimator", "promise"), FAULTS, ids=[f"{e.__name__}-{p}" for e, p in FAULTS]
)
def test_a_fault_is_found(estimator, promise):
    """
    An estimator that breaks one promise fails that test, which one without faults passes.
    """
    for kind in (Loss, estimator):
        contract = type("Contract", (ImportanceContract,), {"make": lambda _, kind=kind: kind})()
        with contract.offering():
            if kind is Loss:
                getattr(contract, f"test_{promise}")()
                continue
            with pytest.raises((Exception, pytest.fail.Exception)):
                getattr(contract, f"test_{promise}")()


def test_every_promise_has_an_estimator_that_breaks_it():
    """
    No test of the contract is there in vain.
    """
    promises = {name for name in vars(ImportanceContract) if name.startswith("test_")}

    assert promises == {f"test_{promise}" for _, promise in FAULTS}


def test_a_baseline_that_claims_to_be_informed_is_found():
    """
    A drawn score tells nothing of a unit of zeros.
    """
    contract = type("C", (ImportanceContract,), {"make": lambda _: Random})()
    with contract.offering(), pytest.raises(AssertionError):
        contract.test_a_unit_of_zeros_scores_least()

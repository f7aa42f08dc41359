"""Whatever is wrong with a call is said in one message, and the model is as before."""

import math

import pytest
import torch
from torch import nn

import espalier
from espalier import ModeConfig
from espalier.errors import EspalierError, ScoreError
from tests.models import FINE, Faithful, images, small_cnn


class Late:
    """A score that changes flags, and raises *error* after some calls."""

    def __init__(self, calls, error):
        self.left = calls
        self.error = error

    def __call__(self, model):
        self.left -= 1
        model.train()
        if self.left < 0:
            raise self.error
        return float(self.left)


CASES = {
    "unknown mode": ({"mode": "fastnass"}, r"No mode named 'fastnass'. Did you mean 'fastnas'\?"),
    "unknown metric": ({"constraints": {"flopz": "50%"}}, "No metric named 'flopz'"),
    "unreachable share": ({"constraints": {"flops": "0.1%"}}, r"smallest subnet has .* Ask for '"),
    "unreachable number": ({"constraints": {"params": 10}}, "smallest subnet has 132"),
    "negative bound": ({"constraints": {"params": -1}}, "a number above 0.*got -1"),
    "bound of words": ({"constraints": {"params": "lots"}}, "got 'lots'"),
    "bound of nan": ({"constraints": {"params": math.nan}}, "got nan"),
    "no constraint": ({"constraints": {}}, "must map metrics to upper bounds"),
    "unknown layer": ({"config": {"nn.Conv2D": {}}}, "Did you mean 'nn.Conv2d'"),
    "unknown field": (
        {"config": {"nn.Conv2d": {"channel_divisr": 8}}},
        r"nn.Conv2d.channel_divisr: there is no such field. Did you mean 'channel_divisor'\?",
    ),
    "field under a glob": (
        {"config": {"nn.Conv2d": {"*": {"ratio": 8}}}},
        r"nn.Conv2d\['\*'\].ratio: there is no such field",
    ),
    "divisor of zero": (
        {"config": {"nn.Conv2d": {"*": {"channel_divisor": 0}}}},
        r"^nn.Conv2d\['\*'\].channel_divisor: must be at least 1 .*, got 0. Nearest: 1.$",
    ),
    "divisor of words": (
        {"config": {"nn.Conv2d": {"channel_divisor": "8"}}},
        "^nn.Conv2d.channel_divisor: expected an integer, got '8'. Nearest: 8.$",
    ),
    "ratio above one": (
        {"config": {"nn.Conv2d": {"channels_ratio": [0.5, 1.5]}}},
        r"^nn.Conv2d.channels_ratio\[1\]: must be .* at most 1, got 1.5. Nearest: 1.0.$",
    ),
    "rule that is none": ({"config": {"nn.Conv2d": 3}}, "^nn.Conv2d: expected a mapping.* got 3"),
    "config that is none": ({"config": 3}, "config must be a FastNASConfig, a mapping, .*got 3"),
    "config of another mode": ({"config": ModeConfig()}, "must be a FastNASConfig,.*ModeConfig"),
    "config without a file": ({"config": "no.toml"}, "^no.toml: can't be read: there is no such"),
    "wrong shape": ({"inputs": torch.zeros(2, 4, 8, 8)}, "raised RuntimeError in module '0'"),
    "too many inputs": ({"inputs": (images(), images())}, "too many positional arguments"),
    "unknown keyword": ({"inputs": {"image": images()}}, "missing a required argument"),
    "no tensor": ({"inputs": "hello"}, "for inputs 'hello'"),
    "score that raises": (
        {"score": lambda _: 1 / 0},
        "The first that failed raised ZeroDivisionError: division by zero, at the largest subnet",
    ),
    "score of nan": ({"score": lambda _: math.nan}, "largest subnet.*failed returned nan"),
    "score of minus infinity": (
        {"score": lambda _: -math.inf},
        "finite number.*failed returned -inf",
    ),
    "nan where it counts": (
        {"score": lambda m: math.nan if m[0].out_channels + m[3].out_channels < 40 else 1.0},
        "score must return a number for .*nan",
    ),
    "nothing to search": (
        {"config": {"nn.Conv2d": None}},
        "nothing to search. 0.out_channels: the configuration switches '0' off",
    ),
    "score of words": ({"score": lambda _: "good"}, "score must return a number.*got 'good'"),
    "score of none": ({"score": lambda _: None}, "score must return a number.*got None"),
    "score of truth": ({"score": lambda _: True}, "score must return a number.*got True, a bool"),
    "score of many": ({"score": lambda _: torch.ones(2)}, r"a number.*got Tensor of shape \(2,\)"),
    "score of infinity": ({"score": lambda _: math.inf}, "largest subnet.*failed returned inf"),
    "score that is no function": ({"score": 3}, "score must be a function of the model; got 3"),
    "no score": ({"score": None}, "pass score="),
    "used-up data": (
        {"score": None, "loss": lambda m, b: m(b), "data": iter(())},
        "at least one batch; it held none. If it is a generator, .* it may be used up",
    ),
    "data that is none": ({"score": None, "loss": len, "data": 3}, "an iterable of batches.*int"),
    "progress in no folder": ({"progress_file": "no/such/file"}, "there is no no/such"),
    "progress in a folder": ({"progress_file": "."}, "must be an ordinary file"),
    "no step": ({"steps": 0}, "steps must be an integer from 1 up, got 0"),
    "no training": ({"steps": 2, "finetune": 3}, "finetune must be a function"),
    "empty data": ({"score": None, "loss": lambda m, b: m(b), "data": []}, "at least one batch"),
    "score that breaks late": (
        {"score": Late(1, RuntimeError("out of memory"))},
        "a number for .*failed raised RuntimeError: out of memory, at [03].out_channels=",
    ),
    "score that ends the search": ({"score": Late(5, ScoreError("no disk"))}, "^no disk$"),
    "unknown setting": ({"search_config": {"progres": False}}, "Did you mean 'progress'"),
    "wrong setting": (
        {"search_config": {"progress": "no"}},
        "search_config.progress: .* got 'no'",
    ),
}


@pytest.mark.parametrize(("change", "message"), CASES.values(), ids=CASES)
def test_prune_refuses_and_leaves_the_model_alone(change, message):
    """
    The error is Espalier's, says what came, and not a bit of the model has changed.
    """
    model, x = small_cnn(), images()
    model[2].train()
    before = state_of(model)
    arguments = {
        "constraints": {"flops": "50%"},
        "inputs": x,
        "score": Faithful(model, x),
        "config": FINE,
    }
    with pytest.raises(EspalierError, match=message):
        espalier.prune(model, **(arguments | change))

    assert_unchanged(before, model)


def test_a_score_that_breaks_leaves_a_converted_model_as_it_was():
    """
    Configuration and order of the units are put back, bit for bit.
    """
    model, x = small_cnn(), images()
    espalier.convert(model, inputs=x, config=FINE)
    space = espalier.space(model)
    space.select({"0.out_channels": 8})
    before = state_of(model)
    late = Late(5, ScoreError("out of memory"))
    with pytest.raises(EspalierError, match="out of memory"):
        espalier.search(model, constraints={"flops": "50%"}, score=late)

    assert_unchanged(before, model)
    assert {"0.out_channels": 8, "3.out_channels": 24} == space.config()


def test_an_interrupt_leaves_the_model_alone_too():
    """
    Control-C during a search is passed on, after everything is put back.
    """

    def interrupted(model):
        model.train()
        raise KeyboardInterrupt

    model, x = small_cnn(), images()
    before = state_of(model)
    with pytest.raises(KeyboardInterrupt):
        espalier.prune(
            model, constraints={"flops": "50%"}, inputs=x, score=interrupted, config=FINE
        )

    assert_unchanged(before, model)


class TestMeta:
    def test_it_converts_and_profiles_without_data(self):
        """
        Shapes are all that is needed.
        """
        with torch.device("meta"):
            model = nn.Sequential(nn.Linear(8, 4096), nn.ReLU(), nn.Linear(4096, 4))
        espalier.convert(model, inputs=torch.empty(2, 8, device="meta"))
        espalier.space(model).select({"0.out_features": 2048})

        assert 2 * 2048 * (8 + 4) == espalier.profile(model, torch.zeros(2, 8)).flops
        assert 2048 * (8 + 1 + 4) + 4 == espalier.profile(model, torch.zeros(2, 8)).params

    def test_it_says_that_it_cannot_be_scored(self):
        """
        The message says what is missing and what to do.
        """
        with torch.device("meta"):
            model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 4))
        before = state_of(model)
        with pytest.raises(EspalierError, match=r"meta device.*Load its weights first"):
            espalier.prune(
                model, constraints={"flops": "60%"}, inputs=torch.zeros(2, 8), score=lambda _: 0.0
            )

        assert_unchanged(before, model)


def test_converting_twice_is_refused():
    """
    A converted model must be exported before it is converted again.
    """
    model = small_cnn()
    espalier.convert(model, inputs=images(), config=FINE)
    before = state_of(model)
    with pytest.raises(EspalierError, match="converted already"):
        espalier.convert(model, inputs=images())

    assert_unchanged(before, model)
    assert 2 == len(espalier.space(model))


def test_a_lazy_model_must_be_called_first():
    """
    Sizes that are not known yet can't be searched; the message says what to do.
    """
    model = nn.Sequential(nn.LazyLinear(8), nn.Linear(8, 2))
    with pytest.raises(EspalierError, match=r"0.weight, 0.bias is lazy. Call the model once"):
        espalier.convert(model, inputs=torch.zeros(1, 4))


class Calls(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
        self.first = nn.Linear(4, 8)
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        return self.body(self, x)


def raises(model, x):
    raise KeyError("no such table")


def replaces(model, x):
    model.last = nn.Linear(8, 2)
    return model.last(model.first(x))


WRONG = {
    "a forward that raises": (
        raises,
        torch.zeros(1, 4),
        r"raised KeyError in the model itself \(.*test_bad_input.py:\d+ in raises\)",
    ),
    "a module that raises": (
        lambda m, x: m.last(m.first(x)[:, 1:]),
        torch.zeros(1, 4),
        r"raised RuntimeError in module 'last' \(.*test_bad_input.py:\d+ in",
    ),
    "tensors on two devices": (
        lambda m, x: m.last(m.first(x.to("meta"))),
        torch.zeros(1, 4),
        "in module 'first'.*at least two devices",
    ),
    "a forward that replaces modules": (replaces, torch.zeros(1, 4), "replaced its module 'last'"),
    "values of a tensor on meta": (
        lambda m, x: m.last(m.first(x)) * x.sum().item(),
        torch.zeros(1, 4, device="meta"),
        r"the model itself \(.*test_bad_input.py:\d+ in .*must run once with data",
    ),
    "an object that is no tensor": (lambda m, x: m.first(x), object(), "in module 'first'"),
}


@pytest.mark.parametrize(("body", "inputs", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("function", [espalier.convert, espalier.explain, espalier.profile])
def test_a_model_that_does_not_run_is_an_error_that_says_where(function, body, inputs, message):
    """
    It names the module and, where it is the user's own, the line; the model is as before.
    """
    model = Calls(body)
    before = state_of(model)
    with pytest.raises(EspalierError, match=message):
        function(model, inputs=inputs)

    assert_unchanged(before, model)


library = torch.library.Library("espalier_bad_input", "DEF")
library.define("mix(Tensor x) -> Tensor")
library.impl("mix", lambda x: x.flip(-1), "CompositeExplicitAutograd")


def test_an_operator_nobody_knows_freezes_what_it_touches_with_its_name():
    """
    It is reported once, and the rest of the model can change.
    """
    model = nn.Sequential(
        Calls(lambda m, x: m.last(torch.ops.espalier_bad_input.mix(m.first(x)))),
        nn.Linear(2, 16),
        nn.Linear(16, 2),
    )
    found = espalier.explain(model, torch.zeros(1, 4))
    reasons = {size.name: size.reasons for size in found.frozen}

    assert ["espalier_bad_input::mix"] == list(found.unknown_operators)
    assert "espalier_bad_input::mix has no rule" in str(reasons["0.first.out_features"])
    assert "1.out_features" in [size.name for size in found.hparams]


def test_a_model_without_parameters_has_nothing_to_search():
    """
    It can be explained and profiled, and a search says that there is nothing.
    """
    model, x = nn.Sequential(nn.ReLU(), nn.Flatten()), torch.zeros(1, 4)

    assert () == espalier.explain(model, x).hparams
    assert 0 == espalier.profile(model, x).params
    with pytest.raises(EspalierError, match="nothing to search"):
        espalier.prune(model, constraints={"flops": "50%"}, inputs=x, score=lambda _: 0.0)


def test_exporting_a_plain_model_is_refused():
    """
    The message says what to call first.
    """
    with pytest.raises(EspalierError, match="must be converted first"):
        espalier.export(small_cnn())


def state_of(model):
    tensors = {
        name: (tensor, tensor.clone()) for name, tensor in model.state_dict(keep_vars=True).items()
    }
    looks = {
        path: (
            type(module),
            {k: v for k, v in vars(module).items() if _plain(v)},
            set(vars(module)),
        )
        for path, module in model.named_modules()
    }
    return tensors, looks


def assert_unchanged(before, model):
    tensors, looks = state_of(model)
    assert before[1] == looks
    assert list(before[0]) == list(tensors)
    for name, (tensor, value) in before[0].items():
        assert tensor is tensors[name][0]
        assert tensor.is_meta or torch.equal(value, tensors[name][1])


def _plain(value):
    return value is None or isinstance(value, (bool, int, float, str, tuple))

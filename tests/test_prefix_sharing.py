"""Passes that share what they compute alike give what they give without, bit for bit."""

import copy
import io
import itertools
import os
import pickle
import time

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn
from torch.nn import functional as F

import espalier
from espalier.searching.sharing import SharedPrefixes
from espalier.spaces import supernet_of
from espalier_demo.network import ResNet20
from tests.models import small_cnn
from tests.networks import NETWORKS
from tests.properties import prepared
from tests.random_networks import networks
from tests.shared_scores import check_sharing, converted, same, scan, scores_of


COARSE = {
    "nn.Conv2d": {"channel_divisor": 8},
    "nn.Linear": {"feature_divisor": 8},
}


def batches(*shape, count=3, seed=0):
    """Return a few batches."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator) for _ in range(count)]


def outputs(data, context=torch.no_grad):
    """Return a score that is everything that the model returns."""

    def score(model):
        with context():
            return [model(batch) for batch in data]

    return score


class Body(nn.Module):
    """Convolutions, one after the other, with *between* after each."""

    def __init__(self, between=nn.ReLU, depth=4, width=16):
        super().__init__()
        widths = [3] + [width] * depth
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.betweens = nn.ModuleList(between() for _ in range(depth))
        self.head = nn.Linear(width, 8)

    def forward(self, x):
        for conv, between in zip(self.convs, self.betweens, strict=True):
            x = between(conv(x))
        return self.head(x.mean((2, 3)))


def body(between=nn.ReLU, **kwargs):
    """Return a converted body, in evaluation mode, and batches for it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Body(between, **kwargs).eval()
    return converted(model, torch.zeros(1, 3, 8, 8), COARSE), batches(4, 3, 8, 8)


class TestRandomNetworks:
    @settings(
        max_examples=40,
        derandomize=not int(os.environ.get("ESPALIER_FUZZ", "0")),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(networks())
    def test_scores_are_the_same(self, network):
        """
        Whatever a network is put together of, every output of every subnet has the same bits.
        """
        model = prepared(network)
        converted(model, network.example())
        check_sharing(model, outputs([network.example()] * 2))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_every_shape(name):
    """
    So do the hand-picked ones.
    """
    make, shape = NETWORKS[name]
    torch.manual_seed(0)
    model = converted(make().eval(), torch.zeros(shape))
    data = batches(*shape)

    check_sharing(model, outputs([*data, data[0].clone()]))


class Noisy(nn.Module):
    """Adds noise in evaluation, too."""

    def forward(self, x):
        return x + torch.randn(x.shape[1:])


class Counting(nn.Module):
    """Counts its calls in a buffer, and multiplies by the count."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x):
        self.count += 1
        return x * self.count


class Remembering(nn.Module):
    """Keeps what it got last as an attribute."""

    def forward(self, x):
        self.last = x
        return x.relu()


class Clock(nn.Module):
    """Multiplies by the time."""

    def forward(self, x):
        return x * time.perf_counter()


FACTOR = [1.0]


class Listening(nn.Module):
    """Multiplies by a global that anybody may change."""

    def forward(self, x):
        return x * FACTOR[0]


class Listing(nn.Module):
    """Appends to a list of its own."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(len(self.seen))
        return x * len(self.seen)


class Overwriting(nn.Module):
    """Writes to what it gets."""

    def forward(self, x):
        x.clamp_(max=1)
        return x * 2


class Twins(nn.Module):
    """Returns a dict of a tuple, with two equal tensors and numbers."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        y = self.inner(x)
        return {"both": (y, y.clone()), "size": y.shape[0], "none": None}


class Twice(nn.Module):
    """Calls one convolution twice, and writes to the result of one call."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.twins = Twins()
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Conv2d(16, 4, 1)

    def forward(self, x):
        a, b = self.first(x), self.first(x)
        a.mul_(2)
        c, d = self.twins(x)["both"]
        c.zero_()
        y = self.second(self.second(a) + b)
        return self.head(torch.cat([y, F.pad(c + d, (1, 1, 1, 1))], 1))


@pytest.mark.parametrize(
    "between",
    [
        nn.ReLU,
        lambda: nn.ReLU(inplace=True),
        nn.Dropout,
        lambda: nn.BatchNorm2d(16),
        lambda: nn.GroupNorm(4, 16),
        nn.Identity,
        Noisy,
        Counting,
        Remembering,
        Listening,
        Listing,
        Overwriting,
    ],
)
def test_modules_of_every_kind(between):
    """
    What writes in place, draws, counts, keeps or looks elsewhere is run as often as without.
    """
    model, data = body(between)

    def score(network):
        FACTOR[0] = sum(supernet_of(network).space.config().values())
        return outputs(data)(network)

    assert check_sharing(model, score).answered


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        (Clock, "reads time"),
        (Listening, "reads FACTOR"),
        (Remembering, "sets an attribute"),
        (Noisy, "draws random numbers"),
        (Listing, "changes more than"),
        (Overwriting, "writes to a tensor from elsewhere"),
    ],
)
def test_a_container_of_what_must_run(inner, why):
    """
    A container is run if anything in it does more than compute; the reason is told.
    """
    layers = nn.Sequential(inner(), nn.Conv2d(3, 16, 3)), nn.Conv2d(16, 16, 3)
    model = nn.Sequential(*layers, nn.Conv2d(16, 4, 3)).eval()
    converted(model, torch.zeros(1, 3, 8, 8), COARSE)
    shared = SharedPrefixes(model, supernet_of(model))
    scores_of(model, outputs(batches(2, 3, 8, 8)), shared)

    assert why in shared.refused["0"]


def test_results_that_are_written_to():
    """
    Two equal results of one call, and those of two equal calls, are apart.
    """
    torch.manual_seed(0)
    model = converted(Twice().eval(), torch.zeros(1, 3, 8, 8), COARSE)

    assert check_sharing(model, outputs(batches(2, 3, 8, 8))).answered


def test_a_transformer():
    """
    Layers of torch's own transformer are answered as a whole, on both of its paths.
    """
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    model = nn.TransformerEncoder(layer, 3).eval()
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    converted(model, torch.zeros(2, 5, 16))
    for context in (torch.no_grad, torch.inference_mode):
        assert check_sharing(model, outputs(batches(2, 5, 16), context)).answered


class Recurrent(nn.Module):
    """Two recurrent layers, of which the first gives its state to the second."""

    def __init__(self):
        super().__init__()
        self.first = nn.LSTM(6, 8, batch_first=True)
        self.second = nn.LSTM(8, 8, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x, state = self.first(x)
        x, _ = self.second(x, state)
        return self.head(x)


def test_recurrent_layers():
    """
    Results in nested tuples are put together again.
    """
    torch.manual_seed(0)
    model = converted(Recurrent().eval(), torch.zeros(2, 5, 6))
    check_sharing(model, outputs(batches(2, 5, 6)))


def test_a_hugging_face_model():
    """
    Dict inputs and output classes change nothing, and linear layers are answered.
    """
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=32,
        intermediate_size=64,
        num_attention_heads=2,
        num_hidden_layers=3,
        vocab_size=50,
    )
    model = transformers.BertModel(config).eval()
    words = torch.randint(50, (2, 6), generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": words, "attention_mask": torch.ones_like(words)}
    converted(model, inputs, {"nn.Linear": {"feature_divisor": 16}})

    @torch.no_grad()
    def score(network):
        return [network(**{k: v.clone() for k, v in inputs.items()}).last_hidden_state]

    assert check_sharing(model, score).answered


class TestScores:
    """Scores that do more than run the model."""

    def test_inference_mode(self):
        """
        What counts no writes is shared, too, and in-place writes to it harm nobody.
        """
        model, data = body(lambda: nn.ReLU(inplace=True))

        assert check_sharing(model, outputs(data, torch.inference_mode)).answered

    def test_gradients(self):
        """
        Nothing is answered from memory where somebody may want gradients.
        """
        model, data = body()

        def score(network):
            network.zero_grad()
            result = [network(batch) for batch in data]
            sum(r.sum() for r in result).backward()
            return [*result, *[p.grad for p in network.parameters()]]

        assert 0 == check_sharing(model, score).answered

    @pytest.mark.parametrize("cache", [True, False])
    def test_autocast(self, cache):
        """
        Under autocast, and with both precisions in one score, all bits are the same.
        """
        model, data = body()

        @torch.no_grad()
        def score(network):
            with torch.autocast("cpu", torch.bfloat16, cache_enabled=cache):
                low = [network(batch).float() for batch in data]
            return low + [network(batch) for batch in data]

        assert check_sharing(model, score).answered

    @pytest.mark.parametrize("momentum", [0.1, None])
    def test_statistics_are_estimated_again(self, momentum):
        """
        Passes in training mode leave the statistics that they leave without sharing.
        """
        model, data = body(lambda: nn.BatchNorm2d(16, momentum=momentum))

        @torch.no_grad()
        def score(network):
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.reset_running_stats()
                    module.train()
            for batch in data:
                network(batch)
            network.eval()
            return [[network(batch) for batch in data], copy.deepcopy(network.state_dict())]

        assert check_sharing(model, score).answered > 40

    def test_dropout_in_training(self):
        """
        Modules that draw draw the same numbers from the generator.
        """
        model, data = body(nn.Dropout)

        @torch.no_grad()
        def score(network):
            torch.manual_seed(3)
            network.train()
            result = [network(batch) for batch in data]
            network.eval()
            return [*result, torch.rand(())]

        check_sharing(model, score)

    @pytest.mark.parametrize("how", ["data", "copy", "new", "load", "swap"])
    def test_weights_are_changed(self, how):
        """
        Weights that the score changes, whichever way, are those that it sees.
        """
        model, data = body()
        calls = itertools.count()

        @torch.no_grad()
        def score(network):
            weight = network.convs[0]._parameters["weight"]
            before, noise = weight.detach().clone(), 1 + next(calls) % 40
            first = [network(batch) for batch in data]
            if how == "data":
                weight.data.mul_(noise)
            elif how == "copy":
                weight.copy_(weight * noise)
            elif how == "new":
                weight.data = weight.data * noise
            elif how == "load":
                network.load_state_dict({k: v * noise for k, v in network.state_dict().items()})
            elif how == "swap":
                del network.convs[0]._parameters["weight"]
                network.convs[0]._parameters["weight"] = nn.Parameter(weight * noise)
            second = [network(batch) for batch in data]
            if how == "load":
                network.load_state_dict({k: v / noise for k, v in network.state_dict().items()})
            else:
                network.convs[0]._parameters["weight"] = weight
                weight.data.copy_(before)
            return first, second

        plain = copy.deepcopy(model)
        expected = scores_of(plain, score)
        calls = itertools.count()
        shared = SharedPrefixes(model, supernet_of(model))

        assert same(expected, scores_of(model, score, shared))

    @pytest.mark.parametrize("how", ["data", "numpy"])
    def test_weights_change_between_scores(self, how):
        """
        What is written to them unseen is noticed when the next score begins.
        """
        model, data = body()
        shared = SharedPrefixes(model, supernet_of(model))
        found = []
        for factor in (1, 2, 2, 1):
            for path in ("convs.0", "convs.1"):
                weight = model.get_submodule(path)._parameters["weight"].data
                if how == "numpy":
                    weight.numpy()[:] *= factor
                else:
                    weight.mul_(factor)
            with shared:
                found.append(outputs(data)(model))
        expected = outputs(data)(model)

        assert same(expected, found[-1])
        assert same(found[-1], found[-2])
        assert not same(found[0], found[1])
        assert not same(found[1], found[2])

    def test_results_are_changed_through_numpy(self):
        """
        Whatever is done to the memory of a result, later scores do not see it.
        """
        model, data = body()

        @torch.no_grad()
        def score(network):
            middle = network.convs[0](data[0])
            found = middle.clone()
            middle.numpy()[:] = 0
            return found, network(data[0])

        assert check_sharing(model, score).answered

    def test_batches_are_changed(self):
        """
        A batch with other contents is another batch, also in the same memory.
        """
        model, data = body()
        batch, calls = data[0].clone(), itertools.count()

        @torch.no_grad()
        def score(network):
            number = next(calls) % 9
            batch.numpy()[:] = data[number % 3].numpy()
            batch[0, 0, 0, 0] = -0.0 if number % 2 else 0.0
            return network(batch), network(-batch)

        plain = copy.deepcopy(model)
        expected = scores_of(plain, score)
        calls = itertools.count()
        shared = SharedPrefixes(model, supernet_of(model))

        assert same(expected, scores_of(model, score, shared))
        assert shared.answered

    def test_the_score_selects_sizes_itself(self):
        """
        A module is what its hparams say at the moment, whatever they said as the score began.
        """
        model, data = body()

        @torch.no_grad()
        def score(network):
            space = supernet_of(network).space
            config, found = space.config(), []
            for chosen in (config, space.min(), config, space.max()):
                space.select(chosen)
                found.append(network(data[0]))
            space.select(config)
            return found

        assert check_sharing(model, score).answered

    @pytest.mark.parametrize("place", ["module", "global", "pre"])
    def test_hooks_are_called(self, place):
        """
        Whoever looks on at a module sees every call.
        """
        model, data = body()

        @torch.no_grad()
        def score(network):
            seen = []

            def hook(module, *_):
                seen.append(type(module).__name__)

            if place == "global":
                handle = nn.modules.module.register_module_forward_hook(hook)
            elif place == "pre":
                handle = network.convs[0].register_forward_pre_hook(hook)
            else:
                handle = network.convs[0].register_forward_hook(hook)
            first = network(data[0])
            handle.remove()
            return first, network(data[0]), seen

        assert check_sharing(model, score).answered

    def test_the_model_is_copied_and_saved(self):
        """
        Copies and files hold the model and nothing of this.
        """
        model, data = body()

        @torch.no_grad()
        def score(network):
            file = io.BytesIO()
            torch.save(network, file)
            file.seek(0)
            copies = [
                copy.deepcopy(network),
                pickle.loads(pickle.dumps(network)),
                torch.load(file, weights_only=False),
                copy.copy(network),
            ]
            assert not any(
                "_compiled_call_impl" in vars(module) and made is not copies[-1]
                for made in copies
                for module in made.modules()
            )
            return [made(data[0]) for made in copies], network(data[0])

        assert check_sharing(model, score).answered

    def test_the_model_is_traced_and_transformed(self):
        """
        What torch makes of a model holds all of its operators.
        """
        model, data = body()

        @torch.no_grad()
        def score(network):
            plain = network(data[0])
            weights = {name: p * 2 for name, p in network.named_parameters()}
            double = torch.func.functional_call(network, weights, (data[0],))
            mapped = torch.func.vmap(network)(torch.stack([data[0], data[1]]))
            counted = torch.utils.flop_counter.FlopCounterMode(display=False)
            with counted:
                network(data[0])
            return plain, double, mapped, counted.get_total_flops()

        assert check_sharing(model, score).answered

    def test_the_model_is_compiled(self):
        """
        The score may compile the model.
        """
        model, data = body(depth=3)

        @torch.no_grad()
        def score(network):
            torch.compiler.reset()
            seen = []

            def backend(graph, _):
                seen.append(sum(node.op == "call_function" for node in graph.graph.nodes))
                return graph

            made = torch.compile(network, backend=backend)
            return made(data[0]), network(data[0]), seen

        assert check_sharing(model, score, most=1).answered


class TestBounds:
    def test_little_memory(self):
        """
        Whatever the bound, it is kept, and the scores are the same.
        """
        model, data = body()
        answered = [
            check_sharing(model, outputs(data), max_bytes=bound).answered
            for bound in (1, 40_000, 120_000, 1 << 30)
        ]

        assert sorted(answered) == answered
        assert 0 == answered[0] < answered[1] < answered[2] < answered[3]

    def test_closing_frees_everything(self):
        """
        After the search no memory is taken, and nothing is shared.
        """
        model, data = body()
        shared = SharedPrefixes(model, supernet_of(model))
        scores_of(model, outputs(data), shared)
        answered, taken = shared.answered, shared.bytes
        shared.close()
        scores_of(model, outputs(data), shared)

        assert taken > 0
        assert (0, answered) == (shared.bytes, shared.answered)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
    def test_an_interrupt_leaves_nothing(self, error):
        """
        Whenever a score is left, the modules are as they were, and later scores are right.
        """
        model, data = body()
        shared = SharedPrefixes(model, supernet_of(model))
        before = {path: list(vars(m)) for path, m in model.named_modules()}
        for calls in range(1, 12):
            countdown = itertools.count()

            def stop(module, args, *, most=calls, seen=countdown):
                if next(seen) == most:
                    raise error

            handle = model.betweens[calls % 4].register_forward_pre_hook(stop)
            with pytest.raises(error), shared:
                outputs(data * 10)(model)
            handle.remove()
            assert before == {path: list(vars(m)) for path, m in model.named_modules()}
            assert 0 == torch._C._len_torch_dispatch_stack()
        with shared:
            found = outputs(data)(model)

        assert same(outputs(data)(model), found)

    def test_half_of_the_operators_are_run(self):
        """
        Of a chain of equal layers about half is run where one after the other is searched.
        """
        model, data = body(depth=10)
        run = {}
        for name in ("plain", "shared"):
            shared = SharedPrefixes(model, supernet_of(model), enabled=name == "shared")
            with torch.profiler.profile() as seen:
                scores_of(model, outputs(data), shared)
            run[name] = {e.key: e.count for e in seen.key_averages()}["aten::mkldnn_convolution"]
        configs = len(list(scan(supernet_of(model).space)))

        assert 10 * 3 * configs == run["plain"]
        assert 0.4 < run["shared"] / run["plain"] < 0.65


class TestSearch:
    def search(self, *, share, network=small_cnn, shape=(8, 3, 8, 8)):
        """Prune by how little the outputs change; return the weights, the result and the calls."""
        torch.manual_seed(0)
        model, data = network().eval(), batches(*shape)
        converted(model, torch.zeros(1, *shape[1:]), COARSE)
        with torch.no_grad():
            expected = [model(batch) for batch in data]

        @torch.no_grad()
        def score(network):
            return -sum(
                float((network(x) - y).square().mean())
                for x, y in zip(data, expected, strict=True)
            )

        result = espalier.search(
            model,
            constraints={"flops": "60%"},
            score=score,
            config={"progress": False, "share_prefixes": share},
        )
        return model.state_dict(), result

    @pytest.mark.parametrize(
        ("network", "shape"), [(small_cnn, (8, 3, 8, 8)), (ResNet20, (8, 1, 8, 8))]
    )
    def test_a_search_finds_the_same(self, network, shape):
        """
        Every score of a search, its result and the model after it have the same bits.
        """
        weights, expected = self.search(share=False, network=network, shape=shape)
        shared_weights, found = self.search(share=True, network=network, shape=shape)

        assert expected == found
        assert same(dict(weights), dict(shared_weights))

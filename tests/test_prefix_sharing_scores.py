"""Scores that do more than run the model see nothing of what is shared."""

import copy
import io
import itertools
import pickle

import pytest
import torch
from torch import nn

from espalier.searching.sharing import SharedPrefixes
from espalier.spaces import supernet_of
from tests.shared_scores import check_sharing, same, scores_of
from tests.sharing_networks import (
    body,
    outputs,
)


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
        model, data = body(depth=2)

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

"""How much is shared in a search, and what is left of it."""

import itertools

import pytest
import torch

import espalier
from espalier.searching.sharing import SharedPrefixes
from espalier.spaces import supernet_of
from espalier_demo.network import ResNet20
from tests.models import small_cnn
from tests.shared_scores import check_sharing, converted, same, scan, scores_of
from tests.sharing_networks import COARSE, batches, body, outputs


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
        model, data = body(depth=6)
        run = {}
        for name in ("plain", "shared"):
            shared = SharedPrefixes(model, supernet_of(model), enabled=name == "shared")
            with torch.profiler.profile() as seen:
                scores_of(model, outputs(data), shared)
            run[name] = {e.key: e.count for e in seen.key_averages()}["aten::mkldnn_convolution"]
        configs = len(list(scan(supernet_of(model).space)))

        assert 6 * 3 * configs == run["plain"]
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
        ("network", "shape"), [(small_cnn, (8, 3, 8, 8)), (ResNet20, (2, 1, 8, 8))]
    )
    def test_a_search_finds_the_same(self, network, shape):
        """
        Every score of a search, its result and the model after it have the same bits.
        """
        weights, expected = self.search(share=False, network=network, shape=shape)
        shared_weights, found = self.search(share=True, network=network, shape=shape)

        assert expected == found
        assert same(dict(weights), dict(shared_weights))

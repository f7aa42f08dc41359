"""Models are copied, pickled and moved as any other, before and after they are exported."""

import copy
import io
import pickle
import random

import pytest
import torch
from torch import nn

import espalier
from espalier.hparams import leaves
from espalier.spaces.supernet import supernet_of
from tests.models import FINE, Faithful, images, small_cnn


def converted(model=None):
    return espalier.convert(model or small_cnn(), inputs=images(), config=FINE)


def exported(seed=0):
    model = converted()
    space = espalier.space(model)
    space.select(space.sample(random.Random(seed)))
    return espalier.export(model)


class TestTorchSave:
    def test_an_exported_model_as_a_whole(self, tmp_path):
        """
        Nothing of Espalier is in it, so it is loaded where Espalier is not installed.
        """
        model, x = exported(), images()
        torch.save(model, tmp_path / "net.pt")

        assert b"espalier" not in (tmp_path / "net.pt").read_bytes()
        assert torch.equal(model(x), torch.load(tmp_path / "net.pt", weights_only=False)(x))
        assert torch.equal(model(x), pickle.loads(pickle.dumps(model))(x))

    def test_its_state_dict_with_weights_only(self, tmp_path):
        """
        It is loaded into a model of the small sizes.
        """
        model, x = exported(), images()
        torch.save(model.state_dict(), tmp_path / "state.pt")
        other = copy.deepcopy(model)
        nn.init.zeros_(other[0].weight)
        other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))

        assert torch.equal(model(x), other(x))

    def test_what_it_stores_is_no_larger_than_the_model(self):
        """
        No tensor drags the storage of the unpruned model along.
        """
        model, buffer = exported(), io.BytesIO()
        torch.save(model.state_dict(), buffer)
        needed = sum(tensor.nbytes for tensor in model.state_dict().values())

        assert needed < len(buffer.getvalue()) < needed + 12_000

    def test_a_converted_model_as_a_whole(self, tmp_path):
        """
        Those who trust the file get a supernet that can be searched and exported.
        """
        model, x = converted(), images()
        espalier.space(model).select({"0.out_channels": 6})
        torch.save(model, tmp_path / "net.pt")
        loaded = torch.load(tmp_path / "net.pt", weights_only=False)

        assert torch.equal(model(x), loaded(x))
        assert torch.equal(espalier.export(model)(x), espalier.export(loaded)(x))


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(8, 64)
        self.outer = nn.Linear(64, 64)
        self.again = nn.Linear(64, 64)
        self.again.weight = self.outer.weight
        self.head = nn.Linear(64, 4)

    def forward(self, x):
        return self.head(self.again(self.outer(self.inner(x))))


class TestDeepcopy:
    def test_selecting_in_a_copy_leaves_the_original_alone(self):
        """
        And the other way round: neither sees the other's choices.
        """
        model, x = converted(), images()
        copied, before = copy.deepcopy(model), model(images())
        espalier.space(copied).select(espalier.space(copied).min())

        assert torch.equal(before, model(x))
        assert espalier.space(model).max() == espalier.space(model).config()
        smallest = copied(x)
        espalier.space(model).select({"0.out_channels": 4})
        assert torch.equal(smallest, copied(x))
        assert not torch.equal(before, model(x))

    def test_the_hparams_of_a_copy_tell_the_modules_of_the_copy(self):
        """
        What is told of a change is found by it alone.
        """
        model = converted()
        copied = copy.deepcopy(model)
        own = {id(hparam) for hparam in espalier.space(model).values()}

        for module in copied.modules():
            for term in getattr(module, "hparams", {}).values():
                assert not own & {id(leaf) for leaf in leaves(term)}
        for mine, other in zip(
            espalier.space(model).values(), espalier.space(copied).values(), strict=True
        ):
            assert len(mine._dependents) == len(other._dependents)
            assert not {id(d) for d in mine._dependents} & {id(d) for d in other._dependents}

    def test_a_copy_is_trained_and_exported_on_its_own(self):
        """
        Not a bit of the original changes, and the importances of each read its own weights.
        """
        model, x = converted(), images()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        copied = copy.deepcopy(model)
        espalier.space(copied).select({"0.out_channels": 8})
        optimiser = torch.optim.SGD(copied.parameters(), lr=0.5)
        copied.train()(x).square().mean().backward()
        optimiser.step()
        importances = [espalier.space(m)["0.out_channels"].importance for m in (model, copied)]
        espalier.export(copied.eval())

        assert not torch.equal(*importances)
        assert all(torch.equal(before[n], value) for n, value in model.state_dict().items())
        assert all(p.grad is None for p in model.parameters())
        assert 16 == model[0].weight.shape[0]
        assert 8 == copied[0].weight.shape[0]
        espalier.search(model, constraints={"flops": "60%"}, score=Faithful(model, x))
        assert espalier.export(model)(x).shape == copied(x).shape

    def test_the_original_can_be_exported_first(self):
        """
        The copy goes on, is searched and exported.
        """
        model, x = converted(), images()
        copied = copy.deepcopy(model)
        espalier.space(model).select(espalier.space(model).min())
        espalier.export(model)

        assert torch.equal(small_cnn()(x), copied(x))
        espalier.search(copied, constraints={"flops": "60%"}, score=Faithful(copied, x))
        assert espalier.export(copied)[0].out_channels > model[0].out_channels

    @pytest.mark.parametrize("first", [True, False], ids=["copied", "copied, exported"])
    def test_shared_weights_stay_shared(self, first):
        """
        In the copy they are one tensor, and not that of the original.
        """
        torch.manual_seed(0)
        model, x = Tied().eval(), torch.randn(2, 8)
        espalier.convert(model, inputs=x)
        copied = copy.deepcopy(model)
        if not first:
            espalier.space(copied).select(espalier.space(copied).min())
            espalier.export(copied)

        assert copied.outer._parameters["weight"] is copied.again._parameters["weight"]
        assert copied.outer._parameters["weight"] is not model.outer._parameters["weight"]

    def test_a_copy_of_a_copy_of_a_searched_model(self, tmp_path):
        """
        It is saved and restored like the first.
        """
        model, x = converted(), images()
        espalier.search(model, constraints={"flops": "50%"}, score=Faithful(model, x))
        copied = copy.deepcopy(copy.deepcopy(model))
        espalier.save(copied, tmp_path / "net")

        assert torch.equal(model(x), espalier.restore(small_cnn(seed=9), tmp_path / "net")(x))


MOVES = {
    "double": lambda m: m.double(),
    "bfloat16": lambda m: m.bfloat16(),
    "half": lambda m: m.half(),
    "to a dtype": lambda m: m.to(torch.float64),
    "there and back": lambda m: m.double().float(),
    "to the cpu": lambda m: m.cpu(),
    "channels last": lambda m: m.to(memory_format=torch.channels_last),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
class TestMoves:
    def test_it_is_searched_exported_saved_and_restored(self, move, tmp_path):
        """
        A supernet that was moved goes through everything that follows.
        """
        model = move(converted())
        x = images().to(model[0].weight.dtype)
        espalier.search(model, constraints={"flops": "60%"}, score=Faithful(model, x))
        espalier.save(model, tmp_path / "searched")
        expected = model(x)
        fresh = espalier.restore(small_cnn(seed=9), tmp_path / "searched")

        assert torch.equal(expected, fresh(x))
        assert fresh[0].weight.dtype == model[0].weight.dtype
        assert fresh[0].weight.stride() == model[0].weight.stride()
        espalier.export(fresh)
        espalier.export(model)
        assert torch.equal(model(x), fresh(x))
        torch.testing.assert_close(expected, model(x))
        espalier.save(model, tmp_path / "exported")
        again = espalier.restore(small_cnn(seed=9), tmp_path / "exported")
        assert torch.equal(model(x), again(x))

    def test_importances_are_of_the_moved_weights(self, move):
        """
        They follow the parameters, whose objects a move may replace.
        """
        model = move(converted())
        space = espalier.space(model)
        before = space["0.out_channels"].importance
        with torch.no_grad():
            model._modules["0"]._parameters["weight"][5] *= 100
        after = space["0.out_channels"].importance

        assert 5 == int(after.argmax())
        assert not torch.equal(before, after)


def test_a_chain_with_moves_between_is_restored(tmp_path):
    """
    The fresh model has the first dtype, and every step of the chain the one of its time.
    """
    model = exported().double()
    espalier.convert(model, inputs=images().double(), config=FINE)
    espalier.space(model).select({"0.out_channels": espalier.space(model)["0.out_channels"].min})
    espalier.save(model, tmp_path / "net")
    fresh = espalier.restore(small_cnn(seed=9), tmp_path / "net")

    assert torch.equal(model(images().double()), fresh(images().double()))
    assert torch.equal(
        espalier.export(model)(images().double()), espalier.export(fresh)(images().double())
    )


def test_a_supernet_without_data_is_selected_and_profiled():
    """
    On ``meta`` everything works but what needs values, and each of those says so.
    """
    model = converted().to("meta")
    espalier.space(model).select({"0.out_channels": 6})

    assert (4, 10) == model(images().to("meta")).shape
    assert espalier.space(model)["0.out_channels"].importance is None
    small = espalier.profile(model, images()).params
    with pytest.raises(espalier.EspalierError, match="meta device: it has no data to save"):
        espalier.save(model, "/nowhere")
    espalier.export(model)
    assert small == sum(parameter.numel() for parameter in model.parameters())
    assert all(parameter.is_meta for parameter in model.parameters())


def test_a_supernet_gets_data_again():
    """
    From ``meta`` back with ``to_empty``, its importances are of the new weights.
    """
    model, x = converted(), images()
    state, expected = copy.deepcopy(model.state_dict()), model(x)
    model.to("meta").to_empty(device="cpu").load_state_dict(state)

    assert torch.equal(expected, model(x))
    assert espalier.space(model)["0.out_channels"].importance is not None
    espalier.search(model, constraints={"flops": "60%"}, score=Faithful(model, x))
    espalier.export(model)


def test_a_moved_supernet_keeps_its_record():
    """
    Nothing of it is lost or copied by a move.
    """
    model = converted()
    record = supernet_of(model)

    assert record is supernet_of(model.double())

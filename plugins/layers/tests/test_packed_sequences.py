"""Sequences of several lengths, packed for a recurrent layer."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

import espalier
from espalier.errors import StateError


FINE = {
    f"nn.{name}": {"feature_divisor": 1} for name in ("Embedding", "Linear", "LSTM", "GRU", "RNN")
}


class Packing(nn.Module):
    """Words of sentences of several lengths, a recurrent layer, and a class for each word."""

    def __init__(self, layer):
        super().__init__()
        torch.manual_seed(0)
        self.words = nn.Embedding(20, 6)
        self.recurrent = layer(6, 8, num_layers=2, bidirectional=True)
        self.head = nn.Linear(16, 5)

    def forward(self, index, lengths):
        packed = pack_padded_sequence(self.words(index), lengths, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.recurrent(packed)[0])
        return self.head(states)


@pytest.mark.parametrize("layer", [nn.RNN, nn.GRU, nn.LSTM])
def test_sentences_of_several_lengths_are_packed(layer):
    """
    Only the lengths' values tell what is packed; every width can change all the same.
    """
    index = torch.randint(20, (7, 3), generator=torch.Generator().manual_seed(1))
    inputs, model = (index, torch.tensor([4, 7, 2])), Packing(layer)
    expected = model(*inputs)
    espalier.convert(model, inputs=inputs, config=FINE)

    assert ["words.embedding_dim", "recurrent.hidden_size"] == list(espalier.space(model))
    for hparam in espalier.space(model).values():
        hparam.enforce_order(torch.arange(hparam.units).flip(0))
    torch.testing.assert_close(model(*inputs), expected)
    espalier.space(model).select({"words.embedding_dim": 4, "recurrent.hidden_size": 3})
    expected = model(*inputs)
    espalier.export(model)
    torch.testing.assert_close(model(*inputs), expected, rtol=0, atol=0)


class Packed(nn.Module):
    """Two recurrent layers that are given what is packed already."""

    def __init__(self, layer):
        super().__init__()
        torch.manual_seed(0)
        self.first = layer(6, 8)
        self.second = layer(8, 4)

    def forward(self, packed):
        return self.second(self.first(packed)[0])[0].data


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: (p,), lambda p: {"packed": p}])
@pytest.mark.parametrize("layer", [nn.RNN, nn.GRU, nn.LSTM])
def test_a_model_may_be_given_a_packed_sequence(layer, wrap, tmp_path):
    """
    Alone or among others; the converted model can't be written with it, the exported one can.
    """
    generator, model = torch.Generator().manual_seed(1), Packed(layer)
    packed = pack_sequence(
        [torch.randn(n, 6, generator=generator) for n in (4, 7, 2)], enforce_sorted=False
    )
    expected = model(packed)
    espalier.convert(model, inputs=wrap(packed), config=FINE)
    torch.testing.assert_close(model(packed), expected, rtol=0, atol=0)
    espalier.space(model).select({"first.hidden_size": 3})
    expected = model(packed)
    with pytest.raises(StateError, match=r"got PackedSequence\. Export the model first"):
        espalier.save(model, tmp_path / "model")
    exported = espalier.export(model)
    espalier.save(exported, tmp_path / "model")
    restored = espalier.restore(Packed(layer), tmp_path / "model")

    torch.testing.assert_close(exported(packed), expected)
    torch.testing.assert_close(restored(packed), exported(packed), rtol=0, atol=0)

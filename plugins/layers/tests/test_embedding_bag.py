"""Embeddings of bags keep every promise of a converter."""

import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {
    "plain": {},
    "sum": {"mode": "sum"},
    "max": {"mode": "max"},
    "padded": {"padding_idx": 0},
}
WITH_OFFSETS = {"sum": {"mode": "sum"}, "last": {"mode": "sum", "include_last_offset": True}}


class TestEmbeddingBag(ConverterContract):
    """The contract holds for every way to reduce a bag."""

    kinds = KINDS

    def make(self, **options):
        return nn.EmbeddingBag(10, 8, **options)

    def inputs(self, layer):
        return (torch.tensor([[1, 2, 3], [4, 5, 0]]),)


class TestWithOffsets(TestEmbeddingBag):
    """It holds for bags of several lengths, with weights of their own."""

    kinds = WITH_OFFSETS

    def inputs(self, layer):
        offsets = [0, 2, 5] if layer.include_last_offset else [0, 2]
        return (torch.tensor([1, 2, 3, 4, 0]), torch.tensor(offsets), torch.rand(5))


def test_a_classifier_of_bags_shrinks():
    """
    The width is named after the embedding; the vocabulary stays.
    """
    torch.manual_seed(0)
    index, model = (
        torch.randint(20, (4, 5)),
        nn.Sequential(nn.EmbeddingBag(20, 64), nn.Linear(64, 3)),
    )
    espalier.convert(model, inputs=index)
    espalier.space(model).select({"0.embedding_dim": 32})
    expected = model(index)
    espalier.export(model)

    assert (20, 32, 32) == (
        model[0].num_embeddings,
        model[0].embedding_dim,
        model[1].in_features,
    )
    torch.testing.assert_close(model(index), expected, rtol=0, atol=0)

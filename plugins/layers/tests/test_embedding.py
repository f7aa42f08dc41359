"""Embeddings keep every promise of a converter."""

import pytest
import torch
from torch import nn

import espalier
from espalier.testing import ConverterContract


#: Options of the layer by a name for them.
KINDS = {"plain": {}, "padded": {"padding_idx": 0}}


class TestEmbedding(ConverterContract):
    """The contract holds, with and without a row for padding."""

    kinds = KINDS

    def make(self, **options):
        return nn.Embedding(10, 8, **options)

    def inputs(self, layer):
        return (torch.tensor([[1, 2, 3], [4, 5, 0]]),)


@pytest.mark.parametrize(
    ("layer", "further"), [(nn.Embedding, {}), (nn.EmbeddingBag, {"mode": "sum"})]
)
def test_a_narrower_table_trains_although_its_gradients_were_sparse(layer, further):
    """
    They are dense while a part is active, and sparse again when all is, and after an export.
    """
    index = torch.tensor([[1, 2, 3]])
    model = nn.Sequential(layer(10, 64, sparse=True, **further), nn.Linear(64, 2))
    espalier.convert(model, inputs=index)
    weight = dict(model.named_parameters())["0.weight"]
    for width, is_sparse in ((32, False), (64, True)):
        espalier.space(model).select({"0.embedding_dim": width})
        model.zero_grad()
        model(index).sum().backward()
        touched = weight.grad.to_dense().count_nonzero(dim=1).tolist()

        assert [0, width, width, width] + 6 * [0] == touched
        assert is_sparse == weight.grad.is_sparse

    espalier.space(model).select({"0.embedding_dim": 32})
    assert espalier.export(model)[0].sparse


@pytest.mark.parametrize("layer", [nn.Embedding, nn.EmbeddingBag])
def test_a_table_that_shortens_its_rows_stays(layer):
    """
    With ``max_norm`` a forward pass rescales the rows in place, by the norm of all units.
    """
    model = nn.Sequential(layer(10, 64, max_norm=1.0), nn.Linear(64, 2))
    found = espalier.explain(model, torch.tensor([[1, 2, 3]])).to_dict()
    reasons = {entry["name"]: str(entry["reasons"]) for entry in found["frozen"]}

    assert "max_norm rescales whole rows" in reasons["0.embedding_dim"]


@pytest.mark.parametrize("tied", [False, True])
def test_the_width_of_a_language_model_is_named_after_its_embedding(tied):
    """
    The vocabulary is looked up by index and stays; a tied head stays tied.
    """

    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.head = nn.Embedding(20, 64), nn.Linear(64, 20, bias=False)
            if tied:
                self.head.weight = self.words.weight

        def forward(self, index):
            return self.head(self.words(index))

    index = torch.randint(20, (2, 5), generator=torch.Generator().manual_seed(0))
    model = espalier.convert(Language(), inputs=index)
    espalier.space(model).select({"words.embedding_dim": 32})
    expected = model(index)
    espalier.export(model)

    assert (20, 32) == (model.words.num_embeddings, model.words.embedding_dim)
    assert 32 == model.head.in_features
    assert tied == (model.words.weight is model.head.weight)
    torch.testing.assert_close(model(index), expected, rtol=0, atol=0)

"""What an explanation says, and how it looks as text, tables, a page and data."""

import io
import json
import math
import re
from collections import OrderedDict
from fractions import Fraction
from html.parser import HTMLParser

import pytest
import torch
from rich.console import Console
from torch import nn
from torch.nn import functional as F

import espalier
from espalier.errors import ConversionError, InputsError
from tests.models import FINE, images, small_cnn
from tests.networks import NETWORKS


#: Rules that leave every size.
EVERY = {
    "nn.Conv2d": {"channel_divisor": 1},
    "nn.ConvTranspose2d": {"channel_divisor": 1},
    "nn.Linear": {"feature_divisor": 1},
}


def at_zero(costs):
    """Return the value at zero of the polynomial through *costs*, size to cost."""
    return sum(
        cost * math.prod(Fraction(-k, size - k) for k in costs if k != size)
        for size, cost in costs.items()
    )


class TestShares:
    @pytest.mark.parametrize(
        "name", ["residual", "concat", "depthwise", "transposed", "flattened", "mlp", "tied"]
    )
    def test_they_are_what_exported_models_lack(self, name):
        """
        Costs of real exports at several sizes, continued to zero, give each share exactly.
        """
        make, shape = NETWORKS[name]
        x = torch.zeros(shape)
        full, told = espalier.profile(make(), x), espalier.explain(make(), x)
        for size in told.hparams[:2]:
            params, flops = {}, {}
            for fewer in range(3):  # no cost here has a size more than twice
                model = espalier.convert(make(), inputs=x, config=EVERY)
                choice = espalier.space(model)[size.name].choices[-1 - fewer]
                espalier.space(model).select({size.name: choice})
                espalier.export(model)
                params[choice] = sum(p.numel() for p in model.parameters())
                flops[choice] = espalier.profile(model, x).flops

            assert float(1 - at_zero(params) / full.params) == pytest.approx(size.share_of_params)
            assert float(1 - at_zero(flops) / full.flops) == pytest.approx(size.share_of_flops)

    def test_one_unit_less_is_one_part_less(self):
        """
        Where costs are linear in a size, each of its units has its part of the share.
        """
        model, x = small_cnn(), images(1)
        share = espalier.explain(model, x).hparams[1].share_of_params
        before = sum(p.numel() for p in model.parameters())
        espalier.convert(model, inputs=x, config=EVERY)
        fewer = espalier.space(model)["3.out_channels"].choices[-2]
        espalier.space(model).select({"3.out_channels": fewer})
        after = sum(p.numel() for p in espalier.export(model).parameters())

        assert (before - after) / before == pytest.approx(share * (24 - fewer) / 24)

    def test_frozen_sizes_have_shares_too(self):
        """
        What a size that can't change holds is told as well: here three channels of 16x3x3x3.
        """
        found = espalier.explain(small_cnn(), images())
        frozen = {size.name: size for size in found.frozen}

        assert 16 * 3 * 9 / found.params == frozen["0.in_channels"].share_of_params

    def test_searchable_parameters_are_those_in_tensors_that_shrink(self):
        """
        All but the bias of the classifier.
        """
        found = espalier.explain(small_cnn(), images())

        assert (found.params - 10) / found.params == found.share_of_searchable_params

    def test_shared_parameters_count_once(self):
        """
        A matrix that two layers share is one part of the model.
        """
        model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2))
        model.insert(2, model[1])
        found = espalier.explain(model, torch.zeros(1, 4))

        assert 40 + 72 + 18 == found.params
        assert 1 - 2 / 130 == pytest.approx(found.hparams[0].share_of_params)


class Own(nn.Module):
    """Has a forward of its own, so that reasons have lines."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv1d(4, 8, 3), nn.Linear(8, 2)

    def forward(self, x):
        return self.out(self.conv(x).mean(-1))


class Heads(nn.Module):
    """Knows its head size as a number, which no converter declares."""

    def __init__(self):
        super().__init__()
        self.head_size = 4
        self.query, self.out = nn.Linear(5, 12), nn.Linear(12, 3)

    def forward(self, x):
        query = self.query(x).view(*x.shape[:-1], -1, self.head_size).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(query, query, query)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Repeated(nn.Module):
    """The same block many times, with code of its own."""

    def __init__(self, count):
        super().__init__()
        self.enter = nn.Linear(4, 8)
        blocks = [nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 8)) for _ in range(count)]
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = x + block(x)
        return x.sum(-1)


class TestText:
    def test_repeated_layers_are_one_line(self):
        """
        The text of a deep network is as long as that of a shallow one.
        """
        deep, shallow = (
            str(espalier.explain(Repeated(n), torch.zeros(1, 4))).splitlines() for n in (20, 3)
        )

        assert len(shallow) == len(deep)
        assert any("blocks.0…19.0.out_features: 20 sizes of 16 units, each" in li for li in deep)
        assert any("blocks.0…19.1.weight[0]" in line for line in deep)

    def test_a_layer_that_differs_has_its_own_line(self):
        """
        Only what is equal in everything but its number is brought together.
        """
        model = Repeated(4)
        model.blocks[2] = nn.Sequential(nn.Linear(8, 12), nn.Linear(12, 8))
        text = str(espalier.explain(model, torch.zeros(1, 4)))

        assert "blocks.0/1/3.0.out_features: 3 sizes of 16 units" in text
        assert "blocks.2.0.out_features: 12 units" in text

    def test_reasons_have_their_places(self):
        """
        The line of the user's code stands beside what it froze.
        """
        text = str(espalier.explain(Own(), torch.zeros(1, 4, 6)))

        assert re.search(
            r"  kernel size\n    conv\.weight\.2 \(3\): tests/test_explain\.py:\d+ in forward\n",
            text,
        )

    def test_rich_shows_tables(self):
        """
        On a terminal, and in a notebook that has rich, sizes are rows.
        """
        console = Console(width=200, record=True, file=io.StringIO())
        console.print(espalier.explain(small_cnn(), images()))
        lines = console.export_text().splitlines()

        assert any(line.split()[:3] == ["0.out_channels", "16", "92.4%"] for line in lines)
        assert "6 sizes can't" in map(str.strip, lines)


class Parsed(HTMLParser):
    """Reads a page: its tags, all balanced, and its text."""

    VOID = frozenset({"meta"})

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text, self.links = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


ODD = "<script>alert('1')&\"</script>"


class TestAttributes:
    def test_those_found_by_trying_are_told_apart(self):
        """
        What converters declare and what was found both follow; the latter are listed again.
        """
        found = espalier.explain(nn.Sequential(Heads()), torch.zeros(2, 6, 5))
        told = {size.units: size for size in found.hparams}

        assert ("0.head_size",) == told[4].found_attributes
        assert {"0.query.out_features", "0.out.in_features", "0.head_size"} == set(
            told[4].attributes
        )
        assert () == told[3].found_attributes
        assert "    of which found by trying: 0.head_size" in str(found).splitlines()

    def test_those_of_a_converted_model_are_told_apart_alike(self):
        """
        What the conversion found is kept with the model.
        """
        inputs = torch.zeros(2, 6, 5)
        fine = {"nn.Linear": {"feature_divisor": 1}}
        model = espalier.convert(nn.Sequential(Heads()), inputs=inputs, config=fine)
        told = {size.units: size for size in espalier.explain(model, inputs).hparams}

        assert ("0.head_size",) == told[4].found_attributes
        assert () == told[3].found_attributes


class TestData:
    def test_it_survives_json(self):
        """
        Nothing but plain data, with a place beside each reason.
        """
        found = espalier.explain(Own(), torch.zeros(1, 4, 6))
        data = json.loads(json.dumps(found.to_dict()))
        frozen = {size["name"]: size for size in data["frozen"]}

        assert found.to_dict() == data
        assert [""] == frozen["conv.in_channels"]["places"]
        assert re.fullmatch(
            r"tests/test_explain\.py:\d+ in forward", frozen["conv.weight.2"]["places"][0]
        )
        assert ["conv.out_channels", "out.in_features"] == data["hparams"][0]["attributes"]
        assert 0.0 < data["hparams"][0]["share_of_params"] < 1.0


class TestHtml:
    def test_the_page_is_whole_and_needs_nothing_else(self):
        """
        Balanced, with a language, a title, a caption for each table, and no links.
        """
        found = espalier.explain(Own(), torch.zeros(1, 4, 6))
        page = found.to_html()
        parsed = Parsed(page)

        assert page.startswith("<!DOCTYPE html>\n<html lang=")
        assert [] == parsed.open
        assert [] == parsed.links
        assert 1 == parsed.tags.count("title") == parsed.tags.count("main")
        assert parsed.tags.count("table") == parsed.tags.count("caption") == 3
        assert all(any(size.name in text for text in parsed.text) for size in found.hparams)

    def test_a_notebook_gets_the_content_without_the_page(self):
        """
        Jupyter shows a fragment.
        """
        found = espalier.explain(small_cnn(), images())

        assert found._repr_html_() in found.to_html()
        assert {"html", "head", "body"}.isdisjoint(Parsed(found._repr_html_()).tags)

    def test_names_are_escaped(self):
        """
        A module's name, or its class's, can't write into the page.
        """
        model = type(ODD, (nn.Sequential,), {})()
        model.add_module(ODD, nn.Linear(4, 40))
        model.add_module("{last}", nn.Linear(40, 4))
        parsed = Parsed(espalier.explain(model, torch.zeros(1, 4)).to_html())

        assert "script" not in parsed.tags
        assert f"{ODD}.out_features" in parsed.text
        assert f"What can change in {ODD}" in parsed.text
        assert any("{last}.weight[1]" in text for text in parsed.text)

    def test_long_lists_are_folded_and_complete(self):
        """
        A width that many layers share has all their names behind its first ones.
        """
        names = [f"layer_{'abcdefghijkl'[i]}" for i in range(12)]
        layers = [("enter", nn.Linear(4, 8)), *((name, nn.LayerNorm(8)) for name in names)]
        model = nn.Sequential(OrderedDict([*layers, ("leave", nn.Linear(8, 2))]))
        parsed = Parsed(espalier.explain(model, torch.zeros(1, 4)).to_html())

        assert "details" in parsed.tags
        assert any(all(f"{n}.weight[0]" in text for n in names) for text in parsed.text)


class TestOddModels:
    def test_everything_frozen(self):
        """
        A model with nothing to search is explained by its reasons.
        """
        found = espalier.explain(nn.Linear(4, 2), torch.zeros(1, 4))

        assert () == found.hparams
        assert 0 == found.share_of_searchable_params
        assert {"model input": ["in_features (4)"], "model output": ["out_features (2)"]} == (
            found.by_reason()
        )
        assert "0 sizes can change" in str(found)
        assert [] == Parsed(found.to_html()).open

    def test_no_parameters(self):
        """
        Nothing can change and nothing can't, and the first line says why.
        """
        found = espalier.explain(nn.Flatten(), torch.zeros(1, 4, 4))

        assert ((), (), 0) == (found.hparams, found.frozen, found.params)
        assert str(found).startswith("Flatten: no parameters")
        assert 0.0 == found.to_dict()["share_of_searchable_params"]
        assert [] == Parsed(found.to_html()).open

    def test_a_converted_model_is_explained_as_it_was_converted(self):
        """
        The same names, units and shares, whatever is active.
        """
        model, x = small_cnn(), images(1)
        expected = espalier.explain(model, x, config=FINE)
        espalier.convert(model, inputs=x, config=FINE)
        espalier.space(model).select(espalier.space(model).min())

        assert expected == espalier.explain(model, x)

    def test_what_a_configuration_fixed_says_so(self):
        """
        An hparam without a choice is among what can't change, with the configuration's reason.
        """
        model, x = small_cnn(), images(1)
        espalier.convert(model, inputs=x, config=FINE | {"nn.Linear": {"8": None}})
        found = espalier.explain(model, x)

        assert ["0.out_channels"] == [size.name for size in found.hparams]
        assert ["3.out_channels (24)"] == found.by_reason()["the configuration switches '8' off"]

    def test_a_converted_model_checks_its_inputs(self):
        """
        Inputs that ``forward`` can't take are an error, converted or not.
        """
        model = espalier.convert(small_cnn(), inputs=images(1), config=FINE)

        with pytest.raises(InputsError, match="got"):
            espalier.explain(model, (images(1), 2))

    def test_a_part_of_a_converted_model_is_refused(self):
        """
        Its sizes follow hparams that it does not know of.
        """
        model = nn.Sequential(small_cnn(), nn.Softmax(-1))
        espalier.convert(model, inputs=images(1), config=FINE)

        with pytest.raises(ConversionError, match=r"'0' is part of a converted one: .*export it"):
            espalier.explain(model[0], images(1))

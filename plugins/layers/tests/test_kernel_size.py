"""A smaller kernel is the larger one with its rim at zero."""

import itertools

import pytest
import torch
from torch import nn

import espalier
from espalier.errors import ConfigError, InvalidChoiceError


CONVOLUTIONS = {
    "Conv1d": (nn.Conv1d, 1),
    "Conv2d": (nn.Conv2d, 2),
    "Conv3d": (nn.Conv3d, 3),
    "ConvTranspose1d": (nn.ConvTranspose1d, 1),
    "ConvTranspose2d": (nn.ConvTranspose2d, 2),
    "ConvTranspose3d": (nn.ConvTranspose3d, 3),
}

OPTIONS = [
    {"padding": 2},
    {"padding": 3, "stride": 2},
    {"padding": 4, "dilation": 2},
    {"padding": 5, "dilation": 2, "stride": 3, "bias": False},
    {"padding": 2, "groups": 2},
    {"padding": 2, "groups": 4},
]

ONLY_FORWARD = [
    {"padding": "same"},
    {"padding": "same", "dilation": 2, "padding_mode": "reflect"},
    {"padding": 3, "padding_mode": "reflect", "stride": 2},
    {"padding": 2, "padding_mode": "replicate"},
    {"padding": 2, "padding_mode": "circular", "dilation": 1},
]

CASES = [
    pytest.param(*CONVOLUTIONS[name], options, id=f"{name}-{number}")
    for name in CONVOLUTIONS
    for number, options in enumerate(OPTIONS if "Transpose" in name else OPTIONS + ONLY_FORWARD)
]


@pytest.mark.parametrize(("kind", "spatial", "options"), CASES)
def test_every_smaller_kernel_is_the_full_one_with_zeros_around(kind, spatial, options):
    """
    At every stride, dilation and way to pad; the exported layer computes the same.
    """
    torch.manual_seed(0)
    plain = kind(4, 8, 5, **options).double()
    x = torch.randn(2, 4, *[9] * spatial, dtype=torch.float64)
    layer = espalier.converters[kind].convert(plain)
    hparam = layer.hparams["kernel_size"]
    assert [(size,) * spatial for size in (1, 3, 5)] == list(hparam.choices)
    for choice in hparam.choices:
        masked = kind(4, 8, 5, **options).double()
        margin = (5 - choice[0]) // 2
        inside = (..., *[slice(margin, 5 - margin)] * spatial)
        with torch.no_grad():
            masked.load_state_dict(layer.state_dict())
            kept = masked.weight[inside].clone()
            masked.weight.zero_()
            masked.weight[inside] = kept
        hparam.active = choice
        expected = masked(x)

        torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)
        assert choice == layer.kernel_size
        assert choice == tuple(layer.weight.shape[2:])
    hparam.active = hparam.min
    expected = layer(x)
    exported = layer.export()

    assert kind is type(exported)
    torch.testing.assert_close(exported(x), expected, rtol=1e-12, atol=1e-12)


def test_each_axis_may_have_its_own_size():
    """
    An axis that is smaller already keeps its size; a tuple says each.
    """
    layer = espalier.converters[nn.Conv2d].convert(nn.Conv2d(2, 2, (3, 7), padding=(1, 3)))

    assert ((1, 1), (3, 3), (3, 5), (3, 7)) == layer.hparams["kernel_size"].choices


@pytest.mark.parametrize(
    ("options", "choices"),
    [
        ({"kernel_size": 5}, None),
        ({"kernel_size": 5, "padding": 1}, ((3, 3), (5, 5))),
        ({"kernel_size": 5, "padding": 1, "dilation": 2}, None),
        ({"kernel_size": 4, "padding": 1}, ((2, 2), (4, 4))),
        ({"kernel_size": 1, "padding": 1}, None),
        ({"kernel_size": 5, "padding": "valid"}, None),
    ],
)
def test_only_what_the_padding_allows_is_offered(options, choices):
    """
    Outputs must stay where they are, so padding gets smaller with the kernel, down to none.
    """
    layer = espalier.converters[nn.Conv2d].convert(nn.Conv2d(2, 2, **options))
    found = layer.hparams.get("kernel_size")

    assert choices == (None if found is None else found.choices)


class Stem(nn.Module):
    """Two convolutions, of which only the first is padded."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 16, 5, padding=2)
        self.norm = nn.BatchNorm2d(16)
        self.second = nn.Conv2d(16, 32, 3, stride=2)
        self.head = nn.Linear(32, 4)

    def forward(self, images):
        return self.head(self.second(self.norm(self.first(images)).relu()).mean((2, 3)))


IMAGES = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def converted(config, make=Stem):
    torch.manual_seed(0)
    return espalier.convert(make().eval(), inputs=IMAGES, config=config)


def test_kernels_are_searched_only_if_a_rule_lists_sizes():
    """
    The default list is empty.
    """
    assert not [name for name in espalier.space(converted(None)) if "kernel" in name]


def test_every_kernel_of_a_model_is_exported_as_it_ran():
    """
    With every width, outputs, costs and the saved model agree.
    """
    config = {"nn.Conv2d": {"kernel_size": [1, 3], "channel_divisor": 8}}
    for number, size in itertools.product(range(2), [(1, 1), (3, 3), (5, 5)]):
        model = converted(config)
        space = espalier.space(model)
        space.select(space.min() if number else space.max())
        space.select({"first.kernel_size": size})
        expected = model(IMAGES)
        costs = {
            name: espalier.metrics[name]().measure(model, space.config())
            for name in ("flops", "params")
        }
        assert costs["flops"] == espalier.profile(model, IMAGES).flops
        espalier.export(model)
        found = espalier.profile(model, IMAGES)

        torch.testing.assert_close(model(IMAGES), expected, rtol=1e-5, atol=1e-5)
        assert costs == {"flops": found.flops, "params": found.params}
        assert size == model.first.kernel_size
        assert ((size[0] - 1) // 2,) * 2 == model.first.padding


def test_a_kernel_comes_back_from_a_file(tmp_path):
    """
    Before the export and after it, with the lists of JSON for tuples.
    """
    model = converted({"nn.Conv2d": {"kernel_size": [3]}})
    espalier.space(model).select({"first.kernel_size": [3, 3]})
    expected = model(IMAGES)
    for name in ("searched", "exported"):
        espalier.save(model, tmp_path / name)
        fresh = espalier.restore(Stem().eval(), tmp_path / name)
        assert torch.equal(expected, fresh(IMAGES))
        if name == "searched":
            assert (3, 3) == espalier.space(fresh)["first.kernel_size"].active
            espalier.export(model)


def test_a_padding_that_torch_keeps_as_a_list_comes_back():
    """
    That of ``same`` with another mode than zeros.
    """

    class Same(Stem):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 16, 5, padding="same", padding_mode="circular")

    model = converted({"nn.Conv2d": {"kernel_size": [3]}}, Same)
    espalier.space(model).select({"first.kernel_size": (3, 3)})
    expected = model(IMAGES)
    espalier.export(model)

    assert [1, 1, 1, 1] == model.first._reversed_padding_repeated_twice
    assert torch.equal(expected, model(IMAGES))


def test_a_kernel_that_is_used_elsewhere_stays():
    """
    The log and the error say where.
    """

    class Standardised(Stem):
        def forward(self, images):
            return super().forward(images) + self.first.weight.mean((1, 2, 3)).sum()

    model = converted({"nn.Conv2d": {"kernel_size": [3]}}, Standardised)

    assert "first.kernel_size" not in espalier.space(model)


def test_a_kernel_whose_size_the_model_reads_stays():
    """
    What another module makes of the attribute is seen when the smallest kernel is tried.
    """

    class Reading(Stem):
        def forward(self, images):
            inner = self.norm(self.first(images)).relu()
            crop = self.first.kernel_size[0]
            return self.head(self.second(inner[:, :, crop:]).mean((2, 3)))

    model = converted({"nn.Conv2d": {"kernel_size": [3]}}, Reading)

    assert "first.kernel_size" not in espalier.space(model)
    assert nn.BatchNorm2d in map(type, espalier.export(model).modules())


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ([2], r"nn\.Conv2d\.kernel_size: must hold odd numbers above 0, got 2\. Nearest: 1 and 3"),
        ([0], r"nn\.Conv2d\.kernel_size: must hold odd numbers above 0, got 0\. Nearest: 1"),
        ([3.0], r"nn\.Conv2d\.kernel_size\[0\]: expected an integer.*got 3\.0"),
        (["3"], r"nn\.Conv2d\.kernel_size\[0\]: expected an integer.*got '3'"),
        (3, r"nn\.Conv2d\.kernel_size: expected a list, got 3"),
        ([[3, 3, 3]], r"first\.kernel_size.*2 numbers.*\(3, 3, 3\)"),
    ],
)
def test_what_is_no_kernel_size_is_refused(size, text):
    """
    With the path of the key, the rule and what came; the model stays plain.
    """
    model = Stem().eval()
    with pytest.raises(ConfigError, match=text):
        espalier.convert(model, inputs=IMAGES, config={"nn.Conv2d": {"kernel_size": size}})

    assert nn.Conv2d is type(model.first)


def test_a_kernel_that_is_not_offered_is_refused():
    """
    As any other choice.
    """
    model = converted({"nn.Conv2d": {"kernel_size": [3]}})
    with pytest.raises(InvalidChoiceError, match=r"first\.kernel_size.*must be one of"):
        espalier.space(model).select({"first.kernel_size": (1, 1)})

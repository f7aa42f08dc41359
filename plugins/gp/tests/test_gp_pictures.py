"""Pictures of the posterior."""

import math
import struct

import numpy as np
import pytest

from espalier import Categorical, Float, Integer, Study
from espalier.errors import PictureError
from espalier_gp import Slices
from espalier_gp.picturing.cuts import Model


SPACE = {
    "lr": Float(1e-4, 1e-1, log=True),
    "width": Integer(1, 6),
    "kind": Categorical(["a", "b"], when={"b": {"rate": Float(0, 1)}}),
}


def objective(trial):
    if trial.number == 3:
        raise ValueError("no")
    return (math.log10(trial["lr"]) + 2) ** 2 + trial["width"] / 10 + (trial["kind"] == "b")


@pytest.fixture(scope="module")
def study():
    made = Study(SPACE, objective, sampler="random", metrics="min", seed=1)
    made.run(14, progress=False)
    return made


@pytest.mark.parametrize("suffix", ["png", "html"])
@pytest.mark.parametrize("names", [(), ("lr",), ("kind",), ("lr", "width"), ("width", "kind")])
def test_slices_are_drawn(study, names, suffix, tmp_path):
    """
    Along one parameter, each, or over two, as an image or a page that needs nothing else.
    """
    path = tmp_path / f"picture.{suffix}"
    Slices(*names).draw(study, path)
    if suffix == "png":
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert width > 500
        assert height > 200
    else:
        text = path.read_text()
        assert all(name in text for name in names)
        assert "log expected improvement" in text


def test_a_study_finds_it(study, tmp_path):
    """
    By its name.
    """
    files = study.draw(tmp_path, ["posterior"], formats=["png"])
    assert [tmp_path / "posterior.png"] == files


@pytest.mark.parametrize("way", ["min", "max"])
def test_a_cut_goes_through_the_results(way):
    """
    At what was tried the mean is the result, on the metric's own scale, and little is in doubt.
    """
    sign = 1 if way == "min" else -1
    made = Study(
        {"x": Float(0, 1)},
        lambda trial: 100 * sign * (trial["x"] - 0.4) ** 2,
        sampler="random",
        metrics=way,
        seed=0,
    )
    made.run(12, progress=False)
    cut = Model(made).cut("x")
    x = np.array(cut.values[0])
    inside = (x > 0.2) & (x < 0.8)

    np.testing.assert_allclose(cut.mean[inside], 100 * sign * (x[inside] - 0.4) ** 2, atol=1.5)
    assert cut.deviation.shape == cut.acquisition.shape == x.shape
    assert (cut.deviation > 0).all()


@pytest.mark.parametrize(
    ("scale", "offset"), [(1e17, 0.0), (1.7e308, 0.0), (1e-300, 0.0), (1e6, 1e12)]
)
def test_a_cut_of_huge_and_tiny_results(scale, offset):
    """
    Goes through them, too.
    """
    made = Study(
        {"x": Float(0, 1)},
        lambda trial: offset + scale * (trial["x"] - 0.4) ** 2,
        sampler="random",
        metrics="min",
        seed=0,
    )
    made.run(12, progress=False)
    cut = Model(made).cut("x")
    x = np.array(cut.values[0])
    inside = (x > 0.2) & (x < 0.8)

    np.testing.assert_allclose(
        (cut.mean[inside] - offset) / scale, (x[inside] - 0.4) ** 2, atol=0.015
    )
    assert (cut.deviation < 0.2 * scale).all()


def test_a_cut_along_many_choices_shows_different_ones():
    """
    Evenly, where there are more than fit.
    """
    space = {"x": Float(0, 1), "token": Categorical(range(300))}
    made = Study(space, lambda trial: trial["x"], sampler="random", metrics="min", seed=0)
    made.run(4, progress=False)
    (values,) = Model(made).cut("token").values

    assert 101 == len(set(values))
    assert ["0", "299"] == [values[0], values[-1]]


def test_what_can_not_be_drawn_is_told(study, tmp_path):
    """
    The parameter and the nearest, too many or one twice, or no results.
    """
    path = tmp_path / "x.png"
    with pytest.raises(PictureError, match=r"no parameter .* is named 'widht'.*width"):
        Slices("widht").draw(study, path)
    for names in (("a", "b", "c"), ("lr", "lr")):
        told = f"along one parameter or over two that differ, got {', '.join(names)}"
        with pytest.raises(PictureError, match=told):
            Slices(*names)
    with pytest.raises(PictureError, match="must be a name, got 5"):
        Slices("lr", 5)
    empty = Study(SPACE, objective, sampler="random", metrics="min", seed=1)
    with pytest.raises(PictureError, match="needs a complete trial with a finite score"):
        Slices().draw(empty, path)
    single = Study({"x": Integer(1, 1)}, lambda _: 1.0, sampler="random", metrics="min")
    single.run(1, progress=False)
    with pytest.raises(PictureError, match="needs a parameter with more than one value"):
        Slices().draw(single, path)
    wide = {"x": Float(0, 1), "token": Categorical(range(1001))}
    many = Study(wide, lambda trial: trial["x"], sampler="random", metrics="min")
    many.run(1, progress=False)
    with pytest.raises(PictureError, match=r"token: .* at most 1000 choices"):
        Slices().draw(many, path)
    assert not path.exists()

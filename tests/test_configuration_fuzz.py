"""Whatever is given as a configuration, nothing but an error of Espalier's comes of it."""

import json
import os
import tempfile

import pytest
import tomlkit
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import espalier
from espalier.errors import ConfigError, EspalierError
from espalier.structuring import segment, told
from espalier_fastnas import FastNASConfig


#: Share of the cases that are run; ``make fuzz`` asks for more.
EFFORT = max(int(os.environ.get("ESPALIER_FUZZ", "0")) // 500, 1)


def cases(count):
    return settings(
        max_examples=count * EFFORT,
        deadline=None,
        database=None,
        derandomize="ESPALIER_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )


WHOLE = espalier.default_config("fastnas")
#: A few of the layer types are enough: all are read by the same code.
KEYS = ["nn.Conv2d", "nn.GroupNorm", "nn.Linear", "nn.LSTM"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([1 << 5000, -(10**400), "8", "nan", "\ud800", "*", 1e308, 5e-324])
)
NAMES = st.sampled_from(
    [*KEYS, "relax_divisor", "rules", "*", "channel_divisor", "channels_ratio", "kernel_size", ""]
)
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
ODD_KEYS = NAMES | st.text(max_size=8) | st.integers() | st.none() | st.tuples(st.integers())


def refusal(call, given):
    """Return the error that *call* refuses what is given with, and what it made of it."""
    try:
        return None, call(given)
    except EspalierError as error:
        return error, None


def refused_or_read(data):
    """Structure *data*; what is read is written and read again, what is refused is told."""
    error, config = refusal(FastNASConfig.structure, data)

    assert str(error) if error else config == FastNASConfig.structure(config.unstructure())


@cases(500)
@given(st.dictionaries(ODD_KEYS, ANY, max_size=4) | ANY.filter(lambda x: not isinstance(x, str)))
def test_anything_is_read_or_refused(data):
    """
    Random data, most of it far from a configuration.
    """
    refused_or_read(data)


@cases(500)
@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        st.dictionaries(st.sampled_from(["*", "a.b", "*x*"]), ANY | ODD_KEYS, max_size=3) | ANY,
        max_size=2,
    )
)
def test_anything_below_a_layer_type_is_read_or_refused(data):
    """
    Random data where patterns and rules stand.
    """
    refused_or_read(data)


def paths(data, *above):
    """Yield the path of every value below *data*."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*above, key)
        if isinstance(value, (dict, list)):
            yield from paths(value, *above, key)


VALID = {
    "nn.Conv2d": {"*": {"channel_divisor": 8, "channels_ratio": [0.25, 0.5]}, "*stem*": None},
    "nn.Linear": {"*": {"feature_divisor": 4}, "head": {"features_ratio": [0.5, 1.0]}},
    "nn.GroupNorm": {"*": WHOLE["nn.GroupNorm"]["*"]},
    "relax_divisor": True,
}
PLACES = [place for place in paths(VALID) if len(place) != 2]


def changed(place, value):
    """Return `VALID` with another value at one place."""
    data = json.loads(json.dumps(VALID))
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return data


def path_of(place):
    """Return how a message writes the path of a value: layer type, pattern, field, number."""
    patterns = [f"[{told(pattern)}]" for pattern in place[1:2]]
    return "".join([place[0], *patterns, *map(segment, place[2:])])


@cases(500)
@given(st.sampled_from(PLACES), SCALARS | st.binary(max_size=4))
def test_a_wrong_value_is_said_with_its_path_and_what_came(place, value):
    """
    One value of a valid configuration is replaced: it is read, or the message has both.
    """
    error, _ = refusal(FastNASConfig.structure, changed(place, value))

    assert error is None or str(error).startswith(path_of(place))
    assert error is None or told(value) in str(error)


@cases(250)
@given(
    st.sampled_from([p for p in PLACES if isinstance(p[-1], str) and p[-1] not in KEYS]),
    st.text(min_size=1, max_size=8),
    st.integers(0, 8),
)
def test_a_misspelt_key_is_said_with_its_path(place, text, at):
    """
    Text goes into a key of a valid configuration: the message has the path of what came.
    """
    name = f"{place[-1][:at]}{text}{place[-1][at:]}"
    data = changed(place, 0)
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[name] = inner.pop(place[-1])
    with pytest.raises(ConfigError) as caught:
        FastNASConfig.structure(data)

    expected = path_of((*place[:-1], name)) if place[1:] else (segment(name), name)
    assert str(caught.value).startswith(expected)


TEXTS = {
    "json": json.dumps(VALID, indent=1).encode(),
    "toml": tomlkit.dumps(espalier.default_config("fastnas"))[:2000].encode(),
    "yaml": yaml.safe_dump(VALID).encode() + b"a: &a [1]\nb: {<<: {c: *a}, d: 2026-01-01}\n",
}
PIECES = [b"{", b"[", b"]", b"&a ", b"*a ", b"<<: ", b"!!int ", b"\x00", b"\xff", b"0x", b"1e999"]
PIECES += [
    b"- ",
    b"? ",
    b"\n",
    b'"',
    b"'",
    b": ",
    b"=",
    b"|",
    b"2026-13-01",
    b"0b_",
    b"1_:2",
    b"#",
]


@st.composite
def mangled(draw, text):
    """Return a part of *text* with a few of its bytes replaced by others."""
    found = bytearray(text[: draw(st.integers(0, len(text)))])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(found)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=3))
        found[at : at + draw(st.integers(0, 3))] = piece
    return bytes(found)


@pytest.mark.parametrize("form", TEXTS)
@cases(250)
@given(data=st.data())
def test_any_file_is_read_or_refused(form, data):
    """
    Random bytes, and valid files that were cut and overwritten.
    """
    pieces = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=20)
    content = data.draw(st.binary(max_size=60) | pieces.map(b"".join) | mangled(TEXTS[form]))
    with tempfile.NamedTemporaryFile(suffix=f".{form}") as file:
        file.write(content)
        file.flush()
        error, found = refusal(espalier.read_config, file.name)
    if error is None:
        assert found == json.loads(json.dumps(found, allow_nan=False))
        refused_or_read(found)
    else:
        assert str(error).startswith(f"{file.name}: ")

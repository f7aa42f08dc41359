"""Scan a space as `fastnas` does, with and without sharing, and compare every bit."""

import copy

import torch

import espalier
from espalier.searching.sharing import SharedPrefixes
from espalier.spaces import supernet_of
from tests.agreement import ALL_SIZES


def converted(model, inputs, config=ALL_SIZES):
    """Return *model*, converted."""
    return espalier.convert(model, inputs=inputs, config=config)


def scan(space, most=2):
    """Yield the largest subnet, then every hparam at its smallest choices alone."""
    yield space.max()
    for name, hparam in space.items():
        for choice in hparam.choices[:-1][:most]:
            yield {**space.max(), name: choice}


def scores_of(model, score, shared=None, most=2):
    """Return what *score* gives for each configuration of a scan."""
    found = []
    for config in scan(espalier.space(model), most):
        espalier.space(model).select(config)
        if shared is None:
            found.append(score(model))
        else:
            with shared:
                found.append(score(model))
    return found


def check_sharing(model, score, *, most=2, max_bytes=1 << 26):
    """
    Scan two copies of a converted *model*, one of them with sharing.

    Returns:
        The sharing, to look at what it did.
    """
    plain, sharing = copy.deepcopy(model), copy.deepcopy(model)
    generator = torch.get_rng_state()
    expected = scores_of(plain, score, most=most)
    drawn = torch.get_rng_state()
    torch.set_rng_state(generator)
    shared = SharedPrefixes(sharing, supernet_of(sharing), max_bytes=max_bytes)
    found = scores_of(sharing, score, shared, most=most)

    assert len(expected) == len(found)
    assert all(map(same, expected, found))
    assert torch.equal(drawn, torch.get_rng_state())
    assert same(dict(plain.state_dict()), dict(sharing.state_dict()))
    assert names(plain) == names(sharing)
    assert 0 == torch._C._len_torch_dispatch_stack()
    assert max_bytes >= shared.bytes
    return shared


def names(model):
    """Return the names of what each module has, by path."""
    return {path: list(vars(module)) for path, module in model.named_modules()}


def same(a, b):
    """Whether two nests of tensors and numbers are equal bit for bit."""
    if isinstance(a, torch.Tensor):
        return (
            a.shape == b.shape
            and a.stride() == b.stride()
            and a.dtype == b.dtype
            and a.requires_grad == b.requires_grad
            and a.numpy(force=True).tobytes() == b.numpy(force=True).tobytes()
        )
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return repr(a) == repr(b)

"""The sampler searches subnets."""

import espalier
from espalier_gp import GPSampler
from tests.sampler_searches import COARSE, converted, flops, searched


def test_a_subnet_within_the_bound_is_found():
    """
    By name or class; each is scored once, and no score is better than the best's.
    """
    model = converted(COARSE)
    found = searched(model, sampler="gp", trials=6)
    bound = 0.6 * flops(model, espalier.space(model).max())
    scores = [step.score for step in found.history if step.score is not None]

    assert flops(model, found.config) <= bound
    assert found.score == max(scores)
    assert found.config == searched(converted(COARSE), sampler=GPSampler, trials=6).config


def test_all_subnets_of_a_small_space_are_tried_at_most():
    """
    What breaks the bound is dropped, again and again, and the search comes to its end.
    """
    found = searched(converted(COARSE), sampler="gp", trials=100)
    assert 1 <= len(found.history) <= 16

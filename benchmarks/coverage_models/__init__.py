"""The models of the coverage table, one module for each suite."""

import importlib

from .case import Case


#: Module by the name of each suite, in the order of the page.
SUITES = {
    "torchvision": "torchvision_models",
    "timm": "timm_families",
    "transformers": "hugging_face",
    "own": "own_models",
}

__all__ = ["SUITES", "Case", "cases_of"]


def cases_of(suite: str) -> list[Case]:
    """Return the models of *suite*; imports the library that they come from."""
    cases: list[Case] = importlib.import_module(f".{SUITES[suite]}", __name__).cases()
    return cases

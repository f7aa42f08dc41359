"""Values of products of sizes under a configuration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Self, TypeAlias, final

import attrs

from ..hparams import Choice, Hparam, Term, leaves


@attrs.frozen
class Product:
    """*coefficient* times the product of *terms*; what can't change is in the former."""

    coefficient: int
    terms: tuple[Term, ...] = ()

    @classmethod
    def of(cls, coefficient: int, terms: list[Term]) -> Self:
        """Fold what can't change."""
        kept = []
        for term in terms:
            if any(leaf.name for leaf in leaves(term)):
                kept.append(term)
            else:
                coefficient *= term.original
        return cls(coefficient, tuple(kept))


#: A configuration, also one whose sizes are found already.
Config: TypeAlias = "Mapping[str, Choice] | None"


@final
class Evaluation(Mapping[str, Choice]):
    """
    A configuration that keeps the values of products under it: each is found once.

    It reads as the configuration itself, so that several metrics can share it.

    Args:
        config: Choices by hparam; those it does not name are taken as they are active.
    """

    def __init__(self, config: Mapping[str, Choice] | None) -> None:
        self._config = config or {}
        self._sizes: dict[Term, int] = {}
        self._products: dict[tuple[Term, ...], int] = {}

    @classmethod
    def of(cls, config: Config) -> Evaluation:
        """Return *config* as what evaluates it."""
        return config if isinstance(config, Evaluation) else cls(config)

    def __getitem__(self, name: str) -> Choice:
        return self._config[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __call__(self, product: Product) -> int:
        """Return the value of *product*."""
        found = self._products.get(product.terms)
        if found is None:
            found = math.prod(map(self.size, product.terms))
            self._products[product.terms] = found
        return product.coefficient * found

    def size(self, term: Term) -> int:
        """Return the size that *term* has."""
        found = self._sizes.get(term)
        if found is None:
            if isinstance(term, Hparam):
                found = self._choice(term)
            else:
                found = term._fold(list(map(self.size, term.children)))  # noqa: SLF001
            self._sizes[term] = found
        return found

    def _choice(self, hparam: Hparam) -> int:
        value: int = hparam.under(self._config)
        return value

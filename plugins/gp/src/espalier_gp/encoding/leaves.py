"""Which leaves a space has, and beside which choices they exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import attrs

from espalier.domains import Categorical, Float, Integer
from espalier.domains.choices import label
from espalier.errors import SamplerError

from .category import Category
from .continuous import Continuous
from .ladder import Ladder


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from espalier.domains import Domain

    from .column import Columns

__all__ = ["Leaf", "leaves_of"]

#: Numbers of more steps are treated as those of a range.
_MOST_RUNGS = 2048

#: Each choice without order is a column, and proposals take time cubic in the columns: seconds at
#: this many.
_MOST_CHOICES = 1000


@final
@attrs.frozen(eq=False)
class Leaf:
    """
    One number or choice that a configuration is made of.

    Attributes:
        name: Its full name.

        columns: What stands for it in a point.

        parent: The name of the leaf beside whose choice it exists; ``None`` if it always does.

        option: The place of that choice.
    """

    name: str
    columns: Columns
    parent: str | None
    option: int


def leaves_of(
    domains: Mapping[str, Domain], prefix: str = "", parent: str | None = None, option: int = 0
) -> Iterator[Leaf]:
    """
    Yield the leaves with more than one value, each after what it depends on.

    Raises:
        SamplerError: If one has too many choices without order.
    """
    own: dict[str, Domain] = {}

    def note(name: str, leaf: Domain) -> Any:
        own[name] = leaf
        return leaf.default

    for name, domain in domains.items():
        domain.decide(prefix + name, note)
    for name, domain in own.items():
        if domain.size != 1:
            yield Leaf(name, _columns_of(name, domain), parent, option)
    for name, domain in domains.items():
        if getattr(domain, "when", None):
            # With a single option, what is under it exists wherever the choice itself does.
            single = domain.size == 1
            for place in range(domain.size or 0):
                value = domain.at(place)
                inner = f"{prefix}{name}.{label(value)}."
                above = (parent, option) if single else (prefix + name, place)
                yield from leaves_of(domain.under(value), inner, *above)


def _columns_of(name: str, domain: Domain) -> Columns:
    if isinstance(domain, Categorical):
        if domain.size > _MOST_CHOICES:
            raise SamplerError(
                f"{name}: a Gaussian process takes at most {_MOST_CHOICES} choices without order, "
                f"got {domain.size}. Make it an Integer or an Ordinal if near choices are alike, "
                f"or take another sampler."
            )
        return Category(domain)
    if isinstance(domain, (Float, Integer)) and (domain.size is None or domain.size > _MOST_RUNGS):
        return Continuous(domain)
    return Ladder(domain)

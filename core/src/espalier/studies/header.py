"""What makes a study the same study when it is opened again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self, final

import attrs

from ..domains import Space
from ..errors import DomainError, StudyError


if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..sampling import Optim


__all__ = ["StudyHeader"]


@final
@attrs.frozen
class StudyHeader:
    """
    The name of a study, its space, and what it optimises.

    Args:
        name: Several studies may be kept in one place; each has a name of its own.

        space: Plain data of the space; domains whose choices JSON can't write stand there as text.

        metrics: ``"min"`` or ``"max"`` for each metric, in order.

        constraints: Upper bounds of metrics.

        about: What else tells this study from others, as JSON data: what its objective works on.

        parameters: The space itself; ``None`` if plain data was not enough to make it again.
    """

    name: str
    space: dict[str, Any]
    metrics: dict[str, str]
    constraints: dict[str, float] = attrs.field(factory=dict)
    about: dict[str, Any] = attrs.field(factory=dict)
    parameters: Space | None = attrs.field(default=None, eq=False, repr=False)

    @classmethod
    def of(
        cls,
        name: str,
        space: Space,
        metrics: Mapping[str, Optim],
        constraints: Mapping[str, float],
        about: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return the header of a study."""
        ways = {metric: way.value for metric, way in metrics.items()}
        return cls(name, _plain(space), ways, dict(constraints), dict(about or {}), space)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """
        Return the header that `to_json` wrote.

        Raises:
            StudyError: If it is none.
        """
        try:
            header = cls(**json.loads(text))
            return attrs.evolve(header, parameters=_space(header.space))
        except (ValueError, TypeError, AttributeError) as error:
            raise StudyError(f"this is not the description of a study: {text[:80]!r}.") from error

    def to_json(self) -> str:
        """Return the header as text."""
        plain = {
            "name": self.name,
            "space": self.space,
            "metrics": self.metrics,
            "constraints": self.constraints,
            "about": self.about,
        }
        return json.dumps(plain, ensure_ascii=False)

    def require_same(self, kept: StudyHeader, where: str) -> None:
        """
        Check that the study *kept* at *where* is this one.

        Raises:
            StudyError: Naming each difference.
        """
        found = list(_differences(self, kept))
        if found:
            raise StudyError(
                f"the study {self.name!r} in {where} is another one: {'; '.join(found)}. Give "
                f"this one another name, or another place."
            )


def _space(plain: Mapping[str, Any]) -> Space | None:
    try:
        return Space.from_dict(plain)
    except DomainError:
        return None


def _plain(space: Space) -> dict[str, Any]:
    found = {}
    for name, domain in space.items():
        try:
            found[name] = domain.to_dict()
        except DomainError:
            found[name] = {"type": domain.type, "told": str(domain)}
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _differences(now: StudyHeader, kept: StudyHeader) -> list[str]:
    found = []
    for what, ours, theirs in (
        ("parameter ", now.space, kept.space),
        ("metric ", now.metrics, kept.metrics),
        ("constraint ", now.constraints, kept.constraints),
        ("", now.about, kept.about),
    ):
        found += [
            f"{what}{name} is {_told(theirs, name)} there and {_told(ours, name)} here"
            for name in {**theirs, **ours}
            if ours.get(name) != theirs.get(name)
        ]
    if not found and list(now.metrics) != list(kept.metrics):
        found.append(f"the metrics are {list(kept.metrics)} there and {list(now.metrics)} here")
    return found


def _told(part: Mapping[str, Any], name: str) -> str:
    return json.dumps(part[name]) if name in part else "missing"

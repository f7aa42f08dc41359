"""Go on after a problem, to tell all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, final

from cattrs.errors import BaseValidationError
from cattrs.v import transform_error

from ..errors import EspalierError
from .problems import InvalidConfigError, Problem, told


if TYPE_CHECKING:
    from collections.abc import Callable


@final
class Gathering:
    """
    Gathers problems, and raises all of them at the end of its block.

    Example:
        >>> with Gathering() as problems:
        ...     number = problems.attempt(".size", int, "3")
        >>> number
        3
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Note a problem."""
        self._problems.append(problem)

    def attempt(self, path: str, call: Callable[..., Any], *args: Any) -> Any:
        """
        Return what *call* returns for *args*; what it refuses is noted as being at *path*.

        Nothing is returned then, and nothing of the block may be used: it ends in an error.
        """
        try:
            return call(*args)
        except InvalidConfigError as error:
            self._problems += error.within(path).problems
        except EspalierError:
            raise
        except BaseValidationError as error:
            text = "; ".join(transform_error(error, path="value"))
            self.add(Problem(path, text, told(args[0])))
        except Exception as error:  # noqa: BLE001 - a type of a third party's may raise anything
            self.add(Problem(path, f"{type(error).__name__}: {error}", told(args[0])))
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and self._problems:
            raise InvalidConfigError(self._problems)

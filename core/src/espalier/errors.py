"""
Every error espalier raises on purpose.

Each is an `EspalierError` and also the built-in error a caller would expect. `SearchInterrupted`
alone is none: it is an interrupt.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterable

    from .searching import SearchResult, Trial


class EspalierError(Exception):
    """Base of all errors raised by espalier and its plug-ins."""

    # KeyError prints the repr of its message; here every error prints the message itself.
    __str__ = Exception.__str__


class InvalidChoiceError(EspalierError, ValueError):
    """A value was given that the hyper-parameter does not offer."""


class PluginError(EspalierError):
    """Something is wrong with an installed plug-in."""


class UnknownPluginError(PluginError, KeyError):
    """Nothing is registered under the requested name."""


class ConflictError(PluginError):
    """Several plug-ins offer the requested name."""


class NewPluginError(EspalierError, ValueError):
    """A plug-in can't be started under this name or in this folder."""


class ConfigError(EspalierError, ValueError):
    """A configuration names what does not exist or breaks a rule of its field."""


class ConstraintError(EspalierError, ValueError):
    """A constraint can't be met, or can't be understood."""


class ScoreError(EspalierError, ValueError):
    """The score gave nothing that can be compared."""


class SearchInterrupted(KeyboardInterrupt):
    """
    Somebody pressed Ctrl-C during a search; the model is as it was before.

    It is a `KeyboardInterrupt`, so what handles errors lets it pass.

    Args:
        message: How many configurations were scored, and how to go on.

        history: Every configuration that was scored, in order.

        result: The best of them that satisfies the constraints, if one does.
    """

    def __init__(
        self, message: str, history: tuple[Trial, ...] = (), result: SearchResult | None = None
    ) -> None:
        super().__init__(message)
        self.history = history
        self.result = result


class TraceError(EspalierError, RuntimeError):
    """The model could not be run on fake tensors."""


class InputsError(EspalierError, TypeError, ValueError):
    """The example inputs don't fit the model's ``forward``."""


class DerivedSizeError(EspalierError, AttributeError):
    """A size attribute of a dynamic module was set; it follows its hparams."""


class ConversionError(EspalierError, TypeError):
    """A module can't be made dynamic, or not in this way."""


class ExportError(EspalierError, RuntimeError):
    """The exported model does not do what the dynamic one did."""


class SamplerError(EspalierError, RuntimeError):
    """A sampler was asked or told out of turn."""


class DomainError(EspalierError, ValueError):
    """A domain breaks a rule, or a value is not in its domain."""


class StudyError(EspalierError, RuntimeError):
    """A study can't go on in this way."""


class ObjectiveError(EspalierError, ValueError):
    """An objective gave nothing that can be compared."""


class PictureError(EspalierError, ValueError):
    """A study has nothing that a picture could show."""


class StoreError(EspalierError, OSError):
    """The trials of a study can't be read or kept."""


class StateError(EspalierError, ValueError):
    """A saved model can't be restored onto the model at hand."""


class SpaceError(EspalierError, ValueError):
    """The search space does not hold what was asked for."""


class ShapeError(EspalierError, ValueError):
    """A tensor has another shape than it must have."""


class AxisError(EspalierError, ValueError):
    """Two axes were said to be the same and can't be."""


def nearest(name: str, known: Iterable[str]) -> str:
    """
    Return the hint that an error message about an unknown *name* ends with.

    Args:
        name: What the caller asked for.

        known: What there is.

    Returns:
        ``" Did you mean 'x'?"`` with a leading space, or ``""`` when nothing is close.

    Example:
        >>> nearest("gird", ["grid", "random"])
        " Did you mean 'grid'?"
        >>> nearest("gird", ["optuna"])
        ''
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""

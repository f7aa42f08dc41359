"""What plug-ins yield: small, frozen, import-free descriptions of an offer."""

import pkgutil
from collections.abc import Iterable
from typing import Any, final

import attrs


def _is_name(_: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    # A slash separates a plug-in from a name where two plug-ins clash.
    if not isinstance(value, str) or not value or "/" in value or set(value) & set(" \t\n"):
        msg = (
            f"{attribute.name} must be a word without spaces and slashes, like 'grid'; "
            f"got {value!r}."
        )
        raise ValueError(msg)


def _is_reference(_: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    module, colon, qualname = str(value).partition(":")
    if not (module and colon and qualname):
        raise ValueError(f"{attribute.name} must look like 'package.module:Name', got {value!r}.")


def _names(given: Iterable[str]) -> frozenset[str]:
    # A word is an iterable of letters, too.
    if isinstance(given, str):
        msg = f"this must be several names, as in {{{given!r}}}; got {given!r}."
        raise ValueError(msg)  # noqa: TRY004 - as every other rule of an offer
    return frozenset(given)


@attrs.frozen
class Offer:
    """
    A named offer whose implementation is imported only when asked for.

    Args:
        name: Key in the registry, unique per kind.

        target: Where the implementation lives, as ``"package.module:Name"``.

        summary: One line for ``espalier plugins`` and the docs.
    """

    name: str = attrs.field(validator=_is_name)
    target: str = attrs.field(validator=_is_reference)
    summary: str = ""

    def load(self) -> Any:
        """Import and return the implementation."""
        return pkgutil.resolve_name(self.target)


@final
@attrs.frozen
class ConverterOffer(Offer):
    """
    A way to make one layer type dynamic.

    *name* is the layer's import path, such as ``"torch.nn.Linear"``. The module that
    defines the class always does; so does any module that is imported with it.
    """


@final
@attrs.frozen
class ModeOffer(Offer):
    """
    A named step of a model's life.

    Args:
        follows: Names of the modes after which this one may be applied.
    """

    follows: frozenset[str] = attrs.field(default=frozenset(), converter=_names)


@final
@attrs.frozen
class SamplerOffer(Offer):
    """A way to choose the next configuration."""


@final
@attrs.frozen
class StoreOffer(Offer):
    """
    A place where the trials of studies are kept.

    *name* is the scheme of its URLs, such as ``"sqlite"``.

    Args:
        suffixes: Ends of the names of files that are such places without a scheme: ``".db"``.
    """

    suffixes: frozenset[str] = attrs.field(default=frozenset(), converter=_names)


@final
@attrs.frozen
class StopperOffer(Offer):
    """A way to end trials that are not worth going on with."""


@final
@attrs.frozen
class PictureOffer(Offer):
    """A picture of a study; it is written to files that have its name."""


@final
@attrs.frozen
class MetricOffer(Offer):
    """A number of a subnet that a constraint can bound."""


@final
@attrs.frozen
class ImportanceOffer(Offer):
    """A way to tell how much each unit matters."""


@final
@attrs.frozen
class AxisRuleOffer(Offer):
    """
    How the axes of one operator relate.

    *name* is the operator's schema name, such as ``"acme::fused_mlp"``.
    """


@final
@attrs.frozen
class CommandOffer(Offer):
    """
    A command of the ``espalier`` command line.

    *target* is a plain function whose parameters typer understands, or a ``typer.Typer`` that
    holds several.
    """

"""
Which commands there are: the built-in ones, then what plug-ins offer.

A built-in command is offered like a plug-in's: a name, the function in a file of its own, and the
line that ``espalier --help`` shows. The function is imported when the command is run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConflictError
from ..plugins import CommandOffer


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..plugins import PluginHost

#: To add one, write ``cli/<name>.py`` and a line here.
BUILTIN = (
    CommandOffer(
        "plugins",
        "espalier.cli.plugins:plugins",
        "List the installed plug-ins and what they offer.",
    ),
    CommandOffer(
        "explain",
        "espalier.cli.explain:explain",
        "Tell which sizes of a model can change, and for each that can't, why and where.",
    ),
    CommandOffer(
        "profile",
        "espalier.cli.profile:profile",
        "Count a model's parameters, multiply-accumulates and bytes of activations.",
    ),
    CommandOffer(
        "config",
        "espalier.cli.config:config",
        "Print a mode's default configuration, or the schema of it.",
    ),
    CommandOffer(
        "prune",
        "espalier.cli.prune:prune",
        "Shrink a model under a budget, and save it.",
    ),
    CommandOffer(
        "study",
        "espalier.cli.study:study",
        "Find the best configuration of anything: run, show, export and draw studies.",
    ),
    CommandOffer(
        "new-plugin",
        "espalier.cli.new_plugin:new_plugin",
        "Start a plug-in: a distribution that installs, is found, and passes its contract.",
    ),
)


def available(host: PluginHost) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """
    Give the name, summary and importer of every command, the built-in ones first.

    A command whose name is taken, by a built-in one or by another plug-in's, is there as
    ``plugin/name``.
    """
    for offer in BUILTIN:
        yield offer.name, offer.summary, offer.load
    taken = {offer.name for offer in BUILTIN}
    for name in host.commands:
        keys = host.commands.qualified(name)
        for key in [name] if len(keys) == 1 and name not in taken else keys:
            summary = host.commands.offer(key).summary
            yield key, summary, lambda key=key: host.commands[key]  # type: ignore[misc]


def conflicts(host: PluginHost) -> list[ConflictError]:
    """Return one error for every name that is offered twice, of any kind of offer."""
    found = [error for registry in host.registries.values() for error in registry.conflicts()]
    for offer in BUILTIN:
        if offer.name in host.commands:
            others = " or ".join(f"`espalier {k}`" for k in host.commands.qualified(offer.name))
            msg = f"The command {offer.name!r} is built in. Run the plug-in's as {others}."
            found.append(ConflictError(msg))
    return found

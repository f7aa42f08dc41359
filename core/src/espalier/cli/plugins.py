"""The command ``espalier plugins``."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..plugins import LoadedPlugin, PluginHost, current_host
from .commands import conflicts


def plugins(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """
    List the installed plug-ins and what they offer.

    The exit status is 1 if one was set aside or a name is offered twice.
    """
    host = current_host()
    report = _report(host)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        console = Console()
        console.print(_table(host.plugins()))
        for line in _complaints(report):
            console.print(Text(line, style="red"), soft_wrap=True)
    if report["problems"] or report["conflicts"]:
        raise typer.Exit(1)


def _report(host: PluginHost) -> dict[str, list[Any]]:
    return {
        "plugins": [
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "offers": {
                    kind: [offer.name for offer in offers]
                    for kind, offers in plugin.offers.items()
                },
            }
            for plugin in host.plugins()
        ],
        "problems": [
            {
                "name": problem.source.name,
                "distribution": problem.source.distribution,
                "version": problem.source.version,
                "reason": problem.reason,
            }
            for problem in host.problems
        ],
        "conflicts": [str(error) for error in conflicts(host)],
    }


def _table(loaded: list[LoadedPlugin]) -> Table:
    table = Table("plug-in", "distribution", "version", "offers")
    for column in table.columns[:3]:
        column.no_wrap = True
    for plugin in loaded:
        offers = "\n".join(
            f"{kind.replace('_', ' ')}: {', '.join(offer.name for offer in offers)}"
            for kind, offers in plugin.offers.items()
        )
        table.add_row(*map(Text, (plugin.name, plugin.distribution, plugin.version, offers)))
    return table


def _complaints(report: dict[str, list[Any]]) -> list[str]:
    problems = [
        f"Set aside: {p['name']} ({p['distribution']} {p['version']}): {p['reason']}"
        for p in report["problems"]
    ]
    return problems + [f"Offered twice: {reason}" for reason in report["conflicts"]]

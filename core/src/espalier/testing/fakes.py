"""Plug-ins that exist only in a test."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING

from ..plugins import API_VERSION, Source, hookimpl


if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fake_source"]


def fake_source(
    name: str,
    *,
    distribution: str | None = None,
    version: str = "1.0",
    api: object = API_VERSION,
    **hooks: Callable[..., object],
) -> Source:
    """
    Make a plug-in out of functions, as if a distribution with it were installed.

    Args:
        name: The plug-in's name.

        distribution: What it would come with; *name* when left out.

        version: Version of that distribution.

        api: What its module would state as ``ESPALIER_API``.

        hooks: Name of a hook to the function that implements it.

    Example:
        >>> from espalier.plugins import PluginHost, SamplerOffer
        >>> offer = SamplerOffer("dice", "acme.dice:DiceSampler")
        >>> host = PluginHost([fake_source("acme", espalier_samplers=lambda: [offer])])
        >>> list(host.samplers)
        ['dice']
    """
    module = types.ModuleType(name)
    vars(module)["ESPALIER_API"] = api
    for hook, function in hooks.items():
        setattr(module, hook, hookimpl(function))
    return Source(name, distribution or name, version, lambda: module)

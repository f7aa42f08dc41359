"""What each method has to offer: one suggestion, and to be told its result."""

import importlib
import typing

from .parameters import Config, Parameters


class Method(typing.Protocol):
    """A sampler of a task, as all of them are driven here."""

    def suggest(self) -> Config:
        """Return the next configuration."""

    def tell(self, config: Config, value: float) -> None:
        """Hear of a result; any configuration may be told."""


#: The module and the class of each method, the environment that it runs in, and its title.
METHODS = {
    "espalier": ("with_espalier:Gp", "espalier", "Espalier"),
    "optuna-tpe": ("with_optuna:Tpe", "optuna", "Optuna TPE"),
    "optuna-gp": ("with_optuna:Gp", "optuna", "Optuna GP"),
    "botorch": ("with_botorch:LogEi", "botorch", "BoTorch LogEI"),
    "syne-tune": ("with_syne_tune:Gp", "syne-tune", "Syne Tune GP"),
    "random": ("with_random:Random", "espalier", "random"),
}


def made(name: str, parameters: Parameters, seed: int) -> Method:
    """Return a new method; its environment is this one."""
    module, _, kind = METHODS[name][0].partition(":")
    found: Method = getattr(importlib.import_module(f"gp_runs.{module}"), kind)(parameters, seed)
    return found

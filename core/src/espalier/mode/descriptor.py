"""What a mode is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import StateError
from ..spaces.build import build
from ..spaces.inputs import inputs_from_json, inputs_to_json
from ..spaces.supernet import supernet_of
from .config import ModeConfig


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ..searching import Searcher


class ModeDescriptor:
    """
    Describes a mode: its name, configuration and searcher, and how it converts and restores.

    What stands here serves every mode that searches the sizes of a model's layers. Such a mode
    only names its classes, and overrides `prepare` if its units need anything. A mode of another
    kind overrides the methods.
    """

    #: Its key in ``espalier.modes``.
    name: ClassVar[str]

    #: The attrs class of its configuration.
    config_class: ClassVar[type[ModeConfig]] = ModeConfig

    #: The algorithm that searches its space; ``None`` where there is nothing to search.
    searcher_class: ClassVar[type[Searcher] | None] = None

    def convert(self, model: nn.Module, config: ModeConfig, inputs: Any) -> None:
        """
        Convert *model* in place and attach its `Supernet`.

        Args:
            model: A plain module.

            config: This mode's configuration.

            inputs: What ``forward`` takes.
        """
        supernet = build(
            model, inputs, config.rules, mode=self.name, relax_divisor=config.relax_divisor
        )
        self.prepare(model, supernet)

    def prepare(self, model: nn.Module, supernet: Any) -> None:
        """Set up what a freshly converted or restored model needs, such as importances."""

    def metadata(self, model: nn.Module) -> dict[str, Any]:
        """Return what `restore` needs, as plain data; called before every save."""
        supernet = supernet_of(model)
        return {
            "inputs": inputs_to_json(supernet.blueprint.inputs),
            "ties": supernet.space.ties,
            "hparams": {
                name: {"choices": list(hparam.choices), "active": hparam.active}
                for name, hparam in supernet.space.items()
            },
        }

    def restore(self, model: nn.Module, config: ModeConfig, metadata: Mapping[str, Any]) -> None:
        """
        Repeat the conversion on a fresh *model*.

        Raises:
            StateError: If the model has another search space than was saved.
        """
        self.convert(model, config, inputs_from_json(metadata["inputs"]))
        space = supernet_of(model).space
        for names in metadata.get("ties", ()):
            space.tie(names)
        saved = metadata["hparams"]
        if set(saved) != set(space):
            odd = ", ".join(sorted(set(saved) ^ set(space))[:8])
            raise StateError(
                f"{type(model).__name__} must have the search space that was saved; these hparams "
                f"are on one side only: {odd}."
            )
        for name, held in saved.items():
            space[name].choices = held["choices"]
            space[name].active = held["active"]

"""What a mode is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from ..errors import StateError
from ..reading import Entry
from ..spaces.build import build
from ..spaces.inputs import (
    floating_dtype,
    inputs_from_json,
    inputs_to_json,
    moved_inputs,
)
from ..spaces.supernet import supernet_of
from .config import ModeConfig


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from ..searching import Searcher
    from ..spaces import SearchSpace


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
        dtype = supernet.blueprint.dtype
        return {
            "inputs": inputs_to_json(supernet.blueprint.inputs),
            "dtype": None if dtype is None else str(dtype).removeprefix("torch."),
            "ties": supernet.space.ties,
            "hparams": {
                name: {"choices": list(hparam.choices), "active": hparam.active}
                for name, hparam in supernet.space.items()
            },
            "orders": {
                hparam.name: hparam.order.tolist()
                for hparam in supernet.space.every()
                if hparam.order is not None
            },
        }

    def restore(self, model: nn.Module, config: ModeConfig, metadata: Mapping[str, Any]) -> None:
        """
        Repeat the conversion on a fresh *model*.

        Raises:
            StateError: If the model has another search space than was saved.
        """
        held = Entry("metadata", metadata)
        inputs = inputs_from_json(held["inputs"])
        self.convert(model, config, moved_inputs(inputs, _dtype(held), floating_dtype(model)))
        space = supernet_of(model).space
        ties, orders = held.get("ties"), held.get("orders")
        for names in ties.entries() if ties is not None else ():
            space.tie([name.text() for name in names.entries()])
        saved = dict(held["hparams"].items())
        if set(saved) != set(space):
            odd = ", ".join(sorted(set(saved) ^ set(space))[:8])
            raise StateError(
                f"{type(model).__name__} must have the search space that was saved; these hparams "
                f"are on one side only: {odd}."
            )
        for name, entry in saved.items():
            space[name].choices = [_choice(choice) for choice in entry["choices"].entries()]
            space[name].active = _choice(entry["active"])
        for name, order in orders.items() if orders is not None else ():
            _enforce_order(space, name, order)


def _dtype(held: Entry) -> torch.dtype | None:
    entry = held.get("dtype")
    if entry is None or entry.value is None:
        return None
    dtype = getattr(torch, entry.text(), None)
    if not isinstance(dtype, torch.dtype):
        entry.fail("must be the name of a dtype of torch")
    return dtype


def _choice(entry: Entry) -> Any:
    # JSON has no tuples.
    return entry.number() if isinstance(entry.value, list) else entry.value


def _enforce_order(space: SearchSpace, name: str, order: Entry) -> None:
    hparam = next((hparam for hparam in space.every() if hparam.name == name), None)
    if hparam is None:
        order.fail("must belong to an hparam of the space")
    hparam.enforce_order(torch.tensor(order.sizes(), dtype=torch.int64))

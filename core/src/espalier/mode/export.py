"""The mode that makes a converted model plain again."""

from __future__ import annotations

import copy
import numbers
import operator
from typing import TYPE_CHECKING, Any, final

import torch
from torch import nn

from ..dynamic import DEPTH, DynamicModule, kept_modules
from ..errors import StateError
from ..hparams import Hparam
from ..reading import Entry
from ..snapshot import Snapshot
from ..spaces.supernet import Supernet, supernet_of
from .config import ModeConfig
from .descriptor import ModeDescriptor
from .looks import checked_looks
from .steps import Step, closed, record_step, steps_of


if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@final
class ExportModeDescriptor(ModeDescriptor):
    """Cuts every tensor to its active part and gives modules their classes back."""

    name = "export"

    def convert(self, model: nn.Module, config: ModeConfig, inputs: Any = None) -> None:  # noqa: ARG002 - an export needs none
        """
        Make *model* plain, in place, at its active configuration.

        Raises:
            ConversionError: If it is not converted.

            ExportError: If it would not run. Nothing is changed then.
        """
        supernet = supernet_of(model)
        supernet.check(model, supernet.space.config())
        steps = closed(model)
        before = Snapshot.of(model)
        try:
            metadata = _export_modules(model)
            Supernet.detach(model)
            record_step(model, Step(self.name, config.changes(), metadata), before=steps)
        except BaseException:
            before.restore()
            raise

    def metadata(self, model: nn.Module) -> dict[str, Any]:
        """Return what the step holds already: an export never changes afterwards."""
        return dict(steps_of(model)[-1].metadata)

    def restore(self, model: nn.Module, config: ModeConfig, metadata: Mapping[str, Any]) -> None:
        """
        Give a fresh *model* the shapes and attributes that were exported.

        The values of the cut tensors are left to the weights, which are loaded afterwards.
        """
        del config
        looks = checked_looks(Entry("metadata", metadata)["modules"])
        dynamic = {path for path, m in model.named_modules() if isinstance(m, DynamicModule)}
        if dynamic:
            _export_modules(model)
            Supernet.detach(model)
        else:
            blocks = Entry("metadata", metadata).get("blocks")
            kept = {} if blocks is None else {p: list(e.sizes()) for p, e in blocks.items()}
            keep_blocks(model, kept)
        apply_shapes(model, looks, may_grow=False)


def exported_copy(model: nn.Module, config: Mapping[str, Any]) -> nn.Module:
    """
    Return one subnet of a converted *model* as a plain module with tensors of its own.

    The model is left as it is, and nobody is told of an export.

    Args:
        model: A converted model.

        config: Choices by hparam; those it does not name are taken as they are active.

    Raises:
        ConversionError: If the model is not converted.

        ExportError: If the subnet would not run.
    """
    made = copy.deepcopy(model)
    supernet_of(made).space.select(dict(config))
    ExportModeDescriptor().convert(made, ModeConfig())
    return made


def _export_modules(model: nn.Module) -> dict[str, Any]:
    """
    Export every dynamic module, and tell what `ExportModeDescriptor.restore` needs.

    Returns:
        ``blocks``: by the path of a chain that lost some, the numbers of those that stayed;
        ``modules``: shapes and attributes of those that are left, by the paths they have now.
    """
    shared: dict[int, Any] = {}
    dynamic = {path: m for path, m in model.named_modules() if isinstance(m, DynamicModule)}
    names = {id(module): list(module.layout.sizes) for module in dynamic.values()}
    blocks = {path: kept for path, m in dynamic.items() if (kept := _kept(m)) is not None}
    for module in dynamic.values():
        if isinstance(module, DynamicModule):  # not exported as a part of another
            module.export(shared)
    looks = {}
    for path, module in model.named_modules():
        if id(module) in names:
            own = {**module._parameters, **module._buffers}  # noqa: SLF001
            looks[path] = {
                "shapes": {n: list(t.shape) for n, t in own.items() if t is not None},
                "attributes": {name: module.__dict__[name] for name in names[id(module)]},
            }
    return {"blocks": blocks, "modules": looks}


def _kept(module: DynamicModule) -> list[int] | None:
    depth = module.layout.further.get(DEPTH)
    if not isinstance(depth, Hparam) or depth.active == depth.units:
        return None
    return list(depth.kept)


def keep_blocks(model: nn.Module, blocks: Mapping[str, Any]) -> None:
    """
    Leave out blocks of chains.

    Args:
        model: A plain model.

        blocks: Numbers of the blocks that stay, ascending, by the path of their chain as it is
            before any is left out.

    Raises:
        StateError: If *model* has no such chain, or it has fewer blocks.
    """
    chains = {}
    for path, kept in blocks.items():
        chain = _module_at(model, path)
        count = len(chain._modules)  # noqa: SLF001
        numbers = [n for n in kept if type(n) is int and 0 <= n < count]
        if numbers != kept or sorted(set(numbers)) != numbers:
            raise StateError(
                f"{path}: blocks must be ascending numbers below {count}, got {kept!r}."
            )
        chains[path] = chain
    for path, chain in chains.items():
        chain.__dict__["_modules"] = kept_modules(chain, blocks[path])


def _module_at(model: nn.Module, path: str) -> nn.Module:
    try:
        return model.get_submodule(path)
    except AttributeError:
        raise StateError(
            f"{type(model).__name__} must have a module {path!r} to be restored; it has none."
        ) from None


def apply_shapes(model: nn.Module, modules: Mapping[str, Any], *, may_grow: bool = True) -> None:
    """
    Give modules other attributes, and empty tensors where the shape is another.

    Args:
        model: A plain model.

        modules: ``shapes`` and ``attributes`` by name, by the path of a module.

        may_grow: Whether a shape may be larger than the model's.

    Raises:
        StateError: If *model* has no such module, tensor or attribute, or a smaller tensor.
    """
    shared: dict[int, Tensor] = {}
    for path, look in modules.items():
        module = _module_at(model, path)
        for name, value in look["attributes"].items():
            like = module.__dict__.get(name)
            if not _is_size(like) or not _is_size(value):
                raise StateError(
                    f"{path}: {type(module).__name__} has no size {name!r} to set to {value!r}."
                )
            module.__dict__[name] = type(like)(value) if isinstance(like, (tuple, list)) else value
        for name, shape in look["shapes"].items():
            if not may_grow:
                _require_smaller(module, path, name, tuple(shape))
            _reshape(module, path, name, tuple(shape), shared)


def _require_smaller(module: nn.Module, path: str, name: str, shape: tuple[int, ...]) -> None:
    # An export only cuts. So nobody can write numbers that fill the memory.
    tensor = {**module._parameters, **module._buffers}.get(name)  # noqa: SLF001
    if tensor is None:
        return
    if len(shape) != tensor.dim() or any(map(operator.gt, shape, tensor.shape)):
        raise StateError(
            f"metadata.modules[{path!r}].shapes[{name!r}]: must fit into the shape of the model, "
            f"{list(tensor.shape)}; got {list(shape)}."
        )


def _is_size(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_size(inner) for inner in value)
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _reshape(
    module: nn.Module, path: str, name: str, shape: tuple[int, ...], shared: dict[int, Tensor]
) -> None:
    holder = module._parameters if name in module._parameters else module._buffers  # noqa: SLF001
    tensor = holder.get(name)
    if tensor is None:
        raise StateError(f"{path}: {type(module).__name__} has no tensor {name!r}.")
    if tuple(tensor.shape) == shape:
        return
    if id(tensor) not in shared:
        made = torch.empty(shape, dtype=tensor.dtype, device=tensor.device)
        if isinstance(tensor, nn.Parameter):
            made = nn.Parameter(made, requires_grad=tensor.requires_grad)
        shared[id(tensor)] = made
    holder[name] = shared[id(tensor)]  # type: ignore[assignment]

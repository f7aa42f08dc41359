"""Everything in a module, and in those below, that its result depends on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, final

import torch
from torch import nn
from torch.nn.modules import module as torch_modules

from ...dynamic import DynamicModule
from ...hparams import leaves
from .contents import PLAIN, Unclear, copied, same_bits
from .purity import is_constant, still_so


if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from ...hparams import Hparam
    from .purity import Purity

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
)
_GLOBAL_HOOKS = tuple(f"_global{name}" for name in _HOOKS)

#: What `torch.nn.Module` keeps in every module, and what this package does.
_NOT_READ = frozenset(vars(nn.Module())) | {"_compiled_call_impl", "_espalier"}

_MISSING = object()


def has_global_hooks() -> bool:
    """Whether somebody looks on at the calls of all modules."""
    return any(getattr(torch_modules, name) for name in _GLOBAL_HOOKS)


def surroundings() -> tuple[Any, ...]:
    """Return what else an operator's result may depend on."""
    return (
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu"),
        torch.is_autocast_enabled("cuda") and torch.get_autocast_dtype("cuda"),
        torch.backends.cudnn.enabled,
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.allow_tf32,
        torch.backends.mkldnn.enabled,
        torch.backends.cuda.flash_sdp_enabled(),
        torch.backends.cuda.mem_efficient_sdp_enabled(),
        torch.backends.cuda.cudnn_sdp_enabled(),
        torch.backends.cuda.math_sdp_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
        torch.is_anomaly_enabled(),
    )


@final
class State:
    """
    What a module and those below were when it was called.

    Args:
        module: The module.

        purity: Tells what their code reads.

    Raises:
        Unclear: If the result may depend on more.
    """

    def __init__(self, module: nn.Module, purity: Purity) -> None:
        self._parts = [_Part(inner, purity) for inner in module.modules()]

    def holds(self) -> bool:
        """Whether nothing is other than it was."""
        return all(part.holds() for part in self._parts)

    def tensors(self) -> Iterator[Tensor]:
        """Yield every tensor that belongs to them."""
        for part in self._parts:
            yield from part.tensors()

    def weights(self) -> Iterator[Tensor]:
        """Yield their parameters."""
        for part in self._parts:
            yield from part.weights()

    def buffers(self) -> list[Tensor]:
        """Return the tensors whose contents are compared."""
        return [buffer for part in self._parts for buffer, _ in part.copies]

    def changes(self) -> list[tuple[Tensor, Tensor]]:
        """
        Return the buffers that have other contents now, each with a copy of these.

        Raises:
            Unclear: If anything else changed.
        """
        if not all(part.holds(contents=False) for part in self._parts):
            raise Unclear("the call changes more than the contents of buffers")
        pairs = [pair for part in self._parts for pair in part.copies]
        return [(now, copied(now)) for now, before in pairs if not same_bits(now, before)]

    @property
    def bytes(self) -> int:
        """How much memory it takes."""
        return sum(copy.nbytes for part in self._parts for _, copy in part.copies)


@final
class _Part:
    """One module without those below."""

    def __init__(self, module: nn.Module, purity: Purity) -> None:
        own = module.__dict__
        self._module, self._own, self._kind = module, own, type(module)
        self._reads = purity.reads_of(self._kind)
        if self._is_hooked():
            raise Unclear("somebody looks on at its calls")
        self._training = own["training"]
        self._children = dict(own["_modules"])
        self._parameters = [(n, p, _stamp(p)) for n, p in own["_parameters"].items()]
        self._buffers = dict(own["_buffers"])
        plain = {name: value for name, value in own.items() if name not in _NOT_READ}
        self._held = {n: v for n, v in plain.items() if isinstance(v, torch.Tensor)}
        self._plain = {n: _frozen(v, n) for n, v in plain.items() if n not in self._held}
        self._choices = [(leaf, leaf.active, leaf.order) for leaf in _leaves(module)]
        compared = [*self._buffers.values(), *self._held.values()]
        #: Tensors whose contents are compared, each with a copy of them.
        self.copies = [(tensor, _copied(tensor)) for tensor in compared if tensor is not None]

    def weights(self) -> Iterator[Tensor]:
        yield from (parameter for _, parameter, _ in self._parameters if parameter is not None)

    def tensors(self) -> Iterator[Tensor]:
        yield from self.weights()
        yield from (tensor for tensor, _ in self.copies)

    def holds(self, *, contents: bool = True) -> bool:
        own = self._own
        return (
            type(self._module) is self._kind
            and own["training"] is self._training
            and not self._is_hooked()
            and _same_objects(self._children, own["_modules"])
            and _same_objects(self._buffers, own["_buffers"])
            and len(own["_parameters"]) == len(self._parameters)
            and all(
                own["_parameters"].get(name, _MISSING) is parameter and _stamp(parameter) == stamp
                for name, parameter, stamp in self._parameters
            )
            and all(own.get(name) is tensor for name, tensor in self._held.items())
            and self._attributes_hold()
            and all(h.active == c and h.order is order for h, c, order in self._choices)
            and still_so(self._reads)
            and (not contents or all(_is_alike(now, before) for now, before in self.copies))
        )

    def _attributes_hold(self) -> bool:
        count = 0
        for name, value in self._own.items():
            if name in _NOT_READ or name in self._held:
                continue
            frozen = self._plain.get(name, _MISSING)
            count += 1
            if frozen is not value and (frozen is _MISSING or not _equals(frozen, value)):
                return False
        return count == len(self._plain)

    def _is_hooked(self) -> bool:
        return any(self._own[name] for name in _HOOKS)


def _leaves(module: nn.Module) -> list[Hparam]:
    if not isinstance(module, DynamicModule):
        return []
    return list({leaf: None for term in module.layout.axes() for leaf in leaves(term)})


def _stamp(tensor: Tensor | None) -> tuple[int, int] | None:
    if tensor is None:
        return None
    if type(tensor) not in (nn.Parameter, torch.Tensor) or tensor.is_inference():
        raise Unclear("a parameter whose writes are not counted")
    return tensor.data_ptr(), tensor._version  # noqa: SLF001


def _copied(tensor: Tensor) -> Tensor:
    if type(tensor) not in (torch.Tensor, nn.Buffer) or tensor.layout is not torch.strided:
        raise Unclear("a buffer of an unusual kind")
    return copied(tensor)


def _is_alike(now: Tensor, before: Tensor) -> bool:
    return (
        now.shape == before.shape
        and now.dtype == before.dtype
        and now.device == before.device
        and now.stride() == before.stride()
        and same_bits(now, before)
    )


def _same_objects(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return len(before) == len(now) and all(
        now.get(name, _MISSING) is value for name, value in before.items()
    )


def _frozen(value: Any, name: str) -> Any:
    """
    Return *value*, or a copy of it if it may change.

    Raises:
        Unclear: If it may hold more than plain values.
    """
    kind = type(value)
    if name != "forward" and is_constant(value):
        return value
    if kind in (list, set):
        return kind([_frozen(inner, name) for inner in value])
    if kind is dict:
        return {key: _frozen(inner, name) for key, inner in value.items()}
    if kind is tuple:
        return tuple([_frozen(inner, name) for inner in value])
    raise Unclear(f"the attribute {name} is of type {kind.__name__}")


def _equals(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(_equals, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(_equals(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return a is b or (type(a) in (*PLAIN, set, frozenset) and a == b)

"""Numbers of a block that are learned."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, final

import structlog
import torch

from .contexts import devices, placed
from .dtypes import dtype_of
from .errors import DeferredInitializationError, GluonError
from .initializers import Initializer, Uniform, initializer_of
from .leaf import Leaf
from .reading import array_of, factor, fits, shape_of


if TYPE_CHECKING:
    from torch import Tensor

    from .contexts import Place, Places

__all__ = ["Parameter"]

log = structlog.get_logger()

_REQUESTS = ("write", "add", "null")


@final
class Parameter:
    """
    A tensor with a name, and a gradient beside it, on one device or several.

    The tensor of `data` is a leaf of torch's graph: what is computed from it can be
    differentiated by ``backward``, which fills `grad`, or by `torch.autograd.grad`, which leaves
    that alone.

    Args:
        name: What it is called.

        grad_req: What ``backward`` does with the gradient: ``"write"`` it over what was there,
            ``"add"`` it to that until `zero_grad`, or nothing (``"null"``), and then there is
            none.

        shape: Its dimensions; 0 stands for one that is not known yet, ``None`` for all of them.

        dtype: The type of its numbers: one of floating-point numbers.

        lr_mult: A factor of the learning rate, for whoever updates it.

        wd_mult: A factor of the weight decay, for whoever updates it.

        init: What it begins as: an `Initializer`, its name, a number, an array, or a function of
            the shape.

        allow_deferred_init: Whether `initialize` may be called before the shape is known. It is
            then carried out as soon as that is set.

        differentiable: Whether it can have a gradient at all.

        stype: ``"default"``: there are no sparse parameters.

        grad_stype: ``"default"``, too.

    Raises:
        GluonError: If an argument breaks a rule.

    Example:
        >>> weight = Parameter("weight", shape=(2, 2), init=0.5)
        >>> weight.initialize()
        >>> (weight.data() ** 2).sum().backward()
        >>> weight.grad().tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """

    def __init__(  # noqa: PLR0913, PLR0917 - these are Gluon's
        self,
        name: str,
        grad_req: str = "write",
        shape: int | tuple[int, ...] | None = None,
        dtype: Any = "float64",
        lr_mult: float = 1.0,
        wd_mult: float = 1.0,
        init: Any = None,
        allow_deferred_init: bool = False,
        differentiable: bool = True,
        stype: str = "default",
        grad_stype: str = "default",
    ) -> None:
        for kind, given in (("stype", stype), ("grad_stype", grad_stype)):
            if given != "default":
                raise GluonError(f"{name}: {kind} must be 'default', got {given!r}.")
        self.name = name
        self.allow_deferred_init = allow_deferred_init
        self.differentiable = differentiable
        self.init = init
        self._shape = shape_of(name, shape)
        self._dtype = dtype_of(dtype)
        self._data: dict[torch.device, Leaf] = {}
        self._deferred: tuple[Initializer, list[torch.device]] | None = None
        self.lr_mult = lr_mult
        self.wd_mult = wd_mult
        self._grad_req = "null"
        self.grad_req = grad_req

    def __repr__(self) -> str:
        return f"Parameter {self.name} (shape={self.shape}, dtype={self.dtype})"

    # --- What it is. ----------------------------------------------------------------------------

    @property
    def grad_req(self) -> str:
        """What ``backward`` does with the gradient; may be set at any time."""
        return self._grad_req

    @grad_req.setter
    def grad_req(self, value: str) -> None:
        if value not in _REQUESTS:
            known = ", ".join(map(repr, _REQUESTS))
            raise GluonError(f"{self.name}: grad_req must be one of {known}; got {value!r}.")
        request = value if self.differentiable else "null"
        if request != self._grad_req:
            self._grad_req = request
            for leaf in self._data.values():
                leaf.request(request)

    @property
    def init(self) -> Initializer | None:
        """What it begins as; set as it is given when it is made."""
        return self._init

    @init.setter
    def init(self, value: Any) -> None:
        self._init = initializer_of(value)

    @property
    def lr_mult(self) -> float:
        """A factor of the learning rate."""
        return self._lr_mult

    @lr_mult.setter
    def lr_mult(self, value: float) -> None:
        self._lr_mult = factor(self.name, "lr_mult", value)

    @property
    def wd_mult(self) -> float:
        """A factor of the weight decay."""
        return self._wd_mult

    @wd_mult.setter
    def wd_mult(self, value: float) -> None:
        self._wd_mult = factor(self.name, "wd_mult", value)

    @property
    def dtype(self) -> torch.dtype:
        """The type of its numbers; setting it casts them."""
        return self._dtype

    @dtype.setter
    def dtype(self, value: Any) -> None:
        self.cast(value)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Its dimensions, 0 where one is not known; unknown ones can be set, others can't."""
        return self._shape

    @shape.setter
    def shape(self, value: int | tuple[int, ...]) -> None:
        given = shape_of(self.name, value)
        if given is None or not fits(self._shape, given):
            raise GluonError(
                f"{self.name}: the shape must agree with {self._shape} where that is known; got "
                f"{value!r}."
            )
        if self._data and given != self._shape:
            raise GluonError(f"{self.name}: the shape is fixed once there is data; got {value!r}.")
        self._shape = given
        if self._deferred is not None and self._is_known:
            first, places = self._deferred
            self._fill(first, places)

    @property
    def _is_known(self) -> bool:
        return self._shape is not None and all(size > 0 for size in self._shape)

    # --- Beginning. -----------------------------------------------------------------------------

    def initialize(
        self,
        init: Any = None,
        ctx: Places = None,
        default_init: Any = None,
        force_reinit: bool = False,
    ) -> None:
        """
        Make its data and gradients.

        Args:
            init: What it begins as, whatever *default_init* and its own `init` say.

            ctx: On which device, or devices, each of which has a copy; the current context if
                left out.

            default_init: What it begins as if neither *init* nor its own `init` is given; evenly
                drawn small numbers if left out, too.

            force_reinit: Whether to begin anew if it has data. Without, that is kept, and a
                warning logged.

        Raises:
            GluonError: If the shape is not known and may not be told later.
        """
        if self._data and not force_reinit:
            log.warning("parameter_has_data", parameter=self.name, hint="force_reinit=True")
            return
        first = initializer_of(init) or self.init or initializer_of(default_init) or Uniform()
        places = devices(ctx)
        if self._is_known:
            self._fill(first, places)
            return
        if not self.allow_deferred_init:
            raise GluonError(
                f"{self.name}: the shape must be known to initialize, and is {self._shape}. Set "
                f"`shape`, or make it with allow_deferred_init=True."
            )
        self._data = {}
        self._deferred = (first, places)

    def _fill(self, first: Initializer, places: list[torch.device]) -> None:
        self._put(first.make(self.name, self._shape or ()), places)
        self._deferred = None

    def _put(self, value: Tensor, places: list[torch.device]) -> None:
        """Have a copy of *value* on each device, with a gradient of 0."""
        self._data = {
            place: Leaf(placed(self.name, value, place, self._dtype), self._grad_req)
            for place in places
        }

    def reset_ctx(self, ctx: Places) -> None:
        """
        Move to other devices; each has a copy of what the first one held.

        Raises:
            GluonError: If it was not initialized.
        """
        places = devices(ctx)
        if self._deferred is not None:
            self._deferred = (self._deferred[0], places)
            return
        self._put(self.list_data()[0].detach(), places)

    # --- Its numbers. ---------------------------------------------------------------------------

    def _only(self, ctx: Place | None = None) -> Leaf:
        """Return what is on a device; for `None` on the current one, or else on the first."""
        if not self._data:
            self._refuse_to_read()
        first = next(iter(self._data.values()))
        if ctx is None and len(self._data) == 1:
            return first
        device, *others = devices(ctx)
        if others:
            raise GluonError(
                f"{self.name}: is read on one device at a time, got {ctx!r}. Use `list_data` or "
                f"`list_grad` for all."
            )
        if ctx is None:
            return self._data.get(device, first)
        if device not in self._data:
            known = ", ".join(map(str, self._data))
            raise GluonError(f"{self.name}: was initialized on {known}, not on {device}.")
        return self._data[device]

    def _refuse_to_read(self) -> None:
        if self._deferred is not None:
            raise DeferredInitializationError(
                f"{self.name}: has no data before its shape is known, and that is {self._shape}. "
                f"Set `shape` or call `set_data`."
            )
        raise GluonError(f"{self.name}: has no data before `initialize` is called.")

    def data(self, ctx: Place | None = None) -> Tensor:
        """
        Return its numbers on a device.

        Args:
            ctx: Which device; the current context if left out, or the first device if it is not
                on that.

        Returns:
            A leaf of torch's graph, not a copy.

        Raises:
            DeferredInitializationError: If its shape is not known yet.

            GluonError: If it was not initialized, or not there.
        """
        return self._only(ctx).tensor

    def list_data(self) -> list[Tensor]:
        """Return its numbers on all devices, in the order in which these were given."""
        self._only()
        return [leaf.tensor for leaf in self._data.values()]

    def set_data(self, data: Any) -> None:
        """
        Set its numbers on all devices, in place.

        Args:
            data: An array or a number. Where its shape was not known, it is that of the array.

        Raises:
            GluonError: If it is no array, the shape is another, or it was not initialized.
        """
        if not self._data and self._deferred is None:
            self._refuse_to_read()
        value = array_of(self.name, "data", data, self._dtype)
        if value.shape != self._shape:
            if isinstance(data, numbers.Real):
                value = value.expand(self._shape or ())
            else:
                self.shape = tuple(value.shape)
        if not self._data:
            self._refuse_to_read()
        with torch.no_grad():
            for leaf in self._data.values():
                leaf.tensor.copy_(value)

    def grad(self, ctx: Place | None = None) -> Tensor:
        """
        Return its gradient on a device: what ``backward`` writes to, not a copy.

        Args:
            ctx: Which device; the current context if left out, or the first device if it is not
                on that.

        Raises:
            GluonError: If it has none, or was not initialized there.
        """
        return self._gradient(self._only(ctx))

    def _gradient(self, leaf: Leaf) -> Tensor:
        if self._grad_req == "null":
            raise GluonError(
                f"{self.name}: has no gradient, for grad_req is 'null'. Set it to 'write'."
            )
        return leaf.gradient

    def list_grad(self) -> list[Tensor]:
        """Return its gradients on all devices, in the order of `list_data`."""
        self._only()
        return [self._gradient(leaf) for leaf in self._data.values()]

    def list_ctx(self) -> list[torch.device]:
        """Return the devices on which it has data, or will have."""
        if self._deferred is not None:
            return list(self._deferred[1])
        self._only()
        return list(self._data)

    def zero_grad(self) -> None:
        """Set its gradients to 0, if there are any."""
        if self._grad_req != "null":
            for leaf in self._data.values():
                leaf.gradient.zero_()

    def cast(self, dtype: Any) -> None:
        """Turn its numbers and gradients into those of another type."""
        self._dtype = dtype_of(dtype)
        self._data = {
            place: Leaf(
                leaf.tensor.detach().to(self._dtype, copy=True), self._grad_req, leaf.tensor.grad
            )
            for place, leaf in self._data.items()
        }

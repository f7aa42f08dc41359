"""A part of a model: parameters, other blocks, and what is computed with them."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Self

import torch

from .dictionary import ParameterDict
from .dtypes import dtype_of
from .errors import GluonError
from .names import NameScope, named
from .parameter import Parameter


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .contexts import Places

__all__ = ["Block"]


class Block:
    """
    A model, or a part of one.

    A subclass makes its parameters by ``self.params.get(...)`` and its children within
    ``with self.name_scope():``, assigns children to attributes, and writes `forward`.

    Args:
        prefix: What the names of its parameters begin with, after the name of the block within
            whose scope it is made. Left out, it is the name of the class and a number. If it is
            empty, the numbers of its children go on from those around it.

        params: Parameters to share: those of another block, ``other.collect_params()``.

    Example:
        >>> class Scale(Block):
        ...     def __init__(self, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.factor = self.params.get("factor", shape=(1,), init=2.0)
        ...
        ...     def forward(self, x):
        ...         return self.factor.data() * x
        >>> scale = Scale(prefix="scale_")
        >>> scale.initialize()
        >>> list(scale.collect_params()), scale(3.0).tolist()
        (['scale_factor'], [6.0])
    """

    def __init__(self, prefix: str | None = None, params: ParameterDict | None = None) -> None:
        self._children: dict[str, Block] = {}
        self._own: dict[str, Parameter] = {}
        self._prefix, self._params = named(prefix, params, type(self).__name__.lower())
        self._scope = NameScope(self, counts_on=prefix == "")
        self._compiled: Callable[..., Any] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        """Register a child, or a parameter; one can be replaced by another of its kind only."""
        if isinstance(value, (Block, Parameter)) and "_children" not in self.__dict__:
            raise GluonError(
                f"{type(self).__name__}.{name}: blocks and parameters can be assigned only after "
                f"super().__init__() was called. Call it first."
            )
        before = self.__dict__.get(name)
        for kind in (Block, Parameter):
            if isinstance(before, kind) and not isinstance(value, kind):
                raise GluonError(
                    f"{self.name}.{name}: is a {kind.__name__} and must stay one, got {value!r}."
                )
        if isinstance(value, Block):
            self.register_child(value, name)
        elif isinstance(value, Parameter):
            self._own[name] = value
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        lines = "".join(
            f"\n  ({name}): {child!r}".replace("\n  ", "\n    ").replace("\n    (", "\n  (", 1)
            for name, child in self._children.items()
        )
        return f"{type(self).__name__}({lines}\n)" if lines else f"{type(self).__name__}()"

    # --- Names. ---------------------------------------------------------------------------------

    @property
    def prefix(self) -> str:
        """What the names of its parameters begin with."""
        return self._prefix

    @property
    def name(self) -> str:
        """Its prefix, without ``_`` at the end."""
        return self._prefix.removesuffix("_")

    def name_scope(self) -> NameScope:
        """
        Return what makes names of blocks begin with that of this one.

        Use it as ``with self.name_scope():`` around what makes children.
        """
        return self._scope

    # --- Parameters. ----------------------------------------------------------------------------

    @property
    def params(self) -> ParameterDict:
        """Its own parameters, without those of its children."""
        return self._params

    @property
    def assigned(self) -> dict[str, Parameter]:
        """The parameters that were assigned to its attributes, by their names."""
        return {one.name: one for one in self._own.values()}

    def collect_params(self, select: str | None = None) -> ParameterDict:
        """
        Return its parameters and those of its children.

        Args:
            select: A regular expression; only parameters whose name it matches from the beginning
                are returned: ``".*weight|.*bias"``.

        Raises:
            GluonError: If it is no regular expression, or two parameters have one name.
        """
        try:
            wanted = re.compile(select or "")
        except (re.error, TypeError):
            raise GluonError(
                f"select must be a regular expression, as '.*weight|.*bias'; got {select!r}."
            ) from None
        found = ParameterDict(self._params.prefix)
        for block in self._all():
            own = {**block.params, **block.assigned}
            found.update({name: one for name, one in own.items() if wanted.match(name)})
        return found

    def _all(self) -> list[Block]:
        """Return this block and all below it, each once."""
        found: dict[int, Block] = {}

        def look(block: Block) -> None:
            if id(block) not in found:
                found[id(block)] = block
                for child in block.children.values():
                    look(child)

        look(self)
        return list(found.values())

    @property
    def children(self) -> Mapping[str, Block]:
        """Its children by name, in the order in which they came."""
        return self._children

    def register_child(self, block: Block, name: str | None = None) -> None:
        """
        Make *block* a child of this one.

        Args:
            block: What is assigned to an attribute is one already.

            name: What it is called among the children, in place of one that is called so; its
                number, or the next that is free, if left out.

        Raises:
            GluonError: If it is no block.
        """
        if not isinstance(block, Block):
            raise GluonError(f"{self.name}: a child must be a Block, got {block!r}.")
        if name is None:
            numbers = map(str, itertools.count(len(self._children)))
            name = next(number for number in numbers if number not in self._children)
        self._children[name] = block

    def apply(self, fn: Callable[[Block], object]) -> Self:
        """
        Call a function with every child, those below it first, and with this block.

        Args:
            fn: Is given the block.

        Returns:
            This block.
        """
        for child in self._children.values():
            child.apply(fn)
        fn(self)
        return self

    def initialize(
        self,
        init: Any = None,
        ctx: Places = None,
        verbose: bool = False,
        force_reinit: bool = False,
    ) -> None:
        """
        Make the data of all parameters, its own and its children's.

        Args:
            init: What those begin as that do not say themselves.

            ctx: On which device, or devices, each of which has a copy.

            verbose: Whether to log each parameter.

            force_reinit: Whether those that have data begin anew.

        Raises:
            GluonError: As `Parameter.initialize` does.
        """
        self.collect_params().initialize(init, ctx, verbose, force_reinit)

    def cast(self, dtype: Any) -> None:
        """
        Turn the numbers of all parameters, its own and its children's, into another type.

        Raises:
            GluonError: If *dtype* is none of floating-point numbers.
        """
        dtype_of(dtype)
        self.collect_params().cast(dtype)

    # --- Computing. -----------------------------------------------------------------------------

    def hybridize(self, active: bool = True, **kwargs: Any) -> None:
        """
        Have `forward` compiled by `torch.compile`, here and in all children; off at first.

        Args:
            active: Whether it is.

            kwargs: What `torch.compile` is to be told: ``backend="eager"``.
        """
        for child in self._children.values():
            child.hybridize(active, **kwargs)
        self._compiled = torch.compile(self.forward, **kwargs) if active else None

    def __call__(self, *args: Any) -> Any:
        if self._compiled is not None:
            return self._compiled(*args)
        return self.forward(*args)

    def forward(self, *args: Any) -> Any:
        """
        Compute what the block is for.

        Args:
            args: Tensors, by position only.

        Raises:
            GluonError: If the subclass wrote neither this nor `hybrid_forward`.
        """
        return self.hybrid_forward(*args)

    def hybrid_forward(self, *args: Any) -> Any:
        """Compute what the block is for, if the subclass did not write `forward`."""
        del args
        raise GluonError(
            f"{type(self).__name__}: must have a method forward(self, *args) to be called."
        )

    def __getstate__(self) -> dict[str, Any]:
        # What was compiled belongs to this object.
        return {**self.__dict__, "_compiled": None}

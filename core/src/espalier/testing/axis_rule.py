"""Whether an axis rule of a plug-in tells the truth about its operator."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from ..axes import atoms
from ..tracing.call import bind
from .rules import ROUNDS, TOLERANCE, Checker, letters, places


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from ..axes import Axis
    from ..tracing import Axes, Call, Follow, Rule
    from .rules import Units

__all__ = ["check_axis_rule"]


def check_axis_rule(
    op: torch._ops.OpOverload[..., Any],
    rule: Rule,
    *args: Any,
    spans: bool = False,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    **kwargs: Any,
) -> list[str]:
    """
    Fail if *rule* says anything of *op* that is not so for these arguments.

    The operator runs on real data. For each set of units that the rule calls interchangeable, and
    for all of them at once, their order is changed in all operands, which must change the order
    in the results alike and nothing else. Then some are left out, with the integer arguments that
    the rule says follow them: the results must have the predicted shapes, and the values that
    the operator gives in full where what is left out is zero.

    Args:
        op: The operator, one overload of it: ``torch.ops.acme.fused_mlp.default``.

        rule: What a plug-in offers for it by the hook ``espalier_axis_rules``.

        args: Its positional arguments. Tensors best are of ``float64`` with random values, and no
            two axes of one size that have nothing to do with each other, sizes of 3 and more.

        spans: Whether results depend on all units together, as those of a mean or a softmax do,
            where zeros are no substitute for units that are left out. Then only shapes are
            compared there.

        tolerance: Largest relative difference of two results that count as equal.

        seed: Of the draws.

        kwargs: Its arguments by name.

    Returns:
        A letter for each axis of each tensor argument: ``f`` where some units are free, ``p``
        where all are pinned, ``-`` for a size of 0 or 1. A rule that pins everything is never
        wrong, so compare this with what you expect.

    Raises:
        AssertionError: If the rule is wrong, with the operator, the axes and what was done.

    Example:
        >>> mm = torch.ops.aten.mm.default
        >>> a, b = torch.rand(3, 4).double(), torch.rand(4, 5).double()
        >>> def rule(call):
        ...     a, b = call.axes("self"), call.axes("mat2")
        ...     call.unify(a[1], b[0])
        ...     return [[a[0], b[1]]]
        >>> check_axis_rule(mm, rule, a, b)
        ['ff', 'ff']
    """
    checker = _OperatorChecker(op, rule, bind(op, args, kwargs), tolerance)
    rng = random.Random(seed)
    for _ in range(ROUNDS):
        checker.check_new(rng)
        for chosen in [*([found] for found in checker.free), checker.free]:
            checker.check(rng, chosen, values=not spans)
    return [letters(axes) for axes in checker.operands]


class _OperatorChecker(Checker):
    def __init__(
        self,
        op: torch._ops.OpOverload[..., Any],
        rule: Rule,
        arguments: Mapping[str, Any],
        tolerance: float,
    ) -> None:
        self._op = op
        self._name = op._schema.name  # noqa: SLF001
        self._leaves, self._spec = pytree.tree_flatten(dict(arguments))
        self._at = [i for i, leaf in enumerate(self._leaves) if isinstance(leaf, torch.Tensor)]
        self._follows: Sequence[Follow] = ()
        watched = _Watched(rule)
        tensors = [self._leaves[i] for i in self._at]
        super().__init__(self._call, tensors, {self._name: watched}, tolerance)
        self._names = _names(arguments)
        watched.finish(self._name)
        self._follows = watched.follows
        self._check_follows(arguments)

    def check_new(self, rng: random.Random) -> None:
        """Permute the units that the rule says the operator makes."""
        try:
            self.check_alike(rng)
        except AssertionError as error:
            raise AssertionError(
                f"{self._name}: the rule says that new units are all alike, but {error}"
            ) from error

    def check(self, rng: random.Random, chosen: list[Axis], *, values: bool) -> None:
        """Permute and leave out the units in *chosen*."""
        try:
            self.check_permuted(rng, chosen)
            passing = [found for found in chosen if found in self.passing]
            self.check_shrunk(rng, passing, zeros=False, values=values)
            self.check_shrunk(rng, chosen, zeros=True, values=values)
        except AssertionError as error:
            raise AssertionError(f"{self._blame(chosen)}, but {error}") from error
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise AssertionError(
                f"{self._blame(chosen)}, but with fewer units the operator raised "
                f"{_kind(error)}: {error}"
            ) from error

    def call(self, tensors: Sequence[Tensor], units: Units) -> Any:
        """Call the operator, with the integers that follow *units*."""
        return self._call(*tensors, units=units)

    def _call(self, *tensors: Tensor, units: Units | None = None) -> Any:
        leaves = list(self._leaves)
        for i, tensor in zip(self._at, tensors, strict=True):
            leaves[i] = tensor
        arguments = pytree.tree_unflatten(leaves, self._spec)
        for follow in self._follows:
            value = arguments[follow.argument]
            arguments[follow.argument] = _said(follow, units or {}, value)
        schema = self._op._schema.arguments  # noqa: SLF001
        given = [a for a in schema if a.name in arguments]
        written = [arguments[a.name] for a in given if a.is_write]
        result = self._op(
            *(arguments[a.name] for a in given if not a.kwarg_only),
            **{a.name: arguments[a.name] for a in given if a.kwarg_only},
        )
        return result, written

    def _check_follows(self, arguments: Mapping[str, Any]) -> None:
        for follow in self._follows:
            value, said = arguments[follow.argument], _said(follow, {}, arguments[follow.argument])
            given = list(value) if isinstance(value, (list, tuple)) else value
            if said != given and not (follow.kind == "offset" and value in (None, said)):
                raise AssertionError(
                    f"{self._name}: the rule says that {follow.argument} is {said}, got {given}."
                )

    def _blame(self, chosen: list[Axis]) -> str:
        found = [
            f"axis {i} of {name}"
            for name, axes in zip(self._names, self.operands, strict=True)
            for i, axis in enumerate(axes)
            if any(own in chosen for own in atoms(axis))
        ]
        return f"{self._name}: the rule lets {', '.join(found) or 'nothing'} change"


class _WrongShapeError(Exception):
    """The rule tells other outputs than the operator gives."""


class _Watched:
    """The rule, with what became of it."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._failure: Exception | None = None
        self._met = False
        self.follows: Sequence[Follow] = ()

    def __call__(self, call: Call) -> list[Axes]:
        self._met = True
        try:
            axes = self._rule(call)
            _check_shapes(call, axes)
        except Exception as error:
            self._failure = error
            raise
        self.follows = tuple(call.follows)
        return axes

    def finish(self, name: str) -> None:
        """Raise if the rule was not asked, or what it raised."""
        if not self._met:
            raise AssertionError(
                f"{name}: the rule was not asked, as torch takes the operator apart before it "
                f"runs. Write rules for what it is made of."
            )
        if self._failure is not None:
            error = self._failure
            raised = "" if isinstance(error, _WrongShapeError) else f"raised {_kind(error)}: "
            raise AssertionError(f"{name}: the rule {raised}{error}") from error


def _kind(error: Exception) -> str:
    return type(error).__name__


def _check_shapes(call: Call, results: list[Axes]) -> None:
    if len(results) > len(call.outputs):
        raise _WrongShapeError(
            f"tells the axes of {len(results)} outputs, but the operator has {len(call.outputs)}"
        )
    for number, (axes, output) in enumerate(zip(results, call.outputs, strict=False)):
        sizes = tuple(axis.size for axis in axes)
        if sizes != tuple(output.shape):
            raise _WrongShapeError(
                f"says that output {number} has shape {sizes}, but it has {tuple(output.shape)}"
            )


def _said(follow: Follow, units: Units, value: Any) -> Any:
    sizes = [len(places(axis, units)) for axis in follow.axes]
    if follow.kind == "sizes":
        return sizes
    if follow.kind == "shape":
        return [-1 if n == -1 else size for n, size in zip(value, sizes, strict=True)]
    return math.prod(sizes)


def _names(arguments: Mapping[str, Any]) -> list[str]:
    """Return a name for each tensor among the arguments, in their order."""
    return [
        name + (f"[{i}]" if isinstance(value, (list, tuple)) else "")
        for name, value in arguments.items()
        for i, leaf in enumerate(pytree.tree_leaves(value))
        if isinstance(leaf, torch.Tensor)
    ]

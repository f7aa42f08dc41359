"""Whether the axis rules of operators tell the truth: run them on fewer and on permuted units."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn
from torch.utils import _pytree as pytree

from ..axes import Axis, Reason, atom, atoms
from ..axes.axis import Kind
from ..tracing import trace


if TYPE_CHECKING:
    from torch import Tensor

    from ..tracing import Rule

__all__ = ["check_rule"]

#: The units to take of each atom, in order; all of them for one that is not there.
Units: TypeAlias = Mapping[Axis, list[int]]

ROUNDS = 3

#: Relative agreement of ``float64`` results.
TOLERANCE = 1e-9


def check_rule(
    function: Callable[..., Any],
    *tensors: Tensor,
    rules: Mapping[str, Rule] | None = None,
    spans: bool = False,
    literal: bool = False,
    seed: int = 0,
) -> list[str]:
    """
    Fail if an axis that the rules call free can't change, and return which axes are free.

    *function* is traced once. Then units of every free atom of its arguments are permuted, which
    must permute the results alike, while new units of the results must all be alike; and some are
    left out, which must give the results that the rest has in the whole: the same numbers where
    the atom is one of the results', and the numbers with zeros in place of what is left out where
    it is not.

    Args:
        function: Takes *tensors* and returns tensors in any structure. It may change them.

        tensors: Of ``float64``, whole numbers or truth values.

        rules: Further axis rules, by the operator's name.

        spans: Whether the results depend on all units together, as those of a mean or a softmax
            do. Then only their shapes are compared where units are left out.

        literal: Whether *function* holds sizes as numbers, so that it can't run with fewer units.

        seed: Of the draws.

    Returns:
        A letter for each axis of each tensor: ``f`` where some atom is free, ``p`` where all are
        pinned, ``-`` for a size of 0 or 1.

    Raises:
        AssertionError: If the results are not what the axes predict.

    Example:
        >>> check_rule(torch.matmul, torch.ones(2, 3).double(), torch.ones(3, 4).double())
        ['ff', 'ff']
        >>> check_rule(torch.cumsum, torch.ones(2, 3).double(), 1)
        Traceback (most recent call last):
        ...
        TypeError: every argument must be a tensor, got int; bind others to the function.
    """
    for tensor in tensors:
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(
                f"every argument must be a tensor, got {type(tensor).__name__}; bind others to "
                f"the function."
            )
    checker = Checker(function, tensors, rules or {})
    rng = random.Random(seed)
    for _ in range(ROUNDS):
        checker.check_permuted(rng, checker.free)
        checker.check_alike(rng)
        if not literal:
            checker.check_shrunk(rng, checker.passing, zeros=False, values=not spans)
            checker.check_shrunk(rng, checker.free, zeros=True, values=not spans)
    return [letters(axes) for axes in checker.operands]


class _Once(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Any:
        return self.function(*tensors)


class Checker:
    """
    Traces a function once, and compares what it gives for other units with what the axes say.

    Attributes:
        operands: Axes of the arguments.

        results: Axes of the results.

        free: Atoms of the arguments that can change.

        passing: Those of them that the results have too.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        tensors: Sequence[Tensor],
        rules: Mapping[str, Rule],
        tolerance: float = TOLERANCE,
    ) -> None:
        self._function = function
        self._tensors = tensors
        self._tolerance = tolerance
        seen: list[tuple[list[list[Axis]], list[list[Axis]]]] = []
        note = seen.append  # a list would be put back to what it was before the trace

        def watched(*given: Tensor) -> Any:
            operands = [_axes(tensor) for tensor in given]
            output = function(*given)
            note((operands, [_axes(tensor) for tensor in _flat(output)]))
            return output

        trace(_Once(watched), tuple(tensors), rules=rules, pin_inputs=False)
        self.operands, self.results = seen[-1]
        self.free = _free(self.operands)
        reached = {found for axes in self.results for axis in axes for found in atoms(axis)}
        self.passing = [found for found in self.free if found in reached]
        self._whole = self._run(tensors)

    def check_permuted(self, rng: random.Random, chosen: list[Axis]) -> None:
        """Permute the units of the atoms in *chosen*."""
        units = {found: rng.sample(range(found.size), found.size) for found in chosen}
        given = [
            _take(t, axes, units) for t, axes in zip(self._tensors, self.operands, strict=True)
        ]
        self._compare(self._run(given), self._whole, units, "permuted", values=True)

    def check_alike(self, rng: random.Random) -> None:
        """Permute the units that only the results have, which must all be alike."""
        new = [found for found in _free(self.results) if found not in self.free]
        units = {found: rng.sample(range(found.size), found.size) for found in new}
        self._compare(self._whole, self._whole, units, "permuted", values=True)

    def check_shrunk(
        self, rng: random.Random, chosen: list[Axis], *, zeros: bool, values: bool
    ) -> None:
        """Leave out some units of the atoms in *chosen*."""
        units = {
            found: sorted(
                # One unit alone would broadcast where another number fails.
                rng.sample(range(found.size), rng.randint(min(2, found.size - 1), found.size - 1))
            )
            for found in chosen
        }
        pairs = list(zip(self._tensors, self.operands, strict=True))
        whole = self._whole
        if zeros and values:
            whole = self._run([_zero(t, axes, units) for t, axes in pairs])
        found = self._run([_take(t, axes, units) for t, axes in pairs], units)
        self._compare(found, whole, units, "left out", values=values)

    def call(self, tensors: Sequence[Tensor], units: Units) -> Any:
        """Call the function on *tensors*, which have no other units than *units*."""
        del units
        return self._function(*tensors)

    def _run(self, tensors: Sequence[Tensor], units: Units | None = None) -> list[Tensor]:
        with torch.no_grad():
            return _flat(self.call([tensor.clone() for tensor in tensors], units or {}))

    def _compare(
        self, found: list[Tensor], whole: list[Tensor], units: Units, done: str, *, values: bool
    ) -> None:
        for number, (a, b, axes) in enumerate(zip(found, whole, self.results, strict=True)):
            expected = _take(b, axes, units)
            what = f"result {number} with axes {axes} when units were {done}: "
            shown = {tuple(own): found for found, own in units.items()}
            if a.shape != expected.shape:
                raise AssertionError(
                    f"{what}expected shape {tuple(expected.shape)}, got {tuple(a.shape)}; {shown}"
                )
            if values:
                _check_close(a, expected, self._tolerance, f"{what}{shown}")


def _check_close(found: Tensor, expected: Tensor, tolerance: float, what: str) -> None:
    try:
        torch.testing.assert_close(
            found, expected, rtol=tolerance, atol=tolerance / 1000, equal_nan=True
        )
    except AssertionError as error:
        raise AssertionError(f"{what} {error}") from error


def _flat(output: Any) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, torch.Tensor)]


def _axes(tensor: Tensor) -> list[Axis]:
    known: list[Axis] | None = getattr(tensor, "_espalier_axes", None)
    return known or [atom(size, Reason("constant")) for size in tensor.shape]


def _free(operands: list[list[Axis]]) -> list[Axis]:
    every = (found for axes in operands for axis in axes for found in atoms(axis))
    return [found for found in dict.fromkeys(every) if _is_free(found)]


def _is_free(found: Axis) -> bool:
    return found.size > 1 and not found.reasons


def letters(axes: list[Axis]) -> str:
    """Return a letter for each axis: see `check_rule`."""
    return "".join(
        "-" if axis.size <= 1 else "f" if any(map(_is_free, atoms(axis))) else "p" for axis in axes
    )


def places(axis: Axis, units: Units) -> list[int]:
    """Return the positions of *axis* that belong to *units*, in their order."""
    node = axis.root
    if node.kind is Kind.ATOM:
        return units.get(node, list(range(node.size)))
    inner = [places(child, units) for child in node.children]
    sizes = [child.size for child in node.children]
    if node.kind is Kind.CONCAT:
        offsets = itertools.accumulate(sizes[:-1], initial=0)
        return [offset + i for offset, own in zip(offsets, inner, strict=True) for i in own]
    strides = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    return [
        sum(stride * i for stride, i in zip(strides, indices, strict=True))
        for indices in itertools.product(*inner)
    ]


def _take(tensor: Tensor, axes: list[Axis], units: Units) -> Tensor:
    for dim, axis in enumerate(axes):
        tensor = tensor.index_select(dim, torch.tensor(places(axis, units), dtype=torch.int64))
    return tensor


def _zero(tensor: Tensor, axes: list[Axis], units: Units) -> Tensor:
    kept = torch.ones(tensor.shape, dtype=torch.bool)
    for dim, axis in enumerate(axes):
        own = torch.zeros(tensor.shape[dim], dtype=torch.bool)
        own[places(axis, units)] = True
        kept &= own.reshape(-1, *[1] * (tensor.dim() - dim - 1))
    return tensor.where(kept, torch.zeros_like(tensor))

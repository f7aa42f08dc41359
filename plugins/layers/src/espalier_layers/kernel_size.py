"""The size of a convolution's kernel as a choice: the middle of the kernel, and less padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, final

import attrs

from espalier.dynamic import Further


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from espalier.dynamic import LayerRule

#: One number for each spatial axis.
Sizes: TypeAlias = tuple[int, ...]


@final
class KernelSize(Further):
    """
    Keeps the middle of the kernel, which is as if its rim were zero.

    With kernel ``K`` and padding ``p``, a kernel ``k`` needs the padding ``p - d (K - k) / 2``
    for a dilation ``d``, so that each output stands where it stood, at every stride. Where that
    would be negative, ``k`` is not possible.
    """

    def original(self, module: Any) -> Sizes:
        """Return the kernel size of *module*."""
        return tuple(module.kernel_size)

    def smaller(self, module: Any) -> list[Sizes]:
        """Return the sizes below, of one number as far as each axis allows it."""
        full = self.original(module)
        found = {_clipped(size, full) for size in range(1, max(full))}
        return sorted(size for size in found if size != full and _fits(module, size))

    def asked(self, module: Any, rule: LayerRule) -> list[Sizes]:
        """Return the sizes that *rule* lists; a number stands for itself on each axis."""
        full = self.original(module)
        listed: tuple[int | Sizes, ...] = getattr(rule, "kernel_size", ())
        for size in listed:
            if isinstance(size, tuple) and len(size) != len(full):
                raise ValueError(
                    f"kernel_size must have {len(full)} numbers for a kernel of {full}, got {size}"
                )
        return [_clipped(size, full) if isinstance(size, int) else size for size in listed]

    def why_not(self, module: Any, choice: Sizes) -> str:
        """Return why *choice* is not possible."""
        full = self.original(module)
        if any(k > full_k for k, full_k in zip(choice, full, strict=True)):
            return f"kernel {choice} is larger than {full}"
        if any((full_k - k) % 2 for k, full_k in zip(choice, full, strict=True)):
            return f"kernel {choice} has no middle in {full}: each difference must be even"
        return f"kernel {choice} instead of {full} needs more padding to leave out than there is"

    def windows(self, module: Any) -> dict[tuple[str, int], int]:
        """Return the spatial axes of the weight."""
        return {("weight", 2 + axis): axis for axis in range(len(module.kernel_size))}

    def attributes(self, module: Any) -> Mapping[str, Callable[[Sizes], object]]:
        """Return the attributes that follow the kernel size."""
        padding = module.__dict__["padding"]
        margin = _Margin.of(module)
        found: dict[str, Callable[[Sizes], object]] = {"kernel_size": tuple}
        if not isinstance(padding, str):
            found["padding"] = _Less(tuple(padding), margin)
        if "_reversed_padding_repeated_twice" in module.__dict__:
            around = module.__dict__["_reversed_padding_repeated_twice"]
            found["_reversed_padding_repeated_twice"] = _Around(around, margin)
        return found


@attrs.frozen
class _Margin:
    """How many positions a smaller kernel reaches less on each side."""

    kernel_size: Sizes
    dilation: Sizes

    @classmethod
    def of(cls, module: Any) -> _Margin:
        return cls(tuple(module.__dict__["kernel_size"]), tuple(module.__dict__["dilation"]))

    def __call__(self, size: Sizes) -> Sizes:
        axes = zip(self.kernel_size, size, self.dilation, strict=True)
        return tuple(d * (full - k) // 2 for full, k, d in axes)


@attrs.frozen
class _Less:
    """The padding, by the margin less on each side."""

    padding: Sizes
    margin: _Margin

    def __call__(self, size: Sizes) -> Sizes:
        return tuple(p - m for p, m in zip(self.padding, self.margin(size), strict=True))


@attrs.frozen
class _Around:
    """The same as torch keeps it where it pads by itself: two sides of each axis, last first."""

    around: list[int] | Sizes
    margin: _Margin

    def __call__(self, size: Sizes) -> list[int] | Sizes:
        margins = [m for m in reversed(self.margin(size)) for _ in range(2)]
        return type(self.around)(p - m for p, m in zip(self.around, margins, strict=True))


def _clipped(size: int, full: Sizes) -> Sizes:
    return tuple(min(size, full_k) for full_k in full)


def _fits(module: Any, size: Sizes) -> bool:
    full = tuple(module.kernel_size)
    if any(k > full_k or (full_k - k) % 2 for k, full_k in zip(size, full, strict=True)):
        return False
    if isinstance(module.padding, str):
        return bool(module.padding == "same") or size == full
    left = _Less(tuple(module.padding), _Margin.of(module))(size)
    return all(padding >= 0 for padding in left)

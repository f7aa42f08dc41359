"""A brute-force count of the bytes of activations, by running a model on real tensors."""

import itertools
import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


_ATTENTION = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default


class _Alive(TorchDispatchMode):
    """Adds up, after every operator, the storages that some tensor still refers to."""

    def __init__(self, ignored):
        super().__init__()
        self.ignored = {tensor.untyped_storage().data_ptr() for tensor in ignored}
        self.owners = {}
        self.bytes = {}
        self.peak = 0

    def see(self, value):
        for tensor in tree_leaves(value):
            if not isinstance(tensor, torch.Tensor):
                continue
            storage = tensor.untyped_storage()
            key = storage.data_ptr()
            if key in self.ignored or not storage.nbytes():
                continue
            self.bytes[key] = storage.nbytes()
            self.owners.setdefault(key, set()).add(next(_numbers))
            weakref.finalize(tensor, self._gone, key, max(self.owners[key])).atexit = False
        self.peak = max(self.peak, sum(self.bytes.values()))

    def _gone(self, key, owner):
        owners = self.owners.get(key, set())
        owners.discard(owner)
        if not owners:
            self.owners.pop(key, None)
            self.bytes.pop(key, None)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        # The sums of the exponents are what the kernel keeps for a backward pass that never comes.
        self.see(out[0] if function is _ATTENTION else out)
        return out


_numbers = itertools.count()


@torch.no_grad()
def peak_bytes(model, *inputs):
    """Return the most bytes of activations alive after any operator, *inputs* included."""
    watch = _Alive([*model.parameters(), *model.buffers()])
    watch.see(inputs)
    with watch:
        model(*inputs)
    return watch.peak

"""What NVIDIA's Model Optimizer makes of a model, used as its documentation says."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any, final

import modelopt.torch.prune as mtp
import torch
from torch import Tensor, nn
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertAttention

from .task import Budget, Counted, Pruned, Task
from .transformer import CONTEXT, HEADS, WIDTH, Attention


#: Widths are multiples of it, as for everybody; its own is 32.
DIVISOR = 8


def prune(
    task: Task, model: nn.Module, budget: Budget, mode: str, *, heads: bool = False
) -> Pruned:
    """
    Prune in *mode* ``"fastnas"`` or ``"gradnas"``.

    Args:
        task: The task.

        model: A trained model; changed in place.

        budget: What to keep to, as the package counts it.

        mode: Of the package.

        heads: Whether to put attention of the one class in whose heads it searches in its place.
    """
    if heads:
        _put_bert_attention(model)
    score = Counted(task.score)
    batches = task.calibration
    config: dict[str, Any] = {
        "data_loader": batches,
        "collect_func": lambda batch: batch[0],
        "max_iter_data_loader": len(batches),
        "verbose": False,
    }
    if mode == "fastnas":
        config["score_func"] = score
    else:
        config["loss_func"] = lambda out, batch: nn.functional.cross_entropy(
            out.flatten(0, -2), batch[1].flatten()
        )
    with contextlib.redirect_stdout(io.StringIO()):
        pruned, _ = mtp.prune(
            model=model,
            mode=[(mode, _widths(mode))],
            constraints={budget.metric: f"{budget.percent}%"},
            dummy_input=task.inputs,
            config=config,
        )
    return Pruned(pruned.eval(), score.calls)


def _widths(mode: str) -> dict[str, Any]:
    """Return its default rules with another divisor; a rule for one type would freeze the rest."""
    from modelopt.torch.prune.fastnas import FastNASConfig
    from modelopt.torch.prune.gradnas import GradNASConfig

    rules = (FastNASConfig if mode == "fastnas" else GradNASConfig)().model_dump()
    for patterns in rules.values():
        for rule in (patterns or {}).values():
            for name in ("channel_divisor", "feature_divisor"):
                if name in (rule or {}):
                    rule[name] = DIVISOR
    return rules


@final
class _Out(nn.Module):
    """Stand for what comes after attention in BERT, without its shortcut; the norm is not run."""

    def __init__(self, dense: nn.Module) -> None:
        super().__init__()
        self.dense = dense
        self.LayerNorm = nn.LayerNorm(WIDTH, elementwise_affine=False)

    def forward(self, x: Tensor, _: Tensor) -> Tensor:
        return self.dense(x)


@final
class _Causal(nn.Module):
    """
    Attention of BERT that looks at nothing that follows, with the weights of *own*.

    Args:
        own: What it computes the same as.
    """

    def __init__(self, own: Attention) -> None:
        super().__init__()
        config = BertConfig(
            hidden_size=WIDTH,
            num_attention_heads=HEADS,
            attention_probs_dropout_prob=0.0,
            attn_implementation="eager",
        )
        self.bert = BertAttention(config)
        self.bert.self.query, self.bert.self.key, self.bert.self.value = own.q, own.k, own.v
        self.bert.output = _Out(own.out)
        later = torch.full((CONTEXT, CONTEXT), float("-inf")).triu(1)
        self.register_buffer("later", later[None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Take and return shape ``(N, T, width)``."""
        return self.bert(x, attention_mask=self.later)[0]


def _put_bert_attention(model: nn.Module) -> None:
    for block in list(_with_attention(model)):
        block.attention = _Causal(block.attention)


def _with_attention(model: nn.Module) -> Iterator[Any]:
    for module in model.modules():
        if isinstance(getattr(module, "attention", None), Attention):
            yield module

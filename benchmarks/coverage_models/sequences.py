"""Networks for sequences as people write them for themselves."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SelfAttention(nn.Module):
    """
    Causal attention with one matrix for queries, keys and values.

    Args:
        width: Features of each token.

        heads: Parts of them.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        self.n_head = heads
        self.n_embd = width

    def forward(self, x: Tensor) -> Tensor:
        """Take and return shape ``(N, T, width)``."""
        batch, length, width = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        q, k, v = (
            y.view(batch, length, self.n_head, width // self.n_head).transpose(1, 2)
            for y in (q, k, v)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(batch, length, width))


class Block(nn.Module):
    """Attention and two linear layers, each after a norm and beside a shortcut."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = SelfAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))

    def forward(self, x: Tensor) -> Tensor:
        """Take and return shape ``(N, T, width)``."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """A decoder whose embedding is also its last layer."""

    def __init__(self, vocabulary: int = 101, width: int = 96, length: int = 32) -> None:
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(length, width)
        self.h = nn.ModuleList(Block(width, 4, 160) for _ in range(2))
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """Take shape ``(N, T)``, return logits of shape ``(N, T, vocabulary)``."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.wte(tokens) + self.wpe(places)
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


class Tagger(nn.Module):
    """A label for each word, from both sides of it."""

    def __init__(self, vocabulary: int = 101, labels: int = 7) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 40)
        self.lstm = nn.LSTM(40, 28, num_layers=2, batch_first=True, bidirectional=True)
        self.hidden = nn.Linear(56, 36)
        self.label = nn.Linear(36, labels)

    def forward(self, words: Tensor) -> Tensor:
        """Take shape ``(N, T)``, return shape ``(N, T, labels)``."""
        found, _ = self.lstm(self.embedding(words))
        return self.label(torch.relu(self.hidden(found)))


class Translator(nn.Module):
    """torch's own encoder and decoder between embeddings and a last layer."""

    def __init__(self, vocabulary: int = 101, width: int = 48) -> None:
        super().__init__()
        self.source = nn.Embedding(vocabulary, width)
        self.target = nn.Embedding(vocabulary, width)
        self.transformer = nn.Transformer(
            width, 4, 2, 2, dim_feedforward=80, dropout=0.0, batch_first=True
        )
        self.head = nn.Linear(width, vocabulary)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Take shapes ``(N, S)`` and ``(N, T)``, return shape ``(N, T, vocabulary)``."""
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        mask = mask.to(self.head.weight.dtype)
        found = self.transformer(self.source(source), self.target(target), tgt_mask=mask)
        return self.head(found)

"""
Train all networks of a task of ``gp.py``: ``python benchmarks/gp_table.py``.

The losses are written to gp_runs/architectures.json; with one thread it takes some minutes.
"""

import json
import time

import numpy as np
import torch
from gp_runs.architectures import TABLE, everything
from gp_runs.parameters import Config
from rich.progress import track
from sklearn.datasets import load_digits
from torch import Tensor, nn


#: Channels of a network of width 1.
CHANNELS = 4

EPOCHS, BATCH, RATE = 5, 100, 3e-3

#: Networks are trained on so many of the 1,797 digits, and judged by the others.
TRAINED_ON = 1200


class Network(nn.Module):
    """A network of the space: a stem, three layers with or without shortcuts, and a head."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = CHANNELS * int(config["width"])
        self.stem = nn.Conv2d(1, width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(
            _layer(str(config[place]), width) for place in ("first", "second", "third")
        )
        self.activation = nn.ReLU() if config["activation"] == "relu" else nn.Tanh()
        self.shortcut = config["shortcut"] == "yes"
        self.head = nn.Linear(16 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Take images of shape ``(N, 1, 8, 8)``, return logits."""
        x = self.activation(self.stem(x))
        for layer in self.layers:
            made = self.activation(layer(x))
            x = x + made if self.shortcut else made
        return self.head(x.flatten(1))


def _layer(kind: str, width: int) -> nn.Module:
    made = {
        "conv 3x3": lambda: nn.Conv2d(width, width, 3, padding=1),
        "conv 1x1": lambda: nn.Conv2d(width, width, 1),
        "pool": lambda: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
        "none": nn.Identity,
    }
    return made[kind]()


def data() -> tuple[Tensor, Tensor]:
    """Return images and labels in an order that is always the same."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    pixels = torch.tensor(images[order] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return pixels, torch.tensor(labels[order])


def trained(config: Config, images: Tensor, labels: Tensor) -> float:
    """Return the cross-entropy of a network on the digits that it was not trained on."""
    torch.manual_seed(0)
    model = Network(config)
    optimizer = torch.optim.Adam(model.parameters(), RATE, fused=True)
    for _ in range(EPOCHS):
        for some in torch.randperm(TRAINED_ON).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[some]), labels[some]).backward()
            optimizer.step()
    with torch.no_grad():
        logits = model(images[TRAINED_ON:])
    return float(nn.functional.cross_entropy(logits, labels[TRAINED_ON:]))


def main() -> None:
    """Train them all and write the table."""
    torch.set_num_threads(1)
    images, labels = data()
    start = time.process_time()
    losses = [
        round(trained(config, images, labels), 5)
        for config in track(everything(), "training", disable=None)
    ]
    seconds = round(time.process_time() - start)
    found = {"torch": torch.__version__, "seconds": seconds, "losses": losses}
    TABLE.write_text(json.dumps(found) + "\n")
    print(f"{len(losses)} networks in {seconds} s, from {min(losses)} to {max(losses)}")


if __name__ == "__main__":
    main()

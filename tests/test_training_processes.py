"""A supernet that several processes train, with gloo on the CPU."""

import copy
import random

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import espalier


STEPS = 3


def network():
    """Return a small network; input of shape ``(N, 6)``."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 3))


def batch(step):
    """Return the four samples of one step."""
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(step))


def train(model, rank, ranks):
    """Take a few steps, each at a configuration drawn anew; return configurations and weights."""
    supernet = espalier.convert(
        model, inputs=batch(0), config={"nn.Linear": {"feature_divisor": 1}}
    )
    run = DistributedDataParallel(supernet) if ranks > 1 else supernet
    space, rng = espalier.space(run), random.Random(7)
    optimizer = torch.optim.SGD(run.parameters(), lr=0.1, momentum=0.9)
    configs = []
    for step in range(STEPS):
        space.select(space.sample(rng))
        configs.append(space.config())
        share = batch(step).chunk(ranks)[rank]
        optimizer.zero_grad()
        run(share).square().mean().backward()
        optimizer.step()
    return configs, copy.deepcopy(supernet.state_dict())


def work(rank, ranks, address, results):
    """Train as one of several processes."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=ranks)
    configs, state = train(network(), rank, ranks)
    torch.save((configs, state), f"{results}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_processes_train_what_one_does(tmp_path):
    """
    A shared seed gives all ranks the same configurations; gradients are those of the joined batch.
    """
    arguments = (2, f"file://{tmp_path}/meeting", str(tmp_path))
    context = mp.spawn(work, arguments, nprocs=2, join=False)
    for _ in range(60):
        if context.join(timeout=1):
            break
    else:
        for process in context.processes:
            process.kill()
        raise AssertionError("the processes did not end within a minute")
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    configs, state = train(network(), 0, 1)

    assert configs == first[0] == second[0]
    assert 1 < len({tuple(config.values()) for config in configs})
    torch.testing.assert_close(state, first[1])
    torch.testing.assert_close(first[1], second[1], rtol=0, atol=0)

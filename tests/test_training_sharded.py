"""Parameters sharded over two processes by FSDP2, with gloo on the CPU."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

import espalier


BATCH = torch.randn(8, 16, generator=torch.Generator().manual_seed(0))


def converted():
    """Return a small supernet at its smallest subnet."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
    space = espalier.space(espalier.convert(model, inputs=BATCH[:1]))
    space.select(space.min())
    return model


def step(model, batch):
    """Train *model* by one step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(batch).square().mean().backward()
    optimizer.step()


def work(rank, address, results):
    """Train an exported model and then a supernet, both sharded; keep what came of it."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    small = fully_shard(espalier.export(converted()), mesh=mesh)
    step(small, BATCH.chunk(2)[rank])
    weights = [parameter.full_tensor().detach() for parameter in small.parameters()]
    said = ""
    try:
        step(fully_shard(converted(), mesh=mesh), BATCH.chunk(2)[rank])
    except espalier.EspalierError as error:
        said = str(error)
    torch.save((weights, said), f"{results}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_exported_model_is_sharded_and_a_supernet_says_that_it_is_not(tmp_path):
    """
    Sharded, the exported model trains as one process does on the joined batch.
    """
    address = f"file://{tmp_path}/meeting"
    context = mp.spawn(work, (address, str(tmp_path)), nprocs=2, join=False)
    for _ in range(60):
        if context.join(timeout=1):
            break
    else:
        for process in context.processes:
            process.kill()
        raise AssertionError("the processes did not end within a minute")
    alone = espalier.export(converted())
    step(alone, BATCH)
    for rank in range(2):
        weights, said = torch.load(tmp_path / f"{rank}.pt")
        torch.testing.assert_close(weights, [p.detach() for p in alone.parameters()])
        assert "must be given whole" in said

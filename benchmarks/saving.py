"""What saving and restoring cost beside safetensors: ``python benchmarks/saving.py [--write]``."""

import argparse
import copy
import logging
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Self

import attrs
import structlog
import torch
from reporting import Report
from safetensors.torch import load_file, load_model, save_file
from torch import Tensor, nn
from torch.nn import functional as F

import espalier


WIDTH, BLOCKS = 1024, 12

#: Hidden sizes: of the model that is exported, and of what becomes of it.
WIDE, NARROW = 6400, 4160

ABOUT = """\
A residual stack of {blocks} blocks, each a layer norm and two linear layers, of {mb:.0f} MB.
*Exported* was cut to that size from {wide:.0f} MB; *converted* has all its sizes searchable.
Each time is the median of {rounds} rounds, in which all take turns in alternating order.
The files are on one disk, which is brought up to date before each turn.
*Beside* names what safetensors does, in a model that has the right sizes already.
*load_file* includes `load_state_dict`.
*Fsync* waits until the file is on the disk, as `espalier.save` does with *sync*.
`espalier.restore` is given a fresh model of the large sizes.
*Steps* is the part of a restore that traces and converts.
It grows with the operators of a model, not with its bytes.
*Ratio* is without the steps, and *all in all* is with them.
*Cold* means that the system forgot the file before each turn, and read it from the disk.
*Extra memory* is how far anonymous memory rises above what was there before, in MB.
It was watched in a process of its own, whose allocator gives back at once what is freed.
The largest tensor has {largest:.0f} MB.
"""

#: What is set beside what, by the names of `works`.
BESIDE = {
    "save": ("save_file",),
    "save, sync": ("save_file, fsync",),
    "restore": ("load_file", "load_model"),
}
STEPS = "steps"

COLUMNS = (
    "",
    "beside",
    "safetensors, s",
    "Espalier, s",
    "of it steps, s",
    "ratio",
    "all in all",
    "extra memory, safetensors",
    "extra memory, Espalier",
)


class Stack(nn.Module):
    """
    Residual blocks of linear layers.

    Args:
        hidden: Width inside a block.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(BLOCKS))
        self.ups = nn.ModuleList(nn.Linear(WIDTH, hidden) for _ in range(BLOCKS))
        self.downs = nn.ModuleList(nn.Linear(hidden, WIDTH) for _ in range(BLOCKS))

    def forward(self, x: Tensor) -> Tensor:
        """Take and return shape ``(N, WIDTH)``."""
        for norm, up, down in zip(self.norms, self.ups, self.downs, strict=True):
            x = x + down(F.relu(up(norm(x))))
        return x


def converted(hidden: int) -> nn.Module:
    """Return the stack with its sizes searchable."""
    return espalier.convert(Stack(hidden), inputs=torch.zeros(1, WIDTH))


def exported() -> nn.Module:
    """Return the stack cut from `WIDE` to `NARROW`."""
    model = converted(WIDE)
    space = espalier.space(model)
    space.select({name: NARROW for name, hparam in space.items() if hparam.max == WIDE})
    return espalier.export(model)


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "exported": (exported, lambda: Stack(WIDE)),
    "converted": (lambda: converted(NARROW), lambda: Stack(NARROW)),
}


@attrs.frozen
class Work:
    """
    Something to time: *run* is given what *prepare* returns, which takes no part in it.

    Args:
        prepare: Called before each turn.

        run: What is timed.
    """

    prepare: Callable[[], nn.Module]
    run: Callable[[nn.Module], object]


def works(kind: str, folder: pathlib.Path) -> dict[str, Work]:
    """
    Return everything that is timed for a *kind* of model, by name.

    Args:
        kind: A key of `MODELS`.

        folder: Where the files are.
    """
    make, make_fresh = MODELS[kind]
    model, fresh, plain = make(), make_fresh(), Stack(NARROW)
    theirs, ours = folder / f"{kind}.theirs", folder / f"{kind}.ours"
    save_file(plain.state_dict(), theirs)
    espalier.save(model, ours)
    return {
        "save": Work(lambda: model, lambda m: espalier.save(m, folder / "saved")),
        "save, sync": Work(lambda: model, lambda m: espalier.save(m, folder / "saved", sync=True)),
        "save_file": Work(lambda: plain, lambda m: save_file(m.state_dict(), folder / "written")),
        "restore": Work(lambda: copy.deepcopy(fresh), lambda m: espalier.restore(m, ours)),
        "load_file": Work(
            lambda: copy.deepcopy(plain), lambda m: m.load_state_dict(load_file(theirs))
        ),
        "load_model": Work(lambda: copy.deepcopy(plain), lambda m: load_model(m, theirs)),
        "save_file, fsync": Work(lambda: plain, lambda m: save_and_wait(m, folder / "written")),
        STEPS: Work(lambda: copy.deepcopy(fresh), steps_of(kind)),
    }


def save_and_wait(model: nn.Module, path: pathlib.Path) -> None:
    """Save with safetensors, and wait until the file is on the disk."""
    save_file(model.state_dict(), path)
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def steps_of(kind: str) -> Callable[[nn.Module], object]:
    """Return what a restore does beside reading and loading: the conversion, if any."""
    if kind == "exported":
        return lambda _: None
    return lambda model: espalier.convert(model, inputs=torch.zeros(1, WIDTH))


def seconds(work: Work, folder: pathlib.Path, *, cold: bool) -> float:
    """Return how long one turn takes."""
    given = work.prepare()
    os.sync()
    if cold:
        for path in folder.iterdir():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    start = time.perf_counter()
    work.run(given)
    return time.perf_counter() - start


def measured(kind: str, rounds: int, names: list[str], *, cold: bool = False) -> dict[str, float]:
    """Return the median seconds of each of `works` in *names*."""
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        work = {name: found for name, found in works(kind, folder).items() if name in names}
        found: dict[str, list[float]] = {name: [] for name in names}
        order = list(names)
        for _ in range(rounds + 1):
            for name in order:
                found[name].append(seconds(work[name], folder, cold=cold))
            order.reverse()
    # The first round warms up.
    return {name: statistics.median(times[1:]) for name, times in found.items()}


class Watch:
    """Watches the anonymous memory of this process while it is entered."""

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self.before = self.most = anonymous_bytes()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.001):
            self.most = max(self.most, anonymous_bytes())


def anonymous_bytes() -> int:
    """Return how much memory this process has that is no part of a file."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell RssAnon")


def memory(kind: str, name: str) -> float:
    """Return how many MB *name* of `works` takes at most, beyond what there was."""
    with tempfile.TemporaryDirectory() as folder:
        work = works(kind, pathlib.Path(folder))[name]
        given = work.prepare()
        with Watch() as watch:
            work.run(given)
        return (watch.most - watch.before) / 1e6


def memory_in_own_process(kind: str, name: str) -> float:
    """Return `memory` of a process that did nothing else."""
    words = [sys.executable, __file__, "--memory", kind, name]
    # Otherwise the allocator keeps some of what is freed, and what it keeps hangs on the past.
    env = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=env)  # noqa: S603 - our own
    return float(done.stdout)


def rows(kind: str, rounds: int) -> list[list[str]]:
    """Return the rows of the table for a *kind* of model."""
    pairs = [(mine, theirs) for mine, others in BESIDE.items() for theirs in others]
    warm = measured(kind, rounds, [*dict.fromkeys(name for pair in pairs for name in pair), STEPS])
    cold = measured(kind, rounds, ["restore", "load_file"], cold=True)
    used = {name: memory_in_own_process(kind, name) for name in warm if name != STEPS}
    made = []
    for times, chosen, how in ((warm, pairs, ""), (cold, [("restore", "load_file")], ", cold")):
        for mine, theirs in chosen:
            steps = warm[STEPS] if mine == "restore" else 0.0
            numbers = [
                f"{times[theirs]:.3f}",
                f"{times[mine]:.3f}",
                f"{steps:.3f}",
                f"{(times[mine] - steps) / times[theirs]:.2f}",
                f"{times[mine] / times[theirs]:.2f}",
                f"{used[theirs]:.1f}",
                f"{used[mine]:.1f}",
            ]
            made.append([f"{mine}, {kind}{how}", theirs, *numbers])
    for times, how in ((warm, ""), ({**warm, **cold}, ", cold")):
        mine, theirs = (
            sum(times[name] for name in names)
            for names in (("save", "restore"), ("save_file", "load_file"))
        )
        steps = warm[STEPS]
        numbers = [theirs, mine, steps, (mine - steps) / theirs, mine / theirs]
        made.append(
            [
                f"save and restore, {kind}{how}",
                "save_file and load_file",
                *(f"{n:.3f}" for n in numbers[:3]),
                *(f"{n:.2f}" for n in numbers[3:]),
                "",
                "",
            ]
        )
    return made


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/saving.md")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each")
    parser.add_argument("--memory", nargs=2, help="print the extra MB of one call and stop")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.set_num_threads(1)
    if options.memory:
        print(memory(*options.memory))
        return
    megabytes = {
        hidden: sum(p.nbytes for p in Stack(hidden).parameters()) / 1e6
        for hidden in (WIDE, NARROW)
    }
    about = ABOUT.format(
        blocks=BLOCKS,
        mb=megabytes[NARROW],
        wide=megabytes[WIDE],
        rounds=options.rounds,
        largest=WIDTH * NARROW * 4 / 1e6,
    )
    found = [row for kind in MODELS for row in rows(kind, options.rounds)]
    Report("saving", "What saving and restoring cost", about, COLUMNS, found).finish(
        write=options.write
    )


if __name__ == "__main__":
    main()

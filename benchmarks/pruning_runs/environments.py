"""Where everything is made, and the environments of the peers."""

from environments import OURS, ROOT, Environments, requirements, surroundings


__all__ = [
    "OURS",
    "PEERS",
    "PLACE",
    "ROOT",
    "python_of",
    "requirements",
    "set_up",
    "surroundings",
    "version_of",
]

#: Environments, checkpoints, results. Git does not see it.
PLACE = ROOT / "out" / "pruning"

PEERS = ("torch-pruning", "modelopt")

_ALL = Environments(
    PLACE,
    {OURS: "espalier-core", "torch-pruning": "torch-pruning", "modelopt": "nvidia-modelopt"},
)

python_of, set_up, version_of = _ALL.python_of, _ALL.set_up, _ALL.version_of

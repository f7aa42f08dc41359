"""What a plug-in's describing module must not do: load anything heavy."""

from __future__ import annotations

import subprocess
import sys


__all__ = ["check_plugin_is_light"]

#: Each of these takes longer to import than all plug-ins together may.
HEAVY = ("numpy", "pandas", "scipy", "sklearn", "tensorflow", "torch")


def check_plugin_is_light(module: str) -> None:
    """
    Fail if importing *module* fails or imports a heavy package such as torch or numpy.

    Discovery imports every plug-in's module, so one heavy plug-in slows all commands.

    Args:
        module: Import path of the describing module, ``"espalier_acme.plugin"``.

    Raises:
        AssertionError: If the module is heavy or broken, with what it loaded or raised.

    Example:
        >>> check_plugin_is_light("json")
    """
    code = (
        "import importlib, sys; importlib.import_module(sys.argv[1]); "
        "print(*[name for name in sys.argv[2:] if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, module, *HEAVY], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{module} can't be imported:\n{done.stderr}")
    if done.stdout.strip():
        raise AssertionError(
            f"{module} is imported by every look-up and must stay light, but it loads "
            f"{', '.join(done.stdout.split())}. Import those where they are used."
        )

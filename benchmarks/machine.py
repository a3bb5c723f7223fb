"""What measurements depend on: the machine, the versions and the day.

``python -m benchmarks.machine`` prints the versions that a Python has, as JSON.
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["machine", "today", "versions"]

_PACKAGES = ("hillfront", "pymc", "pytensor", "nutpie", "arviz", "numpy", "scipy", "numba", "numpyro", "jax")


def machine() -> dict[str, object]:
    """Cores that this process may use, name of the processor, and memory in GiB."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = None
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    return {"cores": cores, "processor": _processor(), "memory_gib": memory}


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of Python and of what is installed of the packages that are measured."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def today() -> str:
    """Return the day, in UTC."""
    return datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    print(json.dumps(versions()))

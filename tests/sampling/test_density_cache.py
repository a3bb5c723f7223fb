"""A compiled function is compiled anew after a change in any file of its folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

INNER = """
from hillfront.sampling.compiled.cache import compiled

@compiled()
def inner(x):
    return x + {number}
"""

OUTER = """
import numba
from hillfront.sampling.compiled.cache import compiled, compiled_callback
from inner import inner

@compiled()
def outer(x):
    return 10.0 * inner(x)

@compiled_callback(numba.types.double(numba.types.double))
def callback(x):
    return outer(x)

print(outer(0.0), callback.ctypes(0.0), outer.stats.cache_hits[(numba.types.float64,)], callback.cache_hits)
"""


def printed(folder: Path, *, number: float) -> str:
    (folder / "inner.py").write_text(INNER.format(number=number))
    run = [sys.executable, "outer.py"]
    return subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_a_change_in_another_file_of_the_folder_is_seen(tmp_path: Path) -> None:
    (tmp_path / "outer.py").write_text(OUTER)
    assert printed(tmp_path, number=1.0) == "10.0 10.0 0 0"
    assert printed(tmp_path, number=1.0) == "10.0 10.0 1 1"
    assert printed(tmp_path, number=2.0) == "20.0 20.0 0 0"

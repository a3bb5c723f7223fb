"""A command from its start to its end: wall time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Run", "caches", "timed_run"]

_TAIL = 2000
_INTERVAL = 0.01


@dataclass(frozen=True)
class Run:
    """One finished process.

    Attributes
    ----------
    wall : float
        Seconds from its start to its end.
    to_table : float or None
        Seconds from its start until the file that was watched could be read; None if there is none.
    cpu : float
        Seconds of processor time, children included; with ``wall`` it shows a run that was disturbed.
    peak_mib : float
        Largest resident memory, in MiB, of the process or of any one child that it waited for. A program
        that samples in several processes needs more than this.
    status : int
        Exit status.
    """

    wall: float
    to_table: float | None
    cpu: float
    peak_mib: float
    status: int


def timed_run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    allowed: Sequence[int] = (0,),
    watched: Path | None = None,
) -> Run:
    """Run a command to its end, and see when it has written the file that is watched.

    The system starts a child's peak at its parent's, so a caller must itself stay small: it imports nothing
    that samples.

    Raises
    ------
    RuntimeError
        For an exit status that is not allowed, with the end of what the command wrote.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(command), env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        to_table: float | None = None
        ended = 0
        while not ended:
            # wait4, because the usage of all children together would be that of the greediest so far.
            seen = to_table is not None or watched is None
            ended, status, usage = os.wait4(process.pid, 0 if seen else os.WNOHANG)
            if not seen and watched is not None and watched.is_file():
                to_table = time.perf_counter() - start
            elif not ended:
                time.sleep(_INTERVAL)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in allowed:
            output.seek(max(0, output.seek(0, os.SEEK_END) - _TAIL))
            tail = output.read().decode(errors="replace")
            raise RuntimeError(
                f"{' '.join(command)} ended with status {process.returncode}; allowed: "
                f"{', '.join(map(str, allowed))}. Run it by itself. The end of its output:\n{tail}"
            )
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Run(wall, to_table, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, process.returncode)


@contextmanager
def caches(kind: str) -> Iterator[dict[str, str]]:
    """Environment of a run: with the compilers' caches as they are (``warm``), or with ``empty`` ones."""
    if kind == "warm":
        yield {}
        return
    if kind != "empty":
        raise ValueError(f"cache={kind!r} is not known. Allowed: warm, empty.")
    with tempfile.TemporaryDirectory(prefix="hillfront-bench-") as folder:
        root = Path(folder)
        flags = [os.environ.get("PYTENSOR_FLAGS", ""), f"base_compiledir={root / 'pytensor'}"]
        yield {
            "PYTENSOR_FLAGS": ",".join(filter(None, flags)),
            "NUMBA_CACHE_DIR": str(root / "numba"),
            "XDG_CACHE_HOME": str(root / "cache"),
            "MPLCONFIGDIR": str(root / "matplotlib"),
        }

"""``hillfront`` with a stopwatch: the command line as it is, and the seconds of its phases.

``python -m benchmarks.timed_hillfront PHASES.json fit DATA.csv ...`` runs ``hillfront fit DATA.csv ...``.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def _timed(function: Callable[..., Any], name: str, seconds: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*args: Any, **options: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start

    return timed


def main() -> None:
    """Run the command line, then write the seconds of import, compile, sampling and the rest."""
    start = time.perf_counter()
    path, sys.argv = Path(sys.argv[1]), ["hillfront", *sys.argv[2:]]
    seconds: dict[str, float] = {}
    from hillfront import cli
    from hillfront.fits import fitting

    seconds["import"] = time.perf_counter() - start
    fitting.prepare = _timed(fitting.prepare, "compile", seconds)
    sampled = _timed(fitting.PreparedModel.sample, "sampling", seconds)
    fitting.PreparedModel.sample = sampled  # type: ignore[method-assign]
    try:
        cli.main()
    finally:
        seconds["rest"] = time.perf_counter() - start - sum(seconds.values())
        path.write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main()

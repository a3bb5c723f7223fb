"""Seconds of new processes that only import: what no fit can be faster than, and what hillfront adds to it.

Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.contest import here
from benchmarks.machine import machine, today, versions
from benchmarks.records import append_record, has_record, read_records, select, spread_of

__all__ = ["COMMANDS"]

FIT = """
import contextlib, warnings
import hillfront as hf
from hillfront.sampling.arviz_later import allow_arviz_later
warnings.simplefilter("ignore")
with {block}:
    hf.fit(hf.simulate().frontiers, baseline="baseline", draws=1000, progressbar=False)
"""
"""A fit in a process of its own, as the command line makes it, and as a script does."""

COMMANDS = {
    "python alone": ["-c", "pass"],
    "import numpy, pandas, xarray": ["-c", "import numpy, pandas, xarray"],
    "import nutpie": ["-c", "import nutpie"],
    "import pymc": ["-c", "import pymc"],
    "a pair fitted, ArviZ imported before": ["-c", FIT.format(block="contextlib.nullcontext()")],
    "a pair fitted, ArviZ imported beside the chains": ["-c", FIT.format(block="allow_arviz_later()")],
    "import hillfront": ["-c", "import hillfront"],
    "hillfront --help": ["-m", "hillfront", "--help"],
    "hillfront fit --help": ["-m", "hillfront", "fit", "--help"],
    "from hillfront import Frontiers": ["-c", "from hillfront import Frontiers"],
    "from hillfront import fit": ["-c", "from hillfront import fit"],
}


def seconds(arguments: list[str]) -> float:
    """Run Python with these arguments, and wait for it to end."""
    environment = {**os.environ, **here({})}
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure what is missing, and print the median and the range of each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    for repeat in range(options.repeats):
        for name, arguments in COMMANDS.items():
            key = {"benchmark": "startup", "command": name, "repeat": repeat}
            if has_record(read_records(options.work), **key):
                continue
            if repeat == 0:
                seconds(arguments)  # reads the files once, so that the disk does not count
            found = {"seconds": seconds(arguments)}
            made = {"machine": machine(), "versions": versions(), "date": today()}
            append_record(options.work / "startup.jsonl", {**key, **found, **made})
    for name in COMMANDS:
        own = select(read_records(options.work), benchmark="startup", command=name)
        print(f"{name}: {spread_of(record['seconds'] for record in own)} s")


if __name__ == "__main__":
    main()

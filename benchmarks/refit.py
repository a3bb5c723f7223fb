"""How much faster a refit is than the first fit: from the start of a process to its tables, then again.

The first fit of one pair of 4-point curves counts from the start of its process; refits are of other
simulated data of the same shape, in the same process, each up to its tables of gains, verdicts and checks.
With warm caches, and with empty ones, which is the first fit of a machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks.contest import here
from benchmarks.machine import machine, today, versions
from benchmarks.processes import caches
from benchmarks.records import append_record, has_record, read_records, select, spread_of

__all__ = ["CACHES"]

CACHES = ("warm", "empty")
REFITS = 20


def fit_and_refit(path: Path) -> None:
    """Fit once, then again to other data; write when the first was done, and what each of the others took."""
    import hillfront as hf

    def table(random_seed: int) -> hf.Frontiers:
        return hf.simulate(k={"baseline": 0.9, "variant": 0.8}, sigma=0.1, random_seed=random_seed).frontiers

    def tables(fit: hf.FrontierFit) -> None:
        for made in (fit.improvement(), fit.pareto(), fit.diagnostics()):
            made.summary.to_csv(path.with_suffix(".csv"))

    warnings.simplefilter("ignore")
    prepared = hf.prepare(table(1), baseline="baseline")
    tables(prepared.fit(progressbar=False))
    first = time.time()
    seconds = []
    for random_seed in range(2, 2 + REFITS):
        frontiers = table(random_seed)
        start = time.perf_counter()
        tables(prepared.fit(frontiers, progressbar=False))
        seconds.append(time.perf_counter() - start)
    path.write_text(json.dumps({"first_at": first, "refits": seconds}), encoding="utf-8")


def measure(cache: str, repeat: int, work: Path) -> None:
    """Measure one process and add its record, unless it is there."""
    key = {"benchmark": "refit", "cache": cache, "repeat": repeat}
    if has_record(read_records(work), **key):
        return
    with tempfile.TemporaryDirectory(prefix="hillfront-bench-") as folder, caches(cache) as environment:
        path = Path(folder) / "seconds.json"
        start = time.time()
        subprocess.run(
            [sys.executable, "-m", "benchmarks.refit", "--child", str(path)],
            env=here(environment),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        found = json.loads(path.read_text(encoding="utf-8"))
    first, refit = found["first_at"] - start, spread_of(found["refits"]).median
    append_record(
        work / "refit.jsonl",
        {
            **key,
            "first": first,
            "refit": refit,
            "ratio": first / refit,
            "machine": machine(),
            "versions": versions(),
            "date": today(),
        },
    )


def main() -> None:
    """Measure what is missing, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", type=Path, help="used by the benchmark itself")
    options = parser.parse_args()
    if options.child:
        fit_and_refit(options.child)
        return
    for repeat in range(options.repeats):
        for cache in CACHES:
            measure(cache, repeat, options.work)
    for cache in CACHES:
        own = select(read_records(options.work), benchmark="refit", cache=cache)
        first, refit, ratio = (spread_of(r[field] for r in own) for field in ("first", "refit", "ratio"))
        print(f"{cache} caches: first fit {first} s, a refit {refit} s, {ratio} times faster")


if __name__ == "__main__":
    main()

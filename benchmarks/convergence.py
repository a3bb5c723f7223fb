"""How often does a fit that samples until its checks pass still fail them?

Ten tables, six packaged and four simulated, each fitted under many seeds at the defaults: the draws that were
kept, the worst R-hat and the least effective sample size. One record a fit, and a page of all of them.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd

import hillfront as hf
from benchmarks.machine import machine, versions
from benchmarks.records import append_record, has_record, read_records, select
from hillfront.fits.fitting import PreparedModel

__all__ = ["TABLES", "measure", "page"]

_COMMAND = "python -m benchmarks.convergence --seeds 20 --page docs/convergence.md"


def _packaged(model: str, site: str | None) -> hf.Frontiers:
    rows = hf.load_dataset("gated_sae", model=model)
    rows = rows if site is None else rows[rows["site"] == site]
    return hf.Frontiers.from_frame(rows, group=("site", "layer"), y="loss_recovered")


def _simulated(variants: int, settings: int, points: int = 6) -> hf.Frontiers:
    names = ("baseline", *(f"variant {number}" for number in range(1, variants)))
    return hf.simulate(
        variants=names, settings=settings, points=points, interaction_sd=0.2, random_seed=1
    ).frontiers


TABLES: dict[str, Callable[[], hf.Frontiers]] = {
    "Gemma-7B, residual stream": lambda: _packaged("Gemma-7B", "resid"),
    "Gemma-7B, MLP": lambda: _packaged("Gemma-7B", "mlp"),
    "Gemma-7B, attention": lambda: _packaged("Gemma-7B", "attn"),
    "Gemma-7B, all sites": lambda: _packaged("Gemma-7B", None),
    "Pythia-2.8B, residual stream": lambda: _packaged("Pythia-2.8B", "resid"),
    "Pythia-2.8B, all sites": lambda: _packaged("Pythia-2.8B", None),
    "simulated, 2 variants x 1 setting": lambda: _simulated(2, 1, points=4),
    "simulated, 2 variants x 3 settings": lambda: _simulated(2, 3),
    "simulated, 3 variants x 6 settings": lambda: _simulated(3, 6),
    "simulated, 7 variants x 4 settings": lambda: _simulated(7, 4),
}
"""What is fitted, by name."""


@cache
def _prepared(table: str) -> PreparedModel:
    return hf.prepare(TABLES[table](), baseline="baseline")


def measure(table: str, random_seed: int, work: Path) -> None:
    """Fit a table under one seed and add its record, unless it is there."""
    key = {"benchmark": "convergence", "table": table, "random_seed": random_seed}
    if has_record(read_records(work), **key):
        return
    prepared = _prepared(table)
    begin = time.perf_counter()
    fit = prepared.fit(random_seed=random_seed, progressbar=False)
    checks = {check.name: check for check in fit.diagnostics().checks}
    sampling = [checks[name] for name in ("R-hat", "ESS bulk", "ESS tail")]
    record = key | {
        "draws": fit.sampler_options["draws"],
        "rhat": round(checks["R-hat"].value, 5),
        "ess": round(min(check.value for check in sampling[1:])),
        "divergences": int(checks["divergences"].value),
        "failed": any(check.passed is False for check in sampling),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    append_record(work / "convergence.jsonl", record)


def page(work: Path, seeds: range) -> str:
    """Write the Markdown page of all records."""
    records = select(read_records(work), benchmark="convergence")
    rows = pd.DataFrame([record for record in records if record["random_seed"] in seeds])
    about = machine()
    used = versions()
    packages = ", ".join(
        f"{name} {used[name]}" for name in ("pymc", "nutpie", "arviz", "numba") if name in used
    )
    lines = [
        "# How long a fit samples",
        "",
        "A fit samples 1,000 draws a chain, and goes on to 2,000, 4,000 and at most 8,000 while R-hat is",
        "above 1.01, or an effective sample size below 100 a chain, for any reported quantity. A number of",
        "draws that is given, by `draws=` or `--draws`, is kept to.",
        f"Every table was fitted under {len(seeds)} seeds, at the defaults:",
        "",
        "| table | fits | 1,000 draws | 2,000 | 4,000 | 8,000 | largest R-hat | smallest ESS | failed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in (*TABLES, "all"):
        own = rows if name == "all" else rows[rows["table"] == name]
        if own.empty:
            continue
        kept = [int((own["draws"] == draws).sum()) for draws in (1000, 2000, 4000, 8000)]
        cells = [
            name,
            len(own),
            *kept,
            f"{own['rhat'].max():.4f}",
            own["ess"].min(),
            int(own["failed"].sum()),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    early = rows["draws"] > 1000
    lines += [
        "",
        f"At 1,000 draws {early.sum()} of {len(rows)} fits ({early.mean():.0%}) would have failed a check; "
        f"{rows['failed'].sum()} ({rows['failed'].mean():.1%}) fail at the draws that they kept.",
        "",
        f"Written by `{_COMMAND}` on {about['cores']} cores of {about['processor']}, with {packages}.",
        "Another processor draws other numbers from the same seed, and so another table.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds, from 1 on")
    parser.add_argument("--work", type=Path, default=Path("build/benchmarks"), help="folder of the records")
    parser.add_argument("--page", type=Path, help="write the page here")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seeds = range(1, options.seeds + 1)
    # Seed by seed, so that a run that is stopped has all tables.
    for random_seed in seeds:
        for table in TABLES:
            measure(table, random_seed, options.work)
    if options.page is not None:
        options.page.write_text(page(options.work, seeds), encoding="utf-8")


if __name__ == "__main__":
    main()

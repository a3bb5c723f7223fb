"""Which sampler options give the most effective draws per second without divergences?

hillfront's own model and parameterization, over small, medium and large designs: target_accept, the mass
matrix (diagonal or low-rank), and chains at a fixed total of draws.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.cases import case_rows
from benchmarks.judging import judge
from benchmarks.machine import machine, today, versions
from benchmarks.records import Record, append_record, has_record, ratio_of, read_records, select, spread_of
from benchmarks.rivals.gains import Draws
from benchmarks.rivals.tables import Table, read_table
from hillfront.fits.fitting import PreparedModel, prepare
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import row_data
from hillfront.sampling.compiled.sampler import DensitySampler, compiled_density, packed
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.sampling.parameterization import parameterization_of

__all__ = ["DEFAULT", "DESIGNS", "one_at_a_time", "setting_rows"]

DESIGNS = {
    "pair": "small: 2 curves of 4 points",
    "gemma": "medium: 22 curves, 161 SAEs",
    "curves-100": "large: 100 curves of 6 points",
}
TARGETS = (0.9, 0.95, 0.98, 0.99)
ADAPTATIONS = ("diag", "low_rank")
CHAINS = (2, 4, 8)
TOTAL = 4000
DEFAULT: dict[str, Any] = {
    "target_accept": SamplerOptions().target_accept,
    "adaptation": "diag",
    "chains": 4,
}


def sampled(
    prepared: PreparedModel,
    table: Table,
    *,
    target_accept: float,
    adaptation: str,
    chains: int,
    total: int,
    tune: int,
    random_seed: int,
) -> dict[str, Any]:
    """Sample once, from hillfront's initial values and in its parameterization, and judge the gains."""
    import nutpie

    sampler = prepared.sampler
    assert isinstance(sampler, DensitySampler)
    layout, rows = sampler.layout, row_data(prepared.frontiers, prepared.design)
    parameterization = parameterization_of(rows, prepared.design)
    compiled = compiled_density(
        layout, packed(layout, rows, parameterization.centring), parameterization.initial_values
    )
    start = time.perf_counter()
    tree = nutpie.sample(
        compiled,
        draws=total // chains,
        tune=tune,
        chains=chains,
        random_seed=random_seed,
        target_accept=target_accept,
        adaptation=adaptation,
        save_warmup=False,
        progress_bar=False,
    )
    seconds = time.perf_counter() - start
    variables = layout.variables(tree["posterior"]["point"].to_numpy(), parameterization.centring)
    natural = prepared.design.natural(
        *(variables[parameter.name] for parameter in prepared.design.family.sampled)
    )
    stats = tree["sample_stats"]
    judged = judge(table, Draws(natural["x_half"], natural["k"], int(stats["diverging"].sum())))
    return {
        **judged,
        "seconds": seconds,
        "ess_per_second": judged["ess"] / seconds,
        "steps": float(stats["n_steps"].mean()),
    }


def setting_rows(records: list[Record]) -> list[tuple[str, ...]]:
    """One row a setting of one design, the best without divergences first.

    Returns
    -------
    list of tuple of str
        target_accept; adaptation; chains; ESS a second; its ratio to the default's; divergences of all
        repeats; largest R-hat; steps a draw.
    """
    default = select(records, **DEFAULT)
    keys = dict.fromkeys((r["target_accept"], r["adaptation"], r["chains"]) for r in records)
    rows = []
    for target, adaptation, chains in keys:
        own = select(records, target_accept=target, adaptation=adaptation, chains=chains)
        ess = spread_of(r["ess_per_second"] for r in own)
        diverged = sum(r["divergences"] for r in own)
        cells = (
            f"{target:g}",
            adaptation,
            str(chains),
            str(ess),
            str(ratio_of(own, default, "ess_per_second")),
            str(diverged),
            str(spread_of(r["rhat"] for r in own)),
            str(spread_of(r["steps"] for r in own)),
        )
        rows.append((diverged > 0, -ess.median, cells))
    return [cells for *_, cells in sorted(rows)]


def one_at_a_time(
    targets: Sequence[float], adaptations: Sequence[str], chains: Sequence[int]
) -> list[dict[str, Any]]:
    """Return the default options, and all that differ from it in one."""
    varied = {"target_accept": targets, "adaptation": adaptations, "chains": chains}
    sampler_options = [DEFAULT]
    sampler_options += [{**DEFAULT, name: value} for name, values in varied.items() for value in values]
    return [
        setting for index, setting in enumerate(sampler_options) if setting not in sampler_options[:index]
    ]


def main() -> None:
    """Measure what is missing, and print the sampler_options of each design, the best first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--designs", nargs="+", choices=list(DESIGNS), default=list(DESIGNS))
    parser.add_argument("--targets", nargs="+", type=float, default=list(TARGETS))
    parser.add_argument("--adaptations", nargs="+", choices=ADAPTATIONS, default=list(ADAPTATIONS))
    parser.add_argument("--chains", nargs="+", type=int, default=list(CHAINS))
    parser.add_argument("--repeats", type=int, default=3, help="seeds")
    parser.add_argument("--total", type=int, default=TOTAL, help="kept draws of all chains together")
    parser.add_argument("--tune", type=int, default=1000)
    options = parser.parse_args()
    for design in options.designs:
        prepared: PreparedModel | None = None
        common = {"benchmark": "sampling", "case": design, "total": options.total, "tune": options.tune}
        sampler_options = one_at_a_time(options.targets, options.adaptations, options.chains)
        for repeat, setting in itertools.product(range(options.repeats), sampler_options):
            key = {**common, **setting, "repeat": repeat}
            if has_record(read_records(options.work), **key):
                continue
            if prepared is None:
                prepared, table = _prepared(design, options.work)
            found = sampled(
                prepared, table, **setting, total=options.total, tune=options.tune, random_seed=1 + repeat
            )
            made = {"machine": machine(), "versions": versions(), "date": today()}
            append_record(options.work / "sampling.jsonl", {**key, **found, **made})
        print(f"{DESIGNS[design]}; {options.total} draws in all, {options.tune} tuning steps a chain")
        for row in setting_rows(select(read_records(options.work), **common)):
            target, adaptation, chains, ess, ratio, diverged, rhat, steps = row
            print(
                f"  target_accept {target}, {adaptation}, {chains} chains: {ess} ESS/s ({ratio} times the "
                f"default's); divergences {diverged}; R-hat {rhat}; {steps} steps a draw"
            )


def _prepared(design: str, work: Path) -> tuple[PreparedModel, Table]:
    rows = case_rows(design)
    data = work / "cases" / f"{design}.csv"
    data.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(data, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frontiers = Frontiers.from_frame(rows, group="setting", y="performance_hit")
    return prepare(frontiers, baseline="baseline"), read_table(data)


if __name__ == "__main__":
    main()

"""Is it the same posterior? Every reported quantity of hillfront's fit against the reference model's.

Each row of the improvement table is compared by its median and both ends of its interval: the difference of
the two fits over their combined Monte Carlo standard error. Of independent, exact samplers 0.3% of these
lie beyond 3; quantities of one fit go together, so a few seeds are compared.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from benchmarks.cases import CASES, case_rows
from benchmarks.machine import machine, today, versions
from benchmarks.records import append_record, has_record, read_records, select, spread_of
from benchmarks.rivals.reference import reference_model
from benchmarks.rivals.tables import Table, read_table

__all__ = ["BOUND", "QUANTILES", "differences"]

QUANTILES = (0.05, 0.5, 0.95)
BOUND = 3.0
EXPECTED_BEYOND = 0.0027
_REFERENCE_SEED = 10_000


def differences(ours: NDArray[np.float64], reference: NDArray[np.float64]) -> list[float]:
    """Differences of the quantiles of one quantity, in combined Monte Carlo standard errors.

    Parameters
    ----------
    ours, reference : array, shape (chain, draw)
        Chains and draws may differ in number.

    Returns
    -------
    list of float
        One for each of ``QUANTILES``; empty where the quantity is not defined in all draws.
    """
    if not (np.isfinite(ours).all() and np.isfinite(reference).all()):
        return []
    found = []
    for prob in QUANTILES:
        errors = [
            float(arviz_stats.mcse(values, method="quantile", prob=prob)) for values in (ours, reference)
        ]
        apart = float(np.quantile(ours, prob) - np.quantile(reference, prob))
        found.append(apart / float(np.hypot(*errors)))
    return found


def _reference_posterior(table: Table, *, draws: int, tune: int, random_seed: int) -> tuple[xr.Dataset, int]:
    """Sample the reference model as carefully as hillfront samples its own."""
    import nutpie

    compiled = nutpie.compile_pymc_model(reference_model(table))
    tree = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=4,
        random_seed=random_seed,
        target_accept=0.99,
        progress_bar=False,
    )
    return tree["posterior"].to_dataset(), int(tree["sample_stats"]["diverging"].sum())


def compared(case: str, repeat: int, *, draws: int, tune: int, work: Path) -> dict[str, Any]:
    """Fit both and compare all rows of the improvement table."""
    import hillfront as hf
    from hillfront.estimands.comparisons import labelled_values
    from hillfront.estimands.improvement import improvement_of

    data = work / "cases" / f"{case}.csv"
    data.parent.mkdir(parents=True, exist_ok=True)
    rows = case_rows(case)
    rows.to_csv(data, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frontiers = hf.Frontiers.from_frame(rows, group="setting", y="performance_hit")
    random_seed = 1 + repeat
    fit = hf.fit(
        frontiers, baseline="baseline", draws=draws, tune=tune, random_seed=random_seed, progressbar=False
    )
    posterior, diverged = _reference_posterior(
        read_table(data), draws=draws, tune=tune, random_seed=_REFERENCE_SEED + random_seed
    )
    posterior = posterior.sel(setting=list(fit.design.settings), variant=list(fit.design.variants))
    # Its own seed, because a new setting's effects are drawn anew.
    reference = improvement_of(posterior, frontiers, fit.design, random_seed=_REFERENCE_SEED + random_seed)
    ours = fit.improvement()
    found: list[tuple[float, str]] = []
    labels, values = labelled_values(ours.draws)
    for (quantity, variant, setting, at), *pair in zip(
        labels, values, labelled_values(reference.draws)[1], strict=True
    ):
        if np.isnan(pair).all():
            continue
        name = f"{quantity}{'' if np.isnan(at) else f' at {at:g}'} of {variant}, {setting}"
        found += [
            (z, f"{name}, {prob:.0%} point") for z, prob in zip(differences(*pair), QUANTILES, strict=False)
        ]
    worst = max(found, key=lambda pair: abs(pair[0]))
    return {
        "rows": len(ours.summary),
        "compared": len(found),
        "beyond": sum(abs(z) > BOUND for z, _ in found),
        "largest": abs(worst[0]),
        "worst": worst[1],
        "root_mean_square": float(np.sqrt(np.mean([z**2 for z, _ in found]))),
        "divergences": int(fit.data["sample_stats"]["diverging"].sum()),
        "reference_divergences": diverged,
    }


def main() -> None:
    """Compare what is missing, and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--repeats", type=int, default=3, help="seeds")
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--tune", type=int, default=1000)
    options = parser.parse_args()
    for case in options.cases:
        key = {"benchmark": "same_posterior", "case": case, "draws": options.draws, "tune": options.tune}
        for repeat in range(options.repeats):
            if not has_record(read_records(options.work), **key, repeat=repeat):
                found = compared(case, repeat, draws=options.draws, tune=options.tune, work=options.work)
                made = {"machine": machine(), "versions": versions(), "date": today()}
                append_record(
                    options.work / "same_posterior.jsonl", {**key, "repeat": repeat, **found, **made}
                )
        records = select(read_records(options.work), **key)
        total = sum(record["compared"] for record in records)
        print(
            f"{CASES[case]}: largest difference {spread_of(r['largest'] for r in records)} Monte Carlo "
            f"standard errors, root mean square {spread_of(r['root_mean_square'] for r in records)}; "
            f"{sum(r['beyond'] for r in records)} of {total} beyond {BOUND:g} "
            f"({EXPECTED_BEYOND * total:.1f} expected)"
        )
        for record in records:
            print(f"  largest: {record['largest']:.2f}, {record['worst']}")


if __name__ == "__main__":
    main()

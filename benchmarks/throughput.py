"""How many simulated sets a second a study fits, compilation excluded; run it on an idle machine.

Each set is fitted as the studies do (4 chains, see hillfront.studies.simulated), with its gains and verdicts.
The effective sample sizes are the bulk ones of every gain that is reported on average over the settings.
"""

from __future__ import annotations

import argparse
import time

import arviz_stats
import numpy as np
from joblib import Parallel, delayed

from hillfront.fits.simulation import simulate
from hillfront.studies.simulated import DRAWS, TUNE, prepared_for, refit


def compiled(settings: int) -> float:
    """Compile the model in this process, and wait long enough for every other one to be asked too."""
    start = time.perf_counter()
    refit(
        prepared_for(settings=settings), simulate(settings=settings, random_seed=1).frontiers, random_seed=1
    )
    time.sleep(max(0.0, 60.0 - (time.perf_counter() - start)))
    return time.perf_counter() - start


def one(settings: int, random_seed: int) -> float:
    """Fit one set; the smallest effective sample size of its gains."""
    frontiers = simulate(
        settings=settings, k={"baseline": 0.9, "variant": 0.8}, random_seed=random_seed
    ).frontiers
    improvement = refit(prepared_for(settings=settings), frontiers, random_seed=random_seed).improvement
    average = improvement.draws.sel(setting="average", drop=True)
    return float(arviz_stats.ess(average).to_array().min())


def main() -> None:
    """Print fits a second for one pair of curves and for two variants in three settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sets", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with Parallel(n_jobs=options.workers) as parallel:
        for settings, curves in ((1, "one pair of curves"), (3, "two variants in three settings")):
            parallel(delayed(compiled)(settings) for _ in range(options.workers))
            rates, ess = [], []
            for repeat in range(options.repeats):
                start = time.perf_counter()
                seeds = range(1000 * repeat + 1, 1000 * repeat + 1 + options.sets)
                ess += parallel(delayed(one)(settings, random_seed) for random_seed in seeds)
                rates.append(options.sets / (time.perf_counter() - start))
            print(
                f"{curves} of 4 points, {options.workers} workers, 4 chains of {TUNE} + {DRAWS}: "
                f"{np.median(rates):.2f} fits/s [{min(rates):.2f}, {max(rates):.2f}]; smallest ESS of a fit: "
                f"median {np.median(ess):.0f}, 5% {np.quantile(ess, 0.05):.0f}, least {min(ess):.0f}"
            )


if __name__ == "__main__":
    main()

"""Rival: ``scipy.optimize.curve_fit`` on each curve, with a bootstrap of its points."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from benchmarks.rivals.gains import Draws, Phases, write_results
from benchmarks.rivals.options import parse_options
from benchmarks.rivals.tables import read_table

Floats = NDArray[np.float64]


def hill(log_x: Floats, log_x_half: float, log_k: float) -> Floats:
    """Hill curve of log sparsity."""
    return np.asarray(special.expit(np.exp(log_k) * (log_x - log_x_half)))


def fitted(x: Floats, y: Floats, start: tuple[float, float]) -> tuple[float, float]:
    """Log x_half and log k by least squares; NaN where there is no curve or no minimum."""
    if len(np.unique(x)) < 2:
        return np.nan, np.nan
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # two points have no covariance, which is not asked for
            (log_x_half, log_k), _ = optimize.curve_fit(hill, np.log(x), y, p0=start)
    except RuntimeError:
        return np.nan, np.nan
    return float(log_x_half), float(log_k)


def main() -> None:
    """Fit DATA.csv."""
    options = parse_options(__doc__)
    phases = Phases()
    table = read_table(options.data)
    rng = np.random.default_rng(options.random_seed)
    theta = np.full((2, options.resamples, len(table.settings), len(table.variants)), np.nan)
    for setting in range(len(table.settings)):
        for variant in range(len(table.variants)):
            x, y = table.curve(setting, variant)
            if not len(x):
                continue
            best = fitted(x, y, (0.0, np.log(0.8)))
            start = best if np.isfinite(best).all() else (0.0, float(np.log(0.8)))
            for resample in range(options.resamples):
                rows = rng.integers(len(x), size=len(x))
                theta[:, resample, setting, variant] = fitted(x[rows], y[rows], start)
    phases.end("sampling")
    with np.errstate(over="ignore", invalid="ignore"):
        draws = Draws(np.exp(theta[0])[None], np.exp(theta[1])[None], independent=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            write_results(table, draws, phases, options.out)


if __name__ == "__main__":
    main()

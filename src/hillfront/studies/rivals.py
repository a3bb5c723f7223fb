"""Intervals that users would otherwise give, from the same SAEs.

Least squares on y with a Wald interval, regression of logit y with a t interval, and the bootstrap of least
squares on y. Each treats every curve on its own and combines settings by the mean of their log gains, as the
average over settings is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from hillfront.curves.families import HILL
from hillfront.frontiers.ranges import observed_ranges, shared_range
from hillfront.frontiers.table import Frontiers
from hillfront.studies.least_squares import (
    REFERENCE,
    LeastSquares,
    fit_hill_lines,
    least_squares,
    log_sparsity,
    resample_counts,
)
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed

__all__ = ["BOOTSTRAP", "LOGIT", "WALD", "rival_rows"]

Floats = NDArray[np.float64]
Ends = tuple[float, float, float]
Curves = Mapping[tuple[str, str], tuple[Floats, Floats]]

WALD: Final = "least squares, Wald"
LOGIT: Final = "logit regression, t"
BOOTSTRAP: Final = "least squares, bootstrap"
_PAIR: Final = ("variant", "baseline")


def rival_rows(frontiers: Frontiers, *, at_hit: float, random_seed: int) -> list[dict[str, Any]]:
    """Return intervals of each method for the sparsity gain at a hit, and for its mean over the shared range.

    Parameters
    ----------
    frontiers : Frontiers
        Of the variants ``baseline`` and ``variant``.
    at_hit : float
        Hit at which ``sparsity_gain`` is read.
    random_seed : int
        Of the bootstrap.

    Returns
    -------
    list of dict
        method, quantity, lower, median, upper; of the bootstrap also redrawn (resamples that held a single
        L0 and were drawn again) and undefined (resamples with a curve that does not rise, which count
        against both ends of the interval). The ends are NaN where a method gives none: the regression, where
        a hit lies outside (0, 1) or a curve has two points; the bootstrap, where more resamples are undefined
        than a tail holds.
    """
    curves = {
        (setting, variant): (rows["sparsity"].to_numpy(float), rows["performance_hit"].to_numpy(float))
        for variant, setting, rows in frontiers.curves()
    }
    fits = {key: least_squares(x, y, HILL) for key, (x, y) in curves.items()}
    rng = np.random.default_rng([random_seed, 5])
    lines, redrawn = {}, 0
    for key, (x, y) in curves.items():
        counts, again = resample_counts(x, rng=rng)
        lines[key] = fit_hill_lines(x, y, counts)
        redrawn += again
    rows = []
    for quantity, hits in _hits(frontiers, at_hit).items():
        if not hits:
            continue
        bootstrap, undefined = _bootstrap(lines, hits)
        for method, ends, of_resamples in (
            (WALD, _wald(fits, hits), {}),
            (LOGIT, _logit_regression(curves, hits), {}),
            (BOOTSTRAP, bootstrap, {"redrawn": redrawn, "undefined": undefined}),
        ):
            named = dict(zip(("lower", "median", "upper"), ends, strict=True))
            rows.append({"method": method, "quantity": quantity, **named, **of_resamples})
    return rows


def _hits(frontiers: Frontiers, at_hit: float) -> dict[str, dict[str, float]]:
    """Return the hit at which the log gain is each quantity, by setting."""
    ranges = observed_ranges(frontiers)
    middles = {}
    for setting in frontiers.settings:
        shared = shared_range(ranges, variant="variant", baseline="baseline", setting=setting, of="hit")
        if shared:
            # Log x is linear in logit y, so the mean over log y is the value at the mean logit.
            u = np.linspace(np.log(shared.low), np.log(shared.high), 201)
            middles[setting] = float(
                special.expit(np.trapezoid(special.logit(np.exp(u)), u) / (u[-1] - u[0]))
            )
    return {"sparsity_gain": dict.fromkeys(frontiers.settings, at_hit), "mean_sparsity_gain": middles}


def _ends(log_ends: ArrayLike) -> Ends:
    with np.errstate(over="ignore"):  # an interval without end
        lower, middle, upper = np.exp(log_ends)
    return float(lower), float(middle), float(upper)


def _mean_log_gain[Curve](
    curves: Mapping[tuple[str, str], Curve],
    hits: Mapping[str, float],
    position: Callable[[Curve, float], tuple[float, float]],
) -> tuple[float, Floats]:
    """Return the mean over settings, from log sparsity and its variance, and each curve's part of it."""
    found = [[position(curves[setting, name], hit) for name in _PAIR] for setting, hit in hits.items()]
    values, variances = np.moveaxis(np.array(found), -1, 0)
    return float((values[:, 0] - values[:, 1]).mean()), variances.ravel() / len(hits) ** 2


def _wald(fits: Mapping[tuple[str, str], LeastSquares], hits: Mapping[str, float]) -> Ends:
    def position(fit: LeastSquares, hit: float) -> tuple[float, float]:
        above = float(special.logit(hit) - special.logit(REFERENCE.hit))
        # theta is (log x at the reference hit, log k); x_half itself may lie beyond any float.
        return fit.estimate(lambda theta: float(theta[0] + above * np.exp(-theta[1])))

    middle, variances = _mean_log_gain(fits, hits, position)
    half = special.ndtri(0.5 + 0.5 * DEFAULT_PROB) * np.sqrt(variances.sum())
    return _ends([middle - half, middle, middle + half])


def _logit_regression(curves: Curves, hits: Mapping[str, float]) -> Ends:
    """Regress logit y on log x and read log x at a hit: delta method, Welch's degrees of freedom."""
    sizes = np.array([len(curves[setting, name][1]) for setting in hits for name in _PAIR])
    inside = [((y > 0) & (y < 1)).all() for (setting, _), (_, y) in curves.items() if setting in hits]
    if not all(inside) or sizes.min() < 3:
        return np.nan, np.nan, np.nan

    def position(curve: tuple[Floats, Floats], hit: float) -> tuple[float, float]:
        (slope, level), covariance = np.polyfit(np.log(curve[0]), special.logit(curve[1]), 1, cov=True)
        at = (special.logit(hit) - level) / slope
        gradient = np.array([-at, -1.0]) / slope
        return float(at), float(gradient @ covariance @ gradient)

    middle, variances = _mean_log_gain(curves, hits, position)
    dof = variances.sum() ** 2 / (variances**2 / (sizes - 2)).sum()
    half = stats.t.ppf(0.5 + 0.5 * DEFAULT_PROB, dof) * np.sqrt(variances.sum())
    return _ends([middle - half, middle, middle + half])


def _bootstrap(lines: Mapping[tuple[str, str], Floats], hits: Mapping[str, float]) -> tuple[Ends, int]:
    """Return the percentile interval of the mean gain over resamples, and how many have none."""
    log_gains = [
        log_sparsity(lines[setting, "variant"], hit) - log_sparsity(lines[setting, "baseline"], hit)
        for setting, hit in hits.items()
    ]
    log_gain = np.mean(log_gains, axis=0)
    return _ends(equal_tailed(log_gain)), int(np.isnan(log_gain).sum())

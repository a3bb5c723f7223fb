"""Intervals that users would otherwise give, from the same SAEs.

Least squares on y with a Wald interval, regression of logit y with a t interval, and the bootstrap of least
squares on y. Each treats every curve on its own and combines settings by the mean of their log gains, as the
average over settings is defined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from hillfront.curves.families import HILL
from hillfront.frontiers.ranges import observed_ranges, shared_range
from hillfront.frontiers.table import Frontiers
from hillfront.studies.least_squares import (
    REFERENCE,
    HillLines,
    LeastSquares,
    fit_hill_lines,
    least_squares,
    log_ratio,
    resample_counts,
)
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed

__all__ = ["BOOTSTRAP", "LOGIT", "WALD", "rival_rows"]

Floats = NDArray[np.float64]
Ends = tuple[float, float, float]

WALD: Final = "least squares, Wald"
LOGIT: Final = "logit regression, t"
BOOTSTRAP: Final = "least squares, bootstrap"
_PAIR: Final = ("variant", "baseline")


class _Curve(NamedTuple):
    """Sparsity and hit of the SAEs of one curve."""

    x: Floats
    y: Floats


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
        (setting, variant): _Curve(rows["sparsity"].to_numpy(float), rows["performance_hit"].to_numpy(float))
        for variant, setting, rows in frontiers.curves()
    }
    fits = {key: least_squares(curve.x, curve.y, HILL) for key, curve in curves.items()}
    rng = np.random.default_rng([random_seed, 5])
    lines, redrawn = {}, 0
    for key, curve in curves.items():
        counts, again = resample_counts(curve.x, rng=rng)
        lines[key] = fit_hill_lines(curve.x, curve.y, counts)
        redrawn += again
    rows = []
    for quantity, hits in _hits(frontiers, at_hit).items():
        if not hits:
            continue
        bootstrap, undefined = _bootstrap(lines, hits)
        found: dict[str, tuple[Ends, dict[str, int]]] = {
            WALD: (_wald(fits, hits), {}),
            LOGIT: (_logit_regression(curves, hits), {}),
            BOOTSTRAP: (bootstrap, {"redrawn": redrawn, "undefined": undefined}),
        }
        for method, (ends, of_resamples) in found.items():
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


def _ends(middle: float, half: float) -> Ends:
    with np.errstate(over="ignore"):  # an interval without end
        lower, estimate, upper = np.exp([middle - half, middle, middle + half])
    return float(lower), float(estimate), float(upper)


def _wald(fits: Mapping[tuple[str, str], LeastSquares], hits: Mapping[str, float]) -> Ends:
    parts = []
    for setting, hit in hits.items():
        above = float(special.logit(hit) - special.logit(REFERENCE.hit))

        def log_gain(variant: Floats, baseline: Floats, above: float = above) -> float:
            # theta is (log x at the reference hit, log k); x_half itself may lie beyond any float.
            (x, k), (x_b, k_b) = variant, baseline
            return float(x - x_b + above * (np.exp(-k) - np.exp(-k_b)))

        parts.append(log_ratio(fits[setting, "variant"], fits[setting, "baseline"], log_gain))
    middle, variance = np.mean([m for m, _ in parts]), np.sum([v for _, v in parts]) / len(parts) ** 2
    return _ends(float(middle), float(special.ndtri(0.5 + 0.5 * DEFAULT_PROB) * np.sqrt(variance)))


def _logit_regression(curves: Mapping[tuple[str, str], _Curve], hits: Mapping[str, float]) -> Ends:
    """Regress logit y on log x and read log x at a hit: delta method, Welch's degrees of freedom."""
    middle = 0.0
    variances, dofs = [], []
    for setting, hit in hits.items():
        for name, sign in zip(_PAIR, (1.0, -1.0), strict=True):
            curve = curves[setting, name]
            if not ((curve.y > 0) & (curve.y < 1)).all() or len(curve.y) < 3:
                return np.nan, np.nan, np.nan
            at, variance = _log_sparsity_at(curve, hit)
            middle += sign * at / len(hits)
            variances.append(variance / len(hits) ** 2)
            dofs.append(len(curve.y) - 2)
    total = sum(variances)
    dof = total**2 / sum(v**2 / d for v, d in zip(variances, dofs, strict=True))
    return _ends(middle, float(stats.t.ppf(0.5 + 0.5 * DEFAULT_PROB, dof)) * float(np.sqrt(total)))


def _log_sparsity_at(curve: _Curve, hit: float) -> tuple[float, float]:
    """Return the log sparsity at which the regression line reaches a hit, and its variance."""
    x, z = np.log(curve.x), special.logit(curve.y)
    design = np.column_stack([np.ones_like(x), x])
    a, b = np.linalg.lstsq(design, z)[0]
    residual = z - design @ np.array([a, b])
    covariance = float(residual @ residual) / (len(x) - 2) * np.linalg.inv(design.T @ design)
    at = float((special.logit(hit) - a) / b)
    gradient = np.array([-1.0, -at]) / b
    return at, float(gradient @ covariance @ gradient)


def _bootstrap(lines: Mapping[tuple[str, str], HillLines], hits: Mapping[str, float]) -> tuple[Ends, int]:
    """Return the percentile interval of the mean gain over resamples, and how many have none."""
    log_gains = [
        lines[setting, "variant"].log_sparsity(hit) - lines[setting, "baseline"].log_sparsity(hit)
        for setting, hit in hits.items()
    ]
    log_gain = np.mean(log_gains, axis=0)
    lower, median, upper = equal_tailed(log_gain, prob=DEFAULT_PROB)
    with np.errstate(over="ignore"):
        ends = (float(np.exp(lower)), float(np.exp(median)), float(np.exp(upper)))
    return ends, int(np.isnan(log_gain).sum())

"""Least squares of y on each curve, as users would otherwise do: with Wald intervals, or with the bootstrap.

Here for comparison only; the studies show what these intervals are worth at four points. The bootstrap
resamples the cases of each curve, and fits the line ``logit f = a + b log x``, which is the Hill curve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from hillfront.curves.family import CurveFamily
from hillfront.curves.sparsity import Reference
from hillfront.utils.intervals import DEFAULT_PROB

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

__all__ = [
    "REFERENCE",
    "RESAMPLES",
    "LeastSquares",
    "fit_hill_lines",
    "least_squares",
    "log_ratio_interval",
    "log_sparsity",
    "resample_counts",
]

REFERENCE = Reference(hit=0.05)
RESAMPLES: Final = 200


@dataclass(frozen=True)
class LeastSquares:
    """One curve by least squares.

    Attributes
    ----------
    theta : array, shape (parameter,)
        Sampled coordinates of the family.
    covariance : array, shape (parameter, parameter)
        Wald covariance of theta, infinite where the data do not determine it.
    natural : mapping of str to float
    """

    theta: Floats
    covariance: Floats
    natural: Mapping[str, float]

    def estimate(self, quantity: Callable[[Floats], float]) -> tuple[float, float]:
        """Return a quantity of theta and its variance by the delta method; infinite if undetermined."""
        value = quantity(self.theta)
        if not np.isfinite(self.covariance).all():
            return value, np.inf
        slope = optimize.approx_fprime(self.theta, quantity, 1e-6)
        return value, float(slope @ self.covariance @ slope)


def least_squares(x: Floats, y: Floats, family: CurveFamily) -> LeastSquares:
    """Minimise the squared distance of y from the curve, as published fits do.

    Parameters
    ----------
    x, y : array, shape (n,)
        Sparsity and performance hit.
    family : CurveFamily

    Returns
    -------
    LeastSquares
        The best from several initial values.

    Examples
    --------
    >>> from hillfront.curves.families import HILL
    >>> x = np.geomspace(0.01, 1.0, 6)
    >>> found = least_squares(x, HILL.value(x, x_half=2.0, k=0.8), HILL)
    >>> round(found.natural["x_half"], 4), round(found.natural["k"], 4)
    (2.0, 0.8)
    """

    def residuals(theta: Floats) -> Floats:
        with np.errstate(all="ignore"):
            value = family.value(x, **family.natural(*theta, reference=REFERENCE))
        return np.asarray(np.nan_to_num(y - value, nan=1e3, posinf=1e3, neginf=-1e3))

    centre, spread = np.transpose([(parameter.centre, parameter.spread) for parameter in family.sampled])
    fits = [optimize.least_squares(residuals, centre + shift * spread) for shift in (-1.0, -0.3, 0.3, 1.0)]
    best = min(fits, key=lambda fit: float(fit.cost))
    dof = len(x) - len(centre)
    information = best.jac.T @ best.jac
    covariance = np.full(information.shape, np.inf)
    if np.linalg.matrix_rank(information) == len(centre) and dof > 0:
        covariance = float(2.0 * best.cost / dof) * np.linalg.inv(information)
    with np.errstate(over="ignore"):  # a curve that hardly rises reaches one half beyond any float
        natural = {name: float(v) for name, v in family.natural(*best.x, reference=REFERENCE).items()}
    return LeastSquares(best.x, covariance, natural)


def log_ratio_interval(
    variant: LeastSquares, baseline: LeastSquares, log_quantity: Callable[[Floats], float]
) -> tuple[float, float, float]:
    """Return the Wald interval of a ratio, by the delta method on its log.

    Parameters
    ----------
    log_quantity : callable
        From the theta of a curve to the log of its part of the ratio.

    Returns
    -------
    lower, estimate, upper : float
        From 0 to infinity where the data do not determine a curve.
    """
    (above, above_variance), (below, below_variance) = (
        fit.estimate(log_quantity) for fit in (variant, baseline)
    )
    half = special.ndtri(0.5 + 0.5 * DEFAULT_PROB) * np.sqrt(above_variance + below_variance)
    lower, middle, upper = np.exp(above - below + np.array([-half, 0.0, half]))
    return float(lower), float(middle), float(upper)


def resample_counts(x: Floats, *, rng: np.random.Generator, resamples: int = RESAMPLES) -> tuple[Counts, int]:
    """Draw how often each case stands in each resample.

    Parameters
    ----------
    x : array, shape (n,)
        Sparsity of each case.

    Returns
    -------
    counts : array, shape (resample, n)
        Rows sum to n, and hold at least two distinct sparsities.
    redrawn : int
        Resamples that held a single sparsity, which has no curve, and were drawn again.

    Raises
    ------
    ValueError
        If all cases share one sparsity.
    """
    if len(np.unique(x)) < 2:
        raise ValueError("All cases have one L0: no resample has a curve. Give at least two distinct L0.")
    shares = np.full(len(x), 1.0 / len(x))
    _, group = np.unique(x, return_inverse=True)
    at = np.eye(group.max() + 1, dtype=np.int64)[group]
    counts = rng.multinomial(len(x), shares, size=resamples)
    redrawn = 0
    while (alone := ((counts @ at) > 0).sum(axis=1) == 1).any():
        redrawn += int(alone.sum())
        counts[alone] = rng.multinomial(len(x), shares, size=int(alone.sum()))
    return counts, redrawn


def fit_hill_lines(x: Floats, y: Floats, counts: Counts) -> Floats:
    r"""Minimise ``sum_i n_i (y_i - f(x_i))^2`` over the Hill curve f, for each row n of counts.

    Parameters
    ----------
    x, y : array, shape (n,)
        Sparsity and hit.
    counts : array, shape (resample, n)

    Returns
    -------
    array, shape (2, resample)
        Logit of the hit at a sparsity of 1, and the slope k.

    Examples
    --------
    >>> x = np.geomspace(0.01, 1.0, 5)
    >>> lines = fit_hill_lines(x, x**0.8 / (x**0.8 + 2.0**0.8), np.ones((1, 5), dtype=int))
    >>> round(float(lines[1, 0]), 6), round(float(np.exp(log_sparsity(lines, 0.5)[0])), 6)
    (0.8, 2.0)
    """
    # Few cases have few distinct resamples.
    distinct, which = np.unique(counts, axis=0, return_inverse=True)
    return np.transpose([_hill_line(np.log(x), y, row) for row in distinct])[:, which]


def log_sparsity(lines: Floats, hit: float) -> Floats:
    """Return the log sparsity at a hit of each line; NaN for a curve that does not rise."""
    level, slope = lines
    return np.asarray((special.logit(hit) - level) / np.where(slope > 0, slope, np.nan))


def _hill_line(u: Floats, y: Floats, counts: Counts) -> Floats:
    """Minimise by MINPACK, from the regression of logit y with each case weighted as least squares would."""
    root = np.sqrt(counts)
    inside = np.clip(y, 1e-3, 1.0 - 1e-3)
    slope, level = np.polyfit(u, special.logit(inside), 1, w=root * inside * (1.0 - inside))

    def residuals(line: Floats) -> Floats:
        return np.asarray(root * (special.expit(line[0] + line[1] * u) - y))

    def jacobian(line: Floats) -> Floats:
        value = special.expit(line[0] + line[1] * u)
        weight = root * value * (1.0 - value)
        return np.column_stack([weight, weight * u])

    # All of its output, so that a curve whose minimum lies at infinity is no warning.
    found = optimize.leastsq(residuals, (level, slope), Dfun=jacobian, full_output=True, xtol=1e-10)
    return np.asarray(found[0])

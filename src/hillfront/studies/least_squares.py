"""Least squares of y on each curve, as users would otherwise do: with Wald intervals, or with the bootstrap.

Here for comparison only; the studies show what these intervals are worth at four points. The bootstrap
resamples the cases of each curve. All resamples of a curve are fitted at once, by Levenberg and Marquardt's
method on the line ``logit f = a + b (u - mean u)`` of u = log x, which is the Hill curve.
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
    "HillLines",
    "LeastSquares",
    "fit_hill_lines",
    "least_squares",
    "log_ratio",
    "log_ratio_interval",
    "resample_counts",
]

REFERENCE = Reference(hit=0.05)
RESAMPLES: Final = 200
_STEPS: Final = 100
_TOLERANCE: Final = 1e-10


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

    centre = np.array([parameter.centre for parameter in family.sampled])
    spread = np.array([parameter.spread for parameter in family.sampled])
    fits = [optimize.least_squares(residuals, centre + shift * spread) for shift in (-1.0, -0.3, 0.3, 1.0)]
    best = min(fits, key=lambda fit: float(fit.cost))
    dof = len(x) - len(centre)
    information = best.jac.T @ best.jac
    determined = np.linalg.matrix_rank(information) == len(centre) and dof > 0
    covariance = np.full(information.shape, np.inf)
    if determined:
        covariance = float(2.0 * best.cost / dof) * np.linalg.inv(information)
    with np.errstate(over="ignore"):  # a curve that hardly rises reaches one half beyond any float
        natural = {name: float(v) for name, v in family.natural(*best.x, reference=REFERENCE).items()}
    return LeastSquares(best.x, covariance, natural)


def log_ratio(
    variant: LeastSquares, baseline: LeastSquares, log_quantity: Callable[[Floats, Floats], float]
) -> tuple[float, float]:
    """Return the log of a ratio of two curves and its variance, by the delta method.

    Parameters
    ----------
    log_quantity : callable
        From the two curves' theta to the log of the quantity.

    Returns
    -------
    estimate, variance : float
        The variance is infinite where the data do not determine a curve.
    """
    estimate = log_quantity(variant.theta, baseline.theta)
    if not all(np.isfinite(fit.covariance).all() for fit in (variant, baseline)):
        return estimate, np.inf
    variance = 0.0
    for which, fit in enumerate((variant, baseline)):
        thetas = [variant.theta, baseline.theta]
        gradient = np.zeros(len(fit.theta))
        for i in range(len(fit.theta)):
            ends = []
            for step in (-1e-5, 1e-5):
                moved = list(thetas)
                moved[which] = fit.theta + step * (np.arange(len(fit.theta)) == i)
                ends.append(log_quantity(*moved))
            gradient[i] = (ends[1] - ends[0]) / 2e-5
        variance += float(gradient @ fit.covariance @ gradient)
    return estimate, variance


def log_ratio_interval(
    variant: LeastSquares,
    baseline: LeastSquares,
    log_quantity: Callable[[Floats, Floats], float],
    *,
    prob: float = DEFAULT_PROB,
) -> tuple[float, float, float]:
    """Return the Wald interval of a ratio, by the delta method on its log; see :func:`log_ratio`.

    Returns
    -------
    lower, estimate, upper : float
        From 0 to infinity where the data do not determine a curve.
    """
    middle, variance = log_ratio(variant, baseline, log_quantity)
    half = special.ndtri(0.5 + 0.5 * prob) * np.sqrt(variance)
    return float(np.exp(middle - half)), float(np.exp(middle)), float(np.exp(middle + half))


@dataclass(frozen=True)
class HillLines:
    """Least-squares Hill curves of one curve's resamples.

    Attributes
    ----------
    a, b : array, shape (resample,)
        Logit of the hit at the mean log sparsity, and the slope k.
    centre : float
        Mean log sparsity.
    """

    a: Floats
    b: Floats
    centre: float

    def log_sparsity(self, hit: float) -> Floats:
        """Return the log sparsity at a hit; NaN for a curve that does not rise."""
        rises = self.b > 0
        at = (special.logit(hit) - self.a) / np.where(rises, self.b, 1.0)
        return np.where(rises, self.centre + at, np.nan)


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
    n = len(x)
    counts = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples)
    redrawn = 0
    while (alone := _single(counts, x)).any():
        redrawn += int(alone.sum())
        counts[alone] = rng.multinomial(n, np.full(n, 1.0 / n), size=int(alone.sum()))
    return counts, redrawn


def _single(counts: Counts, x: Floats) -> NDArray[np.bool_]:
    """Return whether each resample holds one sparsity only."""
    present = counts > 0
    low = np.where(present, x, np.inf).min(axis=1)
    high = np.where(present, x, -np.inf).max(axis=1)
    return np.asarray(low == high)


def fit_hill_lines(x: Floats, y: Floats, counts: Counts) -> HillLines:
    r"""Minimise ``sum_i n_i (y_i - f(x_i))^2`` over the Hill curve f, for each row n of counts.

    Parameters
    ----------
    x, y : array, shape (n,)
        Sparsity and hit.
    counts : array, shape (resample, n)

    Examples
    --------
    >>> x = np.geomspace(0.01, 1.0, 5)
    >>> line = fit_hill_lines(x, x**0.8 / (x**0.8 + 2.0**0.8), np.ones((1, 5), dtype=int))
    >>> round(float(line.b[0]), 6), round(float(np.exp(line.log_sparsity(0.5)[0])), 6)
    (0.8, 2.0)
    """
    u = np.log(x)
    centre = float(u.mean())
    u = u - centre
    weight = counts.astype(np.float64)
    theta = _initial_lines(u, y, weight)
    cost = _cost(theta, u, y, weight)
    damping = np.full(len(weight), 1e-3)
    for _ in range(_STEPS):
        proposal = theta + _step(theta, u, y, weight, damping)
        proposed = _cost(proposal, u, y, weight)
        better = proposed < cost
        gained = np.where(better, cost - proposed, 0.0)
        theta = np.where(better[:, None], proposal, theta)
        # Gains below the tolerance at little damping mean that the minimum is reached.
        if ((gained <= _TOLERANCE * cost) & ((damping <= 1e-3) | (damping > 1e8))).all():
            break
        cost = np.where(better, proposed, cost)
        damping = np.clip(np.where(better, damping / 10.0, damping * 10.0), 1e-12, 1e9)
    return HillLines(theta[:, 0], theta[:, 1], centre)


def _initial_lines(u: Floats, y: Floats, weight: Floats) -> Floats:
    """Regress logit y, each case weighted as least squares on y would; shape (resample, 2)."""
    inside = np.clip(y, 1e-3, 1.0 - 1e-3)
    z = special.logit(inside)
    w = weight * (inside * (1.0 - inside)) ** 2
    total = w.sum(axis=1)
    mean_u, mean_z = (w @ u) / total, (w @ z) / total
    away = u - mean_u[:, None]
    b = (w * away * z).sum(axis=1) / (w * away**2).sum(axis=1)
    return np.stack([mean_z - b * mean_u, b], axis=1)


def _cost(theta: Floats, u: Floats, y: Floats, weight: Floats) -> Floats:
    value = special.expit(theta[:, :1] + theta[:, 1:] * u)
    return np.asarray((weight * (y - value) ** 2).sum(axis=1))


def _step(theta: Floats, u: Floats, y: Floats, weight: Floats, damping: Floats) -> Floats:
    """Return the damped Gauss-Newton step in closed form, ``(J'WJ + damping diag(J'WJ))^-1 J'W r``."""
    value = special.expit(theta[:, :1] + theta[:, 1:] * u)
    slope = value * (1.0 - value)
    w = weight * slope**2
    force = weight * slope * (y - value)
    aa, ab, bb = (w.sum(axis=1), w @ u, w @ (u**2))
    g, h = force.sum(axis=1), force @ u
    aa, bb = aa * (1.0 + damping) + 1e-300, bb * (1.0 + damping) + 1e-300
    determinant = aa * bb - ab**2
    safe = np.where(determinant > 0, determinant, np.inf)
    return np.stack([(bb * g - ab * h) / safe, (aa * h - ab * g) / safe], axis=1)

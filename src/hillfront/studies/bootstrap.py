"""The bootstrap of least-squares Hill curves: cases resampled within each curve.

Here for comparison only. All resamples of a curve are fitted at once, by Levenberg and Marquardt's method on
the line ``logit f = a + b (u - mean u)`` of u = log x, which is the Hill curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

__all__ = ["RESAMPLES", "HillLines", "fit_hill_lines", "resample_counts"]

RESAMPLES: Final = 200
_STEPS: Final = 100
_TOLERANCE: Final = 1e-10


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
        """Log sparsity at a hit; NaN for a curve that does not rise, which reaches no hit from below."""
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
    """Whether a resample holds one sparsity only."""
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
    theta = _start(u, y, weight)
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


def _start(u: Floats, y: Floats, weight: Floats) -> Floats:
    """Regression of logit y, each case weighted as least squares on y would; shape (resample, 2)."""
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
    """Damped Gauss-Newton step, ``(J'WJ + damping diag(J'WJ))^-1 J'W r``, two parameters in closed form."""
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

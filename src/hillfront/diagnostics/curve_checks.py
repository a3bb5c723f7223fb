"""Checks of every curve against its own SAEs, which checks pooled over the table do not see.

The scatter is common to all curves. SAEs of other curves that lie far out, with hits outside (0, 1) above
all, raise it until a curve that misses all of its own SAEs by a large factor has small residuals, in scales.
So the sides of the curve that its SAEs lie on, and the line that they follow beside it, are judged by their
own spread; and the number far out, so that heavy tails do not hide a single curve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.utils.wording import name_curve, significant

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

__all__ = ["CurveMisfit", "curve_misfits"]

POINTS_MIN: Final = 3
"""SAEs of a curve from which on it is judged."""

DISTANCE_MIN: Final = 0.25
"""Distance of the SAEs' own line from their curve, in scales (root mean square), that is worth a word.

A curve that scatters less than the others follows a line of its own at any distance, however small.
"""

_ONE_SIDED: Final = 0.75
"""Share of the SAEs of a misfit on one side of the curve from which on it is said to lie there."""

_STATISTICS: Final = 4


@dataclass(frozen=True)
class CurveMisfit:
    """The fit of one curve to its SAEs.

    Attributes
    ----------
    curve : str
        Its name.
    p : float
        Probability of a misfit as large in any curve of the table, or less; see :func:`curve_misfits`.
    seen : str
        Where its SAEs lie.
    """

    curve: str
    p: float
    seen: str


def curve_misfits(
    residual: Floats,
    bound: Floats | float,
    expected: Floats,
    frontiers: Frontiers,
    design: Design,
    *,
    prob: float,
) -> tuple[CurveMisfit, ...]:
    """Judge every curve of three SAEs or more, the worst first.

    Under the model, given its parameters, the n residuals of a curve are independent and symmetric, and four
    discrepancies have distributions that rest on no parameter, so that none needs replicated data:

    - the number on the larger side of the curve, Binomial(n, 1/2) from either end;
    - the changes of side between neighbours in L0, Binomial(n - 1, 1/2) from below;
    - the number outside the interval of probability ``prob``, Binomial(n, 1 - prob) from above;
    - the share that a line of their own explains, of q = min(3, n // 3) coefficients, in
      r / sqrt(1 + r^2), which large residuals move little: F(q, n - q), counted from ``DISTANCE_MIN`` on.

    Each is computed at every draw and for the median residuals. A right model has twice the median over the
    draws below any p in a share of p of its tables at most, as half of the draws must be below p/2 then. The
    larger of it and that of the median residuals passes over curves that merely scatter less than the others,
    whose draws lie to either side of them. ``p`` is the smallest of the four, times four, times the number of
    curves (Bonferroni).

    Parameters
    ----------
    residual : array, shape (obs, sample)
        In scales.
    bound : array, shape (sample,), or float
        The residual that is exceeded, to either side, with probability ``1 - prob``.
    expected : array, shape (obs,)
        Median of the curve at every SAE.
    frontiers : Frontiers
    design : Design
    prob : float
    """
    l0 = frontiers.table["l0"].to_numpy(np.float64)
    y = frontiers.table[frontiers.metric].to_numpy(np.float64)
    middle = np.median(residual, axis=1, keepdims=True)
    every = np.concatenate([residual, middle], axis=1)
    outside = np.abs(every) > np.append(np.broadcast_to(bound, residual.shape[1]), np.median(bound))
    judged = list(_curves(frontiers, design, l0))
    found = []
    for name, rows in judged:
        n, own = len(rows), every[rows]
        is_above = own > 0
        above, changes = is_above.sum(axis=0), (is_above[1:] != is_above[:-1]).sum(axis=0)
        far, larger = outside[rows].sum(axis=0), np.maximum(above, n - above)
        by_statistic = (
            np.minimum(1.0, 2.0 * stats.binom.sf(larger - 1, n, 0.5)),
            stats.binom.cdf(changes, n - 1, 0.5),
            stats.binom.sf(far - 1, n, 1.0 - prob),
            _own_line(own, np.log(l0[rows])),
        )
        least = [max(2.0 * float(np.median(p[:-1])), float(p[-1])) for p in by_statistic]
        p = min(1.0, _STATISTICS * len(judged) * min(least))
        seen = _words(
            name,
            (int(above[-1]), int(changes[-1]), int(far[-1])),
            y[rows],
            expected[rows],
            middle[rows, 0],
            far_out=least[2] == min(least),
            prob=prob,
        )
        found.append(CurveMisfit(name, p, seen))
    return tuple(sorted(found, key=lambda misfit: misfit.p))


def _curves(frontiers: Frontiers, design: Design, l0: Floats) -> Iterator[tuple[str, Counts]]:
    """Give the name and the rows, in the order of L0, of every curve that is judged."""
    index, variants = design.curve_index(frontiers), len(design.variants)
    for curve in np.unique(index):
        rows = np.flatnonzero(index == curve)
        if len(rows) >= POINTS_MIN:
            name = name_curve(design.variants[curve % variants], design.settings[curve // variants])
            yield name, rows[np.argsort(l0[rows], kind="stable")]


def _own_line(residual: Floats, at: Floats) -> Floats:
    """Probability of so large a share explained by a line of the SAEs' own, shape (sample,)."""
    n, size = len(at), min(3, len(at) // 3)
    # Orthogonal polynomials; replicates at one L0 leave fewer.
    size = min(size, len(np.unique(at)))
    basis, _ = np.linalg.qr(np.vander(at - at.mean(), size, increasing=True))
    damped = residual / np.sqrt(1.0 + residual**2)
    explained = ((basis.T @ damped) ** 2).sum(axis=0)
    rest = np.maximum((damped**2).sum(axis=0) - explained, np.finfo(np.float64).tiny)
    p = stats.f.sf((explained / size) / (rest / (n - size)), size, n - size)
    return np.where(np.sqrt(explained / n) >= DISTANCE_MIN, p, 1.0)


def _words(
    name: str,
    counts: tuple[int, int, int],
    y: Floats,
    expected: Floats,
    residual: Floats,
    *,
    far_out: bool,
    prob: float,
) -> str:
    """Say where the SAEs of a curve lie: to one side, far out, or on one side and then on the other."""
    above, changes, far = counts
    n = len(y)
    sides = {"above": residual > 0, "below": residual <= 0}
    side = "above" if 2 * above >= n else "below"
    if sides[side].mean() >= _ONE_SIDED:
        there = sides[side]
        return f"{there.sum()} of {n} SAEs of {name} lie {side} its curve, {_by(y[there], expected[there])}"
    if far_out:
        interval = f"their {prob:.0%} predictive interval"
        return f"{far} of {n} SAEs of {name} lie outside {interval}, {_by(y, expected)}"
    times = f"{changes} change{'s' if changes != 1 else ''} of side in {n - 1} pairs of neighbours"
    return f"the {n} SAEs of {name} lie above and below its curve by turns, with {times}, {_by(y, expected)}"


def _by(y: Floats, expected: Floats) -> str:
    """Say how far off the furthest of some SAEs lies: as a factor, where there are any."""
    positive = (y > 0) & (expected > 0)
    if not positive.any():
        return f"by up to {significant(float(np.abs(y - expected).max()), digits=2)}"
    factor = float(np.exp(np.abs(np.log(y[positive] / expected[positive])).max()))
    return f"by up to {significant(factor, digits=2)}x"

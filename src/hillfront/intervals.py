"""Posterior intervals: the one place that defines them and their default probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEFAULT_PROB", "check_prob", "equal_tailed"]

DEFAULT_PROB = 0.9
"""Probability of every interval and band unless the caller says otherwise."""


def check_prob(prob: float) -> float:
    """Return prob, or raise ValueError if it is not strictly between 0 and 1."""
    if not 0.0 < prob < 1.0:
        raise ValueError(f"prob={prob!r} is not a probability: give a number between 0 and 1, such as 0.9.")
    return float(prob)


def equal_tailed(draws: NDArray[np.float64], *, prob: float = DEFAULT_PROB) -> NDArray[np.float64]:
    """Lower end, median and upper end of the equal-tailed interval over the last axis.

    Equal-tailed intervals transform with the quantity: the interval of 1/r is one over that of r, and
    the interval of log r the log of it, which ratios need.

    Parameters
    ----------
    draws : array, shape (..., draws)
    prob : float
        Probability inside the interval.

    Returns
    -------
    array, shape (3, ...)
        An infinite draw, such as the gain over a line that never comes down to a hit, counts as one: an end
        of the interval may be infinite. An undefined draw (NaN) counts against both ends, as if it lay
        beyond them; the median is that of the others. NaN where more draws than the tail holds are
        undefined.

    Examples
    --------
    >>> equal_tailed(np.arange(101.0), prob=0.9).round(6).tolist()
    [5.0, 50.0, 95.0]
    """
    tail = 0.5 * (1.0 - check_prob(prob))
    shares = np.array([tail, 0.5, 1.0 - tail])
    if np.isfinite(draws).all():
        return np.asarray(np.quantile(draws, shares, axis=-1))
    undefined = np.isnan(draws)
    ends = []
    for share, instead in zip(shares, (-np.inf, np.inf, np.inf), strict=True):
        values = np.where(undefined, instead, draws)
        if share == 0.5:
            share = 0.5 * (
                1.0 - undefined.mean(axis=-1)
            )  # undefined draws are last: the median of the others
        # Between infinite draws there is nothing to interpolate.
        ends.append(_quantile(values, share))
    found = np.where(undefined.mean(axis=-1) > tail, np.nan, np.array(ends))
    return np.asarray(found)


def _quantile(draws: NDArray[np.float64], share: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Smallest draw that at least this share of them does not exceed, over the last axis."""
    n = draws.shape[-1]
    rank = np.clip(np.ceil(np.asarray(share) * n).astype(int) - 1, 0, n - 1)
    ordered = np.sort(draws, axis=-1)
    ranks = np.broadcast_to(rank, ordered.shape[:-1])[..., None]
    return np.asarray(np.take_along_axis(ordered, ranks, axis=-1)[..., 0])

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
        NaN wherever a draw is NaN. An infinite draw, such as the gain over a line that never comes down to a
        hit, counts as one: an end of the interval may be infinite.

    Examples
    --------
    >>> equal_tailed(np.arange(101.0), prob=0.9).round(6).tolist()
    [5.0, 50.0, 95.0]
    """
    tail = 0.5 * (1.0 - check_prob(prob))
    shares = [tail, 0.5, 1.0 - tail]
    infinite = np.isinf(draws).any(axis=-1)
    if not infinite.any():
        return np.quantile(draws, shares, axis=-1)
    with np.errstate(invalid="ignore"):
        ends = np.asarray(np.quantile(draws, shares, axis=-1))
    # Between infinite draws there is nothing to interpolate.
    ends[:, infinite] = np.quantile(draws[infinite], shares, axis=-1, method="inverted_cdf")
    return ends

"""Shares of simulated sets, with what chance does to them."""

from __future__ import annotations

import numpy as np
from scipy import stats

from hillfront.utils.intervals import DEFAULT_PROB, validate_prob

__all__ = ["chance_band", "wilson"]


def wilson(count: int, sets: int, *, prob: float = DEFAULT_PROB) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Returns
    -------
    lower, upper : float
        NaN without any set.

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22, 209-212.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(45, 50)]
    [0.808, 0.95]
    """
    if sets == 0:
        return np.nan, np.nan
    ends = stats.binomtest(count, sets).proportion_ci(validate_prob(prob), method="wilson")
    return float(ends.low), float(ends.high)


def chance_band(share: float, sets: int, *, prob: float = DEFAULT_PROB) -> tuple[float, float]:
    """Where the share of so many sets lies by chance alone, if the true share is as given.

    Examples
    --------
    >>> chance_band(0.9, 100)
    (0.85, 0.95)
    """
    low, high = stats.binom.interval(validate_prob(prob), sets, share)
    return float(low / sets), float(high / sets)

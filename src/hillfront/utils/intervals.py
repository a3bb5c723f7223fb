"""Posterior intervals: the one place that defines them and their default probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hillfront.utils.interface import argument

__all__ = ["DEFAULT_PROB", "equal_tailed", "validate_prob"]

DEFAULT_PROB = 0.9
"""Probability of every interval and band unless the caller says otherwise."""


def validate_prob(prob: float) -> float:
    """Return prob, or raise ValueError if it is not strictly between 0 and 1."""
    if not 0.0 < prob < 1.0:
        raise ValueError(
            f"{argument('prob', prob)} is not a probability: give a number between 0 and 1, such as 0.9."
        )
    return float(prob)


def equal_tailed(draws: NDArray[np.float64], *, prob: float = DEFAULT_PROB) -> NDArray[np.float64]:
    """Compute lower end, median and upper end of the equal-tailed interval over the last axis.

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
    tail = 0.5 * (1.0 - validate_prob(prob))
    shares = [tail, 0.5, 1.0 - tail]
    odd = ~np.isfinite(draws).all(axis=-1)
    with np.errstate(invalid="ignore"):
        ends = np.asarray(np.quantile(draws, shares, axis=-1))
    for index in np.argwhere(odd):
        ends[(slice(None), *index)] = _with_odd_draws(draws[tuple(index)], tail)
    return ends


def _with_odd_draws(draws: NDArray[np.float64], tail: float) -> tuple[float, float, float]:
    """Compute them for draws of which some are infinite or undefined."""
    undefined = np.isnan(draws)
    if undefined.mean() > tail:
        return np.nan, np.nan, np.nan
    # Between infinite draws there is nothing to interpolate.
    lower = np.quantile(np.where(undefined, -np.inf, draws), tail, method="inverted_cdf")
    upper = np.quantile(np.where(undefined, np.inf, draws), 1.0 - tail, method="inverted_cdf")
    return float(lower), float(np.quantile(draws[~undefined], 0.5, method="inverted_cdf")), float(upper)

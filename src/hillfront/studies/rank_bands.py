"""Is the truth spread evenly among posterior draws? Ranks, their empirical distribution, and its band.

If data are simulated from the model, the true value is one more draw of the posterior, and its rank among
independent draws is uniform (S. Talts et al. 2018, arXiv:1804.06788). Whether the ranks of many sets are so
is read off their empirical distribution function and a band that it leaves, anywhere, with a known
probability only (T. Säilynoja, P.-C. Bürkner and A. Vehtari 2022, doi:10.1007/s11222-022-10090-6).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = ["BAND_PROB", "MIN_SETS", "RankEcdf", "rank_ecdf", "rank_of"]

Floats = NDArray[np.float64]

BAND_PROB: Final = 0.95
"""Probability that the ranks of a calibrated posterior stay inside the band throughout."""

MIN_SETS: Final = 3
"""Fewest sets of which there is a band."""

_SIMULATIONS: Final = 4000
_SEED: Final = 1


def rank_of(truth: float, draws: ArrayLike, *, rng: np.random.Generator) -> tuple[int, float]:
    """Return the rank of a true value among draws, from 0 to their number, and its position in (0, 1).

    The position is drawn evenly within the rank's share of (0, 1), which makes it uniform, not only nearly
    so, where the rank is. Ties are broken at random. NaN, the value where a quantity does not exist, counts
    as lower than any number.

    Parameters
    ----------
    truth : float
    draws : array-like
        Nearly independent ones.
    rng : numpy.random.Generator

    Examples
    --------
    >>> rank, position = rank_of(2.5, [1.0, 2.0, 3.0], rng=np.random.default_rng(1))
    >>> rank, 0.5 < position < 0.75
    (2, True)
    """
    values = np.where(np.isnan(draws), -np.inf, np.asarray(draws, dtype=np.float64))
    value = -np.inf if np.isnan(truth) else truth
    rank = int((values < value).sum()) + int(rng.integers(0, int((values == value).sum()), endpoint=True))
    return rank, float((rank + rng.random()) / (values.size + 1))


@dataclass(frozen=True)
class RankEcdf:
    """Empirical distribution function of the positions, less that of a uniform one, and its band.

    Attributes
    ----------
    at : array
        Where in [0, 1] it is looked at.
    difference, lower, upper : array
    p : float
        How often the positions of a calibrated posterior stray as far or further, at the point where they
        stray most for a point of its own.
    """

    at: Floats
    difference: Floats
    lower: Floats
    upper: Floats
    p: float

    @property
    def sets(self) -> int:
        """Number of positions."""
        return self.at.size - 1

    @property
    def excursion(self) -> float:
        """The furthest that it comes towards the edge of the band, in shares of the way: 1 touches it."""
        edge = np.where(self.difference > 0, self.upper, self.lower)[1:-1]
        inner = self.difference[1:-1]
        way = np.divide(inner, edge, out=np.where(inner == 0, 0.0, np.inf), where=edge != 0)
        return max(float(way.max()), 0.0)

    @property
    def inside(self) -> bool:
        """True if it lies inside the band throughout."""
        return self.excursion <= 1.0 + 1e-9


def rank_ecdf(positions: ArrayLike) -> RankEcdf:
    """Compare the positions of many sets with a uniform distribution.

    Parameters
    ----------
    positions : array-like
        As from :func:`rank_of`, one a set.

    Raises
    ------
    ValueError
        For fewer than three sets, or positions outside [0, 1].

    Examples
    --------
    >>> rank_ecdf(np.linspace(0.01, 0.99, 50)).inside, rank_ecdf(np.linspace(0.3, 0.7, 50)).inside
    (True, False)
    """
    from arviz_stats.ecdf_utils import compute_ecdf, get_pointwise_confidence_band

    values = np.asarray(positions, dtype=np.float64)
    n = values.size
    if values.ndim != 1 or n < MIN_SETS or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"positions has shape {values.shape}: give one number between 0 and 1 for each of {MIN_SETS} "
            "sets or more."
        )
    at = np.arange(1, n) / n
    ecdf = compute_ecdf(values, at)
    # Pointwise bands that hold together with the band's probability. ArviZ would simulate theirs as well, but
    # rounds counts down on the way (29 of 100 to 28): its band of 500 sets holds with 93.5% for 95%.
    pointwise = 1.0 - 2.0 * float(np.quantile(_null(n), 1.0 - BAND_PROB))
    lower, upper = get_pointwise_confidence_band(pointwise, n, at)
    counts = np.rint(ecdf * n).astype(np.int64)
    p = float((_null(n) <= _least_tail(counts, n)).mean())
    # All functions start at 0 and end at 1.
    difference, below, above = (np.concatenate([[0.0], line - at, [0.0]]) for line in (ecdf, lower, upper))
    return RankEcdf(np.concatenate([[0.0], at, [1.0]]), difference, below, above, p)


@lru_cache(maxsize=8)
def _tails(n: int) -> Floats:
    """Return the smaller tail probability of each number of positions (rows) up to each inner point."""
    counts, at = np.arange(n + 1)[:, None], np.arange(1, n) / n
    above = np.where(counts > 0, special.bdtrc(np.maximum(counts - 1, 0), n, at), 1.0)
    smaller: Floats = np.minimum(special.bdtr(counts, n, at), above)
    return smaller


def _least_tail(counts: NDArray[np.int64], n: int) -> Floats:
    """Return the least tail probability of numbers of positions up to each point, over the last axis."""
    least: Floats = np.asarray(_tails(n)[counts, np.arange(n - 1)].min(axis=-1))
    return least


@lru_cache(maxsize=64)
def _null(n: int) -> Floats:
    """Simulate :func:`_least_tail` of uniform positions."""
    rng = np.random.default_rng([_SEED, n])
    bins = rng.multinomial(n, np.full(n, 1.0 / n), size=_SIMULATIONS)
    return _least_tail(bins.cumsum(axis=1)[:, :-1], n)

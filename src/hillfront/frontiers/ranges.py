"""Ranges of sparsity and hit that curves observed and share, and the Pareto-optimal SAEs of a curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from hillfront.frontiers.parsing import CURVE, metric_of

if TYPE_CHECKING:
    from hillfront.frontiers.table import Frontiers

__all__ = [
    "NARROW",
    "NOWHERE",
    "Range",
    "average_range",
    "observed_ranges",
    "pareto_optimal",
    "shared",
    "shared_range",
]

NARROW: Final = 1.1
"""Factor in L0 below which a range is none.

SAEs trained alike, but for their seed, differ in L0 by some percent, and over so little of a frontier a hit
changes by a tenth or so, which is the scatter of one SAE: such a range shows one L0 with jitter, and no trade
of sparsity for fidelity.
"""


@dataclass(frozen=True)
class Range:
    """An interval from low to high; empty if high is not above low.

    Examples
    --------
    >>> 0.5 in Range(0.1, 1.0), bool(Range(2.0, 1.0))
    (True, False)
    """

    low: float
    high: float

    def __bool__(self) -> bool:
        """Return whether the range is not empty."""
        return bool(self.high > self.low)

    def __contains__(self, value: float) -> bool:
        """Return whether the value lies in the range, ends included."""
        return bool(self.low <= value <= self.high)

    @property
    def narrow(self) -> bool:
        """Tell whether the ends of a range of 1/L0, or L0, lie within a factor of ``NARROW``.

        Examples
        --------
        >>> Range(31.949, 32.0).narrow, Range(10.0, 11.0).narrow, NOWHERE.narrow
        (True, False, True)
        """
        # Without the last digit, so that 10 and 11 make a factor of 1.1.
        return not self.high >= NARROW * self.low * (1.0 - 1e-9)

    def __and__(self, other: Range) -> Range:
        """Return the overlap of two ranges."""
        return Range(max(self.low, other.low), min(self.high, other.high))


NOWHERE = Range(np.inf, -np.inf)
"""The range of a curve that has no data."""


def observed_ranges(frontiers: Frontiers) -> dict[tuple[str, str], dict[str, Range]]:
    """Find the ranges of 1/L0 and hit of each curve, by (variant, setting).

    Hits at or below 0, or at or above 1, do not count, as gains are averaged over log hit. A cost has no
    upper bound.

    Returns
    -------
    dict
        ``{(variant, setting): {"sparsity": Range, "hit": Range}}``
    """
    table = frontiers.table
    top = 1.0 if frontiers.bounded else np.inf
    inside = frontiers.y.where(frontiers.y.between(0.0, top, inclusive="neither"))
    columns = pd.DataFrame(
        {"variant": table["variant"], "setting": table["setting"], "x": table["sparsity"], "y": inside}
    )
    ends = columns.groupby(["variant", "setting"], sort=False).agg(["min", "max"])
    return {
        (str(variant), str(setting)): {
            "sparsity": Range(float(x_low), float(x_high)),
            "hit": Range(float(y_low), float(y_high)) if np.isfinite(y_low) else NOWHERE,
        }
        for (variant, setting), (x_low, x_high, y_low, y_high) in zip(
            ends.index, ends.to_numpy(), strict=True
        )
    }


def shared_range(
    ranges: dict[tuple[str, str], dict[str, Range]], *, variant: str, baseline: str, setting: str, of: str
) -> Range:
    """Find the range of sparsity or hit that two curves of a setting share; see :func:`shared`."""
    return shared(ranges.get((variant, setting), {}), ranges.get((baseline, setting), {}), of=of)


def shared(one: Mapping[str, Range], other: Mapping[str, Range], *, of: str) -> Range:
    """Find the range of sparsity or hit that two curves both observed, empty where it shows too little.

    A range of 1/L0 that is narrower than ``NARROW`` is empty. So are shared hits where one of the curves has
    no wider range of L0: its hits differ by their scatter, not along a curve.

    Examples
    --------
    >>> sweep = {"sparsity": Range(0.01, 0.1), "hit": Range(0.02, 0.2)}
    >>> jitter = {"sparsity": Range(1 / 32, 1 / 31.949), "hit": Range(0.05, 0.07)}
    >>> bool(shared(sweep, sweep, of="hit")), bool(shared(sweep, jitter, of="sparsity"))
    (True, False)
    >>> bool(shared(sweep, jitter, of="hit"))
    False
    """
    pair = [own.get(of, NOWHERE) for own in (one, other)]
    found = pair[0] & pair[1]
    of_l0 = [found] if of == "sparsity" else [own.get("sparsity", NOWHERE) for own in (one, other)]
    return NOWHERE if any(own.narrow for own in of_l0) else found


def average_range(ranges: Sequence[Range]) -> Range:
    """Average ranges by the geometric means of their ends; empty ranges do not count.

    Examples
    --------
    >>> average_range([Range(1.0, 2.0), Range(4.0, 8.0), NOWHERE]).low
    2.0
    """
    inside = [own for own in ranges if own]
    if len(inside) < 2:
        return inside[0] if inside else NOWHERE
    ends = np.log([(own.low, own.high) for own in inside])
    return Range(*np.exp(ends.mean(axis=0)).tolist())


def pareto_optimal(table: pd.DataFrame) -> pd.Series[bool]:
    """Mark the rows that no other row of their curve dominates.

    A row dominates another if its L0 and its y are both as low or lower, one of them strictly.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"variant": "a", "setting": "all", "l0": [10, 20, 20], "performance_hit": [0.2, 0.1, 0.15]}
    ... )
    >>> pareto_optimal(table).tolist()
    [True, True, False]
    """
    metric = metric_of(table)
    best = table.groupby([*CURVE, "l0"])[metric].min()  # sorted by L0 within each curve
    best_at_lower_l0 = best.groupby(level=CURVE).cummin().groupby(level=CURVE).shift(1, fill_value=np.inf)
    optimal = best[best < best_at_lower_l0].rename("optimal_y")
    return table.join(optimal, on=[*CURVE, "l0"])["optimal_y"] == table[metric]

"""Which sparsities and hits two frontiers both observed: the support of every comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hillfront.frontiers.table import Frontiers

__all__ = ["NOWHERE", "Range", "average_range", "observed_ranges", "shared_range"]


@dataclass(frozen=True)
class Range:
    """An interval from low to high; without inside if high is not above low.

    Examples
    --------
    >>> 0.5 in Range(0.1, 1.0), bool(Range(2.0, 1.0))
    (True, False)
    """

    low: float
    high: float

    def __bool__(self) -> bool:
        """Whether the range has an inside."""
        return bool(self.high > self.low)

    def __contains__(self, value: float) -> bool:
        """Whether the value lies in the range, ends included."""
        return bool(self.low <= value <= self.high)

    def __and__(self, other: Range) -> Range:
        """Overlap of two ranges."""
        return Range(max(self.low, other.low), min(self.high, other.high))


NOWHERE = Range(np.inf, -np.inf)
"""The range of a curve that has no data."""


def observed_ranges(frontiers: Frontiers) -> dict[tuple[str, str], dict[str, Range]]:
    """Ranges of 1/L0 and hit of each curve, by (variant, setting).

    Hits at or below 0, or at or above 1, have no place on the log scale over which gains are averaged; the
    curve's range of hits ends at its other points. A cost has no upper bound.

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
    """Range that two curves of a setting both observed, in sparsity or in hit; without inside if none."""
    pair = [ranges.get((name, setting), {}).get(of, NOWHERE) for name in (variant, baseline)]
    return pair[0] & pair[1]


def average_range(ranges: Sequence[Range]) -> Range:
    """Range whose ends are the geometric means of those of several; ranges without inside do not count.

    Examples
    --------
    >>> average_range([Range(1.0, 2.0), Range(4.0, 8.0), NOWHERE]).low
    2.0
    """
    inside = [own for own in ranges if own]
    if not inside:
        return NOWHERE
    if len(inside) == 1:
        return inside[0]
    low, high = (
        float(np.exp(np.mean(np.log(ends)))) for ends in zip(*((r.low, r.high) for r in inside), strict=True)
    )
    return Range(low, high)

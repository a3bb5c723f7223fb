"""The columns that the fitted number y comes from, and how it is computed from them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import pandas as pd

type Scale = Literal["loss_recovered", "performance_hit", "ce", "cost", "fvu", "loss_difference"]
type Source = tuple[tuple[str, ...], Scale]
type Metric = Literal["performance_hit", "cost"]

LOSSES: Final = ("ce_sae", "ce_base", "ce_ablated")
# Costs that are computed if the frame has no column of their name.
COMPUTED_COSTS: Final[Mapping[str, Source]] = {
    "fvu": (("explained_variance",), "fvu"),
    "loss_difference": (("ce_sae", "ce_base"), "loss_difference"),
}
# Whatever else is in a table, y is computed from losses on these scales, and on these only.
FROM_LOSSES: Final = frozenset({"ce", "loss_difference"})
HIT_LABEL: Final = "performance hit"
SHORT_NAMES: Final[Mapping[Metric, str]] = {"performance_hit": "hit", "cost": "cost"}
HIT_WORD: Final = re.compile(r"(?<![A-Za-z])(?i:hits?)(?![A-Za-z])|(?<=[a-z])Hits?(?![a-z])")


def find_source(y: str | None, columns: Sequence[str]) -> Source | None:
    """Find the columns that the hit comes from and what they hold; None if there is no choice."""
    if y is None:
        losses = "ce" if set(LOSSES) & set(columns) else None
        y = next((name for name in ("loss_recovered", "performance_hit") if name in columns), losses)
    if y is None:
        return None
    if y == "ce":
        return LOSSES, "ce"
    return (y,), "performance_hit" if HIT_WORD.search(y) else "loss_recovered"


def find_cost_source(cost: str, columns: Sequence[str]) -> Source:
    """Find the columns that a cost comes from: its own, or those that it is computed from.

    Examples
    --------
    >>> find_cost_source("fvu", ["l0", "explained_variance"])
    (('explained_variance',), 'fvu')
    >>> find_cost_source("fvu", ["l0", "explained_variance", "fvu"])
    (('fvu',), 'cost')
    """
    if cost in COMPUTED_COSTS and cost not in columns:
        return COMPUTED_COSTS[cost]
    return (cost,), "cost"


def compute_y(numbers: pd.DataFrame, scale: Scale) -> pd.Series[float]:
    """Compute the fitted number from the columns of its source, in the source's order.

    The hit is NaN where the losses leave nothing to recover.
    """
    if scale == "ce":
        sae, base, ablated = (numbers[name] for name in LOSSES)
        return (sae - base) / (ablated - base).where(ablated > base)
    if scale == "loss_difference":
        return numbers["ce_sae"] - numbers["ce_base"]
    values = numbers.iloc[:, 0]
    return 1 - values if scale in ("loss_recovered", "fvu") else values


def metric_of(table: pd.DataFrame) -> Metric:
    """Name the column of a canonical table that is fitted."""
    return "performance_hit" if "performance_hit" in table else "cost"

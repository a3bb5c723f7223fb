"""The columns of a table: those that are known by name, and those that the fitted number y comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import pandas as pd

type Reading = Literal["loss_recovered", "performance_hit", "ce", "cost", "fvu", "loss_difference"]
type Origin = tuple[tuple[str, ...], Reading]
type Metric = Literal["performance_hit", "cost"]

LOSSES: Final = ("ce_sae", "ce_base", "ce_ablated")
# Costs that are computed if the frame has no column of their name.
COMPUTED_COSTS: Final[Mapping[str, Origin]] = {
    "fvu": (("explained_variance",), "fvu"),
    "loss_difference": (("ce_sae", "ce_base"), "loss_difference"),
}
# Whatever else is in a table, y is computed from losses in these readings, and in these only.
FROM_LOSSES: Final = frozenset({"ce", "loss_difference"})
CURVE: Final = ["variant", "setting"]
LOSS_ERRORS: Final = ("se_ce_sae", "se_ce_base", "se_ce_ablated")
OPTIONAL_NUMBERS: Final = ("se", "se_l0", "d_model", "n_tokens", "n_trained", *LOSSES, *LOSS_ERRORS)
OPTIONAL: Final = (
    *("se", "se_l0", "d_model", "n_tokens", "n_trained", "seed", "label", "width", "ablation"),
    *LOSSES,
    *LOSS_ERRORS,
)
# Columns of the canonical table and of the result tables, which a group column would double.
RESERVED: Final = frozenset(OPTIONAL_NUMBERS).union(
    ("row", "variant", "baseline", "scope", "quantity", "at", "l0", "sparsity", "performance_hit", "cost"),
    ("median", "lower", "upper", "prob", "p_gt_1", "support", "l0_low", "l0_high"),
    ("p_better", "p_worse", "p_cross", "crossing_l0", "verdict"),
)
HIT_LABEL: Final = "performance hit"
SHORT_NAMES: Final[Mapping[Metric, str]] = {"performance_hit": "hit", "cost": "cost"}
HIT_WORD: Final = re.compile(r"(?<![A-Za-z])(?i:hits?)(?![A-Za-z])|(?<=[a-z])Hits?(?![a-z])")


def find_y_columns(y: str | None, filled: Sequence[str], known: Sequence[str]) -> Origin:
    """Find the columns that the hit comes from, and how to read them.

    Without ``y``, these are the first of loss recovered, the hit and the losses that have a filled column,
    or else any column.

    Examples
    --------
    >>> find_y_columns(None, ["ce_sae"], ["loss_recovered", "ce_sae"])
    (('ce_sae', 'ce_base', 'ce_ablated'), 'ce')
    >>> find_y_columns("val_hit", [], [])
    (('val_hit',), 'performance_hit')
    """
    if y is None:
        names = ("loss_recovered", "performance_hit", *LOSSES)
        found = [name for columns in (filled, known) for name in names if name in columns]
        y = (found or names)[0]
        y = "ce" if y in LOSSES else y
    if y == "ce":
        return LOSSES, "ce"
    return (y,), "performance_hit" if HIT_WORD.search(y) else "loss_recovered"


def find_cost_columns(cost: str, columns: Sequence[str]) -> Origin:
    """Find the columns that a cost comes from: its own, or those that it is computed from.

    Examples
    --------
    >>> find_cost_columns("fvu", ["l0", "explained_variance"])
    (('explained_variance',), 'fvu')
    >>> find_cost_columns("fvu", ["l0", "explained_variance", "fvu"])
    (('fvu',), 'cost')
    """
    if cost in COMPUTED_COSTS and cost not in columns:
        return COMPUTED_COSTS[cost]
    return (cost,), "cost"


def compute_y(numbers: pd.DataFrame, reading: Reading) -> pd.Series[float]:
    """Compute the fitted number from its columns, in their order.

    The hit is NaN where the losses leave nothing to recover.
    """
    if reading == "ce":
        sae, base, ablated = (numbers[name] for name in LOSSES)
        return (sae - base) / (ablated - base).where(ablated > base)
    if reading == "loss_difference":
        return numbers["ce_sae"] - numbers["ce_base"]
    values = numbers.iloc[:, 0]
    return 1 - values if reading in ("loss_recovered", "fvu") else values


def metric_of(table: pd.DataFrame) -> Metric:
    """Name the column of a canonical table that is fitted."""
    return "performance_hit" if "performance_hit" in table else "cost"

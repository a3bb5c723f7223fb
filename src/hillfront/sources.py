"""The columns that the fitted number comes from, and how it is computed from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import pandas as pd

type Scale = Literal["loss_recovered", "performance_hit", "ce"]

LOSSES: Final = ("ce_sae", "ce_base", "ce_ablated")
HIT_WORD: Final = re.compile(r"(?<![A-Za-z])(?i:hits?)(?![A-Za-z])|(?<=[a-z])Hits?(?![a-z])")


def find_source(y: str | None, columns: Sequence[str]) -> tuple[tuple[str, ...], Scale] | None:
    """Find the columns that the hit comes from and what they hold; None if there is no choice."""
    if y is None:
        losses = "ce" if set(LOSSES) & set(columns) else None
        y = next((name for name in ("loss_recovered", "performance_hit") if name in columns), losses)
    if y is None:
        return None
    if y == "ce":
        return LOSSES, "ce"
    return (y,), "performance_hit" if HIT_WORD.search(y) else "loss_recovered"


def to_hit(numbers: pd.DataFrame, scale: Scale) -> pd.Series[float]:
    """Compute the performance hit; NaN where the losses leave nothing to recover."""
    if scale == "ce":
        sae, base, ablated = (numbers[name] for name in LOSSES)
        return (sae - base) / (ablated - base).where(ablated > base)
    values = numbers.iloc[:, 0]
    return values if scale == "performance_hit" else 1 - values

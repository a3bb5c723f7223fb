"""Cells of any dtype as numbers and as text, without trusting any of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from numbers import Real
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SEPARATOR: Final = " / "


def to_numbers(cells: pd.Series) -> pd.Series[float]:
    """Read cells of any dtype as floats; NaN where there is none."""
    return pd.Series([as_number(cell) for cell in cells], index=cells.index, dtype="float64")


def as_number(cell: object) -> float:
    """Read one cell as a float; NaN for text that is no number, true/false, dates and anything else.

    `pandas.to_numeric` would read true/false and dates as numbers.
    """
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, str | Real | Decimal):
        return np.nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return np.nan


def to_text(cells: pd.Series) -> pd.Series[str]:
    """Read cells of any dtype as text; missing where blank."""
    texts = [
        None if missing else as_text(cell) or None for cell, missing in zip(cells, cells.isna(), strict=True)
    ]
    return pd.Series(texts, index=cells.index, dtype="str")


def as_text(cell: object) -> str:
    """Write one cell as text without blanks around it, whole numbers without a point.

    Examples
    --------
    >>> as_text(20.0), as_text(20), as_text(0.5), as_text(" resid ")
    ('20', '20', '0.5', 'resid')
    """
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()


def is_blank(cells: pd.Series) -> NDArray[np.bool_]:
    """Mark the cells that are missing or hold blanks only."""
    return to_text(cells).isna().to_numpy()


def join_labels(labels: Sequence[pd.Series[str]], index: pd.Index) -> pd.Series[str]:
    """Join the values of the group columns to one label, missing where one of them is."""
    if not labels:
        return pd.Series("all", index=index, dtype="str")
    return reduce(lambda joined, label: joined.str.cat(label, sep=SEPARATOR), labels)

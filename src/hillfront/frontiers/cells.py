"""Cells of any table as pandas columns, as numbers and as text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import reduce
from numbers import Real
from typing import Final, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = []

type Table = pd.DataFrame | SupportsArrow | SupportsInterchange

NA_TEXTS: Final = frozenset(("na", "n/a", "#n/a", "<na>", "nan", "nat", "none", "null", "-", "--", "?"))
"""Texts that stand for nothing, in small letters; they count as empty in optional columns."""

_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,3}))?", re.ASCII)
_LARGEST_EXPONENT: Final = 50


SEPARATOR: Final = " / "
"""Separator of the values of group columns in the label of a setting."""


@runtime_checkable
class SupportsArrow(Protocol):
    """A table with the Arrow PyCapsule interface (polars, pyarrow, DuckDB and others)."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table as a stream of Arrow arrays."""
        ...


@runtime_checkable
class SupportsInterchange(Protocol):
    """A table with the older dataframe interchange protocol."""

    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> object:
        """Export the table as an interchange object."""
        ...


def to_pandas(frame: Table) -> pd.DataFrame:
    """Convert a table of another library to pandas."""
    if isinstance(frame, pd.DataFrame):
        return frame
    if isinstance(frame, SupportsArrow) and not isinstance(frame, pd.Series):
        converted: pd.DataFrame = pd.DataFrame.from_arrow(frame)  # type: ignore[attr-defined]  # not in the stubs
        return converted
    if isinstance(frame, SupportsInterchange):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the choice of the user's library
            return pd.api.interchange.from_dataframe(frame)
    raise TypeError(
        f"frame must be a pandas DataFrame or a table with the Arrow PyCapsule interface, not "
        f"{type(frame).__name__}; try pandas.DataFrame(frame)"
    )


def unique_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Keep the first column of each name; name those of which a later one differs.

    The levels of the index that have a name are columns too, after the others.
    """
    cells = frame.reset_index(drop=True).set_axis([name_of(name) for name in frame.columns], axis=1)
    levels = {
        name_of(name): frame.index.get_level_values(i)
        for i, name in enumerate(frame.index.names)
        if name is not None
    }
    if levels:
        cells = pd.concat([cells, *(pd.Series(level, name=name) for name, level in levels.items())], axis=1)
    repeated = cells.columns.duplicated()
    conflicting = [name for name in cells.columns[repeated].unique() if not all_equal(cells.loc[:, [name]])]
    return cells.loc[:, ~repeated], tuple(conflicting)


def name_of(column: object) -> str:
    """Write the name of a column as text, the levels of a MultiIndex joined by slashes.

    Examples
    --------
    >>> name_of(0), name_of(("metrics", "l0")), name_of(("variant", ""))
    ('0', 'metrics/l0', 'variant')
    """
    return "/".join(str(part) for part in column if str(part)) if isinstance(column, tuple) else str(column)


def all_equal(copies: pd.DataFrame) -> bool:
    """Return whether all columns hold the same values, missing ones included."""
    first, *others = (column.astype(object) for _, column in copies.items())
    return all(((first == other) | (first.isna() & other.isna())).all() for other in others)


def to_numbers(cells: pd.Series) -> pd.Series[float]:
    """Read cells of any dtype as floats; NaN where there is none."""
    return pd.Series([as_number(cell) for cell in cells], index=cells.index, dtype="float64")


def as_number(cell: object) -> float:
    """Read one cell as a float; NaN for text that is no number, true/false, dates and anything else.

    A percent sign or a comma between thousands makes text: the row is then reported as a fault, because
    nothing says whether 95% means 0.95. `pandas.to_numeric` would read true/false and dates as numbers, and
    Python reads ``8_22``, ``infinity`` and the digits of other scripts, which nobody writes for a number.

    Examples
    --------
    >>> as_number(" 0.95 "), as_number("1e-3"), as_number("95%"), as_number("8_22"), as_number(True)
    (0.95, 0.001, nan, nan, nan)
    """
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, str | Real | Decimal):
        return np.nan
    if isinstance(cell, str):
        written = _NUMBER.fullmatch(cell.strip())
        if written is None or abs(int(written[1] or 0)) > _LARGEST_EXPONENT:
            return np.nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return np.nan


def to_text(cells: pd.Series) -> pd.Series[str]:
    """Read cells of any dtype as text; missing where blank."""
    texts = [None if missing else as_text(cell) for cell, missing in zip(cells, cells.isna(), strict=True)]
    return pd.Series(texts, index=cells.index, dtype="str").replace("", None)


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


def is_na_text(cells: pd.Series) -> NDArray[np.bool_]:
    """Mark the cells that hold a word for nothing, such as ``n/a``."""
    if cells.dtype.kind in "biufcM":
        return np.zeros(len(cells), dtype=bool)
    return np.array(
        [isinstance(cell, str) and cell.strip().lower() in NA_TEXTS for cell in cells], dtype=bool
    )


def is_empty(cells: pd.Series) -> NDArray[np.bool_]:
    """Mark the cells that are missing, or hold blanks or a word for nothing."""
    return is_blank(cells) | is_na_text(cells)


def names_in(group: object) -> tuple[str, ...]:
    """Return the names of the group columns, each once.

    Examples
    --------
    >>> names_in("layer"), names_in(0), names_in(["site", "layer", "site"])
    (('layer',), ('0',), ('site', 'layer'))
    """
    several = group if isinstance(group, Iterable) and not isinstance(group, str) else (group,)
    return tuple(dict.fromkeys(map(name_of, several)))


def join_labels(labels: Sequence[pd.Series[str]], index: pd.Index) -> pd.Series[str]:
    """Join the values of the group columns to one label, missing where one of them is."""
    if not labels:
        return pd.Series("all", index=index, dtype="str")
    return reduce(lambda joined, label: joined.str.cat(label, sep=SEPARATOR), labels)

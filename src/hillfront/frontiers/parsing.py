"""Reading of a user's table: finding its columns, and converting cells to numbers and text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from numbers import Real
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.curves.sparsity import DenseLimit

__all__ = []

type Table = pd.DataFrame | SupportsArrow | SupportsInterchange

SEPARATOR: Final = " / "
"""Separator of the values of group columns in the label of a setting."""

RESERVED_SETTINGS: Final = {"average": "the settings together", "new_setting": "a setting without data"}
"""Labels that results use for something else, and what for."""


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


@dataclass(frozen=True)
class Draft:
    """A user's frame as read, before it is trusted.

    Parameters
    ----------
    cells : pandas.DataFrame
        The user's cells under the user's column names.
    numbers : pandas.DataFrame
        The number columns among them as floats; NaN where a cell is not a number.
    table : pandas.DataFrame
        The canonical columns that could be read.
    group_columns : tuple of str
        The columns that make a setting.
    variant, l0, cost, dense_limit, baseline
        As in `Frontiers.from_frame`: the user's names of these columns, the limit, and the baseline as text.
    y_columns : tuple of str
        The user's columns that the performance hit or the cost comes from.
    reading : {"loss_recovered", "performance_hit", "ce", "cost", "fvu", "loss_difference"}
        What these columns hold.
    missing : tuple of (str, str)
        Argument and column name of each column that was asked for and is not there.
    clashes : tuple of str
        Group columns whose name has another meaning in the canonical table.
    conflicting : tuple of str
        Columns that the frame holds twice, with different values.
    n_given : int
        Number of rows in the user's frame.
    """

    cells: pd.DataFrame
    numbers: pd.DataFrame
    table: pd.DataFrame
    group_columns: tuple[str, ...]
    variant: str
    l0: str
    y_columns: tuple[str, ...]
    reading: Reading
    cost: str | None
    dense_limit: DenseLimit
    baseline: str | None
    missing: tuple[tuple[str, str], ...]
    clashes: tuple[str, ...]
    conflicting: tuple[str, ...]
    n_given: int

    @property
    def metric(self) -> Metric:
        """Name of the canonical column that is fitted."""
        return "performance_hit" if self.cost is None else "cost"

    def has(self, *columns: str) -> bool:
        """Return whether all these canonical columns could be read."""
        return set(columns) <= set(self.table.columns)

    def is_text(self, column: str) -> NDArray[np.bool_]:
        """Mark the user's cells of a number column that hold something, but not a number."""
        return self.numbers[column].isna().to_numpy() & ~is_blank(self.cells[column])

    def without(self, rows: Iterable[int]) -> Draft:
        """Return the draft without these rows; the others keep their positions.

        ``n_trained`` of a curve falls by the number of its rows that are dropped.
        """
        keep = ~self.table["row"].isin(list(rows)).to_numpy()
        table = self.table[keep]
        if self.has("n_trained", *CURVE):
            dropped = self.table.assign(n=~keep).groupby(CURVE, dropna=False)["n"].transform("sum")
            table = table.assign(n_trained=table["n_trained"] - dropped[keep])
        return replace(self, cells=self.cells[keep], numbers=self.numbers[keep], table=table)


def read(
    frame: Table,
    *,
    variant: str,
    group: str | Sequence[str],
    l0: str,
    y: str | None,
    cost: str | None,
    dense_limit: DenseLimit,
    baseline: str | None,
) -> Draft:
    """Read a table as far as it can be read; `fault_finders.find_faults` says what is wrong with it.

    The arguments are those of `Frontiers.from_frame`.
    """
    cells, conflicting = unique_columns(to_pandas(frame))
    known = [name for name in ("loss_recovered", "performance_hit", *OPTIONAL) if name in cells]
    filled = [name for name in known if cells.empty or not is_blank(cells[name]).all()]
    if cost is not None:
        y_columns, reading = find_cost_columns(cost, list(cells.columns))
    else:
        y_columns, reading = find_y_columns(y, filled, known)
    taken = RESERVED | {variant, l0, *y_columns}
    given = tuple(dict.fromkeys((group,) if isinstance(group, str) else group))
    clashes = tuple(name for name in given if name in taken or (name == "setting" and len(given) > 1))
    group_columns = tuple(name for name in given if name not in clashes)
    limits = [name for name in cells if name == dense_limit]  # wanted, also where it is empty
    free = set(OPTIONAL) - {variant, l0, *group_columns}
    optional = [name for name in OPTIONAL if name in free.intersection((*filled, *limits))]

    wanted = [("variant", variant), *(("group", name) for name in group_columns), ("l0", l0)]
    computed = reading in ("ce", "cost", "fvu", "loss_difference")
    wanted += [(reading if computed else "y" if y else "any y", name) for name in y_columns]
    wanted += [("dense_limit", "d_model")] if dense_limit == "d_model" else []
    used = {name for _, name in wanted}.union(optional)
    numeric = dict.fromkeys([l0, *y_columns, *(name for name in optional if name in OPTIONAL_NUMBERS)])
    numbers = pd.DataFrame(
        {name: to_numbers(cells[name]) for name in numeric if name in cells}, index=cells.index
    )
    labels = {name: to_text(cells[name]) for name in group_columns if name in cells}

    columns: dict[str, pd.Series] = {"row": pd.Series(cells.index, dtype="int64")}
    if variant in cells:
        columns["variant"] = to_text(cells[variant])
    columns |= {name: label for name, label in labels.items() if name != "setting"}
    if len(labels) == len(group_columns):
        columns["setting"] = join_labels(list(labels.values()), cells.index)
    if l0 in numbers:
        columns |= {"l0": numbers[l0], "sparsity": 1 / numbers[l0]}
    if set(y_columns) <= set(numbers):
        columns["performance_hit" if cost is None else "cost"] = compute_y(numbers[list(y_columns)], reading)
    columns |= {name: numbers[name] if name in numbers else to_text(cells[name]) for name in optional}

    return Draft(
        cells=cells,
        numbers=numbers,
        table=pd.DataFrame(columns, index=cells.index),
        group_columns=group_columns,
        variant=variant,
        l0=l0,
        y_columns=y_columns,
        reading=reading,
        cost=cost,
        dense_limit=dense_limit,
        baseline=None if baseline is None else as_text(baseline),
        missing=tuple((argument, name) for argument, name in wanted if name not in cells),
        clashes=clashes,
        conflicting=tuple(name for name in conflicting if name in used),
        n_given=len(cells),
    )


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
    """Keep the first column of each name; name those of which a later one differs."""
    cells = frame.reset_index(drop=True).set_axis(frame.columns.map(str), axis=1)
    repeated = cells.columns.duplicated()
    conflicting = [name for name in cells.columns[repeated].unique() if not all_equal(cells.loc[:, [name]])]
    return cells.loc[:, ~repeated], tuple(conflicting)


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
    nothing says whether 95% means 0.95. `pandas.to_numeric` would read true/false and dates as numbers.

    Examples
    --------
    >>> as_number(" 0.95 "), as_number("95%"), as_number(True)
    (0.95, nan, nan)
    """
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, str | Real | Decimal):
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


def join_labels(labels: Sequence[pd.Series[str]], index: pd.Index) -> pd.Series[str]:
    """Join the values of the group columns to one label, missing where one of them is."""
    if not labels:
        return pd.Series("all", index=index, dtype="str")
    return reduce(lambda joined, label: joined.str.cat(label, sep=SEPARATOR), labels)


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

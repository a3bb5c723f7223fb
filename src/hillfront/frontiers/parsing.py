"""Reading a user's table: finding its columns and converting their cells, without trusting any of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

import pandas as pd

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.cells import as_text, is_blank, join_labels, to_numbers, to_text
from hillfront.frontiers.columns import LOSSES, Metric, Scale, compute_y, find_cost_source, find_source

type Table = pd.DataFrame | SupportsArrow | SupportsInterchange

CURVE: Final = ["variant", "setting"]
LOSS_ERRORS: Final = ("se_ce_sae", "se_ce_base", "se_ce_ablated")
OPTIONAL_NUMBERS: Final = ("se", "se_l0", "d_model", "n_tokens", "n_trained", *LOSSES, *LOSS_ERRORS)
OPTIONAL: Final = (
    *("se", "se_l0", "d_model", "n_tokens", "n_trained", "seed", "label", "width", "ablation"),
    *LOSSES,
    *LOSS_ERRORS,
)
# Columns of the canonical table and of the result tables, which a group column would double.
RESERVED: Final = frozenset(
    {
        "row",
        "variant",
        "l0",
        "sparsity",
        "performance_hit",
        "cost",
        *OPTIONAL_NUMBERS,
        "baseline",
        "scope",
        "quantity",
        "at",
        "median",
        "lower",
        "upper",
        "prob",
        "p_gt_1",
        "support",
        "l0_low",
        "l0_high",
        "p_better",
        "p_worse",
        "p_cross",
        "crossing_l0",
        "verdict",
    }
)


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
    variant, l0 : str
        The user's names of these columns.
    source : tuple of str
        The user's columns that the performance hit or the cost comes from.
    scale : {"loss_recovered", "performance_hit", "ce", "cost", "fvu", "loss_difference"}
        What these columns hold.
    cost : str or None
        The user's name of the cost, if that is fitted in place of the performance hit.
    dense_limit : "d_model", float or None
        L0 that every row must stay below.
    baseline : str or None
        The variant that others will be compared with, if the user named one.
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
    source: tuple[str, ...]
    scale: Scale
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
        """Whether all these canonical columns could be read."""
        return set(columns) <= set(self.table.columns)

    def without(self, rows: Iterable[int]) -> Draft:
        """Return the draft without these rows; the others keep their positions.

        A row that is dropped was trained, but is not one that its curve's others beat, so it no longer counts
        among the trained.
        """
        keep = ~self.table["row"].isin(list(rows)).to_numpy()
        table = self.table[keep]
        if self.has("n_trained", *CURVE):
            gone = (
                pd.Series(~keep, index=self.table.index)
                .groupby([self.table[name] for name in CURVE], dropna=False)
                .transform("sum")
            )
            table = table.assign(n_trained=table["n_trained"] - gone[keep])
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

    Parameters
    ----------
    frame, variant, group, l0, y, cost, dense_limit, baseline
        As in `Frontiers.from_frame`.

    Returns
    -------
    Draft
        The user's cells and the canonical columns that could be made of them.
    """
    cells, conflicting = unique_columns(to_pandas(frame))
    known = [name for name in ("loss_recovered", "performance_hit", *OPTIONAL) if name in cells]
    filled = [name for name in known if cells.empty or not is_blank(cells[name]).all()]
    source, scale = find_source(y, filled) or find_source(y, known) or (("loss_recovered",), "loss_recovered")
    if cost is not None:
        source, scale = find_cost_source(cost, list(cells.columns))
    taken = RESERVED | {variant, l0, *source}
    given = tuple(dict.fromkeys((group,) if isinstance(group, str) else group))
    clashes = tuple(name for name in given if name in taken or (name == "setting" and len(given) > 1))
    group_columns = tuple(name for name in given if name not in clashes)
    limits = [name for name in cells if name == dense_limit]  # wanted, also where it is empty
    optional = [
        name for name in OPTIONAL if name in (*filled, *limits) and name not in (variant, l0, *group_columns)
    ]

    wanted = [("variant", variant), *(("group", name) for name in group_columns), ("l0", l0)]
    wanted += [(argument_of(scale, y), name) for name in source]
    wanted += [("dense_limit", "d_model")] if dense_limit == "d_model" else []
    used = {name for _, name in wanted}.union(optional)
    numeric = dict.fromkeys([l0, *source, *(name for name in optional if name in OPTIONAL_NUMBERS)])
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
    if set(source) <= set(numbers):
        columns["performance_hit" if cost is None else "cost"] = compute_y(numbers[list(source)], scale)
    columns |= {name: numbers[name] if name in numbers else to_text(cells[name]) for name in optional}

    return Draft(
        cells=cells,
        numbers=numbers,
        table=pd.DataFrame(columns, index=cells.index),
        group_columns=group_columns,
        variant=variant,
        l0=l0,
        source=source,
        scale=scale,
        cost=cost,
        dense_limit=dense_limit,
        baseline=None if baseline is None else as_text(baseline),
        missing=tuple((argument, name) for argument, name in wanted if name not in cells),
        clashes=clashes,
        conflicting=tuple(name for name in conflicting if name in used),
        n_given=len(cells),
    )


def argument_of(scale: Scale, y: str | None) -> str:
    """Name what asked for the columns of y: an argument, or the name of what is computed from them."""
    if scale in ("ce", "cost", "fvu", "loss_difference"):
        return scale
    return "y" if y else "any y"


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
    """Whether all columns hold the same values, missing ones included."""
    first, *others = (column.astype(object) for _, column in copies.items())
    return all(((first == other) | (first.isna() & other.isna())).all() for other in others)

"""Reading of a user's table: finding its columns, and computing the canonical ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.cells import (
    Table,
    all_equal,
    as_text,
    is_blank,
    is_empty,
    is_na_text,
    join_labels,
    name_of,
    names_in,
    to_numbers,
    to_pandas,
    to_text,
    unique_columns,
)
from hillfront.frontiers.column_names import columns_for, columns_named, is_hit, is_log_l0
from hillfront.utils.wording import matching

__all__ = []

RESERVED_SETTINGS: Final = {"average": "the settings together", "new_setting": "a setting without data"}
"""Labels that results use for something else, and what for."""


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
        The columns that make a setting, as they were asked for.
    variant, l0 : str
        The user's names of these columns.
    cost, dense_limit
        As in `Frontiers.from_frame`.
    baseline : str or None
        The baseline as text, or the variant that differs from it in letter case, blanks and dashes alone.
    baseline_given : str or None
        The baseline as text.
    y_columns : tuple of str
        The user's columns that the performance hit or the cost comes from.
    reading : {"loss_recovered", "performance_hit", "ce", "cost", "fvu", "loss_difference"}
        What these columns hold.
    read_as : mapping of str to str
        The user's column that each canonical one was read from.
    missing : tuple of (str, str)
        Argument and column name of each column that was asked for and is not there.
    ambiguous : tuple of (str, str, tuple of str)
        Argument, name, and the columns that it may mean, for each that may mean several.
    clashes : tuple of str
        Group columns whose name has another meaning in the canonical table.
    conflicting : tuple of str
        Columns that the frame holds twice, with different values.
    skipped : mapping of str to tuple of int
        The rows of number columns that hold text, where nothing needs the column.
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
    read_as: Mapping[str, str]
    cost: str | None
    dense_limit: DenseLimit
    baseline: str | None
    baseline_given: str | None
    missing: tuple[tuple[str, str], ...]
    ambiguous: tuple[tuple[str, str, tuple[str, ...]], ...]
    clashes: tuple[str, ...]
    conflicting: tuple[str, ...]
    skipped: Mapping[str, tuple[int, ...]]
    n_given: int

    @property
    def metric(self) -> Metric:
        """Name of the canonical column that is fitted."""
        return "performance_hit" if self.cost is None else "cost"

    @property
    def unused(self) -> tuple[str, ...]:
        """The user's columns that nothing was read from."""
        return tuple(name for name in map(str, self.cells) if name not in self.read_as.values())

    def own(self, column: str) -> str:
        """Return the user's name of a canonical column, or the name itself."""
        return self.read_as.get(column, column)

    def has(self, *columns: str) -> bool:
        """Return whether all these canonical columns could be read."""
        return set(columns) <= set(self.table.columns)

    def is_text(self, column: str) -> NDArray[np.bool_]:
        """Mark the cells of one of the user's number columns that hold something, but not a number."""
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


@dataclass(frozen=True)
class Wanted:
    """A column that is asked for, by whom, and the user's columns that it may be."""

    argument: str
    name: str
    candidates: tuple[str, ...]

    @property
    def column(self) -> str:
        """The first of the columns that it may be, or the name that was asked for."""
        return self.candidates[0] if self.candidates else self.name


def read(
    frame: Table,
    *,
    variant: object,
    group: object,
    l0: object,
    y: object,
    cost: object,
    dense_limit: DenseLimit,
    baseline: object,
) -> Draft:
    """Read a table as far as it can be read; `fault_finders.find_faults` says what is wrong with it.

    The arguments are those of `Frontiers.from_frame`.
    """
    cells, conflicting = unique_columns(to_pandas(frame))
    every = list(map(str, cells))
    filled = [name for name in every if cells.empty or not is_empty(cells[name]).all()]
    given = names_in(group)

    def want(argument: str, name: str, *, but: Iterable[str] = ()) -> Wanted:
        """Find what a name means, filled columns first."""
        columns = [[name for name in names if name not in but] for names in (filled, every)]
        found = columns_named(name, columns[0]) or columns_named(name, columns[1])
        return Wanted(argument, name, tuple(found[:1] if found and all_equal(cells[found]) else found))

    groups = {name: want("group", name) for name in given}
    grouped = {own.column for name, own in groups.items() if name not in RESERVED}
    asked = {"variant": variant, "l0": l0}
    first, second = (
        want(role, role if name is None else name_of(name), but=grouped if name is None else ())
        for role, name in asked.items()
    )
    if l0 is None and not second.candidates:
        second = replace(second, candidates=tuple(name for name in filled if is_log_l0(name))[:1])
    cost = None if cost is None else name_of(cost)
    if cost is not None:
        names, reading = find_cost_columns(cost, every)
    else:
        names, reading = find_y_columns(None if y is None else name_of(y), filled, every)
    computed = reading in ("ce", "cost", "fvu", "loss_difference")
    ys = [want(reading if computed else "y" if y is not None else "any y", name) for name in names]
    if reading == "loss_recovered" and is_hit(ys[0].column):
        reading = "performance_hit"
    y_columns = tuple(own.column for own in ys)

    taken = {first.column, second.column, *y_columns}
    clashes = tuple(
        name
        for name, own in groups.items()
        if name in RESERVED or own.column in taken or (name == "setting" and len(given) > 1)
    )
    group_columns = tuple(name for name in given if name not in clashes)
    sources = dict(zip(names, y_columns, strict=True)) if reading in FROM_LOSSES else {}
    free = [name for name in filled if name not in {first.column, second.column, *grouped}]
    needed = needed_numbers(reading, dense_limit)
    optional, several, skipped = {}, [], {}
    for role in OPTIONAL:
        found = [sources[role]] if role in sources else columns_for(role, free)
        if role == "d_model" and dense_limit == "d_model":
            found = found or [name for name in every if name == role]  # wanted, also where it is empty
        if role in group_columns or not found or found[0] not in cells:
            continue
        if len(found) > 1 and not all_equal(cells[found]):
            several += [("dense_limit", role, tuple(found))] if role in needed else []
            continue
        column = found[0]
        if column not in y_columns:
            nothing = is_na_text(cells[column])
            if nothing.any() and (role not in NEVER_EMPTY or is_empty(cells[column]).all()):
                cells[column] = cells[column].mask(nothing)
            words = to_numbers(cells[column]).isna().to_numpy() & ~is_blank(cells[column])
            if role in OPTIONAL_NUMBERS and role not in needed and words.any():
                skipped[column] = tuple(np.flatnonzero(words).tolist())
                cells[column] = cells[column].mask(words)
        wanted_empty = role == dense_limit or column in y_columns or cells.empty
        if wanted_empty or not is_blank(cells[column]).all():
            optional[role] = column

    wanted = [first, *(groups[name] for name in group_columns), second, *ys]
    if dense_limit == "d_model" and not several:
        wanted.append(Wanted("dense_limit", "d_model", tuple(filter(None, [optional.get("d_model")]))))
    read_as = {"variant": first.column} | {name: groups[name].column for name in group_columns}
    roles = names if reading in FROM_LOSSES else ("explained_variance" if reading == "fvu" else reading,)
    read_as |= {"l0": second.column} | dict(zip(roles, y_columns, strict=True))
    read_as = {name: column for name, column in (read_as | optional).items() if column in cells}
    numeric = [second.column, *y_columns, *(optional[name] for name in OPTIONAL_NUMBERS if name in optional)]
    numbers = pd.DataFrame(
        {name: to_numbers(cells[name]) for name in dict.fromkeys(numeric) if name in cells}, index=cells.index
    )
    labels = {name: to_text(cells[groups[name].column]) for name in group_columns if name in read_as}

    columns: dict[str, pd.Series] = {"row": pd.Series(cells.index, dtype="int64")}
    if first.column in cells:
        columns["variant"] = to_text(cells[first.column])
    columns |= {name: label for name, label in labels.items() if name != "setting"}
    if len(labels) == len(group_columns):
        columns["setting"] = join_labels(list(labels.values()), cells.index)
    if second.column in numbers:
        columns |= {"l0": numbers[second.column], "sparsity": 1 / numbers[second.column]}
    if set(y_columns) <= set(numbers):
        columns["performance_hit" if cost is None else "cost"] = compute_y(
            numbers[list(y_columns)].set_axis(list(names), axis=1), reading
        )
    columns |= {
        role: numbers[name] if role in OPTIONAL_NUMBERS else to_text(cells[name])
        for role, name in optional.items()
    }
    table = pd.DataFrame(columns, index=cells.index)
    text = None if baseline is None else as_text(baseline)

    return Draft(
        cells=cells,
        numbers=numbers,
        table=table,
        group_columns=group_columns,
        variant=first.column,
        l0=second.column,
        y_columns=y_columns,
        reading=reading,
        read_as=read_as,
        cost=cost,
        dense_limit=dense_limit,
        baseline=(matching(text, table["variant"].dropna().unique()) or text) if "variant" in table else text,
        baseline_given=text,
        missing=tuple((own.argument, own.name) for own in wanted if not own.candidates),
        ambiguous=(
            *((own.argument, own.name, own.candidates) for own in wanted if len(own.candidates) > 1),
            *several,
        ),
        clashes=clashes,
        conflicting=tuple(name for name in conflicting if name in read_as.values()),
        skipped=skipped,
        n_given=len(cells),
    )


def needed_numbers(reading: Reading, dense_limit: DenseLimit) -> frozenset[str]:
    """Return the optional number columns that are used wherever they are there, given what is fitted."""
    needed = {"se", "se_l0", "n_trained"}
    if dense_limit == "d_model":
        needed.add("d_model")
    if reading in FROM_LOSSES:
        needed.update(("n_tokens", *LOSS_ERRORS))
    return frozenset(needed)


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
NEVER_EMPTY: Final = frozenset(("se", "se_l0", *LOSS_ERRORS))
"""Columns that are full or not there: nothing can be made of an error that is known for some rows only."""
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
Y_ROLES: Final = ("loss_recovered", "performance_hit", "explained_variance", "cost", *LOSSES)
"""Canonical columns that y may be read from."""
WORDS: Final[Mapping[str, str]] = {
    "l0": "L0",
    "loss_recovered": "loss recovered",
    "performance_hit": "performance hit",
    "explained_variance": "explained variance",
}
"""The names of canonical columns in sentences."""
SHORT_NAMES: Final[Mapping[Metric, str]] = {"performance_hit": "hit", "cost": "cost"}


def find_y_columns(y: str | None, filled: Sequence[str], columns: Sequence[str]) -> Origin:
    """Find what the hit comes from, by the names of its columns, and how to read them.

    Without ``y``, this is the first of loss recovered, the hit and the losses that have a filled column, or
    else any column.

    Examples
    --------
    >>> find_y_columns(None, ["ce_sae"], ["loss_recovered", "ce_sae"])
    (('ce_sae', 'ce_base', 'ce_ablated'), 'ce')
    >>> find_y_columns("val_hit", [], [])
    (('val_hit',), 'performance_hit')
    """
    if y is None:
        roles = ("loss_recovered", "performance_hit", *LOSSES)
        found = [role for names in (filled, columns) for role in roles if columns_for(role, names)]
        y = (found or roles)[0]
        y = "ce" if y in LOSSES else y
    if y == "ce":
        return LOSSES, "ce"
    return (y,), "performance_hit" if is_hit(y) else "loss_recovered"


def find_cost_columns(cost: str, columns: Sequence[str]) -> Origin:
    """Find the columns that a cost comes from: its own, or those that it is computed from.

    Examples
    --------
    >>> find_cost_columns("fvu", ["l0", "explained_variance"])
    (('explained_variance',), 'fvu')
    >>> find_cost_columns("fvu", ["l0", "explained_variance", "FVU"])
    (('fvu',), 'cost')
    """
    if cost in COMPUTED_COSTS and not columns_named(cost, columns):
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

"""Faults that stop a fit before sampling.

A finder takes a `Draft` (the user's table as read, not yet trusted) and yields `Fault` objects. To add one,
write a function and list it in `FAULT_FINDERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.table_input import CURVE, LOSSES, Draft, is_blank
from hillfront.wording import name_curve, name_rows, nearest, shorten, show

DROPPED: Final = ("row", "variant", "group", "fault", "value")
PERCENT_ABOVE: Final = 2.0


@dataclass(frozen=True)
class Fault:
    """Something in the user's table that must be put right before a fit.

    Parameters
    ----------
    kind : str
        What is wrong, in a few words.
    rows : tuple of int
        Positions of the rows concerned, 0 for the first row below the header. Empty if not about rows.
    seen : str
        The values found, shortened where there are many.
    allowed : str
        What would have been accepted.
    next_step : str
        What to do about it.
    drops : tuple of (int, str), optional
        Row and value of each row that ``on_fault="drop"`` takes out. Empty if dropping rows is no remedy.

    Examples
    --------
    >>> print(Fault("L0 not positive", (3,), "-12.5", "a finite number above 0", "Correct the value."))
    L0 not positive (row 3): saw -12.5; allowed: a finite number above 0. Next step: Correct the value.
    """

    kind: str
    rows: tuple[int, ...]
    seen: str
    allowed: str
    next_step: str
    drops: tuple[tuple[int, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        where = f" ({name_rows(self.rows)})" if self.rows else ""
        return f"{self.kind}{where}: saw {self.seen}; allowed: {self.allowed}. Next step: {self.next_step}"


def find_faults(draft: Draft) -> tuple[Fault, ...]:
    """Find every fault of a draft, in the order of `FAULT_FINDERS`.

    Parameters
    ----------
    draft : Draft
        The table as read.

    Returns
    -------
    tuple of Fault
        Empty if the table can be fitted.
    """
    return tuple(fault for finder in FAULT_FINDERS for fault in finder(draft))


def no_drops() -> pd.DataFrame:
    """Return an empty record of dropped rows."""
    return pd.DataFrame({name: pd.Series([], dtype="int64" if name == "row" else "str") for name in DROPPED})


def record_drops(draft: Draft, faults: Sequence[Fault]) -> pd.DataFrame:
    """Record the rows that the faults drop, each once, with its variant, its group and all its faults."""
    drops = [(row, fault.kind, value) for fault in faults for row, value in fault.drops]
    by_row = pd.DataFrame(drops, columns=["row", "fault", "value"]).groupby("row", as_index=False)
    record = by_row.agg("; ".join).astype({"fault": "str", "value": "str"})
    return record.merge(draft.table[["row", *CURVE]], on="row", how="left")[list(DROPPED)]


def bad_rows(
    draft: Draft, bad: NDArray[np.bool_], seen: Iterable[str], kind: str, allowed: str, next_step: str
) -> Iterator[Fault]:
    """Yield one fault for the rows marked `bad`, if any; `seen` has an entry for each of them."""
    if bad.any():
        drops = tuple(zip(draft.table.loc[bad, "row"].tolist(), seen, strict=True))
        rows = tuple(row for row, _ in drops)
        yield Fault(kind, rows, shorten(value for _, value in drops), allowed, next_step, drops)


def bad_cells(
    draft: Draft, bad: NDArray[np.bool_], column: str, kind: str, allowed: str, next_step: str
) -> Iterator[Fault]:
    """Yield one fault for the user's cells of a column in the rows marked `bad`, if any."""
    yield from bad_rows(draft, bad, map(show, draft.cells.loc[bad, column]), kind, allowed, next_step)


def missing_columns(draft: Draft) -> Iterator[Fault]:
    """Find columns that were asked for and are not there; name the nearest match."""
    in_use = {draft.variant, draft.l0, *draft.source, *draft.group_columns}
    free = [str(name) for name in draft.cells if name not in in_use]
    losses = ", ".join(map(repr, LOSSES))
    for argument, name in draft.missing:
        near = nearest(name, free)
        seen = f"the nearest column {near!r}" if near else "no column like it"
        allowed = {
            "any y": f"'loss_recovered', 'performance_hit', or {losses}",
            "ce": f"the three losses {losses}",
        }.get(argument, f"a table with the column {name!r}")
        if_near, if_not = {
            "any y": (f"Pass y={near!r} if that holds it.", "Add one of these, or pass y=COLUMN."),
            "ce": (f"Rename {near!r} to {name!r}.", "Add it, or pass y=COLUMN to use another column."),
            "group": (f"Name {near!r} in group, or leave {name!r} out.", "Add it, or leave it out of group."),
        }.get(argument, (f"Pass {argument}={near!r}.", f"Add it, or pass {argument}=COLUMN."))
        yield Fault(f"missing column {name!r}", (), seen, allowed, if_near if near else if_not)


def name_clashes(draft: Draft) -> Iterator[Fault]:
    """Find group columns whose name has another meaning in the canonical table."""
    for name in draft.clashes:
        allowed = "a group column that is not the variant, L0, a loss or another number that the model reads"
        if name == "group":
            allowed = "'group' as the only group column, because the label of a group has this name"
        step = f"Rename {name!r} or leave it out of group."
        yield Fault("group column not usable", (), repr(name), allowed, step)


def conflicting_columns(draft: Draft) -> Iterator[Fault]:
    """Find columns in use that the frame holds twice, with different values."""
    for name in draft.conflicting:
        seen = f"{name!r} with different values"
        step = f"Keep one of the columns called {name!r} and rename or delete the others."
        yield Fault("column given twice", (), seen, "one column of each name", step)


def no_rows(draft: Draft) -> Iterator[Fault]:
    """Find a table without rows, as given or because all were dropped."""
    if draft.table.empty:
        seen, step = "0 rows", "Check the file and the filters before this call."
        if draft.n_given:
            seen = f"0 of {draft.n_given} rows left"
            step = "Use on_fault='raise' to see why each row was dropped."
        yield Fault("no rows", (), seen, "one row or more", step)


def empty_labels(draft: Draft) -> Iterator[Fault]:
    """Find rows whose variant or group is missing or blank."""
    for column in (draft.variant, *draft.group_columns):
        if column in draft.cells:
            kind = "variant empty" if column == draft.variant else f"group column {column!r} empty"
            step = f"Fill in {column!r}, or leave these rows out."
            bad = is_blank(draft.cells[column])
            yield from bad_cells(draft, bad, column, kind, "a name or a number", step)


def ambiguous_groups(draft: Draft) -> Iterator[Fault]:
    """Find different groups that share a label because their values contain the separator."""
    if len(draft.group_columns) < 2 or not draft.has("group", *draft.group_columns):
        return
    groups = draft.table[[*draft.group_columns, "group"]].drop_duplicates()
    labels = groups.loc[groups["group"].duplicated(), "group"].dropna().unique()
    if len(labels):
        rows = tuple(draft.table.loc[draft.table["group"].isin(labels), "row"].tolist())
        seen, step = shorten(map(repr, labels)), "Replace ' / ' in these values by another sign."
        yield Fault("different groups, one label", rows, seen, "values without ' / '", step)


def is_text(draft: Draft, column: str) -> NDArray[np.bool_]:
    """Mark the cells that hold something, but not a number."""
    return draft.numbers[column].isna().to_numpy() & ~is_blank(draft.cells[column])


def text_in_numbers(draft: Draft) -> Iterator[Fault]:
    """Find text, dates and true/false where a number belongs."""
    step = "Write plain numbers: 1024.5, not '1,024.5' or '95%'."
    for column in map(str, draft.numbers):
        bad = is_text(draft, column)
        yield from bad_cells(draft, bad, column, f"not a number in {column!r}", "numbers", step)


def bad_l0(draft: Draft) -> Iterator[Fault]:
    """Find L0 that is not finite or not positive."""
    if not draft.has("l0"):
        return
    l0 = draft.table["l0"].to_numpy()
    bad = ~(np.isfinite(l0) & (l0 > 0)) & ~is_text(draft, draft.l0)
    step = (
        "L0 is the mean number of active latents per token: correct it at the source, or leave the row out."
    )
    yield from bad_cells(draft, bad, draft.l0, "L0 not positive", "a finite number above 0", step)


def bad_hit(draft: Draft) -> Iterator[Fault]:
    """Find values that the performance hit comes from and that are not finite."""
    step = "Evaluate this SAE again, or leave the row out."
    for column in draft.source:
        if column in draft.numbers:
            bad = ~np.isfinite(draft.numbers[column].to_numpy()) & ~is_text(draft, column)
            yield from bad_cells(draft, bad, column, f"{column!r} not finite", "a finite number", step)


def bad_extras(draft: Draft) -> Iterator[Fault]:
    """Find standard errors that are negative or not finite, and a d_model that is not positive."""
    for column in ("se", "se_l0", "d_model"):
        if not draft.has(column):
            continue
        values = draft.table[column].to_numpy()
        if column == "d_model":
            ok = np.isnan(values) | (np.isfinite(values) & (values > 0))
            allowed = "a finite number above 0, or empty"
        else:
            ok = np.isfinite(values) & (values >= 0)
            allowed = "a finite number, 0 or above"
        bad = ~ok & ~is_text(draft, column)
        step = f"Correct these cells, or leave the column {column!r} out."
        yield from bad_cells(draft, bad, column, f"{column!r} not usable", allowed, step)


def ablated_not_above_base(draft: Draft) -> Iterator[Fault]:
    """Find rows where ablating does not hurt the model, so that loss recovered has no meaning."""
    if not draft.has("ce_base", "ce_ablated"):
        return
    base, ablated = (draft.table[name].to_numpy() for name in ("ce_base", "ce_ablated"))
    bad = np.isfinite(base) & np.isfinite(ablated) & (ablated <= base)
    seen = (f"{a:g} against {b:g}" for a, b in zip(ablated[bad], base[bad], strict=True))
    step = "Check that the columns are not swapped; without a loss to recover, leave the row out."
    yield from bad_rows(draft, bad, seen, "ce_ablated not above ce_base", "ce_ablated > ce_base", step)


def looks_like_percent(draft: Draft) -> Iterator[Fault]:
    """Find a column in percent (median above 2), or a few rows of loss recovered in percent (above 2)."""
    column = draft.source[0]
    if draft.scale == "ce" or column not in draft.numbers:
        return
    values = draft.numbers[column].where(np.isfinite(draft.numbers[column]))
    kind, allowed = f"{column!r} looks like percent", "fractions, where 1 is the whole loss"
    if (median := values.median()) > PERCENT_ABOVE:
        yield Fault(kind, (), f"a median of {median:g}", allowed, f"Divide {column!r} by 100.")
    elif draft.scale == "loss_recovered":
        bad = (values > PERCENT_ABOVE).to_numpy()
        step = "Divide these values by 100 if the others are fractions already."
        yield from bad_cells(draft, bad, column, kind, allowed, step)


def duplicate_rows(draft: Draft) -> Iterator[Fault]:
    """Find rows equal to an earlier row in every column that the user gave."""
    if draft.cells.empty:
        return
    cells = draft.cells.apply(lambda column: column.map(repr) if column.dtype == object else column)
    copies = cells[cells.duplicated(keep=False)]
    if copies.empty:
        return
    row = draft.table["row"][copies.index]
    first = row.groupby([copies[name] for name in copies], dropna=False, sort=False).transform("min")
    pairs = [(copy, original) for copy, original in zip(row, first, strict=True) if copy != original]
    drops = tuple((copy, f"same as row {original}") for copy, original in pairs)
    seen = shorten(f"row {copy} repeats row {original}" for copy, original in pairs)
    step = "Keep one of each, or add the column (seed, say) that tells them apart."
    yield Fault("exact duplicate rows", tuple(row.tolist()), seen, "each SAE once", step, drops)


def unknown_baseline(draft: Draft) -> Iterator[Fault]:
    """Find a baseline that is not one of the variants; list the variants."""
    if draft.baseline is None or not draft.has("variant"):
        return
    variants = draft.table["variant"].dropna().unique().tolist()
    if variants and draft.baseline not in variants:
        near = nearest(draft.baseline, variants)
        step = f"Pass baseline={near!r}." if near else "Pass one of these as baseline."
        allowed = "one of the variants " + ", ".join(map(repr, variants))
        yield Fault("unknown baseline", (), repr(draft.baseline), allowed, step)


def no_positive_hit(draft: Draft) -> Iterator[Fault]:
    """Find curves without any positive hit, unless the whole column is in percent."""
    percent = any(not fault.drops for fault in looks_like_percent(draft))
    if draft.has(*CURVE, "performance_hit") and not percent:
        yield from curves_without_hit(draft.table)


def curves_without_hit(table: pd.DataFrame) -> Iterator[Fault]:
    """Find curves where the SAE beats the base model at every point, so that there is nothing to fit."""
    hit = table["performance_hit"].where(np.isfinite(table["performance_hit"]))
    table = table.assign(best=hit.groupby([table[name] for name in CURVE]).transform("max"))
    bad = table[table["best"] <= 0]
    if bad.empty:
        return
    seen = shorten(
        f"curve {name_curve(variant, group)} with a highest hit of {best:g}"
        for variant, group, best in bad[[*CURVE, "best"]].drop_duplicates().itertuples(index=False)
    )
    drops = tuple((row, f"{hit:g}") for row, hit in zip(bad["row"], bad["performance_hit"], strict=True))
    rows = tuple(row for row, _ in drops)
    allowed = "a performance hit above 0 in one row or more"
    step = (
        "Check the losses, or leave the curve out: its SAEs beat the base model, so there is no hit to fit."
    )
    yield Fault("curve with no positive hit", rows, seen, allowed, step, drops)


FAULT_FINDERS: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    missing_columns,
    name_clashes,
    conflicting_columns,
    no_rows,
    empty_labels,
    ambiguous_groups,
    text_in_numbers,
    bad_l0,
    bad_hit,
    bad_extras,
    ablated_not_above_base,
    looks_like_percent,
    duplicate_rows,
    unknown_baseline,
    no_positive_hit,
)

"""Faults that stop a fit before sampling, and the dropping of faulty rows in place of an error.

A finder takes a `Draft` (the user's table as read, not yet trusted) and yields `Fault` objects. To add one,
write a function and list it in `FAULT_FINDERS`. Finders that judge numbers are in
:mod:`~hillfront.frontiers.number_faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

import pandas as pd

from hillfront.frontiers.fault import Fault, FrontierDataError
from hillfront.frontiers.number_faults import (
    ablated_not_above_base,
    bad_cells,
    bad_extras,
    bad_l0,
    bad_n_trained,
    bad_y,
    below_dense_limit,
    looks_like_percent,
    no_positive_y,
    text_in_numbers,
)
from hillfront.frontiers.parsing import COMPUTED_COSTS, CURVE, LOSSES, RESERVED_SETTINGS, Draft, is_blank
from hillfront.utils.wording import nearest, shorten

DROPPED: Final = ("row", "variant", "setting", "fault", "value")
"""Columns of the record of dropped rows."""


def find_faults(draft: Draft) -> tuple[Fault, ...]:
    """Find every fault of a draft, in the order of `FAULT_FINDERS`; none if the table can be fitted."""
    return tuple(fault for finder in FAULT_FINDERS for fault in finder(draft))


def missing_columns(draft: Draft) -> Iterator[Fault]:
    """Find columns that were asked for and are not there; name the nearest match."""
    in_use = {draft.variant, draft.l0, *draft.y_columns, *draft.group_columns}
    free = [str(name) for name in draft.cells if name not in in_use]
    losses = ", ".join(map(repr, LOSSES))
    lower = {name.lower() for name in free}
    missing = dict.fromkeys(
        # FVU is nearer to fvu than what that would be computed from
        ("cost", argument) if argument in COMPUTED_COSTS and argument in lower else (argument, name)
        for argument, name in draft.missing
    )
    for argument, name in missing:
        near = nearest(name, free)
        seen = f"the nearest column {near!r}" if near else "no column like it"
        allowed = {
            "any y": f"'loss_recovered', 'performance_hit', or {losses}",
            "ce": f"the three losses {losses}",
            "fvu": "'fvu', or 'explained_variance' to compute it from",
            "loss_difference": "'loss_difference', or 'ce_sae' and 'ce_base' to compute it from",
        }.get(argument, f"a table with the column {name!r}")
        rename = f"Rename {near!r} to {name!r}"
        if_near, if_not = {
            "any y": (f"Pass y={near!r} if that holds it.", "Add one of these, or pass y=COLUMN."),
            "ce": (f"{rename}.", "Add it, or pass y=COLUMN to use another column."),
            **dict.fromkeys(
                COMPUTED_COSTS, (f"{rename}.", "Add it, or pass cost=COLUMN to use another column.")
            ),
            "dense_limit": (
                f"{rename}, or pass a number as dense_limit.",
                "Add it, or pass a number as dense_limit.",
            ),
            "group": (f"Name {near!r} in group, or leave {name!r} out.", "Add it, or leave it out of group."),
        }.get(argument, (f"Pass {argument}={near!r}.", f"Add it, or pass {argument}=COLUMN."))
        yield Fault(f"missing column {name!r}", (), seen, allowed, if_near if near else if_not)


def name_clashes(draft: Draft) -> Iterator[Fault]:
    """Find group columns whose name has another meaning in the canonical table."""
    for name in draft.clashes:
        allowed = "a group column that is not the variant, L0, a loss or another number that the model reads"
        if name == "setting":
            allowed = "'setting' as the only group column, because the label of a setting has this name"
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
    """Find rows whose variant or setting is missing or blank."""
    for column in (draft.variant, *draft.group_columns):
        if column in draft.cells:
            kind = "variant empty" if column == draft.variant else f"group column {column!r} empty"
            step = f"Fill in {column!r}, or drop these rows."
            bad = is_blank(draft.cells[column])
            yield from bad_cells(draft, bad, column, kind, "a name or a number", step)


def ambiguous_settings(draft: Draft) -> Iterator[Fault]:
    """Find different settings that share a label because their values contain the separator."""
    if len(draft.group_columns) < 2 or not draft.has("setting", *draft.group_columns):
        return
    settings = draft.table[[*draft.group_columns, "setting"]].drop_duplicates()
    labels = settings.loc[settings["setting"].duplicated(), "setting"].dropna().unique()
    if len(labels):
        rows = tuple(draft.table.loc[draft.table["setting"].isin(labels), "row"].tolist())
        seen, step = shorten(map(repr, labels)), "Replace ' / ' in these values by another sign."
        yield Fault("different settings, one label", rows, seen, "values without ' / '", step)


def reserved_settings(draft: Draft) -> Iterator[Fault]:
    """Find settings with a label that results use for something else."""
    if not draft.has("setting"):
        return
    for label, meaning in RESERVED_SETTINGS.items():
        rows = tuple(draft.table.loc[draft.table["setting"] == label, "row"].tolist())
        if rows:
            step = f"Give this setting another name: results call {meaning} {label!r}."
            yield Fault("reserved setting", rows, repr(label), "another label", step)


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


FAULT_FINDERS: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    missing_columns,
    name_clashes,
    conflicting_columns,
    no_rows,
    empty_labels,
    ambiguous_settings,
    reserved_settings,
    text_in_numbers,
    bad_l0,
    below_dense_limit,
    bad_y,
    bad_extras,
    bad_n_trained,
    ablated_not_above_base,
    looks_like_percent,
    duplicate_rows,
    unknown_baseline,
    no_positive_y,
)


def raise_or_drop(draft: Draft, on_fault: Literal["raise", "drop"]) -> tuple[Draft, pd.DataFrame]:
    """Raise the faults of a draft, or drop the rows that have them until none is left.

    Returns
    -------
    tuple of Draft and pandas.DataFrame
        The draft without faults, and a record of the rows that were dropped.

    Raises
    ------
    FrontierDataError
        With ``"raise"`` if there are faults; with ``"drop"`` if there are faults that are not about rows.
    """
    records = [no_drops()]
    while faults := find_faults(draft):
        stops = [fault for fault in faults if on_fault == "raise" or not fault.drops]
        if stops:
            raise FrontierDataError(stops)
        records.append(record_drops(draft, faults))
        draft = draft.without(row for fault in faults for row, _ in fault.drops)
    dropped = pd.concat(records, ignore_index=True)
    return draft, dropped.sort_values("row", kind="stable", ignore_index=True)


def no_drops() -> pd.DataFrame:
    """Return an empty record of dropped rows."""
    return pd.DataFrame({name: pd.Series([], dtype="int64" if name == "row" else "str") for name in DROPPED})


def record_drops(draft: Draft, faults: Sequence[Fault]) -> pd.DataFrame:
    """Record the rows that the faults drop, each once, with its variant, its setting and all its faults."""
    drops = [(row, fault.kind, value) for fault in faults for row, value in fault.drops]
    by_row = pd.DataFrame(drops, columns=["row", "fault", "value"]).groupby("row", as_index=False)
    record = by_row.agg("; ".join).astype({"fault": "str", "value": "str"})
    return record.merge(draft.table[["row", *CURVE]], on="row", how="left")[list(DROPPED)]

"""Faults that stop a fit before sampling, and the dropping of faulty rows in place of an error.

A finder takes a `Draft` (the user's table as read, not yet trusted) and yields `Fault` objects. To add one,
write a function and list it in `FAULT_FINDERS`. Finders that judge numbers are in
:mod:`~hillfront.frontiers.number_faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

import pandas as pd

from hillfront.frontiers.cells import is_blank
from hillfront.frontiers.column_names import SYNONYMS, columns_for, fold, last_part
from hillfront.frontiers.conditions import unfinished_runs
from hillfront.frontiers.duplicates import duplicate_rows, same_sae_twice
from hillfront.frontiers.fault import Fault, FrontierDataError
from hillfront.frontiers.number_faults import (
    ablated_not_above_base,
    bad_cells,
    bad_extras,
    bad_l0,
    bad_n_trained,
    bad_y,
    below_dense_limit,
    implausible,
    l0_no_count,
    looks_like_percent,
    no_positive_y,
    text_in_numbers,
)
from hillfront.frontiers.parsing import COMPUTED_COSTS, CURVE, LOSSES, RESERVED_SETTINGS, Draft
from hillfront.utils.interface import alternatives, argument
from hillfront.utils.wording import nearest, shorten

DROPPED: Final = ("row", "variant", "setting", "fault", "value")
"""Columns of the record of dropped rows."""


def find_faults(draft: Draft) -> tuple[Fault, ...]:
    """Find every fault of a draft, in the order of `FAULT_FINDERS`; none if the table can be fitted."""
    mistaken = any(True for _ in mistaken_metric(draft))
    # What a number of another kind looks like is no fault of its own.
    silent = {looks_like_percent, no_positive_y} if mistaken else set()
    return tuple(fault for finder in FAULT_FINDERS if finder not in silent for fault in finder(draft))


def missing_columns(draft: Draft) -> Iterator[Fault]:
    """Find columns that were asked for and are not there; name the nearest match."""
    in_use = set(draft.read_as.values())
    free = [str(name) for name in draft.cells if name not in in_use]
    losses = ", ".join(map(repr, LOSSES))
    for option, name in draft.missing:
        near = nearest(name, free)
        seen = f"the nearest column {near!r}" if near else "no column like it"
        names = SYNONYMS.get(name, ())[1:]
        default = f"a table with the column {name!r}" + (f" ({', '.join(names[:5])} ...)" if names else "")
        allowed = {
            "any y": f"'loss_recovered', 'performance_hit', or {losses}",
            "ce": f"the three losses {losses}",
            "fvu": "'fvu', or 'explained_variance' to compute it from",
            "loss_difference": "'loss_difference', or 'ce_sae' and 'ce_base' to compute it from",
        }.get(option, default)
        rename = f"Rename {near!r} to {name!r}"
        passed = {"any y": "y", "ce": "y", "fvu": "cost", "loss_difference": "cost"}.get(option, option)
        limit = f"pass a number as {argument('dense_limit')}"
        group = argument("group")
        if_near, if_not = {
            "any y": (
                f"Pass {argument('y', near)} if that holds it.",
                f"Add one of these, or pass {argument('y', 'COLUMN')}.",
            ),
            **dict.fromkeys(
                ("ce", *COMPUTED_COSTS),
                (f"{rename}.", f"Add it, or pass {argument(passed, 'COLUMN')} to use another column."),
            ),
            "dense_limit": (f"{rename}, or {limit}.", f"Add it, or {limit}."),
            "group": (
                f"Name {near!r} in {group}, or leave {name!r} out.",
                f"Add it, or leave it out of {group}.",
            ),
        }.get(
            option,
            (f"Pass {argument(passed, near)}.", f"Add it, or pass {argument(passed, 'COLUMN')}."),
        )
        yield Fault(f"missing column {name!r}", (), seen, allowed, if_near if near else if_not)


def ambiguous_columns(draft: Draft) -> Iterator[Fault]:
    """Find columns that were asked for and may be several, with different values."""
    for option, name, columns in draft.ambiguous:
        step = f"Rename the right one to {name!r}."
        if option in ("variant", "l0", "y", "any y", "cost"):
            step = f"Choose: {alternatives('y' if option == 'any y' else option, columns)}."
        elif option == "group":
            step = f"Name the right one in {argument('group')}: {shorten(map(repr, columns))}."
        seen = ", ".join(map(repr, columns))
        yield Fault(f"more than one column for {name!r}", (), seen, "one column, or equal ones", step)


def mistaken_metric(draft: Draft) -> Iterator[Fault]:
    """Find a column that is read as loss recovered, a hit or a cost, and whose name says something else."""
    column = draft.y_columns[0]
    power = argument("curve", "power")
    variance = f"Pass {argument('cost', 'fvu')} for the share not explained, with {power} in the fit."
    if draft.reading in ("loss_recovered", "performance_hit"):
        kind, allowed = f"{column!r} is not loss recovered", "loss recovered, or a performance hit"
        if columns_for("explained_variance", [column]):
            yield Fault(kind, (), "explained variance", allowed, variance)
        elif any(columns_for(loss, [column]) for loss in LOSSES):
            step = f"Pass {argument('y', 'ce')} to compute it from the three losses {', '.join(LOSSES)}."
            yield Fault(kind, (), "a loss in nats", allowed, step)
        elif names_a_cost(column):
            step = f"Pass {argument('cost', column)}, with {power} in the fit."
            yield Fault(kind, (), "the name of a cost", allowed, step)
    elif draft.reading == "cost":
        allowed = "a cost, which falls as L0 grows"
        if columns_for("explained_variance", [column]):
            yield Fault(f"{column!r} is not a cost", (), "explained variance", allowed, variance)
        elif columns_for("loss_recovered", [column]):
            step = f"Pass {argument('y', column)}."
            yield Fault(f"{column!r} is not a cost", (), "loss recovered", allowed, step)


_COST_WORDS: Final = frozenset(("mse", "nmse", "rmse", "fvu", "fuv", "l2", "kl", "kld", "unexplained"))
_COSTS: Final = frozenset(
    ("recon_loss", "reconstruction_loss", "reconstruction_error", "recon_error", "mean_squared_error")
)
_NO_COST_WORDS: Final = frozenset(("score", "recovered", "recovery", "hit"))


def names_a_cost(column: str) -> bool:
    """Return whether the name of a column is that of a cost.

    Examples
    --------
    >>> names_a_cost("metrics/NMSE"), names_a_cost("kl_div"), names_a_cost("kl_div_score")
    (True, True, False)
    """
    name = last_part(column)
    words = set(name.split("_"))
    known = name in _COSTS or words & _COST_WORDS or columns_for("loss_difference", [column])
    return bool(known) and not words & _NO_COST_WORDS


def name_clashes(draft: Draft) -> Iterator[Fault]:
    """Find group columns whose name has another meaning in the canonical table."""
    for name in draft.clashes:
        allowed = "a group column that is not the variant, L0, a loss or another number that the model reads"
        if name == "setting":
            allowed = "'setting' as the only group column, because the label of a setting has this name"
        step = f"Rename {name!r} or leave it out of {argument('group')}."
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
            step = f"Use {argument('on_fault', 'raise')} to see why each row was dropped."
        yield Fault("no rows", (), seen, "one row or more", step)


def empty_labels(draft: Draft) -> Iterator[Fault]:
    """Find rows whose variant or setting is missing or blank."""
    for column in (draft.variant, *map(draft.own, draft.group_columns)):
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


def unknown_baseline(draft: Draft) -> Iterator[Fault]:
    """Find a baseline that is not one of the variants; list the variants."""
    if draft.baseline is None or not draft.has("variant"):
        return
    variants = draft.table["variant"].dropna().unique().tolist()
    if variants and draft.baseline not in variants:
        alike = [name for name in variants if fold(name) == fold(draft.baseline)]
        near = [nearest(draft.baseline, variants)]
        names = alike or [name for name in near if name is not None]
        step = f"Pass {alternatives('baseline', names)}." if names else "Pass one of these as the baseline."
        allowed = "one of the variants " + ", ".join(map(repr, variants))
        yield Fault("unknown baseline", (), repr(draft.baseline), allowed, step)


FAULT_FINDERS: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    missing_columns,
    ambiguous_columns,
    mistaken_metric,
    name_clashes,
    conflicting_columns,
    no_rows,
    empty_labels,
    ambiguous_settings,
    reserved_settings,
    text_in_numbers,
    bad_l0,
    l0_no_count,
    below_dense_limit,
    bad_y,
    implausible,
    bad_extras,
    bad_n_trained,
    ablated_not_above_base,
    looks_like_percent,
    unfinished_runs,
    duplicate_rows,
    same_sae_twice,
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

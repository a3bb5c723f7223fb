"""Faults of the numbers: what they must be, and what they look like where they are something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from hillfront.frontiers.columns import SHORT_NAMES, metric_of
from hillfront.frontiers.fault import Fault, bad_cells, bad_rows, is_text
from hillfront.frontiers.parsing import CURVE, LOSS_ERRORS, Draft
from hillfront.utils.wording import name_curve, shorten

PERCENT_ABOVE: Final = 2.0


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


def bad_y(draft: Draft) -> Iterator[Fault]:
    """Find values that the performance hit or the cost comes from and that are not finite."""
    step = "Evaluate this SAE again, or leave the row out."
    for column in draft.source:
        if column in draft.numbers:
            bad = ~np.isfinite(draft.numbers[column].to_numpy()) & ~is_text(draft, column)
            yield from bad_cells(draft, bad, column, f"{column!r} not finite", "a finite number", step)


def bad_extras(draft: Draft) -> Iterator[Fault]:
    """Find standard errors below 0 or not finite, and a d_model or n_tokens that is not positive."""
    for column in ("se", "se_l0", "d_model", "n_tokens", *LOSS_ERRORS):
        if not draft.has(column):
            continue
        values = draft.table[column].to_numpy()
        if column in ("d_model", "n_tokens"):
            ok = np.isnan(values) | (np.isfinite(values) & (values > 0))
            allowed = "a finite number above 0, or empty"
        else:
            ok = np.isfinite(values) & (values >= 0)
            allowed = "a finite number, 0 or above"
        bad = ~ok & ~is_text(draft, column)
        step = f"Correct these cells, or leave the column {column!r} out."
        yield from bad_cells(draft, bad, column, f"{column!r} not usable", allowed, step)


def ablated_not_above_base(draft: Draft) -> Iterator[Fault]:
    """Find rows where ablating does not hurt the model, so that loss recovered has no meaning.

    A cost is not measured against an ablation.
    """
    if draft.metric == "cost" or not draft.has("ce_base", "ce_ablated"):
        return
    base, ablated = (draft.table[name].to_numpy() for name in ("ce_base", "ce_ablated"))
    bad = np.isfinite(base) & np.isfinite(ablated) & (ablated <= base)
    seen = (f"{a:g} against {b:g}" for a, b in zip(ablated[bad], base[bad], strict=True))
    step = "Check that the columns are not swapped; without a loss to recover, leave the row out."
    yield from bad_rows(draft, bad, seen, "ce_ablated not above ce_base", "ce_ablated > ce_base", step)


def looks_like_percent(draft: Draft) -> Iterator[Fault]:
    """Find a column in percent (median above 2), or a few rows of it (above 2) where 1 is the best there is.

    A cost has no upper bound, so that only the explained variance it may be computed from can look like it.
    """
    column = draft.source[0]
    if draft.scale not in ("loss_recovered", "performance_hit", "fvu") or column not in draft.numbers:
        return
    values = draft.numbers[column].where(np.isfinite(draft.numbers[column]))
    whole = "variance" if draft.scale == "fvu" else "loss"
    kind, allowed = f"{column!r} looks like percent", f"fractions, where 1 is the whole {whole}"
    if (median := values.median()) > PERCENT_ABOVE:
        yield Fault(kind, (), f"a median of {median:g}", allowed, f"Divide {column!r} by 100.")
    elif draft.scale != "performance_hit":
        bad = (values > PERCENT_ABOVE).to_numpy()
        step = "Divide these values by 100 if the others are fractions already."
        yield from bad_cells(draft, bad, column, kind, allowed, step)


def no_positive_y(draft: Draft) -> Iterator[Fault]:
    """Find curves without any positive hit or cost, unless the whole column is in percent."""
    percent = any(not fault.drops for fault in looks_like_percent(draft))
    if draft.has(*CURVE, draft.metric) and not percent:
        yield from curves_without_positive_y(draft.table)


def curves_without_positive_y(table: pd.DataFrame) -> Iterator[Fault]:
    """Find curves where the SAE beats the base model at every point, so that there is nothing to fit."""
    metric = metric_of(table)
    y = table[metric].where(np.isfinite(table[metric]))
    table = table.assign(best=y.groupby([table[name] for name in CURVE]).transform("max"))
    bad = table[table["best"] <= 0]
    if bad.empty:
        return
    word = SHORT_NAMES[metric]
    seen = shorten(
        f"curve {name_curve(variant, setting)} with a highest {word} of {best:g}"
        for variant, setting, best in bad[[*CURVE, "best"]].drop_duplicates().itertuples(index=False)
    )
    drops = tuple((row, f"{y:g}") for row, y in zip(bad["row"], bad[metric], strict=True))
    rows = tuple(row for row, _ in drops)
    if metric == "cost":
        allowed = "a cost above 0 in one row or more"
        step = "Check how the cost is computed, or leave the curve out: it has no cost to fit."
    else:
        allowed = "a performance hit above 0 in one row or more"
        step = (
            "Check the losses, or leave the curve out: its SAEs beat the base model, so there is no hit to "
            "fit."
        )
    yield Fault(f"curve with no positive {word}", rows, seen, allowed, step, drops)

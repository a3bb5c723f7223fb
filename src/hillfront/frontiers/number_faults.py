"""Faults of the numbers: text in their place, percent, values out of range, an L0 beyond the dense limit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.cells import is_blank
from hillfront.frontiers.column_names import is_log_l0
from hillfront.frontiers.fault import Fault
from hillfront.frontiers.parsing import (
    CURVE,
    FROM_LOSSES,
    LOSS_ERRORS,
    SHORT_NAMES,
    Draft,
    metric_of,
)
from hillfront.frontiers.ranges import pareto_optimal
from hillfront.utils.interface import argument, by_interface, on_command_line
from hillfront.utils.wording import name_curve, shorten, show

_READ_COMMAS: Final = "; pandas.read_csv(..., decimal=',') does so"
PERCENT_ABOVE: Final = 2.0
LARGEST_L0: Final = 1e9
LARGEST_Y: Final = 1e6
LARGEST_COST: Final = 1e12
"""A mean squared error that is not normalised may be large."""


def text_in_numbers(draft: Draft) -> Iterator[Fault]:
    """Find text, dates and true/false where a number belongs."""
    for column in map(str, draft.numbers):
        bad = draft.is_text(column)
        step = _as_numbers(str(cell).strip() for cell in draft.cells.loc[bad, column])
        yield from bad_cells(draft, bad, column, f"not a number in {column!r}", "numbers", step)


def _as_numbers(texts: Iterable[str]) -> str:
    """Say how the first of these texts is written as a number, by what stands in its way."""
    for text in texts:
        if re.fullmatch(r"[+-]?[\d.,]+\s*%", text):
            return f"Write fractions without a percent sign: divide by 100, and {text!r} is no longer text."
        if re.fullmatch(r"[+-]?\d{1,3},\d{3}", text):
            whole, point = text.replace(",", ""), text.replace(",", ".")
            return f"Write {text!r} as {whole}, or as {point} if its comma is a decimal one."
        if re.fullmatch(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", text):
            point = text.replace(",", ".")
            return f"Write {text!r} with a decimal point, as {point}{by_interface(_READ_COMMAS, '')}."
        if re.fullmatch(r"[+-]?\d{1,3}(?:[,_ ']\d{3})+(?:\.\d+)?", text):
            return f"Write {text!r} without thousands separators, as {re.sub(r"[,_ ']", '', text)}."
    return "Write plain numbers: 1024.5, not '1,024.5' or '95%'."


def bad_l0(draft: Draft) -> Iterator[Fault]:
    """Find L0 that is not finite or not positive."""
    if not draft.has("l0"):
        return
    l0 = draft.table["l0"].to_numpy()
    bad = ~(np.isfinite(l0) & (l0 > 0)) & ~draft.is_text(draft.l0)
    step = "L0 is the mean number of active latents per token: correct it, or drop the row."
    yield from bad_cells(draft, bad, draft.l0, "L0 not positive", "a finite number above 0", step)


def l0_no_count(draft: Draft) -> Iterator[Fault]:
    """Find an L0 that is a logarithm by its name, or a share of the latents by its values."""
    if not draft.has("l0"):
        return
    l0 = draft.table["l0"][np.isfinite(draft.table["l0"]) & (draft.table["l0"] > 0)]
    allowed = "mean numbers of active latents per token"
    if is_log_l0(draft.l0):
        step = (
            f"Add a column with the count, 10 to the power of {draft.l0!r} if that is log10, and pass it as "
        )
        yield Fault("L0 is a logarithm", (), f"{draft.l0!r}", allowed, f"{step}{argument('l0', 'COLUMN')}.")
    elif len(l0) > 1 and (l0 < 1).all():
        seen = f"{l0.min():g} to {l0.max():g} in {draft.l0!r}"
        step = "Multiply shares of the latents by the number of latents (the width), to have counts."
        yield Fault("L0 below 1 throughout", (), seen, allowed, step)


def implausible(draft: Draft) -> Iterator[Fault]:
    """Find an L0, a loss or a cost too large to be one."""
    top = dict.fromkeys(draft.y_columns, LARGEST_COST if draft.reading == "cost" else LARGEST_Y)
    for column, largest in ({draft.l0: LARGEST_L0} | top).items():
        if column in draft.numbers:
            values = draft.numbers[column].abs().to_numpy()
            bad = np.isfinite(values) & (values > largest)
            step = "Correct these cells, or drop the rows."
            kind, allowed = f"{column!r} not plausible", f"at most {largest:g}"
            yield from bad_cells(draft, bad, column, kind, allowed, step)


def bad_y(draft: Draft) -> Iterator[Fault]:
    """Find values that the performance hit or the cost comes from and that are not finite."""
    step = "Evaluate this SAE again, or drop the row."
    for column in draft.y_columns:
        if column in draft.numbers:
            bad = ~np.isfinite(draft.numbers[column].to_numpy()) & ~draft.is_text(column)
            yield from bad_cells(draft, bad, column, f"{column!r} not finite", "a finite number", step)


def bad_extras(draft: Draft) -> Iterator[Fault]:
    """Find standard errors below 0 or not finite, and a d_model or n_tokens that is not positive."""
    errors = LOSS_ERRORS if draft.reading in FROM_LOSSES else ()
    for column in ("se", "se_l0", "d_model", "n_tokens", *errors):
        if not draft.has(column):
            continue
        values = draft.table[column].to_numpy()
        if column in ("d_model", "n_tokens"):
            ok = np.isnan(values) | (np.isfinite(values) & (values > 0))
            allowed = "a finite number above 0, or empty"
        else:
            ok = np.isfinite(values) & (values >= 0)
            allowed = "a finite number, 0 or above"
        own = draft.own(column)
        bad = ~ok & ~draft.is_text(own)
        step = f"Correct these cells, or drop the column {own!r}."
        yield from bad_cells(draft, bad, own, f"{own!r} not usable", allowed, step)


def ablated_not_above_base(draft: Draft) -> Iterator[Fault]:
    """Find rows where ablating does not hurt the model, so that loss recovered has no meaning.

    A cost is not measured against an ablation.
    """
    if draft.metric == "cost" or not draft.has("ce_base", "ce_ablated"):
        return
    base, ablated = (draft.table[name].to_numpy() for name in ("ce_base", "ce_ablated"))
    bad = np.isfinite(base) & np.isfinite(ablated) & (ablated <= base)
    seen = (f"{a:g} against {b:g}" for a, b in zip(ablated[bad], base[bad], strict=True))
    step = "Check that the columns are not swapped; without a loss to recover, drop the row."
    yield from bad_rows(draft.table, bad, seen, "ce_ablated not above ce_base", "ce_ablated > ce_base", step)


def looks_like_percent(draft: Draft) -> Iterator[Fault]:
    """Find a column in percent (median above 2), or a few rows of it (above 2) where 1 is the best there is.

    A cost has no upper bound, so that only the explained variance it may be computed from can look like it.
    """
    column = draft.y_columns[0]
    if draft.reading not in ("loss_recovered", "performance_hit", "fvu") or column not in draft.numbers:
        return
    values = draft.numbers[column].where(np.isfinite(draft.numbers[column]))
    whole = "variance" if draft.reading == "fvu" else "loss"
    kind, allowed = f"{column!r} looks like percent", f"fractions, where 1 is the whole {whole}"
    if (median := values.median()) > PERCENT_ABOVE:
        yield Fault(kind, (), f"a median of {median:g}", allowed, f"Divide {column!r} by 100.")
    elif draft.reading != "performance_hit":
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
    curves = bad[[*CURVE, "best"]].drop_duplicates().itertuples(index=False)
    seen = shorten(f"curve {name_curve(v, s)} with a highest {word} of {best:g}" for v, s, best in curves)
    drops = tuple((row, f"{y:g}") for row, y in zip(bad["row"], bad[metric], strict=True))
    if metric == "cost":
        allowed = "a cost above 0 in one row or more"
        step = "Check how the cost is computed, or drop the curve: it has no cost to fit."
    else:
        allowed = "a performance hit above 0 in one row or more"
        step = "Check the losses, or drop the curve: its SAEs beat the base model, so there is no hit to fit."
    yield Fault(f"curve with no positive {word}", tuple(bad["row"].tolist()), seen, allowed, step, drops)


def bad_n_trained(draft: Draft) -> Iterator[Fault]:
    """Find numbers of trained SAEs that cannot be, differ inside a curve, or have kept dominated SAEs.

    An empty cell says that nothing is known; its curve is fitted as it is.
    """
    if not draft.has("n_trained", draft.metric, "l0", *CURVE) or draft.table.empty:
        return
    table = draft.table
    trained = table["n_trained"]
    by_curve = trained.groupby([table[name] for name in CURVE], dropna=False)
    rows = by_curve.transform("size")
    step = (
        "Give the number of SAEs that were trained for the curve, those that are not in the table included."
    )
    bad = (trained.notna() & ~((trained >= rows) & (trained == np.floor(trained)))).to_numpy()
    allowed = "a whole number, at least that of the curve's rows, or empty"
    own = draft.own("n_trained")
    bad = bad & ~draft.is_text(own)
    yield from bad_cells(draft, bad, own, "'n_trained' not usable", allowed, step)
    first = by_curve.transform("first")
    differs = ((trained != first) & ~(trained.isna() & first.isna())).to_numpy() & ~bad
    kind = "'n_trained' differs inside a curve"
    yield from bad_cells(draft, differs, own, kind, "one number for each curve", step)
    known = np.isfinite(table[draft.metric]) & np.isfinite(table["l0"]) & (trained > rows)
    if bad.any() or differs.any() or not known.any():
        return
    selected = table[known]
    beaten = np.zeros(len(table), dtype=bool)
    beaten[known.to_numpy()] = ~pareto_optimal(selected).to_numpy()
    seen = (
        f"{n:g} trained and {m:g} kept, this one dominated"
        for n, m in zip(trained[beaten], rows[beaten], strict=True)
    )
    yield from bad_rows(
        table,
        beaten,
        seen,
        "dominated SAE in a selected curve",
        "Pareto-optimal SAEs where 'n_trained' is above the number of rows",
        "Drop the dominated rows, or empty 'n_trained' for this curve if it was not filtered so.",
    )


def validate_dense_limit(dense_limit: object) -> None:
    """Refuse what is neither ``"d_model"`` nor a finite number above 0 nor None, by a `ValueError`.

    Examples
    --------
    >>> validate_dense_limit(-1)
    Traceback (most recent call last):
    ...
    ValueError: dense_limit must be 'd_model', a finite number above 0 (an L0) or None, not -1
    """
    if dense_limit is None or (isinstance(dense_limit, str) and dense_limit == "d_model"):
        return
    is_number = isinstance(dense_limit, int | float | np.integer | np.floating) and dense_limit is not True
    if not (is_number and 0 < dense_limit < math.inf):  # type: ignore[operator]  # a number, as just seen
        raise ValueError(
            f"dense_limit must be 'd_model', a finite number above 0 (an L0) or None, not {dense_limit!r}"
        )


def dense_limit_faults(table: pd.DataFrame, dense_limit: DenseLimit) -> Iterator[Fault]:
    """Find what a canonical table lacks for a dense limit, and the rows whose L0 is not below it.

    The table has ``row``, ``l0`` and, where it is the limit, ``d_model``. With a limit of None there is no
    fault.

    Examples
    --------
    >>> table = pd.DataFrame({"row": [0, 1], "l0": [64.0, 800.0], "d_model": [768.0, 768.0]})
    >>> [fault] = dense_limit_faults(table, "d_model")
    >>> fault.kind, fault.rows, fault.seen
    ('L0 not below the dense limit', (1,), '800 >= 768')
    """
    validate_dense_limit(dense_limit)
    if dense_limit is None:
        return
    if dense_limit == "d_model" and "d_model" not in table:
        allowed = "a table with the column 'd_model'"
        step = f"Add it, or pass a number as {argument('dense_limit')}."
        yield Fault("missing column 'd_model'", (), "no such column", allowed, step)
        return
    limit = table["d_model"] if dense_limit == "d_model" else pd.Series(float(dense_limit), index=table.index)
    drop = argument("on_fault", "drop")
    if not on_command_line():
        drop = f"Frontiers.from_frame(..., {argument('dense_limit', dense_limit)}, {drop})"
    step = f"Fill in d_model, pass a number as {argument('dense_limit')}, or drop these rows: {drop}."
    empty = limit.isna().to_numpy()
    yield from bad_rows(
        table, empty, ["empty"] * empty.sum(), "'d_model' empty", "a finite number above 0", step
    )
    bad = (table["l0"] >= limit).to_numpy()
    seen = (f"{l0:g} >= {top:g}" for l0, top in zip(table.loc[bad, "l0"], limit[bad], strict=True))
    step = (
        "A curve with this limit ends there: correct L0, choose another limit or none, or drop these rows: "
        f"{drop}."
    )
    yield from bad_rows(table, bad, seen, "L0 not below the dense limit", "an L0 below the limit", step)


def below_dense_limit(draft: Draft) -> Iterator[Fault]:
    """Find rows whose L0 is not below the dense limit, among those where both can be read.

    A missing column, text and values out of range are faults of their own.
    """
    if not draft.has("l0") or (draft.dense_limit == "d_model" and not draft.has("d_model")):
        return
    readable = np.isfinite(draft.table["l0"]) & (draft.table["l0"] > 0)
    if draft.dense_limit == "d_model":
        d_model = draft.table["d_model"]
        readable &= is_blank(draft.cells[draft.own("d_model")]) | (np.isfinite(d_model) & (d_model > 0))
    yield from dense_limit_faults(draft.table[readable], draft.dense_limit)


def bad_rows(
    table: pd.DataFrame, bad: NDArray[np.bool_], seen: Iterable[str], kind: str, allowed: str, next_step: str
) -> Iterator[Fault]:
    """Yield one fault for the rows marked `bad`, if any; `seen` has an entry for each of them."""
    if bad.any():
        drops = tuple(zip(table.loc[bad, "row"].tolist(), seen, strict=True))
        rows = tuple(row for row, _ in drops)
        yield Fault(kind, rows, shorten(value for _, value in drops), allowed, next_step, drops)


def bad_cells(
    draft: Draft, bad: NDArray[np.bool_], column: str, kind: str, allowed: str, next_step: str
) -> Iterator[Fault]:
    """Yield one fault for the user's cells of a column in the rows marked `bad`, if any."""
    yield from bad_rows(draft.table, bad, map(show, draft.cells.loc[bad, column]), kind, allowed, next_step)

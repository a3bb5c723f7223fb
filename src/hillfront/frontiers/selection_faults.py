"""Faults of ``n_trained``, the number of SAEs of which a curve's rows are the Pareto-optimal ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hillfront.frontiers.dominance import pareto_optimal
from hillfront.frontiers.fault import Fault, bad_cells, bad_rows, is_text
from hillfront.frontiers.parsing import CURVE, Draft

__all__ = ["bad_n_trained"]


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
    step = "Give the number of SAEs that were trained for the curve, those that were left out included."
    bad = (trained.notna() & ~((trained >= rows) & (trained == np.floor(trained)))).to_numpy()
    allowed = "a whole number, at least that of the curve's rows, or empty"
    bad = bad & ~is_text(draft, "n_trained")
    yield from bad_cells(draft, bad, "n_trained", "'n_trained' not usable", allowed, step)
    first = by_curve.transform("first")
    differs = ((trained != first) & ~(trained.isna() & first.isna())).to_numpy() & ~bad
    kind = "'n_trained' differs inside a curve"
    yield from bad_cells(draft, differs, "n_trained", kind, "one number for each curve", step)
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
        draft,
        beaten,
        seen,
        "dominated SAE in a selected curve",
        "Pareto-optimal SAEs where 'n_trained' is above the number of rows",
        "Leave the dominated rows out, or empty 'n_trained' for this curve if it was not filtered so.",
    )

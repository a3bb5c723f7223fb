"""The headline gains and the verdict of each comparison, in one table."""

from __future__ import annotations

import numpy as np

from hillfront.estimands.improvement import Improvement, interval_of
from hillfront.estimands.pareto import Pareto
from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.estimands.scopes import BADGES, where_of
from hillfront.utils.tables import TextTable

__all__ = ["headline_table"]


def headline_table(improvement: Improvement, pareto: Pareto) -> TextTable:
    """Make the table that ``hillfront fit`` prints and that a fit shows in a terminal or a notebook.

    Parameters
    ----------
    improvement, pareto
        Of the same fit.

    Returns
    -------
    TextTable
        One row a comparison: variant, where, the headline gains with their intervals, the probability that
        it is better everywhere, and the verdict.
    """
    gains, verdicts = improvement.summary, pareto.summary
    if verdicts.empty:
        return TextTable("Nothing to compare.", (), ())
    labels = list(verdicts.columns[1 : list(verdicts.columns).index("scope") + 1])
    by_quantity = {name: rows.set_index(labels, drop=False) for name, rows in gains.groupby("quantity")}
    rows = []
    for _, row in verdicts.iterrows():
        key = tuple(row[labels])
        # Curves that share a range of L0 need not share one of hits, and then have no mean to average.
        cells = [
            interval_of(by_quantity[name].loc[key]) if key in by_quantity[name].index else "no shared range"
            for name in headlines()
        ]
        p_better = f"{row['p_better']:.3f}" if np.isfinite(row["p_better"]) else ""
        rows.append((str(row["variant"]), where_of(row), *cells, p_better, str(row["verdict"])))
    extrapolated, driven = BADGES.values()
    return TextTable(
        f"Against {verdicts['baseline'].iloc[0]}: factors above 1 favour the variant "
        f"(median, {gains['prob'].iloc[0]:.0%} interval)",
        ("variant", "where", *(QUANTITIES[name].words for name in headlines()), "p better", "verdict"),
        tuple(rows),
        (extrapolated, driven) if any(" !" in cell for row in rows for cell in row[2:]) else (extrapolated,),
        names=2,
        right=frozenset({"p better"}),
    )

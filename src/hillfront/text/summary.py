"""A fit in a table and a few sentences, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.estimands.scopes import AVERAGE, where_of
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.model.selection import hidden_data
from hillfront.utils.intervals import DEFAULT_PROB

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["badges", "correction_lines", "gain_lines", "summary_table"]


def badges(row: pd.Series) -> str:
    """Mark what is extrapolated and what is driven by the prior, in a row of the improvement table."""
    return (" *" if row["support"] != "observed" else "") + (" !" if row["prior_driven"] else "")


def _interval(row: pd.Series) -> str:
    if np.isnan(row["median"]):
        return "no shared range"
    return QUANTITIES[row["quantity"]].interval(row["median"], row["lower"], row["upper"]) + badges(row)


def summary_table(fit: FrontierFit) -> Table:
    """Make a table with the headline gains and the verdict of each comparison."""
    from rich.markup import escape
    from rich.table import Table

    improvement, pareto = fit.improvement().summary, fit.pareto().summary
    keys = ["variant", "scope", *fit.frontiers.group_columns]
    headline = {
        name: improvement[improvement["quantity"] == name].set_index(keys, drop=False) for name in headlines()
    }
    table = Table(
        title=f"Against {fit.baseline}: factors above 1 favour the variant "
        f"(median, {DEFAULT_PROB:.0%} interval)",
        caption="* extrapolated, or predicted for a setting without data"
        + (
            "\n! driven by the prior, which moves it as much as the data do or more"
            if any(rows["prior_driven"].any() for rows in headline.values())
            else ""
        ),
    )
    gains = [QUANTITIES[name].words for name in headline]
    for heading in ("variant", "where", *gains, "p better", "verdict"):
        table.add_column(heading, justify="right" if heading == "p better" else "left")
    for _, row in pareto.iterrows():
        key = tuple(row[keys])
        # Curves that share a range of L0 need not share one of hits, and then have no mean to average.
        cells = [
            _interval(rows.loc[key]) if key in rows.index else "no shared range" for rows in headline.values()
        ]
        p_better = f"{row['p_better']:.3f}" if np.isfinite(row["p_better"]) else ""
        table.add_row(escape(row["variant"]), escape(where_of(row)), *cells, p_better, row["verdict"])
    return table


def gain_lines(fit: FrontierFit) -> list[str]:
    """Say the headline of each variant in a sentence."""
    improvement = fit.improvement().summary
    rows = improvement[(improvement["quantity"] == headlines()[0]) & (improvement["scope"] == AVERAGE)]
    lines = []
    if improvement.empty and len(fit.design.variants) > 1:
        lines.append(f"No variant has a setting in common with {fit.baseline}: there is nothing to compare.")
    average = "On average over the settings, " if len(fit.design.settings) > 1 else ""
    for _, row in rows.iterrows():
        lines.append(
            f"{average}{row['variant']} needs {row['median']:.2f}x "
            f"[{row['lower']:.2f}, {row['upper']:.2f}] fewer active latents than {row['baseline']} for the "
            f"same {fit.frontiers.metric_label} ({row['prob']:.0%} interval, {row['support']}"
            f"{', driven by the prior' if row['prior_driven'] else ''})."
        )
    return [*lines, *correction_lines(fit)]


def correction_lines(fit: FrontierFit) -> list[str]:
    """Say what the correction for a Pareto selection did; nothing where there was none."""
    if not fit.design.selected:
        return []
    table = fit.selection()
    headline = (table["quantity"] == headlines()[0]) & (table["scope"] == AVERAGE)
    hidden = hidden_data(fit.frontiers, fit.design)["hidden"].sum()
    return [
        f"Corrected for the {hidden:g} trained SAEs that the table left out; without the correction "
        f"{row['variant']} would seem to need {row['median_uncorrected']:.2f}x "
        f"[{row['lower_uncorrected']:.2f}, {row['upper_uncorrected']:.2f}] fewer."
        for _, row in table[headline].iterrows()
        if hidden
    ]

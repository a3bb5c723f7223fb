"""A fit in a table and a few sentences, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hillfront.estimands.pareto import headline_table
from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.estimands.scopes import AVERAGE
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.model.selection import hidden_data

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["correction_lines", "gain_lines", "summary_table"]


def summary_table(fit: FrontierFit) -> Table:
    """Make a table with the headline gains and the verdict of each comparison."""
    from rich.markup import escape
    from rich.table import Table

    shown = headline_table(fit.improvement(), fit.pareto())
    table = Table(title=escape(shown.title), caption="\n".join(shown.notes))
    for heading in shown.columns:
        table.add_column(heading, justify="right" if heading in shown.right else "left")
    for row in shown.rows:
        table.add_row(*map(escape, row))
    return table


def gain_lines(fit: FrontierFit) -> list[str]:
    """Say the headline of each variant in a sentence."""
    improvement = fit.improvement().summary
    quantity, metric = QUANTITIES[headlines()[0]], fit.frontiers.metric_label
    rows = improvement[(improvement["quantity"] == quantity.name) & (improvement["scope"] == AVERAGE)]
    effect = quantity.effect
    assert effect is not None  # a headline says what it is a gain of
    lines = []
    if improvement.empty and len(fit.design.variants) > 1:
        lines.append(f"No variant has a setting in common with {fit.baseline}: there is nothing to compare.")
    average = "On average over the settings, " if len(fit.design.settings) > 1 else ""
    for _, row in rows.iterrows():
        factor = f"{row['median']:.2f}x [{row['lower']:.2f}, {row['upper']:.2f}] "
        lines.append(
            f"{average}{row['variant']} {effect.verb_of_one} "
            f"{effect.better.format(factor=factor, metric=metric)} than {row['baseline']} for the same "
            f"{metric} ({row['prob']:.0%} interval, {row['support']}"
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

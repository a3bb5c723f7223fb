"""The report's figures: one small vector graphic a panel, so that a phone shows them one below another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hillfront.estimands.improvement import Improvement
from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.estimands.scopes import AVERAGE, SCOPES, where_of
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.plots import plot_checks, plot_frontiers, plot_gain_profile, plot_improvement
from hillfront.plots.axes import legend_figure
from hillfront.plots.frontier import frontier_handles
from hillfront.plots.gain_profile import gain_handles
from hillfront.plots.style import FigureStyle
from hillfront.report.svg import drawing, svg_of
from hillfront.report.tables import label
from hillfront.utils.intervals import DEFAULT_PROB
from hillfront.utils.numbers import interval
from hillfront.utils.wording import count

__all__ = ["PANELS_MAX", "FigureSet", "checks_figures", "forest_figures", "frontier_figures", "gain_figures"]

PANELS_MAX: Final = 24
"""Settings that are drawn; the tables hold all of them."""

_PANEL: Final = (3.5, 3.1)
_WIDE: Final = 5.2
"""Inches of a panel that takes the width of the page."""


@dataclass(frozen=True)
class FigureSet:
    """The panels of one figure, and their legend, as vector graphics; the name is their id in the page."""

    name: str
    caption: str
    panels: tuple[str, ...]
    legend: str = ""
    wide: bool = False
    """Whether a panel takes the width of the page."""


def frontier_figures(fit: FrontierFit) -> FigureSet:
    """Draw SAEs, curves and bands, one panel a setting."""
    shown = fit.design.settings[:PANELS_MAX]
    panels = []
    with drawing():
        for index, setting in enumerate(shown):
            figure, axis = _panel()
            plot_frontiers(fit, settings=[setting], ax=axis, legend=False)
            title, description = f"Frontiers in {setting}", _describe_points(fit, setting)
            panels.append(svg_of(figure, prefix=f"frontiers-{index}", title=title, description=description))
        legend = _legend(frontier_handles(fit), "frontiers-legend")
    caption = (
        f"Each point is one SAE; lines are posterior medians of the expected {fit.frontiers.metric_label}, "
        f"dashed outside their data; bands hold another SAE with a probability of {DEFAULT_PROB:.0%}. "
        "Verdicts are given over the shared range, in grey."
    )
    return FigureSet("frontiers", caption + _undrawn(fit), tuple(panels), legend)


def forest_figures(improvement: Improvement) -> FigureSet:
    """Draw the headline factors of every setting, as forests."""
    panels = []
    with drawing():
        for quantity in headlines():
            rows = improvement.summary[improvement.summary["quantity"] == quantity]
            n = rows["variant"].nunique()
            figure, axis = _panel((_WIDE, 0.27 * len(rows) / n * max(1.0, 0.75 * n) + 0.9))
            plot_improvement(improvement, quantity=quantity, ax=axis, style=FigureStyle(width=_WIDE))
            prefix, title = f"forest-{quantity.replace('_', '-')}", QUANTITIES[quantity].words.capitalize()
            panels.append(svg_of(figure, prefix=prefix, title=title, description=_describe_forest(rows)))
    caption = (
        f"Median and {DEFAULT_PROB:.0%} interval of each factor; above 1 favours the variant. Hollow markers "
        "are extrapolated, or predicted for a setting without data."
    )
    return FigureSet("forests", caption, tuple(panels), wide=True)


def gain_figures(fit: FrontierFit) -> FigureSet:
    """Draw the sparsity gain against the hit: the average over the settings, then each setting."""
    shown = fit.design.settings[:PANELS_MAX]
    several = len(fit.design.settings) > 1
    names = [*([SCOPES[AVERAGE].label] if several else []), *shown]
    description = (
        f"Times fewer active latents that each variant needs than {fit.baseline}, against the "
        f"{fit.frontiers.metric_label} at which they are compared: posterior median and {DEFAULT_PROB:.0%} "
        "band, solid where both frontiers have data and dashed elsewhere. The table of all factors has the "
        "numbers."
    )
    with drawing():
        figures, axes = zip(*(_panel() for _ in names), strict=True)
        plot_gain_profile(fit, settings=shown, ax=axes, legend=False)
        panels = [
            svg_of(figure, prefix=f"gain-{index}", title=f"Gain profile, {name}", description=description)
            for index, (name, figure) in enumerate(zip(names, figures, strict=True))
        ]
        legend = _legend(gain_handles(fit), "gain-legend")
    caption = (
        f"How many times fewer active latents a variant needs than {fit.baseline} for the same "
        f"{fit.frontiers.metric_label}. Solid inside the data of both, dashed where extrapolated."
    )
    return FigureSet("gain-profiles", caption + _undrawn(fit), tuple(panels), legend)


def checks_figures(fit: FrontierFit) -> FigureSet:
    """Draw what the checks of the fit saw, in four panels."""
    words = {
        "Leave-one-out predictions": "Distribution of the LOO-PIT values less a uniform one, and its band.",
        "Residuals": "Distance of each SAE from its curve, in scales, against L0.",
        "Signs of residuals": "Whether each SAE lies above or below its curve, along each curve.",
        "Prior and posterior": "The mean sparsity gain, averaged over the settings, before and after the "
        "data.",
    }
    rows = min(fit.frontiers.n_curves, 30)
    with drawing():
        # Axes of a fixed size, around which labels take the room that they need.
        figures = [Figure(figsize=(3.3, height)) for height in (2.7, 2.7, max(2.7, 0.14 * rows), 2.7)]
        plot_checks(fit, ax=[figure.add_axes((0.0, 0.0, 1.0, 1.0)) for figure in figures])
        panels = []
        for index, (title, what) in enumerate(words.items()):
            description = f"{what} The table of diagnostics has the numbers."
            panels.append(
                svg_of(figures[index], prefix=f"checks-{index}", title=title, description=description)
            )
    return FigureSet("checks", "What the checks of the fit saw.", tuple(panels), wide=True)


def _panel(size: tuple[float, float] = _PANEL) -> tuple[Figure, Axes]:
    """Return axes on a figure of their own, which pyplot does not know of."""
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots()


def _legend(handles: Sequence[Artist], prefix: str) -> str:
    """Write a legend as a graphic of its own."""
    words = "; ".join(str(handle.get_label()) for handle in handles)
    return svg_of(legend_figure(handles, width=4.5), prefix=prefix, title="Legend", description=words)


def _undrawn(fit: FrontierFit) -> str:
    more = len(fit.design.settings) - PANELS_MAX
    return f" {count(more, 'more setting')} not drawn; the tables hold all." if more > 0 else ""


def _describe_points(fit: FrontierFit, setting: str) -> str:
    table = fit.frontiers.table
    parts = []
    for variant in fit.design.variants:
        rows = table[(table["variant"] == variant) & (table["setting"] == setting)]
        if len(rows):
            y = rows[fit.frontiers.metric]
            parts.append(
                f"{variant}: {count(len(rows), 'SAE')}, L0 {rows['l0'].min():.4g} to "
                f"{rows['l0'].max():.4g}, {fit.frontiers.metric_label} {y.min():.3g} to {y.max():.3g}"
            )
    return "; ".join(parts) + "."


def _describe_forest(rows: pd.DataFrame) -> str:
    said: Sequence[str] = [
        f"{row['variant']}, {where_of(row)}: {label(row['median'])} {interval(row['lower'], row['upper'])}"
        for _, row in rows.iterrows()
        if np.isfinite(row["median"])
    ]
    return "; ".join(said) + "."

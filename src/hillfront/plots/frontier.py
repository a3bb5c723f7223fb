"""The frontier figure: points, curves and bands, one panel a setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.ranges import Range, observed_ranges
from hillfront.plots.axes import (
    axes_for,
    put_labels,
    put_legend,
    put_titles,
    say_no_data,
    validate_names,
    variant_handles,
)
from hillfront.plots.panels import (
    L0_LABEL,
    X_LABEL,
    Scale,
    curve_grid,
    draw_points,
    set_scales,
    validate_scale,
)
from hillfront.plots.style import DASHED, SCREEN, FigureStyle, styles_for
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed

__all__ = ["frontier_handles", "plot_frontiers"]

Band = Literal["predictive", "expectation"]


def plot_frontiers(
    fit: FrontierFit,
    *,
    settings: Sequence[str] | None = None,
    variants: Sequence[str] | None = None,
    scale: Scale = "log",
    band: Band = "predictive",
    prob: float = DEFAULT_PROB,
    ax: Axes | Sequence[Axes] | None = None,
    legend: bool = True,
    style: FigureStyle = SCREEN,
) -> NDArray[np.object_]:
    """Draw the SAEs, the posterior curves and their bands, one panel a setting.

    The line is the posterior median of the expected hit, solid where the variant has data and dashed outside
    them. The grey strip is the range of sparsity that all curves of the panel observed, in which verdicts are
    given. SAEs that a log or logit axis has no place for (hits at or below 0, or at or above 1) are drawn as
    arrowheads at its edge.

    Parameters
    ----------
    fit : FrontierFit
    settings, variants : sequence of str, optional
        Which to draw; all by default.
    scale : {"log", "linear", "logit"}
        Both axes logarithmic; both linear; or logit hit against log sparsity, in which Hill curves are
        straight lines.
    band : {"predictive", "expectation"}
        Where another SAE's hit is expected, or where the curve itself is.
    prob : float
        Probability of the band.
    ax : matplotlib Axes or sequence of them, optional
        One for each setting; a grid of panels is made if left out.
    legend : bool
        Whether to draw the legend.
    style : FigureStyle
        Width, size of marks and text for where the figure will stand.

    Returns
    -------
    numpy.ndarray of matplotlib Axes
        One for each setting.

    Raises
    ------
    ValueError
        For an unknown setting, variant, scale or band, or the wrong number of axes.
    """
    validate_scale(scale, bounded=fit.frontiers.bounded)
    if band not in ("predictive", "expectation"):
        raise ValueError(f"band={band!r}. Allowed: 'predictive', 'expectation'.")
    shown_settings = validate_names(settings, fit.design.settings, "settings")
    shown_variants = validate_names(variants, fit.design.variants, "variants")
    figure, axes = axes_for(len(shown_settings), ax, style=style)
    table = fit.frontiers.table
    for axis, setting in zip(axes, shown_settings, strict=True):
        here = table[(table["setting"] == setting) & table["variant"].isin(shown_variants)]
        if here.empty:
            say_no_data(axis)
        else:
            present = [name for name in shown_variants if (here["variant"] == name).any()]
            _draw_setting(axis, fit, here, present, scale=scale, band=band, prob=prob, marks=style.marks)
    put_titles(axes, shown_settings, style)
    put_labels(axes, X_LABEL, fit.frontiers.metric_label, style, top=L0_LABEL)
    if legend:
        handles = frontier_handles(fit, variants=shown_variants, band=band, prob=prob)
        put_legend(figure, axes, handles, style=style, where="inside" if len(axes) == 1 else "below")
    return np.array(axes, dtype=object)


def _draw_setting(
    axis: Axes,
    fit: FrontierFit,
    here: pd.DataFrame,
    variants: Sequence[str],
    *,
    scale: Scale,
    band: Band,
    prob: float,
    marks: float,
) -> None:
    setting, metric = str(here["setting"].iloc[0]), fit.frontiers.metric
    ranges, styles = observed_ranges(fit.frontiers), styles_for(fit.design.variants)
    grid = curve_grid(here, scale, above=fit.design.scales[fit.design.settings.index(setting)].offset)
    for name in variants:
        # The ends of the data belong to both the solid and the dashed part.
        own, colour = ranges[name, setting]["sparsity"], styles[name].colour
        x = np.unique(np.concatenate([grid, [own.low, own.high]]))
        predicted = fit.predict(l0=1.0 / x, variants=[name], settings=[setting])
        middle = np.median(predicted["expectation"].to_numpy().reshape(x.size, -1), axis=-1)
        lower, _, upper = equal_tailed(predicted[band].to_numpy().reshape(x.size, -1), prob=prob)
        axis.fill_between(x, lower, upper, color=colour, alpha=0.16, linewidth=0, zorder=1)
        for part, width, dashes in (
            ((x >= own.low) & (x <= own.high), 1.8, "-"),
            (x <= own.low, 1.3, DASHED),
            (x >= own.high, 1.3, DASHED),
        ):
            axis.plot(
                x[part], middle[part], color=colour, linewidth=width * marks, linestyle=dashes, zorder=3
            )
    shared = _shared_by_all(ranges, variants, setting)
    if shared is not None:
        axis.axvspan(*shared, color="0.5", alpha=0.10, linewidth=0, zorder=0)
    set_scales(axis, here["sparsity"].to_numpy(), here[metric].to_numpy(), scale)
    for name in variants:
        rows = here[here["variant"] == name]
        x, y = rows["sparsity"].to_numpy(), rows[metric].to_numpy()
        draw_points(axis, x, y, styles[name], scale, marks=marks)


def _shared_by_all(
    ranges: dict[tuple[str, str], dict[str, Range]], variants: Sequence[str], setting: str
) -> tuple[float, float] | None:
    """Return the range of sparsity that all curves of a panel observed, or None."""
    if len(variants) < 2:
        return None
    spans = [ranges[name, setting]["sparsity"] for name in variants]
    low, high = max(s.low for s in spans), min(s.high for s in spans)
    return (low, high) if high > low else None


def frontier_handles(
    fit: FrontierFit,
    *,
    variants: Sequence[str] | None = None,
    band: Band = "predictive",
    prob: float = DEFAULT_PROB,
) -> list[Artist]:
    """Return the legend's entries: variants, curves, which band with what probability, the shared range."""
    shown = validate_names(variants, fit.design.variants, "variants")
    handles: list[Artist] = [
        *variant_handles(shown, fit.design.variants, markeredgecolor="white"),
        Line2D([], [], color="0.3", label="expectation, median"),
        Line2D([], [], color="0.3", linestyle=DASHED, label="outside its data"),
        Patch(facecolor="0.3", alpha=0.2, label=f"{prob:.0%} {band} band"),
    ]
    if len(shown) > 1:
        handles.append(Patch(facecolor="0.5", alpha=0.12, label="shared range"))
    return handles

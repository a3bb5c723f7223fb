"""The frontier figure: points, curves and bands, one panel a setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.ranges import Range, observed_ranges
from hillfront.plots.panels import Scale, check_names, check_scale, draw_points, panel_grid, set_scales
from hillfront.plots.style import VariantStyle, axes_for, styles_for
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed

__all__ = ["plot_frontiers"]

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

    Returns
    -------
    numpy.ndarray of matplotlib Axes
        One for each setting.

    Raises
    ------
    ValueError
        For an unknown setting, variant, scale or band, or the wrong number of axes.
    """
    check_scale(scale, bounded=fit.frontiers.bounded)
    if band not in ("predictive", "expectation"):
        raise ValueError(f"band={band!r}. Allowed: 'predictive', 'expectation'.")
    design = fit.design
    shown_settings = tuple(design.settings if settings is None else settings)
    shown_variants = tuple(design.variants if variants is None else variants)
    check_names(shown_settings, design.settings, "settings")
    check_names(shown_variants, design.variants, "variants")
    styles = styles_for(design.variants)
    figure, axes = axes_for(len(shown_settings), ax)
    for axis, setting in zip(axes, shown_settings, strict=True):
        _draw_setting(axis, fit, setting, shown_variants, styles, scale=scale, band=band, prob=prob)
        if len(shown_settings) > 1 or setting != "all":
            axis.set_title(setting, fontsize="medium")
    if legend:
        handles = _legend_handles(shown_variants, styles, design.baseline, band, prob)
        if len(axes) == 1:
            axes[0].legend(handles=handles, fontsize="small", frameon=False)
        else:
            ncols = max(2, min(len(handles), int(figure.get_figwidth() / 1.8)))
            figure.legend(handles=handles, loc="outside lower center", ncols=ncols, frameon=False)
    return np.array(axes, dtype=object)


def _draw_setting(
    axis: Axes,
    fit: FrontierFit,
    setting: str,
    variants: tuple[str, ...],
    styles: dict[str, VariantStyle],
    *,
    scale: Scale,
    band: Band,
    prob: float,
) -> None:
    table = fit.frontiers.table
    here = table[(table["setting"] == setting) & table["variant"].isin(variants)]
    if here.empty:
        axis.text(0.5, 0.5, "no data", ha="center", va="center", color="0.4", transform=axis.transAxes)
        axis.set_axis_off()
        return
    ranges = observed_ranges(fit.frontiers)
    present = [name for name in variants if (name, setting) in ranges]
    metric = fit.frontiers.metric
    limit = fit.design.scales[fit.design.settings.index(setting)].offset
    grid = panel_grid(here, scale, above=limit)
    for name in present:
        # The ends of the data belong to both the solid and the dashed part.
        own = ranges[name, setting]["sparsity"]
        x = np.unique(np.concatenate([grid, [own.low, own.high]]))
        predicted = fit.predict(l0=1.0 / x, variants=[name], settings=[setting])
        expectation = predicted["expectation"].to_numpy().reshape(x.size, -1)
        banded = predicted[band].to_numpy().reshape(x.size, -1)
        middle = np.median(expectation, axis=-1)
        lower, _, upper = equal_tailed(banded, prob=prob)
        style = styles[name]
        axis.fill_between(x, lower, upper, color=style.colour, alpha=0.16, linewidth=0, zorder=1)
        inside = (x >= own.low) & (x <= own.high)
        axis.plot(x[inside], middle[inside], color=style.colour, linewidth=1.8, zorder=3)
        for part in (x <= own.low, x >= own.high):
            axis.plot(
                x[part], middle[part], color=style.colour, linewidth=1.3, linestyle=(0, (3, 2)), zorder=3
            )
    shared = _shared_by_all(ranges, present, setting)
    if shared is not None:
        axis.axvspan(*shared, color="0.5", alpha=0.10, linewidth=0, zorder=0)
    set_scales(axis, here["sparsity"].to_numpy(), here[metric].to_numpy(), scale, fit.frontiers.metric_label)
    for name in present:
        rows = here[here["variant"] == name]
        draw_points(axis, rows["sparsity"].to_numpy(), rows[metric].to_numpy(), styles[name], scale)


def _shared_by_all(
    ranges: dict[tuple[str, str], dict[str, Range]], present: list[str], setting: str
) -> tuple[float, float] | None:
    """Range of sparsity that all curves of a panel observed, or None."""
    if len(present) < 2:
        return None
    spans = [ranges[name, setting]["sparsity"] for name in present]
    low, high = max(s.low for s in spans), min(s.high for s in spans)
    return (low, high) if high > low else None


def _legend_handles(
    variants: Sequence[str], styles: dict[str, VariantStyle], baseline: str, band: Band, prob: float
) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D(
            [],
            [],
            color=styles[name].colour,
            marker=styles[name].marker,
            markeredgecolor="white",
            label=f"{name} (baseline)" if name == baseline != "baseline" and len(variants) > 1 else name,
        )
        for name in variants
    ]
    handles += [
        Line2D([], [], color="0.3", label="expectation, median"),
        Line2D([], [], color="0.3", linestyle=(0, (3, 2)), label="outside its data"),
        Patch(facecolor="0.3", alpha=0.2, label=f"{prob:.0%} {band} band"),
    ]
    if len(variants) > 1:
        handles.append(Patch(facecolor="0.5", alpha=0.12, label="shared range"))
    return handles

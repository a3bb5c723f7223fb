"""The frontier figure: points, curves and bands, one panel a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from hillfront.frontier_fit import FrontierFit
from hillfront.intervals import DEFAULT_PROB, equal_tailed
from hillfront.plots.style import VariantStyle, axes_for, styles_for
from hillfront.ranges import Range, observed_ranges

__all__ = ["plot_frontiers"]

Scale = Literal["log", "linear", "logit"]
Band = Literal["predictive", "expectation"]

_GRID_POINTS = 80
_REACH = 1.6  # How far, as a factor of L0, a curve is drawn beyond its group's data.


def plot_frontiers(
    fit: FrontierFit,
    *,
    groups: Sequence[str] | None = None,
    variants: Sequence[str] | None = None,
    scale: Scale = "log",
    band: Band = "predictive",
    prob: float = DEFAULT_PROB,
    ax: Axes | Sequence[Axes] | None = None,
    legend: bool = True,
) -> NDArray[np.object_]:
    """Draw the SAEs, the posterior curves and their bands, one panel a group.

    The line is the posterior median of the expected hit, solid where the variant has data and dashed outside
    them. The grey strip is the range of sparsity that all curves of the panel observed, in which verdicts are
    given. SAEs that a log or logit axis has no place for (hits at or below 0, or at or above 1) are drawn as
    arrowheads at its edge.

    Parameters
    ----------
    fit : FrontierFit
    groups, variants : sequence of str, optional
        Which to draw; all by default.
    scale : {"log", "linear", "logit"}
        Both axes logarithmic; both linear; or logit hit against log sparsity, in which Hill curves are
        straight lines.
    band : {"predictive", "expectation"}
        Where another SAE's hit is expected, or where the curve itself is.
    prob : float
        Probability of the band.
    ax : matplotlib Axes or sequence of them, optional
        One for each group; a grid of panels is made if left out.
    legend : bool
        Whether to draw the legend.

    Returns
    -------
    numpy.ndarray of matplotlib Axes
        One for each group.

    Raises
    ------
    ValueError
        For an unknown group, variant, scale or band, or the wrong number of axes.
    """
    for name, value, allowed in (
        ("scale", scale, ("log", "linear", "logit")),
        ("band", band, ("predictive", "expectation")),
    ):
        if value not in allowed:
            raise ValueError(f"{name}={value!r}. Allowed: {', '.join(map(repr, allowed))}.")
    design = fit.design
    shown_groups = tuple(design.groups if groups is None else groups)
    shown_variants = tuple(design.variants if variants is None else variants)
    _check_names(shown_groups, design.groups, "groups")
    _check_names(shown_variants, design.variants, "variants")
    styles = styles_for(design.variants)
    figure, axes = axes_for(len(shown_groups), ax)
    for axis, group in zip(axes, shown_groups, strict=True):
        _draw_group(axis, fit, group, shown_variants, styles, scale=scale, band=band, prob=prob)
        if len(shown_groups) > 1 or group != "all":
            axis.set_title(group, fontsize="medium")
    if legend:
        handles = _legend_handles(shown_variants, styles, design.baseline, band, prob)
        if len(axes) == 1:
            axes[0].legend(handles=handles, fontsize="small", frameon=False)
        else:
            ncols = max(2, min(len(handles), int(figure.get_figwidth() / 1.8)))
            figure.legend(handles=handles, loc="outside lower center", ncols=ncols, frameon=False)
    return np.array(axes, dtype=object)


def _check_names(chosen: Sequence[str], allowed: tuple[str, ...], what: str) -> None:
    unknown = [name for name in chosen if name not in allowed]
    if unknown or not chosen:
        raise ValueError(f"{what}={list(chosen)}: allowed are {', '.join(allowed)}, at least one of them.")


def _draw_group(
    axis: Axes,
    fit: FrontierFit,
    group: str,
    variants: tuple[str, ...],
    styles: dict[str, VariantStyle],
    *,
    scale: Scale,
    band: Band,
    prob: float,
) -> None:
    table = fit.frontiers.table
    here = table[(table["group"] == group) & table["variant"].isin(variants)]
    if here.empty:
        axis.text(0.5, 0.5, "no data", ha="center", va="center", color="0.4", transform=axis.transAxes)
        axis.set_axis_off()
        return
    ranges = observed_ranges(fit.frontiers)
    present = [name for name in variants if (name, group) in ranges]
    x_low, x_high = float(here["sparsity"].min()), float(here["sparsity"].max())
    if scale == "linear":
        grid = np.linspace(x_low / _REACH, x_high * (1 + 0.3 * (_REACH - 1)), _GRID_POINTS)
    else:
        grid = np.geomspace(x_low / _REACH, x_high * _REACH, _GRID_POINTS)
    for name in present:
        # The ends of the data belong to both the solid and the dashed part.
        own = ranges[name, group]["sparsity"]
        x = np.unique(np.concatenate([grid, [own.low, own.high]]))
        predicted = fit.predict(l0=1.0 / x, variants=[name], groups=[group])
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
    shared = _shared_by_all(ranges, present, group)
    if shared is not None:
        axis.axvspan(*shared, color="0.5", alpha=0.10, linewidth=0, zorder=0)
    _set_scales(axis, here, scale, x_low, x_high)
    for name in present:
        _draw_points(axis, here[here["variant"] == name], styles[name], scale)


def _shared_by_all(
    ranges: dict[tuple[str, str], dict[str, Range]], present: list[str], group: str
) -> tuple[float, float] | None:
    """Range of sparsity that all curves of a panel observed, or None."""
    if len(present) < 2:
        return None
    spans = [ranges[name, group]["sparsity"] for name in present]
    low, high = max(s.low for s in spans), min(s.high for s in spans)
    return (low, high) if high > low else None


def _set_scales(axis: Axes, here: pd.DataFrame, scale: Scale, x_low: float, x_high: float) -> None:
    y = here["performance_hit"].to_numpy()
    if scale == "linear":
        axis.set_xlim(0, x_high * 1.15)
        axis.set_ylim(min(0.0, 1.1 * y.min()), 1.15 * y.max())
    else:
        axis.set_xscale("log")
        axis.set_xlim(x_low / _REACH, x_high * _REACH)
        # Sweeps within one decade would show no label at all, wider ones too many.
        narrow = x_high / x_low * _REACH**2 < 30
        axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        if scale == "log":
            axis.set_yscale("log")
            positive = y[y > 0]
            if positive.size:
                axis.set_ylim(positive.min() / 2, positive.max() * 2)
            axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.yaxis.set_minor_formatter(NullFormatter())
        else:
            # Clipped, because a band that leaves (0, 1) would lose its corners.
            axis.set_yscale("logit", nonpositive="clip")
            inside = y[(y > 0) & (y < 1)]
            odds = inside / (1 - inside) if inside.size else np.array([0.01, 100.0])
            low, high = odds.min() / 2.2, odds.max() * 2.2
            axis.set_ylim(low / (1 + low), high / (1 + high))
            ticks = np.array([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99])
            axis.set_yticks(ticks[(ticks > low / (1 + low)) & (ticks < high / (1 + high))])
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("sparsity, 1 / L0")
    axis.set_ylabel("performance hit")
    axis.spines["right"].set_visible(False)
    _add_l0_axis(axis, scale)


def _add_l0_axis(axis: Axes, scale: Scale) -> None:
    """L0 along the top: the number that people quote for an SAE."""

    def invert(values: ArrayLike) -> NDArray[np.float64]:
        # A linear axis starts at a sparsity of 0, whose L0 must be finite to be drawn.
        return 1.0 / np.maximum(np.asarray(values, dtype=np.float64), 1e-12)

    top = axis.secondary_xaxis("top", functions=(invert, invert))
    low, high = axis.get_xlim()
    if scale == "linear":
        candidates = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500])
        shown = candidates[(1.0 / candidates < high)]
        shown = shown[np.append(True, np.diff(1.0 / shown) < -0.06 * high)]
        top.set_xticks(shown)
    else:
        # The scale is matplotlib's own choice: a plain log scale set here would run the wrong way.
        subs = (1.0, 2.0, 5.0) if high / low < 200 else (1.0,)
        top.xaxis.set_major_locator(LogLocator(subs=subs))
    top.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    top.xaxis.set_minor_formatter(NullFormatter())
    top.set_xlabel("L0, active latents per token", fontsize="small")
    top.tick_params(labelsize="small")


def _draw_points(axis: Axes, rows: pd.DataFrame, style: VariantStyle, scale: Scale) -> None:
    x, y = rows["sparsity"].to_numpy(), rows["performance_hit"].to_numpy()
    below = (y <= 0) & (scale != "linear")
    above = (y >= 1) & (scale == "logit")
    fine = ~(below | above)
    axis.plot(
        x[fine], y[fine], linestyle="none", marker=style.marker, color=style.colour, markersize=5.5,
        markeredgecolor="white", markeredgewidth=0.6, zorder=4,
    )  # fmt: skip
    for mask, place, marker in ((below, 0.015, "v"), (above, 0.985, "^")):
        if mask.any():
            axis.plot(
                x[mask], np.full(mask.sum(), place), linestyle="none", marker=marker, color=style.colour,
                transform=axis.get_xaxis_transform(), markersize=6, zorder=4, clip_on=False,
            )  # fmt: skip


def _legend_handles(
    variants: Sequence[str], styles: dict[str, VariantStyle], baseline: str, band: Band, prob: float
) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D(
            [], [], color=styles[name].colour, marker=styles[name].marker, markeredgecolor="white",
            label=f"{name} (baseline)" if name == baseline != "baseline" and len(variants) > 1 else name,
        )
        for name in variants
    ]  # fmt: skip
    handles += [
        Line2D([], [], color="0.3", label="expectation, median"),
        Line2D([], [], color="0.3", linestyle=(0, (3, 2)), label="outside its data"),
        Patch(facecolor="0.3", alpha=0.2, label=f"{prob:.0%} {band} band"),
    ]
    if len(variants) > 1:
        handles.append(Patch(facecolor="0.5", alpha=0.12, label="shared range"))
    return handles

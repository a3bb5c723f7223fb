"""The frontier figure: points, curves and bands, one panel a setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.ranges import Range, observed_ranges
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.plots.axes import (
    axes_for,
    log_ticks,
    plain_numbers,
    put_labels,
    put_legend,
    put_titles,
    require_drawable,
    say_no_data,
    variant_handles,
)
from hillfront.plots.style import DASHED, SCREEN, FigureStyle, VariantStyle, styles_for
from hillfront.utils.interface import chosen_names
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed

__all__ = [
    "L0_LABEL",
    "X_LABEL",
    "DrawCurves",
    "Scale",
    "draw_points",
    "frontier_handles",
    "frontier_panels",
    "plot_frontiers",
    "set_scales",
]

Floats = NDArray[np.float64]


Band = Literal["predictive", "expectation"]


def plot_frontiers(
    fit: FrontierFit | Frontiers,
    *,
    baseline: str | None = None,
    settings: str | Sequence[str] | None = None,
    variants: str | Sequence[str] | None = None,
    scale: Scale = "log",
    band: Band = "predictive",
    prob: float = DEFAULT_PROB,
    ax: Axes | Sequence[Axes] | None = None,
    legend: bool = True,
    style: FigureStyle = SCREEN,
) -> NDArray[np.object_]:
    """Draw the SAEs, the posterior curves and their bands, one panel a setting; before a fit, the SAEs alone.

    The line is the posterior median of the expected hit, solid where the variant has data and dashed outside
    them. The grey strip is the range of sparsity that all curves of the panel observed, in which verdicts are
    given. SAEs outside a log or logit axis (hits at or below 0, or at or above 1) are drawn as
    arrowheads at its edge.

    Parameters
    ----------
    fit : FrontierFit or Frontiers
        Frontiers have no curves and no bands yet; all else is drawn as it will be of their fit.
    baseline : str, optional
        The variant that has the baseline's colour before a fit: the first one if left out. A fit has its own.
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
    TypeError
        If it is neither a fit nor Frontiers.
    ValueError
        For an unknown setting, variant, scale or band, a baseline that is unknown or not the fit's, or the
        wrong number of axes.
    """
    if band not in ("predictive", "expectation"):
        raise ValueError(f"band={band!r}. Allowed: 'predictive', 'expectation'.")
    if isinstance(fit, Frontiers):
        frontiers, every, allowed = fit, fit.variants, fit.variants
    else:
        require_drawable(fit, FrontierFit, "plot_frontiers", "hf.fit(frontiers, baseline=...)")
        frontiers, every, allowed = fit.frontiers, fit.design.variants, fit.design.variants[:1]
    if baseline is not None:
        (baseline,) = chosen_names(baseline, allowed, "baseline")
        every = (baseline, *(name for name in every if name != baseline))
    shown = chosen_names(variants, every, "variants")
    looks, ranges = styles_for(every), observed_ranges(frontiers)

    def draw_curve(fit: FrontierFit, axis: Axes, setting: str, name: str, grid: Floats) -> None:
        # The ends of the data belong to both the solid and the dashed part.
        own, colour = ranges[name, setting]["sparsity"], looks[name].colour
        x = np.unique(np.concatenate([grid, [own.low, own.high]]))
        predicted = fit.predict(l0=1.0 / x, variants=[name], settings=[setting])
        middle = np.median(predicted["expectation"].to_numpy().reshape(x.size, -1), axis=-1)
        lower, _, upper = equal_tailed(predicted[band].to_numpy().reshape(x.size, -1), prob=prob)
        axis.fill_between(x, lower, upper, color=colour, alpha=0.16, linewidth=0, zorder=1)
        inside = (x >= own.low) & (x <= own.high)
        for part, width, dashes in (
            (inside, 1.8, "-"),
            (x <= own.low, 1.3, DASHED),
            (x >= own.high, 1.3, DASHED),
        ):
            width *= style.marks
            axis.plot(x[part], middle[part], color=colour, linewidth=width, linestyle=dashes, zorder=3)

    def draw_curves(axis: Axes, setting: str, variants: Sequence[str], grid: Floats) -> None:
        if isinstance(fit, FrontierFit):
            for name in variants:
                draw_curve(fit, axis, setting, name, grid)
        shared = _shared_by_all([ranges[name, setting]["sparsity"] for name in variants])
        if shared is not None:
            axis.axvspan(*shared, color="0.5", alpha=0.10, linewidth=0, zorder=0)

    axes = frontier_panels(
        frontiers,
        None if isinstance(fit, Frontiers) else fit.design,
        draw_curves,
        looks,
        settings=settings,
        variants=shown,
        scale=scale,
        ax=ax,
        style=style,
    )
    if legend:
        if isinstance(fit, Frontiers):
            handles = point_handles(shown, every, baseline=baseline)
        else:
            handles = frontier_handles(fit, variants=shown, band=band, prob=prob)
        put_legend(axes, handles, style=style, where="inside" if len(axes) == 1 else "below")
    return np.array(axes, dtype=object)


def _shared_by_all(spans: Sequence[Range]) -> tuple[float, float] | None:
    """Return the range of sparsity that all of several curves observed, or None."""
    both = Range(max(s.low for s in spans), min(s.high for s in spans))
    return (both.low, both.high) if len(spans) > 1 and not both.narrow else None


def frontier_handles(
    fit: FrontierFit,
    *,
    variants: str | Sequence[str] | None = None,
    band: Band = "predictive",
    prob: float = DEFAULT_PROB,
) -> list[Artist]:
    """Return the legend's entries: variants, curves, which band with what probability, the shared range."""
    shown = chosen_names(variants, fit.design.variants, "variants")
    points = point_handles(shown, fit.design.variants, baseline=fit.baseline, linestyle="-")
    return [
        *points[: len(shown)],
        Line2D([], [], color="0.3", label="expectation, median"),
        Line2D([], [], color="0.3", linestyle=DASHED, label="outside its data"),
        Patch(facecolor="0.3", alpha=0.2, label=f"{prob:.0%} {band} band"),
        *points[len(shown) :],
    ]


def point_handles(
    shown: Sequence[str], every: Sequence[str], *, baseline: str | None, linestyle: str = "none"
) -> list[Artist]:
    """Return the legend's entries of SAEs without curves: variants and, for several, their shared range."""
    handles: list[Artist] = [
        *variant_handles(shown, every, baseline=baseline, markeredgecolor="white", linestyle=linestyle)
    ]
    if len(shown) > 1:
        handles.append(Patch(facecolor="0.5", alpha=0.12, label="shared range"))
    return handles


Scale = Literal["log", "linear", "logit"]

X_LABEL: Final = "sparsity, 1 / L0"
L0_LABEL: Final = "L0, active latents per token"

_GRID_POINTS: Final = 80
_REACH: Final = 1.6
"""Factor of L0 by which a curve is drawn beyond its setting's data."""
DrawCurves = Callable[[Axes, str, Sequence[str], Floats], None]
"""Function that draws, on axes, the curves of some variants in a setting at values of 1/L0."""


def frontier_panels(
    frontiers: Frontiers,
    design: Design | None,
    draw_curves: DrawCurves,
    looks: dict[str, VariantStyle],
    *,
    settings: str | Sequence[str] | None,
    variants: tuple[str, ...],
    scale: Scale,
    ax: Axes | Sequence[Axes] | None,
    style: FigureStyle = SCREEN,
) -> list[Axes]:
    """Draw one panel a setting: curves, SAEs over them in their variants' looks, scales, title and labels."""
    if scale not in ("log", "linear", "logit"):
        raise ValueError(f"scale={scale!r}. Allowed: 'log', 'linear', 'logit'.")
    if scale == "logit" and not frontiers.bounded:
        raise ValueError(
            "scale='logit' is for performance hits inside (0, 1), and this is of a cost. Allowed: 'log', "
            "'linear'."
        )
    every = frontiers.settings if design is None else design.settings
    shown = chosen_names(settings, every, "settings")
    _, axes = axes_for(len(shown), ax, style=style)
    table = frontiers.table
    for axis, setting in zip(axes, shown, strict=True):
        here = table[(table["setting"] == setting) & table["variant"].isin(variants)]
        if here.empty:
            say_no_data(axis)
            continue
        present = [name for name in variants if (here["variant"] == name).any()]
        offset = 0.0 if design is None else design.scales[every.index(setting)].offset
        draw_curves(axis, setting, present, _curve_grid(here["sparsity"], scale, above=offset))
        set_scales(axis, here["sparsity"].to_numpy(), here[frontiers.metric].to_numpy(), scale)
        for name in present:
            rows = here[here["variant"] == name]
            x, y = rows["sparsity"].to_numpy(), rows[frontiers.metric].to_numpy()
            draw_points(axis, x, y, looks[name], scale, marks=style.marks)
    put_titles(axes, shown, style)
    put_labels(axes, X_LABEL, frontiers.metric_label, style, top=L0_LABEL)
    return axes


def _curve_grid(sparsity: pd.Series, scale: Scale, *, above: float) -> Floats:
    """Return values of 1/L0 a little beyond the data, all above 1/L0 at the dense limit."""
    low, high = float(sparsity.min()), float(sparsity.max())
    start = max(low / _REACH, above + 0.1 * (low - above))
    if scale == "linear":
        return np.linspace(start, high * (1 + 0.3 * (_REACH - 1)), _GRID_POINTS)
    return np.geomspace(start, high * _REACH, _GRID_POINTS)


def set_scales(axis: Axes, x: Floats, y: Floats, scale: Scale) -> None:
    """Set scales, limits and ticks of a panel for its points, and L0 along its top."""
    if scale == "linear":
        axis.set_xlim(0, float(x.max()) * 1.15)
        axis.set_ylim(min(0.0, 1.1 * y.min()), 1.15 * y.max())
    else:
        axis.set_xscale("log")
        axis.set_xlim(float(x.min()) / _REACH, float(x.max()) * _REACH)
        log_ticks(axis.xaxis, axis)
    if scale == "log":
        axis.set_yscale("log")
        positive = y[y > 0]
        if positive.size:
            axis.set_ylim(positive.min() / 2, positive.max() * 2)
        log_ticks(axis.yaxis, axis)
    elif scale == "logit":
        # Clipped, because a band that leaves (0, 1) would lose its corners.
        axis.set_yscale("logit", nonpositive="clip")
        inside = y[(y > 0) & (y < 1)]
        odds = inside / (1 - inside) if inside.size else np.array([0.01, 100.0])
        low, high = (end / (1 + end) for end in (odds.min() / 2.2, odds.max() * 2.2))
        axis.set_ylim(low, high)
        ticks = np.array([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99])
        axis.set_yticks(ticks[(ticks > low) & (ticks < high)])
        plain_numbers(axis.yaxis)
    axis.spines["right"].set_visible(False)
    _add_l0_axis(axis, scale)


def _add_l0_axis(axis: Axes, scale: Scale) -> None:
    """Draw L0 along the top: the number that people quote for an SAE."""

    def invert(values: ArrayLike) -> Floats:
        # A linear axis starts at a sparsity of 0, whose L0 must be finite to be drawn.
        return 1.0 / np.maximum(np.asarray(values, dtype=np.float64), 1e-12)

    # The scale is matplotlib's own choice: a plain log scale set here would run the wrong way.
    top = axis.secondary_xaxis("top", functions=(invert, invert))
    if scale == "linear":
        high = axis.get_xlim()[1]
        candidates = np.array([1, 2, 5, 10, 20, 50, 100, 200, 500])
        shown = candidates[(1.0 / candidates < high)]
        top.set_xticks(shown[np.append(True, np.diff(1.0 / shown) < -0.06 * high)])
        plain_numbers(top.xaxis)
    else:
        log_ticks(top.xaxis, axis, size="small")
    top.tick_params(labelsize="small")


def draw_points(
    axis: Axes, x: Floats, y: Floats, style: VariantStyle, scale: Scale, *, marks: float = 1.0
) -> None:
    """Draw SAEs; those whose hit lies outside the axis as arrowheads at its edge."""
    below = (y <= 0) & (scale != "linear")
    above = (y >= 1) & (scale == "logit")
    fine = ~(below | above)
    look: dict[str, Any] = {"linestyle": "none", "color": style.colour, "zorder": 4}
    axis.plot(
        x[fine],
        y[fine],
        marker=style.marker,
        markersize=5.5 * marks,
        markeredgecolor="white",
        markeredgewidth=0.6 * marks,
        **look,
    )
    for mask, height, marker in ((below, 0.015, "v"), (above, 0.985, "^")):
        if mask.any():
            axis.plot(
                x[mask],
                np.full(mask.sum(), height),
                marker=marker,
                transform=axis.get_xaxis_transform(),
                markersize=6 * marks,
                clip_on=False,
                **look,
            )

"""The frontier figure: points, curves and bands, one panel a setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.ranges import Range, observed_ranges
from hillfront.plots.axes import put_legend, validate_names, variant_handles
from hillfront.plots.panels import Scale, frontier_panels
from hillfront.plots.style import DASHED, SCREEN, FigureStyle, styles_for
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed

Floats = NDArray[np.float64]

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
    given. SAEs outside a log or logit axis (hits at or below 0, or at or above 1) are drawn as
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
    if band not in ("predictive", "expectation"):
        raise ValueError(f"band={band!r}. Allowed: 'predictive', 'expectation'.")
    shown = validate_names(variants, fit.design.variants, "variants")
    looks, ranges = styles_for(fit.design.variants), observed_ranges(fit.frontiers)

    def draw_curves(axis: Axes, setting: str, variants: Sequence[str], grid: Floats) -> None:
        for name in variants:
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
        shared = _shared_by_all([ranges[name, setting]["sparsity"] for name in variants])
        if shared is not None:
            axis.axvspan(*shared, color="0.5", alpha=0.10, linewidth=0, zorder=0)

    figure, axes = frontier_panels(
        fit.frontiers,
        fit.design,
        draw_curves,
        looks,
        settings=settings,
        variants=shown,
        scale=scale,
        ax=ax,
        style=style,
    )
    if legend:
        handles = frontier_handles(fit, variants=shown, band=band, prob=prob)
        put_legend(figure, axes, handles, style=style, where="inside" if len(axes) == 1 else "below")
    return np.array(axes, dtype=object)


def _shared_by_all(spans: Sequence[Range]) -> tuple[float, float] | None:
    """Return the range of sparsity that all of several curves observed, or None."""
    low, high = max(s.low for s in spans), min(s.high for s in spans)
    return (low, high) if len(spans) > 1 and high > low else None


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

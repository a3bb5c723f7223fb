"""k against x_half: the pattern in which variants differ from the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from hillfront.estimands.draws import curve_draws
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.ranges import observed_ranges
from hillfront.plots.axes import (
    axes_for,
    log_ticks,
    put_labels,
    put_legend,
    require_drawable,
    variant_handles,
)
from hillfront.plots.style import DASHED, styles_for
from hillfront.utils.interface import chosen_names
from hillfront.utils.intervals import DEFAULT_PROB, validate_prob

Floats = NDArray[np.float64]

__all__ = ["ellipse_of", "plot_k_against_x_half"]

_CORNERS = 121


def ellipse_of(draws: Floats, *, prob: float) -> Floats:
    """Return the highest-density ellipse of a bivariate normal with the draws' mean and covariance.

    Parameters
    ----------
    draws : array, shape (2, sample)
    prob : float
        Probability inside it, if the draws are normal.

    Returns
    -------
    array, shape (2, corner)
        A closed line, at the Mahalanobis distance ``sqrt(-2 log(1 - prob))`` from the mean.

    Examples
    --------
    >>> draws = np.random.default_rng(1).standard_normal((2, 100_000))
    >>> float(np.hypot(*ellipse_of(draws, prob=0.9)).mean().round(1))  # sqrt(-2 log 0.1)
    2.1
    """
    angle = np.linspace(0.0, 2.0 * np.pi, _CORNERS)
    radius = np.sqrt(-2.0 * np.log1p(-validate_prob(prob)))
    values, vectors = np.linalg.eigh(np.cov(draws))
    # Draws on a line have an eigenvalue of 0, which rounding may take below it.
    circle = np.sqrt(np.maximum(values, 0.0))[:, None] * np.stack([np.cos(angle), np.sin(angle)])
    return np.asarray(draws.mean(axis=1)[:, None] + radius * (vectors @ circle))


def plot_k_against_x_half(
    fit: FrontierFit,
    *,
    settings: str | Sequence[str] | None = None,
    variants: str | Sequence[str] | None = None,
    prob: float = DEFAULT_PROB,
    ax: Axes | None = None,
    legend: bool = True,
) -> Axes:
    """Draw the posterior of x_half and k of every curve, with the curves of a setting joined.

    Markers are posterior means on log scales, and ellipses the highest-density regions of normal
    distributions with the posterior's means and covariances there. Thin lines lead from the baseline, which
    has the setting's name beside it, to the other variants of its setting: down and to the right where a
    variant's x_half is higher and its k lower. A curve whose data do not reach a hit of one half has its
    x_half extrapolated: hollow marker, dashed ellipse.

    Parameters
    ----------
    fit : FrontierFit
        Of Hill curves.
    settings, variants : sequence of str, optional
        Which to draw; all by default.
    prob : float
        Probability of the ellipses.
    ax : matplotlib Axes, optional
    legend : bool
        Whether to draw the legend.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        For a family without x_half and k, one of them fixed by a number, an unknown setting or variant, or a
        probability outside (0, 1).
    """
    require_drawable(fit, FrontierFit, "plot_k_against_x_half", "hf.fit(frontiers, baseline=...)")
    validate_prob(prob)
    design = fit.design
    _check_family(fit)
    shown_settings = chosen_names(settings, design.settings, "settings")
    shown_variants = chosen_names(variants, design.variants, "variants")
    _, (axis,) = axes_for(1, ax, single=(6.6, 5.6))
    curves = curve_draws(fit.data["posterior"].to_dataset(), design)
    logs = np.log(np.stack([curves["x_half"], curves["k"]]))
    ranges, styles = observed_ranges(fit.frontiers), styles_for(design.variants)
    outlines = []
    supports: set[bool] = set()
    for setting in shown_settings:
        g = design.settings.index(setting)
        centres = {}
        for name in shown_variants:
            if (name, setting) not in ranges:
                continue
            draws = logs[:, g, design.variants.index(name)]
            centres[name] = np.exp(draws.mean(axis=1))
            outline = np.exp(ellipse_of(draws, prob=prob))
            outlines.append(outline)
            observed = 0.5 in ranges[name, setting]["hit"]
            supports.add(observed)
            colour = styles[name].colour
            axis.fill(*outline, color=colour, alpha=0.07, linewidth=0, zorder=1)
            dashes = "-" if observed else DASHED
            axis.plot(*outline, color=colour, alpha=0.6, linewidth=1.0, zorder=2, linestyle=dashes)
            axis.plot(
                *centres[name],
                marker=styles[name].marker,
                color=colour,
                markersize=6,
                zorder=4,
                markerfacecolor=colour if observed else "white",
                linestyle="none",
            )
        for name, centre in centres.items():
            if name != design.baseline and design.baseline in centres:
                ends = np.stack([centres[design.baseline], centre], axis=1)
                axis.plot(*ends, color="0.3", linewidth=0.9, zorder=3)
        if centres and len(design.settings) > 1:
            # Beside the first curve of the setting, which is the baseline where it is there.
            first = tuple(next(iter(centres.values())))
            axis.annotate(
                setting,
                first,
                xytext=(-6, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize="x-small",
                color="0.25",
                zorder=5,
            )
    axis.set(xscale="log", yscale="log")
    if outlines:
        whole = np.concatenate(outlines, axis=1)
        low, high = whole.min(axis=1) / 1.12, whole.max(axis=1) * 1.12
        axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    log_ticks(axis.xaxis, axis)
    log_ticks(axis.yaxis, axis)
    axis.spines[["top", "right"]].set_visible(False)
    words = {parameter.natural: parameter.words for parameter in design.family.sampled}
    put_labels([axis], words["x_half"], words["k"])
    if legend:
        handles = _handles(fit, shown_variants, prob, extrapolated=False in supports)
        put_legend([axis], handles, where="below" if ax is None else "inside", fontsize="small")
    return axis


def _check_family(fit: FrontierFit) -> None:
    family, pooling = fit.design.family, fit.design.pooling
    if not {"x_half", "k"} <= set(family.natural_names):
        raise ValueError(
            f"Curves of the {family.name!r} family have {' and '.join(family.natural_names)}, not x_half and "
            "k. Draw a fit of curve='hill'."
        )
    fixed = [name for name in ("x_half", "k") if isinstance(pooling[name], float)]
    if fixed:
        raise ValueError(
            f"{' and '.join(fixed)} is fixed in this fit, so there is no plane to draw. Fit with pool left "
            "out."
        )


def _handles(fit: FrontierFit, variants: Sequence[str], prob: float, *, extrapolated: bool) -> list[Artist]:
    handles: list[Artist] = [
        *variant_handles(variants, fit.design.variants, baseline=fit.baseline, linestyle="none"),
        Patch(facecolor="0.85", edgecolor="0.4", label=f"{prob:.0%} posterior ellipse, normal on log scales"),
    ]
    if extrapolated:
        look: dict[str, Any] = {"color": "0.4", "marker": "o", "markerfacecolor": "white"}
        words = "x_half extrapolated: outside its data"
        handles.append(Line2D([], [], **look, linestyle=DASHED, label=words))
    if fit.baseline in variants and len(variants) > 1:
        handles.append(Line2D([], [], color="0.3", linewidth=0.9, label="same setting"))
    return handles

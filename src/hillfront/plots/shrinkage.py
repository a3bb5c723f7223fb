"""Shrinkage by pooling: each curve by itself, and where the settings together put it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy import stats

from hillfront.estimands.draws import sample_axis_last
from hillfront.estimands.implied import coordinate_of
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.model.data import row_data
from hillfront.model.design import Design
from hillfront.plots.axes import (
    axes_for,
    curve_label,
    log_ticks,
    put_legend,
    require_drawable,
)
from hillfront.plots.style import styles_for
from hillfront.sampling.parameterization import curve_guesses
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed, validate_prob

Floats = NDArray[np.float64]

__all__ = ["plot_shrinkage"]

_APART = 0.17
"""Half the distance, in rows, between a curve by itself and the same curve pooled."""


@dataclass(frozen=True)
class _Panel:
    """One sampled coordinate of every curve, in the units that are drawn."""

    label: str
    alone: Floats
    pooled: Floats
    average: Floats


def plot_shrinkage(
    fit: FrontierFit,
    *,
    unpooled: FrontierFit | None = None,
    prob: float = DEFAULT_PROB,
    ax: Axes | Sequence[Axes] | None = None,
    legend: bool = True,
) -> NDArray[np.object_]:
    """Draw how far pooling the settings moves each curve, and towards what.

    One panel for each coordinate in which curves are pooled (for Hill curves the position and k). In each row
    a hollow, pale marker is the curve by itself and a full one the curve in the fit, joined by an arrow; the
    dotted line is the variant's average over the settings, posterior median. A curve is drawn towards it and,
    through the effect of its setting, towards the setting's other variants; one that says little by itself
    moves far, one that says much hardly moves.

    Parameters
    ----------
    fit : FrontierFit
    unpooled : FrontierFit, optional
        A fit of the same data with ``pool={"x_half": "none", "k": "none"}``, which says exactly what the
        data of each curve say under the same priors. Left out, a curve by itself is its robust
        least-squares fit on the link scale, with the prior's centre for what its points do not decide, and a
        normal interval: the estimate from which the sampler starts, at no cost. An arrow then holds, besides
        the pooling, what the likelihood makes of the same points.
    prob : float
        Probability of the intervals.
    ax : sequence of matplotlib Axes, optional
        One for each coordinate that is not fixed by a number.
    legend : bool
        Whether to draw the legend.

    Returns
    -------
    numpy.ndarray of matplotlib Axes

    Raises
    ------
    ValueError
        If nothing in the fit is pooled, if ``unpooled`` is pooled or has another design, for a probability
        outside (0, 1), or the wrong number of axes.
    """
    require_drawable(fit, FrontierFit, "plot_shrinkage", "hf.fit(frontiers, baseline=...)")
    validate_prob(prob)
    design = fit.design
    names = _pooled_coordinates(fit, unpooled)
    panels = [_panel(name, fit, unpooled, prob) for name in names]
    seen = {(variant, setting) for variant, setting, _ in fit.frontiers.curves()}
    # Blocks by variant, because it is towards the variant's average that curves are drawn.
    curves = [
        (g, v)
        for v, variant in enumerate(design.variants)
        for g, setting in enumerate(design.settings)
        if (variant, setting) in seen
    ]
    size = (4.2 + 1.6 / len(panels), 1.4 + 0.24 * len(curves))
    _, axes = axes_for(len(panels), ax, size=size, single=size)
    for index, (axis, panel) in enumerate(zip(axes, panels, strict=True)):
        _draw(axis, panel, curves, design)
        labels = [curve_label(design, g, v) for g, v in curves] if index == 0 else []
        axis.set_yticks(range(len(curves)), labels, fontsize="small")
    if legend:
        put_legend(axes, _handles(prob, own_fit=unpooled is not None), fontsize="small")
    return np.array(axes, dtype=object)


def _pooled_coordinates(fit: FrontierFit, unpooled: FrontierFit | None) -> list[str]:
    """Names of the sampled coordinates that the fit pools."""
    design = fit.design
    names = [p.name for p in design.family.sampled if design.pooling[p.natural] in ("partial", "common")]
    if not names:
        raise ValueError(
            "No parameter of this fit is pooled over the settings, so nothing is drawn together. Fit with "
            "pool left out, and pass this one as unpooled=."
        )
    if unpooled is None:
        return names
    other = unpooled.design
    for what, theirs, ours in (
        ("curve", other.curve, design.curve),
        ("variants", other.variants, design.variants),
        ("settings", other.settings, design.settings),
        ("hit_ref", other.hit_ref, design.hit_ref),
        ("scales of sparsity", other.scales, design.scales),
        ("data", unpooled.frontiers.data_hash, fit.frontiers.data_hash),
    ):
        if theirs != ours:
            raise ValueError(
                f"unpooled= is a fit with other {what} ({theirs}) than the fit's own ({ours}). Fit the same "
                'frontiers with pool set to "none" for each parameter.'
            )
    pooled = [
        p.natural for p in other.family.sampled if p.name in names and other.pooling[p.natural] != "none"
    ]
    if pooled:
        raise ValueError(
            f"unpooled= pools {', '.join(pooled)}. Fit the same frontiers with "
            f"pool={dict.fromkeys(pooled, 'none')}."
        )
    return names


def _panel(name: str, fit: FrontierFit, unpooled: FrontierFit | None, prob: float) -> _Panel:
    design, label = fit.design, fit.frontiers.metric_label
    theta = _draws(fit, name)
    pooled = equal_tailed(theta, prob=prob)
    if unpooled is None:
        index = [parameter.name for parameter in design.family.sampled].index(name)
        guesses = curve_guesses(row_data(fit.frontiers, design), design)
        reach = stats.norm.ppf(0.5 + 0.5 * prob) * np.sqrt(guesses.variance[index])
        middle = guesses.theta[index]
        alone = np.stack([middle - reach, middle, middle + reach])
    else:
        alone = equal_tailed(_draws(unpooled, name), prob=prob)
    average = np.broadcast_to(np.median(theta.mean(axis=0), axis=-1), theta.shape[:2])

    def in_units(values: Floats) -> Floats:
        by_setting = np.moveaxis(values, -2, 0)
        return np.moveaxis(coordinate_of(name, by_setting, design, metric_label=label)[1], 0, -2)

    return _Panel(
        coordinate_of(name, average, design, metric_label=label)[0],
        in_units(alone),
        in_units(pooled),
        in_units(average),
    )


def _draws(fit: FrontierFit, name: str) -> Floats:
    posterior = fit.data["posterior"].to_dataset()
    return sample_axis_last(posterior[name].transpose("setting", "variant", "chain", "draw"))


def _draw(axis: Axes, panel: _Panel, curves: list[tuple[int, int]], design: Design) -> None:
    styles = styles_for(design.variants)
    axis.set_xscale("log")
    for row, (g, v) in enumerate(curves):
        style = styles[design.variants[v]]
        for values, height, alpha, fill in (
            (panel.alone, row - _APART, 0.45, "white"),
            (panel.pooled, row + _APART, 1.0, style.colour),
        ):
            own = values[:, g, v]
            axis.plot(own[[0, 2]], [height, height], color=style.colour, alpha=alpha, linewidth=1.4, zorder=2)
            axis.plot(
                own[1],
                height,
                marker=style.marker,
                color=style.colour,
                alpha=max(alpha, 0.8),
                markerfacecolor=fill,
                markersize=4.5,
                zorder=4,
            )
        axis.annotate(
            "",
            xy=(panel.pooled[1, g, v], row + _APART),
            xytext=(panel.alone[1, g, v], row - _APART),
            arrowprops={"arrowstyle": "->", "color": "0.3", "linewidth": 0.8, "shrinkA": 2, "shrinkB": 2},
            zorder=3,
        )
    for v, variant in enumerate(design.variants):
        rows = [row for row, (_, other) in enumerate(curves) if other == v]
        if rows:
            # In settings of different width one position is several L0s; a step in the line shows it.
            steps = [panel.average[g, v] for g, other in curves if other == v]
            x = np.repeat(steps, 2)
            y = np.array([[row - 0.5, row + 0.5] for row in rows]).ravel()
            axis.plot(x, y, color=styles[variant].colour, linestyle=":", linewidth=1.6, zorder=1)
    axis.set_ylim(len(curves) - 0.4, -0.6)
    # Means and pooled intervals set the width: an interval of a curve by itself may be as wide as the prior.
    shown = np.stack([panel.pooled[0], panel.alone[1], panel.pooled[2]])
    low, high = float(np.nanmin(shown)), float(np.nanmax(shown))
    room = (high / low) ** 0.12
    axis.set_xlim(low / room, high * room)
    log_ticks(axis.xaxis, axis)
    axis.set_xlabel(panel.label)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)


def _handles(prob: float, *, own_fit: bool) -> list[Line2D]:
    how = (
        f"posterior median, {prob:.0%} interval" if own_fit else f"least squares, {prob:.0%} normal interval"
    )
    return [
        Line2D([], [], color="0.3", alpha=0.8, marker="o", markerfacecolor="white", label=f"alone: {how}"),
        Line2D([], [], color="0.3", marker="o", label=f"pooled: posterior median, {prob:.0%} interval"),
        Line2D([], [], color="0.3", linestyle=":", linewidth=1.6, label="average over the settings"),
    ]

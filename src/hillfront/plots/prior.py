"""The prior: frontiers that it expects, and what it says of each parameter, beside the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy import stats

from hillfront.estimands.implied import Implied, implied_of
from hillfront.estimands.predict import predict_curves
from hillfront.fits.fitting import PreparedModel
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.model.design import Design
from hillfront.plots.axes import axes_for, log_ticks, plain_numbers, put_labels, put_legend
from hillfront.plots.frontier import L0_LABEL, X_LABEL, draw_points, set_scales
from hillfront.plots.style import styles_for
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed, validate_prob

Floats = NDArray[np.float64]

__all__ = ["plot_prior"]

_L0: Final = (1.0, 3000.0)
_HITS: Final = (1e-4, 0.99)
"""Where the prior's frontiers are drawn whatever the data are, which only widen it."""

_LINES: Final = 40
_GRID: Final = 60
_DENSITY_DRAWS: Final = 4000
_SHOWN: Final = 0.995
"""Central probability of the prior that its axes hold."""


def plot_prior(
    model: PreparedModel | FrontierFit,
    *,
    prob: float = DEFAULT_PROB,
    ax: Axes | Sequence[Axes] | None = None,
    legend: bool = True,
) -> NDArray[np.object_]:
    """Draw what the priors say before any data, with the posterior of each curve where there is one.

    The first panel has curves drawn from the prior of a curve of the baseline, the prior predictive band of
    an SAE's hit, and the data's SAEs over them. Each further panel has the prior of one quantity of a single
    curve as a density: the position and the slope, for which priors are *stated*, and what they *imply* for
    the other parameters and for a comparison with the baseline. Under the density, each curve's posterior
    median and interval: far narrower than the prior where the data decide, as wide where they do not.

    Priors are stated at a fixed hit and sparsity and do not move with the data: a table of other SAEs in the
    same design changes the points and the posterior, and nothing else.

    Parameters
    ----------
    model : PreparedModel or FrontierFit
        As from :func:`hillfront.prepare`, before anything is sampled, or a fit.
    prob : float
        Probability of the band and of the intervals.
    ax : sequence of matplotlib Axes, optional
        One for each panel: frontiers, position, each natural parameter of the family, and the comparison. A
        Hill fit of several variants has five. A grid of panels is made if left out.
    legend : bool
        Whether to draw the legend.

    Returns
    -------
    numpy.ndarray of matplotlib Axes

    Raises
    ------
    TypeError
        If the model is neither.
    ValueError
        For a probability outside (0, 1), or the wrong number of axes.

    See Also
    --------
    hillfront.plot_checks : The headline factor before and after the data, and its sensitivity to the prior.
    """
    validate_prob(prob)
    prior, posterior = _draws_of(model)
    design, frontiers = model.design, model.frontiers
    before = list(implied_of(prior, design, metric_label=frontiers.metric_label))
    after: list[Implied | None] = [None] * len(before)
    if posterior is not None:
        after = list(implied_of(posterior, design, metric_label=frontiers.metric_label))
    _, axes = axes_for(1 + len(before), ax, columns=3, size=(4.0, 3.5))
    _draw_frontiers(axes[0], prior, model, prob)
    for axis, own, found in zip(axes[1:], before, after, strict=True):
        _draw_quantity(axis, own, found, model, prob)
    if legend:
        put_legend(axes, _handles(design, prob, fitted=posterior is not None))
    return np.array(axes, dtype=object)


def _draws_of(model: object) -> tuple[xr.Dataset, xr.Dataset | None]:
    if isinstance(model, FrontierFit):
        return model.data["prior"].to_dataset(), model.data["posterior"].to_dataset()
    if isinstance(model, PreparedModel):
        return model.prior, None
    raise TypeError(
        f"plot_prior takes a prepared model or a fit, not {type(model).__name__}. Make one by "
        "hillfront.prepare(frontiers, baseline=...)."
    )


def _draw_frontiers(axis: Axes, prior: xr.Dataset, model: PreparedModel | FrontierFit, prob: float) -> None:
    """Draw the SAEs over curves of the baseline, whose prior is the same in every setting of one scale."""
    frontiers, design = model.frontiers, model.design
    table = frontiers.table
    x_data = np.asarray(table["sparsity"], dtype=np.float64)
    y = np.asarray(frontiers.y, dtype=np.float64)
    low, high = min(1 / _L0[1], x_data.min()), max(1 / _L0[0], x_data.max())
    offset = design.scales[0].offset
    x = np.geomspace(max(low, 1.02 * offset), high, _GRID)
    # Settings of one scale share a prior, and all their draws make a smoother band.
    settings = design.settings if len(set(design.scales)) == 1 else design.settings[:1]
    drawn = predict_curves(
        prior, design, l0=1.0 / x, variants=[design.baseline], settings=settings, random_seed=0
    )
    expectation = drawn["expectation"].isel(setting=0).to_numpy().reshape(x.size, -1)
    predictive = drawn["predictive"].transpose("l0", ...).to_numpy().reshape(x.size, -1)
    lower, _, upper = equal_tailed(predictive, prob=prob)
    bounds = np.array(_HITS) if frontiers.bounded else np.array([lower[lower > 0].min(), upper.max()])
    # Below any log axis, where hits of 0 and less would leave a gap.
    floor = 1e-3 * min(bounds[0], y[y > 0].min())
    axis.fill_between(x, np.maximum(lower, floor), upper, color="0.85", linewidth=0, zorder=1)
    axis.plot(x, np.maximum(expectation[:, :_LINES], floor), color="0.35", linewidth=0.6, alpha=0.5, zorder=2)
    shown = np.concatenate([y, bounds])
    set_scales(axis, np.concatenate([x_data, [low, high]]), shown, "log")
    axis.set_ylim(bottom=max(axis.get_ylim()[0], floor))
    put_labels([axis], X_LABEL, frontiers.metric_label, top=L0_LABEL)
    for name, style in styles_for(design.variants).items():
        own = (table["variant"] == name).to_numpy()
        draw_points(axis, x_data[own], y[own], style, "log")


def _draw_quantity(
    axis: Axes, before: Implied, after: Implied | None, model: PreparedModel | FrontierFit, prob: float
) -> None:
    first = before.values[:, 0].ravel()
    values = first[np.isfinite(first) & ((first > 0) | (not before.positive))]
    if before.positive:
        axis.set_xscale("log")
    if values.size and np.ptp(values) > 1e-9 * np.abs(values).max():
        at, density = _density(values, log=before.positive)
        axis.fill_between(at, 0.0, density, color="0.85", linewidth=0)
        ends = equal_tailed(values, prob=prob)
        axis.plot(ends[[0, 2]], [0.0, 0.0], color="0.35", linewidth=3.0, solid_capstyle="butt")
        limits = tuple(np.quantile(values, [0.5 * (1 - _SHOWN), 0.5 * (1 + _SHOWN)]))
        kind = "prior as stated" if before.stated else "prior as implied"
    else:
        fixed = float(values[0]) if values.size else 1.0
        axis.axvline(fixed, color="0.35", linewidth=2.0)
        limits = (fixed / 3, fixed * 3) if before.positive else (fixed - 1, fixed + 1)
        kind = "fixed"
    if before.compares:
        axis.axvline(1.0, color="0.4", linewidth=1.0, zorder=0)
    if after is not None:
        limits = _draw_posteriors(axis, after, model, prob, limits)
    axis.set_xlim(*limits)
    axis.set_ylim(-1.05 if after is not None else 0.0, 1.12)
    axis.set_yticks([])
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.set_xlabel(before.label)
    axis.set_title(kind, fontsize="medium")
    if before.positive:
        log_ticks(axis.xaxis, axis)
    else:
        axis.xaxis.set_major_locator(MaxNLocator(5))
        plain_numbers(axis.xaxis)


def _density(values: Floats, *, log: bool) -> tuple[Floats, Floats]:
    """Return the density of the values, or of their logs, over what the axis shows; 1 at its peak."""
    thin = values[:: max(1, values.size // _DENSITY_DRAWS)]
    scale = np.log(thin) if log else thin
    # Heavy tails would widen the kernel, so those beyond the axis do not count.
    low, high = np.quantile(scale, [0.5 * (1 - _SHOWN), 0.5 * (1 + _SHOWN)])
    grid = np.linspace(low, high, 200)
    density = stats.gaussian_kde(scale[(scale >= low) & (scale <= high)])(grid)
    return (np.exp(grid) if log else grid), density / density.max()


def _draw_posteriors(
    axis: Axes,
    after: Implied,
    model: PreparedModel | FrontierFit,
    prob: float,
    limits: tuple[float, ...],
) -> tuple[float, ...]:
    """Draw each curve's interval below the density; return limits that hold them all."""
    design, styles = model.design, styles_for(model.design.variants)
    shift = 1 if after.compares else 0
    seen = {(variant, setting) for variant, setting, _ in model.frontiers.curves()}
    curves = [
        (g, v)
        for g, setting in enumerate(design.settings)
        for v, name in enumerate(design.variants[shift:])
        if (name, setting) in seen and (not shift or (design.baseline, setting) in seen)
    ]
    heights = -0.1 - 0.9 * (np.arange(len(curves)) + 0.5) / max(len(curves), 1)
    for (g, v), height in zip(curves, heights, strict=True):
        lower, middle, upper = equal_tailed(after.values[g, v], prob=prob)
        if not np.isfinite([lower, middle, upper]).all() or (after.positive and lower <= 0):
            continue
        style = styles[design.variants[v + shift]]
        axis.plot([lower, upper], [height, height], color=style.colour, linewidth=1.2)
        axis.plot(middle, height, marker=style.marker, color=style.colour, markersize=3.5)
        limits = (min(limits[0], lower), max(limits[1], upper))
    return limits


def _handles(design: Design, prob: float, *, fitted: bool) -> list[Artist]:
    what = f", SAEs; posterior median and {prob:.0%} interval" if fitted else ", SAEs"
    width = 1.2 if fitted else 0.0
    return [
        Patch(facecolor="0.85", label=f"prior density; {prob:.0%} prior predictive band"),
        Line2D([], [], color="0.35", linewidth=0.8, label="curves drawn from the prior"),
        Line2D([], [], color="0.35", linewidth=3.0, label=f"{prob:.0%} interval of the prior"),
        *(
            Line2D([], [], color=look.colour, marker=look.marker, linewidth=width, label=f"{name}{what}")
            for name, look in styles_for(design.variants).items()
        ),
    ]

"""The figure of checks: does the model fit its data, and do the data or the prior make the result?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray
from scipy import stats

from hillfront.diagnostics.model_checks import LOO_DRAWS_MIN, residuals_of, sign_changes
from hillfront.estimands.improvement import improvement_of
from hillfront.estimands.predict import noise_draws
from hillfront.estimands.prior_sensitivity import DRAWS_MIN
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.plots.axes import (
    axes_for,
    curve_label,
    figure_of,
    log_ticks,
    plain_numbers,
    put_legend,
    require_drawable,
)
from hillfront.plots.frontier import L0_LABEL
from hillfront.plots.style import DASHED, VariantStyle, styles_for
from hillfront.utils.intervals import DEFAULT_PROB

Floats = NDArray[np.float64]

__all__ = ["plot_checks"]

_SIGNS = LinearSegmentedColormap.from_list("signs", ["#0072b2", "#f7f7f7", "#d55e00"])
"""Below a curve, and above it."""
_BAND_SEED = 214
_LABELLED_CURVES = 30
_FAR = 6.0


def plot_checks(fit: FrontierFit, *, ax: Axes | Sequence[Axes] | None = None) -> NDArray[np.object_]:
    """Draw what the checks of the fit saw, and the prior beside the posterior, in four panels.

    Leave-one-out predictions: the difference between the distribution of the LOO-PIT values and a uniform
    one, inside its band if predictions are right. Residuals in scales against L0, in which 90% of SAEs lie in
    the grey band, the furthest one with its row. The sign of each residual along each curve: runs of one
    colour mean that the curve has the wrong shape. And the headline factor, the mean sparsity gain on average
    over the settings, before and after the data.

    Parameters
    ----------
    fit : FrontierFit
    ax : sequence of four matplotlib Axes, optional
        A figure is made if left out.

    Returns
    -------
    numpy.ndarray of matplotlib Axes
        The four panels, in this order.

    Raises
    ------
    ValueError
        For another number of axes.

    See Also
    --------
    hillfront.FrontierFit.diagnostics : The same checks in numbers, with what to do.
    """
    require_drawable(fit, FrontierFit, "plot_checks", "hf.fit(frontiers, baseline=...)")
    _, axes = axes_for(4, ax, columns=2, size=(4.6, 3.6))
    styles = styles_for(fit.design.variants)
    residual = residuals_of(fit.data["posterior"].to_dataset(), fit.frontiers, fit.design)
    _draw_loo_pit(axes[0], fit)
    _draw_residuals(axes[1], fit, residual, styles)
    _draw_signs(axes[2], fit, residual)
    _draw_prior(axes[3], fit, styles)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.title.set_fontsize("medium")
    return np.array(axes, dtype=object)


def _say(axis: Axes, text: str) -> None:
    axis.text(0.5, 0.5, text, ha="center", va="center", color="0.4", transform=axis.transAxes)
    axis.set_xticks([])
    axis.set_yticks([])


def _draw_loo_pit(axis: Axes, fit: FrontierFit) -> None:
    from arviz_stats.ecdf_utils import ecdf_pit

    found = fit.loo
    if found is None:
        axis.set_title("Leave-one-out predictions")
        _say(axis, f"takes {LOO_DRAWS_MIN} draws")
        return
    # The band rests on so many simulated sets, whose cost goes with their product with the SAEs.
    sets = 1000 if found.pit.size <= 1000 else 200
    rng = np.random.default_rng(_BAND_SEED)
    at, ecdf, lower, upper = ecdf_pit(found.pit, DEFAULT_PROB, n_simulations=sets, rng=rng)
    axis.fill_between(
        at,
        lower - at,
        upper - at,
        step="mid",
        color="0.85",
        linewidth=0,
        label=f"{DEFAULT_PROB:.0%} band if predictions are right",
    )
    axis.axhline(0.0, color="0.6", linewidth=1.0)
    axis.plot(at, ecdf - at, color="0.1", linewidth=1.5, drawstyle="steps-mid")
    axis.set_xlim(0, 1)
    top = 1.35 * max(float(np.max(upper - at)), float(np.abs(ecdf - at).max()))
    axis.set_ylim(-top, top)
    what = "hit" if fit.frontiers.bounded else fit.frontiers.metric_label
    axis.set_xlabel(f"LOO-PIT: share of predictions below the SAE's {what}")
    axis.set_ylabel("ECDF minus uniform")
    axis.set_title(f"Leave-one-out predictions: {_p(found.p)}")
    axis.legend(loc="upper center", frameon=False, fontsize="small")


def _draw_residuals(
    axis: Axes, fit: FrontierFit, residual: Floats, styles: Mapping[str, VariantStyle]
) -> None:
    table, middle = fit.frontiers.table, np.median(residual, axis=1)
    noise = noise_draws(fit.data["posterior"].to_dataset(), fit.design)
    bound = float(np.median(fit.design.likelihood.tail_bound(noise, prob=DEFAULT_PROB)))
    axis.axhspan(-bound, bound, color="0.9", linewidth=0, label=f"{DEFAULT_PROB:.0%} of predictions")
    axis.axhline(0.0, color="0.6", linewidth=1.0)
    for variant, style in styles.items():
        own = (table["variant"] == variant).to_numpy()
        axis.plot(
            table["l0"][own],
            middle[own],
            linestyle="none",
            marker=style.marker,
            color=style.colour,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            label=variant,
        )
    furthest = int(np.argmax(np.abs(residual).mean(axis=1)))
    l0 = table["l0"].to_numpy(np.float64)
    left = np.log(l0[furthest]) < np.log(l0).mean()
    axis.annotate(
        f"row {table['row'].to_numpy()[furthest]}",
        (l0[furthest], middle[furthest]),
        fontsize="small",
        xytext=(6 if left else -6, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="center",
    )
    reach = 1.15 * max(float(np.abs(middle).max()), bound)
    if reach > _FAR * bound:
        # A single SAE far out would flatten all others.
        axis.set_yscale("symlog", linthresh=2 * bound, linscale=1.5)
        decades = 10.0 ** np.arange(1, np.ceil(np.log10(reach)) + 1)
        ticks = np.concatenate([-decades[::-1], [-2.0, 0.0, 2.0], decades])
        axis.set_yticks(ticks[np.abs(ticks) <= 1.5 * reach])
        plain_numbers(axis.yaxis)
        reach *= 1.5
    axis.set_ylim(-reach, reach)
    _log_l0(axis, l0)
    axis.set_ylabel("residual, in scales")
    axis.set_title("Residuals")
    put_legend([axis], axis.get_legend_handles_labels()[0], where="under")


def _draw_signs(axis: Axes, fit: FrontierFit, residual: Floats) -> None:
    design, table = fit.design, fit.frontiers.table
    found = sign_changes(residual, fit.frontiers, design)
    l0 = table["l0"].to_numpy(np.float64)
    curves, height = np.unique(design.curve_index(fit.frontiers), return_inverse=True)
    points = axis.scatter(
        l0,
        height,
        c=(residual > 0).mean(axis=1),
        cmap=_SIGNS,
        vmin=0,
        vmax=1,
        marker="s",
        s=16,
        edgecolors="0.4",
        linewidths=0.3,
    )
    bar = figure_of(axis).colorbar(points, ax=axis, ticks=[0, 0.5, 1], fraction=0.05, pad=0.02)
    bar.set_label("probability that it lies above its curve", fontsize="small")
    bar.ax.tick_params(labelsize="small")
    assert bar.solids is not None  # what a colour bar of a scatter has
    bar.solids.set(rasterized=False, edgecolor="face")  # as lines of a drawing, without gaps between them
    axis.set_ylim(len(curves) - 0.4, -0.6)
    if len(curves) <= _LABELLED_CURVES:
        names = [curve_label(design, *divmod(c, len(design.variants))) for c in curves]
        row = axis.get_window_extent().height * 72 / axis.figure.dpi / len(curves)
        axis.set_yticks(range(len(curves)), names, fontsize=min(max(0.75 * row, 5.5), 8))
    else:
        axis.set_yticks([])
        axis.set_ylabel(f"{len(curves)} curves")
    axis.tick_params(axis="y", length=0)
    _log_l0(axis, l0)
    pairs = int(found.pairs.sum())
    changes = found.changes.sum(axis=0).mean()
    axis.set_title(
        f"Signs change {changes:.0f} times in {pairs} pairs: {_p(found.p)}" if pairs else "Signs of residuals"
    )


def _draw_prior(axis: Axes, fit: FrontierFit, styles: Mapping[str, VariantStyle]) -> None:
    improvement = fit.improvement()
    random_seed = fit.sampler_options["random_seed"]
    before = improvement_of(
        fit.data["prior"].to_dataset(), fit.frontiers, fit.design, random_seed=random_seed
    )
    table = improvement.summary
    shown = table["variant"][(table["quantity"] == "mean_sparsity_gain") & (table["scope"] == "average")]
    axis.set_title("Mean sparsity gain on average")
    if shown.empty:
        _say(axis, "nothing to compare")
        return
    logs = {
        (kind, variant): _finite_log(
            draws["mean_sparsity_gain"].sel(variant=variant, setting="average").to_numpy()
        )
        for kind, draws in (("prior", before.draws), ("posterior", improvement.draws))
        for variant in shown
    }
    ends = [np.quantile(values, [0.005, 0.995]) for values in logs.values() if values.size > 1]
    if not ends:
        _say(axis, "no finite draws")
        return
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    grid = np.linspace(max(low, -np.log(30.0)), min(high, np.log(300.0)), 400)
    for number, variant in enumerate(shown):
        prior, posterior = logs["prior", variant], logs["posterior", variant]
        if number == 0:
            _density(axis, grid, prior, color="0.45", linestyle=DASHED, label="prior")
        _density(axis, grid, posterior, color=styles[variant].colour, label=variant)
    axis.axvline(1.0, color="0.7", linewidth=0.8, zorder=0)
    axis.set_xscale("log")
    axis.set_xlim(float(np.exp(grid[0])), float(np.exp(grid[-1])))
    log_ticks(axis.xaxis, axis)
    axis.set_ylim(bottom=0)
    axis.set_yticks([])
    axis.set_ylabel("density of the log")
    axis.set_xlabel(f"times fewer active latents than {fit.baseline}")
    axis.set_title(_sensitivity_title(improvement.sensitivity))
    axis.legend(loc="upper left", frameon=False, fontsize="small")


def _sensitivity_title(sensitivity: pd.DataFrame | None) -> str:
    """Name the headline and what its distribution rests on: the variant's that the prior matters most to."""
    assert sensitivity is not None  # fit.improvement() judges it
    label = sensitivity.index.get_level_values
    headline = (label("quantity") == "mean_sparsity_gain") & (label("setting") == "average")
    known = sensitivity.loc[headline, ["prior", "likelihood"]].dropna()
    if known.empty:
        return f"Mean sparsity gain\nsensitivity unknown (it takes {DRAWS_MIN:,} draws)"
    prior, likelihood = known.sort_values("prior").to_numpy(np.float64)[-1]
    return f"Mean sparsity gain\nsensitivity {prior:.2f} to the prior, {likelihood:.2f} to the data"


def _finite_log(draws: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(draws.ravel())
    return values[np.isfinite(values)]


def _density(axis: Axes, grid: Floats, values: Floats, **look: Any) -> None:
    if values.size > 1 and np.ptp(values) > 0:
        axis.plot(np.exp(grid), stats.gaussian_kde(values)(grid), **look)


def _log_l0(axis: Axes, l0: Floats) -> None:
    axis.set_xscale("log")
    axis.set_xlim(l0.min() / 1.25, l0.max() * 1.25)
    log_ticks(axis.xaxis, axis)
    axis.set_xlabel(L0_LABEL)


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"

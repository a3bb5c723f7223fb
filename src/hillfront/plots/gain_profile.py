"""The gain profile: how many times fewer active latents, against the hit at which the two are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from hillfront.estimands.comparisons import Comparison, comparisons, gains_at
from hillfront.estimands.quantities import QUANTITIES
from hillfront.estimands.scopes import AVERAGE, SCOPES
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.ranges import Range
from hillfront.plots.axes import (
    axes_for,
    log_ticks,
    put_labels,
    put_legend,
    put_titles,
    require_drawable,
    say_no_data,
)
from hillfront.plots.style import DASHED, VariantStyle, styles_for
from hillfront.utils.interface import chosen_names, listed
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed, validate_prob

Floats = NDArray[np.float64]

__all__ = ["gain_handles", "plot_gain_profile"]

_GRID_POINTS = 80
_REACH = 1.4
"""Factor of the hit by which profiles are drawn beyond the data of the two frontiers."""
_EDGE = 1e12
"""A gain of 0 or infinity, of a straight line that never comes down to the hit, is drawn out here."""
_AVERAGE = SCOPES[AVERAGE].label


@dataclass(frozen=True)
class _Profile:
    """The part of a panel that is of one variant."""

    variant: str
    hit: Floats
    ends: Floats
    observed: Range

    @property
    def inside(self) -> NDArray[np.bool_]:
        """True for each hit that both frontiers observed."""
        return (self.hit >= self.observed.low) & (self.hit <= self.observed.high)


def plot_gain_profile(
    fit: FrontierFit,
    *,
    settings: str | Sequence[str] | None = None,
    variants: str | Sequence[str] | None = None,
    average: bool = True,
    prob: float = DEFAULT_PROB,
    ax: Axes | Sequence[Axes] | None = None,
    legend: bool = True,
) -> NDArray[np.object_]:
    r"""Draw the sparsity gain of each variant over the baseline against the performance hit.

    The line is the posterior median of ``L0_b(y) / L0_v(y)``, draw by draw, and the band its equal-tailed
    interval at each hit. The gain compares two curves, that is expectations: scatter between SAEs is not in
    it. Line and band are full where both frontiers have data, dashed and pale where the gain is extrapolated.
    The average over the settings is a geometric mean, and full only where every setting observed the hit;
    these are the numbers, and the support, of ``fit.improvement(at_hit=...)``.

    Parameters
    ----------
    fit : FrontierFit
    settings : sequence of str, optional
        Settings to draw, all by default; an empty one leaves the average alone.
    variants : sequence of str, optional
        Variants to draw, all but the baseline by default.
    average : bool
        Whether the first panel is the average over all settings of the fit, those not drawn included. A fit
        of a single setting has no such panel.
    prob : float
        Probability of the bands.
    ax : matplotlib Axes or sequence of them, optional
        One for each panel; a grid of panels is made if left out.
    legend : bool
        Whether to draw the legend.

    Returns
    -------
    numpy.ndarray of matplotlib Axes
        The average first, then one for each setting. All have the same limits of the gain.

    Raises
    ------
    ValueError
        For an unknown setting or variant, a fit with a single variant, a probability outside (0, 1), no panel
        to draw, or the wrong number of axes.
    """
    require_drawable(fit, FrontierFit, "plot_gain_profile", "hf.fit(frontiers, baseline=...)")
    validate_prob(prob)
    design = fit.design
    others = design.variants[1:]
    if not others:
        raise ValueError(
            f"There is no gain to draw: the fit has a single variant, {design.baseline!r}. Fit it beside "
            "another one."
        )
    shown = chosen_names(variants, others, "variants")
    with_average = average and len(design.settings) > 1
    shown_settings: tuple[str, ...] = ()
    if not with_average or settings is None or listed(settings):
        shown_settings = chosen_names(settings, design.settings, "settings")
    posterior = fit.data["posterior"].to_dataset()
    every = {(c.variant, c.setting): c for c in comparisons(posterior, fit.frontiers, design)}
    panels: list[tuple[str, list[_Profile]]] = []
    for setting in (*([AVERAGE] if with_average else []), *shown_settings):
        found = [every[v, setting] for v in shown if (v, setting) in every]
        profiles = [p for c in found if (p := _profile(fit, c, prob)) is not None]
        panels.append((_AVERAGE if setting == AVERAGE else setting, profiles))
    styles = styles_for(design.variants)
    _, axes = axes_for(len(panels), ax)
    limits = _limits([profile for _, profiles in panels for profile in profiles])
    for axis, (title, profiles) in zip(axes, panels, strict=True):
        if not profiles:
            say_no_data(axis)
            continue
        for profile in profiles:
            _draw(axis, profile, styles[profile.variant])
        axis.axhline(1.0, color="0.4", linewidth=1.0, zorder=0)
        axis.set(
            xscale="log",
            yscale="log",
            xlim=(min(p.hit[0] for p in profiles), max(p.hit[-1] for p in profiles)),
            ylim=limits,
        )
        log_ticks(axis.xaxis, axis)
        log_ticks(axis.yaxis, axis)
        axis.spines[["top", "right"]].set_visible(False)
        if not any(profile.observed for profile in profiles):
            words = "no hit that every setting shares" if title == _AVERAGE else "no shared range of hits"
            axis.text(0.03, 0.03, words, fontsize="small", color="0.4", transform=axis.transAxes)
    put_titles(axes, [title for title, _ in panels])
    put_labels(axes, fit.frontiers.metric_label, QUANTITIES["sparsity_gain"].words)
    if legend:
        handles = gain_handles(fit, variants=shown, prob=prob)
        put_legend(axes, handles, where="inside" if len(axes) == 1 else "below")
    return np.array(axes, dtype=object)


def _profile(fit: FrontierFit, comparison: Comparison, prob: float) -> _Profile | None:
    observed = comparison.observed_hits
    hit = _grid(comparison.hits_of_either, observed, bounded=fit.frontiers.bounded)
    if hit is None:
        return None
    return _Profile(comparison.variant, hit, equal_tailed(gains_at(hit, comparison), prob=prob), observed)


def _grid(own: Range, shared: Range, *, bounded: bool) -> Floats | None:
    """Return hits of a profile and the ends of the shared range; None without any hit to start from."""
    if not np.isfinite(own.low):
        return None
    low, high = own.low / _REACH, own.high * _REACH
    if bounded:
        # Halfway to a hit of 1 at most, where gains of Hill curves end.
        high = min(high, 0.5 * (1.0 + own.high))
    ends = [shared.low, shared.high] if shared else []
    return np.unique(np.concatenate([np.geomspace(low, high, _GRID_POINTS), ends]))


def _draw(axis: Axes, profile: _Profile, style: VariantStyle) -> None:
    """Draw the parts of a profile; the ends of the shared range belong to both."""
    hit, observed = profile.hit, profile.observed
    lower, middle, upper = np.clip(profile.ends, 1.0 / _EDGE, _EDGE)
    line: dict[str, Any] = {"color": style.colour}
    band: dict[str, Any] = line | {"linewidth": 0}
    outside = [hit <= observed.low, hit >= observed.high] if observed else [np.full(hit.shape, True)]
    for part in outside:
        axis.fill_between(hit[part], lower[part], upper[part], **band, alpha=0.09, zorder=1)
        axis.plot(hit[part], middle[part], **line, alpha=0.7, linewidth=1.3, linestyle=DASHED, zorder=3)
    if observed:
        part = profile.inside
        axis.fill_between(hit[part], lower[part], upper[part], **band, alpha=0.28, zorder=2)
        axis.plot(hit[part], middle[part], **line, linewidth=1.9, zorder=4)


def _limits(profiles: Sequence[_Profile]) -> tuple[float, float]:
    """Return limits of the gain: all that was observed and the 1, and half as far again of what was not."""
    core, whole = [0.0], [0.0]
    for profile in profiles:
        with np.errstate(divide="ignore"):
            logs = np.log(profile.ends)
        inside = profile.inside if profile.inside.any() else np.full(profile.hit.shape, True)
        # Where nothing was observed the medians count, as bands there may be as wide as the prior.
        seen = logs[:, inside] if profile.inside.any() else logs[1]
        core += seen[np.isfinite(seen)].tolist()
        whole += logs[np.isfinite(logs)].tolist()
    low, high = min(core), max(core)
    room = 0.5 * max(high - low, np.log(1.5))
    low, high = max(low - room, min(whole)), min(high + room, max(whole))
    return float(np.exp(low - 0.05)) / 1.05, float(np.exp(high + 0.05)) * 1.05


def gain_handles(
    fit: FrontierFit, *, variants: str | Sequence[str] | None = None, prob: float = DEFAULT_PROB
) -> list[Artist]:
    """Return the legend's entries: variants, the band with its probability, what was not observed."""
    styles, baseline = styles_for(fit.design.variants), fit.baseline
    return [
        *(
            Line2D([], [], color=styles[name].colour, linewidth=1.9, label=f"{name} over {baseline}, median")
            for name in chosen_names(variants, fit.design.variants[1:], "variants")
        ),
        Patch(facecolor="0.3", alpha=0.35, label=f"{prob:.0%} posterior band of the expectation"),
        Line2D([], [], color="0.3", linestyle=DASHED, label="not observed by both (band paler)"),
    ]

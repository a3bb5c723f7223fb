"""All curve families over the same SAEs, to see where they agree and where they part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hillfront.fits.compare import CurveComparison
from hillfront.plots.panels import Scale, check_names, check_scale, draw_points, panel_grid, set_scales
from hillfront.plots.style import FAMILY_STYLES, VariantStyle, axes_for, styles_for

__all__ = ["plot_families"]


def plot_families(
    comparison: CurveComparison,
    *,
    settings: Sequence[str] | None = None,
    variants: Sequence[str] | None = None,
    families: Sequence[str] | None = None,
    scale: Scale = "log",
    ax: Axes | Sequence[Axes] | None = None,
    legend: bool = True,
) -> NDArray[np.object_]:
    """Draw the curves of every family over the SAEs, one panel a setting.

    A line is the posterior median of the expected hit, in the colour and dashes of its family; a point is an
    SAE, with the marker of its variant. The legend gives each family's stacking weight.

    Parameters
    ----------
    comparison : CurveComparison
        As from :func:`hillfront.compare_curves`.
    settings, variants, families : sequence of str, optional
        Which to draw; all by default.
    scale : {"log", "linear", "logit"}
        Both axes logarithmic; both linear, where straight lines are straight; or logit hit against log
        sparsity, where Hill curves are.
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
        For an unknown setting, variant, family or scale, or the wrong number of axes.
    """
    fits = comparison.fits
    first = next(iter(fits.values()))
    frontiers, design = first.frontiers, first.design
    check_scale(scale, bounded=frontiers.bounded)
    shown_settings = tuple(design.settings if settings is None else settings)
    shown_variants = tuple(design.variants if variants is None else variants)
    shown_families = tuple(fits if families is None else families)
    check_names(shown_settings, design.settings, "settings")
    check_names(shown_variants, design.variants, "variants")
    check_names(shown_families, tuple(fits), "families")
    styles = styles_for(design.variants)
    figure, axes = axes_for(len(shown_settings), ax)
    table = frontiers.table
    for axis, setting in zip(axes, shown_settings, strict=True):
        here = table[(table["setting"] == setting) & table["variant"].isin(shown_variants)]
        if here.empty:
            axis.text(0.5, 0.5, "no data", ha="center", va="center", color="0.4", transform=axis.transAxes)
            axis.set_axis_off()
            continue
        grid = panel_grid(here, scale, above=design.scales[design.settings.index(setting)].offset)
        present = [name for name in shown_variants if (here["variant"] == name).any()]
        for family in shown_families:
            drawn = FAMILY_STYLES[list(fits).index(family) % len(FAMILY_STYLES)]
            expectation = fits[family].predict(l0=1.0 / grid, variants=present, settings=[setting])[
                "expectation"
            ]
            middle = expectation.median(("chain", "draw")).sel(setting=setting)
            for name in present:
                axis.plot(
                    grid,
                    middle.sel(variant=name),
                    color=drawn.colour,
                    linestyle=drawn.dashes,
                    linewidth=1.5,
                    zorder=2,
                )
        set_scales(
            axis,
            here["sparsity"].to_numpy(),
            here[frontiers.metric].to_numpy(),
            scale,
            frontiers.metric_label,
        )
        for name in present:
            rows = here[here["variant"] == name]
            style = VariantStyle("0.25", styles[name].marker)
            draw_points(axis, rows["sparsity"].to_numpy(), rows[frontiers.metric].to_numpy(), style, scale)
        if len(shown_settings) > 1 or setting != "all":
            axis.set_title(setting, fontsize="medium")
    if legend:
        handles = _handles(comparison, shown_families, shown_variants, styles)
        if len(axes) == 1:
            # Beside the panel: the lines of five families leave no corner free.
            axes[0].legend(
                handles=handles, fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0)
            )
        else:
            ncols = max(2, min(len(handles), int(figure.get_figwidth() / 1.9)))
            figure.legend(handles=handles, loc="outside lower center", ncols=ncols, frameon=False)
    return np.array(axes, dtype=object)


def _handles(
    comparison: CurveComparison,
    families: tuple[str, ...],
    variants: tuple[str, ...],
    styles: dict[str, VariantStyle],
) -> list[Line2D]:
    names = list(comparison.fits)
    weights = comparison.summary.set_index("curve")["weight"]
    handles = []
    for family in families:
        drawn = FAMILY_STYLES[names.index(family) % len(FAMILY_STYLES)]
        label = f"{family}, weight {weights[family]:.2f}"
        handles.append(Line2D([], [], color=drawn.colour, linestyle=drawn.dashes, label=label))
    handles += [
        Line2D([], [], color="0.25", marker=styles[name].marker, linestyle="none", label=name)
        for name in variants
    ]
    return handles

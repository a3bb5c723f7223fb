"""All curve families over the same SAEs, to see where they agree and where they part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from hillfront.fits.compare import CurveComparison
from hillfront.plots.axes import put_legend, require_drawable
from hillfront.plots.frontier import Scale, frontier_panels
from hillfront.plots.style import FAMILY_STYLES, VariantStyle, styles_for
from hillfront.utils.interface import chosen_names

__all__ = ["plot_families"]


def plot_families(
    comparison: CurveComparison,
    *,
    settings: str | Sequence[str] | None = None,
    variants: str | Sequence[str] | None = None,
    families: str | Sequence[str] | None = None,
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
    require_drawable(
        comparison, CurveComparison, "plot_families", "hf.compare_curves(frontiers, baseline=...)"
    )
    fits = comparison.fits
    first = next(iter(fits.values()))
    shown_variants = chosen_names(variants, first.design.variants, "variants")
    shown_families = chosen_names(families, tuple(fits), "families")
    looks_of: dict[str, dict[str, Any]] = {
        name: {"color": style.colour, "linestyle": style.dashes}
        for name, style in zip(fits, cycle(FAMILY_STYLES))
    }
    looks = {
        name: VariantStyle("0.25", look.marker) for name, look in styles_for(first.design.variants).items()
    }

    def draw_curves(axis: Axes, setting: str, variants: Sequence[str], grid: NDArray[np.float64]) -> None:
        for family in shown_families:
            predicted = fits[family].predict(l0=1.0 / grid, variants=variants, settings=[setting])
            middle = predicted["expectation"].median(("chain", "draw")).sel(setting=setting)
            for name in variants:
                axis.plot(grid, middle.sel(variant=name), **looks_of[family], linewidth=1.5, zorder=2)

    axes = frontier_panels(
        first.frontiers,
        first.design,
        draw_curves,
        looks,
        settings=settings,
        variants=shown_variants,
        scale=scale,
        ax=ax,
    )
    if legend:
        weights = comparison.summary.set_index("curve")["weight"]
        handles = [
            *(
                Line2D([], [], **looks_of[name], label=f"{name}, weight {weights[name]:.2f}")
                for name in shown_families
            ),
            *(
                Line2D([], [], color="0.25", marker=looks[name].marker, linestyle="none", label=name)
                for name in shown_variants
            ),
        ]
        # Beside a single panel: the lines of five families leave no corner free.
        put_legend(axes, handles, where="beside" if len(axes) == 1 else "below")
    return np.array(axes, dtype=object)

"""What the panels of a frontier figure share: scales, the L0 axis, the SAEs."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from hillfront.plots.style import VariantStyle

__all__ = ["Scale", "check_names", "check_scale", "draw_points", "panel_grid", "set_scales"]

Scale = Literal["log", "linear", "logit"]

GRID_POINTS: Final = 80
REACH: Final = 1.6
"""How far, as a factor of L0, a curve is drawn beyond its setting's data."""


def check_scale(scale: str, *, bounded: bool) -> None:
    """Refuse an unknown scale, and a logit scale for a cost without an upper bound."""
    if scale not in ("log", "linear", "logit"):
        raise ValueError(f"scale={scale!r}. Allowed: 'log', 'linear', 'logit'.")
    if scale == "logit" and not bounded:
        raise ValueError(
            "scale='logit' is for performance hits inside (0, 1), and this fit is of a cost. Allowed: 'log', "
            "'linear'."
        )


def check_names(chosen: tuple[str, ...], allowed: tuple[str, ...], what: str) -> None:
    """Refuse unknown names, and none at all."""
    unknown = [name for name in chosen if name not in allowed]
    if unknown or not chosen:
        raise ValueError(f"{what}={list(chosen)}: allowed are {', '.join(allowed)}, at least one of them.")


def panel_grid(here: pd.DataFrame, scale: Scale, *, above: float = 0.0) -> NDArray[np.float64]:
    """Values of 1/L0 at which a panel's curves are drawn, a little beyond its data.

    Parameters
    ----------
    here : pandas.DataFrame
        The panel's rows.
    above : float
        What every value must exceed: 1/L0 at the dense limit.
    """
    low, high = float(here["sparsity"].min()), float(here["sparsity"].max())
    start = max(low / REACH, above + 0.1 * (low - above))
    if scale == "linear":
        return np.linspace(start, high * (1 + 0.3 * (REACH - 1)), GRID_POINTS)
    return np.geomspace(start, high * REACH, GRID_POINTS)


def set_scales(axis: Axes, x: NDArray[np.float64], y: NDArray[np.float64], scale: Scale, label: str) -> None:
    """Set scales, limits, ticks and labels of a panel for its points, and L0 along its top."""
    x_low, x_high = float(x.min()), float(x.max())
    if scale == "linear":
        axis.set_xlim(0, x_high * 1.15)
        axis.set_ylim(min(0.0, 1.1 * y.min()), 1.15 * y.max())
    else:
        axis.set_xscale("log")
        axis.set_xlim(x_low / REACH, x_high * REACH)
        # Sweeps within one decade would show no label at all, wider ones too many.
        narrow = x_high / x_low * REACH**2 < 30
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
    axis.set_ylabel(label)
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


def draw_points(
    axis: Axes, x: NDArray[np.float64], y: NDArray[np.float64], style: VariantStyle, scale: Scale
) -> None:
    """Draw SAEs; those that the axis has no place for as arrowheads at its edge."""
    below = (y <= 0) & (scale != "linear")
    above = (y >= 1) & (scale == "logit")
    fine = ~(below | above)
    axis.plot(
        x[fine],
        y[fine],
        linestyle="none",
        marker=style.marker,
        color=style.colour,
        markersize=5.5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        zorder=4,
    )
    for mask, place, marker in ((below, 0.015, "v"), (above, 0.985, "^")):
        if mask.any():
            axis.plot(
                x[mask],
                np.full(mask.sum(), place),
                linestyle="none",
                marker=marker,
                color=style.colour,
                transform=axis.get_xaxis_transform(),
                markersize=6,
                zorder=4,
                clip_on=False,
            )

"""The forest of improvement factors: settings, their average, and a new setting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hillfront.estimands.improvement import Improvement
from hillfront.estimands.quantities import Quantity, quantity_named
from hillfront.estimands.scopes import SCOPES, SETTING, SUPPORTS, where_of
from hillfront.plots.axes import (
    axes_for,
    log_ticks,
    put_labels,
    put_legend,
    require_drawable,
    variant_handles,
)
from hillfront.plots.style import SCREEN, FigureStyle, VariantStyle, points_of, styles_for

__all__ = ["plot_improvement"]


def plot_improvement(
    improvement: Improvement,
    *,
    quantity: str = "mean_sparsity_gain",
    at: float | None = None,
    ax: Axes | None = None,
    style: FigureStyle = SCREEN,
) -> Axes:
    """Draw one improvement factor as a forest: each setting, their average, and a new setting.

    Parameters
    ----------
    improvement : Improvement
        As from ``fit.improvement()``.
    quantity : str
        Which quantity of its table to draw.
    at : float, optional
        The hit or L0 at which, for ``sparsity_gain`` and ``hit_reduction``.
    ax : matplotlib Axes, optional
    style : FigureStyle
        Width, size of marks and text for where the figure will stand, and whether numbers stand beside it.

    Returns
    -------
    matplotlib Axes
        Filled markers rest on data, hollow ones are extrapolated; a factor above 1 favours the variant. An
        exclamation mark beside the numbers means that they depend on the prior.

    Raises
    ------
    ValueError
        For a quantity, or a value of ``at``, that the table does not have.
    """
    require_drawable(improvement, Improvement, "plot_improvement", "hf.fit(...).improvement()")
    rows = _select(improvement.summary, quantity, at)
    kind = quantity_named(quantity)
    labels = [where_of(row) for _, row in rows.iterrows()]
    rows = rows.assign(label=labels)
    # Top to bottom: the settings in their order, then what is said of them together.
    order = list(dict.fromkeys(rows.loc[rows["scope"] == SETTING, "label"]))
    order += [scope.label for scope in SCOPES.values() if scope.label in set(labels)]
    variants = list(dict.fromkeys(rows["variant"]))
    styles = styles_for([str(rows["baseline"].iloc[0]), *variants])
    rows = rows.assign(y=[float(order.index(label)) for label in labels])
    lines = len(order) * max(1.0, 0.75 * len(variants))
    size = (7.2, 1.5 + 0.34 * lines)
    if style.width is not None:
        size = (style.width, 0.95 + 0.027 * points_of("ytick.labelsize") * lines)
    _, (axis,) = axes_for(1, ax, single=size, style=style)
    offsets = np.linspace(-0.22, 0.22, len(variants)) if len(variants) > 1 else np.zeros(1)
    for variant, offset in zip(variants, offsets, strict=True):
        own = rows[rows["variant"] == variant]
        _draw_variant(axis, own.assign(y=own["y"] + offset), kind, styles[variant], style)
    _decorate(axis, rows, order, style)
    words = kind.axis.format(at=np.nan if at is None else at, metric=improvement.metric)
    interval = f"median and {float(rows['prob'].iloc[0]):.0%} interval, against {rows['baseline'].iloc[0]}"
    put_labels([axis], f"{words}\n{interval}", "", style)
    put_legend([axis], _handles(rows, variants, styles), style=style, where="above")
    return axis


def _draw_variant(
    axis: Axes, rows: pd.DataFrame, kind: Quantity, look: VariantStyle, style: FigureStyle
) -> None:
    for _, row in rows.iterrows():
        y, found = row["y"], bool(np.isfinite(row["median"]))
        if found:
            axis.plot(
                [row["lower"], row["upper"]], [y, y], color=look.colour, linewidth=1.8 * style.marks, zorder=2
            )
            axis.plot(
                row["median"],
                y,
                marker=look.marker,
                color=look.colour,
                markersize=7 * style.marks,
                zorder=3,
                markerfacecolor=look.colour if row["support"] == "observed" else "white",
                markeredgewidth=1.4 * style.marks,
            )
        words = [kind.interval(row["median"], row["lower"], row["upper"])] if style.numbers else []
        words += ["!"] if row["prior_driven"] else []
        axis.text(
            1.01 if found or style.numbers else 0.98,
            y,
            style.text(" ".join(words) if found else "no shared range"),
            va="center",
            ha="left" if found or style.numbers else "right",
            fontsize="small",
            color="black" if found else "0.4",
            transform=axis.get_yaxis_transform(),
        )


def _select(summary: pd.DataFrame, quantity: str, at: float | None) -> pd.DataFrame:
    if summary.empty:
        raise ValueError("There is no improvement to draw: the fit has a single variant.")
    rows = summary[summary["quantity"] == quantity]
    if rows.empty:
        allowed = ", ".join(dict.fromkeys(summary["quantity"]))
        raise ValueError(f"quantity={quantity!r} is not in this table. Allowed: {allowed}.")
    values = rows["at"].dropna().unique()
    if values.size:
        if at is None or not np.isclose(values, at).any():
            raise ValueError(
                f"at={at!r}: {quantity} is in this table at {', '.join(f'{v:g}' for v in values)}. Pass one "
                "of these as at=, or ask improvement() for others."
            )
        rows = rows[np.isclose(rows["at"], at)]
    elif at is not None:
        raise ValueError(f"at={at!r}: {quantity} is not taken at a value. Leave at= out.")
    return rows


def _decorate(axis: Axes, rows: pd.DataFrame, order: list[str], style: FigureStyle) -> None:
    axis.axvline(1.0, color="0.6", linewidth=1.0, zorder=0)
    n_settings = rows.loc[rows["scope"] == SETTING, "label"].nunique()
    if 0 < n_settings < len(order):
        axis.axhline(n_settings - 0.5, color="0.85", linewidth=0.8, zorder=0)
    names = [style.text(name, inches=0.35 * (style.width or 0), size="ytick.labelsize") for name in order]
    axis.set_yticks(range(len(order)), names)
    axis.set_ylim(len(order) - 0.4, -0.6)
    axis.set_xscale("log")
    low, high = np.nanmin([rows["lower"].min(), 0.9]), np.nanmax([rows["upper"].max(), 1.1])
    axis.set_xlim(float(low) / 1.1, float(high) * 1.1)
    log_ticks(axis.xaxis, axis)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)


def _handles(rows: pd.DataFrame, variants: list[str], styles: dict[str, VariantStyle]) -> list[Line2D]:
    handles = variant_handles(variants, list(styles))
    look: dict[str, Any] = {"color": "0.3", "marker": styles[variants[0]].marker, "linestyle": "none"}
    for support, fill in (("observed", "0.3"), ("extrapolated", "white")):
        if (rows["support"] == support).any():
            handles.append(Line2D([], [], **look, markerfacecolor=fill, label=SUPPORTS[support].legend))
    if rows["prior_driven"].any():
        # A sign in words: as a marker it would be mathematics, which names in some figures must not be.
        handles.append(Line2D([], [], linestyle="none", label="! driven by the prior"))
    return handles

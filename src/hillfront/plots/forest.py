"""The forest of improvement factors: settings, their average, and a new setting."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from hillfront.estimands.improvement import Improvement
from hillfront.estimands.quantities import quantity_named
from hillfront.estimands.scopes import SCOPES, SETTING, SUPPORTS, where_of
from hillfront.plots.style import axes_for, styles_for

__all__ = ["plot_improvement"]


def plot_improvement(
    improvement: Improvement,
    *,
    quantity: str = "mean_sparsity_gain",
    at: float | None = None,
    ax: Axes | None = None,
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
    rows = _select(improvement.summary, quantity, at)
    kind = quantity_named(quantity)
    labels = [where_of(row) for _, row in rows.iterrows()]
    rows = rows.assign(label=labels)
    # Top to bottom: the settings in their order, then what is said of them together.
    order = list(dict.fromkeys(rows.loc[rows["scope"] == SETTING, "label"]))
    order += [scope.label for scope in SCOPES.values() if scope.label in set(labels)]
    variants = list(dict.fromkeys(rows["variant"]))
    styles = styles_for([str(rows["baseline"].iloc[0]), *variants])
    if ax is None:
        figure, made = axes_for(1, None)
        ax = made[0]
        figure.set_size_inches(7.2, 1.5 + 0.34 * len(order) * max(1.0, 0.6 * len(variants)))
    offsets = np.linspace(-0.22, 0.22, len(variants)) if len(variants) > 1 else np.zeros(1)
    for variant, offset in zip(variants, offsets, strict=True):
        own = rows[rows["variant"] == variant]
        for _, row in own.iterrows():
            y = order.index(row["label"]) + offset
            if not np.isfinite(row["median"]):
                ax.text(
                    1.01,
                    y,
                    "no shared range",
                    va="center",
                    fontsize="small",
                    color="0.4",
                    transform=ax.get_yaxis_transform(),
                )
                continue
            observed, style = row["support"] == "observed", styles[variant]
            ax.plot([row["lower"], row["upper"]], [y, y], color=style.colour, linewidth=1.8, zorder=2)
            ax.plot(
                row["median"],
                y,
                marker=style.marker,
                color=style.colour,
                markersize=7,
                zorder=3,
                markerfacecolor=style.colour if observed else "white",
                markeredgewidth=1.4,
            )
            ax.text(
                1.01,
                y,
                kind.interval(row["median"], row["lower"], row["upper"])
                + (" !" if row["prior_driven"] else ""),
                va="center",
                fontsize="small",
                transform=ax.get_yaxis_transform(),
            )
    words = kind.axis.format(at=np.nan if at is None else at, metric=improvement.metric)
    _decorate(ax, rows, order, words)
    _legend(
        ax,
        rows,
        variants,
        {name: styles[name].colour for name in variants},
        {name: styles[name].marker for name in variants},
    )
    return ax


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


def _decorate(ax: Axes, rows: pd.DataFrame, order: list[str], words: str) -> None:
    ax.axvline(1.0, color="0.6", linewidth=1.0, zorder=0)
    n_settings = rows.loc[rows["scope"] == SETTING, "label"].nunique()
    if 0 < n_settings < len(order):
        ax.axhline(n_settings - 0.5, color="0.85", linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(order)), order)
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xscale("log")
    low, high = (
        float(np.nanmin([rows["lower"].min(), 0.9])),
        float(np.nanmax([rows["upper"].max(), 1.1])),
    )
    ax.set_xlim(low / 1.1, high * 1.1)
    # As many labels as have room.
    fine, medium, coarse = (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9), (1, 1.5, 2, 3, 5, 7), (1, 2, 5)
    subs = fine if high / low < 2.5 else medium if high / low < 6 else coarse
    ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    prob = float(rows["prob"].iloc[0])
    ax.set_xlabel(f"{words}\nmedian and {prob:.0%} interval, against {rows['baseline'].iloc[0]}")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _legend(
    ax: Axes, rows: pd.DataFrame, variants: list[str], colours: dict[str, str], markers: dict[str, str]
) -> None:
    handles = [Line2D([], [], color=colours[v], marker=markers[v], label=v) for v in variants]
    marker = markers[variants[0]]
    if (rows["support"] == "observed").any():
        handles.append(
            Line2D([], [], color="0.3", marker=marker, linestyle="none", label=SUPPORTS["observed"].legend)
        )
    if (rows["support"] == "extrapolated").any():
        handles.append(
            Line2D(
                [],
                [],
                color="0.3",
                marker=marker,
                markerfacecolor="white",
                linestyle="none",
                label=SUPPORTS["extrapolated"].legend,
            )
        )
    if rows["prior_driven"].any():
        handles.append(
            Line2D([], [], color="0.1", marker="$!$", linestyle="none", label="driven by the prior")
        )
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(handles),
        frameon=False,
        fontsize="small",
    )

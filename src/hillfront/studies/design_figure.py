"""Figure of the design study."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hillfront.plots.style import VARIANT_STYLES
from hillfront.studies.design_tables import DESIGN
from hillfront.studies.factor_axis import WIDEST, plain_ticks, ticks_up_to

__all__ = ["plot_design"]


def plot_design(table: pd.DataFrame, *, power: float = 0.8, width: float | None = None) -> Figure:
    """Draw power above and interval width below, against the SAEs in all; one column a sweep.

    Lines are numbers of settings, bars the Wilson intervals of the power, dashes the targets.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`hillfront.studies.design_tables.design_table`.
    power : float
        Target of the share of verdicts ``better``.
    width : float, optional
        Target of the mean width, upper / lower.

    Returns
    -------
    matplotlib.figure.Figure
    """
    pairs = zip(table["l0_low"].astype(float), table["l0_high"].astype(float), strict=True)
    sweeps = sorted(set(pairs), key=lambda ends: ends[0] / ends[1])  # the widest first
    figure = Figure(figsize=(1.2 + 2.9 * max(len(sweeps), 1.5), 5.4), layout="constrained")
    axes = figure.subplots(2, len(sweeps), sharex=True, sharey="row", squeeze=False)
    several = sorted(table["settings"].unique())
    styles = {n: VARIANT_STYLES[i % len(VARIANT_STYLES)] for i, n in enumerate(several)}
    top = min(WIDEST, 1.1 * max(float(table["width"].fillna(1.0).max()), width or 1.05))
    # Doubling sizes, so that their labels do not run into each other.
    fewest, most = table["saes"].min(), table["saes"].max()
    sizes = [float(n) for n in 3 * 2 ** np.arange(1, 12) if fewest <= n <= most] or [float(fewest)]
    for column, (low, high) in enumerate(sweeps):
        above, below = axes[:, column]
        here = table[(table["l0_low"] == low) & (table["l0_high"] == high)].sort_values(list(DESIGN))
        for index, n in enumerate(several):
            rows = here[here["settings"] == n]
            # Designs of one size lie side by side, so that their bars can be told apart.
            at = rows["saes"] * (1.0 + 0.025 * (index - 0.5 * (len(several) - 1)))
            style = styles[n]
            line = {"color": style.colour, "marker": style.marker, "markersize": 5, "linewidth": 1.3}
            bars = [rows["power"] - rows["power_lower"], rows["power_upper"] - rows["power"]]
            above.errorbar(at, rows["power"], yerr=bars, elinewidth=0.8, **line)
            below.plot(at, rows["width"].clip(upper=WIDEST), **line)
        above.axhline(power, color="0.35", linestyle=(0, (4, 2)), linewidth=1.0, zorder=1)
        if width is not None:
            below.axhline(width, color="0.35", linestyle=(0, (4, 2)), linewidth=1.0, zorder=1)
        above.set_title(f"L0 {low:g} to {high:g}", fontsize="medium")
        above.set_ylim(-0.05, 1.05)
        below.set(xscale="log", yscale="log", xlabel="SAEs to train in all")
        plain_ticks(below.xaxis, sizes)
        plain_ticks(below.yaxis, ticks_up_to(top))
        below.set_ylim(1.0, top)
    axes[0, 0].set_ylabel("power: share of verdicts 'better'")
    axes[1, 0].set_ylabel("interval width, upper / lower")
    for axis in axes.ravel():
        axis.grid(color="0.92", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    handles = [
        Line2D(
            [],
            [],
            color=styles[n].colour,
            marker=styles[n].marker,
            label=f"{n} setting{'s' if n > 1 else ''}",
        )
        for n in several
    ]
    handles.append(Line2D([], [], color="0.35", linestyle=(0, (4, 2)), linewidth=1.0, label="target"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure

"""Figure of the coverage study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hillfront.plots.style import BASELINE_STYLE, VARIANT_STYLES, VariantStyle
from hillfront.studies.coverage import CELL, HILLFRONT, ORACLE
from hillfront.studies.factor_axis import WIDEST, plain_ticks, ticks_up_to
from hillfront.studies.rivals import BOOTSTRAP, LOGIT, WALD
from hillfront.studies.shares import chance_band
from hillfront.utils.intervals import DEFAULT_PROB

__all__ = ["plot_coverage"]

_STYLES: Final[dict[str, VariantStyle]] = {
    HILLFRONT: VARIANT_STYLES[0],
    ORACLE: BASELINE_STYLE,
    LOGIT: VARIANT_STYLES[2],
    BOOTSTRAP: VARIANT_STYLES[3],
    WALD: VARIANT_STYLES[1],
}


def plot_coverage(table: pd.DataFrame, *, quantity: str = "mean_sparsity_gain") -> Figure:
    """Draw coverage and width of every method, one line a cell.

    The grey bar of a cell is where the coverage of so many sets lies by chance, with probability 0.9, if the
    intervals hold what they say. A mark at the right edge stands for a mean width of 100 or more.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`hillfront.studies.coverage_tables.coverage_table`.
    quantity : str

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the table has no such quantity.
    """
    here = table[(table["quantity"] == quantity) & (table["sets"] > 0)]
    if here.empty:
        allowed = ", ".join(dict.fromkeys(table["quantity"])) or "none"
        raise ValueError(f"The table has no intervals of {quantity!r}. It has: {allowed}.")
    cells = here[list(CELL)].drop_duplicates().reset_index(drop=True)
    height = 1.6 + 0.34 * len(cells)
    figure = Figure(figsize=(9.0, height), layout="constrained")
    left, right = axes = figure.subplots(1, 2, sharey=True)
    here = here.merge(cells.assign(line=np.arange(len(cells))), on=list(CELL))
    _bands(left, here)
    methods = [name for name in _STYLES if (here["method"] == name).any()]
    # Side by side within a line, so that equal values do not hide each other.
    shifts = np.linspace(-0.26, 0.26, len(methods)) if len(methods) > 1 else [0.0]
    for method, shift in zip(methods, shifts, strict=True):
        rows = here[here["method"] == method]
        style = _STYLES[method]
        marks = {
            "color": style.colour,
            "marker": style.marker,
            "linestyle": "none",
            "markersize": 5,
            "clip_on": False,
        }
        if method == ORACLE:
            marks |= {"markerfacecolor": "white"}
        at = rows["line"].to_numpy() + shift
        left.hlines(at, rows["covered_lower"], rows["covered_upper"], color=style.colour, linewidth=0.9)
        left.plot(rows["covered"], at, **marks)
        right.plot(rows["width"].clip(upper=WIDEST), at, **marks)
    left.set(xlabel=f"coverage of {DEFAULT_PROB:.0%} intervals", xlim=(min(0.4, _low(here)), 1.01))
    right.set(xlabel="width, upper / lower end (geometric mean)", xscale="log")
    top = min(WIDEST, 1.1 * max(1.05, float(here["width"].max())))
    right.set_xlim(1.0, top)
    plain_ticks(right.xaxis, ticks_up_to(top))
    left.set_yticks(range(len(cells)), _labels(cells))
    left.set_ylim(len(cells) - 0.5, -0.5)
    for axis in axes:
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x", color="0.9", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    handles: list[Artist] = [_handle(method) for method in methods]
    handles.append(Patch(color="0.85", label=f"chance about {DEFAULT_PROB:g}"))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)), frameon=False)
    return figure


def _bands(axis: Axes, here: pd.DataFrame) -> None:
    """Bars of chance about the nominal coverage, of the sets that hillfront fitted in each cell."""
    own = here[here["method"] == HILLFRONT]
    bands = np.array([chance_band(DEFAULT_PROB, int(sets)) for sets in own["sets"]]).reshape(-1, 2)
    axis.barh(own["line"], bands[:, 1] - bands[:, 0], left=bands[:, 0], height=0.9, color="0.85", zorder=0)
    axis.axvline(DEFAULT_PROB, color="0.45", linewidth=0.8, zorder=1)


def _low(here: pd.DataFrame) -> float:
    return float(here["covered_lower"].min()) - 0.02


def _handle(method: str) -> Line2D:
    style = _STYLES[method]
    face = "white" if method == ORACLE else style.colour
    return Line2D(
        [], [], color=style.colour, marker=style.marker, markerfacecolor=face, linestyle="none", label=method
    )


def _labels(cells: pd.DataFrame) -> list[str]:
    """Name each cell by what varies, or by points and settings if nothing does."""
    texts: dict[str, Callable[[Any], str]] = {
        "points": lambda value: f"{value} SAEs a curve",
        "settings": lambda value: f"{value} setting{'s' if value > 1 else ''}",
        "sigma": lambda value: f"σ {value:g}",
        "gain": lambda value: f"gain {value:g}",
        "noise": str,
    }
    varied = [name for name in CELL if len(set(cells[name])) > 1] or ["points", "settings"]
    return [", ".join(texts[name](cell[name]) for name in varied) for _, cell in cells.iterrows()]

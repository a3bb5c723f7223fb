"""Figures of the calibration, the coverage and the design study."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hillfront.plots.axes import log_ticks, put_legend
from hillfront.plots.style import BASELINE_STYLE, VARIANT_STYLES, VariantStyle
from hillfront.studies.calibration import verdict_table
from hillfront.studies.coverage import CASE, HILLFRONT, ORACLE
from hillfront.studies.design_study import DESIGN_CASE
from hillfront.studies.rank_bands import BAND_PROB, MIN_SETS, RankEcdf, rank_ecdf
from hillfront.studies.ranked import BETTER
from hillfront.studies.rivals import BOOTSTRAP, LOGIT, WALD
from hillfront.studies.simulated import chance_band
from hillfront.utils.intervals import DEFAULT_PROB
from hillfront.utils.wording import count

__all__ = ["plot_calibration", "plot_coverage", "plot_design"]

WIDEST: Final = 100.0
"""Wider than this is as good as unbounded: a figure draws it at the edge."""

_PANELS_A_ROW: Final = 6
_LINE: Final = "0.1"
_OUTSIDE: Final = VARIANT_STYLES[0].colour
_MARK: Final = VARIANT_STYLES[1].colour
_DASHES: Final[Mapping[str, Any]] = {"color": "0.35", "linestyle": (0, (4, 2)), "linewidth": 1.0}
_STYLES: Final[dict[str, VariantStyle]] = {
    HILLFRONT: VARIANT_STYLES[0],
    ORACLE: BASELINE_STYLE,
    LOGIT: VARIANT_STYLES[2],
    BOOTSTRAP: VARIANT_STYLES[3],
    WALD: VARIANT_STYLES[1],
}


def plot_coverage(table: pd.DataFrame, *, quantity: str = "mean_sparsity_gain") -> Figure:
    """Draw coverage and width of every method, one line a case.

    The grey bar of a case is where the coverage of so many sets lies by chance, with probability 0.9, if the
    intervals hold what they say. A mark at the right edge stands for a mean width of 100 or more.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`hillfront.studies.coverage.coverage_table`.
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
    cases = here[list(CASE)].drop_duplicates().reset_index(drop=True)
    height = 1.6 + 0.34 * len(cases)
    figure = Figure(figsize=(9.0, height), layout="constrained")
    left, right = axes = figure.subplots(1, 2, sharey=True)
    here = here.merge(cases.assign(line=np.arange(len(cases))), on=list(CASE))
    own = here[here["method"] == HILLFRONT]
    bands = np.array([chance_band(DEFAULT_PROB, int(sets)) for sets in own["sets"]]).reshape(-1, 2)
    left.barh(own["line"], bands[:, 1] - bands[:, 0], left=bands[:, 0], height=0.9, color="0.85", zorder=0)
    left.axvline(DEFAULT_PROB, color="0.45", linewidth=0.8, zorder=1)
    methods = [name for name in _STYLES if (here["method"] == name).any()]
    # Side by side within a line, so that equal values do not hide each other.
    shifts = np.linspace(-0.26, 0.26, len(methods)) if len(methods) > 1 else [0.0]
    for method, shift in zip(methods, shifts, strict=True):
        rows = here[here["method"] == method]
        marks = _marks(method)
        at = rows["line"].to_numpy() + shift
        left.hlines(at, rows["covered_lower"], rows["covered_upper"], color=marks["color"], linewidth=0.9)
        left.plot(rows["covered"], at, markersize=5, clip_on=False, **marks)
        right.plot(rows["width"].clip(upper=WIDEST), at, markersize=5, clip_on=False, **marks)
    left.set(
        xlabel=f"coverage of {DEFAULT_PROB:.0%} intervals",
        xlim=(min(0.4, float(here["covered_lower"].min()) - 0.02), 1.01),
    )
    top = min(WIDEST, 1.1 * max(1.05, float(here["width"].max())))
    right.set(xlabel="width, upper / lower end (geometric mean)", xscale="log", xlim=(1.0, top))
    log_ticks(right.xaxis, right)
    left.set_yticks(range(len(cases)), _labels(cases))
    left.set_ylim(len(cases) - 0.5, -0.5)
    for axis in axes:
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x", color="0.9", linewidth=0.6)
        _plain(axis)
    handles: list[Artist] = [Line2D([], [], label=method, **_marks(method)) for method in methods]
    handles.append(Patch(color="0.85", label=f"chance about {DEFAULT_PROB:g}"))
    put_legend(axes, handles)
    return figure


def _marks(method: str) -> dict[str, Any]:
    """Return the marker of a method; the oracle's is open."""
    style = _STYLES[method]
    face = "white" if method == ORACLE else style.colour
    return {"color": style.colour, "marker": style.marker, "markerfacecolor": face, "linestyle": "none"}


def _labels(cases: pd.DataFrame) -> list[str]:
    """Name each case by what varies, or by points and settings if nothing does."""
    texts: dict[str, Callable[[Any], str]] = {
        "points": lambda value: f"{value} SAEs a curve",
        "settings": lambda value: count(value, "setting"),
        "sigma": lambda value: f"σ {value:g}",
        "gain": lambda value: f"gain {value:g}",
        "noise": str,
    }
    varied = [name for name in CASE if len(set(cases[name])) > 1] or ["points", "settings"]
    return [", ".join(texts[name](case[name]) for name in varied) for _, case in cases.iterrows()]


def plot_design(table: pd.DataFrame, *, power: float = 0.8, width: float | None = None) -> Figure:
    """Draw power above and interval width below, against the SAEs in all; one column a sweep.

    Lines are numbers of settings, bars the Wilson intervals of the power, dashes the targets.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`hillfront.studies.design_study.design_table`.
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
    for column, (low, high) in enumerate(sweeps):
        above, below = axes[:, column]
        here = table[(table["l0_low"] == low) & (table["l0_high"] == high)].sort_values(list(DESIGN_CASE))
        for index, n in enumerate(several):
            rows = here[here["settings"] == n]
            # Cases of one size lie side by side, so that their bars can be told apart.
            at = rows["saes"] * (1.0 + 0.025 * (index - 0.5 * (len(several) - 1)))
            style = styles[n]
            line = {"color": style.colour, "marker": style.marker, "markersize": 5, "linewidth": 1.3}
            bars = [rows["power"] - rows["power_lower"], rows["power_upper"] - rows["power"]]
            above.errorbar(at, rows["power"], yerr=bars, elinewidth=0.8, **line)
            below.plot(at, rows["width"].clip(upper=WIDEST), **line)
        above.axhline(power, **_DASHES, zorder=1)
        if width is not None:
            below.axhline(width, **_DASHES, zorder=1)
        above.set_title(f"L0 {low:g} to {high:g}", fontsize="medium")
        above.set_ylim(-0.05, 1.05)
        below.set(xscale="log", yscale="log", xlabel="SAEs to train in all")
        below.set_ylim(1.0, top)
        log_ticks(below.xaxis, below)
        log_ticks(below.yaxis, below)
    axes[0, 0].set_ylabel("power: share of verdicts 'better'")
    axes[1, 0].set_ylabel("interval width, upper / lower")
    for axis in axes.ravel():
        axis.grid(color="0.92", linewidth=0.6)
        _plain(axis)
    handles = [
        Line2D([], [], color=style.colour, marker=style.marker, label=count(n, "setting"))
        for n, style in styles.items()
    ]
    put_legend(list(axes.flat), [*handles, Line2D([], [], **_DASHES, label="target")])
    return figure


def _plain(axis: Axes) -> None:
    """Put the grid below the marks, and take the box away."""
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def plot_calibration(rows: pd.DataFrame) -> Figure:
    """Draw one panel a quantity, and one for each variant's verdict.

    Panels of ranks share their axes. A quantity that leaves its band is drawn in another colour.

    Parameters
    ----------
    rows : pandas.DataFrame
        As for :func:`hillfront.studies.calibration.calibration_table`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no quantity has ranks of three sets.
    """
    ranked = rows[(rows["error"] == "") & ~rows["quantity"].isin(["", BETTER])]
    ranks = {
        (str(quantity), str(where)): rank_ecdf(own["place"].dropna())
        for (quantity, where), own in ranked.groupby(["quantity", "where"], sort=False)
        if own["place"].count() >= MIN_SETS
    }
    if not ranks:
        raise ValueError(f"No quantity has ranks of {MIN_SETS} sets. Run more sets.")
    verdicts = verdict_table(rows)
    wheres = list(dict.fromkeys(verdicts["where"]))
    panels = len(ranks) + len(wheres)
    shape = math.ceil(panels / _PANELS_A_ROW), min(panels, _PANELS_A_ROW)
    figure = Figure(figsize=(1.95 * shape[1], 1.95 * shape[0]), layout="constrained")
    axes = list(figure.subplots(*shape, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    axes = axes[:panels]
    reach = 1.1 * max(float(np.abs([e.difference, e.lower, e.upper]).max()) for e in ranks.values())
    for index, (axis, (name, ecdf)) in enumerate(zip(axes, ranks.items(), strict=False)):
        _draw_ranks(axis, name, ecdf, reach)
        if index % _PANELS_A_ROW:
            axis.set_yticklabels([])
        else:
            axis.set_ylabel("ECDF minus uniform", fontsize="small")
        if index + _PANELS_A_ROW >= len(axes):  # no panel below it
            axis.set_xlabel("rank of the truth", fontsize="small")
    for axis, where in zip(axes[len(ranks) :], wheres, strict=True):
        _draw_verdicts(axis, where, verdicts[verdicts["where"] == where])
    for axis in axes:
        axis.tick_params(labelsize="small")
    put_legend(axes, _handles(list(ranks.values()), verdicts=bool(wheres)), fontsize="small")
    return figure


def _handles(ranks: list[RankEcdf], *, verdicts: bool) -> list[Artist]:
    """Return the entries of the legend."""
    sizes = sorted({ecdf.sets for ecdf in ranks})
    sets = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    handles: list[Artist] = [
        Patch(color="0.85", label=f"{BAND_PROB:.0%} simultaneous band if calibrated, {sets} sets"),
        Line2D([], [], color=_LINE, linewidth=1.3, label="ranks of the truth"),
    ]
    if not all(ecdf.inside for ecdf in ranks):
        handles.append(Line2D([], [], color=_OUTSIDE, linewidth=1.3, label="outside the band"))
    if verdicts:
        mark: dict[str, Any] = {"color": _MARK, "marker": "o", "markersize": 4, "linewidth": 1.2}
        handles.append(Line2D([], [], label="share truly better, 95% interval", **mark))
    return handles


def _draw_ranks(axis: Axes, name: tuple[str, str], ecdf: RankEcdf, reach: float) -> None:
    axis.fill_between(ecdf.at, ecdf.lower, ecdf.upper, color="0.85", linewidth=0)
    axis.axhline(0.0, color="0.6", linewidth=0.8)
    axis.plot(ecdf.at, ecdf.difference, color=_LINE if ecdf.inside else _OUTSIDE, linewidth=1.3)
    axis.set(xlim=(0, 1), ylim=(-reach, reach))
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axis.set_title("\n".join(part for part in name if part), fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_verdicts(axis: Axes, where: str, table: pd.DataFrame) -> None:
    bins = table.iloc[:-1]  # the last row is all of them together
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    errors = [bins["better"] - bins["lower"], bins["upper"] - bins["better"]]
    axis.errorbar(
        bins["p_better"], bins["better"], yerr=errors, fmt="o", color=_MARK, markersize=4, linewidth=1.2
    )
    axis.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axis.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axis.set_xlabel("p_better", fontsize="small")
    # To the right, where it takes no room from the panels of ranks.
    axis.yaxis.tick_right()
    axis.yaxis.set_label_position("right")
    axis.set_ylabel("share truly better", fontsize="small")
    axis.set_title(f"{BETTER}\n{where}", fontsize=8)
    axis.spines[["top", "left"]].set_visible(False)

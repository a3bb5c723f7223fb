"""The figure of a calibration study: ranks against their bands, and verdicts against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hillfront.plots.style import VARIANT_STYLES, axes_for
from hillfront.studies.calibration import verdict_table
from hillfront.studies.rank_bands import BAND_PROB, MIN_SETS, RankEcdf, rank_ecdf
from hillfront.studies.ranked import BETTER

__all__ = ["draw_calibration", "save_calibration"]

_COLUMNS: Final = 6
_LINE: Final = "0.1"
_OUTSIDE: Final = VARIANT_STYLES[0].colour
_MARK: Final = VARIANT_STYLES[1].colour


def draw_calibration(rows: pd.DataFrame) -> list[Axes]:
    """Draw one panel a quantity, and one for each variant's verdict.

    Parameters
    ----------
    rows : pandas.DataFrame
        As for :func:`hillfront.studies.calibration.calibration_table`.

    Returns
    -------
    list of matplotlib Axes
        Panels of ranks share their axes. A quantity that leaves its band is drawn in another colour.

    Raises
    ------
    ValueError
        If no quantity has ranks of three sets.
    """
    good = rows[(rows["error"] == "") & (rows["quantity"] != "")]
    ranks = {
        (str(quantity), str(where)): rank_ecdf(own["place"].dropna())
        for (quantity, where), own in good[good["quantity"] != BETTER].groupby(
            ["quantity", "where"], sort=False
        )
        if own["place"].notna().sum() >= MIN_SETS
    }
    if not ranks:
        raise ValueError(f"No quantity has ranks of {MIN_SETS} sets. Run more sets.")
    verdicts = verdict_table(rows)
    wheres = list(dict.fromkeys(verdicts["where"]))
    figure, axes = axes_for(len(ranks) + len(wheres), None, columns=_COLUMNS, size=(1.95, 1.95))
    reach = 1.1 * max(float(np.abs([e.difference, e.lower, e.upper]).max()) for e in ranks.values())
    for index, (axis, (name, ecdf)) in enumerate(zip(axes, ranks.items(), strict=False)):
        _draw_ranks(axis, name, ecdf, reach)
        if index % _COLUMNS:
            axis.set_yticklabels([])
        else:
            axis.set_ylabel("ECDF minus uniform", fontsize="small")
        if index + _COLUMNS >= len(axes):  # no panel below it
            axis.set_xlabel("rank of the truth", fontsize="small")
    for axis, where in zip(axes[len(ranks) :], wheres, strict=True):
        _draw_verdicts(axis, where, verdicts[verdicts["where"] == where])
    for axis in axes:
        axis.tick_params(labelsize="small")
    figure.legend(
        handles=_handles(list(ranks.values()), verdicts=bool(wheres)),
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize="small",
    )
    return axes


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
        line = Line2D([], [], color=_MARK, marker="o", markersize=4, linewidth=1.2)
        line.set_label("share truly better, 95% interval")
        handles.append(line)
    return handles


def _draw_ranks(axis: Axes, name: tuple[str, str], ecdf: RankEcdf, reach: float) -> None:
    axis.fill_between(ecdf.at, ecdf.lower, ecdf.upper, color="0.85", linewidth=0)
    axis.axhline(0.0, color="0.6", linewidth=0.8)
    axis.plot(ecdf.at, ecdf.difference, color=_LINE if ecdf.inside else _OUTSIDE, linewidth=1.3)
    axis.set_xlim(0, 1)
    axis.set_ylim(-reach, reach)
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
    axis.set_xlim(-0.04, 1.04)
    axis.set_ylim(-0.04, 1.04)
    axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axis.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axis.set_xlabel("p_better", fontsize="small")
    # To the right, where it takes no room from the panels of ranks.
    axis.yaxis.tick_right()
    axis.yaxis.set_label_position("right")
    axis.set_ylabel("share truly better", fontsize="small")
    axis.set_title(f"{BETTER}\n{where}", fontsize=8)
    axis.spines[["top", "left"]].set_visible(False)


def save_calibration(rows: pd.DataFrame, path: Path) -> None:
    """Draw and save the figure."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    axes = draw_calibration(rows)
    figure = axes[0].get_figure(root=True)
    assert figure is not None
    figure.savefig(path, dpi=160)
    plt.close(figure)

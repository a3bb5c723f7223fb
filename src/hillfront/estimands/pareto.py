"""Pareto verdicts: does a variant's curve lie below the baseline's over the whole shared range?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.estimands.comparisons import (
    Comparison,
    arranged,
    comparisons,
    setting_coords,
    setting_labels,
    with_group_columns,
)
from hillfront.estimands.improvement import Improvement, interval_of
from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.estimands.ratios import crossing_l0, link_gap
from hillfront.estimands.scopes import AVERAGE, BADGES, where_of
from hillfront.frontiers.ranges import Range
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.utils.interface import argument
from hillfront.utils.tables import Displayed, TextTable

Floats = NDArray[np.float64]
Judged = tuple[dict[str, object], Floats]

__all__ = ["DEFAULT_THRESHOLD", "Pareto", "headline_table", "pareto_of"]

DEFAULT_THRESHOLD = 0.95
_CHANCES = ("p_better", "p_worse", "p_cross")


@dataclass(frozen=True, repr=False)
class Pareto(Displayed):
    """Pareto verdicts: a table, and the draws behind it.

    Attributes
    ----------
    summary : pandas.DataFrame
        Columns: baseline, variant, the group columns, scope, l0_low, l0_high (the shared range), p_better,
        p_worse, p_cross, crossing_l0 (posterior median where the curves cross), verdict.
    draws : xarray.Dataset, dims (chain, draw, variant, setting)
        ``gap_low_l0`` and ``gap_high_l0``, the baseline's curve above the variant's on the link scale at the
        two ends of the range (positive is better), and ``crossing_l0``, NaN in draws that do not cross. The
        coordinate ``verdict`` says what they come to, empty where nothing is compared; ``setting`` is that of
        :class:`~hillfront.estimands.improvement.Improvement`.
    notes : tuple of str
        What a reader of the table must know.
    """

    summary: pd.DataFrame
    draws: xr.Dataset
    notes: tuple[str, ...] = ()

    def _table(self) -> TextTable:
        if self.summary.empty:
            return TextTable("Nothing to compare.", (), ())
        rows = tuple(
            (
                str(row["variant"]),
                label,
                *(("" if np.isnan(row[name]) else f"{row[name]:.3f}") for name in _CHANCES),
                "" if np.isnan(row["l0_low"]) else f"{row['l0_low']:.3g}-{row['l0_high']:.3g}",
                "" if np.isnan(row["crossing_l0"]) else f"{row['crossing_l0']:.3g}",
                str(row["verdict"]),
            )
            for (_, row), label in zip(self.summary.iterrows(), setting_labels(self.summary), strict=True)
        )
        return TextTable(
            f"Against {self.summary['baseline'].iloc[0]}, over the range of L0 that both frontiers observed",
            ("variant", "setting", *_CHANCES, "L0", "crossing", "verdict"),
            rows,
            names=2,
            right=frozenset({*_CHANCES, "L0", "crossing"}),
        )


def verdict_of(p_better: float, p_worse: float, p_cross: float, *, threshold: float) -> str:
    """Put the three probabilities into a word.

    Examples
    --------
    >>> verdict_of(0.97, 0.0, 0.03, threshold=0.95), verdict_of(0.6, 0.1, 0.3, threshold=0.95)
    ('better', 'undecided')
    """
    for name, p in (("better", p_better), ("worse", p_worse), ("crossing", p_cross)):
        if p >= threshold:
            return name
    return "undecided"


def pareto_of(
    posterior: xr.Dataset,
    frontiers: Frontiers,
    design: Design,
    *,
    threshold: float = DEFAULT_THRESHOLD,
    margin: float = 1.0,
    random_seed: int = 1,
    notes: tuple[str, ...] = (),
) -> Pareto:
    """Give the verdict on every variant in every scope; see :meth:`hillfront.FrontierFit.pareto`."""
    if not 0.5 < threshold < 1.0:
        raise ValueError(
            f"{argument('threshold', threshold)} must lie between 0.5 and 1; 0.95 is the default."
        )
    if not (np.isfinite(margin) and margin > 0.0):
        raise ValueError(f"margin={margin!r} must be a positive factor of active latents, such as 1.1.")
    compared = list(comparisons(posterior, frontiers, design, random_seed=random_seed))
    found: dict[tuple[str, str], Judged] = {}
    for variant, own in groupby(compared, key=lambda comparison: comparison.variant):
        in_settings: dict[str, Judged] = {}
        above: dict[str, Judged] = {}
        gaps: dict[str, Floats] = {}
        for comparison in own:
            shared = comparison.sparsities
            usable = [part for part in comparison.parts if part.sparsities]
            if comparison.scope == AVERAGE and usable:
                # Along each shared range the gap is a straight line in its coordinate, so the average of the
                # settings' lines is a line too, decided at the ends of the average range.
                gap = np.mean([gaps[part.setting] for part in usable], axis=0)
                # It crosses at one share of every setting's range; its L0 is the mean of theirs there.
                crossing = np.exp(np.mean([np.log(_crossing(part, gap)) for part in usable], axis=0))
                above[AVERAGE] = _verdict(shared, gap, crossing, threshold)
            elif not comparison.parts or usable:
                gaps[comparison.setting] = gap = _gaps(comparison, margin)
                into = above if comparison.parts else in_settings
                into[comparison.setting] = _verdict(shared, gap, _crossing(comparison, gap), threshold)
        found |= {(variant, setting): verdict for setting, verdict in (above | in_settings).items()}
    return _assemble(found, setting_coords(compared, posterior, frontiers, design), frontiers, design, notes)


_BENDING_NODES = 33


def _gaps(comparison: Comparison, margin: float) -> Floats:
    """Gaps along a range: as they are, for better by the margin, and for worse by it.

    Returns
    -------
    array, shape (3, node, sample)
        At the two ends of the range, which decide over all of it; at nodes between them as well where a dense
        limit and a margin make the gap bend. NaN where there is no shared range.
    """
    shared, scale = comparison.sparsities, comparison.scale
    if not shared:
        return np.full((3, 2, len(next(iter(comparison.curves[0].values())))), np.nan)
    bends = scale.dense is not None and margin != 1.0
    nodes = np.geomspace(shared.low, shared.high, _BENDING_NODES if bends else 2)
    return np.array(
        [
            [link_gap(comparison.family, *comparison.curves, node, margin=m, scale=scale) for node in nodes]
            for m in (1.0, margin, 1.0 / margin)
        ]
    )


def _crossing(comparison: Comparison, gaps: Floats) -> Floats:
    """L0 at which curves with these gaps cross, NaN in draws where they do not."""
    shared = comparison.sparsities
    if not shared:
        return np.full(gaps.shape[-1], np.nan)
    ends = (shared.low, shared.high)
    return crossing_l0(comparison.family, *ends, gaps[0, 0], gaps[0, -1], scale=comparison.scale)


def _verdict(shared: Range, gaps: Floats, crossing: Floats, threshold: float) -> Judged:
    """Columns of one verdict, and its draws: the gap at low and at high L0, and the L0 of the crossing."""
    if not shared:
        return {"verdict": "no shared range"}, np.full((3, gaps.shape[-1]), np.nan)
    gap, better, worse = gaps
    p_better = float((better > 0).all(axis=0).mean())
    p_worse = float((worse < 0).all(axis=0).mean())
    p_cross = float(np.isfinite(crossing).mean())
    columns = {
        "l0_low": 1.0 / shared.high,
        "l0_high": 1.0 / shared.low,
        "p_better": p_better,
        "p_worse": p_worse,
        "p_cross": p_cross,
        "crossing_l0": float(np.nanmedian(crossing)) if p_cross > 0 else np.nan,
        "verdict": verdict_of(p_better, p_worse, p_cross, threshold=threshold),
    }
    # Sparsity runs against L0: the low end of the sparsity range is the high end in L0.
    return columns, np.array([gap[-1], gap[0], crossing])


def _assemble(
    found: Mapping[tuple[str, str], Judged],
    coords: dict[str, Any],
    frontiers: Frontiers,
    design: Design,
    notes: tuple[str, ...],
) -> Pareto:
    numbers = ["l0_low", "l0_high", "p_better", "p_worse", "p_cross", "crossing_l0"]
    rows = [
        {"baseline": design.baseline, "variant": variant, "setting": setting} | columns
        for (variant, setting), (columns, _) in found.items()
    ]
    table = pd.DataFrame(rows, columns=["baseline", "variant", "setting", *numbers, "verdict"])
    table[numbers] = table[numbers].astype(np.float64)
    along = {dim: coords[dim] for dim in ("variant", "setting")}
    shape = (len(rows), 3, len(coords["chain"]), len(coords["draw"]))
    drawn = np.reshape([values for _, values in found.values()], shape)
    draws = {
        name: arranged(table, drawn[:, index], along, blank=np.nan)
        for index, name in enumerate(("gap_low_l0", "gap_high_l0", "crossing_l0"))
    }
    verdict = arranged(table, table["verdict"].to_numpy(dtype=object), along, blank="")
    dataset = xr.Dataset(draws, {**coords, "verdict": verdict})
    return Pareto(with_group_columns(table, frontiers), dataset, notes)


def headline_table(improvement: Improvement, pareto: Pareto) -> TextTable:
    """Make the table that ``hillfront fit`` prints and that a fit shows in a terminal or a notebook.

    A row is a comparison: variant, where, the headline gains with their intervals, the probability that it is
    better everywhere, and the verdict.
    """
    gains, verdicts = improvement.summary, pareto.summary
    if verdicts.empty:
        return TextTable("Nothing to compare.", (), ())
    labels = list(verdicts.columns[1 : list(verdicts.columns).index("scope") + 1])
    by_quantity = {name: rows.set_index(labels, drop=False) for name, rows in gains.groupby("quantity")}
    rows = []
    for _, row in verdicts.iterrows():
        key = tuple(row[labels])
        # Curves that share a range of L0 need not share one of hits, and then have no mean to average.
        cells = [
            interval_of(by_quantity[name].loc[key]) if key in by_quantity[name].index else "no shared range"
            for name in headlines()
        ]
        p_better = f"{row['p_better']:.3f}" if np.isfinite(row["p_better"]) else ""
        rows.append((str(row["variant"]), where_of(row), *cells, p_better, str(row["verdict"])))
    extrapolated, driven = BADGES.values()
    return TextTable(
        f"Against {verdicts['baseline'].iloc[0]}: factors above 1 favour the variant "
        f"(median, {gains['prob'].iloc[0]:.0%} interval)",
        ("variant", "where", *(QUANTITIES[name].words for name in headlines()), "p better", "verdict"),
        tuple(rows),
        (extrapolated, driven) if any(" !" in cell for row in rows for cell in row[2:]) else (extrapolated,),
        names=2,
        right=frozenset({"p better"}),
    )

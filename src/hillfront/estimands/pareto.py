"""Pareto verdicts: does a variant's curve lie below the baseline's over the whole shared range?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.curves.family import CurveFamily
from hillfront.curves.sparsity import SparsityScale, average_scale
from hillfront.estimands.draws import curve_draws, new_setting_draws
from hillfront.estimands.ratios import Parameters, crossing_l0, link_gap
from hillfront.frontiers.ranges import Range, average_range, observed_ranges, shared_range
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design

Floats = NDArray[np.float64]

__all__ = ["DEFAULT_THRESHOLD", "Pareto", "pareto_of"]

DEFAULT_THRESHOLD = 0.95


@dataclass(frozen=True)
class Pareto:
    """Pareto verdicts: a table, and the draws behind it.

    Attributes
    ----------
    summary : pandas.DataFrame
        Columns: baseline, variant, the group columns, scope, l0_low, l0_high (the shared range), p_better,
        p_worse, p_cross, crossing_l0 (posterior median where the curves cross), verdict.
    draws : xarray.Dataset, dims (row, chain, draw)
        ``gap_low_l0`` and ``gap_high_l0``, the baseline's curve above the variant's on the link scale at the
        two ends of the range (positive is better), and ``crossing_l0``, NaN in draws that do not cross.
    notes : tuple of str
        What a reader of the table must know.
    """

    summary: pd.DataFrame
    draws: xr.Dataset
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The table, below the notes."""
        table = self.summary.to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([*self.notes, table])


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
        raise ValueError(f"threshold={threshold!r} must lie between 0.5 and 1; 0.95 is the default.")
    if not (np.isfinite(margin) and margin > 0.0):
        raise ValueError(f"margin={margin!r} must be a positive factor of active latents, such as 1.1.")
    curves = curve_draws(posterior, design)
    unseen = new_setting_draws(posterior, design, random_seed=random_seed)
    ranges = observed_ranges(frontiers)
    family = design.family
    rows: list[dict[str, object]] = []
    draws: list[Floats] = []

    def add(variant: str, scope: str, setting: str, shared: Range, gaps: Floats, crossing: Floats) -> None:
        verdict, drawn = _verdict(shared, gaps, crossing, threshold)
        where = {"baseline": design.baseline, "variant": variant, "setting": setting, "scope": scope}
        rows.append(where | verdict)
        draws.append(drawn)

    for index, variant in enumerate(design.variants[1:], start=1):
        in_settings = []
        for g, setting in enumerate(design.settings):
            if (variant, setting) not in ranges or (design.baseline, setting) not in ranges:
                continue
            shared = shared_range(
                ranges, variant=variant, baseline=design.baseline, setting=setting, of="sparsity"
            )
            scale = design.scales[g]
            v = {name: values[g, index] for name, values in curves.items()}
            b = {name: values[g, 0] for name, values in curves.items()}
            gaps = _gaps(family, v, b, shared, margin, scale)
            in_settings.append((setting, shared, gaps, _crossing(family, shared, gaps, scale)))
        usable = [found for found in in_settings if found[1]]
        if usable:
            # Along each shared range the gap is a straight line in its coordinate, so the average of the
            # settings' lines is a line too, decided at the ends of the average range.
            overall = average_range([shared for _, shared, _, _ in usable])
            average = np.mean([gaps for _, _, gaps, _ in usable], axis=0)
            # The average crosses at one share of every setting's range; its L0 is the mean of theirs there.
            where = [
                np.log(_crossing(family, shared, average, design.scales[design.settings.index(setting)]))
                for setting, shared, _, _ in usable
            ]
            add(variant, "average", "", overall, average, np.exp(np.mean(where, axis=0)))
            if unseen is not None:
                scale = average_scale(
                    tuple(design.scales[design.settings.index(setting)] for setting, *_ in usable)
                )
                v = {name: values[index] for name, values in unseen.items()}
                b = {name: values[0] for name, values in unseen.items()}
                gaps = _gaps(family, v, b, overall, margin, scale)
                add(variant, "new_setting", "", overall, gaps, _crossing(family, overall, gaps, scale))
        for setting, shared, gaps, crossing in in_settings:
            add(variant, "setting", setting, shared, gaps, crossing)
    return _assemble(rows, draws, posterior, frontiers, notes)


_BENDING_NODES = 33


def _gaps(
    family: CurveFamily,
    variant: Parameters,
    baseline: Parameters,
    shared: Range,
    margin: float,
    scale: SparsityScale,
) -> Floats:
    """Gaps along a range: as they are, for better by the margin, and for worse by it.

    Returns
    -------
    array, shape (3, node, sample)
        At the two ends of the range, which decide over all of it; at nodes between them as well where a dense
        limit and a margin make the gap bend. NaN where there is no shared range.
    """
    if not shared:
        return np.full((3, 2, len(next(iter(variant.values())))), np.nan)
    bends = scale.dense is not None and margin != 1.0
    nodes = np.geomspace(shared.low, shared.high, _BENDING_NODES if bends else 2)
    return np.array(
        [
            [link_gap(family, variant, baseline, node, margin=m, scale=scale) for node in nodes]
            for m in (1.0, margin, 1.0 / margin)
        ]
    )


def _crossing(family: CurveFamily, shared: Range, gaps: Floats, scale: SparsityScale) -> Floats:
    """L0 at which the curves cross, NaN in draws where they do not."""
    if not shared:
        return np.full(gaps.shape[-1], np.nan)
    return crossing_l0(family, shared.low, shared.high, gaps[0, 0], gaps[0, -1], scale=scale)


def _verdict(
    shared: Range, gaps: Floats, crossing: Floats, threshold: float
) -> tuple[dict[str, object], Floats]:
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
    rows: list[dict[str, object]],
    draws: list[Floats],
    posterior: xr.Dataset,
    frontiers: Frontiers,
    notes: tuple[str, ...],
) -> Pareto:
    numbers = ["l0_low", "l0_high", "p_better", "p_worse", "p_cross", "crossing_l0"]
    labels = ["baseline", "variant", "setting", "scope"]
    table = pd.DataFrame(rows, columns=[*labels, *numbers, "verdict"])
    table[numbers] = table[numbers].astype(np.float64)
    own = frontiers.setting_table.reindex(table["setting"]).fillna("").astype(str).reset_index(drop=True)
    shape = (len(rows), posterior.sizes["chain"], posterior.sizes["draw"])
    stacked = np.reshape(draws, (len(rows), 3, -1)) if rows else np.empty((0, 3, shape[1] * shape[2]))
    dataset = xr.Dataset(
        {
            name: (("row", "chain", "draw"), stacked[:, i].reshape(shape))
            for i, name in enumerate(("gap_low_l0", "gap_high_l0", "crossing_l0"))
        },
        coords={
            "chain": posterior["chain"].to_numpy(),
            "draw": posterior["draw"].to_numpy(),
            **{name: ("row", table[name].to_numpy()) for name in [*labels, "verdict"]},
        },
    )
    columns = ["scope", *numbers, "verdict"]
    summary = pd.concat([table[["baseline", "variant"]], own, table[columns]], axis=1)
    return Pareto(summary, dataset, notes)

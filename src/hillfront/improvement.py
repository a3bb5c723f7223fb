"""Improvement factors of each variant over the baseline: per group, on average, and in a new group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.curves import CurveFamily
from hillfront.design import Design
from hillfront.draws import curve_draws, new_group_draws
from hillfront.estimands import (
    FloatLike,
    Parameters,
    hit_reduction,
    mean_hit_reduction,
    mean_sparsity_gain,
    parameter_ratio,
    sparsity_gain,
)
from hillfront.frontiers import Frontiers
from hillfront.intervals import DEFAULT_PROB, check_prob, equal_tailed
from hillfront.ranges import NOWHERE, Range, observed_ranges, shared_range

Floats = NDArray[np.float64]
Ranges = dict[tuple[str, str], dict[str, Range]]

__all__ = ["DEFAULT_AT_HIT", "DEFAULT_AT_L0", "Improvement", "improvement_of"]

DEFAULT_AT_HIT = (0.02, 0.05, 0.1)
DEFAULT_AT_L0 = (20.0, 50.0, 100.0)


@dataclass(frozen=True)
class Improvement:
    """Improvement factors: a table of summaries, and the draws behind each of its rows.

    Attributes
    ----------
    summary : pandas.DataFrame
        One row a quantity. Columns: baseline, variant, the group columns, scope (``average`` over the
        observed groups, ``new_group`` or ``group``), quantity, at (the hit or the L0), median, lower,
        upper, prob, p_gt_1 and support (``observed``, ``extrapolated`` or ``none``).
    draws : xarray.DataArray, dims (row, chain, draw)
        Row i of the summary is made of ``draws[i]``; its labels are coordinates along ``row``.
    notes : tuple of str
        What a reader of the table must know, such as a failed diagnostic.
    """

    summary: pd.DataFrame
    draws: xr.DataArray
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The table, below the notes."""
        table = self.summary.to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([*self.notes, table])


Compute = Callable[[Parameters, Parameters, FloatLike, FloatLike], Floats]


@dataclass(frozen=True)
class _Quantity:
    """One quantity: how to compute it, and the range inside which it rests on data.

    ``of`` is the axis (hit or sparsity) along which its place is measured, and ``place`` the point there,
    None for means over the shared range.
    """

    name: str
    at: float
    of: str | None
    place: float | None
    compute: Compute


def _gain_at(family: CurveFamily, hit: float) -> Compute:
    return lambda variant, baseline, low, high: sparsity_gain(family, variant, baseline, hit)


def _reduction_at(family: CurveFamily, l0: float) -> Compute:
    return lambda variant, baseline, low, high: hit_reduction(family, variant, baseline, 1.0 / l0)


def _ratio_of(name: str, sign: int) -> Compute:
    return lambda variant, baseline, low, high: parameter_ratio(variant, baseline, name=name, sign=sign)


def _quantities(family: CurveFamily, at_hit: Sequence[float], at_l0: Sequence[float]) -> Iterator[_Quantity]:
    mean_gain, mean_reduction = partial(mean_sparsity_gain, family), partial(mean_hit_reduction, family)
    yield _Quantity("mean_sparsity_gain", np.nan, "hit", None, mean_gain)
    yield _Quantity("mean_hit_reduction", np.nan, "sparsity", None, mean_reduction)
    for hit in at_hit:
        yield _Quantity("sparsity_gain", hit, "hit", hit, _gain_at(family, hit))
    for l0 in at_l0:
        yield _Quantity("hit_reduction", l0, "sparsity", 1.0 / l0, _reduction_at(family, l0))
    for name, (parameter, sign) in family.ratios.items():
        # x_half is the sparsity at a hit of one half, so that is the place its ratio is read at.
        of = "hit" if parameter == "x_half" else None
        yield _Quantity(name, np.nan, of, 0.5, _ratio_of(parameter, sign))


def _support(quantity: _Quantity, shared: Range, slopes_seen: bool) -> str:
    if quantity.place is None:
        return "observed" if shared else "none"
    if quantity.of is None:
        # A ratio of slopes rests on data where both curves have two distinct L0 values.
        return "observed" if slopes_seen else "extrapolated"
    return "observed" if quantity.place in shared else "extrapolated"


def _pick(parameters: Parameters, variant: int, group: int | None = None) -> Parameters:
    if group is None:
        return {name: values[variant] for name, values in parameters.items()}
    return {name: values[group, variant] for name, values in parameters.items()}


def improvement_of(
    posterior: xr.Dataset,
    frontiers: Frontiers,
    design: Design,
    *,
    prob: float = DEFAULT_PROB,
    at_hit: Sequence[float] = DEFAULT_AT_HIT,
    at_l0: Sequence[float] = DEFAULT_AT_L0,
    seed: int = 1,
    notes: tuple[str, ...] = (),
) -> Improvement:
    """Summarise every improvement factor of every variant; see :meth:`hillfront.FrontierFit.improvement`."""
    check_prob(prob)
    _check_places(at_hit, at_l0)
    curves = curve_draws(posterior, design)
    unseen = new_group_draws(posterior, design, seed=seed)
    ranges = observed_ranges(frontiers)
    rows: list[dict[str, object]] = []
    draws: list[Floats] = []
    for index, variant in enumerate(design.variants[1:], start=1):
        groups = [
            g
            for g, name in enumerate(design.groups)
            if (variant, name) in ranges and (design.baseline, name) in ranges
        ]
        for quantity in _quantities(design.family, at_hit, at_l0):
            per_group = [_in_group(quantity, curves, index, g, variant, ranges, design) for g in groups]
            records = [*_overall(quantity, per_group, unseen, index), *per_group]
            for record in records:
                rows.append(
                    {
                        "baseline": design.baseline,
                        "variant": variant,
                        "group": record.group,
                        "scope": record.scope,
                        "quantity": quantity.name,
                        "at": quantity.at,
                        "support": record.support,
                    }
                )
                draws.append(record.values)
    return _assemble(rows, draws, posterior, frontiers, prob, notes)


@dataclass(frozen=True)
class _Record:
    """One row to be: a quantity in one scope, with the shared range that it was taken over."""

    scope: str
    group: str
    support: str
    values: Floats
    shared: Range = NOWHERE


def _in_group(
    quantity: _Quantity,
    curves: Parameters,
    index: int,
    group: int,
    variant: str,
    ranges: Ranges,
    design: Design,
) -> _Record:
    name = design.groups[group]
    of = quantity.of or "sparsity"
    shared = shared_range(ranges, variant=variant, baseline=design.baseline, group=name, of=of)
    slopes_seen = all(bool(ranges[who, name]["sparsity"]) for who in (variant, design.baseline))
    support = _support(quantity, shared, slopes_seen)
    v, b = _pick(curves, index, group), _pick(curves, 0, group)
    if support == "none":
        values = np.full_like(next(iter(v.values())), np.nan)
    else:
        values = quantity.compute(v, b, shared.low, shared.high)
    return _Record("group", name, support, values, shared)


def _overall(
    quantity: _Quantity, per_group: list[_Record], unseen: Parameters | None, index: int
) -> Iterator[_Record]:
    """The average over the observed groups, and the prediction for a new one, where there are several."""
    usable = [record for record in per_group if record.support != "none"]
    if not usable:
        return
    support = "observed" if all(r.support == "observed" for r in usable) else "extrapolated"
    yield _Record("average", "", support, np.exp(np.mean([np.log(r.values) for r in usable], axis=0)))
    if unseen is not None:
        # Means of a new group are over the average range of those observed; without one there are no means.
        ends = [r.shared for r in usable if r.shared]
        low = float(np.exp(np.mean([np.log(r.low) for r in ends]))) if ends else np.nan
        high = float(np.exp(np.mean([np.log(r.high) for r in ends]))) if ends else np.nan
        values = quantity.compute(_pick(unseen, index), _pick(unseen, 0), low, high)
        # No data of a new group exists, so nothing about it is observed.
        yield _Record("new_group", "", "extrapolated", values)


def _check_places(at_hit: Sequence[float], at_l0: Sequence[float]) -> None:
    for y in at_hit:
        if not 0.0 < y < 1.0:
            raise ValueError(f"at_hit has {y!r}: a performance hit to compare at lies between 0 and 1.")
    for l0 in at_l0:
        if not (np.isfinite(l0) and l0 > 0.0):
            raise ValueError(f"at_l0 has {l0!r}: an L0 to compare at is a positive number of latents.")


def _assemble(
    rows: list[dict[str, object]],
    draws: list[Floats],
    posterior: xr.Dataset,
    frontiers: Frontiers,
    prob: float,
    notes: tuple[str, ...],
) -> Improvement:
    n_chains, n_draws = posterior.sizes["chain"], posterior.sizes["draw"]
    labels = ["baseline", "variant", "group", "scope", "quantity", "at", "support"]
    table = pd.DataFrame(rows, columns=labels)
    values = np.reshape(draws, (len(rows), n_chains * n_draws)) if rows else np.empty((0, n_chains * n_draws))
    lower, median, upper = equal_tailed(values, prob=prob)
    table["median"], table["lower"], table["upper"] = median, lower, upper
    table["prob"] = prob
    table["p_gt_1"] = np.where(np.isnan(median), np.nan, (values > 1.0).mean(axis=-1))
    array = xr.DataArray(
        values.reshape(len(rows), n_chains, n_draws),
        dims=("row", "chain", "draw"),
        coords={
            "chain": posterior["chain"].to_numpy(),
            "draw": posterior["draw"].to_numpy(),
            **{name: ("row", table[name].to_numpy()) for name in labels},
        },
        name="improvement",
    )
    return Improvement(_with_group_columns(table, frontiers), array, notes)


def _with_group_columns(table: pd.DataFrame, frontiers: Frontiers) -> pd.DataFrame:
    """Put the group's own columns, blank for the scopes above groups, in the design's order."""
    own = frontiers.group_table.reindex(table["group"]).fillna("").astype(str).reset_index(drop=True)
    columns = ["scope", "quantity", "at", "median", "lower", "upper", "prob", "p_gt_1", "support"]
    return pd.concat([table[["baseline", "variant"]], own, table[columns]], axis=1)

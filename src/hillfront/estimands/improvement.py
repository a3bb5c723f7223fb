"""Improvement factors of each variant over the baseline: per setting, on average, and in a new setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.curves.sparsity import average_scale
from hillfront.estimands.draws import curve_draws, new_setting_draws
from hillfront.estimands.prior_sensitivity import prior_driven
from hillfront.estimands.quantities import (
    AT_HIT,
    AT_L0,
    AT_NATS,
    DEFAULT_AT_HIT,
    DEFAULT_AT_L0,
    Pair,
    Quantity,
    quantities_of,
)
from hillfront.estimands.ratios import Parameters
from hillfront.estimands.scopes import AVERAGE, NEW_SETTING, SETTING
from hillfront.frontiers.measurement_error import curve_losses
from hillfront.frontiers.ranges import Range, average_range, observed_ranges, shared_range
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.utils.intervals import DEFAULT_PROB, check_prob, equal_tailed

Floats = NDArray[np.float64]
Ranges = dict[tuple[str, str], dict[str, Range]]
Sensitivity = Callable[[xr.DataArray], pd.DataFrame]

__all__ = ["Improvement", "Sensitivity", "improvement_of", "validate_at"]


@dataclass(frozen=True)
class Improvement:
    """Improvement factors: a table of summaries, and the draws behind each of its rows.

    Attributes
    ----------
    summary : pandas.DataFrame
        One row a quantity. Columns: baseline, variant, the group columns, scope (``average`` over the
        observed settings, ``new_setting`` or ``setting``), quantity, at (hit, L0 or nats), median, lower,
        upper, prob, p_gt_1, support (``observed``, ``extrapolated`` or ``none``) and prior_driven: whether
        the prior moves it as much as the data do, or more
        (:func:`~hillfront.estimands.prior_sensitivity.prior_driven`); False
        where that is not known.
    draws : xarray.DataArray, dims (row, chain, draw)
        Row i of the summary is made of ``draws[i]``; its labels are coordinates along ``row``.
    notes : tuple of str
        What a reader of the table must know, such as a failed diagnostic.
    metric : str
        What gains are read at: ``hit`` or ``cost``.
    sensitivity : pandas.DataFrame or None
        Row by row, the sensitivity to the prior and to the likelihood, what ArviZ says of them, and the
        median with the prior at half its strength; see
        :func:`~hillfront.estimands.prior_sensitivity.sensitivity_of`.
    """

    summary: pd.DataFrame
    draws: xr.DataArray
    notes: tuple[str, ...] = ()
    metric: str = "hit"
    sensitivity: pd.DataFrame | None = None

    def __str__(self) -> str:
        """The table, below the notes."""
        table = self.summary.to_string(index=False, float_format=lambda value: f"{value:.4g}")
        return "\n".join([*self.notes, table])


def improvement_of(
    posterior: xr.Dataset,
    frontiers: Frontiers,
    design: Design,
    *,
    prob: float = DEFAULT_PROB,
    at_hit: Sequence[float] | None = None,
    at_l0: Sequence[float] = DEFAULT_AT_L0,
    at_nats: Sequence[float] = (),
    random_seed: int = 1,
    notes: tuple[str, ...] = (),
    sensitivity: Sensitivity | None = None,
) -> Improvement:
    """Summarise every improvement factor of every variant; see :meth:`hillfront.FrontierFit.improvement`.

    ``sensitivity`` judges the draws of the table; without it, ``prior_driven`` is False throughout.
    """
    check_prob(prob)
    if at_hit is None:
        at_hit = DEFAULT_AT_HIT if frontiers.bounded else ()
    validate_at(frontiers, at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
    values = {AT_HIT: at_hit, AT_L0: at_l0, AT_NATS: at_nats, None: (np.nan,)}
    asked = [(kind, at) for kind in quantities_of(design.family).values() for at in values[kind.at]]
    losses = curve_losses(frontiers)
    curves = curve_draws(posterior, design)
    unseen = new_setting_draws(posterior, design, random_seed=random_seed)
    ranges = observed_ranges(frontiers)
    rows: list[dict[str, object]] = []
    draws: list[Floats] = []
    for index, variant in enumerate(design.variants[1:], start=1):
        pairs = {
            setting: _pair(curves, index, g, ranges, losses, design)
            for g, setting in enumerate(design.settings)
            if (variant, setting) in ranges and (design.baseline, setting) in ranges
        }
        new = None if unseen is None or not pairs else _new_pair(unseen, index, list(pairs.values()), design)
        for quantity, at in asked:
            per_setting = [_record(quantity, at, pair, SETTING, setting) for setting, pair in pairs.items()]
            for record in (*_overall(quantity, at, per_setting, new), *per_setting):
                rows.append(
                    {
                        "baseline": design.baseline,
                        "variant": variant,
                        "setting": record.setting,
                        "scope": record.scope,
                        "quantity": quantity.name,
                        "at": at,
                        "support": record.support,
                    }
                )
                draws.append(record.values)
    return _assemble(rows, draws, posterior, frontiers, prob, notes, sensitivity)


@dataclass(frozen=True)
class _Record:
    """One row to be: a quantity in one scope."""

    scope: str
    setting: str
    support: str
    values: Floats


def _pair(
    curves: Parameters,
    index: int,
    setting: int,
    ranges: Ranges,
    losses: Mapping[tuple[str, str], float],
    design: Design,
) -> Pair:
    """A variant and the baseline in an observed setting."""
    name, names = design.settings[setting], (design.variants[index], design.baseline)
    hits, sparsities = (
        shared_range(ranges, variant=names[0], baseline=names[1], setting=name, of=of)
        for of in ("hit", "sparsity")
    )
    return Pair(
        family=design.family,
        variant={parameter: values[setting, index] for parameter, values in curves.items()},
        baseline={parameter: values[setting, 0] for parameter, values in curves.items()},
        hits=hits,
        sparsities=sparsities,
        own=(ranges[names[0], name], ranges[names[1], name]),
        scale=design.scales[setting],
        losses=(losses.get((names[0], name), np.nan), losses.get((names[1], name), np.nan)),
    )


def _new_pair(unseen: Parameters, index: int, pairs: Sequence[Pair], design: Design) -> Pair:
    """The two in a setting that was not observed: over the average range, at the average width and loss."""
    return Pair(
        family=design.family,
        variant={parameter: values[index] for parameter, values in unseen.items()},
        baseline={parameter: values[0] for parameter, values in unseen.items()},
        hits=average_range([pair.hits for pair in pairs]),
        sparsities=average_range([pair.sparsities for pair in pairs]),
        own=({}, {}),
        # Of the settings that make the average range, whose ends then lie below the average dense limit.
        scale=average_scale(tuple(pair.scale for pair in pairs if pair.sparsities) or design.scales),
        losses=(
            _geometric_mean([pair.losses[0] for pair in pairs if np.isfinite(pair.losses[0])]),
            _geometric_mean([pair.losses[1] for pair in pairs if np.isfinite(pair.losses[1])]),
        ),
    )


def _geometric_mean(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values)))) if values else np.nan


def _record(quantity: Quantity, at: float, pair: Pair, scope: str, setting: str) -> _Record:
    support = quantity.support(pair, at)
    if support == "none":
        values = np.full_like(next(iter(pair.variant.values())), np.nan)
    else:
        values = quantity.compute(pair, at)
    return _Record(scope, setting, support, values)


def _overall(
    quantity: Quantity, at: float, per_setting: list[_Record], new: Pair | None
) -> Iterator[_Record]:
    """Yield the average over the settings and, where there are several, the prediction for a new one."""
    usable = [record for record in per_setting if record.support != "none"]
    if not usable:
        return
    support = "observed" if all(r.support == "observed" for r in usable) else "extrapolated"
    with np.errstate(divide="ignore", invalid="ignore"):
        average = np.exp(np.mean([np.log(r.values) for r in usable], axis=0))
    yield _Record(AVERAGE, "", support, average)
    if new is not None:
        record = _record(quantity, at, new, NEW_SETTING, "")
        # No data of a new setting exists, so nothing about it is observed.
        yield record if record.support == "none" else replace(record, support="extrapolated")


def validate_at(
    frontiers: Frontiers,
    *,
    at_hit: Sequence[float] = (),
    at_l0: Sequence[float] = (),
    at_nats: Sequence[float] = (),
) -> None:
    """Refuse values that the data have no quantity at.

    Raises
    ------
    ValueError
        For a hit outside (0, 1), an L0, a cost or a loss difference that is not positive, or a loss
        difference where the losses are not known.
    """
    for at, values in ((AT_HIT, at_hit), (AT_L0, at_l0), (AT_NATS, at_nats)):
        for value in values:
            if not at.allows(value, bounded=frontiers.bounded):
                allowed = at.words_for(bounded=frontiers.bounded)
                raise ValueError(f"{at.argument} has {value!r}. Allowed: {allowed}.")
    if at_nats and not curve_losses(frontiers):
        raise ValueError(
            "at_nats needs the losses that hits are shares of: columns 'ce_base' and 'ce_ablated'. Add them, "
            "or compare at a hit by at_hit."
        )


def _assemble(
    rows: list[dict[str, object]],
    draws: list[Floats],
    posterior: xr.Dataset,
    frontiers: Frontiers,
    prob: float,
    notes: tuple[str, ...],
    sensitivity: Sensitivity | None,
) -> Improvement:
    n_chains, n_draws = posterior.sizes["chain"], posterior.sizes["draw"]
    labels = ["baseline", "variant", "setting", "scope", "quantity", "at", "support"]
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
    judged = None if sensitivity is None else sensitivity(array)
    table["prior_driven"] = False if judged is None else prior_driven(judged)
    metric = "hit" if frontiers.bounded else "cost"
    return Improvement(_with_setting_columns(table, frontiers), array, notes, metric, judged)


def _with_setting_columns(table: pd.DataFrame, frontiers: Frontiers) -> pd.DataFrame:
    """Put the setting's own columns, blank for the scopes above settings, in the design's order."""
    own = frontiers.setting_table.reindex(table["setting"]).fillna("").astype(str).reset_index(drop=True)
    columns = [
        "scope",
        "quantity",
        "at",
        "median",
        "lower",
        "upper",
        "prob",
        "p_gt_1",
        "support",
        "prior_driven",
    ]
    return pd.concat([table[["baseline", "variant"]], own, table[columns]], axis=1)

"""Improvement factors of each variant over the baseline: per setting, on average, and in a new setting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.estimands.comparisons import (
    LABELS,
    Comparison,
    arranged,
    comparisons,
    setting_coords,
    setting_labels,
    with_group_columns,
)
from hillfront.estimands.prior_sensitivity import prior_driven
from hillfront.estimands.quantities import (
    AT_HIT,
    AT_L0,
    AT_NATS,
    DEFAULT_AT_HIT,
    DEFAULT_AT_L0,
    Quantity,
    quantities_at,
    quantity_named,
)
from hillfront.estimands.scopes import BADGES, badges
from hillfront.frontiers.measurement_error import curve_losses
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.utils.interface import argument, listed
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed, validate_prob
from hillfront.utils.tables import Displayed, TextTable

Floats = NDArray[np.float64]
Sensitivity = Callable[[xr.Dataset], pd.DataFrame]

__all__ = ["Improvement", "Sensitivity", "improvement_of", "interval_of", "validate_at", "values_of"]


@dataclass(frozen=True, repr=False)
class Improvement(Displayed):
    """Improvement factors: a table of summaries, and the draws that they summarise.

    ``fit.improvement().draws["sparsity_gain"].sel(variant="gated", setting="average", hit=0.05)`` are the
    draws behind one row, and ``az.summary(fit.improvement().draws)`` summarises them all.

    Attributes
    ----------
    summary : pandas.DataFrame
        One row a quantity. Columns: baseline, variant, the group columns, scope (``average`` over the
        observed settings, ``new_setting`` or ``setting``), quantity, at (hit, L0 or nats), median, lower,
        upper, prob, p_gt_1, support (``observed``, ``extrapolated`` or ``none``) and prior_driven: whether
        the prior moves it as much as the data do, or more
        (:func:`~hillfront.estimands.prior_sensitivity.prior_driven`); False
        where that is not known.
    draws : xarray.Dataset, dims (chain, draw, variant, setting)
        A variable for each quantity; those taken at a hit (or cost), an L0 or a loss difference have the
        dimension ``hit``, ``l0`` or ``nats`` too. ``setting`` holds ``average`` and ``new_setting``, where
        they exist, and the settings of the table; ``scope`` and the group columns are coordinates along it.
        NaN where the support is ``none``, and where a variant or the baseline has no SAEs.
    support : xarray.Dataset, dims (variant, setting)
        The same variables: ``observed``, ``extrapolated``, ``none``, or empty where nothing is compared.
    notes : tuple of str
        What a reader of the table must know, such as a failed diagnostic.
    metric : str
        What gains are read at: ``hit`` or ``cost``.
    sensitivity : pandas.DataFrame or None
        By quantity, variant, setting and at: the sensitivity to the prior and to the likelihood, what ArviZ
        says of them, and the median with the prior at half its strength; see
        :func:`~hillfront.estimands.prior_sensitivity.sensitivity_of`.
    """

    summary: pd.DataFrame
    draws: xr.Dataset
    support: xr.Dataset
    notes: tuple[str, ...] = ()
    metric: str = "hit"
    sensitivity: pd.DataFrame | None = None

    def _table(self) -> TextTable:
        rows = tuple(
            (
                str(row["variant"]),
                label,
                str(row["quantity"]),
                "" if np.isnan(row["at"]) else f"{row['at']:g}",
                interval_of(row),
                "" if np.isnan(row["p_gt_1"]) else f"{row['p_gt_1']:.3f}",
            )
            for (_, row), label in zip(self.summary.iterrows(), setting_labels(self.summary), strict=True)
        )
        if not rows:
            return TextTable("Nothing to compare.", (), ())
        first = self.summary.iloc[0]
        median = f"median [{first['prob']:.0%} interval]"
        return TextTable(
            f"Against {first['baseline']}: factors above 1 favour the variant",
            ("variant", "setting", "quantity", "at", median, "p_gt_1"),
            rows,
            tuple(words for badge, words in BADGES.items() if any(badge in row[4] for row in rows)),
            names=2,
            right=frozenset({"at", "p_gt_1"}),
        )


def interval_of(row: pd.Series) -> str:
    """Write the median with its interval, and what it rests on."""
    if row["support"] == "none":
        return "no shared range"
    if np.isnan(row["median"]):
        return "undefined in too many draws"
    quantity = quantity_named(row["quantity"])
    return quantity.interval(row["median"], row["lower"], row["upper"]) + badges(row)


def improvement_of(
    posterior: xr.Dataset,
    frontiers: Frontiers,
    design: Design,
    *,
    prob: float = DEFAULT_PROB,
    at_hit: float | Sequence[float] | None = None,
    at_l0: float | Sequence[float] = DEFAULT_AT_L0,
    at_nats: float | Sequence[float] = (),
    random_seed: int = 1,
    notes: tuple[str, ...] = (),
    sensitivity: Sensitivity | None = None,
) -> Improvement:
    """Summarise every improvement factor of every variant; see :meth:`hillfront.FrontierFit.improvement`.

    ``sensitivity`` judges the draws of the table; without it, ``prior_driven`` is False throughout.
    """
    validate_prob(prob)
    if at_hit is None:
        at_hit = DEFAULT_AT_HIT if frontiers.bounded else ()
    at_hit, at_l0, at_nats = listed(at_hit), listed(at_l0), listed(at_nats)
    validate_at(frontiers, at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
    quantities = quantities_at(design.family, {AT_HIT: at_hit, AT_L0: at_l0, AT_NATS: at_nats})
    compared = list(comparisons(posterior, frontiers, design, random_seed=random_seed))
    found = list(values_of(compared, quantities))
    labels = [own[:-1] for own in found]
    table = pd.DataFrame(labels, columns=["variant", "setting", "quantity", "at", "support"])
    n_samples = posterior.sizes["chain"] * posterior.sizes["draw"]
    values = np.reshape([own[-1] for own in found], (len(found), n_samples))
    coords = setting_coords(compared, posterior, frontiers, design)
    draws, supports = _datasets(quantities, table, values, coords)
    judged = None if sensitivity is None else sensitivity(draws)
    lower, median, upper = equal_tailed(values, prob=prob)
    table = table.assign(
        baseline=design.baseline,
        median=median,
        lower=lower,
        upper=upper,
        prob=prob,
        p_gt_1=np.where(np.isnan(median), np.nan, (values > 1.0).mean(axis=-1)),
        prior_driven=False
        if judged is None
        else prior_driven(judged.reindex(pd.MultiIndex.from_frame(table[list(LABELS)]))),
    )
    columns = ["baseline", "variant", "setting", "quantity", "at", "median", "lower", "upper", "prob"]
    table = table[[*columns, "p_gt_1", "support", "prior_driven"]]
    metric = "hit" if frontiers.bounded else "cost"
    return Improvement(with_group_columns(table, frontiers), draws, supports, notes, metric, judged)


def values_of(
    compared: Iterable[Comparison], asked: Mapping[Quantity, Sequence[float]]
) -> Iterator[tuple[str, str, str, float, str, Floats]]:
    """Yield variant, label along ``setting``, quantity, at, support and draws of all that is asked for."""
    for variant, own in groupby(compared, key=lambda comparison: comparison.variant):
        of_variant = list(own)
        for quantity, at in ((kind, at) for kind, several in asked.items() for at in several):
            for setting, (support, values) in quantity.of_scopes(of_variant, at).items():
                yield variant, setting, quantity.name, at, support, values


def _datasets(
    quantities: Mapping[Quantity, Sequence[float]],
    table: pd.DataFrame,
    values: Floats,
    coords: Mapping[str, Any],
) -> tuple[xr.Dataset, xr.Dataset]:
    """Arrange the draws, and the supports, by quantity, variant, setting and what they are taken at."""
    by_chain = values.reshape(len(values), len(coords["chain"]), len(coords["draw"]))
    at_coords: dict[str, Sequence[float]] = {}
    draws, supports = {}, {}
    for quantity, several in quantities.items():
        own = table[table["quantity"] == quantity.name]
        along = {dim: coords[dim] for dim in ("variant", "setting")}
        if quantity.at is not None:
            along[quantity.at.dim] = at_coords[quantity.at.dim] = list(dict.fromkeys(several))
            own = own.rename(columns={"at": quantity.at.dim})
        draws[quantity.name] = arranged(own, by_chain[own.index], along, blank=np.nan)
        supports[quantity.name] = arranged(own, own["support"].to_numpy(dtype=object), along, blank="")
    kept = {name: values for name, values in coords.items() if name not in ("chain", "draw")}
    return xr.Dataset(draws, {**coords, **at_coords}), xr.Dataset(supports, {**kept, **at_coords})


def validate_at(
    frontiers: Frontiers,
    *,
    at_hit: float | Sequence[float] = (),
    at_l0: float | Sequence[float] = (),
    at_nats: float | Sequence[float] = (),
) -> None:
    """Refuse values that the data have no quantity at.

    Raises
    ------
    ValueError
        For a hit outside (0, 1), an L0, a cost or a loss difference that is not positive, or a loss
        difference where the losses are not known.
    """
    for at, values in ((AT_HIT, at_hit), (AT_L0, at_l0), (AT_NATS, at_nats)):
        for value in listed(values):
            if not at.allows(value, bounded=frontiers.bounded):
                allowed = at.words_for(bounded=frontiers.bounded)
                raise ValueError(f"{argument(at.argument)} has {value!r}. Allowed: {allowed}.")
    if listed(at_nats) and not curve_losses(frontiers):
        raise ValueError(
            "A gain at a loss difference needs the losses that hits are shares of: columns 'ce_base' and "
            "'ce_ablated'. Add them, or compare at a hit."
        )

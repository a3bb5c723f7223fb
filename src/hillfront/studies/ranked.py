"""The subject of a calibration study: one truth among the draws of a refit, both read by the same code."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hillfront.estimands.draws import curve_draws, sample_axis_last
from hillfront.estimands.improvement import Improvement, improvement_of
from hillfront.estimands.pareto import Pareto, pareto_of
from hillfront.estimands.predict import at_rows, noise_draws
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.studies.rank_bands import rank_of
from hillfront.studies.simulated import Refit

__all__ = ["BETTER", "RANK_DRAWS", "compared_with_truth", "refused", "simulated_y"]

Floats = NDArray[np.float64]

RANK_DRAWS: Final = 100
"""Draws that a truth is ranked among: every 20th of a refit's, which leaves them nearly independent."""

BETTER: Final = "better everywhere"
"""Name of the rows that hold ``p_better`` beside whether it is so."""

NO_RANGE: Final = "no shared range"


def simulated_y(
    truth: xr.Dataset, frontiers: Frontiers, design: Design, *, rng: np.random.Generator
) -> Floats:
    """Draw y of every row of a table by the model's own observation law, from a posterior of one draw."""
    expected, noise = at_rows(truth, frontiers, design), noise_draws(truth, design)
    return design.likelihood.draws(rng, expected, noise)[:, 0]


def refused(reason: str) -> list[dict[str, Any]]:
    """Return the row of a set whose data cannot be fitted, with the reason."""
    return [{"quantity": "", "where": "", "left_out": reason}]


def compared_with_truth(
    truth: xr.Dataset, found: Refit, frontiers: Frontiers, design: Design, *, random_seed: int
) -> list[dict[str, Any]]:
    """Rank every quantity of the truth among the draws of a refit.

    Gains are those over the ranges of the simulated table, for the truth as for the draws. The truth of a new
    setting is one setting drawn from the true hyperparameters, and what is ranked is the prediction for it.

    Parameters
    ----------
    truth : xarray.Dataset
        A posterior of one draw.
    found : Refit
    frontiers : Frontiers
        The data that were fitted.
    design : Design
    random_seed : int
        Of the new setting and of the ranks; another than that of the refit, which would make its predictions
        from the same random numbers.

    Returns
    -------
    list of dict
        One row a quantity: quantity, where, truth, rank, draws (that it was ranked among), place (its
        position in (0, 1), named as in saved work files; see
        :func:`hillfront.studies.rank_bands.rank_of`), ess (bulk effective sample size of all draws),
        left_out (the reason where the data have no such quantity), divergences, kept_draws; and a row for
        each variant's verdict: truth (1 if it is better everywhere), p_better.
    """
    rng = np.random.default_rng([random_seed, 1])
    setting = _setting(frontiers, design)
    at_hit = sorted(set(found.improvement.summary["at"].dropna()))
    own = improvement_of(truth, frontiers, design, at_hit=at_hit, at_l0=[], random_seed=random_seed)
    values = _parameters(truth, design, setting) | _gains(own, design, setting, at_hit)
    draws = _parameters(found.posterior, design, setting) | _gains(found.improvement, design, setting, at_hit)
    fitted = {"divergences": found.divergences, "kept_draws": found.kept_draws}
    rows: list[dict[str, Any]] = []
    for (quantity, where), several in draws.items():
        ranks: dict[str, Any] = {"left_out": NO_RANGE}
        value = values[quantity, where]
        if several is not None and value is not None:  # both or neither: that depends on the data alone
            ranks = {"left_out": "", **_ranked(value.item(), several, rng)}
        rows.append({"quantity": quantity, "where": where, **fitted, **ranks})
    real = pareto_of(truth, frontiers, design, random_seed=random_seed)
    for variant in design.variants[1:]:
        p, so = _p_better(found.pareto, variant), _p_better(real, variant)
        about = {"quantity": BETTER, "where": f"{variant}, average", **fitted}
        rows.append(about | {"truth": so, "p_better": p, "left_out": NO_RANGE if p is None else ""})
    return rows


def _ranked(truth: float, draws: Floats, rng: np.random.Generator) -> dict[str, Any]:
    """Rank one value among thinned draws, of shape (chain, draw)."""
    from arviz_stats.base import array_stats

    thinned = draws[:, :: max(1, draws.size // RANK_DRAWS)].ravel()
    rank, position = rank_of(truth, thinned, rng=rng)
    ess = float(array_stats.ess(draws, -2, -1, method="bulk")) if np.isfinite(draws).all() else np.nan
    return {"truth": truth, "rank": rank, "draws": int(thinned.size), "place": position, "ess": ess}


def _setting(frontiers: Frontiers, design: Design) -> str:
    """Return the first setting in which the first variant is beside the baseline, else the first setting."""
    there = {(variant, setting) for variant, setting, _ in frontiers.curves()}
    both = (g for g in design.settings if {(variant, g) for variant in design.variants[:2]} <= there)
    return next(both, design.settings[0])


def _parameters(posterior: xr.Dataset, design: Design, setting: str) -> dict[tuple[str, str], Floats | None]:
    """Return parameters that are not fixed: curves of one setting, effects' deviations, and the noise."""
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    g = design.settings.index(setting)
    out: dict[tuple[str, str], Floats | None] = {}
    curves = curve_draws(posterior, design)
    for index, variant in reversed(list(enumerate(design.variants[:2]))):
        for name, values in curves.items():
            if not isinstance(design.pooling.get(name), float):
                out[name, f"{variant}, {setting}"] = values[g, index].reshape(shape)
    sds = [str(name) for name in posterior if str(name).endswith("_sd")]
    for name in (*sds, *design.likelihood.parameters):
        if name in posterior:
            out[name, ""] = sample_axis_last(posterior[name]).reshape(shape)
    return out


def _gains(
    improvement: Improvement, design: Design, setting: str, at_hit: list[float]
) -> dict[tuple[str, str], Floats | None]:
    """Return gains of every variant on average, and of the first in one setting and in a new one."""
    several = len(design.settings) > 1
    unseen = several and "none" not in design.pooling.values()
    quantities: list[tuple[str, str, dict[str, float]]] = [
        ("mean_sparsity_gain", "mean_sparsity_gain", {}),
        *((f"sparsity_gain at {at:g}", "sparsity_gain", {"hit": at}) for at in at_hit),
    ]
    of_first = {setting: setting} if several else {}
    if unseen:
        of_first["new_setting"] = "new setting"
    out: dict[tuple[str, str], Floats | None] = {}
    for index, variant in enumerate(design.variants[1:]):
        labels = {"average": "average"} | (of_first if index == 0 else {})
        for (name, quantity, at), (label, where) in product(quantities, labels.items()):
            chosen = {"variant": variant, "setting": label, **at}
            # None where the data have no such gain.
            found = None
            if label in improvement.draws["setting"]:
                support = improvement.support[quantity].sel(chosen).item()
                if support not in ("", "none"):
                    found = improvement.draws[quantity].sel(chosen).to_numpy()
            out[name, f"{variant}, {where}"] = found
    return out


def _p_better(pareto: Pareto, variant: str) -> float | None:
    """Return the probability that a variant is better everywhere on average; None where there is no range."""
    table = pareto.summary
    found = table.loc[(table["variant"] == variant) & (table["scope"] == "average"), "p_better"]
    return None if found.empty else float(found.iloc[0])

"""Simulation-based calibration: are posteriors right wherever the priors reach?

Parameters are drawn from the priors, data from the model, and the model is fitted to them. Whatever the model
is, the true values are then spread among the posterior draws like one draw more (S. Talts, M. Betancourt,
D. Simpson, A. Vehtari and A. Gelman 2018, Validating Bayesian inference algorithms with simulation-based
calibration, arXiv:1804.06788), and claims made with probability p are true in a share p of the sets. What
fails is the sampler, the model's code or a formula of a gain; whether real data are like the model is another
matter.
"""

from __future__ import annotations

import warnings
from typing import Any, Final, Unpack

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from hillfront.fits.fitting import PreparedModel
from hillfront.fits.simulation import simulate
from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.studies.engine import RunOptions, Task, run_cases
from hillfront.studies.rank_bands import MIN_SETS, rank_ecdf
from hillfront.studies.ranked import BETTER, compared_with_truth, refused, simulated_y
from hillfront.studies.simulated import AT_HIT, prepared_for, refit

__all__ = [
    "calibration",
    "calibration_table",
    "one_set",
    "prior_draw",
    "simulated_set",
    "validate_sets",
    "verdict_table",
]

VERDICT_BINS: Final = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
_RANKED: Final = ("quantity", "where", "sets", "left_out")
_COLUMNS: Final = (*_RANKED, "inside", "excursion", "p", "mean", "spread", "ess", "diverged")


def validate_sets(sets: int, workers: int) -> None:
    """Refuse a study without sets or workers."""
    if sets < 1 or workers < 1:
        raise ValueError(f"sets={sets}, workers={workers}: give 1 or more of each.")


def calibration(
    *, points: int = 4, settings: int = 3, sets: int = 100, **options: Unpack[RunOptions]
) -> pd.DataFrame:
    """Draw from the priors, simulate, fit, and rank the truth: two variants in so many settings.

    Parameters
    ----------
    points, settings : int
        SAEs of each curve, at L0 values from 10 to 200, evenly spaced in log L0, and settings.
    sets : int
    **options
        As for :func:`hillfront.studies.engine.run_cases`. A set depends on the seed and its own number alone.

    Returns
    -------
    pandas.DataFrame
        One row a set and quantity; see :func:`hillfront.studies.ranked.compared_with_truth`. A set whose
        table cannot be fitted, because a curve has no positive hit, is one row with the reason in
        ``left_out``. That depends on the data alone, so the others stay calibrated without it.

    Raises
    ------
    ValueError
        For fewer than one set, worker, point or setting.
    """
    validate_sets(sets, options.get("workers", 1))
    if points < 1 or settings < 1:
        raise ValueError(f"points={points}, settings={settings}: give 1 or more of each.")
    case = {"points": points, "settings": settings}
    return run_cases("calibration", one_set, [case], sets=sets, **options)


def one_set(task: Task) -> list[dict[str, Any]]:
    """Simulate one set and compare its refit with the truth."""
    prepared = prepared_for(settings=task.case["settings"])
    truth = prior_draw(prepared, random_seed=task.random_seed)
    try:
        frontiers = simulated_set(truth, prepared, points=task.case["points"], random_seed=task.random_seed)
    except FrontierDataError as error:
        return refused("; ".join(fault.kind for fault in error.faults))
    found = refit(prepared, frontiers, at_hit=[AT_HIT], random_seed=task.random_seed)
    return compared_with_truth(truth, found, frontiers, prepared.design, random_seed=task.random_seed + 1)


def prior_draw(prepared: PreparedModel, *, random_seed: int) -> xr.Dataset:
    """Draw every reported parameter once from the model's own prior, as a posterior of one draw."""
    draws = prepared.sampler.prior(draws=1, random_seed=random_seed)
    fixed = {f"fixed_{name}": prior for name, prior in prepared.priors.items() if isinstance(prior, float)}
    return draws.assign_attrs(fixed)


def simulated_set(truth: xr.Dataset, prepared: PreparedModel, *, points: int, random_seed: int) -> Frontiers:
    """Return the table of the design, its hits drawn from the truth.

    Raises
    ------
    FrontierDataError
        If they cannot be fitted.
    """
    design = prepared.design
    at = simulate(settings=len(design.settings), points=points, random_seed=1).frontiers
    y = simulated_y(truth, at, design, rng=np.random.default_rng([random_seed, 0]))
    frame = at.table[["variant", "setting", "l0"]].assign(performance_hit=y)
    with warnings.catch_warnings():
        # Priors reach further than real data: few points inside (0, 1), or none on a shared range.
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(frame, group="setting")


def calibration_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Whether the ranks of each quantity are uniform.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`calibration`, or
        :func:`hillfront.studies.posterior_calibration.posterior_calibration`.

    Returns
    -------
    pandas.DataFrame
        quantity; where; sets (that were ranked); left_out (sets whose data have no such quantity); inside,
        whether the empirical distribution function of the ranks stays in its 95% band; excursion, how far it
        comes towards the edge of the band (1 touches it); p, how often it strays as far in a calibrated
        posterior; mean of the ranks in (0, 1), 0.5 if calibrated, above it where posteriors are too low;
        spread, their standard deviation over that of a uniform distribution, above 1 where posteriors are
        too narrow; ess, the bulk effective sample size that 95% of the fits reach; diverged, the share of
        fits with a divergence. One quantity in twenty leaves its band by
        chance. Fewer than three sets have no band.
    """
    good = rows[rows["error"] == ""]
    if good.empty or "place" not in good:
        return pd.DataFrame(columns=_COLUMNS)
    whole = int((good["quantity"] == "").sum())
    ranked = good[~good["quantity"].isin(["", BETTER])]
    found = [
        {"quantity": quantity, "where": where, **_of_quantity(own, whole)}
        for (quantity, where), own in ranked.groupby(["quantity", "where"], sort=False)
    ]
    return pd.DataFrame(found, columns=_COLUMNS)


def _of_quantity(rows: pd.DataFrame, refused_sets: int) -> dict[str, Any]:
    positions = rows["place"].dropna().to_numpy(np.float64)
    row: dict[str, Any] = {
        "sets": positions.size,
        "left_out": len(rows) - positions.size + refused_sets,
        "diverged": float((rows["divergences"] > 0).mean()),
    }
    if positions.size < MIN_SETS:
        return row
    ecdf = rank_ecdf(positions)
    return row | {
        "inside": ecdf.inside,
        "excursion": ecdf.excursion,
        "p": ecdf.p,
        "mean": float(positions.mean()),
        "spread": float(positions.std() * np.sqrt(12.0)),
        "ess": float(rows["ess"].quantile(0.05)),
    }


def verdict_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of sets where the variant is better everywhere, beside what posteriors said.

    Parameters
    ----------
    rows : pandas.DataFrame
        As for :func:`calibration_table`.

    Returns
    -------
    pandas.DataFrame
        where; low, high (a bin of p_better, or 0 and 1 for all sets together); sets; p_better (its mean);
        better (the share of sets where it is so); lower, upper (its exact binomial 95% interval). Empty bins
        are left out.
    """
    found = []
    good = rows[rows["error"] == ""]
    judged = good[good["quantity"] == BETTER].dropna(subset="p_better") if "p_better" in good else good[:0]
    edges = np.array(VERDICT_BINS)
    for where, own in judged.groupby("where", sort=False):
        index = np.clip(np.searchsorted(edges, own["p_better"], side="right") - 1, 0, len(edges) - 2)
        parts = [(edges[i], edges[i + 1], own[index == i]) for i in range(len(edges) - 1)]
        for low, high, part in [*parts, (0.0, 1.0, own)]:
            if part.empty:
                continue
            better = int(part["truth"].sum())
            ends = stats.binomtest(better, len(part)).proportion_ci(0.95)
            share = (float(part["p_better"].mean()), better / len(part), float(ends.low), float(ends.high))
            found.append((where, low, high, len(part), *share))
    names = ["where", "low", "high", "sets", "p_better", "better", "lower", "upper"]
    return pd.DataFrame(found, columns=names)

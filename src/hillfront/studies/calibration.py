"""Simulation-based calibration: are posteriors right wherever the priors reach, and for one's own data?

Parameters are drawn from the priors, data from the model, and the model is fitted to them. Whatever the model
is, the true values are then spread among the posterior draws like one draw more (S. Talts, M. Betancourt,
D. Simpson, A. Vehtari and A. Gelman 2018, Validating Bayesian inference algorithms with simulation-based
calibration, arXiv:1804.06788), and claims made with probability p are true in a share p of the sets. What
fails is the sampler, the model's code or a formula of a gain; whether real data are like the model is another
matter.

The priors reach far beyond any one table. In posterior calibration the truth is a draw of the posterior of a
user's own data; new data are simulated at the same rows, and the model is fitted to both tables together. The
truth is then one more draw of that posterior, whatever the data are (T. Säilynoja, M. Schmitt, P.-C. Bürkner
and A. Vehtari 2025, Posterior SBC, arXiv:2502.03279).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, Final, Unpack

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from hillfront.fits.fitting import PreparedModel, prepare
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.measurement_error import known_errors
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.model.priors import priors_from_json
from hillfront.studies.engine import RunOptions, Task, run_cases
from hillfront.studies.rank_bands import MIN_SETS, rank_ecdf
from hillfront.studies.ranked import BETTER, compared_with_truth, refused, simulated_y
from hillfront.studies.simulated import AT_HIT, prepared_for, quiet_frontiers, refit

__all__ = [
    "augmented",
    "calibration",
    "calibration_table",
    "one_set",
    "posterior_calibration",
    "prior_draw",
    "simulated_set",
    "verdict_table",
]

VERDICT_BINS: Final = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
_IDENTITY: Final = ("data_hash", "design", "priors", "sampler_options")
_RANKED: Final = ("quantity", "where", "sets", "left_out")
_COLUMNS: Final = (*_RANKED, "inside", "excursion", "p", "mean", "spread", "ess", "diverged")


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
    # Priors reach further than real data: few points inside (0, 1), or none on a shared range.
    return quiet_frontiers(frame, group="setting")


@dataclass(frozen=True)
class _Observed:
    """A fit, as other processes need it; its key stands for all of it."""

    key: str
    priors: str
    frontiers: Frontiers = field(compare=False)
    design: Design = field(compare=False)
    posterior: xr.Dataset = field(compare=False)


def posterior_calibration(
    fit: FrontierFit, *, sets: int = 100, **options: Unpack[RunOptions]
) -> pd.DataFrame:
    """Draw from the posterior of a fit, simulate at its rows, refit to both tables, and rank the truth.

    Errors of losses that the SAEs of a setting share are part of the truth, and the same for both tables.

    Parameters
    ----------
    fit : FrontierFit
        Of any table, curve family, noise and priors.
    sets : int
    **options
        As for :func:`hillfront.studies.engine.run_cases`. Sets of another fit in the same work file do not
        count.

    Returns
    -------
    pandas.DataFrame
        As from :func:`calibration`, with the column ``fit``, a name made of its data and sampler_options.

    Raises
    ------
    ValueError
        For fewer than one set or worker.
    """
    observed = _observed(fit)
    case = {"fit": observed.key}
    return run_cases("posterior calibration", partial(_one_set, observed), [case], sets=sets, **options)


def augmented(frontiers: Frontiers, y: NDArray[np.float64]) -> Frontiers:
    """Add to every row of a table one at the same L0 with another hit."""
    table = frontiers.table
    more = table.assign(**{frontiers.metric: y, "row": table["row"] + table["row"].max() + 1})
    return replace(frontiers, table=pd.concat([table, more], ignore_index=True), warnings=())


def _observed(fit: FrontierFit) -> _Observed:
    design, frontiers = fit.design, fit.frontiers
    errors = known_errors(frontiers, design.shared_settings)["se"]
    if not design.shared_errors and errors.any():
        # What losses say of an error depends on the hit: it must not change with the simulated one.
        frontiers = replace(frontiers, table=frontiers.table.assign(se=errors), from_losses=False)
    about = {name: fit.data.attrs[name] for name in _IDENTITY}
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
    return _Observed(key, fit.data.attrs["priors"], frontiers, design, fit.data["posterior"].to_dataset())


@lru_cache(maxsize=1)
def _prepared(observed: _Observed) -> PreparedModel:
    design = observed.design
    return prepare(
        observed.frontiers,
        baseline=design.baseline,
        curve=design.curve,
        pool=design.pooling,
        priors=priors_from_json(json.loads(observed.priors)),
        hit_ref=design.hit_ref,
        noise=design.noise,
        dense_limit=design.dense_limit,
        relative_sparsity=design.relative_sparsity,
    )


def _one_set(observed: _Observed, task: Task) -> list[dict[str, Any]]:
    prepared, posterior, frontiers = _prepared(observed), observed.posterior, observed.frontiers
    rng = np.random.default_rng([task.random_seed, 0])
    truth = posterior.isel({name: [int(rng.integers(posterior.sizes[name]))] for name in ("chain", "draw")})
    y = simulated_y(truth, frontiers, prepared.design, rng=rng)
    if not np.isfinite(y).all():
        return refused("y not finite")
    both = augmented(frontiers, y)
    at_hit = [AT_HIT] if frontiers.bounded else []
    found = refit(prepared, both, at_hit=at_hit, random_seed=task.random_seed)
    return compared_with_truth(truth, found, both, prepared.design, random_seed=task.random_seed + 1)


def calibration_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Judge whether the ranks of each quantity are uniform.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`calibration` or :func:`posterior_calibration`.

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
    refused_sets = int((good["quantity"] == "").sum())
    ranked = good[~good["quantity"].isin(["", BETTER])]
    found = []
    for (quantity, where), own in ranked.groupby(["quantity", "where"], sort=False):
        positions = own["place"].dropna().to_numpy(np.float64)
        row: dict[str, Any] = {
            "quantity": quantity,
            "where": where,
            "sets": positions.size,
            "left_out": len(own) - positions.size + refused_sets,
            "diverged": float((own["divergences"] > 0).mean()),
        }
        if positions.size >= MIN_SETS:
            ecdf = rank_ecdf(positions)
            row |= {
                "inside": ecdf.inside,
                "excursion": ecdf.excursion,
                "p": ecdf.p,
                "mean": float(positions.mean()),
                "spread": float(positions.std() * np.sqrt(12.0)),
                "ess": float(own["ess"].quantile(0.05)),
            }
        found.append(row)
    return pd.DataFrame(found, columns=_COLUMNS)


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
    bins = [*pairwise(VERDICT_BINS), (0.0, 1.0)]
    for where, own in judged.groupby("where", sort=False):
        for low, high in bins:
            # The last edge, 1, belongs to the bin below it.
            part = own[(own["p_better"] >= low) & ((own["p_better"] < high) | (high == 1.0))]
            if part.empty:
                continue
            better = int(part["truth"].sum())
            ends = stats.binomtest(better, len(part)).proportion_ci(0.95)
            share = (float(part["p_better"].mean()), better / len(part), float(ends.low), float(ends.high))
            found.append((where, low, high, len(part), *share))
    names = ["where", "low", "high", "sets", "p_better", "better", "lower", "upper"]
    return pd.DataFrame(found, columns=names)

"""Simulated sets of known truth, and their fits: one compiled model a table's design and process.

600 kept draws of 4 chains leave at least 400 effective ones of the reported gains in nearly all fits, at a
third of the cost of a fit's defaults; model, priors and target acceptance are those of a fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from hillfront.estimands.improvement import Improvement, improvement_of
from hillfront.estimands.pareto import Pareto, pareto_of
from hillfront.fits.fitting import PreparedModel, prepare
from hillfront.fits.simulation import Simulation, simulate
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.utils.intervals import DEFAULT_PROB

__all__ = [
    "AT_HIT",
    "DEPARTURES",
    "DRAWS",
    "TUNE",
    "Refit",
    "chance_band",
    "prepared_for",
    "quiet_frontiers",
    "refit",
    "simulated_set",
    "wilson",
    "wilsons",
    "with_outcomes",
]

AT_HIT: Final = 0.05
K: Final[Mapping[str, float]] = {"baseline": 0.9, "variant": 0.8}
DEPARTURES: Final[Mapping[str, Mapping[str, Any]]] = {
    "normal": {},
    "heavy-tails": {"nu": 3.0},
    "outliers": {"outliers": 0.05},
    "additive": {"tau": 0.003},
    "wrong-family": {"curve": "power"},
    "dense-limit": {"dense_limit": 512.0},
}
"""Departures of simulated hits from the fitted model, by name: arguments of `hillfront.simulate`."""

DRAWS: Final = 600
TUNE: Final = 400


def quiet_frontiers(rows: pd.DataFrame, **options: Any) -> Frontiers:
    """Read a table by `hillfront.Frontiers.from_frame`, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(rows, **options)


def simulated_set(
    *, points: int, settings: int, sigma: float, gain: float, noise: str, random_seed: int
) -> Simulation:
    """Simulate a baseline with k = 0.9 and a variant with k = 0.8; identical curves for a gain of 1.

    ``gain`` is the true gain at a hit of 0.05, in every setting, and ``noise`` a name in :data:`DEPARTURES`.
    """
    return simulate(
        points=points,
        settings=settings,
        sigma=sigma,
        gain=gain,
        k=K["baseline"] if gain == 1.0 else K,
        at_hit=(AT_HIT,),
        random_seed=random_seed,
        **DEPARTURES[noise],
    )


@dataclass(frozen=True)
class Refit:
    """The results that studies read of a fit.

    Attributes
    ----------
    posterior : xarray.Dataset, dims (chain, draw, ...)
    improvement : Improvement
        At the hits that were asked for, and at no L0.
    pareto : Pareto
    divergences : int
    """

    posterior: xr.Dataset
    improvement: Improvement
    pareto: Pareto
    divergences: int

    @property
    def kept_draws(self) -> int:
        """Draws kept of each chain, which rows note because a resumed study may hold those of several."""
        return int(self.posterior.sizes["draw"])

    @property
    def sigma(self) -> float:
        """Posterior median of the scatter."""
        return float(self.posterior["sigma"].median())

    @property
    def verdict(self) -> str:
        """Verdict on the average over the settings."""
        table = self.pareto.summary
        found = table.loc[table["scope"] == "average", "verdict"]
        return str(found.iloc[0]) if len(found) else "no shared range"

    def average(self, quantity: str = "mean_sparsity_gain") -> dict[str, float]:
        """Return lower, median and upper of a gain on average over the settings, or nothing without one."""
        table = self.improvement.summary
        found = table[(table["scope"] == "average") & (table["quantity"] == quantity)]
        return {name: float(found[name].iloc[0]) for name in ("lower", "median", "upper") if len(found)}

    @property
    def about(self) -> dict[str, Any]:
        """Columns that rows of every study hold of a fit."""
        return {"verdict": self.verdict, "divergences": self.divergences, "kept_draws": self.kept_draws}


# Room for a grid of four sizes with three known sigmas, which a study visits in turn.
@lru_cache(maxsize=16)
def prepared_for(*, settings: int, sigma: float | None = None, n_trained: int | None = None) -> PreparedModel:
    """Prepare the model of two simulated variants in so many settings, once a process.

    Parameters
    ----------
    settings : int
    sigma : float, optional
        A scatter that is known.
    n_trained : int, optional
        If given, tables have a number of trained SAEs: any number, since it is data.
    """
    frontiers = simulate(settings=settings, n_trained=n_trained, random_seed=1).frontiers
    return prepare(frontiers, baseline="baseline", priors=None if sigma is None else {"sigma": sigma})


def refit(
    prepared: PreparedModel, frontiers: Frontiers, *, at_hit: Sequence[float] = (0.05,), random_seed: int
) -> Refit:
    """Fit a table of the design on one core.

    Parameters
    ----------
    prepared : PreparedModel
    frontiers : Frontiers
        The rows of its curves, as many as there are.
    at_hit : sequence of float
        Hits at which gains are read.
    random_seed : int
        Of the chains and of the predictions for a new setting.
    """
    sampler_options = SamplerOptions(draws=DRAWS, tune=TUNE, random_seed=random_seed)
    posterior, statistics = prepared.sample(frontiers, sampler_options, cores=1)
    design = prepared.design
    return Refit(
        posterior,
        improvement_of(posterior, frontiers, design, at_hit=at_hit, at_l0=[], random_seed=random_seed),
        pareto_of(posterior, frontiers, design, random_seed=random_seed),
        int(statistics["diverging"].sum()),
    )


def wilson(n: int, sets: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share.

    Returns
    -------
    lower, upper : float
        NaN without any set.

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22, 209-212.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(45, 50)]
    [0.808, 0.95]
    """
    if sets == 0:
        return np.nan, np.nan
    ends = stats.binomtest(n, sets).proportion_ci(DEFAULT_PROB, method="wilson")
    return float(ends.low), float(ends.high)


def chance_band(share: float, sets: int) -> tuple[float, float]:
    """Return where the share of so many sets lies by chance alone, if the true share is as given.

    Examples
    --------
    >>> chance_band(0.9, 100)
    (0.85, 0.95)
    """
    low, high = stats.binom.interval(DEFAULT_PROB, sets, share)
    return float(low / sets), float(high / sets)


def with_outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """Add whether intervals hold the truth, their log widths and whether fits diverged; NaN without any."""
    fitted = rows["error"] == ""
    bounded = fitted & rows["lower"].notna()
    return rows.assign(
        inside=rows["truth"].between(rows["lower"], rows["upper"]).astype(float).where(bounded),
        log_width=np.log((rows["upper"] / rows["lower"]).where(bounded).to_numpy()),
        diverged=(rows["divergences"] > 0).astype(float).where(fitted & rows["divergences"].notna()),
    )


def wilsons(counts: pd.Series, sets: pd.Series) -> list[tuple[float, float]]:
    """Return the interval of each of several shares."""
    return [wilson(int(n), int(of)) for n, of in zip(counts, sets, strict=True)]

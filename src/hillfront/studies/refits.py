"""Fits of simulated sets: one compiled model for each design and process, sampled just long enough.

600 kept draws of 4 chains leave at least 400 effective ones of the reported gains in nearly all fits, at a
third of the cost of a fit's defaults; model, priors and target acceptance are those of a fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import xarray as xr

from hillfront.estimands.improvement import Improvement, improvement_of
from hillfront.estimands.pareto import Pareto, pareto_of
from hillfront.fits.fitting import PreparedModel, prepare
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import Frontiers
from hillfront.sampling.nutpie_run import SamplerOptions

__all__ = ["DRAWS", "TUNE", "Refit", "prepared_for", "refit"]

DRAWS: Final = 600
TUNE: Final = 400


@dataclass(frozen=True)
class Refit:
    """What studies read of a fit.

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
    def verdict(self) -> str:
        """Verdict on the average over the settings."""
        table = self.pareto.summary
        found = table.loc[table["scope"] == "average", "verdict"]
        return str(found.iloc[0]) if len(found) else "no shared range"


def prepared_for(*, settings: int, sigma: float | None = None) -> PreparedModel:
    """Model of two simulated variants in so many settings, prepared once a process."""
    return _prepared(settings, sigma)


# Room for a grid of four sizes with three told sigmas, which a study visits in turn.
@lru_cache(maxsize=16)
def _prepared(settings: int, sigma: float | None) -> PreparedModel:
    frontiers = simulate(settings=settings, random_seed=1).frontiers
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

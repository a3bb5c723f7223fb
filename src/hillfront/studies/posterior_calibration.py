"""Posterior simulation-based calibration: are posteriors right for data like one's own?

The priors reach far beyond any one table. Here the truth is a draw of the posterior of a user's own data;
new data are simulated at the same rows, and the model is fitted to both tables together. The truth is then
one more draw of that posterior, whatever the data are (T. Säilynoja, M. Schmitt, P.-C. Bürkner and A. Vehtari
2025, Posterior SBC, arXiv:2502.03279).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, Final, Unpack

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.fits.fitting import PreparedModel, prepare
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.measurement_error import known_errors
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.model.priors import priors_from_json
from hillfront.studies.calibration import validate_sets
from hillfront.studies.engine import RunOptions, Task, run_cases
from hillfront.studies.ranked import compared_with_truth, refused, simulated_y
from hillfront.studies.simulated import AT_HIT, refit

__all__ = ["augmented", "posterior_calibration"]

_IDENTITY: Final = ("data_hash", "design", "priors", "sampler_options")


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
        As from :func:`hillfront.studies.calibration.calibration`, with the column ``fit``, a name made of its
        data and sampler_options.

    Raises
    ------
    ValueError
        For fewer than one set or worker.
    """
    validate_sets(sets, options.get("workers", 1))
    observed = _observed(fit)
    one_set = partial(_one_set, observed)
    return run_cases("posterior calibration", one_set, [{"fit": observed.key}], sets=sets, **options)


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

"""The ArviZ DataTree of a fit: draws and data, with all that is needed to repeat it in the attributes."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from hillfront.estimands.predict import pointwise
from hillfront.fits.storage import FORMAT
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.model.priors import priors_to_json
from hillfront.sampling.nutpie_run import SamplerOptions

__all__ = ["fit_tree"]

_VERSIONED = ("hillfront", "pymc", "nutpie", "arviz", "numpy", "xarray", "pandas")


def fit_tree(
    posterior: xr.Dataset,
    stats: xr.Dataset,
    frontiers: Frontiers,
    design: Design,
    sampler_options: SamplerOptions,
    *,
    prior: xr.Dataset,
    log_prior: xr.Dataset,
    priors: Mapping[str, Any],
) -> xr.DataTree:
    """Put a fit together.

    Parameters
    ----------
    posterior, stats : xarray.Dataset, dims (chain, draw, ...)
    frontiers : Frontiers
        The data that were fitted.
    design : Design
    sampler_options : SamplerOptions
    prior : xarray.Dataset
        Draws of the prior, whose predictions are kept too.
    log_prior : xarray.Dataset
        Log densities of the top-level priors at the posterior draws.
    priors : mapping of str to Prior or float

    Returns
    -------
    xarray.DataTree
        With the groups that :class:`hillfront.FrontierFit` lists.
    """
    from arviz_base import make_attrs

    rng = np.random.default_rng([sampler_options.random_seed, 3])
    predictive, log_likelihood = pointwise(posterior, frontiers, design, rng=rng)
    prior_predictive, _ = pointwise(prior, frontiers, design, rng=rng)
    table = frontiers.table
    of_rows = {
        "l0": table["l0"].to_numpy(),
        "sparsity": table["sparsity"].to_numpy(),
        # Named apart from the dims of the posterior.
        "variant_of_row": table["variant"].to_numpy(dtype="U"),
        "setting_of_row": table["setting"].to_numpy(dtype="U"),
    }
    obs = {"obs": table["row"].to_numpy()}
    attrs = make_attrs({"inference_library": "nutpie", "inference_library_version": version("nutpie")})
    groups = {
        "posterior": posterior.assign_attrs(stats.attrs),
        "sample_stats": stats,
        "posterior_predictive": predictive.to_dataset(name="y"),
        "log_likelihood": log_likelihood.to_dataset(name="y"),
        "log_prior": log_prior,
        "prior": prior,
        "prior_predictive": prior_predictive.to_dataset(name="y"),
        "observed_data": xr.Dataset({"y": ("obs", frontiers.y.to_numpy(np.float64))}, coords=obs),
        "constant_data": xr.Dataset({n: ("obs", values) for n, values in of_rows.items()}, coords=obs),
    }
    # With every parameter fixed, there is no prior.
    groups = {name: dataset.assign_attrs(attrs) for name, dataset in groups.items() if dataset.data_vars}
    groups["frontiers"] = frontiers.to_dataset()
    tree = xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in groups.items()})
    tree.attrs = {
        "hillfront_format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": json.dumps(
            {name: version(name) for name in _VERSIONED} | {"python": platform.python_version()}
        ),
        "random_seed": sampler_options.random_seed,
        "sampler_options": json.dumps(asdict(sampler_options)),
        "design": design.to_json(),
        "priors": json.dumps(priors_to_json(priors)),
        "data_hash": frontiers.data_hash,
    }
    return tree

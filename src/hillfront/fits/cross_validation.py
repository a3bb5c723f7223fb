"""Predictions of SAEs, and of whole curves, by a fit that has not seen them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from hillfront.estimands.predict import log_likelihood
from hillfront.fits.fitting import PreparedModel
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.sampling.nutpie_run import SamplerOptions

if TYPE_CHECKING:
    from arviz_stats.utils import ELPDData

__all__ = ["leave_one_curve_out", "leave_one_out"]


def leave_one_out(
    prepared: PreparedModel, fit: FrontierFit, sampler_options: SamplerOptions, *, exact: bool
) -> tuple[ELPDData, int]:
    """PSIS-LOO of each SAE, with an exact refit wherever importance sampling cannot be trusted.

    Returns
    -------
    elpd : arviz_stats.ELPDData
        Pointwise.
    refits : int
        Number of SAEs whose Pareto k was too high.

    References
    ----------
    A. Vehtari, A. Gelman and J. Gabry (2017), Practical Bayesian model evaluation using leave-one-out
    cross-validation and WAIC, doi:10.1007/s11222-016-9696-4.
    """
    import arviz_stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        elpd = arviz_stats.loo(fit.data, pointwise=True)
        n_high = int((elpd.pareto_k > elpd.good_k).sum())
        if exact and n_high:
            elpd = arviz_stats.reloo(_refits(prepared, fit, sampler_options), loo_orig=elpd, pointwise=True)
    return elpd, n_high if exact else 0


def leave_one_curve_out(
    prepared: PreparedModel, fit: FrontierFit, sampler_options: SamplerOptions, *, progressbar: bool = False
) -> pd.DataFrame:
    """Predict every curve from the others: the log density of its SAEs under a fit without any of them.

    This asks what pooling is for: whether the family, with its contrasts and settings, says where a frontier
    lies that was not trained. Each SAE's density is its own, averaged over the posterior of that fit.

    Returns
    -------
    pandas.DataFrame
        One row a curve: variant, setting, n, elpd (the sum over its SAEs).
    """
    table = fit.frontiers.table
    curves = [(variant, setting) for variant, setting, _ in fit.frontiers.curves()]
    rows = []
    for variant, setting in _track(curves, "curves left out", progressbar):
        out = ((table["variant"] == variant) & (table["setting"] == setting)).to_numpy()
        rest, held_out = _split(fit.frontiers, out)
        posterior, _ = prepared.sample(rest, sampler_options)
        by_draw = log_likelihood(posterior, held_out, prepared.design).to_numpy().reshape(-1, out.sum())
        density = special.logsumexp(by_draw, axis=0) - np.log(len(by_draw))
        rows.append((variant, setting, int(out.sum()), float(density.sum())))
    return pd.DataFrame(rows, columns=["variant", "setting", "n", "elpd"])


def _split(frontiers: Frontiers, out: Any) -> tuple[Frontiers, Frontiers]:
    """Return the frontiers without some rows, and these rows."""
    rest, held_out = (
        replace(frontiers, table=frontiers.table[keep].reset_index(drop=True)) for keep in (~out, out)
    )
    return rest, held_out


def _track[T](items: Sequence[T], what: str, progressbar: bool) -> Iterable[T]:
    if not progressbar:
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=what, console=Console(stderr=True))


def _refits(prepared: PreparedModel, fit: FrontierFit, sampler_options: SamplerOptions) -> Any:
    """ArviZ's interface to a model that can be fitted again without some rows."""
    from arviz_stats import SamplingWrapper

    frontiers = fit.frontiers

    class Refits(SamplingWrapper):
        def sel_observations(self, idx: int) -> tuple[Frontiers, Frontiers]:
            out = np.zeros(len(frontiers), dtype=bool)
            out[idx] = True
            return _split(frontiers, out)

        def sample(self, modified_observed_data: Frontiers) -> xr.Dataset:
            return prepared.sample(modified_observed_data, sampler_options)[0]

        def get_inference_data(self, fitted_model: xr.Dataset) -> xr.DataTree:
            return xr.DataTree.from_dict({"/posterior": fitted_model})

        def log_likelihood__i(self, excluded_obs: Frontiers, idata__i: xr.DataTree) -> xr.DataArray:
            return log_likelihood(idata__i["posterior"].to_dataset(), excluded_obs, prepared.design)

    return Refits(model=prepared, idata_orig=fit.data)  # type: ignore[no-untyped-call]

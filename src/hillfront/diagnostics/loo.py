"""Leave-one-out predictions: how far single SAEs decide a fit, and whether its predictions are right."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Floats = NDArray[np.float64]

__all__ = ["LOO_DRAWS_MIN", "LeaveOneOut", "leave_one_out"]

LOO_DRAWS_MIN: Final = 100


@dataclass(frozen=True)
class LeaveOneOut:
    """What importance sampling says of every SAE, had it been left out.

    Attributes
    ----------
    pareto_k : array, shape (obs,)
        Shape of the importance weights' tail: above 0.7, the SAE decides its curve.
    pit : array, shape (obs,)
        Share of each SAE's leave-one-out predictions that lie below it; uniform if the model is right.
    p : float
        Of the Kolmogorov-Smirnov test of their uniformity. ArviZ's own tests react to a single SAE that is
        far out (Pythia-2.8B: ``pot_c`` gives 2e-7, this 0.15), which the largest residual reports already.
    """

    pareto_k: Floats
    pit: Floats
    p: float


def leave_one_out(tree: xr.DataTree) -> LeaveOneOut | None:
    """Pareto-smoothed importance weights, once for all that rests on them; None with too few draws.

    Parameters
    ----------
    tree : xarray.DataTree
        With settings posterior, posterior_predictive, log_likelihood and observed_data.

    References
    ----------
    A. Vehtari, A. Gelman and J. Gabry (2017), Practical Bayesian model evaluation using leave-one-out
    cross-validation and WAIC, Statistics and Computing 27, doi:10.1007/s11222-016-9696-4.
    """
    import arviz_stats
    from scipy import stats

    sizes = tree["log_likelihood"].sizes
    if sizes["chain"] * sizes["draw"] < LOO_DRAWS_MIN:
        return None
    with warnings.catch_warnings():
        # It warns of high Pareto k, which is a check of its own.
        warnings.simplefilter("ignore", UserWarning)
        found = arviz_stats.loo(tree, pointwise=True)
        settings = {
            name: tree[name].to_dataset()
            for name in ("posterior_predictive", "log_likelihood", "observed_data")
        }
        # With the weights given, the posterior serves nothing but its sizes.
        posterior = tree["posterior"].to_dataset()
        settings["posterior"] = posterior[[next(iter(posterior.data_vars))]]
        values = arviz_stats.loo_pit(
            xr.DataTree.from_dict(settings),
            log_weights=found.log_weights.to_dataset(name="y"),
            pareto_k=found.pareto_k.to_dataset(name="y"),
        )["y"].to_numpy()
    return LeaveOneOut(found.pareto_k.to_numpy(), values, float(stats.kstest(values, "uniform").pvalue))

"""Curve families compared: leave-one-out predictions, stacking weights, and the gains under each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.curves import FAMILIES, family_named
from hillfront.fitting import PreparedModel, prepare
from hillfront.frontier_fit import FrontierFit
from hillfront.frontiers import Frontiers
from hillfront.intervals import DEFAULT_PROB, equal_tailed
from hillfront.predict import pointwise
from hillfront.sampling import SamplerSettings

if TYPE_CHECKING:
    from arviz_stats.utils import ELPDData

__all__ = ["CurveComparison", "compare_curves"]

_GAINS = ("mean_sparsity_gain", "mean_hit_reduction")


@dataclass(frozen=True)
class CurveComparison:
    """Curve families compared on the same data.

    Attributes
    ----------
    summary : pandas.DataFrame
        One row a family, best first: curve, elpd_loo, se, difference (from the best), difference_se, p_loo,
        weight (stacking), refits (SAEs whose leave-one-out density was computed by a refit without them).
    gains : pandas.DataFrame
        The headline gains on average over the groups, under each family and averaged over the families by
        weight: curve, weight, variant, quantity, median, lower, upper, prob, p_gt_1.
    fits : mapping of str to FrontierFit
    """

    summary: pd.DataFrame
    gains: pd.DataFrame
    fits: Mapping[str, FrontierFit]

    def __str__(self) -> str:
        """Both tables."""
        tables = (
            table.to_string(index=False, float_format=lambda v: f"{v:.4g}")
            for table in (self.summary, self.gains)
        )
        return "\n\n".join(tables)


def compare_curves(
    frontiers: Frontiers,
    *,
    baseline: str,
    families: Sequence[str] = tuple(FAMILIES),
    priors: Mapping[str, Mapping[str, Any]] | None = None,
    exact: bool = True,
    prob: float = DEFAULT_PROB,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int = 1,
    progress: bool = True,
) -> CurveComparison:
    """Fit several curve families to the same frontiers and compare their leave-one-out predictions.

    Parameters
    ----------
    frontiers : Frontiers
    baseline : str
    families : sequence of str
        Names of curve families; all by default.
    priors : mapping of family to (mapping of str to Prior or float), optional
        Overrides, by family.
    exact : bool
        Whether to refit without each SAE whose Pareto k is too high for importance sampling.
    prob : float
        Probability of the gains' intervals.
    draws, tune, chains, seed, progress
        As for :func:`hillfront.fit`.

    Returns
    -------
    CurveComparison

    Raises
    ------
    ValueError
        For an unknown family, or one named twice.

    Notes
    -----
    All families have the same observation model, so their densities of y can be compared. See A. Vehtari, A.
    Gelman and J. Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation and
    WAIC, doi:10.1007/s11222-016-9696-4; weights as in Y. Yao et al. (2018), doi:10.1214/17-BA1091.
    """
    import arviz_stats

    for name in families:
        family_named(name)
    if len(set(families)) != len(families) or not families:
        raise ValueError(f"families={list(families)}: name each curve family once, and at least one.")
    settings = SamplerSettings(draws=draws, tune=tune, chains=chains, seed=seed)
    fits: dict[str, FrontierFit] = {}
    elpds: dict[str, ELPDData] = {}
    refits: dict[str, int] = {}
    for name in families:
        prepared = prepare(frontiers, baseline=baseline, curve=name, priors=(priors or {}).get(name))
        fits[name] = prepared.fit(draws=draws, tune=tune, chains=chains, seed=seed, progress=progress)
        elpds[name], refits[name] = _leave_one_out(prepared, fits[name], settings, exact=exact)
    if len(families) > 1:
        with warnings.catch_warnings():
            # High Pareto k were refitted, or are counted in the table.
            warnings.simplefilter("ignore", UserWarning)
            table = arviz_stats.compare(elpds, round_to=None)
        weights = table["weight"]
        order = list(table.index)
        difference_se = table["dse"]
    else:
        order, weights = list(families), pd.Series(1.0, index=list(families))
        difference_se = pd.Series(0.0, index=list(families))
    summary = pd.DataFrame(
        {
            "curve": order,
            "elpd_loo": [float(elpds[n].elpd) for n in order],
            "se": [float(elpds[n].se) for n in order],
            "difference": [float(elpds[n].elpd - elpds[order[0]].elpd) for n in order],
            "difference_se": [float(difference_se[n]) for n in order],
            "p_loo": [float(elpds[n].p) for n in order],
            "weight": [float(weights[n]) for n in order],
            "refits": [refits[n] for n in order],
        }
    )
    gains = _gains({n: fits[n] for n in order}, weights, prob=prob, seed=seed)
    return CurveComparison(summary, gains, fits)


def _leave_one_out(
    prepared: PreparedModel, fit: FrontierFit, settings: SamplerSettings, *, exact: bool
) -> tuple[ELPDData, int]:
    """PSIS-LOO, with an exact refit for each row where it cannot be trusted."""
    import arviz_stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        elpd = arviz_stats.loo(fit.data, pointwise=True)
        n_high = int((elpd.pareto_k > elpd.good_k).sum())
        if exact and n_high:
            elpd = arviz_stats.reloo(_refits(prepared, fit, settings), loo_orig=elpd, pointwise=True)
    return elpd, n_high if exact else 0


def _refits(prepared: PreparedModel, fit: FrontierFit, settings: SamplerSettings) -> Any:
    """ArviZ's interface to a model that can be fitted again without some rows."""
    from arviz_stats import SamplingWrapper

    frontiers = fit.frontiers

    class Refits(SamplingWrapper):
        def sel_observations(self, idx: int) -> tuple[Frontiers, Frontiers]:
            out = np.zeros(len(frontiers), dtype=bool)
            out[idx] = True
            return tuple(  # type: ignore[return-value]
                replace(frontiers, table=frontiers.table[keep].reset_index(drop=True)) for keep in (~out, out)
            )

        def sample(self, modified_observed_data: Frontiers) -> xr.Dataset:
            return prepared.sample(modified_observed_data, settings)[0]

        def get_inference_data(self, fitted_model: xr.Dataset) -> xr.DataTree:
            return xr.DataTree.from_dict({"/posterior": fitted_model})

        def log_likelihood__i(self, excluded_obs: Frontiers, idata__i: xr.DataTree) -> xr.DataArray:
            posterior = idata__i["posterior"].to_dataset()
            rng = np.random.default_rng(0)  # draws predictions too, which are not used
            return pointwise(posterior, excluded_obs, prepared.design, rng=rng)[1]

    return Refits(model=prepared, idata_orig=fit.data)  # type: ignore[no-untyped-call]


def _gains(fits: Mapping[str, FrontierFit], weights: pd.Series, *, prob: float, seed: int) -> pd.DataFrame:
    """Headline gains under each family, and under the families mixed by weight."""
    rows: list[dict[str, object]] = []
    mixed: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    rng = np.random.default_rng([seed, 5])
    for name, fit in fits.items():
        improvement = fit.improvement(prob=prob)
        summary = improvement.summary
        wanted = (summary["scope"] == "average") & summary["quantity"].isin(_GAINS)
        for index, row in summary[wanted].iterrows():
            values = improvement.draws.isel(row=int(str(index))).to_numpy().ravel()
            rows.append(_gain_row(name, float(weights[name]), row["variant"], row["quantity"], values, prob))
            share = round(float(weights[name]) * values.size)
            mixed.setdefault((row["variant"], row["quantity"]), []).append(
                rng.choice(values, size=share, replace=False)
            )
    for (variant, quantity), parts in mixed.items():
        rows.append(_gain_row("averaged", 1.0, variant, quantity, np.concatenate(parts), prob))
    columns = ["curve", "weight", "variant", "quantity", "median", "lower", "upper", "prob", "p_gt_1"]
    return pd.DataFrame(rows, columns=columns)


def _gain_row(
    curve: str, weight: float, variant: str, quantity: str, values: NDArray[np.float64], prob: float
) -> dict[str, object]:
    lower, median, upper = equal_tailed(values, prob=prob)
    return {
        "curve": curve, "weight": weight, "variant": variant, "quantity": quantity, "median": float(median),
        "lower": float(lower), "upper": float(upper), "prob": prob, "p_gt_1": float((values > 1).mean()),
    }  # fmt: skip

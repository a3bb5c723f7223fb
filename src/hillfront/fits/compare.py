"""Curve families compared: leave-one-out predictions, stacking weights, and the gains under each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.curves.families import FAMILIES, family_named
from hillfront.curves.sparsity import DenseLimit
from hillfront.diagnostics.model_checks import LOO_DRAWS_MIN
from hillfront.estimands.quantities import headlines
from hillfront.estimands.scopes import AVERAGE
from hillfront.fits.cross_validation import leave_one_curve_out, leave_one_out
from hillfront.fits.fitting import FIRST_DRAWS, PreparedModel, prepare
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import require_frontiers
from hillfront.model.likelihood import DEFAULT_NOISE
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.utils.interface import argument, listed
from hillfront.utils.intervals import DEFAULT_PROB, equal_tailed

if TYPE_CHECKING:
    from arviz_stats.utils import ELPDData

__all__ = ["CurveComparison", "compare_curves", "compare_prepared", "families_for"]


@dataclass(frozen=True)
class CurveComparison:
    """Curve families compared on the same data.

    Attributes
    ----------
    summary : pandas.DataFrame
        One row a family, best first: curve, elpd_loo, se, difference (from the best), difference_se, p_loo,
        weight (stacking), refits (SAEs whose leave-one-out density was computed by a refit without them).
        With curves left out as well: elpd_curves, difference_curves (from the first row) and its standard
        error over curves, difference_curves_se.
    gains : pandas.DataFrame
        The headline gains on average over the settings, under each family and averaged over the families by
        weight: curve, weight, variant, quantity, median, lower, upper, prob, p_gt_1.
    curves : pandas.DataFrame
        The log density of each curve that was left out as a whole, by family: curve, variant, setting, n,
        elpd. Empty unless it was asked for.
    fits : mapping of str to FrontierFit
    """

    summary: pd.DataFrame
    gains: pd.DataFrame
    curves: pd.DataFrame
    fits: Mapping[str, FrontierFit]

    @property
    def failed(self) -> tuple[str, ...]:
        """Families whose fit failed a diagnostic."""
        return tuple(name for name, fit in self.fits.items() if not fit.diagnostics().passed)

    def __str__(self) -> str:
        """Both tables."""
        tables = (
            table.to_string(index=False, float_format=lambda v: f"{v:.4g}")
            for table in (self.summary, self.gains)
        )
        return "\n\n".join(tables)


def families_for(frontiers: Frontiers) -> tuple[str, ...]:
    """Names of the curve families that can be fitted to these frontiers.

    A family that saturates at 1 cannot be fitted to a cost without an upper bound.
    """
    return tuple(
        name for name, family in FAMILIES.items() if frontiers.bounded or family.unbounded is not None
    )


def compare_curves(
    frontiers: Frontiers,
    *,
    baseline: str,
    families: str | Sequence[str] | None = None,
    priors: Mapping[str, Mapping[str, Any]] | None = None,
    noise: str = DEFAULT_NOISE,
    dense_limit: DenseLimit = None,
    relative_sparsity: bool = False,
    exact: bool = True,
    leave_curves_out: bool = False,
    prob: float = DEFAULT_PROB,
    draws: int | None = None,
    tune: int = 1000,
    chains: int = 4,
    random_seed: int = 1,
    progressbar: bool = True,
) -> CurveComparison:
    """Fit several curve families to the same frontiers and compare their leave-one-out predictions.

    Parameters
    ----------
    frontiers : Frontiers
    baseline : str
    families : sequence of str, optional
        Names of curve families; by default all that the metric allows.
    priors : mapping of family to (mapping of str to Prior or float), optional
        Overrides, by family.
    noise, dense_limit, relative_sparsity
        As for :func:`hillfront.prepare`, the same for all families.
    exact : bool
        Whether to refit without each SAE whose Pareto k is too high for importance sampling.
    leave_curves_out : bool
        Whether to predict each curve from the others as well: one refit a curve and family.
    prob : float
        Probability of the gains' intervals.
    draws, tune, chains, random_seed, progressbar
        As for :func:`hillfront.fit`.

    Returns
    -------
    CurveComparison

    Raises
    ------
    ValueError
        For an unknown family, one named twice, or one that the metric does not allow, or for too few draws.

    Notes
    -----
    All families have the same likelihood, so their densities of y can be compared. See A. Vehtari, A.
    Gelman and J. Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation and
    WAIC, doi:10.1007/s11222-016-9696-4; weights as in Y. Yao et al. (2018), doi:10.1214/17-BA1091.
    """
    require_frontiers(frontiers, "compare_curves")
    names = families_for(frontiers) if families is None else listed(families)
    names = tuple(family_named(name).name for name in names)
    if len(set(names)) != len(names) or not names:
        raise ValueError(
            f"{argument('families', *(names or ['']))}: name each curve family once, and at least one."
        )
    sampler_options = SamplerOptions(
        FIRST_DRAWS if draws is None else draws,
        tune=tune,
        chains=chains,
        random_seed=random_seed,
        draws_chosen=draws is None,
    )
    _check_draws(sampler_options)
    prepared = {
        name: prepare(
            frontiers,
            baseline=baseline,
            curve=name,
            priors=(priors or {}).get(name),
            noise=noise,
            dense_limit=dense_limit,
            relative_sparsity=relative_sparsity,
        )
        for name in names
    }
    return compare_prepared(
        prepared,
        frontiers,
        sampler_options=sampler_options,
        exact=exact,
        leave_curves_out=leave_curves_out,
        prob=prob,
        progressbar=progressbar,
    )


def compare_prepared(
    prepared: Mapping[str, PreparedModel],
    frontiers: Frontiers,
    *,
    sampler_options: SamplerOptions,
    exact: bool = True,
    leave_curves_out: bool = False,
    prob: float = DEFAULT_PROB,
    progressbar: bool = False,
) -> CurveComparison:
    """Compare families whose models are compiled; see :func:`compare_curves`."""
    _check_draws(sampler_options)
    if "n_trained" in frontiers.table:
        raise ValueError(
            "The table has a column n_trained: SAEs that were selected together cannot be left out one by "
            "one, so their leave-one-out predictions mean nothing. Compare curve families without n_trained."
        )
    options = asdict(sampler_options)
    if options.pop("draws_chosen"):
        del options["draws"]
    fits: dict[str, FrontierFit] = {}
    elpds: dict[str, ELPDData] = {}
    refits: dict[str, int] = {}
    left_out: list[pd.DataFrame] = []
    for name, model in prepared.items():
        fits[name] = model.fit(frontiers, **options, progressbar=progressbar)
        used = SamplerOptions(**fits[name].sampler_options)  # refits have the draws of their fit
        elpds[name], refits[name] = leave_one_out(model, fits[name], used, exact=exact)
        if leave_curves_out:
            out = leave_one_curve_out(model, fits[name], used, progressbar=progressbar)
            left_out.append(out.assign(curve=name)[["curve", *out.columns]])
    ranking = _ranking(elpds)
    order = list(ranking.index)
    summary = pd.DataFrame(
        {
            "curve": order,
            "elpd_loo": [float(elpds[n].elpd) for n in order],
            "se": [float(elpds[n].se) for n in order],
            "difference": [float(elpds[n].elpd - elpds[order[0]].elpd) for n in order],
            "difference_se": ranking["dse"].to_numpy(),
            "p_loo": [float(elpds[n].p) for n in order],
            "weight": ranking["weight"].to_numpy(),
            "refits": [refits[n] for n in order],
        }
    )
    columns = ["curve", "variant", "setting", "n", "elpd"]
    curves = pd.concat(left_out, ignore_index=True) if left_out else pd.DataFrame(columns=columns)
    if left_out:
        summary = summary.merge(_over_curves(curves, order), on="curve")
    gains = _gains(
        {n: fits[n] for n in order}, ranking["weight"], prob=prob, random_seed=sampler_options.random_seed
    )
    return CurveComparison(summary, gains, curves, fits)


def _check_draws(sampler_options: SamplerOptions) -> None:
    """Refuse too few draws for importance sampling, before any are drawn."""
    if sampler_options.draws * sampler_options.chains < LOO_DRAWS_MIN:
        raise ValueError(
            f"{argument('draws', sampler_options.draws)}, {argument('chains', sampler_options.chains)}: "
            f"leave-one-out predictions need {LOO_DRAWS_MIN} draws or more over all chains (4 chains of 1000 "
            "are the default)."
        )


def _ranking(elpds: Mapping[str, ELPDData]) -> pd.DataFrame:
    """Families from best to worst, with stacking weights and the standard errors of differences."""
    import arviz_stats

    if len(elpds) == 1:
        return pd.DataFrame({"dse": [0.0], "weight": [1.0]}, index=list(elpds))
    with warnings.catch_warnings():
        # High Pareto k were refitted, or are counted in the table.
        warnings.simplefilter("ignore", UserWarning)
        ranking: pd.DataFrame = arviz_stats.compare(dict(elpds), round_to="none")
    return ranking


def _over_curves(curves: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Sum the densities of left-out curves, and their differences from the first family."""
    wide = curves.pivot(index=["variant", "setting"], columns="curve", values="elpd")[list(order)]
    difference = wide.sub(wide[order[0]], axis=0)
    return pd.DataFrame(
        {
            "curve": order,
            "elpd_curves": wide.sum().to_numpy(),
            "difference_curves": difference.sum().to_numpy(),
            "difference_curves_se": (np.sqrt(len(wide)) * difference.std()).to_numpy(),
        }
    )


def _gains(
    fits: Mapping[str, FrontierFit], weights: pd.Series, *, prob: float, random_seed: int
) -> pd.DataFrame:
    """Headline gains under each family, and under the families mixed by weight."""
    tables: list[pd.DataFrame] = []
    mixed: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    rng = np.random.default_rng([random_seed, 5])
    for name, fit in fits.items():
        weight = float(weights[name])
        improvement = fit.improvement(prob=prob)
        summary = improvement.summary
        wanted = summary[(summary["scope"] == AVERAGE) & summary["quantity"].isin(headlines())]
        above_1 = []
        for key in zip(wanted["variant"], wanted["quantity"], strict=True):
            values = improvement.draws[key[1]].sel(variant=key[0], setting=AVERAGE).to_numpy().ravel()
            above_1.append((values > 1).mean())
            share = rng.choice(values, size=round(weight * values.size), replace=False)
            mixed.setdefault(key, []).append(share)
        tables.append(wanted.assign(curve=name, weight=weight, p_gt_1=above_1))
    averaged = []
    for (variant, quantity), parts in mixed.items():
        values = np.concatenate(parts)
        lower, median, upper = equal_tailed(values, prob=prob)
        numbers = (median, lower, upper, prob, (values > 1).mean())
        averaged.append(("averaged", 1.0, variant, quantity, *numbers))
    columns = ["curve", "weight", "variant", "quantity", "median", "lower", "upper", "prob", "p_gt_1"]
    tables.append(pd.DataFrame(averaged, columns=columns))
    return pd.concat([table[columns] for table in tables], ignore_index=True)

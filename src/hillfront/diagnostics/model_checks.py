"""Checks of the model's fit: residuals and their signs, each curve, leave-one-out predictions, scatter."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hillfront.diagnostics.curve_checks import CurveMisfit, curve_misfits
from hillfront.estimands.predict import at_rows, noise_draws
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.model.likelihood import Expected
from hillfront.utils.interface import argument, by_interface
from hillfront.utils.intervals import DEFAULT_PROB
from hillfront.utils.wording import N_SHOWN, count

Floats = NDArray[np.float64]

__all__ = [
    "LOO_DRAWS_MIN",
    "Check",
    "LeaveOneOut",
    "SignChanges",
    "checks_of_fit",
    "leave_one_out",
    "residuals_of",
    "sign_changes",
]

LOO_DRAWS_MIN: Final = 100
"""Draws that leave-one-out predictions take."""

P_MIN: Final = 0.001
"""A check of the fit fails below it: once in a thousand fits of a model that is right, or less."""

P_SEEN: Final = 0.05
CURVES_SEEN: Final = 0.02
"""A curve is named below it, in 2% of the tables that the model is right for, or less."""

SCATTER_MIN: Final = 0.02
"""Scatter on the logit scale that no packaged table goes below."""

FEW_POINTS: Final = 6
"""SAEs a curve from which on little scatter is believed."""

_RUN_POINTS_MIN: Final = 3


_OF_SHAPE: Final = ("runs of signs", "fit by curve", "LOO-PIT")
_SELECTED: Final = "not judged, as Pareto-optimal SAEs lie to one side of the curve of all that were trained"


@dataclass(frozen=True)
class Check:
    """One check: what was seen, what is asked, and what to do where they differ.

    Attributes
    ----------
    name : str
    value : float
    asked : str
        The condition in words, empty where the check only informs.
    passed : bool or None
        None where the check only informs.
    seen, next_step : str
    """

    name: str
    value: float
    asked: str
    passed: bool | None
    seen: str
    next_step: str

    def __str__(self) -> str:
        """One line."""
        state = {True: "passed", False: "FAILED", None: "for information"}[self.passed]
        asked = f" (asked: {self.asked})" if self.asked else ""
        step = f" {self.next_step}" if self.passed is not True and self.next_step else ""
        return f"{self.name}: {state}: {self.seen}{asked}.{step}"


@dataclass(frozen=True)
class LeaveOneOut:
    """Leave-one-out results of every SAE, by importance sampling.

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


@dataclass(frozen=True)
class SignChanges:
    """Counts of sign changes of residuals along the curves.

    Attributes
    ----------
    changes : array, shape (curve, sample)
    pairs : array of int, shape (curve,)
        Pairs of neighbours in L0, each of which changes sign with probability 1/2 if the shape is right.
    p : float
        Posterior predictive probability of so few changes, or fewer, over all curves; NaN without pairs.
    """

    changes: NDArray[np.int64]
    pairs: NDArray[np.int64]
    p: float


def leave_one_out(tree: xr.DataTree) -> LeaveOneOut | None:
    """Compute Pareto-smoothed importance weights, once for all that rests on them; None with too few draws.

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
        groups = {
            name: tree[name].to_dataset()
            for name in ("posterior_predictive", "log_likelihood", "observed_data")
        }
        # With the weights given, the posterior serves nothing but its sizes.
        posterior = tree["posterior"].to_dataset()
        groups["posterior"] = posterior[[next(iter(posterior.data_vars))]]
        values = arviz_stats.loo_pit(
            xr.DataTree.from_dict(groups),
            log_weights=found.log_weights.to_dataset(name="y"),
            pareto_k=found.pareto_k.to_dataset(name="y"),
        )["y"].to_numpy()
    return LeaveOneOut(found.pareto_k.to_numpy(), values, float(stats.kstest(values, "uniform").pvalue))


def checks_of_fit(
    posterior: xr.Dataset,
    frontiers: Frontiers,
    design: Design,
    *,
    loo: LeaveOneOut | None,
    random_seed: int,
) -> tuple[Check, ...]:
    """Run every check of the fit to the data; ``random_seed`` is that of the replicated residuals."""
    expected, noise = at_rows(posterior, frontiers, design), noise_draws(posterior, design)
    residual = _residual(frontiers, design, expected, noise)
    shape = (
        tuple(Check(name, np.nan, "", None, _SELECTED, "") for name in _OF_SHAPE)
        if design.selected
        else (
            _signs(sign_changes(residual, frontiers, design)),
            _curves(_misfits(residual, expected, noise, frontiers, design), frontiers),
            _loo_pit(loo),
        )
    )
    return (
        *_residual_checks(residual, noise, frontiers, design, random_seed),
        *shape,
        _scatter(expected, noise, frontiers, design),
    )


def residuals_of(posterior: xr.Dataset, frontiers: Frontiers, design: Design) -> Floats:
    """Distance of every SAE from its curve, in scales, shape (obs, sample)."""
    return _residual(frontiers, design, at_rows(posterior, frontiers, design), noise_draws(posterior, design))


def _residual(frontiers: Frontiers, design: Design, expected: Expected, noise: dict[str, Floats]) -> Floats:
    y = frontiers.table[frontiers.metric].to_numpy(np.float64)[:, None]
    return design.likelihood.residual(y, expected, noise)


def _residual_checks(
    residual: Floats, noise: dict[str, Floats], frontiers: Frontiers, design: Design, random_seed: int
) -> tuple[Check, Check]:
    """Posterior predictive checks of the residuals: how many lie far out, and how far the furthest."""
    rng = np.random.default_rng([random_seed, 4])
    observed = np.abs(residual)
    replicated = np.abs(design.likelihood.standard_draws(rng, noise, observed.shape))
    bound = design.likelihood.tail_bound(noise, prob=DEFAULT_PROB)
    p_share = float(np.mean((replicated > bound).mean(axis=0) >= (observed > bound).mean(axis=0)))
    share = float((observed > bound).mean())
    spread = Check(
        "residuals",
        p_share,
        f"p >= {P_MIN}",
        p_share >= P_MIN,
        f"{share:.1%} of SAEs lie outside their {DEFAULT_PROB:.0%} predictive interval, as many in "
        f"{p_share:.1%} of replicated data sets",
        "The curves miss more SAEs than their scatter explains: look at the frontiers; try another family.",
    )
    p_largest = float(np.mean(replicated.max(axis=0) >= observed.max(axis=0)))
    row = int(frontiers.table["row"].to_numpy()[np.argmax(observed.mean(axis=1))])
    # One outlier is what the heavy tails are there to discount; the reader should know which it is.
    largest = Check(
        "largest residual",
        p_largest,
        "",
        None,
        f"row {row} is the furthest from its curve, as far in {p_largest:.1%} of replicated data sets",
        "The model hardly ever makes such a point and gives it little weight: check this row for a slip."
        if p_largest < P_SEEN
        else "",
    )
    return spread, largest


def sign_changes(residual: Floats, frontiers: Frontiers, design: Design) -> SignChanges:
    """Count the changes of sign between neighbours in L0, in every curve of three points or more.

    The scatter is symmetric and independent, so that replicated residuals change sign between neighbours with
    probability 1/2: their number over n pairs is Binomial(n, 1/2), whatever the parameters, and the posterior
    predictive p is the mean of its distribution function at the changes that each draw sees. Curves are
    fitted to their own points, which makes changes more frequent, so p errs on the high side. Residuals have
    the shape (obs, sample).
    """
    from scipy import stats

    l0 = frontiers.table["l0"].to_numpy(np.float64)
    curves, index, sizes = np.unique(design.curve_index(frontiers), return_inverse=True, return_counts=True)
    order = np.lexsort((l0, index))
    above, curve = residual[order] > 0, index[order]
    neighbours = (curve[1:] == curve[:-1]) & (sizes[curve[1:]] >= _RUN_POINTS_MIN)
    changed = (above[1:] != above[:-1])[neighbours]
    changes = np.zeros((len(curves), residual.shape[1]), dtype=np.int64)
    np.add.at(changes, curve[1:][neighbours], changed)
    pairs = np.bincount(curve[1:][neighbours], minlength=len(curves))
    p = float(np.mean(stats.binom.cdf(changes.sum(axis=0), pairs.sum(), 0.5))) if pairs.any() else np.nan
    return SignChanges(changes, pairs, p)


def _signs(found: SignChanges) -> Check:
    """Judge the changes of sign: a wrong shape leaves long runs on one side of the curve."""
    pairs = int(found.pairs.sum())
    if not pairs:
        return Check("runs of signs", np.nan, "", None, "no curve has three SAEs or more", "")
    changes = float(found.changes.sum(axis=0).mean())
    fails = found.p < P_MIN
    return Check(
        "runs of signs",
        found.p,
        f"p >= {P_MIN}" if fails else "",
        False if fails else None,
        f"along the curves, residuals change sign {changes:.1f} times in {pairs} pairs of neighbours, as "
        f"seldom in {found.p:.1%} of replicated data sets",
        "SAEs lie on one side of their curve for long stretches, so its shape is wrong: try another family "
        f"({by_interface('compare_curves', 'hillfront compare')}) or {argument('dense_limit')}."
        if found.p < P_SEEN
        else "",
    )


def _misfits(
    residual: Floats, expected: Expected, noise: dict[str, Floats], frontiers: Frontiers, design: Design
) -> tuple[CurveMisfit, ...]:
    """Judge every curve, those that fit worst first."""
    bound = design.likelihood.tail_bound(noise, prob=DEFAULT_PROB)
    middle = np.median(np.broadcast_to(expected.f, residual.shape), axis=1)
    return curve_misfits(residual, bound, middle, frontiers, design, prob=DEFAULT_PROB)


def _curves(found: tuple[CurveMisfit, ...], frontiers: Frontiers) -> Check:
    """Name the curves that their own SAEs do not follow, however wide the scatter that all curves share."""
    name = "fit by curve"
    if not found:
        return Check(name, np.nan, "", None, "no curve has three SAEs or more", "")
    worst, named = found[0], [misfit for misfit in found if misfit.p < CURVES_SEEN]
    over = f"p = {worst.p:.2g} for the worst of {len(found)}"
    if not named:
        return Check(name, worst.p, "", None, f"no curve strays from its SAEs ({over})", "")
    fails = worst.p < P_MIN
    shown, more = [misfit.seen for misfit in named[:N_SHOWN]], len(named) - N_SHOWN
    y = frontiers.y
    outside = int(((y <= 0) | (y >= 1)).sum()) if frontiers.bounded else 0
    widened = (
        f" {count(outside, 'SAE')} with a hit outside (0, 1) may widen the scatter of all curves: fit "
        "without them, or without their variant."
    )
    return Check(
        name,
        worst.p,
        f"p >= {P_MIN}" if fails else "",
        False if fails else None,
        "; ".join([*shown, f"the same of {count(more, 'curve')} more"] if more > 0 else shown) + f" ({over})",
        "Comparisons of such a curve say little about its SAEs: check that its rows are of one kind and its "
        f"columns the ones meant; try another family "
        f"({by_interface('compare_curves', 'hillfront compare')}).{widened if outside else ''}",
    )


def _loo_pit(found: LeaveOneOut | None) -> Check:
    if found is None:
        seen = f"LOO needs {LOO_DRAWS_MIN} draws or more"
        return Check("LOO-PIT", np.nan, "", None, seen, f"Raise {argument('draws')}.")
    inside = float((np.abs(found.pit - 0.5) < 0.25).mean())
    # Predictions that are too wide make for cautious intervals, which are no reason to withhold a result.
    wide = inside > 0.5
    fails = found.p < P_MIN and not wide
    step = (
        "Predictions of SAEs that were left out are wider than they need be: the intervals are cautious."
        if wide
        else "Predictions of SAEs that were left out are too narrow, or to one side: see "
        f"{by_interface('plot_checks', 'checks.png')}; try another {argument('curve')} or "
        f"{argument('noise')}."
    )
    return Check(
        "LOO-PIT",
        found.p,
        f"p >= {P_MIN}" if fails else "",
        False if fails else None,
        f"{inside:.0%} of SAEs lie inside the central 50% of their leave-one-out predictions; uniform with "
        f"p = {found.p:.2g}",
        step if found.p < P_SEEN else "",
    )


def _scatter(expected: Expected, noise: dict[str, Floats], frontiers: Frontiers, design: Design) -> Check:
    """Points that happen to lie on a line seem to have no scatter at all; trained SAEs have some.

    The scatter is the median over the SAEs of the 68% half-width on the logit scale (relative, for a cost),
    of sigma, tau and known errors together. It is implausible where most of the posterior lies below 0.02:
    SAEs that are trained again with another seed scatter by some 1 to 2%, and the packaged tables of
    published sweeps by more (1% points of the posterior: 0.027 for Pythia-2.8B, 0.14 for Gemma-7B). How often
    this fires is in docs/model.md.
    """
    likelihood = design.likelihood
    unit = 1.0 if likelihood.on_logit else expected.spread
    with np.errstate(divide="ignore"):  # far outside (0, 1) the spread of a straight line rounds to 0
        scatter = np.median(np.sqrt(likelihood.variance(expected, noise)) / unit, axis=0)
    share, middle = float((scatter < SCATTER_MIN).mean()), float(np.median(scatter))
    points = float(np.median(np.unique(design.curve_index(frontiers), return_counts=True)[1]))
    alarm = share > 0.5 and points < FEW_POINTS
    return Check(
        "scatter",
        middle,
        "",
        None,
        f"SAEs scatter about their curves by {middle:.1%} (68%), with probability {share:.2f} by less than "
        f"{SCATTER_MIN:.0%}",
        f"Implausibly little, from {points:g} SAEs a curve: the published sweeps that hillfront packages "
        "scatter by more, and training again with another seed alone gives 1 to 2%, so the intervals may be "
        "far too narrow. Check that the rows are separate trainings, as measured; add SAEs or known errors "
        f"(se){by_interface(', or give sigma a prior', '')}."
        if alarm
        else "",
    )

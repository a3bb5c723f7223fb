"""Default priors, in the units of the design, and how a user overrides them.

Users give a :class:`pymc_extras.prior.Prior`, which can be nested, shown and saved as data; a plain number
fixes the parameter. Inside, a prior that is no more than a distribution with numbers is kept as those
(:mod:`hillfront.model.distributions`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hillfront.utils.wording import meant

if TYPE_CHECKING:
    from pymc_extras.prior import Prior

    type PriorLike = Prior | float

from hillfront.curves.family import CurveFamily
from hillfront.curves.sparsity import REFERENCE_D_MODEL
from hillfront.model.distributions import Distribution, distribution_of
from hillfront.model.likelihood import DEFAULT_NOISE, likelihood_named

__all__ = [
    "DEFAULT_HIT_REF",
    "as_prior",
    "default_distributions",
    "default_priors",
    "priors_from_json",
    "priors_to_json",
    "resolve_priors",
]

DEFAULT_HIT_REF = 0.05
"""Reference hit of a curve's position: inside most published data; fixed, so it never moves with the data."""


def default_priors(
    family: CurveFamily, *, noise: str = DEFAULT_NOISE, relative_sparsity: bool = False
) -> dict[str, PriorLike]:
    r"""Weakly informative priors of a family's parameters and of the noise.

    Parameters
    ----------
    family : CurveFamily
    noise : str
        Name of the likelihood; parameters that it does not have are left out.
    relative_sparsity : bool
        Whether L0 counts in shares of d_model: positions then mean the same at a d_model of 2048.

    Notes
    -----
    ``log_x_ref_mean``
        Log sparsity at the reference hit, for the baseline-and-variant centre over settings:
        Normal(log 1/50, 2). At ``hit_ref=0.05`` its central 95% is an L0 from 1 to 2,500.
    ``log_k_mean``
        Normal(log 0.8, 0.5): central 95% of k from 0.3 to 2.1, the range of published frontiers.
    ``*_contrast``
        Log ratio of a variant to the baseline: Normal(0, 1) for the position (factors of 7 either way
        within 95%), Normal(0, 0.3) for k. Variants are not shrunk to each other.
    ``*_setting_sd``, ``*_interaction_sd``
        Gamma with shape 2, which keeps the zero away and the sampler out of the funnel: mean 1 and 0.3
        for the position's setting and variant-by-setting effects, 0.2 and 0.1 for log k.
    ``log_y_ref_mean``, ``log_share_mean``
        Straight lines, and costs without an upper bound: log y at an L0 of 50, Normal(log 0.05, 2) for a hit,
        which is the same position, and Normal(log 0.1, 5) for a cost, wide because costs have units of their
        own; and the share of it that falls with L0, which is the log-log slope there and has the prior of k
        (for costs, as for their k, Normal(log 0.5, 0.7)).
    ``sigma``
        LogNormal(log 0.1, 1.25), scatter between trainings on the logit scale: 95% from 0.009 to 1.2. Nearly
        flat in log sigma, as a scale's prior must be for intervals from four points to cover.
    ``tau``
        HalfNormal(0.001), the additive floor in units of y; 0 for a cost, whose units are not known.
    ``nu``
        Pareto(1) from 3 up, degrees of freedom: uniform in 1/nu up to 1/3, median 6. Tables of real SAEs have
        outliers; with tails heavier than nu = 3, curves of few points have several modes, and the chains
        disagree. The measurements are in docs/model.md.

    Examples
    --------
    >>> from hillfront.curves.families import HILL
    >>> default_priors(HILL)["sigma"]
    Prior("LogNormal", mu=-2.3025850929940455, sigma=1.25)
    """
    found = default_distributions(family, noise=noise, relative_sparsity=relative_sparsity)
    return {name: prior if isinstance(prior, float) else prior.to_prior() for name, prior in found.items()}


def default_distributions(
    family: CurveFamily, *, noise: str = DEFAULT_NOISE, relative_sparsity: bool = False
) -> dict[str, Distribution | float]:
    """Return the same as :func:`default_priors`, as plain distributions."""

    def gamma(mean: float) -> Distribution:
        return Distribution("Gamma", (2.0, 2.0 / mean))

    priors: dict[str, Distribution | float] = {}
    shift = math.log(REFERENCE_D_MODEL) if relative_sparsity else 0.0
    for parameter in family.sampled:
        centre = parameter.centre + shift * parameter.per_sparsity
        priors |= {
            f"{parameter.name}_mean": Distribution("Normal", (centre, parameter.spread)),
            f"{parameter.name}_contrast": Distribution("Normal", (0.0, parameter.contrast), ("contrast",)),
            f"{parameter.name}_setting_sd": gamma(parameter.setting),
            f"{parameter.name}_interaction_sd": gamma(parameter.interaction),
        }
    scatter: dict[str, Distribution | float] = {
        "sigma": Distribution("LogNormal", (math.log(0.1), 1.25)),
        "tau": Distribution("HalfNormal", (0.001,)) if family.bounded else 0.0,
        "nu": Distribution("Pareto", (1.0, 3.0)),
    }
    return priors | {name: scatter[name] for name in likelihood_named(noise).parameters}


def resolve_priors(
    family: CurveFamily,
    overrides: Mapping[str, Any] | None,
    *,
    noise: str = DEFAULT_NOISE,
    relative_sparsity: bool = False,
) -> dict[str, Any]:
    """Lay a user's priors over the defaults.

    Parameters
    ----------
    family, noise, relative_sparsity
        As for :func:`default_priors`.
    overrides : mapping of str to Prior or float, optional
        A number fixes the parameter.

    Returns
    -------
    dict of str to Distribution, Prior or float

    Raises
    ------
    ValueError
        For a name that is not a parameter of the model, or a value that is neither a Prior nor a number.
    """
    priors: dict[str, Any] = dict(
        default_distributions(family, noise=noise, relative_sparsity=relative_sparsity)
    )
    for name, value in (overrides or {}).items():
        if name not in priors:
            raise ValueError(
                f"priors has {name!r}, which is not a parameter of this model. Allowed: {', '.join(priors)}."
                f"{meant(name, priors)}"
            )
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            if value < 0 or (value == 0 and name != "tau"):
                _refuse_scatter(name, value)
            priors[name] = float(value)
        else:
            priors[name] = _given(name, value)
    return priors


def _given(name: str, value: object) -> Distribution | Prior:
    """Return a prior that a user gave, as a plain distribution if it is one."""
    from pymc_extras.prior import Prior

    if isinstance(value, Distribution):
        found: Distribution | Prior = value
    elif isinstance(value, Prior):
        found = distribution_of(value) or value.deepcopy()
    else:
        raise ValueError(
            f"priors[{name!r}] is {value!r}: give a pymc_extras.prior.Prior, or a number to fix it."
        )
    if not name.endswith("_contrast") or found.dims:
        return found
    # The contrasts of the variants share one prior, given for one of them.
    if isinstance(found, Distribution):
        return replace(found, dims=("contrast",))
    found.dims = "contrast"
    return found


def _refuse_scatter(name: str, value: float) -> None:
    """Refuse a fixed scatter, or fixed tails, that no noise has; positions and contrasts may be negative."""
    if name in ("sigma", "tau", "nu") or name.endswith("_sd"):
        least = "0 or above" if name == "tau" else "above 0"
        raise ValueError(f"priors[{name!r}] is {value!r}: a number that fixes it must be {least}.")


def as_prior(prior: Distribution | Prior) -> Prior:
    """Return the prior as pymc_extras has it, free to be changed."""
    return prior.to_prior() if isinstance(prior, Distribution) else prior.deepcopy()


def priors_to_json(priors: Mapping[str, Any]) -> dict[str, Any]:
    """Return the priors as plain data that JSON can hold."""
    return {n: p if isinstance(p, float) else p.to_dict() for n, p in priors.items()}


def priors_from_json(data: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse of :func:`priors_to_json`."""
    from pymc_extras.prior import Prior

    found = {n: p if isinstance(p, float) else Prior.from_dict(p) for n, p in data.items()}
    return {n: p if isinstance(p, float) else distribution_of(p) or p for n, p in found.items()}

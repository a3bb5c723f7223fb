"""The hierarchical PyMC model: design, data and priors in, ``pm.Model`` out.

Each sampled parameter theta (the position ``log_x_ref`` and, for the Hill family, ``log_k``) is, for variant
v in setting g,

``theta[v, g] = mean + contrast[v] + setting[g] + interaction[v, g]``

with ``contrast[baseline] = 0`` and the setting and interaction effects summing to zero over the settings of
the table (the interactions over the variants too): ``mean`` is the baseline's average over these settings,
``contrast`` the average contrast, and no direction of the posterior is left to the prior alone. The effects
have a common standard deviation per parameter and kind, ``setting_sd`` and ``interaction_sd``, which is what
pools the settings. Where there is one setting or one variant, the effects that it would need drop out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hillfront.frontiers.table import Frontiers
from hillfront.model.data import expected_at, in_logs, row_data
from hillfront.model.design import Design
from hillfront.model.likelihood import Expected, Likelihood, tail_quantile
from hillfront.model.priors import as_prior
from hillfront.model.selection import add_hidden, hidden_curve_index, hidden_data

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from pytensor.tensor.variable import TensorVariable

    type Tensor = TensorVariable[Any, Any]
    type Effects = Callable[[Design, Mapping[str, Any]], Mapping[str, Tensor]]

__all__ = [
    "build_model",
    "effect_columns",
    "model_of_posterior",
    "reported_variables",
    "variable_of",
    "zero_sum_effects",
]


def build_model(
    frontiers: Frontiers, design: Design, priors: Mapping[str, Any], *, effects: Effects | None = None
) -> pm.Model:
    """Build the PyMC model of a design on a table, with priors as from :func:`.resolve_priors`.

    The data are ``pm.Data``, so that a compiled model can be refitted to another table of the design.
    ``effects`` adds the effects of the settings to the model in context, :func:`zero_sum_effects` by default;
    a sampler may state the same prior in coordinates that suit it better. The curves' parameters, sampled and
    natural, are deterministics ``(setting, variant)``, those that are not pooled free variables themselves,
    and the observed ``y`` lies along ``obs``.
    """
    import pymc as pm
    import pytensor.tensor as pt

    family = design.family
    coords = {
        "variant": list(design.variants),
        "contrast": list(design.variants[1:]),
        "setting": list(design.settings),
        "obs": frontiers.table["row"].to_numpy(),
    }
    # Bounds hold by construction (every scale is positive), and their checks would be compiled in.
    with pm.Model(coords=coords, check_bounds=False) as model:
        arrays = in_logs(row_data(frontiers, design) | hidden_data(frontiers, design))
        data = {name: pm.Data(name, value) for name, value in arrays.items()}
        shifts = (effects or zero_sum_effects)(design, priors)
        parameters = []
        for parameter in family.sampled:
            how, name = design.pooling[parameter.natural], parameter.name
            if how == "none" and not isinstance(priors[f"{name}_mean"], float):
                parameters.append(_unpooled(name, priors))
                continue
            # PyTensor would read a Python float as single precision.
            if isinstance(how, float) and parameter.to_sampled is not None:
                theta = pt.full(_grid(design), np.float64(parameter.to_sampled(how)))
            elif how == "none":
                theta = pt.full(_grid(design), np.float64(priors[f"{name}_mean"]))
            else:
                theta = _shared_level(name, priors, design, contrasts=how == "partial")
                theta = theta[None, :] + shifts.get(name, pt.zeros((len(design.settings), 1)))
            parameters.append(pm.Deterministic(name, theta, dims=("setting", "variant")))

        # Of each curve, before they are looked up for each row: there are fewer curves than rows.
        natural = design.natural(*(theta.ravel() for theta in parameters))
        for name, values in natural.items():
            pm.Deterministic(name, pt.reshape(values, _grid(design)), dims=("setting", "variant"))

        # Errors of the losses that the SAEs of a setting share, known up to their standard deviation.
        scores = {name: pm.Normal(f"{name}_error_score", dims="setting") for name in design.shared_errors}

        def expected_of(curve_index: Any, prefix: str = "") -> Expected:
            setting = curve_index // len(design.variants)
            shared = {
                f"{name}_error": data[f"{prefix}{name}_error"] * score[setting]
                for name, score in scores.items()
            }
            return expected_at(
                family,
                pt.exp(data[f"{prefix}log_sparsity"]),
                _looked_up(natural, curve_index),
                se=data.get(f"{prefix}se", 0.0),
                sparsity_se=data.get(f"{prefix}sparsity_se"),
                **shared,
            )

        scatter = {name: variable_of(name, priors) for name in design.likelihood.parameters}
        _observe(design.likelihood, expected_of(data["curve_index"]), data["observed"], scatter)
        if design.selected:
            add_hidden(design.likelihood, expected_of(hidden_curve_index(design), "hidden_"), data, scatter)
    return model


def zero_sum_effects(design: Design, priors: Mapping[str, Any]) -> dict[str, Tensor]:
    """Add each partially pooled parameter's effects as free variables that sum to zero.

    Returns
    -------
    dict of str to variable
        By parameter, the sum of its effects, (setting, variant): ``<name>_setting`` sums to zero over the
        settings, ``<name>_interaction`` over settings and variants.
    """
    import pymc as pm

    shifts: dict[str, Tensor] = {}
    for name, kind in dict.fromkeys(effect_columns(design)):
        sd = variable_of(f"{name}_{kind}_sd", priors)
        if kind == "setting":
            shifts[name] = pm.ZeroSumNormal(f"{name}_setting", sigma=sd, dims="setting")[:, None]
        else:
            both = ("setting", "variant")
            shifts[name] += pm.ZeroSumNormal(f"{name}_interaction", sigma=sd, n_zerosum_axes=2, dims=both)
    return shifts


def _looked_up(natural: Mapping[str, Tensor], curve_index: Any) -> dict[str, Tensor]:
    """Natural parameters of each row's curve.

    x_half by its log: curves take log x_half, and PyTensor cancels that against the exponential.
    """
    import pytensor.tensor as pt

    return {
        name: pt.exp(pt.log(values)[curve_index]) if name == "x_half" else values[curve_index]
        for name, values in natural.items()
    }


def _student_t_logp(y: Tensor, nu: Tensor, location: Tensor, variance: Tensor) -> Tensor:
    """Student t with ``variance`` for the square of its scale: two logs a row, where PyMC's own has more."""
    import pytensor.tensor as pt

    constant = pt.gammaln(0.5 * (nu + 1.0)) - pt.gammaln(0.5 * nu) - 0.5 * np.log(np.pi)
    wide = nu * variance
    density: Tensor = (
        constant + 0.5 * nu * pt.log(wide) - 0.5 * (nu + 1.0) * pt.log(wide + (y - location) ** 2)
    )
    return density


def _student_t_random(
    nu: Any, location: Any, variance: Any, rng: np.random.Generator | None = None, size: Any = None
) -> NDArray[np.float64]:
    rng = np.random.default_rng(rng)
    shape = (
        np.broadcast_shapes(np.shape(nu), np.shape(location), np.shape(variance)) if size is None else size
    )
    return np.asarray(location + np.sqrt(variance) * rng.standard_t(nu, size=shape))


def _observe(likelihood: Likelihood, expected: Expected, y: Tensor, parameters: Mapping[str, Any]) -> None:
    """Add the observed y."""
    import pymc as pm

    location, scale = likelihood.location(expected), likelihood.scale(expected, parameters)
    if likelihood.on_logit:
        pm.LogitNormal("y", mu=location, sigma=scale, observed=y, dims="obs")
    elif "nu" in parameters:
        variance = likelihood.variance(expected, parameters) / tail_quantile(parameters["nu"]) ** 2
        pm.CustomDist(
            "y",
            parameters["nu"],
            location,
            variance,
            logp=_student_t_logp,
            random=_student_t_random,
            signature="(),(),()->()",
            observed=y,
            dims="obs",
        )
    else:
        pm.Normal("y", mu=location, sigma=scale, observed=y, dims="obs")


def reported_variables(design: Design, priors: Mapping[str, Any]) -> list[str]:
    """Return the names of the variables that a sampler reports; the others follow from these."""
    names = [parameter.name for parameter in design.family.sampled]
    kinds = dict.fromkeys(effect_columns(design))
    for parameter in design.family.sampled:
        own, how = parameter.name, design.pooling[parameter.natural]
        if how in ("partial", "common"):
            names.append(f"{own}_mean")
        if how == "partial" and len(design.variants) > 1:
            names.append(f"{own}_contrast")
        names += [f"{name}_{kind}_sd" for name, kind in kinds if name == own]
    names += [f"{name}_error_score" for name in design.shared_errors]
    names += design.likelihood.parameters
    return [name for name in names if not isinstance(priors.get(name), float)]


def _grid(design: Design) -> tuple[int, int]:
    return len(design.settings), len(design.variants)


def variable_of(name: str, priors: Mapping[str, Any]) -> Any:
    """Add the variable of a prior to the model in context; a number that fixes it is returned as it is."""
    prior = priors[name]
    return prior if isinstance(prior, float) else as_prior(prior).create_variable(name)


def _shared_level(name: str, priors: Mapping[str, Any], design: Design, *, contrasts: bool) -> Tensor:
    """Mean and contrasts of one parameter, one value for each variant."""
    import pytensor.tensor as pt

    mean = variable_of(f"{name}_mean", priors)
    n_contrasts = len(design.variants) - 1
    level: Tensor = pt.add(mean, pt.zeros(n_contrasts + 1))
    if contrasts and n_contrasts:
        contrast = variable_of(f"{name}_contrast", priors) + pt.zeros(n_contrasts)
        level = mean + pt.concatenate([pt.zeros(1), contrast])
    return level


def _unpooled(name: str, priors: Mapping[str, Any]) -> Tensor:
    """Every curve on its own, under the prior of the mean."""
    own = as_prior(priors[f"{name}_mean"])
    own.dims = ("setting", "variant")
    curves: Tensor = own.create_variable(name)
    return curves


def effect_columns(design: Design) -> list[tuple[str, str]]:
    """Parameter and kind (``setting`` or ``interaction``) of each column of effect coefficients."""
    n_settings, n_variants = _grid(design)
    if n_settings < 2:
        return []
    return [
        (parameter.name, kind)
        for parameter in design.family.sampled
        if design.pooling[parameter.natural] == "partial"
        for kind in ("setting", *("interaction",) * (n_variants - 1))
    ]


def model_of_posterior(
    posterior: xr.Dataset, frontiers: Frontiers, design: Design, *, priors: Mapping[str, Any]
) -> pm.Model:
    """Build the model of a fit, whose posterior must hold every free variable of it.

    Raises
    ------
    ValueError
        If a free variable is missing: PyMC's tools would draw it from its prior, without a word.
    """
    model = build_model(frontiers, design, priors)
    missing = [variable.name for variable in model.free_RVs if variable.name not in posterior]
    if missing:
        raise ValueError(
            f"The posterior of this fit lacks {', '.join(missing)}, which its PyMC model samples: files of "
            "format 1 did not keep the variables inside a prior. Fit the table again."
        )
    return model

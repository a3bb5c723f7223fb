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

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hillfront.frontiers.table import Frontiers
from hillfront.model.data import expected_at, in_logs, row_data
from hillfront.model.design import Design
from hillfront.model.likelihood import Expected, Likelihood, tail_quantile
from hillfront.model.priors import as_prior
from hillfront.model.selection import add_hidden, hidden_curve_index, hidden_data
from hillfront.model.zero_sum import over_variants, zero_sum, zero_sum_basis

if TYPE_CHECKING:
    import pymc as pm
    from pytensor.tensor.variable import TensorVariable

    type Tensor = TensorVariable[Any, Any]

__all__ = ["build_model", "effect_columns", "reported_variables", "zero_sum_basis"]


def build_model(frontiers: Frontiers, design: Design, priors: Mapping[str, Any]) -> pm.Model:
    """Build the PyMC model of a design on a table.

    Parameters
    ----------
    frontiers : Frontiers
        The data, in ``pm.Data`` so that a compiled model can be refitted to another table of the design.
    design : Design
    priors : mapping of str to Prior or float
        As from :func:`hillfront.model.priors.resolve_priors`.

    Returns
    -------
    pymc.Model
        With the curves' parameters as deterministics ``(setting, variant)``, and the observed ``y``.
    """
    import pymc as pm
    import pytensor.tensor as pt

    family = design.family
    coords = {
        "variant": list(design.variants),
        "contrast": list(design.variants[1:]),
        "setting": list(design.settings),
    }
    # Bounds hold by construction (every scale is positive), and their checks would be compiled in.
    with pm.Model(coords=coords, check_bounds=False) as model:
        arrays = in_logs(row_data(frontiers, design) | hidden_data(frontiers, design))
        data = {name: pm.Data(name, value) for name, value in arrays.items()}
        n_columns = len(effect_columns(design))
        effects = (
            _setting_effects(design, priors, pm.Data("centring", np.full(n_columns, 0.5)))
            if n_columns
            else {}
        )
        parameters = []
        for index, parameter in enumerate(family.sampled):
            how = design.pooling[parameter.natural]
            if isinstance(how, float) and parameter.to_sampled is not None:
                theta = pt.full(_grid(design), parameter.to_sampled(how))
            elif how == "none":
                theta = _unpooled(parameter.name, priors, design)
            else:
                theta = _shared_level(parameter.name, priors, design, contrasts=how == "partial")
                theta = theta[None, :] + effects.get(index, pt.zeros((len(design.settings), 1)))
            parameters.append(pm.Deterministic(parameter.name, theta, dims=("setting", "variant")))

        # Of each curve, before they are looked up for each row: there are fewer curves than rows.
        natural = design.natural(*(theta.ravel() for theta in parameters))

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

        scatter = {name: _variable(name, priors) for name in design.likelihood.parameters}
        _observe(design.likelihood, expected_of(data["curve_index"]), data["observed"], scatter)
        if design.selected:
            add_hidden(design.likelihood, expected_of(hidden_curve_index(design), "hidden_"), data, scatter)
    return model


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
        pm.LogitNormal("y", mu=location, sigma=scale, observed=y)
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
        )
    else:
        pm.Normal("y", mu=location, sigma=scale, observed=y)


def reported_variables(design: Design, priors: Mapping[str, Any]) -> list[str]:
    """Names of the model's variables that the posterior keeps: all but the effects' private coordinates."""
    names = [parameter.name for parameter in design.family.sampled]
    for parameter in design.family.sampled:
        names += [f"{parameter.name}_{part}" for part in _parts(design, design.pooling[parameter.natural])]
    names += [f"{name}_error_score" for name in design.shared_errors]
    names += design.likelihood.parameters
    return [name for name in names if not isinstance(priors.get(name), float)]


def _parts(design: Design, how: str | float) -> list[str]:
    """Hyperparameters of one parameter that the design can tell anything about."""
    if isinstance(how, float) or how == "none":
        return []
    several_variants, several_settings = len(design.variants) > 1, len(design.settings) > 1
    parts = ["mean"]
    if how == "partial":
        parts += ["contrast"] if several_variants else []
        parts += ["setting_sd"] if several_settings else []
        parts += ["interaction_sd"] if several_settings and several_variants else []
    return parts


def _grid(design: Design) -> tuple[int, int]:
    return len(design.settings), len(design.variants)


def _variable(name: str, priors: Mapping[str, Any]) -> Any:
    prior = priors[name]
    return prior if isinstance(prior, float) else as_prior(prior).create_variable(name)


def _shared_level(name: str, priors: Mapping[str, Any], design: Design, *, contrasts: bool) -> Tensor:
    """Mean and contrasts of one parameter, one value for each variant."""
    import pytensor.tensor as pt

    mean = _variable(f"{name}_mean", priors)
    n_contrasts = len(design.variants) - 1
    level: Tensor = pt.add(mean, pt.zeros(n_contrasts + 1))
    if contrasts and n_contrasts:
        contrast = _variable(f"{name}_contrast", priors) + pt.zeros(n_contrasts)
        level = mean + pt.concatenate([pt.zeros(1), contrast])
    return level


def _unpooled(name: str, priors: Mapping[str, Any], design: Design) -> Tensor:
    """Every curve on its own, under the prior of the mean."""
    import pytensor.tensor as pt

    prior = priors[f"{name}_mean"]
    curves: Tensor
    if isinstance(prior, float):
        curves = pt.full(_grid(design), prior)
    else:
        own = as_prior(prior)
        own.dims = ("setting", "variant")
        curves = own.create_variable(f"{name}_curve")
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


def _setting_effects(design: Design, priors: Mapping[str, Any], centring: Tensor) -> dict[int, Tensor]:
    """Setting and interaction effects, (setting, variant), of each partially pooled parameter.

    Each is sampled as ``sd**(1 - c) z`` with ``z ~ Normal(0, sd**c)``: c = 1 is the centred form, 0 the
    non-centred one, and the prior is the same for all. Which is best depends on how well the data fix the
    effects, so c is chosen for the data that are fitted (:mod:`hillfront.sampling.parameterization`).

    All of them come from one matrix of coefficients, one column for each kind of effect: the left basis makes
    every column sum to zero over settings, the right one spreads the columns over the variants.
    """
    import pymc as pm
    import pytensor.tensor as pt

    n_settings, n_variants = _grid(design)
    columns = effect_columns(design)
    kinds = list(dict.fromkeys(columns))
    scales = [_variable(f"{name}_{kind}_sd", priors) for name, kind in kinds]
    log_scale = pt.log(pt.stack(scales))[np.array([kinds.index(column) for column in columns])]
    coefficients = pm.Normal(
        "effect_coefficients", 0.0, pt.exp(centring * log_scale), shape=(n_settings - 1, len(columns))
    )
    names = list(dict.fromkeys(name for name, _ in columns))
    spread = np.kron(np.eye(len(names)), over_variants(n_variants).T)
    effects = pt.dot(zero_sum(coefficients * pt.exp((1.0 - centring) * log_scale)), spread)
    return {
        index: effects[
            :, names.index(parameter.name) * n_variants : (names.index(parameter.name) + 1) * n_variants
        ]
        for index, parameter in enumerate(design.family.sampled)
        if parameter.name in names
    }

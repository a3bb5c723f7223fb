"""The reference model has the density of what is sampled, and PyMC's own tools read a fit with it."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr

import hillfront as hf
from hillfront.estimands.draws import effect_draws
from hillfront.estimands.predict import log_likelihood
from hillfront.fits.fitting import _complete
from hillfront.model.design import design_of
from hillfront.model.priors import resolve_priors
from hillfront.model.pymc_model import build_model, reported_variables
from hillfront.sampling.pymc_sampler import draw_prior, partially_centred


def table(*, settings: int = 3, **columns: Any) -> hf.Frontiers:
    rng = np.random.default_rng(3)
    rows = [
        (v, f"g{g}", x, 1 / (1 + (x / (2 + g)) ** (0.8 + 0.1 * i) / 2) * np.exp(0.05 * rng.normal()))
        for g in range(settings)
        for i, v in enumerate(("a", "b", "c"))
        for x in (8.0, 20.0, 60.0, 120.0)
    ]
    frame = pd.DataFrame(rows, columns=["variant", "place", "l0", "performance_hit"]).assign(**columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hf.Frontiers.from_frame(frame, group="place")


def costs() -> hf.Frontiers:
    frame = table().table.rename(columns={"performance_hit": "mse"})[["variant", "setting", "l0", "mse"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hf.Frontiers.from_frame(frame, group="setting", cost="mse")


FIXED = {"log_x_ref_setting_sd": 1.0, "log_k_mean": -0.2, "sigma": 0.1}

CASES: dict[str, tuple[hf.Frontiers, dict[str, Any]]] = {
    "default": (table(), {}),
    "one setting": (table(settings=1), {}),
    "hill1": (table(), {"curve": "hill1"}),
    "power": (table(), {"curve": "power"}),
    "linear": (table(), {"curve": "linear"}),
    "proportional": (table(), {"curve": "proportional"}),
    "cost": (costs(), {"curve": "power"}),
    "normal": (table(), {"noise": "normal"}),
    "logit-normal": (table(), {"noise": "logit-normal"}),
    "known errors": (table(se=0.01, se_l0=1.0), {}),
    "errors of the losses": (table(se_base=0.01, se_ablated=0.02, ce_base=2.0, ce_ablated=4.0), {}),
    "selected": (table(n_trained=6.0), {}),
    "not pooled": (table(), {"pool": {"k": "none"}}),
    "one prior for all": (table(), {"pool": {"k": "none", "x_half": "common"}}),
    "k is a number": (table(), {"pool": {"k": 1.0}}),
    "fixed by numbers": (table(), {"priors": FIXED}),
    "dense limit": (table(), {"dense_limit": 500.0}),
}


@pytest.mark.parametrize("case", CASES)
def test_pymc_computes_the_log_likelihood_of_the_package(case: str) -> None:
    """At draws of the prior, whatever the design: nothing that a draw does not hold is needed."""
    frontiers, options = CASES[case]
    design, priors, draws = drawn(frontiers, **options)
    model = build_model(frontiers, design, priors)
    assert {variable.name for variable in model.free_RVs} <= set(draws.data_vars)
    own = log_likelihood(draws, frontiers, design)
    tree = xr.DataTree.from_dict({"/posterior": draws})
    theirs = pm.compute_log_likelihood(tree, model=model, extend_inferencedata=False, progressbar=False)["y"]
    np.testing.assert_array_equal(theirs["obs"], frontiers.table["row"])
    np.testing.assert_allclose(theirs.transpose(*own.dims), own, rtol=1e-6)
    for name in design.family.natural_names:
        assert model.named_vars_to_dims[name] == ("setting", "variant")


def drawn(frontiers: hf.Frontiers, *, priors: Any = None, **options: Any) -> tuple[Any, Any, xr.Dataset]:
    """Design, priors and a few draws of a fit's variables from the prior."""
    design = design_of(frontiers, baseline="a", **options)
    resolved = resolve_priors(design.family, priors, noise=design.noise)
    model = build_model(frontiers, design, resolved, effects=partially_centred)
    draws = draw_prior(model, var_names=reported_variables(design, resolved), draws=12, random_seed=4)
    return design, resolved, _complete(draws, design, resolved)


@pytest.mark.parametrize("case", ["default", "power", "fixed by numbers"])
def test_effects_have_the_same_prior_in_both_parameterizations(case: str) -> None:
    """Between any two points: centred coefficients are the effects in an orthonormal basis."""
    frontiers, options = CASES[case]
    design, priors, _ = drawn(frontiers, **options)
    reference = build_model(frontiers, design, priors)
    ours = build_model(frontiers, design, priors, effects=partially_centred)
    ours.set_data("centring", np.ones(ours["effect_coefficients"].shape[1].eval()))
    thetas = [parameter.name for parameter in design.family.sampled]
    curves = ours.compile_fn(
        ours.replace_rvs_by_values([ours[name] for name in thetas]),
        inputs=ours.value_vars,
        on_unused_input="ignore",
        mode="FAST_COMPILE",
    )
    densities = [model.compile_logp(mode="FAST_COMPILE") for model in (ours, reference)]
    rng, differences = np.random.default_rng(5), []
    for _ in range(4):
        point = {
            name: value + 0.3 * rng.standard_normal(np.shape(value))
            for name, value in ours.initial_point().items()
        }
        theta = xr.Dataset(
            {n: (("setting", "variant"), v) for n, v in zip(thetas, curves(point), strict=True)}
        )
        effects = effect_draws(theta, design)
        again = {name: point[name] for name in point if name != "effect_coefficients"}
        for name, value in effects.items():
            rv = reference[name]
            transform = reference.rvs_to_transforms[rv]
            again[reference.rvs_to_values[rv].name] = transform.forward(
                pt.as_tensor(value.to_numpy()), *rv.owner.inputs
            ).eval()
        differences.append(float(densities[1](again) - densities[0](point)))
    np.testing.assert_allclose(differences, differences[0], atol=1e-6)


def test_a_prior_made_of_random_variables_keeps_them() -> None:
    """The sampler reports what is inside a nested prior, as PyMC would draw it anew otherwise."""
    from pymc_extras.prior import Prior

    priors = {"sigma": Prior("HalfNormal", sigma=Prior("Gamma", alpha=2, beta=10))}
    prepared = hf.prepare(table(settings=1), baseline="a", priors=priors)
    names = {variable.name for variable in prepared.model.free_RVs}
    assert "sigma_sigma" in names
    assert names <= set(prepared.prior.data_vars)

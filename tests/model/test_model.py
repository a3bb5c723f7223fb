"""The PyMC model: its structure, its priors, and that NumPy and PyTensor agree on the noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from pymc_extras.prior import Prior
from scipy import stats

from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import expected_at, row_data
from hillfront.model.design import design_of
from hillfront.model.likelihood import LIKELIHOODS, Expected
from hillfront.model.priors import priors_from_json, priors_to_json, resolve_priors
from hillfront.model.pymc_model import build_model, reported_variables
from hillfront.sampling.pymc_sampler import draw_prior


def _model(frontiers: Frontiers, **options: object) -> tuple[pm.Model, dict[str, object], list[str]]:
    overrides = options.pop("priors", None)
    design = design_of(frontiers, baseline="baseline", **options)  # type: ignore[arg-type]
    priors = resolve_priors(design.family, overrides)  # type: ignore[arg-type]
    return build_model(frontiers, design, priors), priors, reported_variables(design, priors)


def test_log_likelihood_is_that_of_the_observation_model() -> None:
    """PyMC's density of y equals the NumPy one that log_likelihood and LOO are made of."""
    frontiers = simulate(settings=3, points=4, random_seed=3).frontiers
    model, _, _ = _model(frontiers)
    design = design_of(frontiers, baseline="baseline")
    point = model.initial_point()
    rng = np.random.default_rng(0)
    point = {name: value + 0.3 * rng.standard_normal(value.shape) for name, value in point.items()}
    with model:
        logp = model.compile_logp(model["y"], sum=False, mode="FAST_COMPILE")(point)[0]
        names = ["log_x_ref", "log_k", "sigma", "tau", "nu"]
        values = dict(
            zip(
                names,
                model.compile_fn(
                    model.replace_rvs_by_values([model[n] for n in names]),
                    inputs=model.value_vars,
                    mode="FAST_COMPILE",
                    on_unused_input="ignore",
                )(point),
                strict=True,
            )
        )
    data = row_data(frontiers, design)
    at_rows = (values[name].ravel()[data["curve_index"]] for name in ("log_x_ref", "log_k"))
    expected = expected_at(design.family, data["sparsity"], design.natural(*at_rows))
    scatter = {name: values[name] for name in ("sigma", "tau", "nu")}
    np.testing.assert_allclose(logp, design.likelihood.logpdf(data["observed"], expected, scatter), rtol=1e-9)


def test_mean_and_contrast_are_averages_over_settings() -> None:
    """With zero-sum effects, the hyperparameters are exactly the average curve parameters."""
    frontiers = simulate(variants=("baseline", "a", "b"), settings=4, random_seed=5).frontiers
    model, _, names = _model(frontiers)
    prior = draw_prior(model, var_names=names, draws=20, random_seed=4)
    average = prior["log_k"].mean("setting")
    np.testing.assert_allclose(average.sel(variant="baseline"), prior["log_k_mean"], atol=1e-10)
    for variant in ("a", "b"):
        difference = average.sel(variant=variant) - average.sel(variant="baseline")
        np.testing.assert_allclose(difference, prior["log_k_contrast"].sel(contrast=variant), atol=1e-10)


def test_prior_spreads_are_the_documented_ones() -> None:
    """Whatever the sampling coordinates, the effects have the standard deviations that the docs state."""
    frontiers = simulate(settings=3, random_seed=5).frontiers
    fixed = {"log_k_setting_sd": 0.2, "log_k_interaction_sd": 0.1, "log_k_mean": 0.0, "log_k_contrast": 0.0}
    model, _, _ = _model(frontiers, priors=fixed)
    prior = draw_prior(model, var_names=["log_k"], draws=4000, random_seed=4)["log_k"]
    setting = prior.mean("variant")
    # A zero-sum effect of G levels has variance sd^2 (1 - 1/G).
    assert float(setting.std()) == pytest.approx(0.2 * np.sqrt(2 / 3), rel=0.05)
    interaction = prior - setting
    assert float(interaction.std()) == pytest.approx(0.1 * np.sqrt(2 / 3 * 1 / 2), rel=0.05)


def test_absent_levels_drop_out() -> None:
    one_setting = simulate(settings=1, random_seed=1).frontiers
    one_variant = simulate(variants=("baseline",), settings=3, random_seed=1).frontiers
    alone = simulate(variants=("baseline",), settings=1, random_seed=1).frontiers
    assert not any("sd" in name for name in _model(one_setting)[2])
    names = _model(one_variant)[2]
    assert "log_k_setting_sd" in names
    assert not any("contrast" in name or "interaction" in name for name in names)
    assert [n for n in _model(alone)[2] if n.startswith("log_k")] == ["log_k", "log_k_mean"]


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ({"k": "common"}, {"log_k", "log_k_mean"}),
        ({"k": "none"}, {"log_k"}),
        ({"k": 1.0}, {"log_k"}),
    ],
)
def test_pooling_of_k(pool: dict[str, str | float], expected: set[str]) -> None:
    frontiers = simulate(settings=2, random_seed=1).frontiers
    model, _, names = _model(frontiers, pool=pool)
    assert {n for n in names if n.startswith("log_k")} == expected
    k = np.exp(draw_prior(model, var_names=["log_k"], draws=8, random_seed=1)["log_k"])
    spread = float(k.std(["setting", "variant"]).max())
    if pool["k"] == "none":
        assert spread > 0.01
    else:
        assert spread == pytest.approx(0, abs=1e-12)
    if pool["k"] == 1.0:
        np.testing.assert_allclose(k, 1.0)


def test_fixed_x_half_is_fixed_at_one_half() -> None:
    frontiers = simulate(settings=2, random_seed=1).frontiers
    design = design_of(frontiers, baseline="baseline", pool={"x_half": 3.0})
    model = build_model(frontiers, design, resolve_priors(design.family, None))
    prior = draw_prior(model, var_names=["log_x_ref", "log_k"], draws=5, random_seed=1)
    natural = design.family.natural(
        prior["log_x_ref"].values, prior["log_k"].values, reference=design.reference
    )
    np.testing.assert_allclose(natural["x_half"], 3.0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"baseline": "gated"}, "baseline='gated' is not a variant.*baseline, variant"),
        ({"curve": "hil"}, "Unknown curve family 'hil'. Allowed: hill"),
        ({"pool": {"slope": "none"}}, "pool has 'slope'.*Allowed: x_half, k"),
        ({"pool": {"k": "some"}}, "pool\\['k'\\] is 'some'. Allowed: 'partial', 'common', 'none'"),
        ({"pool": {"k": -1.0}}, "or a positive number"),
        ({"hit_ref": 1.0}, "hit_ref=1.0: the reference hit must lie between 0 and 1"),
    ],
)
def test_bad_designs_are_refused(options: dict[str, object], text: str) -> None:
    frontiers = simulate(random_seed=1).frontiers
    with pytest.raises(ValueError, match=text):
        design_of(frontiers, **{"baseline": "baseline", **options})  # type: ignore[arg-type]


def test_priors_are_data() -> None:
    frontiers = simulate(random_seed=1).frontiers
    family = design_of(frontiers, baseline="baseline").family
    priors = resolve_priors(family, {"nu": 4, "sigma": Prior("HalfNormal", sigma=0.2)})
    assert priors["nu"] == 4.0
    assert priors_from_json(priors_to_json(priors)) == priors
    nested = resolve_priors(family, {"sigma": Prior("HalfNormal", sigma=Prior("HalfNormal", sigma=0.2))})
    assert priors_from_json(priors_to_json(nested)) == nested
    assert isinstance(nested["sigma"], Prior)
    contrast = resolve_priors(family, {"log_k_contrast": Prior("Normal", mu=0, sigma=0.1)})["log_k_contrast"]
    assert contrast.dims == ("contrast",)


@pytest.mark.parametrize(
    ("priors", "text"),
    [
        ({"kappa": 1.0}, "priors has 'kappa'.*Allowed: log_x_ref_mean"),
        ({"sigma": "wide"}, "priors\\['sigma'\\] is 'wide': give a pymc_extras.prior.Prior, or a number"),
    ],
)
def test_bad_priors_are_refused(priors: dict[str, object], text: str) -> None:
    family = design_of(simulate(random_seed=1).frontiers, baseline="baseline").family
    with pytest.raises(ValueError, match=text):
        resolve_priors(family, priors)


def test_known_standard_errors_enter_the_scale() -> None:
    table = simulate(random_seed=1).frontiers.table.assign(se=0.02)
    frontiers = Frontiers.from_frame(pd.DataFrame(table).drop(columns=["row", "sparsity"]), group="setting")
    model, _, _ = _model(frontiers)
    assert "se" in model.named_vars
    with model:
        logp = model.compile_logp(model["y"], sum=False, mode="FAST_COMPILE")
        with_se = logp(model.initial_point())[0]
        pm.set_data({"se": np.zeros(len(frontiers))})
        without = logp(model.initial_point())[0]
    assert not np.allclose(with_se, without)


@pytest.mark.parametrize("nu", [3.0, 4.0, 10.0, 1e6])
def test_sigma_is_the_scatter_of_two_thirds_at_any_nu(nu: float) -> None:
    """At a hit of 1/2, sigma 0.4 is a scatter of 0.1 in y: 68% of SAEs lie within it, whatever the tails."""

    def scale_of(tau: float, known: float = 0.0) -> float:
        expected = Expected(f=0.5, logit=0.0, spread=0.25, known_variance=known**2)
        return float(LIKELIHOODS["student-t"].scale(expected, {"sigma": 0.4, "tau": tau, "nu": nu}))

    scale = scale_of(0.0)
    assert 1 - 2 * stats.t.sf(0.1, nu, scale=scale) == pytest.approx(0.6827, abs=0.003)
    # The floor and known errors add in squares: 3-4-5 triangles.
    assert scale_of(0.075) == pytest.approx(1.25 * scale)
    assert scale_of(0.0, known=0.075) == pytest.approx(1.25 * scale)


def test_replicated_y_scatter_as_the_observation_model_does() -> None:
    """PyMC's own predictive draws: sigma is the 68% scatter of the logit, whatever nu."""
    frontiers = simulate(settings=1, points=4, random_seed=1).frontiers
    fixed = {"sigma": 0.02, "tau": 0.0, "nu": 3.0}
    model, _, _ = _model(frontiers, priors=fixed)
    with model:
        drawn = pm.draw(
            [model["y"], model["log_x_ref"], model["log_k"]], draws=4000, random_seed=1, mode="FAST_COMPILE"
        )
    design = design_of(frontiers, baseline="baseline")
    curve_index = row_data(frontiers, design)["curve_index"]
    curves = [values.reshape(len(values), -1)[:, curve_index] for values in drawn[1:]]
    natural = design.natural(*curves)
    expected = expected_at(design.family, row_data(frontiers, design)["sparsity"], natural)
    off = (drawn[0] - expected.f) / (fixed["sigma"] * expected.spread)
    assert np.mean(np.abs(off) < 1.0) == pytest.approx(0.683, abs=0.02)

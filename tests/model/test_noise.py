"""Observation models: densities, draws and their agreement with PyMC, for every noise and family."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import integrate, special, stats

import hillfront as hf
from hillfront.curves.families import FAMILIES
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataError, FrontierDataWarning, Frontiers
from hillfront.model.data import expected_at, row_data
from hillfront.model.design import design_of
from hillfront.model.likelihood import LIKELIHOODS, Expected, Likelihood, likelihood_named, tail_quantile
from hillfront.model.priors import default_priors, resolve_priors
from hillfront.model.pymc_model import build_model, reported_variables

PARAMETERS = {"sigma": 0.3, "tau": 0.004, "nu": 5.0}


def of(noise: Likelihood) -> dict[str, float]:
    return {name: PARAMETERS[name] for name in noise.parameters}


def at(hit: float, *, known: float = 0.0) -> Expected:
    return Expected(
        f=np.float64(hit), logit=special.logit(hit), spread=hit * (1 - hit), known_variance=known**2
    )


# ---------------------------------------------------------------- densities


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("hit", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("known", [0.0, 0.01])
def test_densities_integrate_to_one(name: str, hit: float, known: float) -> None:
    noise, expected = LIKELIHOODS[name], at(hit, known=known)

    def density(y: float) -> float:
        return float(np.exp(noise.logpdf(np.float64(y), expected, of(noise))))

    if noise.on_logit:  # in logit y, where the density is smooth
        total, _ = integrate.quad(
            lambda t: density(special.expit(t)) * special.expit(t) * special.expit(-t),
            special.logit(hit) - 12,
            special.logit(hit) + 12,
            points=[special.logit(hit)],
        )
    else:
        scale = float(noise.scale(expected, of(noise)))
        total = sum(
            integrate.quad(density, *ends, limit=200)[0]
            for ends in (
                (-np.inf, hit - 5 * scale),
                (hit - 5 * scale, hit + 5 * scale),
                (hit + 5 * scale, np.inf),
            )
        )
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_densities_are_those_of_scipy(name: str) -> None:
    noise, expected, y = LIKELIHOODS[name], at(0.1, known=0.01), np.array([0.05, 0.1, 0.13])
    additive = np.sqrt((0.3 * 0.09) ** 2 + 0.004**2 + 0.01**2)
    reference = {
        "student-t": lambda: stats.t.logpdf(y, 5.0, loc=0.1, scale=additive / tail_quantile(5.0)),
        "normal": lambda: stats.norm.logpdf(y, 0.1, additive),
        "logit-normal": lambda: (
            stats.norm.logpdf(special.logit(y), special.logit(0.1), np.hypot(0.3, 0.01 / 0.09))
            - np.log(y * (1 - y))
        ),
    }[name]()
    np.testing.assert_allclose(noise.logpdf(y, expected, of(noise)), reference, rtol=1e-12)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_draws_have_the_density_and_residuals_are_calibrated(name: str) -> None:
    noise, rng = LIKELIHOODS[name], np.random.default_rng(1)
    expected = Expected(*(np.full(40_000, value) for value in (0.2, special.logit(0.2), 0.16, 0.0004)))
    y = noise.draws(rng, expected, of(noise))
    shares = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    quantiles = np.quantile(y, shares)
    one = at(0.2, known=0.02)

    def density(t: float) -> float:
        """Of y, or of logit y, where it is smooth."""
        y_there = special.expit(t) if noise.on_logit else t
        stretch = y_there * (1 - y_there) if noise.on_logit else 1.0
        return float(np.exp(noise.logpdf(np.float64(y_there), one, of(noise))) * stretch)

    start, ends = (-12.0, special.logit(quantiles)) if noise.on_logit else (-np.inf, quantiles)
    below = [integrate.quad(density, start, end)[0] for end in ends]
    np.testing.assert_allclose(below, shares, atol=0.01)
    residuals = noise.residual(y, expected, of(noise))
    for prob in (0.5, 0.9, 0.99):
        inside = np.abs(residuals) <= noise.tail_bound(of(noise), prob=prob)
        assert inside.mean() == pytest.approx(prob, abs=0.01)
    standard = noise.standard_draws(rng, of(noise), (40_000,))
    np.testing.assert_allclose(np.quantile(residuals, shares), np.quantile(standard, shares), atol=0.05)


def test_a_saturated_curve_has_a_finite_logit_scale() -> None:
    """Where the spread rounds to 0, noise on the logit scale without known errors is sigma still."""
    gone = Expected(f=np.float64(1.0), logit=np.float64(800.0), spread=np.float64(0.0), known_variance=0.0)
    assert LIKELIHOODS["logit-normal"].scale(gone, {"sigma": 0.3}) == pytest.approx(0.3)


# ---------------------------------------------------------------- NumPy and PyMC


def table_of(errors: str) -> Frontiers:
    """Two settings of hits inside (0, 1), with known errors of one kind."""
    table = simulate(settings=2, points=4, random_seed=3).frontiers.table.drop(columns=["row", "sparsity"])
    if errors == "se":
        table["se"] = np.linspace(0.001, 0.02, len(table))
    if errors == "se_l0":
        table["se_l0"] = np.linspace(0.5, 3.0, len(table))
    if errors == "shared":
        hit = table.pop("performance_hit")
        table = table.assign(ce_sae=3.0 + 10 * hit, ce_base=3.0, ce_ablated=13.0)
        table = table.assign(se_ce_sae=0.02, se_ce_base=0.05, se_ce_ablated=0.8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(table, group="setting")


# se and shared errors are the same code for hill1 as for hill, and for proportional as for linear.
KINDS = [
    (curve, errors)
    for curve in FAMILIES
    for errors in ("none", "se", "se_l0", "shared")
    if errors in ("none", "se_l0") or curve not in ("hill1", "proportional")
]


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize(("curve", "errors"), KINDS)
def test_pymc_has_the_same_density(curve: str, name: str, errors: str) -> None:
    """The density that is sampled is the one that LOO and the residuals are made of."""
    frontiers = table_of(errors)
    design = design_of(
        frontiers,
        baseline="baseline",
        curve=curve,
        noise=name,
        dense_limit=900.0 if curve == "power" else None,
    )
    model = build_model(frontiers, design, resolve_priors(design.family, None, noise=name))
    rng = np.random.default_rng(0)
    point = {
        k: v + 0.2 * rng.standard_normal(np.shape(v)) for k, v in model.initial_point(random_seed=1).items()
    }
    names = [
        *(p.name for p in design.family.sampled),
        *design.likelihood.parameters,
        *(f"{shared}_error_score" for shared in design.shared_errors),
    ]
    assert [n for n in names if n.endswith("score")] == (
        ["base_error_score", "ablated_error_score"] if errors == "shared" else []
    )
    with model:
        outputs = model.replace_rvs_by_values([model[n] for n in names])
        (density,) = model.logp(model["y"], sum=False)
        found, *values = model.compile_fn(
            [density, *outputs], inputs=model.value_vars, mode="FAST_COMPILE", on_unused_input="ignore"
        )(point)
    drawn = dict(zip(names, values, strict=True))
    data = row_data(frontiers, design)
    curve_index, x, y = (data.pop(n) for n in ("curve_index", "sparsity", "observed"))
    for shared in design.shared_errors:
        data[f"{shared}_error"] = data[f"{shared}_error"] * drawn[f"{shared}_error_score"][curve_index // 2]
    natural = design.natural(*(drawn[p.name].ravel()[curve_index] for p in design.family.sampled))
    expected = expected_at(design.family, x, natural, **data)
    noise = {n: drawn[n] for n in design.likelihood.parameters}
    reference = design.likelihood.logpdf(y, expected, noise)
    assert np.isfinite(reference).all()
    np.testing.assert_allclose(found, reference, rtol=1e-8, atol=1e-10)


# ---------------------------------------------------------------- parameters and refusals


@pytest.mark.parametrize(
    ("name", "scatter"),
    [("student-t", {"sigma", "tau", "nu"}), ("normal", {"sigma", "tau"}), ("logit-normal", {"sigma"})],
)
def test_a_noise_has_its_own_parameters(name: str, scatter: set[str]) -> None:
    frontiers = simulate(random_seed=1).frontiers
    design = design_of(frontiers, baseline="baseline", noise=name)
    priors = default_priors(design.family, noise=name)
    assert {n for n in priors if not n.startswith("log_")} == scatter
    assert {n for n in reported_variables(design, priors) if not n.startswith("log_")} == scatter
    model = build_model(frontiers, design, priors)
    assert {v.name for v in model.free_RVs if not v.name.startswith("log_")} == scatter


@pytest.mark.parametrize("name", ["normal", "logit-normal"])
def test_there_is_no_nu_to_fix_without_tails(name: str) -> None:
    with pytest.raises(ValueError, match="priors has 'nu', which is not a parameter of this model"):
        resolve_priors(FAMILIES["hill"], {"nu": 4}, noise=name)


@pytest.mark.parametrize(
    ("priors", "text"),
    [
        ({"nu": 0}, r"priors\['nu'\] is 0: a number that fixes it must be above 0"),
        ({"nu": -4.0}, r"priors\['nu'\] is -4\.0"),
        ({"sigma": 0.0}, r"priors\['sigma'\] is 0\.0: a number that fixes it must be above 0"),
        ({"tau": -1e-3}, r"priors\['tau'\] is -0\.001: a number that fixes it must be 0 or above"),
        ({"log_k_setting_sd": 0.0}, r"priors\['log_k_setting_sd'\] is 0\.0"),
    ],
)
def test_scatter_that_no_noise_has_is_refused(priors: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        resolve_priors(FAMILIES["hill"], priors)


def test_numbers_that_may_be_zero_or_negative() -> None:
    given = {"tau": 0.0, "log_x_ref_mean": -4.0, "log_k_contrast": 0.0}
    assert {n: p for n, p in resolve_priors(FAMILIES["hill"], given).items() if n in given} == given


@pytest.mark.parametrize("hit", [0.0, -0.002, 1.0, 1.2])
def test_logit_normal_refuses_hits_without_a_logit(hit: float) -> None:
    table = simulate(random_seed=1).frontiers.table.drop(columns=["row", "sparsity"])
    table.loc[2, "performance_hit"] = hit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(pd.DataFrame(table), group="setting")
    with pytest.raises(FrontierDataError) as error:
        design_of(frontiers, baseline="baseline", noise="logit-normal")
    text = str(error.value)
    assert f"performance hit without a logit (row 2): saw {hit:g}" in text
    assert "Use noise='student-t', which is defined there" in text
    design_of(frontiers, baseline="baseline", noise="normal")


def test_unknown_noise_lists_the_known() -> None:
    with pytest.raises(
        ValueError, match=r"Unknown noise 'gauss'\. Allowed: student-t, normal, logit-normal\."
    ):
        likelihood_named("gauss")


# ---------------------------------------------------------------- real fits


def scattered() -> Frontiers:
    return simulate(points=12, l0=(5.0, 200.0), sigma=0.15, random_seed=6).frontiers


@pytest.mark.parametrize("name", ["normal", "logit-normal"])
def test_a_fit_has_the_parameters_of_its_noise_and_finds_the_scatter(name: str) -> None:
    fit = hf.fit(scattered(), baseline="baseline", noise=name, draws=400, tune=600, progressbar=False)
    posterior = fit.data["posterior"].to_dataset()
    assert "nu" not in posterior
    assert ("tau" in posterior) == (name == "normal")
    assert "fixed_nu" not in posterior.attrs
    low, high = np.quantile(posterior["sigma"], [0.01, 0.99])
    assert low < 0.15 < high
    assert high < 2.5 * low
    assert np.isfinite(fit.data["log_likelihood"]["y"]).all()
    coverage = fit.data["posterior_predictive"]["y"].quantile([0.05, 0.95], ["chain", "draw"])
    y = fit.data["observed_data"]["y"]
    inside = (y >= coverage.sel(quantile=0.05)) & (y <= coverage.sel(quantile=0.95))
    assert float(inside.mean()) >= 0.75
    predicted = fit.predict(l0=[50.0])["predictive"]
    assert bool(np.isfinite(predicted).all())
    if name == "logit-normal":
        assert bool(((predicted > 0) & (predicted < 1)).all())


def test_nu_can_be_fixed() -> None:
    """As a number in the density, not a parameter."""
    frontiers = simulate(random_seed=1).frontiers
    design = design_of(frontiers, baseline="baseline")
    priors = resolve_priors(design.family, {"nu": 4, "tau": 0.0})
    model = build_model(frontiers, design, priors)
    assert "nu" not in reported_variables(design, priors)
    assert not {"nu", "tau"} & {variable.name for variable in model.free_RVs}
    with model:
        names = ["log_x_ref", "log_k", "sigma"]
        outputs = model.replace_rvs_by_values([model[n] for n in names])
        (density,) = model.logp(model["y"], sum=False)
        found, *values, sigma = model.compile_fn(
            [density, *outputs], inputs=model.value_vars, mode="FAST_COMPILE"
        )(model.initial_point(random_seed=1))
    data = row_data(frontiers, design)
    natural = design.natural(*(theta.ravel()[data["curve_index"]] for theta in values))
    expected = expected_at(design.family, data["sparsity"], natural)
    scatter = {"sigma": sigma, "tau": 0.0, "nu": 4.0}
    reference = design.likelihood.logpdf(data["observed"], expected, scatter)
    np.testing.assert_allclose(found, reference, rtol=1e-7)


def test_pymc_draws_from_the_prior_of_every_noise() -> None:
    for name in LIKELIHOODS:
        frontiers = simulate(random_seed=1).frontiers
        design = design_of(frontiers, baseline="baseline", noise=name)
        model = build_model(frontiers, design, resolve_priors(design.family, None, noise=name))
        y = pm.draw(model["y"], draws=50, random_seed=1, mode="FAST_COMPILE")
        assert np.isfinite(y).all()
        if name == "logit-normal":
            assert ((y > 0) & (y < 1)).all()

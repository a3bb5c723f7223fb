"""The compiled density states the PyMC model: same density, same gradient, same variables."""

from __future__ import annotations

import ctypes
import warnings
from typing import Any

import numpy as np
import pymc as pm
import pytest
from pymc_extras.prior import Prior
from scipy import special, stats

from helpers import RARE
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import Design, design_of
from hillfront.model.distributions import Distribution, distribution_of
from hillfront.model.priors import resolve_priors
from hillfront.model.pymc_model import build_model, reported_variables
from hillfront.sampling.compiled import density, rows, sampler
from hillfront.sampling.compiled.layout import Layout, layout_of
from hillfront.sampling.compiled.sampler import packed
from hillfront.sampling.parameterization import parameterization_of
from hillfront.sampling.pymc_sampler import draw_prior, partially_centred, segments_of

SHAPES = {"a": 0.9, "b": 0.8, "c": 1.1}


def table(settings: int = 3, variants: int = 3, sigma: float = 0.2, **columns: float) -> Frontiers:
    simulated = simulate(
        variants=tuple(SHAPES), k=SHAPES, settings=settings, points=5, sigma=sigma, random_seed=3
    )
    frame = simulated.frontiers.table[["variant", "setting", "l0", "performance_hit"]].assign(**columns)
    frame = frame[frame["variant"].isin(list(SHAPES)[:variants])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Frontiers.from_frame(frame, group="setting")


def cost_table() -> Frontiers:
    frame = table().table.rename(columns={"performance_hit": "mse"})[["variant", "setting", "l0", "mse"]]
    return Frontiers.from_frame(frame.assign(mse=3.0 * frame["mse"]), group="setting", cost="mse")


def made(frontiers: Frontiers, *, priors: Any = None, **options: Any) -> tuple[Layout, Any, pm.Model, Design]:
    design = design_of(frontiers, baseline="a", **options)
    resolved = resolve_priors(
        design.family, priors, noise=design.noise, relative_sparsity=design.relative_sparsity
    )
    layout = layout_of(design, resolved)
    assert layout is not None
    return layout, resolved, build_model(frontiers, design, resolved, effects=partially_centred), design


# A handful: tests/sampling/test_density_numpy.py holds many more to a NumPy statement.
DESIGNS: dict[str, tuple[Frontiers, dict[str, Any]]] = {
    "default": (table(), {}),
    "one curve": (table(settings=1, variants=1), {}),
    "known errors": (table(se=0.004), {"curve": "linear", "noise": "normal"}),
    "cost": (cost_table(), {"curve": "proportional"}),
    "relative": (
        table(d_model=3000.0),
        {"curve": "power", "relative_sparsity": True, "dense_limit": "d_model", "pool": {"k": "none"}},
    ),
    "fixed numbers": (
        table(),
        {"priors": {"nu": 4.0, "tau": 0.0, "log_k_contrast": 0.1, "log_x_ref_setting_sd": 0.5}},
    ),
    "other priors": (
        table(),
        {
            "pool": {"x_half": 0.7},
            "priors": {
                "sigma": Prior("HalfCauchy", beta=0.2),
                "tau": Prior("Exponential", lam=500.0),
                "nu": Prior("InverseGamma", alpha=3.0, beta=12.0),
                "log_k_mean": Prior("Normal", mu=0.1, sigma=0.3),
                "log_k_setting_sd": Prior("HalfNormal", sigma=0.4),
            },
        },
    ),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_density_and_gradient_are_the_pymc_model_s(name: str) -> None:
    frontiers, options = DESIGNS[name]
    layout, _, model, design = made(frontiers, **options)
    rng = np.random.default_rng(5)
    centring = rng.uniform(0.0, 1.0, len(layout.columns))
    data = packed(layout, row_data(frontiers, design), centring)
    if centring.size:
        model.set_data("centring", centring)
    logp_and_gradient = model.logp_dlogp_function(ravel_inputs=True, mode="FAST_COMPILE")
    segments = segments_of(model)
    for scale in (0.1, 0.7, 2.0):
        point = layout.initial_point(
            1, parameterization_of(row_data(frontiers, design), design).initial_values, spread=scale
        )
        order = np.empty(point.size, dtype=int)
        for variable, segment in segments.items():
            own = next(
                (b.segment for b in layout.blocks if b.name == variable), slice(layout.n_free, layout.size)
            )
            order[segment.begin : segment.begin + segment.size] = np.arange(own.start, own.stop)
        theirs = point[order]
        value, gradient = logp_and_gradient(theirs)
        ours = np.full(point.size, np.nan)
        found = density.log_density(point, ours, data)
        # PyTensor rounds the numbers of a prior to single precision.
        assert found == pytest.approx(float(value), rel=1e-7, abs=1e-6)
        np.testing.assert_allclose(ours[order], gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", DESIGNS)
def test_variables_of_a_point_are_the_pymc_model_s(name: str) -> None:
    frontiers, options = DESIGNS[name]
    layout, priors, model, design = made(frontiers, **options)
    centring = np.random.default_rng(5).uniform(0.0, 1.0, len(layout.columns))
    if centring.size:
        model.set_data("centring", centring)
    points = np.random.default_rng(6).normal(size=(2, layout.size))
    found = layout.variables(points, centring)
    names = reported_variables(design, priors)
    value_vars = {variable.name: model.rvs_to_values[variable] for variable in model.free_RVs}
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    compiled = model.compile_fn(
        outputs,
        inputs=list(value_vars.values()),
        on_unused_input="ignore",
        mode="FAST_COMPILE",
        point_fn=False,
    )
    for index, point in enumerate(points):
        inputs = []
        for variable in value_vars:
            block = next((b for b in layout.blocks if b.name == variable), None)
            own = point[layout.n_free :] if block is None else point[block.segment]
            inputs.append(own.reshape(layout.effects_shape if block is None else block.shape))
        for variable, expected in zip(names, compiled(*inputs), strict=True):
            np.testing.assert_allclose(found[variable][index], expected, rtol=1e-6, atol=1e-7)


def test_draws_of_the_prior_are_the_pymc_model_s() -> None:
    """Kolmogorov-Smirnov tests of all columns together refuse equal priors in 1 of 10,000 seeds."""
    frontiers, options = DESIGNS["default"]
    layout, priors, model, design = made(frontiers, **options)
    ours = layout.prior_draws(4000, random_seed=1)
    theirs = draw_prior(model, var_names=reported_variables(design, priors), draws=4000, random_seed=2)
    pvalues = {
        (name, column): stats.ks_2samp(a, b, method="asymp").pvalue
        for name in theirs
        for column, (a, b) in enumerate(
            zip(theirs[name][0].to_numpy().reshape(4000, -1).T, ours[name].reshape(4000, -1).T, strict=True)
        )
    }
    assert min(pvalues.values()) > RARE / len(pvalues), min(pvalues, key=lambda column: pvalues[column])


@pytest.mark.parametrize(
    ("options", "priors"),
    [
        ({"noise": "logit-normal"}, None),
        ({}, {"sigma": Prior("HalfNormal", sigma=Prior("HalfNormal", sigma=0.1))}),
        ({}, {"log_k_mean": Prior("Laplace", mu=0.0, b=0.2)}),
        ({}, {"sigma": Prior("Gamma", mu=0.1, sigma=0.1)}),
    ],
)
def test_what_is_not_supported_is_left_to_pymc(options: dict[str, Any], priors: Any) -> None:
    frontiers = table()
    design = design_of(frontiers, baseline="a", **options)
    resolved = resolve_priors(design.family, priors, noise=design.noise)
    assert layout_of(design, resolved) is None


@pytest.mark.parametrize("columns", [{"se_l0": 0.5}, {"n_trained": 9.0}])
def test_columns_that_are_not_supported_are_left_to_pymc(columns: dict[str, float]) -> None:
    # Without scatter no SAE has another that is better in both, as a selection from many trained ones asks.
    frontiers = table(sigma=0.0, **columns)
    design = design_of(frontiers, baseline="a")
    assert layout_of(design, resolve_priors(design.family, None)) is None


def test_a_point_that_overflows_is_refused_and_not_fatal() -> None:
    frontiers, _ = DESIGNS["default"]
    layout, _, _, design = made(frontiers)
    data = packed(layout, row_data(frontiers, design), np.full(len(layout.columns), 0.5))
    call = density.nutpie_density.ctypes
    point, gradient, value = np.full(layout.size, 800.0), np.empty(layout.size), np.empty(1)
    arrays = [array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for array in (point, gradient, value)]
    assert call(layout.size, *arrays, data.ctypes.data) > 0
    point[:] = layout.initial_point(1, {}, spread=0.5)
    assert call(layout.size, *arrays, data.ctypes.data) == 0
    assert value[0] == density.log_density(point, gradient, data)


@pytest.mark.parametrize("x", [0.3, 1.0, 2.5, 5.99, 40.0, 1e4])
def test_digamma(x: float) -> None:
    assert rows._digamma(x) == pytest.approx(special.digamma(x), rel=1e-10, abs=1e-10)


def test_the_exponential_is_right_to_two_units_in_the_last_place() -> None:
    rng = np.random.default_rng(3)
    t = np.concatenate([rng.normal(0.0, 3.0, 3000), np.linspace(-700.0, 700.0, 3001), [0.0, -0.0, 1e-300]])
    found = np.empty_like(t)
    rows._exp_of_less(t.copy(), found)
    np.testing.assert_allclose(found, np.exp(-np.abs(t)), rtol=4.5e-16)
    rows._exp_of_less(np.array([-np.inf, 1e6]), found)
    np.testing.assert_array_equal(found[:2], np.exp(-700.0))


# ---------------------------------------------------------------- plain distributions

GIVEN = [
    Prior("Normal", mu=0.3, sigma=2),
    Prior("HalfNormal", sigma=0.2),
    Prior("LogNormal", mu=-1.0, sigma=0.7),
    Prior("Gamma", alpha=2.0, beta=5.0),
    Prior("InverseGamma", alpha=3.0, beta=0.4),
    Prior("Exponential", lam=3.0),
    Prior("HalfCauchy", beta=0.5),
    Prior("Pareto", alpha=1.5, m=3.0),
]


@pytest.mark.parametrize("prior", GIVEN, ids=lambda prior: prior.distribution)
def test_a_plain_distribution_is_the_prior(prior: Prior) -> None:
    found = distribution_of(prior)
    assert found is not None
    assert found.to_prior() == prior
    assert Prior.from_dict(found.to_dict()) == prior
    with pm.Model():
        variable = prior.create_variable("x")
    at = found.draws(np.random.default_rng(1), (50,))
    np.testing.assert_allclose(found.log_density(at), pm.logp(variable, at).eval(), rtol=1e-5, atol=1e-6)
    assert found.median == pytest.approx(found._scipy.median())
    *numbers, _, constant = sampler._prior(found)
    compiled = [density.prior_density(int(numbers[0]), *numbers[1:], value)[0] + constant for value in at]
    np.testing.assert_allclose(compiled, found.log_density(at), rtol=1e-12, atol=1e-12)
    many = found.draws(np.random.default_rng(2), (4000,))
    theirs = pm.draw(variable, draws=4000, random_seed=3, mode="FAST_COMPILE")
    assert stats.ks_2samp(many, theirs).statistic < 0.044


@pytest.mark.parametrize(
    "prior",
    [
        Prior("Normal", mu=0.0, sigma=Prior("HalfNormal", sigma=1.0)),
        Prior("Normal", mu=0.0, tau=1.0),
        Prior("Cauchy", alpha=0.0, beta=1.0),
        Prior("Normal", mu=0.0, sigma=1.0, transform="exp"),
        Prior("Normal", mu=np.zeros(2), sigma=1.0),
    ],
    ids=str,
)
def test_other_priors_stay_as_they_are(prior: Prior) -> None:
    assert distribution_of(prior) is None


def test_dims_are_kept() -> None:
    given = Prior("Normal", mu=0.0, sigma=1.0, dims="contrast")
    assert distribution_of(given) == Distribution("Normal", (0.0, 1.0), ("contrast",))
    assert Distribution("Normal", (0.0, 1.0), ("contrast",)).to_prior() == given

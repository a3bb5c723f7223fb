"""Where chains start: near the curves that the data suggest, spread out, and finite whatever is missing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hillfront as hf
from hillfront.curves.families import FAMILIES
from hillfront.fits.fitting import prepare
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.data import in_logs, row_data
from hillfront.model.design import Design, design_of
from hillfront.model.priors import resolve_priors
from hillfront.model.pymc_model import build_model
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.sampling.parameterization import curve_guesses, parameterization_of
from hillfront.sampling.pymc_sampler import partially_centred

POOLS: list[dict[str, Any]] = [
    {},
    {"k": "none"},
    {"x_half": "none", "k": "none"},
    {"k": "common"},
    {"k": 0.9},
    {"x_half": "common", "k": "partial"},
]


def noiseless(curve: str = "hill", **options: Any) -> Frontiers:
    usual = {
        "settings": 3,
        "points": 6,
        "setting_sd": 0.5,
        "interaction_sd": 0.2,
        "sigma": 0.0,
        "random_seed": 2,
    }
    return simulate(curve=curve, **(usual | options)).frontiers


def guessed_theta(frontiers: Frontiers, design: Design) -> np.ndarray:
    return curve_guesses(row_data(frontiers, design), design).theta


def started(frontiers: Frontiers, design: Design) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Curves of the model at its start values, by name of the parameter, and the guesses."""
    data = row_data(frontiers, design)
    model = build_model(frontiers, design, resolve_priors(design.family, None), effects=partially_centred)
    parameterization = parameterization_of(data, design)
    if parameterization.centring.size:
        model.set_data("centring", parameterization.centring)
    point = model.initial_point(random_seed=1)
    for variable in model.free_RVs:
        if variable.name in parameterization.initial_values:
            value = parameterization.initial_values[variable.name]
            name = model.rvs_to_values[variable].name
            assert np.shape(value) == np.shape(point[name]), name
            point[name] = np.log(value) if name.endswith("_log__") else np.asarray(value)
    names = [p.name for p in design.family.sampled]
    with model:
        outputs = model.replace_rvs_by_values([model[n] for n in names])
        found = model.compile_fn(
            outputs, inputs=model.value_vars, mode="FAST_COMPILE", on_unused_input="ignore"
        )(point)
    return dict(zip(names, found, strict=True)), curve_guesses(data, design).theta


# ---------------------------------------------------------------- guesses


@pytest.mark.parametrize("curve", FAMILIES)
def test_guesses_are_near_the_truth(curve: str) -> None:
    simulation = simulate(curve=curve, settings=2, points=8, sigma=0.0, interaction_sd=0.3, random_seed=3)
    design = design_of(simulation.frontiers, baseline="baseline", curve=curve)
    guesses = curve_guesses(row_data(simulation.frontiers, design), design).theta
    assert guesses.shape == (len(design.family.sampled), 2, 2)
    natural = design.natural(*guesses)
    truth = simulation.curves.set_index(["setting", "variant"])
    for g, setting in enumerate(design.settings):
        for v, variant in enumerate(design.variants):
            x = 1 / np.geomspace(10, 200, 8)
            guessed = design.family.value(x, **{n: values[g, v] for n, values in natural.items()})
            true = design.family.value(x, **{n: truth.loc[(setting, variant), n] for n in natural})
            # Least squares is held by the prior, so it is not exact: within 15% of the hit.
            np.testing.assert_allclose(guessed, true, rtol=0.15, atol=0.002)


def test_an_outlier_does_not_move_a_guess_far() -> None:
    frontiers = noiseless(settings=1, points=8)
    design = design_of(frontiers, baseline="baseline")
    data = row_data(frontiers, design)
    clean = curve_guesses(data, design).theta
    observed = data["observed"].copy()
    observed[3] = 0.9
    off = curve_guesses({**data, "observed": observed}, design).theta
    assert np.abs(off - clean)[:, 0, 0].max() < 0.5
    np.testing.assert_array_equal(off[:, 0, 1], clean[:, 0, 1])


@pytest.mark.parametrize("curve", ["power", "linear", "proportional"])
def test_guesses_of_costs_have_the_unit_of_the_costs(curve: str) -> None:
    table = simulate(curve=curve, points=8, sigma=0.0, random_seed=3).frontiers.table
    found = []
    for unit in (1.0, 1000.0):
        frame = table.assign(nmse=unit * table["performance_hit"])[["variant", "l0", "nmse"]]
        frontiers = Frontiers.from_frame(frame, cost="nmse")
        design = design_of(frontiers, baseline="baseline", curve=curve)
        guesses = guessed_theta(frontiers, design)
        found.append(design.family.value(0.02, **design.natural(*guesses)))
    np.testing.assert_allclose(found[1] / found[0], 1000.0, rtol=0.02)


def test_relative_guesses_are_the_plain_ones_in_another_unit() -> None:
    table = noiseless().table.drop(columns=["row", "sparsity"]).assign(d_model=2048)
    frontiers = Frontiers.from_frame(table, group="setting")
    plain, relative = (
        design_of(frontiers, baseline="baseline", relative_sparsity=option) for option in (False, True)
    )
    shift = guessed_theta(frontiers, relative) - guessed_theta(frontiers, plain)
    np.testing.assert_allclose(shift[0], np.log(2048), atol=1e-3)
    np.testing.assert_allclose(shift[1], 0.0, atol=1e-3)


# ---------------------------------------------------------------- start values


@pytest.mark.parametrize("curve", FAMILIES)
def test_a_partially_pooled_model_starts_at_the_guesses(curve: str) -> None:
    frontiers = noiseless(curve)
    curves, guesses = started(frontiers, design_of(frontiers, baseline="baseline", curve=curve))
    for values, guess in zip(curves.values(), guesses, strict=True):
        np.testing.assert_allclose(values, guess, atol=1e-9)


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_every_pooling_starts_as_near_as_it_can(pool: dict[str, Any]) -> None:
    frontiers = noiseless()
    curves, (x_ref, log_k) = started(frontiers, design_of(frontiers, baseline="baseline", pool=pool))
    expected_k = {"common": np.full((3, 2), log_k.mean()), 0.9: np.full((3, 2), np.log(0.9))}
    expected_x = np.full((3, 2), x_ref.mean()) if pool.get("x_half") == "common" else x_ref
    np.testing.assert_allclose(curves["log_k"], expected_k.get(pool.get("k"), log_k), atol=1e-9)
    np.testing.assert_allclose(curves["log_x_ref"], expected_x, atol=1e-9)


@pytest.mark.parametrize(
    ("variants", "settings"),
    [(("baseline",), 1), (("baseline",), 3), (("baseline", "a", "b"), 1), (("baseline", "a", "b"), 2)],
)
def test_absent_levels_start_too(variants: tuple[str, ...], settings: int) -> None:
    frontiers = noiseless(variants=variants, settings=settings)
    curves, guesses = started(frontiers, design_of(frontiers, baseline="baseline"))
    for values, guess in zip(curves.values(), guesses, strict=True):
        np.testing.assert_allclose(values, guess, atol=1e-9)


def test_curves_without_data_start_at_their_variants_average() -> None:
    frontiers = noiseless()
    design = design_of(frontiers, baseline="baseline")
    table = frontiers.table
    here = ~((table["variant"] == "variant") & (table["setting"] == "setting 2"))
    part = Frontiers(table[here].reset_index(drop=True), frontiers.group_columns)
    curves, guesses = started(part, design)
    assert np.isnan(guesses[:, 1, 1]).all()
    for values, guess in zip(curves.values(), guesses, strict=True):
        assert values[1, 1] == pytest.approx((guess[0, 1] + guess[2, 1]) / 2)
    alone = Frontiers(table[table["variant"] == "baseline"].reset_index(drop=True), frontiers.group_columns)
    curves, guesses = started(alone, design)
    for values, guess in zip(curves.values(), guesses, strict=True):
        np.testing.assert_allclose(values[:, 1].mean(), guess[:, 0].mean())


def test_without_any_data_chains_start_where_the_sampler_likes() -> None:
    frontiers = noiseless(settings=1)
    design = design_of(frontiers, baseline="baseline")
    nothing = Frontiers(frontiers.table.head(0), frontiers.group_columns)
    assert parameterization_of(row_data(nothing, design), design).initial_values == {}


# ---------------------------------------------------------------- in the sampler


@pytest.mark.parametrize("options", [{}, {"noise": "logit-normal"}], ids=["density", "graph"])
def test_chains_start_near_the_guesses_and_apart_from_each_other(options: dict[str, Any]) -> None:
    """Half a unit to either side, by seed; and a sample of hardly any steps shows that chains differ."""
    from hillfront.sampling.compiled.sampler import DensitySampler, compiled_density, packed
    from hillfront.sampling.pymc_sampler import GraphSampler, segments_of, with_initial_values

    frontiers = noiseless(settings=1)
    prepared = prepare(frontiers, baseline="baseline", **options)
    data = row_data(frontiers, prepared.design)
    values = parameterization_of(data, prepared.design).initial_values
    sampler = prepared.sampler
    if options:
        assert isinstance(sampler, GraphSampler)
        compiled = sampler.compiled.with_data(**in_logs(data))
        compiled = with_initial_values(compiled, segments_of(prepared.model), values)
    else:
        assert isinstance(sampler, DensitySampler)
        written = packed(sampler.layout, data, np.empty(0))
        compiled = compiled_density(sampler.layout, written, values)
    starts = np.array([compiled.initial_point_func(random_seed) for random_seed in range(50)])
    again = np.array([compiled.initial_point_func(random_seed) for random_seed in range(50)])
    np.testing.assert_array_equal(starts, again)
    assert np.isfinite(starts).all()
    # Each of the four sampled coordinates of the curves varies by half a unit about its guess.
    level = np.concatenate([np.ravel(values[v.name]) for v in prepared.model.free_RVs if v.name in values])
    assert level.size == 4
    near = [column for column in starts.T if np.ptp(column) < 1.0 and np.ptp(column) > 0.8]
    assert len(near) >= 4
    middles = sorted(float(np.mean(column)) for column in near)
    for value in level:
        assert min(abs(middle - value) for middle in middles) < 0.15
    few = SamplerOptions(draws=4, tune=1, chains=2, random_seed=1)
    posterior, _ = prepared.sample(frontiers, few)
    other, _ = prepared.sample(frontiers, SamplerOptions(draws=4, tune=1, chains=2, random_seed=2))
    assert not np.array_equal(posterior["k"], other["k"])
    assert not np.array_equal(posterior["k"][0], posterior["k"][1])
    # A curve without data is sampled all the same, and so is nothing at all.
    part = Frontiers(frontiers.table.query("variant == 'baseline'"), frontiers.group_columns)
    assert np.isfinite(prepared.sample(part, few)[0]["k"]).all()
    nothing = Frontiers(frontiers.table.head(0), frontiers.group_columns)
    assert np.isfinite(prepared.sample(nothing, few)[0]["k"]).all()


# ---------------------------------------------------------------- centring


def centring(**options: Any) -> np.ndarray:
    """Centring of the columns: setting and interaction of the position, then of the slope."""
    frontiers = simulate(
        **({"settings": 6, "points": 8, "sigma": 0.02, "random_seed": 5} | options)
    ).frontiers
    design = design_of(frontiers, baseline="baseline")
    return parameterization_of(row_data(frontiers, design), design).centring


def test_effects_are_centred_as_far_as_the_data_fix_them() -> None:
    # A spread that leaves all hits far from 0, where a guess knows little, over enough settings to be seen.
    seen = centring(setting_sd=0.4, interaction_sd=0.4, settings=20)
    assert seen.shape == (4,)
    assert (seen[:2] > 0.95).all()
    absent = centring(setting_sd=0.8, interaction_sd=0.0, sigma=0.1, settings=20)
    assert absent[0] > 0.95
    assert (absent[1:] < 0.75).all()
    # The same spread is seen less well through more scatter.
    assert centring(setting_sd=0.3, sigma=0.6)[0] < centring(setting_sd=0.3, sigma=0.02)[0]


def test_centring_does_not_change_what_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    frontiers = simulate(settings=3, points=6, interaction_sd=0.2, random_seed=8).frontiers
    prepared = prepare(frontiers, baseline="baseline")

    def fitted(c: float) -> pd.DataFrame:
        monkeypatch.setattr(
            "hillfront.sampling.parameterization._scale_and_centring", lambda part, noise, usual: (usual, c)
        )
        summary = prepared.fit(draws=4000, progressbar=False).improvement().summary
        return summary[["median", "lower", "upper"]]

    one, other = fitted(0.2), fitted(0.8)
    width = (one["upper"] - one["lower"]).to_numpy()[:, None]
    assert (np.abs(one - other).to_numpy() < 0.1 * width).all()


@pytest.mark.slow
def test_lines_through_the_origin_are_sampled_well_on_gemma() -> None:
    """From the centre of the prior, chains fell into corners of this posterior and stayed there."""
    rows: pd.DataFrame = hf.load_dataset("gated_sae", model="Gemma-7B", seq_len=1024)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(rows, group=["site", "layer"], y="loss_recovered")
    fit: FrontierFit = hf.fit(frontiers, baseline="baseline", curve="proportional", progressbar=False)
    checks = {check.name: check for check in fit.diagnostics().checks}
    assert checks["R-hat"].value <= 1.01
    assert checks["divergences"].value == 0

"""Pareto-selected SAEs: the hidden ones' likelihood, the faults of ``n_trained``, and what corrects what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import hillfront as hf
from hillfront.estimands.improvement import improvement_of
from hillfront.estimands.selection import hidden_log_likelihood, without_selection
from hillfront.fits.fitting import PreparedModel, prepare
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataError
from hillfront.model.design import design_of
from hillfront.model.likelihood import LIKELIHOODS, Expected
from hillfront.model.selection import NODES, hidden_data, survival
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.text.outputs import write_outputs
from hillfront.text.summary import gain_lines

KEPT = {"l0": [10.0, 30.0, 90.0], "performance_hit": [0.2, 0.08, 0.03]}


def frame(**columns: Any) -> pd.DataFrame:
    rows = pd.DataFrame(KEPT)
    both = pd.concat([rows.assign(variant="a"), rows.assign(variant="b", l0=rows["l0"] * 1.1)])
    return both.reset_index(drop=True).assign(**columns)


@pytest.fixture(scope="module")
def selected() -> hf.Frontiers:
    return simulate(n_trained={"baseline": 8, "variant": 40}, gain=1.0, random_seed=5).frontiers


@pytest.fixture(scope="module")
def prepared(selected: hf.Frontiers) -> PreparedModel:
    return prepare(selected, baseline="baseline")


# ---------------------------------------------------------------- data


@pytest.mark.filterwarnings("ignore::hillfront.frontiers.table.FrontierDataWarning")
def test_the_staircase_is_the_best_kept_hit_at_an_l0_or_below() -> None:
    frontiers = hf.Frontiers.from_frame(frame(n_trained=9))
    design = design_of(frontiers, baseline="a")
    data = hidden_data(frontiers, design)
    assert data["hidden"].tolist() == [6.0, 6.0]
    l0 = 1.0 / data["hidden_sparsity"][:NODES]
    bound = data["hidden_bound"][:NODES]
    assert l0.min() > 10
    assert l0.max() < 90
    np.testing.assert_allclose(np.diff(np.log(l0)), np.log(9) / NODES)
    np.testing.assert_array_equal(bound, np.where(l0 < 30, 0.2, 0.08))
    np.testing.assert_allclose(data["hidden_bound"][NODES:], bound)


@pytest.mark.filterwarnings("ignore::hillfront.frontiers.table.FrontierDataWarning")
def test_a_curve_without_a_number_hides_nothing_and_equals_one_that_kept_all() -> None:
    table = frame(n_trained=[3.0, 3.0, 3.0, np.nan, np.nan, np.nan])
    frontiers = hf.Frontiers.from_frame(table)
    assert "Pareto-optimal ones of 3 trained SAEs; not known for 1 curve" in repr(frontiers)
    data = hidden_data(frontiers, design_of(frontiers, baseline="a"))
    assert data["hidden"].tolist() == [0.0, 0.0]
    frontiers = hf.Frontiers.from_frame(frame(n_trained=7.0))
    assert hidden_data(without_selection(frontiers), design_of(frontiers, baseline="a"))["hidden"].sum() == 0


@pytest.mark.parametrize(
    ("n_trained", "text"),
    [
        (2.0, "'n_trained' not usable (rows 0, 1, 2 and 3 more): saw 2.0, 2.0"),
        ([4.5] * 6, "'n_trained' not usable (rows 0, 1, 2 and 3 more): saw 4.5, 4.5"),
        ([4.0, 5.0, 4.0, 4.0, 4.0, 4.0], "'n_trained' differs inside a curve (row 1): saw 5"),
        (["many"] * 6, "not a number in 'n_trained'"),
    ],
)
@pytest.mark.filterwarnings("ignore::hillfront.frontiers.table.FrontierDataWarning")
def test_numbers_that_cannot_be_are_faults(n_trained: Any, text: str) -> None:
    with pytest.raises(FrontierDataError) as caught:
        hf.Frontiers.from_frame(frame(n_trained=n_trained))
    assert text in str(caught.value)


@pytest.mark.filterwarnings("ignore::hillfront.frontiers.table.FrontierDataWarning")
def test_a_dominated_row_of_a_selected_curve_is_a_fault() -> None:
    table = frame(n_trained=9.0)
    table.loc[1, "performance_hit"] = 0.3
    with pytest.raises(FrontierDataError, match=r"dominated SAE in a selected curve \(row 1\): saw 9"):
        hf.Frontiers.from_frame(table)
    kept = hf.Frontiers.from_frame(table, on_fault="drop")
    # The dropped row was trained, but was not hidden by the others of its curve.
    assert kept.table["n_trained"].tolist() == [8.0, 8.0, 9.0, 9.0, 9.0]
    # All that were trained are there, so dominated ones belong there.
    hf.Frontiers.from_frame(table.assign(n_trained=3.0))


def test_a_table_that_says_its_number_is_not_suspected(selected: hf.Frontiers) -> None:
    assert not any("Pareto-filtered" in text for text in selected.warnings)
    table = selected.table.drop(columns=["n_trained", "row", "sparsity"])
    with pytest.warns(hf.frontiers.FrontierDataWarning, match="or give how many were trained in a column"):
        hf.Frontiers.from_frame(table, group="setting")


# ---------------------------------------------------------------- likelihood


def test_survival_is_close_to_the_exact_one() -> None:
    expected = Expected(f=0.1, logit=np.log(1 / 9), spread=0.09, known_variance=0.0)
    bound = np.linspace(0.02, 0.3, 50)
    for nu in (3.0, 5.0, 30.0):
        noise, parameters = LIKELIHOODS["student-t"], {"sigma": 0.5, "tau": 0.001, "nu": nu}
        exact = stats.t.sf((bound - 0.1) / noise.scale(expected, parameters), nu)
        np.testing.assert_allclose(survival(noise, bound, expected, parameters), exact, atol=0.006)
    normal, parameters = LIKELIHOODS["normal"], {"sigma": 0.5, "tau": 0.001}
    exact = stats.norm.sf((bound - 0.1) / normal.scale(expected, parameters))
    np.testing.assert_allclose(survival(normal, bound, expected, parameters), exact, atol=1e-12)
    logit = LIKELIHOODS["logit-normal"]
    exact = stats.norm.sf((np.log(bound / (1 - bound)) - expected.logit) / 0.5)
    np.testing.assert_allclose(survival(logit, bound, expected, {"sigma": 0.5}), exact, atol=1e-12)


def at(**values: float) -> xr.Dataset:
    """A posterior of one draw and one curve."""
    curve = ("chain", "draw", "setting", "variant")
    return xr.Dataset(
        {
            name: (curve, np.full((1, 1, 1, 1), value)) if name.startswith("log_") else (curve[:2], [[value]])
            for name, value in values.items()
        },
        coords={"chain": [0], "draw": [0], "setting": ["all"], "variant": ["a"]},
    )


@pytest.mark.filterwarnings("ignore::hillfront.frontiers.table.FrontierDataWarning")
def test_the_probability_of_being_hidden_is_that_of_a_simulation() -> None:
    """Of SAEs trained evenly in log L0, the share that a fixed staircase hides."""
    table = frame(n_trained=9.0)
    frontiers = hf.Frontiers.from_frame(table[table["variant"] == "a"])
    rng = np.random.default_rng(1)
    l0 = np.exp(rng.uniform(np.log(10), np.log(90), 200_000))
    f = 1 / (1 + np.exp(0.9 * np.log(l0 / 30) - np.log(0.08 / 0.92)))
    y = f + 0.3 * f * (1 - f) * rng.standard_normal(l0.size)
    hidden = (y > np.where(l0 < 30, 0.2, 0.08)).mean()
    assert 0.02 < hidden < 0.8
    log_x_ref = -np.log(30) + (np.log(0.05 / 0.95) - np.log(0.08 / 0.92)) / 0.9
    posterior = at(log_x_ref=log_x_ref, log_k=np.log(0.9), sigma=0.3, tau=1e-9, nu=1e6)
    found = hidden_log_likelihood(posterior, frontiers, design_of(frontiers, baseline="a"))
    assert np.exp(found["hidden_saes"].item() / 6.0) == pytest.approx(hidden, abs=0.01)


def test_the_model_adds_just_the_hidden_saes(selected: hf.Frontiers, prepared: PreparedModel) -> None:
    """At one point, the model's term is what the package computes from the parameters there."""
    model, point = prepared.model, prepared.model.initial_point()
    names = ["log_x_ref", "log_k", "sigma", "tau", "nu"]
    at_values = model.replace_rvs_by_values([model[name] for name in names])
    values = model.compile_fn(at_values, inputs=model.value_vars, on_unused_input="ignore")(point)
    dims = {2: ("chain", "draw", "setting", "variant"), 0: ("chain", "draw")}
    posterior = xr.Dataset(
        {
            n: (dims[np.ndim(v)], np.reshape(v, (1, 1, *np.shape(v))))
            for n, v in zip(names, values, strict=True)
        },
        coords={"chain": [0], "draw": [0]},
    )
    own = hidden_log_likelihood(posterior, selected, prepared.design)["hidden_saes"].sum().item()
    assert own < -1.0
    hidden = hidden_data(selected, prepared.design)["hidden"]
    with_hidden = model.compile_logp()(point)
    with model:
        pm.set_data({"hidden": np.zeros_like(hidden)})
    without = model.compile_logp()(point)
    with model:
        pm.set_data({"hidden": hidden})
    assert with_hidden - without == pytest.approx(own, rel=1e-6)


def test_the_correction_takes_back_what_more_trainings_gained(prepared: PreparedModel) -> None:
    """Identical curves, 8 trained against 64: the mean of several sets.

    From few draws: a median's Monte Carlo error is a tenth of what sets differ by.
    """
    corrected, uncorrected = [], []
    for random_seed in range(10, 22):
        options = SamplerOptions(draws=200, tune=300, chains=2, random_seed=random_seed)
        frontiers = simulate(
            n_trained={"baseline": 8, "variant": 64}, sigma=0.2, gain=1.0, random_seed=random_seed
        ).frontiers
        for table, gains in ((frontiers, corrected), (without_selection(frontiers), uncorrected)):
            posterior, _ = prepared.sample(table, options)
            found = improvement_of(posterior, table, prepared.design, at_hit=[], at_l0=[])
            gains.append(found.summary["median"][0])
    assert abs(np.log(corrected).mean()) < 0.5 * np.log(uncorrected).mean()


def test_a_fit_says_what_it_corrected(
    selected: hf.Frontiers, prepared: PreparedModel, tmp_path: Path
) -> None:
    fit = prepared.fit(selected, draws=500, tune=500, progressbar=False)
    table = fit.selection()
    plain = fit.data["posterior_uncorrected"]["sigma"].median()
    assert fit.data["posterior"]["sigma"].median() > plain
    assert fit.data["log_selection"]["hidden_saes"].sizes["variant"] == 2
    names = {check.name: check for check in fit.diagnostics().checks}
    assert "not judged" in str(names["LOO-PIT"])
    hidden = 48 - len(selected)
    assert any(line.startswith(f"Corrected for the {hidden} trained SAEs") for line in gain_lines(fit))
    write_outputs(fit, tmp_path / "out")
    written = pd.read_csv(tmp_path / "out" / "selection.csv")
    assert written["median_uncorrected"].notna().all()
    assert (written["median"] != written["median_uncorrected"]).all()
    assert (tmp_path / "out" / "checks.png").stat().st_size > 10_000
    saved = hf.FrontierFit.load(tmp_path / "out" / "fit.nc")
    pd.testing.assert_frame_equal(saved.selection(), table)


def test_a_prepared_model_asks_for_the_column(selected: hf.Frontiers, prepared: PreparedModel) -> None:
    plain = replace(selected, table=selected.table.drop(columns="n_trained"))
    with pytest.raises(ValueError, match="These frontiers have n_trained: False"):
        prepared.fit(plain, progressbar=False)
    with pytest.raises(ValueError, match="Compare curve families without n_trained"):
        hf.compare_curves(selected, baseline="baseline", families=["hill"], progressbar=False)

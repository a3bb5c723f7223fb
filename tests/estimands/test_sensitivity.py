"""Prior sensitivity: log priors, what is marked as depending on the prior, and how it is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pymc_extras.prior import Prior
from scipy import stats

import hillfront as hf
from helpers import fit_of, frontiers_of, points, posterior_of
from hillfront.estimands.prior_sensitivity import (
    CONFLICT,
    DRAWS_MIN,
    STRONG_PRIOR,
    THRESHOLD,
    prior_note,
    sensitivity_of,
)
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.model.design import design_of
from hillfront.model.log_prior import log_priors_of
from hillfront.model.priors import resolve_priors
from hillfront.plots import plot_improvement
from hillfront.text.summary import gain_lines, summary_table

SAVED = Path(__file__).parents[1] / "saved" / "fit-0.1.0.nc"
FRONTIERS = simulate(variants=("baseline", "a", "b"), settings=2, random_seed=1).frontiers

# ---------------------------------------------------------------- log priors


def test_log_priors_are_those_of_the_documentation() -> None:
    design = design_of(FRONTIERS, baseline="baseline")
    posterior = posterior_of(design, -4.0, -0.2, hyper={"nu": 8.0})
    found = log_priors_of(design, resolve_priors(design.family, None)).at(posterior)
    p = {name: posterior[name].to_numpy() for name in found}
    expected = {
        "log_x_ref_mean": stats.norm.logpdf(p["log_x_ref_mean"], np.log(1 / 50), 2),
        "log_x_ref_contrast": stats.norm.logpdf(p["log_x_ref_contrast"], 0, 1).sum(axis=-1),
        "log_x_ref_setting_sd": stats.gamma.logpdf(p["log_x_ref_setting_sd"], 2, scale=1 / 2),
        "log_x_ref_interaction_sd": stats.gamma.logpdf(p["log_x_ref_interaction_sd"], 2, scale=0.3 / 2),
        "log_k_mean": stats.norm.logpdf(p["log_k_mean"], np.log(0.8), 0.5),
        "log_k_contrast": stats.norm.logpdf(p["log_k_contrast"], 0, 0.3).sum(axis=-1),
        "log_k_setting_sd": stats.gamma.logpdf(p["log_k_setting_sd"], 2, scale=0.2 / 2),
        "log_k_interaction_sd": stats.gamma.logpdf(p["log_k_interaction_sd"], 2, scale=0.1 / 2),
        "sigma": stats.lognorm.logpdf(p["sigma"], 1.25, scale=0.1),
        "tau": stats.halfnorm.logpdf(p["tau"], scale=0.001),
        "nu": stats.pareto.logpdf(p["nu"], 1, scale=3),
    }
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].dims == ("chain", "draw")
        np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)


def test_fixed_parameters_have_no_prior() -> None:
    design = design_of(FRONTIERS, baseline="baseline", pool={"k": 1.0, "x_half": "common"})
    priors = resolve_priors(design.family, {"nu": 4, "tau": 0})
    assert list(log_priors_of(design, priors).functions) == ["log_x_ref_mean", "sigma"]
    every = resolve_priors(design.family, {"nu": 4, "tau": 0, "sigma": 0.1, "log_x_ref_mean": -4})
    none = log_priors_of(design, every).at(posterior_of(design, -4.0, 0.0))
    assert not none.data_vars


def test_unpooled_curves_each_have_the_prior_of_the_mean() -> None:
    design = design_of(FRONTIERS, baseline="baseline", pool={"x_half": "none"})
    posterior = posterior_of(design, -4.0, -0.2, hyper={"nu": 8.0})
    found = log_priors_of(design, resolve_priors(design.family, None)).at(posterior)
    expected = stats.norm.logpdf(posterior["log_x_ref"].to_numpy(), np.log(1 / 50), 2).sum(axis=(2, 3))
    np.testing.assert_allclose(found["log_x_ref_mean"], expected, rtol=1e-6)
    assert "log_x_ref_contrast" not in found
    assert "log_k_contrast" in found


def test_a_prior_that_is_not_its_own_is_left_out() -> None:
    design = design_of(FRONTIERS, baseline="baseline")
    nested = Prior("Normal", mu=0, sigma=Prior("HalfNormal", sigma=1.0))
    priors = resolve_priors(
        design.family, {"log_k_contrast": nested, "log_k_mean": Prior("Cauchy", alpha=0, beta=1)}
    )
    found = log_priors_of(design, priors)
    assert "log_k_contrast" not in found.functions
    posterior = posterior_of(design, -4.0, -0.2, hyper={"nu": 8.0})
    np.testing.assert_allclose(
        found.at(posterior)["log_k_mean"], stats.cauchy.logpdf(posterior["log_k_mean"]), rtol=1e-6
    )


# ---------------------------------------------------------------- sensitivity


def conjugate(weight: float, *, draws: int = 1000) -> tuple[xr.DataTree, xr.Dataset]:
    """Draws of a normal mean, of whose information a share ``weight`` comes from a prior off the data."""
    rng = np.random.default_rng(3)
    prior, data = weight * 100, (1 - weight) * 100
    mean = rng.normal(weight * 0.3, 0.1, (4, draws))
    dims = ("chain", "draw")
    tree = xr.DataTree.from_dict(
        {
            "log_prior": xr.Dataset({"mean": (dims, -0.5 * prior * (mean - 0.3) ** 2)}),
            "log_likelihood": xr.Dataset({"y": (("obs", *dims), -0.5 * data * mean[None] ** 2)}),
        }
    )
    return tree, xr.Dataset({"q": (dims, np.exp(mean))})


@pytest.mark.parametrize(("weight", "diagnosis"), [(0.0001, ""), (0.5, CONFLICT), (0.9999, STRONG_PRIOR)])
def test_diagnosis_follows_the_weights(weight: float, diagnosis: str) -> None:
    found = sensitivity_of(*conjugate(weight)).iloc[0]
    assert found["diagnosis"] == diagnosis
    if weight != 0.5:  # there, both have the same weight
        assert (found["prior"] > found["likelihood"]) == (weight > 0.5)


def test_diagnosis_is_arvizs() -> None:
    import arviz_stats

    for weight in (0.0001, 0.05, 0.5, 0.9999):
        tree, draws = conjugate(weight)
        tree["posterior"] = xr.DataTree(np.log(draws))
        theirs = arviz_stats.psense_summary(tree, round_to=12).iloc[0]
        ours = sensitivity_of(tree, draws).iloc[0]
        assert ours["prior"] == pytest.approx(theirs["prior"])
        assert ours["likelihood"] == pytest.approx(theirs["likelihood"])
        assert (ours["diagnosis"] or "✓") == theirs["diagnosis"]


def test_the_median_with_half_the_prior() -> None:
    """Of a normal mean it is known: half the weight of the prior at 0.3, the data at 0 keep theirs."""
    found = sensitivity_of(*conjugate(0.5)).iloc[0]
    assert np.log(found["median_half_prior"]) == pytest.approx(0.3 * 25 / 75, abs=0.006)
    assert f"median {found['median_half_prior']:.3g} with the prior at half its strength" in prior_note(found)


def test_what_cannot_be_judged_is_not() -> None:
    tree, draws = conjugate(0.9999)
    q = draws["q"]
    odd = xr.Dataset({"q": q, "constant": 0 * q + 2.0, "none": q * np.nan, "zeros": q.where(q > 1, 0.0)})
    found = sensitivity_of(tree, odd)
    assert found.index.get_level_values("quantity").tolist() == list(odd)
    assert (found["diagnosis"] != "").tolist() == [True, False, False, False]
    assert found["prior"].notna().tolist() == [True, False, False, False]
    without = tree.copy()
    del without["log_prior"]
    assert sensitivity_of(without, draws)["prior"].isna().all()
    few = sensitivity_of(*conjugate(0.9999, draws=DRAWS_MIN // 4 - 1))
    assert few["prior"].isna().all()
    assert set(few["diagnosis"]) == {""}


def test_an_old_file_knows_no_prior_and_marks_nothing() -> None:
    improvement = FrontierFit.load(SAVED).improvement()
    assert not improvement.summary["prior_driven"].any()
    assert improvement.sensitivity is not None
    assert improvement.sensitivity["prior"].isna().all()


@pytest.mark.slow
def test_one_sae_a_curve_leaves_the_result_to_the_prior_and_many_do_not() -> None:
    poor = simulate(points=1, l0=(30.0, 30.0), random_seed=2).frontiers
    prepared = hf.prepare(poor, baseline="baseline")
    fit = prepared.fit(draws=2000, tune=1000, progressbar=False)
    table = fit.improvement().summary.set_index(["quantity", "scope"])
    assert table.loc[("k_ratio", "average"), "prior_driven"]
    assert table.loc[("x_half_ratio", "average"), "prior_driven"]
    assert not table.loc[("mean_sparsity_gain", "setting"), "prior_driven"].any()  # no shared range, no draws
    claim = fit.check_claim("k_ratio", low=1.0)
    assert "The prior makes much of this result (prior sensitivity" in str(claim)
    rich = prepared.fit(
        simulate(points=40, gain=1.5, sigma=0.05, random_seed=2).frontiers,
        draws=1000,
        tune=800,
        progressbar=False,
    )
    assert not rich.improvement().summary["prior_driven"].any()
    assert "prior" not in str(rich.check_claim("mean_sparsity_gain", low=1.0))


# ---------------------------------------------------------------- how it is said


@pytest.fixture(scope="module")
def told() -> FrontierFit:
    """A fit whose contrasts have a prior that pulls hard."""
    frame = [points(v, [10, 20, 40, 80], x_half=x, layer=n) for v, x in (("a", 2), ("b", 4)) for n in (1, 2)]
    fit = fit_of(frontiers_of(pd.concat(frame), group="layer"), baseline="a", draws=600)
    pull = 60.0 * fit.data["posterior"]["log_x_ref_contrast"].sum("contrast")
    fit.data["log_prior"] = xr.DataTree(pull.to_dataset(name="log_x_ref_contrast"))
    return fit


def test_the_terminal_summary_marks_it(told: FrontierFit) -> None:
    table = summary_table(told)
    assert table.caption is not None
    assert "! driven by the prior, which moves it as much as the data do or more" in str(table.caption)
    cells = [cell for column in table.columns for cell in column.cells]
    assert any(str(cell).endswith("] !") for cell in cells)
    assert any("observed, driven by the prior)" in line for line in gain_lines(told))
    told_nothing = FrontierFit(told.data.filter(lambda node: node.name != "log_prior"))
    assert "!" not in str(summary_table(told_nothing).caption)


def test_the_forest_marks_it(told: FrontierFit) -> None:
    improvement = told.improvement()
    axis = plot_improvement(improvement)
    rows = improvement.summary.query("quantity == 'mean_sparsity_gain'")
    assert rows["prior_driven"].any()
    assert sum(text.get_text().endswith(" !") for text in axis.texts) == rows["prior_driven"].sum()
    legend = axis.get_legend()
    assert legend is not None
    assert "! driven by the prior" in [text.get_text() for text in legend.get_texts()]


def test_a_table_asked_for_again_is_the_same(told: FrontierFit) -> None:
    first, second = told.improvement(), told.improvement(prob=0.5)
    assert first.summary["prior_driven"].equals(second.summary["prior_driven"])
    other = told.improvement(at_hit=[0.03], at_l0=[30])
    assert other.sensitivity is not None
    assert set(other.sensitivity.index.get_level_values("at").dropna()) == {0.03, 30.0}
    prior = other.sensitivity.loc[("sparsity_gain", "b", "average", 0.03), "prior"]
    row = other.summary.query("quantity == 'sparsity_gain' and scope == 'average'").iloc[0]
    assert bool(row["prior_driven"]) == (prior >= THRESHOLD)

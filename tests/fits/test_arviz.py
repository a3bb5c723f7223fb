"""ArviZ's functions, and PyMC's, on a fit and on one that was loaded: a script that a user could write."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import pytest
import xarray as xr

import hillfront as hf

SAVED = Path(__file__).parent.parent / "saved"


@pytest.fixture(scope="session")
def fit() -> hf.FrontierFit:
    rows = hf.load_dataset("gated_sae", model="Gemma-7B")
    rows = rows[(rows.site == "resid") & (rows.layer > 6)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frontiers = hf.Frontiers.from_frame(rows, group=["site", "layer"])
        return hf.fit(frontiers, baseline="baseline", draws=300, tune=400, progressbar=False)


@pytest.fixture(scope="session", params=["a fit", "a loaded fit", "a file of format 1"])
def some(fit: hf.FrontierFit, request: pytest.FixtureRequest, tmp_path_factory: Any) -> hf.FrontierFit:
    if request.param == "a fit":
        return fit
    if request.param == "a loaded fit":
        return hf.FrontierFit.load(fit.save(tmp_path_factory.mktemp("arviz") / "fit.nc"))
    return hf.FrontierFit.load(SAVED / "fit-0.1.0.nc")


TWO = ["log_x_ref_mean", "log_k_mean"]
FUNCTIONS: dict[str, Callable[[xr.DataTree], Any]] = {
    "summary": az.summary,
    "rhat": az.rhat,
    "ess": az.ess,
    "mcse": az.mcse,
    "bfmi": az.bfmi,
    "hdi": az.hdi,
    "eti": az.eti,
    "diagnose": az.diagnose,
    "loo": lambda data: az.loo(data, pointwise=True),
    "loo_pit": az.loo_pit,
    "loo_expectations": az.loo_expectations,
    "loo_metrics": az.loo_metrics,
    "compare": lambda data: az.compare({"one": data, "other": data}),
    "psense": az.psense,
    "psense_summary": lambda data: az.psense_summary(data, var_names=TWO),
    "extract": lambda data: az.extract(data, num_samples=10),
    "bayes_factor": lambda data: az.bayes_factor(data, var_names=["log_k_contrast"], ref_vals=0.0),
    "plot_forest": lambda data: az.plot_forest(data, var_names=["k"]),
    "plot_trace": lambda data: az.plot_trace(data, var_names=TWO),
    "plot_trace_dist": lambda data: az.plot_trace_dist(data, var_names=TWO),
    "plot_rank": lambda data: az.plot_rank(data, var_names=TWO),
    "plot_rank_dist": lambda data: az.plot_rank_dist(data, var_names=TWO),
    "plot_ess": lambda data: az.plot_ess(data, var_names=TWO),
    "plot_mcse": lambda data: az.plot_mcse(data, var_names=TWO),
    "plot_energy": az.plot_energy,
    "plot_pair": lambda data: az.plot_pair(data, var_names=TWO),
    "plot_parallel": lambda data: az.plot_parallel(data, var_names=TWO),
    "plot_ppc_dist": lambda data: az.plot_ppc_dist(data, num_samples=10),
    "plot_ppc_pit": az.plot_ppc_pit,
    "plot_loo_pit": az.plot_loo_pit,
    "plot_khat": lambda data: az.plot_khat(az.loo(data, pointwise=True)),
    "plot_prior_posterior": lambda data: az.plot_prior_posterior(data, var_names=["k", *TWO]),
    "plot_bf": lambda data: az.plot_bf(data, var_names=["log_k_contrast"]),
    "plot_dist": lambda data: az.plot_dist(data, var_names=TWO),
    "plot_autocorr": lambda data: az.plot_autocorr(data, var_names=TWO),
    "plot_ridge": lambda data: az.plot_ridge(data, var_names=["k"]),
    "plot_psense_dist": lambda data: az.plot_psense_dist(data, var_names=TWO),
}


def test_arviz_reads_a_fit(some: hf.FrontierFit) -> None:
    failed = {}
    for name, function in FUNCTIONS.items():
        if "psense" in name and "log_prior" not in some.data:
            continue  # files of format 1 did not hold it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                function(some.data)
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                failed[name] = repr(error)
        plt.close("all")
    assert failed == {}


def test_pymc_predicts_and_weighs_rows_as_the_package_does(some: hf.FrontierFit) -> None:
    """Nothing but y is drawn, and its 90% intervals are as wide as those of the fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = pm.sample_posterior_predictive(
            some.data, model=some.model, random_seed=1, progressbar=False, extend_inferencedata=False
        )
        density = pm.compute_log_likelihood(
            some.data, model=some.model, progressbar=False, extend_inferencedata=False
        )
    widths = []
    # The width of an interval from n draws of a normal y has a relative error of 0.9 / sqrt(n).
    sizes = some.data["posterior_predictive"]["y"].sizes
    error = 0.9 * np.sqrt(2 / (sizes["chain"] * sizes["draw"] * sizes["obs"]))
    for y in (predicted["posterior_predictive"]["y"], some.data["posterior_predictive"]["y"]):
        low, high = y.quantile([0.05, 0.95], dim=("chain", "draw"))
        widths.append(float((high - low).mean()))
    assert widths[0] == pytest.approx(widths[1], rel=max(0.02, 4 * error))
    own = some.data["log_likelihood"]["y"]
    np.testing.assert_array_equal(density["y"]["obs"], own["obs"])
    np.testing.assert_allclose(density["y"].transpose(*own.dims), own, rtol=1e-6)


def test_group_columns_are_coordinates_of_the_settings(some: hf.FrontierFit) -> None:
    posterior, columns = some.posterior, some.frontiers.setting_table
    for name in columns:
        label = columns[name].iloc[-1]
        own = posterior["k"].sel({name: label})
        settings = columns.index[columns[name] == label]
        np.testing.assert_array_equal(np.atleast_1d(own["setting"]), settings)
        assert set(dict(posterior["k"].groupby(name))) == set(columns[name])
        assert name in some.prior.coords


def test_a_group_column_that_the_posterior_names_itself_is_left_out_and_said() -> None:
    from helpers import fit_of

    rows = hf.load_dataset("gated_sae", model="Gemma-7B")
    rows = rows[rows.site == "resid"].rename(columns={"layer": "k"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frontiers = hf.Frontiers.from_frame(rows, group=["site", "k"])
    fit = fit_of(frontiers, baseline="baseline")
    with pytest.warns(UserWarning, match="The group column k is no coordinate"):
        posterior = fit.posterior
    assert "k" in posterior.data_vars
    assert list(posterior.sel(site="resid")["setting"].values) == list(frontiers.settings)


def test_a_fit_says_how_it_was_made(fit: hf.FrontierFit) -> None:
    for group in ("posterior", "sample_stats"):
        attrs = fit.data[group].attrs
        assert {"created_at", "creation_library", "inference_library_version", "tuning_steps"} <= set(attrs)
        assert attrs["inference_library"] == "nutpie"
        assert attrs["sampling_time"] > 0.0
    rate = fit.data["sample_stats"]["acceptance_rate"]
    assert 0.8 < float(rate.mean()) <= 1.0
    rows = fit.frontiers.table["row"]
    for name, node in fit.data.children.items():
        if "obs" in node.dims and name != "frontiers":
            np.testing.assert_array_equal(node["obs"], rows, err_msg=name)
    np.testing.assert_array_equal(fit.data["constant_data"]["variant_of_row"], fit.frontiers.table["variant"])


def test_predictions_have_a_grid_of_their_own(fit: hf.FrontierFit) -> None:
    predicted, l0 = fit.predict(), fit.frontiers.table["l0"]
    assert predicted.sizes["l0"] == 50
    assert predicted["l0"].values[[0, -1]] == pytest.approx([l0.min(), l0.max()])
    np.testing.assert_allclose(np.diff(np.log(predicted["l0"]), 2), 0.0, atol=1e-9)


def test_a_design_is_derived_once_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    import hillfront.fits.fitting as fitting
    from hillfront.model.design import Design

    derived: list[str] = []
    monkeypatch.setattr(fitting, "design_of", counted(fitting.design_of, derived))
    monkeypatch.setattr(Design, "from_json", counted(Design.from_json, derived))
    frontiers = hf.simulate(random_seed=1).frontiers
    fit = hf.fit(frontiers, baseline="baseline", draws=100, tune=100, chains=2, progressbar=False)
    fit.improvement()
    assert derived == ["design_of"]
    assert fit.design == Design.from_json(fit.data.attrs["design"])


def counted(function: Any, calls: list[str]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        calls.append(function.__name__)
        return function(*args, **options)

    return call

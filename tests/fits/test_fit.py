"""Real fits: sampling, refits, results that last, and whether the intervals cover."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hillfront as hf
from hillfront.fits.fitting import PreparedModel
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataWarning
from hillfront.studies.simulated import refit

SAVED = Path(__file__).parents[1] / "saved" / "fit-0.1.0.nc"


@pytest.fixture(scope="module")
def pair() -> PreparedModel:
    """One baseline and one variant, four points each, in one setting."""
    return hf.prepare(simulate(random_seed=0).frontiers, baseline="baseline")


@pytest.fixture(scope="module")
def pair_fit(pair: PreparedModel) -> FrontierFit:
    return pair.fit(random_seed=3, progressbar=False)


def test_a_seed_repeats_the_draws_exactly(pair: PreparedModel, pair_fit: FrontierFit) -> None:
    again = pair.fit(random_seed=3, progressbar=False)
    for setting in ("posterior", "posterior_predictive", "log_likelihood", "prior", "prior_predictive"):
        xr.testing.assert_identical(
            again.data[setting].to_dataset().drop_attrs(), pair_fit.data[setting].to_dataset().drop_attrs()
        )
    other = pair.fit(random_seed=4, progressbar=False)
    assert not np.array_equal(other.data["posterior"]["k"], pair_fit.data["posterior"]["k"])


def test_a_refit_is_the_fit_of_its_data(pair: PreparedModel, pair_fit: FrontierFit) -> None:
    """A compiled model keeps nothing of the data that it was compiled or last fitted with."""
    other = simulate(points=7, gain=3.0, random_seed=11).frontiers
    refit = pair.fit(other, random_seed=5, progressbar=False)
    fresh = hf.fit(other, baseline="baseline", random_seed=5, progressbar=False)
    np.testing.assert_array_equal(refit.data["posterior"]["k"], fresh.data["posterior"]["k"])
    assert len(refit.frontiers) == 14
    xr.testing.assert_equal(
        pair.fit(random_seed=3, progressbar=False).data["posterior"]["k"], pair_fit.data["posterior"]["k"]
    )


def test_another_design_is_refused(pair: PreparedModel) -> None:
    other = simulate(variants=("baseline", "topk"), random_seed=1).frontiers
    with pytest.raises(
        ValueError,
        match=r"variants: baseline, topk; the model was prepared for: baseline, variant\..*prepare",
    ):
        pair.fit(other, progressbar=False)


def test_parts_of_two_designs_are_refused(pair: PreparedModel) -> None:
    """A sampler has its design within it: another one beside it would say what was not fitted."""
    mixed = replace(pair, design=replace(pair.design, hit_ref=0.1))
    with pytest.raises(ValueError, match="parts of two designs"):
        mixed.fit(progressbar=False)


@pytest.mark.parametrize(
    ("sampler_options", "text"),
    [
        ({"draws": 0}, "draws=0"),
        ({"target_accept": 1.5}, "target_accept=1.5 must lie in"),
        ({"random_seed": -1}, "seed=-1 must be a non-negative integer"),
        ({"draws": 20, "thin": 6}, "thin=6 of 20 draws a chain: give 1"),
    ],
)
def test_bad_settings_are_refused(pair: PreparedModel, sampler_options: dict[str, int], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        pair.fit(progressbar=False, **sampler_options)  # type: ignore[arg-type]


def test_the_tree_is_complete_labelled_and_clean(pair_fit: FrontierFit) -> None:
    tree = pair_fit.data
    assert set(tree.children) == {
        "posterior",
        "sample_stats",
        "prior",
        "prior_predictive",
        "posterior_predictive",
        "log_likelihood",
        "log_prior",
        "observed_data",
        "constant_data",
        "frontiers",
    }
    posterior = tree["posterior"].to_dataset()
    assert set(posterior) == set(tree["prior"].to_dataset())
    assert not [name for name in posterior if "__" in str(name) or "coefficient" in str(name)]
    assert posterior["k"].dims == ("chain", "draw", "setting", "variant")
    assert posterior["variant"].to_numpy().tolist() == ["baseline", "variant"]
    for attribute in (
        "versions",
        "random_seed",
        "sampler_options",
        "design",
        "priors",
        "data_hash",
        "hillfront_format",
    ):
        assert attribute in tree.attrs
    assert json.loads(tree.attrs["versions"])["hillfront"] == hf.__version__
    assert tree.attrs["data_hash"] == pair_fit.frontiers.data_hash
    np.testing.assert_allclose(
        tree["observed_data"]["y"], pair_fit.frontiers.table["performance_hit"], rtol=0
    )
    with warnings.catch_warnings():
        # Four points a curve: some Pareto k are high, and that LOO can be computed is what is asked here.
        warnings.simplefilter("ignore", UserWarning)
        assert np.isfinite(az.loo(tree).elpd)


def test_natural_parameters_belong_to_the_sampled_ones(pair_fit: FrontierFit) -> None:
    p = pair_fit.data["posterior"].to_dataset()
    at_reference = 1 / (1 + (p["x_half"] / np.exp(p["log_x_ref"])) ** p["k"])
    np.testing.assert_allclose(at_reference, 0.05, rtol=1e-9)


def test_saved_here_read_there(pair_fit: FrontierFit, tmp_path: Path) -> None:
    path = pair_fit.save(tmp_path / "fit.nc")
    script = (
        "import sys, hillfront as hf\n"
        "fit = hf.FrontierFit.load(sys.argv[1])\n"
        "for table in (fit.improvement().summary, fit.pareto().summary):\n"
        "    sys.stdout.write(table.map(lambda v: v.hex() if isinstance(v, float) else v).to_json())\n"
    )
    seen = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True
    ).stdout
    expected = "".join(
        table.map(lambda v: v.hex() if isinstance(v, float) else v).to_json()
        for table in (pair_fit.improvement().summary, pair_fit.pareto().summary)
    )
    assert seen == expected
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        assert float(tree["posterior"]["k"].mean()) == float(pair_fit.data["posterior"]["k"].mean())
    assert "posterior" in az.from_netcdf(path).children
    with pytest.raises(FileExistsError, match="overwrite=True"):
        pair_fit.save(path)
    pair_fit.save(path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_file_of_this_version_stays_readable() -> None:
    """Written once by 0.1.0 and never again: later versions must read it and give the same numbers."""
    fit = FrontierFit.load(SAVED)
    expected = pd.read_csv(
        SAVED.with_suffix(".improvement.csv"), keep_default_na=False, na_values=["nan", ""]
    )
    actual = fit.improvement().summary
    kept = actual["scope"] != "new_setting"
    medians = expected["median"].astype(float)
    np.testing.assert_allclose(actual["median"][kept], medians[kept], rtol=1e-12)
    # Effects of a new setting are drawn anew. The median of n draws of a normal quantity with standard
    # deviation sd has an error of 1.25 sd / sqrt(n), a difference of two 1.8; 90% intervals are 3.3 sd wide.
    new, n_draws = actual[~kept], fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    error = 1.8 * np.log(new["upper"] / new["lower"]) / 3.3 / np.sqrt(n_draws)
    assert (np.log(new["median"] / medians[~kept]).abs() < 4.5 * error).all()
    assert fit.pareto().summary["verdict"].tolist() == ["better", "undecided", "better", "better"]


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.nc"):
        FrontierFit.load(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("no netcdf")
    with pytest.raises(ValueError, match="not a NetCDF file"):
        FrontierFit.load(tmp_path / "text.nc")
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(ValueError, match="not a fit saved by hillfront"):
        FrontierFit.load(tmp_path / "other.nc")


def test_ragged_and_odd_data_fit() -> None:
    """Curves of four, three, two and one point, hits at and beyond 0 and 1, and a missing curve."""
    full = simulate(variants=("baseline", "a", "b"), settings=3, points=4, random_seed=2).frontiers.table
    keep = np.ones(len(full), dtype=bool)
    for variant, setting, points in (
        ("a", "setting 1", 3),
        ("a", "setting 2", 2),
        ("b", "setting 1", 1),
        ("b", "setting 3", 0),
    ):
        rows = full.index[(full["variant"] == variant) & (full["setting"] == setting)]
        keep[rows[points:]] = False
    rows = full[keep].copy()
    rows.loc[rows.index[0], "performance_hit"] = -0.001
    rows.loc[rows.index[5], "performance_hit"] = 1.02
    with pytest.warns(FrontierDataWarning):
        frontiers = hf.Frontiers.from_frame(
            rows[["variant", "setting", "l0", "performance_hit"]], group="setting"
        )
    fit = hf.fit(frontiers, baseline="baseline", draws=300, tune=500, progressbar=False)
    assert np.isfinite(fit.data["log_likelihood"]["y"]).all()
    summary = fit.pareto().summary.set_index(["variant", "scope", "setting"])["verdict"]
    assert summary["b", "setting", "setting 1"] == "no shared range"
    assert ("b", "setting", "setting 3") not in summary.index
    assert len(fit.frontiers) == len(rows)


def test_one_variant_says_that_there_is_nothing_to_compare() -> None:
    frontiers = simulate(variants=("baseline",), settings=2, random_seed=1).frontiers
    fit = hf.fit(frontiers, baseline="baseline", draws=100, tune=200, chains=2, progressbar=False)
    assert fit.improvement().summary.empty
    assert "Only one variant, 'baseline': there is nothing to compare it with." in str(fit.improvement())
    assert fit.predict(l0=[10, 50]).sizes["l0"] == 2


def test_a_bad_fit_says_so(pair: PreparedModel) -> None:
    """Ten draws are too few, and every summary says it."""
    fit = pair.fit(draws=10, tune=10, chains=2, random_seed=1, progressbar=False)
    assert not fit.diagnostics().passed
    for text in (str(fit.improvement()), str(fit.pareto()), repr(fit)):
        assert "FAILED" in text


def _check_sampling(fit: FrontierFit) -> None:
    """Ask for no divergence, R-hat <= 1.01 and ESS >= 400 for every row of the improvement table."""
    assert int(fit.data["sample_stats"]["diverging"].sum()) == 0
    draws = fit.improvement().draws
    assert float(az.rhat(draws).to_array().max()) <= 1.01  # NaN where nothing is compared
    for method in ("bulk", "tail"):
        assert float(az.ess(draws, method=method).to_array().min()) >= 400
    assert fit.diagnostics().passed


def test_gemma_is_sampled_well(gemma: FrontierFit) -> None:
    _check_sampling(gemma)
    verdicts = gemma.pareto().summary.set_index(["scope", "site", "layer"])["verdict"]
    assert verdicts["average", "", ""] == "better"
    assert verdicts["setting", "mlp", "6"] == "no shared range"


def test_pythia_is_sampled_well() -> None:
    """Five layers of three sites, mostly three points a curve."""
    rows = hf.load_dataset("gated_sae", model="Pythia-2.8B")
    with pytest.warns(FrontierDataWarning):
        frontiers = hf.Frontiers.from_frame(rows, group=["site", "layer"], y="loss_recovered")
    _check_sampling(hf.fit(frontiers, baseline="baseline", progressbar=False))


def test_the_posts_case() -> None:
    """Gemma-7B resid layer 20, Pareto points: the intervals contain the least-squares ratios."""
    rows = hf.load_dataset("gated_sae", model="Gemma-7B", seq_len=1024)
    rows = rows[(rows["site"] == "resid") & (rows["layer"] == 20)]
    frontiers = hf.Frontiers.from_frame(rows, group=["site", "layer"], y="loss_recovered").pareto_only()
    assert frontiers.table.groupby("variant").size().to_dict() == {"baseline": 6, "gated": 10}
    # The interval of k_ratio ends at 1.246, so close to 1.24 that it takes many draws to tell.
    fit = hf.fit(frontiers, baseline="baseline", draws=8000, progressbar=False)
    summary = fit.improvement().summary
    rows_here = summary[summary["scope"] == "setting"].set_index("quantity")
    for quantity, least_squares in (("x_half_ratio", 6.03), ("k_ratio", 1.24)):
        assert rows_here.loc[quantity, "lower"] <= least_squares <= rows_here.loc[quantity, "upper"]
    for quantity in ("mean_sparsity_gain", "mean_hit_reduction"):
        assert rows_here.loc[quantity, "support"] == "observed"
    assert set(fit.pareto().summary["verdict"]) == {"better"}


def test_intervals_cover_and_verdicts_do_not_cry_wolf(pair: PreparedModel) -> None:
    """A small version of the coverage study: bounds are those that 90% coverage breaks once in 1,000 runs."""
    covered, verdicts, diverged = [], [], 0
    for index in range(40):
        for gain in (2.0, 1.0):
            frontiers = simulate(gain=gain, random_seed=2000 + index).frontiers
            found = refit(pair, frontiers, random_seed=index)
            diverged += found.divergences > 0
            if gain == 1.0:
                verdicts.append(found.verdict)
            else:
                ends = found.average()
                covered.append(ends["lower"] <= 2.0 <= ends["upper"])
    assert sum(covered) >= 29
    assert sum(v in ("better", "worse") for v in verdicts) <= 8
    assert diverged <= 8


def test_residuals_beyond_their_scatter_fail(pair_fit: FrontierFit) -> None:
    """The check fails where far more SAEs lie outside their predictive intervals than replicated ones."""
    from hillfront.diagnostics.run import diagnostics_of

    good = {c.name: c for c in pair_fit.diagnostics().checks}
    assert good["residuals"].passed is True
    assert good["largest residual"].passed is None
    posterior = pair_fit.data["posterior"].to_dataset()
    tree = pair_fit.data.copy()
    tree["posterior"] = xr.DataTree(
        posterior.assign(sigma=posterior["sigma"] / 30, tau=posterior["tau"] / 30)
    )
    checks = diagnostics_of(
        tree,
        pair_fit.frontiers,
        pair_fit.design,
        convergence=(),
        loo=pair_fit.loo,
        random_seed=1,
    ).checks
    assert {c.name for c in checks if c.passed is False} == {"residuals"}


def test_target_accept_of_a_design_of_many_settings() -> None:
    from hillfront.sampling.nutpie_run import default_target_accept

    assert (default_target_accept(9), default_target_accept(10)) == (0.98, 0.95)


@pytest.mark.parametrize(("asked", "used"), [(None, 0.98), (0.9, 0.9)])
def test_target_accept_that_is_used_is_kept(sampler: object, asked: float | None, used: float) -> None:
    fit = hf.fit(
        hf.simulate(points=4, random_seed=1).frontiers,
        baseline="baseline",
        target_accept=asked,
        draws=50,
        tune=10,
        progressbar=False,
    )
    assert fit.sampler_options["target_accept"] == used


def test_an_interrupt_stops_the_chains_and_returns_nothing(
    pair: PreparedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They run in threads of their own, and would go on."""
    seen: list[str] = []

    class Chains:
        def wait(self) -> None:
            raise KeyboardInterrupt

        def cancel(self) -> None:
            seen.append("cancelled")

    monkeypatch.setattr("nutpie.sample", lambda *_, **__: Chains())
    with pytest.raises(KeyboardInterrupt):
        pair.fit(draws=10, tune=10, progressbar=False)
    assert seen == ["cancelled"]


def test_thinning_keeps_every_so_many_th_draw(pair: PreparedModel) -> None:
    """And counts the divergences of all."""
    sampler_options = {"draws": 90, "tune": 60, "random_seed": 3, "progressbar": False}
    whole, thinned = (pair.fit(thin=thin, **sampler_options) for thin in (1, 3))  # type: ignore[arg-type]
    for name in ("k", "sigma"):
        np.testing.assert_array_equal(
            thinned.data["posterior"][name], whole.data["posterior"][name].isel(draw=slice(2, None, 3))
        )
    assert thinned.data["log_likelihood"].sizes["draw"] == 30
    assert thinned.data["sample_stats"]["diverging"].sizes["draw"] == 90
    assert thinned.sampler_options["thin"] == 3

"""Comparison of curve families."""

from __future__ import annotations

import warnings

import arviz_stats
import numpy as np
import pandas as pd
import pytest

from helpers import fit_of
from hillfront.fits.compare import CurveComparison, _ranking, compare_curves
from hillfront.fits.cross_validation import _split
from hillfront.fits.fitting import prepare
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import design_of
from hillfront.sampling.nutpie_run import SamplerOptions


@pytest.fixture(scope="module")
def comparison() -> CurveComparison:
    """Hits up to 0.9, where a line through the origin is far off."""
    frontiers = simulate(points=8, l0=(0.5, 100.0), random_seed=3).frontiers
    return compare_curves(
        frontiers,
        baseline="baseline",
        families=["proportional", "hill"],
        draws=500,
        tune=600,
        progressbar=False,
    )


def test_the_true_family_wins(comparison: CurveComparison) -> None:
    summary = comparison.summary
    assert summary["curve"].tolist() == ["hill", "proportional"]
    assert summary["weight"].sum() == pytest.approx(1.0)
    assert summary["weight"].iloc[0] > 0.9
    assert summary["difference"].iloc[0] == 0
    assert summary["difference"].iloc[1] < -2 * summary["difference_se"].iloc[1] < 0
    np.testing.assert_allclose(summary["difference"], summary["elpd_loo"] - summary["elpd_loo"].max())


def test_differences_have_all_their_digits(comparison: CurveComparison) -> None:
    """ArviZ rounds its table unless it is told not to; weights and standard errors are used as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # high Pareto k, which do not matter here
        elpds = {name: arviz_stats.loo(fit.data, pointwise=True) for name, fit in comparison.fits.items()}
    one, other = (np.ravel(elpds[name].elpd_i) for name in ("hill", "proportional"))
    expected = np.sqrt(one.size * np.var(other - one))
    assert _ranking(elpds)["dse"]["proportional"] == pytest.approx(expected, rel=1e-6)


def test_averaged_gains_lie_among_the_families(comparison: CurveComparison) -> None:
    gains = comparison.gains.query("quantity == 'mean_sparsity_gain'").set_index("curve")
    assert set(gains.index) == {"hill", "proportional", "averaged"}
    ends = sorted(gains.loc[["hill", "proportional"], "median"])
    assert ends[0] - 0.05 <= gains.loc["averaged", "median"] <= ends[1] + 0.05
    assert gains.loc["averaged", "median"] == pytest.approx(gains.loc["hill", "median"], rel=0.1)
    assert "averaged" in str(comparison)


def test_exact_refits_leave_the_row_out() -> None:
    """The density of a row under a refit is that of the model fitted without it, not of the whole fit."""
    simulation = simulate(points=4, random_seed=8)
    table = simulation.frontiers.table
    odd = table.copy()
    odd.loc[odd.index[0], "performance_hit"] *= 3.0
    columns = ["variant", "setting", "l0", "performance_hit"]
    frontiers = type(simulation.frontiers).from_frame(odd[columns], group="setting")
    # Under normal scatter, one odd row moves its curve so far that importance sampling cannot follow.
    options = {"draws": 500, "tune": 600, "progressbar": False, "noise": "normal"}
    exact = compare_curves(frontiers, baseline="baseline", families=["hill"], **options)  # type: ignore[arg-type]
    quick = compare_curves(frontiers, baseline="baseline", families=["hill"], exact=False, **options)  # type: ignore[arg-type]
    assert exact.summary["refits"].iloc[0] >= 1
    assert quick.summary["refits"].iloc[0] == 0
    assert exact.summary["elpd_loo"].iloc[0] != quick.summary["elpd_loo"].iloc[0]


def test_a_sample_without_some_curves_is_possible() -> None:
    simulation = simulate(points=4, settings=2, random_seed=8)
    prepared = prepare(simulation.frontiers, baseline="baseline")
    frontiers = simulate(points=4, settings=1, random_seed=8).frontiers
    posterior, _ = prepared.sample(frontiers, SamplerOptions(draws=50, tune=200, chains=2))
    assert posterior["k"].sizes["setting"] == 2


@pytest.mark.parametrize(
    ("families", "text"),
    [(["hill", "hil"], "Unknown curve family 'hil'"), (["hill", "hill"], "once"), ([], "at least one")],
)
def test_bad_families_are_refused(families: list[str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        compare_curves(
            simulate(random_seed=1).frontiers, baseline="baseline", families=families, progressbar=False
        )


# ---------------------------------------------------------------- whole curves left out


@pytest.fixture(scope="module")
def left_out() -> CurveComparison:
    """Two variants in two settings, each curve predicted from the other three; power laws lose."""
    frontiers = simulate(settings=2, points=6, l0=(0.5, 100.0), setting_sd=0.2, random_seed=3).frontiers
    return compare_curves(
        frontiers,
        baseline="baseline",
        families=["power", "hill"],
        leave_curves_out=True,
        exact=False,
        draws=200,
        tune=400,
        prob=0.8,
        progressbar=False,
    )


def test_every_curve_is_left_out_once_by_each_family(left_out: CurveComparison) -> None:
    curves = left_out.curves
    assert list(curves) == ["curve", "variant", "setting", "n", "elpd"]
    pairs = [(v, g) for g in ("setting 1", "setting 2") for v in ("baseline", "variant")]
    for name in ("power", "hill"):
        own = curves[curves["curve"] == name]
        assert sorted(zip(own["variant"], own["setting"], strict=True)) == sorted(pairs)
    assert (curves["n"] == 6).all()
    assert np.isfinite(curves["elpd"]).all()


def test_sums_and_differences_are_those_of_the_curves(left_out: CurveComparison) -> None:
    summary, curves = left_out.summary.set_index("curve"), left_out.curves
    first = summary.index[0]
    assert first == "hill"
    wide = curves.pivot(index=["variant", "setting"], columns="curve", values="elpd")
    for name, row in summary.iterrows():
        assert row["elpd_curves"] == pytest.approx(wide[name].sum())
        difference = wide[name] - wide[first]
        assert row["difference_curves"] == pytest.approx(difference.sum())
        assert row["difference_curves_se"] == pytest.approx(np.sqrt(4) * difference.std())
    assert summary.loc[first, ["difference", "difference_curves", "difference_curves_se"]].tolist() == [
        0,
        0,
        0,
    ]
    assert summary.loc["power", "difference_curves"] < 0
    # A curve that was never seen is harder to predict than one SAE more of it.
    assert summary.loc["hill", "elpd_curves"] < summary.loc["hill", "elpd_loo"]


def test_without_curves_left_out_there_is_no_such_table(comparison: CurveComparison) -> None:
    assert comparison.curves.empty
    assert not [name for name in comparison.summary if name.endswith("_curves")]


def test_gains_have_the_interval_that_was_asked(left_out: CurveComparison) -> None:
    gains = left_out.gains
    assert (gains["prob"] == 0.8).all()
    assert gains["curve"].tolist().count("averaged") == 2
    fit = left_out.fits["hill"]
    table = fit.improvement(prob=0.8).summary
    expected = table[(table["scope"] == "average") & (table["quantity"] == "mean_hit_reduction")].iloc[0]
    found = gains[(gains["curve"] == "hill") & (gains["quantity"] == "mean_hit_reduction")].iloc[0]
    for name in ("median", "lower", "upper", "p_gt_1"):
        assert found[name] == pytest.approx(expected[name])
    assert found["weight"] == left_out.summary.set_index("curve").loc["hill", "weight"]


def test_failed_names_the_families_whose_fit_failed(left_out: CurveComparison) -> None:
    frontiers = simulate(points=6, random_seed=1).frontiers
    fits = {
        name: fit_of(frontiers, baseline="baseline", chains=4, draws=500, diverging=diverging)
        for name, diverging in (("hill", 0), ("power", 3), ("linear", 1))
    }
    assert CurveComparison(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), fits).failed == ("power", "linear")
    failed = {name for name, fit in left_out.fits.items() if not fit.diagnostics().passed}
    assert set(left_out.failed) == failed


def test_known_errors_do_not_change_when_rows_are_left_out() -> None:
    """Curves measured with different ablations: alone, each would seem to share what the whole does not."""
    table = simulate(points=5, random_seed=4).frontiers.table
    scale = table["variant"].map({"baseline": 10.0, "variant": 15.0})
    losses = table[["variant", "l0"]].assign(
        ce_sae=3.0 + scale * table["performance_hit"], ce_base=3.0, ce_ablated=3.0 + scale, se_ce_ablated=4.0
    )
    with pytest.warns(FrontierDataWarning, match="Different denominators"):
        frontiers = Frontiers.from_frame(losses, y="ce")
    se = (4.0 / scale * table["performance_hit"]).to_numpy()
    given = Frontiers.from_frame(table[["variant", "l0", "performance_hit"]].assign(se=se))
    design = design_of(frontiers, baseline="baseline")
    for variant in ("baseline", "variant"):
        out = (table["variant"] == variant).to_numpy()
        for kept, rows in zip(_split(frontiers, out), (~out, out), strict=True):
            np.testing.assert_allclose(row_data(kept, design)["se"], se[rows])
        rest, _ = _split(given, out)
        np.testing.assert_allclose(row_data(rest, design)["se"], se[~out])


def test_too_few_draws_for_loo_are_refused_before_sampling() -> None:
    with pytest.raises(
        ValueError,
        match="draws=10, chains=2: leave-one-out predictions need 100 draws or more over all chains",
    ):
        compare_curves(
            simulate(random_seed=1).frontiers, baseline="baseline", draws=10, chains=2, progressbar=False
        )

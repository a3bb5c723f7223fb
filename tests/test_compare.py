"""Comparison of curve families."""

from __future__ import annotations

import numpy as np
import pytest

from hillfront.compare import CurveComparison, compare_curves
from hillfront.fitting import prepare
from hillfront.sampling import SamplerSettings
from hillfront.simulation import simulate


@pytest.fixture(scope="module")
def comparison() -> CurveComparison:
    """Hits up to 0.9, where a line through the origin is far off."""
    frontiers = simulate(points=8, l0=(0.5, 100.0), seed=3).frontiers
    return compare_curves(
        frontiers, baseline="baseline", families=["proportional", "hill"], draws=500, tune=600, progress=False
    )


def test_the_true_family_wins(comparison: CurveComparison) -> None:
    summary = comparison.summary
    assert summary["curve"].tolist() == ["hill", "proportional"]
    assert summary["weight"].sum() == pytest.approx(1.0)
    assert summary["weight"].iloc[0] > 0.9
    assert summary["difference"].iloc[0] == 0
    assert summary["difference"].iloc[1] < -2 * summary["difference_se"].iloc[1] < 0
    np.testing.assert_allclose(summary["difference"], summary["elpd_loo"] - summary["elpd_loo"].max())


def test_averaged_gains_lie_among_the_families(comparison: CurveComparison) -> None:
    gains = comparison.gains.query("quantity == 'mean_sparsity_gain'").set_index("curve")
    assert set(gains.index) == {"hill", "proportional", "averaged"}
    ends = sorted(gains.loc[["hill", "proportional"], "median"])
    assert ends[0] - 0.05 <= gains.loc["averaged", "median"] <= ends[1] + 0.05
    assert gains.loc["averaged", "median"] == pytest.approx(gains.loc["hill", "median"], rel=0.1)
    assert "averaged" in str(comparison)


def test_exact_refits_leave_the_row_out() -> None:
    """The density of a row under a refit is that of the model fitted without it, not of the whole fit."""
    simulation = simulate(points=4, seed=8)
    table = simulation.frontiers.table
    odd = table.copy()
    odd.loc[odd.index[0], "performance_hit"] *= 3.0
    columns = ["variant", "group", "l0", "performance_hit"]
    frontiers = type(simulation.frontiers).from_frame(odd[columns], group="group")
    options = {"draws": 500, "tune": 600, "progress": False}
    exact = compare_curves(frontiers, baseline="baseline", families=["hill"], **options)  # type: ignore[arg-type]
    quick = compare_curves(frontiers, baseline="baseline", families=["hill"], exact=False, **options)  # type: ignore[arg-type]
    assert exact.summary["refits"].iloc[0] >= 1
    assert quick.summary["refits"].iloc[0] == 0
    assert exact.summary["elpd_loo"].iloc[0] != quick.summary["elpd_loo"].iloc[0]


def test_a_sample_without_some_curves_is_possible() -> None:
    simulation = simulate(points=4, groups=2, seed=8)
    prepared = prepare(simulation.frontiers, baseline="baseline")
    frontiers = simulate(points=4, groups=1, seed=8).frontiers
    posterior, _ = prepared.sample(frontiers, SamplerSettings(draws=50, tune=200, chains=2))
    assert posterior["k"].sizes["group"] == 2


@pytest.mark.parametrize(
    ("families", "text"),
    [(["hill", "hil"], "Unknown curve family 'hil'"), (["hill", "hill"], "once"), ([], "at least one")],
)
def test_bad_families_are_refused(families: list[str], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        compare_curves(simulate(seed=1).frontiers, baseline="baseline", families=families, progress=False)

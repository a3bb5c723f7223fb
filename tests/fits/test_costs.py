"""Costs without an upper bound: real fits in any unit, and what a cost has no place for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import hillfront as hf
from hillfront.fits.compare import compare_curves, compare_prepared, families_for
from hillfront.fits.fitting import PreparedModel
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.design import design_of
from hillfront.plots import plot_families, plot_frontiers
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.text.summary import gain_lines

ABLE = ("power", "proportional", "linear")
L0 = np.geomspace(10, 200, 7)


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def costs(*, unit: float = 1.0, curve: str = "power", gain: float = 2.0) -> Frontiers:
    """Normalised errors from 0.2 to 4, scattered by 5%."""
    rng = np.random.default_rng(5)
    rows = []
    for layer, level in ((1, 0.7),):
        for variant, factor in (("relu", 1.0), ("topk", gain)):
            x = 50 / (L0 * factor)
            shape = {"power": x**0.6, "proportional": x, "linear": 0.4 + 0.6 * x}[curve]
            nmse = unit * level * shape * np.exp(0.05 * rng.standard_normal(L0.size))
            rows.append(pd.DataFrame({"variant": variant, "layer": layer, "l0": L0, "nmse": nmse}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(pd.concat(rows), group="layer", cost="nmse")


@cache
def prepared(curve: str) -> PreparedModel:
    """One compilation a family for the whole file."""
    return hf.prepare(costs(curve=curve), baseline="relu", curve=curve)


@cache
def fitted(curve: str, unit: float = 1.0) -> FrontierFit:
    return prepared(curve).fit(costs(unit=unit, curve=curve), draws=400, random_seed=1, progressbar=False)


def rows_of(fit: FrontierFit, **options: object) -> pd.DataFrame:
    table = fit.improvement(**options).summary  # type: ignore[arg-type]
    return table[table["scope"] == "average"].set_index("quantity")


# ---------------------------------------------------------------- fits


@pytest.mark.parametrize("curve", ABLE)
def test_a_cost_is_fitted(curve: str) -> None:
    fit = fitted(curve)
    rows = rows_of(fit)
    row = rows.loc["mean_sparsity_gain"]
    assert row["lower"] < 2.0 < row["upper"]
    assert row["upper"] < 1.6 * row["lower"]
    assert int(fit.data["sample_stats"]["diverging"].sum()) == 0
    sigma = float(fit.data["posterior"]["sigma"].median())
    assert sigma == pytest.approx(0.05, rel=0.5)  # relative scatter, whatever the level of the cost
    assert fit.data["posterior"].attrs["fixed_tau"] == 0.0
    assert "for the same nmse (90% interval" in gain_lines(fit)[0]


@pytest.mark.parametrize("curve", ABLE)
def test_the_unit_of_a_cost_does_not_matter(curve: str) -> None:
    """A thousand times the cost: gains as before, up to the sampler; levels a thousand times as high."""
    here, there = fitted(curve), fitted(curve, 1000.0)
    a, b = rows_of(here), rows_of(there)
    assert list(a.index) == list(b.index)
    for quantity in ("mean_sparsity_gain", "mean_hit_reduction"):
        width = np.log(a.loc[quantity, "upper"] / a.loc[quantity, "lower"])
        for end in ("lower", "median", "upper"):
            assert abs(np.log(a.loc[quantity, end] / b.loc[quantity, end])) < 0.2 * width
    level, raised = (
        fit.predict(l0=[50.0])["expectation"].median(("chain", "draw")).to_numpy() for fit in (here, there)
    )
    np.testing.assert_allclose(raised / level, 1000.0, rtol=0.02)
    assert here.pareto().summary["verdict"].tolist() == there.pareto().summary["verdict"].tolist()


def test_gains_at_a_cost_only_where_asked() -> None:
    fit = fitted("power")
    assert "sparsity_gain" not in set(rows_of(fit).index)
    table = fit.improvement(at_hit=[0.5, 3.0]).summary
    rows = table[(table["quantity"] == "sparsity_gain") & (table["scope"] == "average")].set_index("at")
    assert rows.index.tolist() == [0.5, 3.0]
    assert rows["lower"].max() < 2.0 < rows["upper"].min()
    claim = fit.check_claim("sparsity_gain", low=1.2, at=1.5)
    assert claim.probability > 0.95
    assert claim.statement == "topk needs at least 1.2 times fewer active latents than relu at a cost of 1.5"
    for wrong in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="a cost, a positive number"):
            fit.improvement(at_hit=[wrong])


def test_a_saved_cost_is_a_cost(tmp_path: Path) -> None:
    fit = fitted("linear")
    again = FrontierFit.load(fit.save(tmp_path / "fit.nc"))
    assert (again.design.metric, again.frontiers.metric_label) == ("cost", "nmse")
    pd.testing.assert_frame_equal(
        again.improvement(at_hit=[2.0]).summary, fit.improvement(at_hit=[2.0]).summary
    )


def test_a_refit_to_another_cost_is_refused() -> None:
    other = costs().table.rename(columns={"cost": "kl"})[["variant", "layer", "l0", "kl"]]
    frontiers = Frontiers.from_frame(other, group="layer", cost="kl")
    with pytest.raises(ValueError, match=r"have metric: kl; the model was prepared for: nmse\. Prepare"):
        prepared("power").fit(frontiers, progressbar=False)


# ---------------------------------------------------------------- what a cost has no place for


@pytest.mark.parametrize("curve", ["hill", "hill1"])
def test_curves_that_saturate_are_refused(curve: str) -> None:
    with pytest.raises(
        ValueError,
        match=rf"curve='{curve}' saturates at 1, and 'nmse' is a cost without an upper bound\. Allowed: "
        "power, proportional, linear. Pass one of these as curve, or",
    ):
        design_of(costs(), baseline="relu", curve=curve)


def test_options_of_hits_are_refused() -> None:
    with pytest.raises(ValueError, match=r"is for performance hits inside .* Allowed: student-t, normal\.$"):
        design_of(costs(), baseline="relu", curve="power", noise="logit-normal")
    with pytest.raises(ValueError, match=r"hit_ref=0\.1: the position of a cost is its level at an L0 of 50"):
        design_of(costs(), baseline="relu", curve="power", hit_ref=0.1)
    assert design_of(costs(), baseline="relu", curve="power", noise="normal").metric == "cost"


# ---------------------------------------------------------------- comparison and figures


def test_comparison_has_the_families_that_a_cost_allows() -> None:
    assert families_for(costs()) == ABLE
    assert families_for(simulate(random_seed=1).frontiers) == ("hill", "hill1", *ABLE)
    comparison = compare_prepared(
        {name: prepared(name) for name in families_for(costs())},
        costs(),
        sampler_options=SamplerOptions(draws=300, tune=500),
        exact=False,
    )
    summary = comparison.summary
    assert set(summary["curve"]) == set(ABLE)
    assert summary["curve"].iloc[0] == "power"  # the truth
    assert summary["weight"].sum() == pytest.approx(1.0)
    assert set(comparison.gains["curve"]) == {*ABLE, "averaged"}
    axes = plot_families(comparison)
    assert [axis.get_ylabel() for axis in axes] == ["nmse"]
    with pytest.raises(ValueError, match=r"scale='logit' is for performance hits .* 'log', 'linear'"):
        plot_families(comparison, scale="logit")


def test_a_family_that_saturates_cannot_be_compared_on_costs() -> None:
    with pytest.raises(ValueError, match="curve='hill' saturates at 1"):
        compare_curves(costs(), baseline="relu", families=["hill", "power"], progressbar=False)


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_figures_name_the_cost(scale: str) -> None:
    axes = plot_frontiers(fitted("power"), scale=scale)  # type: ignore[arg-type]
    for axis, (_, rows) in zip(axes, costs().table.groupby("layer", sort=False), strict=True):
        assert axis.get_ylabel() == "nmse"
        drawn = np.sort(
            np.concatenate([line.get_ydata() for line in axis.lines if line.get_linestyle() == "None"])
        )
        np.testing.assert_array_equal(drawn, np.sort(rows["cost"]))
        low, high = axis.get_ylim()
        assert low < rows["cost"].min() <= rows["cost"].max() < high
    with pytest.raises(ValueError, match="scale='logit' is for performance hits inside"):
        plot_frontiers(fitted("power"), scale="logit")

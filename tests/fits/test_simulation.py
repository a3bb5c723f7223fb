"""Simulated frontiers: their truth is what it says, in every family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize

import hillfront as hf
from helpers import RARE_Z
from hillfront.curves.families import FAMILIES
from hillfront.fits.simulation import Simulation, simulate, simulated_scatter


def value(curve: str, x: Any, p: pd.Series) -> Any:
    """The curves by their equations, apart from the package."""
    if curve in ("hill", "hill1"):
        k = p.get("k", 1.0)
        return x**k / (x**k + p["x_half"] ** k)
    if curve == "power":
        return p["a"] * x ** p["k"]
    return p["m"] * x + p.get("c", 0.0)


def curve_of(simulation: Simulation, variant: str, setting: str = "setting 1") -> pd.Series:
    return simulation.curves.set_index(["variant", "setting"]).loc[(variant, setting)]


def truth_of(simulation: Simulation, quantity: str, scope: str = "average", **labels: Any) -> float:
    table = simulation.truth
    wanted = (table["scope"] == scope) & (table["quantity"] == quantity)
    for name, label in labels.items():
        wanted &= table[name] == label
    return float(table[wanted]["value"].item())


LIMITS = pytest.mark.parametrize("limit", [None, 900.0])


def sparsity(l0: Any, limit: float | None) -> Any:
    return 1.0 / l0 - (1.0 / limit if limit else 0.0)


def reached(curve: str, hit: float, p: pd.Series, limit: float | None) -> float:
    """L0 at which a curve reaches a hit."""

    def above(log_l0: float) -> float:
        return float(value(curve, sparsity(np.exp(log_l0), limit), p)) - hit

    top = np.log(limit * (1 - 1e-10)) if limit else np.log(1e9)
    return float(np.exp(optimize.brentq(above, np.log(1e-3), top, xtol=1e-13)))


@LIMITS
@pytest.mark.parametrize("curve", FAMILIES)
def test_curves_pass_through_the_point_and_gain_what_was_asked(curve: str, limit: float | None) -> None:
    simulation = simulate(
        curve=curve, hit_at_l0=(0.08, 40.0), gain=3.0, setting_sd=0.0, dense_limit=limit, at_hit=(0.08,)
    )
    base, variant = (curve_of(simulation, name) for name in ("baseline", "variant"))
    assert value(curve, sparsity(40.0, limit), base) == pytest.approx(0.08)
    assert value(curve, sparsity(40.0 / 3.0, limit), variant) == pytest.approx(0.08)
    assert truth_of(simulation, "sparsity_gain") == pytest.approx(3.0)


@LIMITS
@pytest.mark.parametrize("curve", FAMILIES)
def test_truth_is_that_of_the_equations(curve: str, limit: float | None) -> None:
    shapes: dict[str, Any] = (
        {"k": {"baseline": 0.7, "variant": 1.1}} if "k" in FAMILIES[curve].natural_names else {}
    )
    simulation = simulate(
        curve=curve,
        settings=2,
        points=5,
        interaction_sd=0.3,
        sigma=0.2,
        dense_limit=limit,
        at_hit=(0.03, 0.1),
        random_seed=4,
        **shapes,
    )
    table = simulation.frontiers.table
    logs: dict[Any, list[float]] = {}
    for setting in ("setting 1", "setting 2"):
        base, variant = (curve_of(simulation, name, setting) for name in ("baseline", "variant"))

        def log_gain(hit: float, base: pd.Series = base, variant: pd.Series = variant) -> float:
            return float(np.log(reached(curve, hit, base, limit) / reached(curve, hit, variant, limit)))

        def log_reduction(r: float, base: pd.Series = base, variant: pd.Series = variant) -> float:
            x = r - (1.0 / limit if limit else 0.0)
            return float(np.log(value(curve, x, base) / value(curve, x, variant)))

        for hit in (0.03, 0.1):
            found = truth_of(simulation, "sparsity_gain", "setting", setting=setting, at=hit)
            assert np.log(found) == pytest.approx(log_gain(hit), abs=1e-7)
            logs.setdefault(("sparsity_gain", hit), []).append(np.log(found))
        here = table[table["setting"] == setting].groupby("variant")["performance_hit"].agg(["min", "max"])
        ends = np.log([here["min"].max(), here["max"].min()])
        mean = integrate.quad(lambda u: log_gain(np.exp(u)), *ends)[0] / (ends[1] - ends[0])
        found = truth_of(simulation, "mean_sparsity_gain", "setting", setting=setting)
        assert np.log(found) == pytest.approx(mean, abs=1e-6)
        logs.setdefault(("mean_sparsity_gain", None), []).append(np.log(found))
        ends = np.log([1 / 200, 1 / 10])
        mean = integrate.quad(lambda u: log_reduction(np.exp(u)), *ends)[0] / (ends[1] - ends[0])
        found = truth_of(simulation, "mean_hit_reduction", "setting", setting=setting)
        assert np.log(found) == pytest.approx(mean, abs=1e-6)
        for name, (parameter, sign) in FAMILIES[curve].ratios.items():
            ratio = variant[parameter] / base[parameter]
            found = truth_of(simulation, name, "setting", setting=setting)
            assert found == pytest.approx(ratio if sign > 0 else 1 / ratio)
    for (quantity, at), values in logs.items():
        labels = {} if at is None else {"at": at}
        assert np.log(truth_of(simulation, quantity, **labels)) == pytest.approx(np.mean(values))


@LIMITS
@pytest.mark.parametrize("curve", FAMILIES)
def test_without_noise_the_saes_lie_on_their_curves(curve: str, limit: float | None) -> None:
    # Little spread: a line that a large one takes out of (0, 1) would be bent back by more.
    simulation = simulate(
        curve=curve, settings=2, setting_sd=0.2, points=6, sigma=0.0, dense_limit=limit, random_seed=2
    )
    for variant, setting, rows in simulation.frontiers.curves():
        on_curve = value(curve, sparsity(rows["l0"], limit), curve_of(simulation, variant, setting))
        # Straight lines and power laws are kept inside (0, 1) by bends of width 0.001 and 0.02.
        np.testing.assert_allclose(rows["performance_hit"], on_curve, atol=1e-3)
    assert simulation.frontiers.table["l0"].unique() == pytest.approx(np.geomspace(10, 200, 6))


def test_noise_is_sigma_on_the_logit_scale_and_tau_in_y() -> None:
    def off(**noise: float) -> np.ndarray:
        noisy, clean = (
            simulate(points=2000, setting_sd=0.0, random_seed=9, **options)
            .frontiers.table["performance_hit"]
            .to_numpy()
            for options in ({"sigma": 0.0, "tau": 0.0} | noise, {"sigma": 0.0})
        )
        return np.asarray((noisy - clean) / (clean * (1 - clean) if "sigma" in noise else 1.0))

    assert off(sigma=0.02).std() == pytest.approx(0.02, rel=0.05)
    assert off(tau=0.003).std() == pytest.approx(0.003, rel=0.05)
    assert off(tau=0.003).mean() == pytest.approx(0.0, abs=2e-4)


def test_spread_between_settings_and_within_them() -> None:
    simulation = simulate(settings=2000, points=1, setting_sd=0.4, interaction_sd=0.2, random_seed=3)
    log_x = np.log(simulation.curves.pivot(index="setting", columns="variant", values="x_half"))
    gain = log_x["variant"] - log_x["baseline"]
    assert gain.mean() == pytest.approx(np.log(2), abs=RARE_Z * gain.std() / np.sqrt(len(gain)))
    error = RARE_Z / np.sqrt(2 * len(gain))
    assert gain.std() == pytest.approx(0.2 * np.sqrt(2), rel=error)
    assert log_x.mean(axis=1).std() == pytest.approx(np.hypot(0.4, 0.2 / np.sqrt(2)), rel=error)


def test_parameters_by_variant() -> None:
    variants = ("relu", "gated", "topk")
    by_k = simulate(
        variants=variants, k={"relu": 0.7, "gated": 0.8, "topk": 1.2}, gain={"gated": 2, "topk": 0.5}
    )
    k = by_k.curves.set_index("variant")["k"].to_dict()
    assert k == {"relu": 0.7, "gated": 0.8, "topk": 1.2}
    assert truth_of(by_k, "sparsity_gain", variant="gated") == pytest.approx(2.0)
    assert truth_of(by_k, "sparsity_gain", variant="topk") == pytest.approx(0.5)
    c = {"relu": 0.01, "gated": 0.02, "topk": 0.0}
    lines = simulate(variants=variants, curve="linear", c=c, gain=2.0, setting_sd=0.0)
    assert lines.curves.set_index("variant")["c"].to_dict() == pytest.approx(c, abs=1e-12)
    assert simulate(variants=variants, gain=1.5).curves.groupby("variant")["x_half"].first().nunique() == 2


def test_the_same_seed_gives_the_same_table() -> None:
    a, b, other = (simulate(settings=2, random_seed=random_seed).frontiers for random_seed in (5, 5, 6))
    pd.testing.assert_frame_equal(a.table, b.table)
    assert not a.table["performance_hit"].equals(other.table["performance_hit"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"variants": ()}, "give at least one of each"),
        ({"settings": 0}, r"settings=0, points=4: give at least one of each"),
        ({"points": 0}, "points=0: give at least one of each"),
        ({"sigma": -0.1}, "sigma=-0.1.* scales must not be negative"),
        ({"tau": -0.1}, "tau=-0.1.* scales must not be negative"),
        ({"l0": (200.0, 10.0)}, r"l0=\(200\.0, 10\.0\): scales must not be negative, and l0 must be"),
        ({"l0": (0.0, 10.0)}, "l0 must be a positive range from low to high"),
        ({"dense_limit": 200.0}, r"dense_limit=200\.0 must lie above every L0, here 200: hits vanish there"),
        ({"dense_limit": 300.0, "hit_at_l0": (0.05, 400.0)}, "must lie above every L0, here 400"),
        ({"dense_limit": 210.0, "gain": 0.2}, "a curve would reach the hit of 0.05 beyond it only"),
        ({"curve": "hil"}, "Unknown curve family 'hil'"),
        ({"curve": "hill1", "k": 0.9}, "k=0.9: the 'hill1' family has no k; hill, power have"),
        ({"c": 0.1}, "c=0.1: the 'hill' family has no c; linear have"),
        ({"k": {"baseline": 0.9}}, r"\{'baseline': 0\.9\} has nothing for variant: give a number for each"),
        ({"gain": {"baseline": 1.0}}, "has nothing for variant"),
        ({"k": 0.0}, r"k=\[0\.0, 0\.0\]: slopes must be positive"),
        ({"k": {"baseline": 0.9, "variant": -1.0}}, "slopes must be positive"),
        ({"gain": 0.0}, r"gain=0\.0: a gain is a positive factor, 1 for none"),
        ({"gain": {"variant": np.inf}}, "a gain is a positive factor"),
        ({"hit_at_l0": (0.0, 50.0)}, r"hit_at_l0=\(0\.0, 50\.0\): give a hit between 0 and 1"),
        ({"hit_at_l0": (1.5, 50.0)}, "give a hit between 0 and 1"),
        ({"hit_at_l0": (0.05, 0.0)}, "and the L0, a positive number"),
        ({"curve": "linear", "c": 0.05}, r"c=\[0\.05, 0\.05\]: a linear curve has its intercept below"),
        ({"curve": "linear", "hit_at_l0": (0.01, 50.0)}, "below the hit of 0.01"),
    ],
)
def test_what_cannot_be_simulated_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        simulate(**options)


def test_simulated_lines_are_fitted_well() -> None:
    """The family in which simulation and model have their position at different sparsities."""
    simulation = simulate(curve="linear", points=10, l0=(5.0, 200.0), sigma=0.05, gain=2.0, random_seed=3)
    fit = hf.fit(simulation.frontiers, baseline="baseline", curve="linear", draws=400, progressbar=False)
    table = fit.improvement().summary
    rows = table[table["scope"] == "average"].set_index("quantity")
    for quantity in ("mean_hit_reduction", "slope_ratio"):
        truth = truth_of(simulation, quantity)
        assert rows.loc[quantity, "lower"] < truth < rows.loc[quantity, "upper"]
        assert rows.loc[quantity, "upper"] < 1.5 * rows.loc[quantity, "lower"]


# ---------------------------------------------------------------- scatter and selection


def test_heavy_tails_keep_the_meaning_of_sigma() -> None:
    rng = np.random.default_rng(3)
    for nu in (None, 3.0, 10.0):
        e = np.abs(simulated_scatter(rng, (200_000,), nu=nu, outliers=0.0))
        assert np.mean(e < 1.0) == pytest.approx(0.683, abs=0.01)
    heavy, normal = (
        np.abs(simulated_scatter(rng, (200_000,), nu=nu, outliers=0.0)).max() for nu in (3.0, None)
    )
    assert heavy > 3 * normal


def test_outliers_have_ten_times_the_scatter() -> None:
    e = np.abs(simulated_scatter(np.random.default_rng(3), (200_000,), nu=None, outliers=0.2))
    assert np.mean(e > 5.0) == pytest.approx(0.2 * 0.617, abs=0.005)


def test_selection_keeps_the_pareto_optimal_of_those_trained() -> None:
    simulation = simulate(n_trained={"baseline": 8, "variant": 64}, gain=1.0, random_seed=3)
    frontiers = simulation.frontiers
    sizes = frontiers.table.groupby("variant").size()
    assert 1 < sizes["baseline"] <= 8
    assert sizes["baseline"] < sizes["variant"] < 64
    assert len(frontiers.pareto_only()) == len(frontiers)
    assert frontiers.table["l0"].between(10, 200).all()
    everyone = simulate(n_trained=30, sigma=0.0, random_seed=3).frontiers
    assert len(everyone) == 60  # without scatter all are optimal
    gains = simulation.truth.query("quantity == 'mean_sparsity_gain'")["value"]
    assert gains.to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"nu": 0.0}, "nu=0.0: degrees of freedom must be positive"),
        ({"outliers": 1.0}, "outliers=1.0: give the share of outliers"),
        ({"n_trained": 0}, "n_trained=0: give a whole number of SAEs"),
        ({"n_trained": {"baseline": 4}}, "has nothing for variant"),
    ],
)
def test_scatter_and_selection_that_cannot_be(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        simulate(**options)

"""Known errors of hits, losses and L0 in the model, and loss differences as places to compare at."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hillfront as hf
from helpers import drawn, posterior_of
from hillfront.curves.families import FAMILIES
from hillfront.estimands.improvement import Improvement, improvement_of
from hillfront.estimands.ratios import sparsity_gain
from hillfront.fits.fitting import PreparedModel
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.frontiers.measurement_error import curve_losses, known_errors, sharing_settings
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.data import expected_at, row_data
from hillfront.model.design import Design, design_of

D = 10.0


def read(table: pd.DataFrame, **options: object) -> Frontiers:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(table, group="setting", **options)  # type: ignore[arg-type]


def as_losses(frontiers: Frontiers, *, scale: float | pd.Series = D, **errors: object) -> pd.DataFrame:
    """The same hits as three losses, whose difference of ablated and base is the scale."""
    table = frontiers.table.drop(columns=["row", "sparsity"])
    hit = table.pop("performance_hit")
    return table.assign(ce_sae=3.0 + scale * hit, ce_base=3.0, ce_ablated=3.0 + scale, **errors)


# ---------------------------------------------------------------- errors of L0


@pytest.mark.parametrize("curve", FAMILIES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dense_limit": 300.0},
        {"relative_sparsity": True},
        {"dense_limit": "d_model", "relative_sparsity": True},
    ],
    ids=["plain", "dense", "relative", "both"],
)
def test_an_error_of_l0_is_one_of_y_by_the_slope(curve: str, options: dict[str, object]) -> None:
    table = simulate(settings=2, random_seed=2).frontiers.table.drop(columns=["row", "sparsity"])
    table = table.assign(se_l0=np.linspace(0.5, 4.0, len(table)), se=0.003)
    table["d_model"] = table["setting"].map({"setting 1": 512.0, "setting 2": 2048.0})
    frontiers = read(table)
    design = design_of(frontiers, baseline="baseline", curve=curve, **options)  # type: ignore[arg-type]
    assert design.known_errors == ("se", "se_l0")
    family, rows = design.family, frontiers.table
    unit = 2048.0 if "relative_sparsity" in options else 1.0
    sampled = [np.float64(p.centre + p.per_sparsity * np.log(unit)) for p in family.sampled]
    natural = design.natural(*sampled)
    data = row_data(frontiers, design)
    expected = expected_at(family, data["sparsity"], natural, se=data["se"], sparsity_se=data["sparsity_se"])
    scales = [dict(zip(design.settings, design.scales, strict=True))[group] for group in rows["setting"]]

    def hit(l0: pd.Series) -> np.ndarray:
        x = np.array([scale.sparsity(value) for scale, value in zip(scales, l0, strict=True)])
        return np.asarray(family.value(x, **natural))

    step = 1e-4 * rows["l0"]
    slope = (hit(rows["l0"] + step) - hit(rows["l0"] - step)) / (2 * step)
    from_l0 = expected.known_variance - 0.003**2
    np.testing.assert_allclose(from_l0, (slope * rows["se_l0"]) ** 2, rtol=1e-5)
    assert (from_l0 > 0).all()


def test_an_error_of_l0_alone_is_known_too() -> None:
    table = simulate(random_seed=2).frontiers.table.drop(columns=["row", "sparsity"]).assign(se_l0=2.0)
    frontiers = read(table)
    design = design_of(frontiers, baseline="baseline")
    assert design.known_errors == ("se_l0",)
    data = row_data(frontiers, design)
    np.testing.assert_allclose(data["sparsity_se"], 2.0 / frontiers.table["l0"] ** 2)
    assert "se" not in data


# ---------------------------------------------------------------- whose errors they are


ERRORS = {"se_ce_sae": 0.02, "se_ce_base": 0.05, "se_ce_ablated": 0.8}


def test_a_setting_with_one_scale_shares_the_errors_of_its_losses() -> None:
    frontiers = read(as_losses(simulate(settings=2, random_seed=2).frontiers, **ERRORS), y="ce")
    assert sharing_settings(frontiers) == ("setting 1", "setting 2")
    errors = known_errors(frontiers, sharing_settings(frontiers))
    np.testing.assert_allclose(errors["se"], 0.02 / D)
    np.testing.assert_allclose(errors["base"], 0.05 / D)
    np.testing.assert_allclose(errors["ablated"], 0.8 / D)
    design = design_of(frontiers, baseline="baseline")
    assert (design.known_errors, design.shared_errors) == (("se",), ("base", "ablated"))


def test_different_denominators_are_each_ones_own() -> None:
    simulated = simulate(settings=2, random_seed=2).frontiers
    scale = pd.Series(D, index=simulated.table.index)
    other = (simulated.table["setting"] == "setting 2") & (simulated.table["variant"] == "variant")
    scale[other] = 1.5 * D
    frontiers = read(as_losses(simulated, scale=scale, **ERRORS), y="ce")
    assert sharing_settings(frontiers) == ("setting 1",)
    errors = known_errors(frontiers, ("setting 1",))
    alone = (frontiers.table["setting"] == "setting 2").to_numpy()
    y = frontiers.y
    own = np.sqrt(0.02**2 + (0.05 * (1 - y)) ** 2 + (0.8 * y) ** 2) / scale
    np.testing.assert_allclose(errors["se"][alone], own[alone])
    np.testing.assert_allclose(errors["se"][~alone], 0.02 / D)
    assert (errors.loc[alone, ["base", "ablated"]] == 0).all(axis=None)
    assert (errors.loc[~alone, ["base", "ablated"]] > 0).all(axis=None)
    # Nothing is shared at all: no scores are sampled.
    table = frontiers.table[alone].drop(columns=["row", "sparsity", "performance_hit"])
    design = design_of(read(table, y="ce"), baseline="baseline")
    assert (design.known_errors, design.shared_errors, design.shared_settings) == (("se",), (), ())


def test_a_part_of_a_table_keeps_the_errors_of_the_whole() -> None:
    """Left alone, as in cross-validation, the curves of a mixed group seem to share what they do not."""
    simulated = simulate(random_seed=2).frontiers
    scale = simulated.table["variant"].map({"baseline": D, "variant": 1.5 * D})
    frontiers = read(as_losses(simulated, scale=scale, **ERRORS), y="ce")
    design = design_of(frontiers, baseline="baseline")
    whole = row_data(frontiers, design)["se"]
    for keep in (frontiers.table["variant"] == "variant", frontiers.table.index == 0):
        part = Frontiers(
            frontiers.table[keep].reset_index(drop=True),
            frontiers.group_columns,
            from_losses=True,
        )
        assert sharing_settings(part) == ("setting 1",)
        np.testing.assert_allclose(row_data(part, design)["se"], whole[keep])


def test_a_given_error_wins_over_those_of_the_losses() -> None:
    frontiers = read(as_losses(simulate(random_seed=2).frontiers, **ERRORS, se=0.004), y="ce")
    errors = known_errors(frontiers, sharing_settings(frontiers))
    assert errors["se"].unique().tolist() == [0.004]
    assert (errors[["base", "ablated"]] == 0).all(axis=None)
    design = design_of(frontiers, baseline="baseline")
    assert (design.known_errors, design.shared_errors) == (("se",), ())
    assert row_data(frontiers, design)["se"].tolist() == [0.004] * 8


def test_losses_that_y_was_not_computed_from_have_no_errors_to_give() -> None:
    simulated = simulate(random_seed=2).frontiers
    table = as_losses(simulated, **ERRORS).assign(performance_hit=simulated.table["performance_hit"])
    frontiers = read(table, y="performance_hit")
    design = design_of(frontiers, baseline="baseline")
    assert (design.known_errors, design.shared_errors) == ((), ())


def test_a_refit_with_other_errors_is_refused() -> None:
    frontiers = read(as_losses(simulate(random_seed=2).frontiers, se_ce_ablated=0.8), y="ce")
    design = design_of(frontiers, baseline="baseline")
    prepared = PreparedModel(frontiers, design, {}, sampler=None)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError,
        match=r"known errors: none; the model was prepared for: error of ce_ablated shared in setting 1\. ",
    ):
        prepared.fit(read(as_losses(simulate(random_seed=2).frontiers), y="ce"), progressbar=False)
    with pytest.raises(ValueError, match="known errors: se; the model was prepared for: error of ce_ablated"):
        prepared.fit(read(as_losses(simulate(random_seed=2).frontiers, se=0.01), y="ce"), progressbar=False)


def test_shared_errors_shift_and_stretch_the_hits() -> None:
    """The first-order formula against the exact hit under losses that are off by so much."""
    family = FAMILIES["hill"]
    x, natural = np.geomspace(0.005, 0.5, 6), {"x_half": 1.0, "k": 0.8}
    f = family.value(x, **natural)
    for base, ablated in ((1e-4, 0.0), (0.0, 1e-4), (2e-4, -1e-4)):
        # hits as measured with ce_base off by base and ce_ablated by ablated, in units of D
        exact = (f - base) / (1 + ablated - base)
        measured = expected_at(family, x, natural, base_error=base, ablated_error=ablated).f
        np.testing.assert_allclose(measured, exact, atol=1e-7)
    cost = FAMILIES["power"].unbounded
    assert cost is not None
    power = {"a": 1.0, "k": 0.8}
    np.testing.assert_allclose(
        expected_at(cost, x, power, base_error=0.01).f, cost.value(x, **power) - 0.01, rtol=1e-12
    )


# ---------------------------------------------------------------- what they do to a fit

LOSSES = simulate(points=6, l0=(5.0, 200.0), sigma=0.05, gain=2.0, random_seed=12).frontiers
GAINS = ("mean_sparsity_gain", "mean_hit_reduction", "k_ratio")


@pytest.fixture(scope="module")
def shared() -> PreparedModel:
    return hf.prepare(read(as_losses(LOSSES, se_ce_ablated=0.1 * D), y="ce"), baseline="baseline")


def fitted(prepared: PreparedModel, frontiers: Frontiers | None = None) -> FrontierFit:
    return prepared.fit(frontiers, draws=1000, random_seed=1, progressbar=False)


@pytest.fixture(scope="module")
def with_shared(shared: PreparedModel) -> FrontierFit:
    return fitted(shared)


@pytest.fixture(scope="module")
def without(shared: PreparedModel) -> FrontierFit:
    """The same compiled model, with errors too small to matter."""
    return fitted(shared, read(as_losses(LOSSES, se_ce_ablated=1e-9), y="ce"))


@pytest.fixture(scope="module")
def independent() -> FrontierFit:
    """As large an error of each hit, but each its own."""
    se = 0.1 * LOSSES.table["performance_hit"]
    table = LOSSES.table.drop(columns=["row", "sparsity"]).assign(se=se)
    return hf.fit(read(table), baseline="baseline", draws=1000, random_seed=1, progressbar=False)


def interval(fit: FrontierFit, quantity: str) -> tuple[float, float]:
    """Median, and width of the interval on the log scale."""
    table = fit.improvement().summary
    row = table[(table["quantity"] == quantity) & (table["scope"] == "average")].iloc[0]
    return float(row["median"]), float(np.log(row["upper"] / row["lower"]))


@pytest.mark.parametrize("quantity", GAINS)
def test_shared_errors_cancel_in_the_gains(
    with_shared: FrontierFit, without: FrontierFit, quantity: str
) -> None:
    """The error is 10% of every hit. Measured over seeds: medians within 0.2%, widths within 5%."""
    (median, width), (median_without, width_without) = (
        interval(fit, quantity) for fit in (with_shared, without)
    )
    assert median == pytest.approx(median_without, rel=0.01)
    assert width == pytest.approx(width_without, rel=0.1)


@pytest.mark.parametrize("quantity", GAINS)
def test_independent_errors_do_not_cancel(
    independent: FrontierFit, with_shared: FrontierFit, quantity: str
) -> None:
    """Measured: intervals 1.8 to 2 times as wide, where the curves scatter by 5%."""
    assert interval(independent, quantity)[1] > 1.6 * interval(with_shared, quantity)[1]


def test_shared_errors_widen_the_level(with_shared: FrontierFit, without: FrontierFit) -> None:
    """What the gains do not show, the curves do: their level is known to 10% at best."""

    def sd(fit: FrontierFit) -> float:
        level = np.log(fit.predict(l0=[30.0])["expectation"]).std(("chain", "draw"))
        return float(level.min())

    assert sd(with_shared) > 0.08 > 2 * sd(without)
    score = with_shared.data["posterior"]["ablated_error_score"]
    assert score.dims == ("chain", "draw", "setting")
    assert float(score.std()) == pytest.approx(1.0, abs=0.15)  # the data do not tell it
    assert int(with_shared.data["sample_stats"]["diverging"].sum()) == 0


def test_residuals_of_a_fit_with_shared_errors_pass(with_shared: FrontierFit) -> None:
    assert {c.name: c.passed for c in with_shared.diagnostics().checks}["residuals"] is True


# ---------------------------------------------------------------- loss differences as places


def in_nats(curve: str, scales: dict[tuple[str, str], float]) -> tuple[Frontiers, Design]:
    simulated = simulate(settings=2, points=5, curve=curve, random_seed=4).frontiers
    by_row = [
        scales[v, g] for v, g in zip(simulated.table["variant"], simulated.table["setting"], strict=True)
    ]
    scale = pd.Series(by_row, index=simulated.table.index)
    frontiers = read(as_losses(simulated, scale=scale), y="ce")
    return frontiers, design_of(frontiers, baseline="baseline", curve=curve)


def improved(posterior: xr.Dataset, frontiers: Frontiers, design: Design, **places: object) -> Improvement:
    return improvement_of(posterior, frontiers, design, **places)  # type: ignore[arg-type]


def draws_of(improvement: Improvement, quantity: str, at: float, **labels: str) -> np.ndarray:
    table = improvement.summary
    wanted = (table["quantity"] == quantity) & np.isclose(table["at"], at)
    for name, value in labels.items():
        wanted &= table[name] == value
    (row,) = np.flatnonzero(wanted)
    return drawn(improvement, table.iloc[row]).to_numpy()


EACH = {
    ("baseline", "setting 1"): 8.0,
    ("variant", "setting 1"): 8.0,
    ("baseline", "setting 2"): 12.0,
    ("variant", "setting 2"): 12.0,
}


def test_a_gain_at_nats_is_that_at_the_hit_of_its_setting() -> None:
    frontiers, design = in_nats("hill", EACH)
    assert curve_losses(frontiers) == pytest.approx(EACH)
    posterior = posterior_of(
        design, [[np.log(0.02), np.log(0.05)], [np.log(0.03), np.log(0.04)]], np.log([0.7, 0.9])
    )
    result = improved(posterior, frontiers, design, at_nats=[0.6], at_hit=[0.6 / 8, 0.6 / 12])
    assert result.summary["quantity"].tolist().count("sparsity_gain_nats") == 4
    here = {}
    for setting, loss in (("setting 1", 8.0), ("setting 2", 12.0)):
        place = {"scope": "setting", "setting": setting}
        here[setting] = draws_of(result, "sparsity_gain_nats", 0.6, **place)
        np.testing.assert_allclose(
            here[setting], draws_of(result, "sparsity_gain", 0.6 / loss, **place), rtol=1e-12
        )
    average = draws_of(result, "sparsity_gain_nats", 0.6, scope="average")
    np.testing.assert_allclose(average, np.sqrt(here["setting 1"] * here["setting 2"]), rtol=1e-12)
    assert not np.allclose(here["setting 1"], here["setting 2"])


def test_ablations_that_differ_between_variants_do_not_matter_at_nats() -> None:
    """Power laws, which stay what they are when hits are divided by another denominator."""
    same, design = in_nats("power", EACH)
    mixed, _ = in_nats("power", EACH | {("variant", "setting 1"): 24.0})
    k = np.array([[0.7, 0.9], [0.8, 0.6]])
    x_ref = np.log([[0.02, 0.05], [0.03, 0.04]])
    in_thirds = x_ref + np.array([[0.0, np.log(3) / 0.9], [0.0, 0.0]])  # hits of a third: further out
    here = improved(posterior_of(design, x_ref, np.log(k), sd=0.0), same, design, at_nats=[0.4, 0.7])
    there = improved(posterior_of(design, in_thirds, np.log(k), sd=0.0), mixed, design, at_nats=[0.4, 0.7])
    for nats in (0.4, 0.7):
        for place in ({"scope": "setting", "setting": "setting 1"}, {"scope": "average"}):
            np.testing.assert_allclose(
                draws_of(there, "sparsity_gain_nats", nats, **place),
                draws_of(here, "sparsity_gain_nats", nats, **place),
                rtol=1e-9,
            )
    gain = draws_of(here, "sparsity_gain_nats", 0.4, scope="setting", setting="setting 1")
    curves = [{"a": 0.05 * np.exp(-k[0, i] * x_ref[0, i]), "k": k[0, i]} for i in (0, 1)]
    np.testing.assert_allclose(gain, sparsity_gain(design.family, curves[1], curves[0], 0.05), rtol=1e-9)


def test_nats_beyond_the_ablation_have_no_gain() -> None:
    frontiers, design = in_nats("hill", EACH)
    posterior = posterior_of(design, np.log([0.02, 0.05]), np.log(0.8))
    table = improved(posterior, frontiers, design, at_nats=[0.5, 7.0, 9.0]).summary
    table = table[(table["quantity"] == "sparsity_gain_nats") & (table["scope"] == "setting")]
    found = table.set_index(["at", "setting"])["support"].to_dict()
    assert found == {
        (0.5, "setting 1"): "observed",
        (0.5, "setting 2"): "observed",
        (7.0, "setting 1"): "extrapolated",
        (7.0, "setting 2"): "extrapolated",
        (9.0, "setting 1"): "none",
        (9.0, "setting 2"): "extrapolated",
    }
    assert (
        table.set_index("support").loc["none", "median"] != table.set_index("support").loc["none", "median"]
    )


def test_a_loss_difference_as_a_cost_is_in_nats() -> None:
    table = as_losses(simulate(points=5, random_seed=4).frontiers)
    frontiers = read(table, cost="loss_difference")
    assert set(curve_losses(frontiers).values()) == {1.0}
    assert curve_losses(read(table.assign(nmse=table["ce_sae"] - 2.9), cost="nmse")) == {}


def test_nats_need_the_losses() -> None:
    frontiers = simulate(random_seed=1).frontiers
    design = design_of(frontiers, baseline="baseline")
    posterior = posterior_of(design, np.log([0.02, 0.05]), np.log(0.8))
    with pytest.raises(
        ValueError,
        match=r"A gain at a loss difference needs the losses .* 'ce_base' and 'ce_ablated'\. Add them",
    ):
        improved(posterior, frontiers, design, at_nats=[0.1])
    for nats in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="a loss difference in nats, a positive number"):
            improved(posterior, frontiers, design, at_nats=[nats])

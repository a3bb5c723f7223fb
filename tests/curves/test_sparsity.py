"""The dense limit and relative sparsity: gains stay ratios of L0, whatever the curves are fitted in."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, optimize

import hillfront as hf
from helpers import posterior_of
from hillfront.curves.families import FAMILIES, HILL, CurveFamily
from hillfront.curves.sparsity import REFERENCE_D_MODEL, Reference, SparsityScale, scales_by_setting
from hillfront.estimands.improvement import improvement_of
from hillfront.estimands.pareto import pareto_of
from hillfront.estimands.predict import predict_curves
from hillfront.estimands.ratios import (
    crossing_l0,
    hit_reduction,
    link_gap,
    mean_hit_reduction,
    mean_sparsity_gain,
    sparsity_gain,
)
from hillfront.fits.fitting import PreparedModel
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataError, FrontierDataWarning, Frontiers
from hillfront.model.design import Design, design_of

Curve = dict[str, np.float64]
DENSE = 768.0

families = st.sampled_from([FAMILIES[name] for name in ("hill", "hill1", "power", "proportional")])
units = st.floats(-1.0, 1.0)
scales = st.builds(
    SparsityScale, unit=st.sampled_from([1.0, 768.0, 2048.0]), dense=st.sampled_from([None, 768.0, 4096.0])
)


def frontiers_of(table: pd.DataFrame) -> Frontiers:
    """Read a simulated table again, with changes, without its warnings."""
    kept = table.drop(columns=[name for name in ("row", "sparsity") if name in table])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(kept, group="setting")


def natural(family: CurveFamily, a: float, b: float, *, unit: float = 1.0) -> Curve:
    """Natural parameters near the centre of their prior, in a sparsity of that unit."""
    sampled = [
        p.centre + p.per_sparsity * np.log(unit) + z * p.spread / 3
        for p, z in zip(family.sampled, (a, b), strict=False)
    ]
    reference = Reference(0.05, sparsity=0.02 * unit)
    found: Curve = family.natural(*(np.float64(value) for value in sampled), reference=reference)
    return found


# ---------------------------------------------------------------- the scale


@given(scales, st.floats(1.0, 700.0))
def test_l0_and_sparsity_round_trip(scale: SparsityScale, l0: float) -> None:
    assert scale.l0(scale.sparsity(l0)) == pytest.approx(l0, rel=1e-9)
    expected = scale.unit * (1 / l0 - (1 / scale.dense if scale.dense else 0))
    assert scale.sparsity(l0) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("unit", [1.0, 768.0])
def test_sparsity_ends_at_the_dense_limit(unit: float) -> None:
    scale = SparsityScale(unit, DENSE)
    assert scale.sparsity(np.array([DENSE, 800.0, 1e9])).tolist() == [0.0, 0.0, 0.0]
    assert scale.l0(0.0) == pytest.approx(DENSE)
    assert scale.sparsity(767.0) > 0


# ---------------------------------------------------------------- gains are ratios of L0


def l0_at(family: CurveFamily, curve: Curve, hit: float, scale: SparsityScale) -> float:
    """L0 at which a curve reaches a hit, by bisection in L0."""

    def above(log_l0: float) -> float:
        return float(family.value(scale.sparsity(np.exp(log_l0)), **curve)) - hit

    top = np.log(scale.dense * (1 - 1e-12)) if scale.dense else np.log(1e12)
    assume(above(np.log(1e-9)) > 0 > above(top))
    return float(np.exp(optimize.brentq(above, np.log(1e-9), top, xtol=1e-13)))


@given(families, scales, units, units, units, units, st.floats(np.log(0.003), np.log(0.4)))
def test_sparsity_gain_is_the_ratio_of_the_two_l0(
    family: CurveFamily, scale: SparsityScale, a: float, b: float, c: float, d: float, log_hit: float
) -> None:
    hit = float(np.exp(log_hit))
    v, base = natural(family, a, b, unit=scale.unit), natural(family, c, d, unit=scale.unit)
    expected = l0_at(family, base, hit, scale) / l0_at(family, v, hit, scale)
    assert float(sparsity_gain(family, v, base, hit, scale=scale)) == pytest.approx(expected, rel=1e-6)


@given(families, units, units, units, units, st.floats(2.0, 60.0))
def test_means_are_integrals_over_log_hit_and_log_sparsity(
    family: CurveFamily, a: float, b: float, c: float, d: float, l0: float
) -> None:
    scale = SparsityScale(dense=DENSE)
    v, base = natural(family, a, b), natural(family, c, d)
    low, high = np.float64(0.01), np.float64(0.2)

    def log_gain(log_hit: float) -> float:
        pair = [scale.l0(family.inverse(np.exp(log_hit), **curve)) for curve in (base, v)]
        return float(np.log(pair[0] / pair[1]))

    mean = integrate.quad(log_gain, np.log(low), np.log(high), epsabs=1e-11)[0] / np.log(high / low)
    found = mean_sparsity_gain(family, v, base, low, high, scale=scale)
    assert np.log(found) == pytest.approx(mean, abs=1e-8)

    ends = np.float64(1 / 300), np.float64(1 / l0)

    def log_reduction(log_r: float) -> float:
        x = np.exp(log_r) - 1 / DENSE
        return float(np.log(family.value(x, **base) / family.value(x, **v)))

    mean = integrate.quad(log_reduction, *np.log(ends), epsabs=1e-11)[0] / np.log(ends[1] / ends[0])
    found = mean_hit_reduction(family, v, base, *ends, scale=scale)
    assert np.log(found) == pytest.approx(mean, abs=1e-7)


@given(families, units, units, units, units)
def test_without_a_limit_the_closed_forms_are_those_of_plain_sparsity(
    family: CurveFamily, a: float, b: float, c: float, d: float
) -> None:
    """Relative to a width, every gain is the same as in 1/L0: the unit cancels."""
    plain = natural(family, a, b), natural(family, c, d)
    unit = 512.0
    relative = natural(family, a, b, unit=unit), natural(family, c, d, unit=unit)
    scale = SparsityScale(unit)
    hits, ends = (np.float64(0.01), np.float64(0.2)), (np.float64(1 / 200), np.float64(1 / 5))
    for estimand, where in (
        (sparsity_gain, (0.05,)),
        (hit_reduction, (0.02,)),
        (mean_sparsity_gain, hits),
        (mean_hit_reduction, ends),
    ):
        here = estimand(family, *plain, *where)  # type: ignore[operator]
        assert float(estimand(family, *relative, *where, scale=scale)) == pytest.approx(float(here), rel=1e-9)  # type: ignore[operator]


@given(families, units, units, units, units)
def test_crossing_is_the_root_of_the_gap_in_l0(
    family: CurveFamily, a: float, b: float, c: float, d: float
) -> None:
    scale = SparsityScale(dense=DENSE)
    v, base = natural(family, a, b), natural(family, c, d)
    low, high = 1 / 600.0, 1 / 3.0
    ends = [link_gap(family, v, base, r, scale=scale) for r in (low, high)]
    crossing = float(crossing_l0(family, low, high, *ends, scale=scale))
    if np.sign(ends[0]) == np.sign(ends[1]):
        assert np.isnan(crossing)
        return

    def gap(log_l0: float) -> float:
        x = 1 / np.exp(log_l0) - 1 / DENSE
        return float(np.log(family.value(x, **base) / family.value(x, **v)))

    assume(gap(np.log(3.0)) * gap(np.log(600.0)) < 0)
    root = optimize.brentq(gap, np.log(3.0), np.log(600.0), xtol=1e-12)
    assert np.log(crossing) == pytest.approx(root, abs=1e-6)


def test_a_hit_that_a_line_reaches_beyond_the_limit_only_is_never_reached() -> None:
    """With its intercept above the hit, a line stays above it down to a sparsity of 0."""
    line, scale = FAMILIES["linear"], SparsityScale(dense=DENSE)
    above = {"m": np.float64(2.0), "c": np.float64(0.051)}
    below = {"m": np.float64(2.0), "c": np.float64(0.01)}
    assert line.inverse(0.05, **above) > -1 / DENSE  # where 1/L0 would still be positive
    assert sparsity_gain(line, above, below, 0.05, scale=scale) == 0
    assert sparsity_gain(line, below, above, 0.05, scale=scale) == np.inf
    assert np.isnan(sparsity_gain(line, above, above, 0.05, scale=scale))
    touching = {"m": np.float64(2.0), "c": np.float64(0.05)}
    expected = DENSE * (0.04 / 2 + 1 / DENSE)
    assert float(sparsity_gain(line, below, touching, 0.05, scale=scale)) == pytest.approx(expected)


# ---------------------------------------------------------------- tables from posteriors made by hand


def limited(settings: int = 1, **options: object) -> tuple[Frontiers, Design]:
    frontiers = simulate(settings=settings, l0=(10, 400), points=6, random_seed=3, setting_sd=0.2).frontiers
    return frontiers, design_of(frontiers, baseline="baseline", **options)  # type: ignore[arg-type]


def test_gains_at_the_limit_have_no_support() -> None:
    frontiers, design = limited(dense_limit=500.0)
    posterior = posterior_of(design, [np.log(0.02), np.log(0.04)], np.log(0.8))
    table = improvement_of(posterior, frontiers, design, at_l0=[450.0, 500.0, 600.0]).summary
    rows = table[(table["quantity"] == "hit_reduction") & (table["scope"] == "setting")].set_index("at")
    assert rows["support"].to_dict() == {450.0: "extrapolated", 500.0: "none", 600.0: "none"}
    assert rows["median"].isna().to_dict() == {450.0: False, 500.0: True, 600.0: True}


def test_predictions_stay_below_the_limit() -> None:
    _, design = limited(dense_limit=500.0)
    posterior = posterior_of(design, [np.log(0.02), np.log(0.04)], np.log(0.8))
    predicted = predict_curves(posterior, design, l0=[50.0, 499.999])
    at_50, at_limit = (predicted["expectation"].isel(l0=i).median().item() for i in (0, 1))
    assert at_50 > 0.02 > at_limit > 0
    for l0 in (500.0, 600.0):
        with pytest.raises(ValueError, match=f"l0 reaches {l0:g}, and the dense limit .* is 500: give a sm"):
            predict_curves(posterior, design, l0=[50.0, l0])


@pytest.mark.parametrize("margin", [1.0, 1.2, 2.0, 0.8])
@pytest.mark.parametrize(("k", "shift"), [((0.6, 0.9), 0.5), ((0.9, 0.9), 0.4), ((0.9, 0.6), 0.2)])
def test_verdicts_under_a_limit_are_those_of_a_dense_grid(
    margin: float, k: tuple[float, float], shift: float
) -> None:
    """With a margin, the gap bends: both ends may be better and the middle not."""
    frontiers, design = limited(dense_limit=420.0)
    posterior = posterior_of(design, [np.log(0.02), np.log(0.02) + shift], np.log(k), sd=0.15, draws=500)
    row = pareto_of(posterior, frontiers, design, margin=margin).summary.iloc[-1]
    curves = design.natural(
        *(
            posterior[name].isel(setting=0).transpose("variant", "chain", "draw").to_numpy().reshape(2, -1)
            for name in ("log_x_ref", "log_k")
        )
    )
    base, v = ({name: values[i] for name, values in curves.items()} for i in (0, 1))
    r = np.geomspace(1 / 400, 1 / 10, 3001)[:, None]
    own = HILL.value(r - 1 / 420, **base)
    at_margin = (HILL.value(np.maximum(m * r - 1 / 420, 1e-300), **v) for m in (margin, 1 / margin))
    better, worse = (own > other for other in at_margin)
    assert row["p_better"] == pytest.approx(better.all(axis=0).mean(), abs=0.002)
    assert row["p_worse"] == pytest.approx((~worse).all(axis=0).mean(), abs=0.002)
    crossing = np.sign(own - HILL.value(r - 1 / 420, **v))
    assert row["p_cross"] == pytest.approx((crossing[0] != crossing[-1]).mean())


def test_a_gap_that_bends_is_not_decided_at_its_ends() -> None:
    """A margin below 1 under a limit: the ends alone would say better in every draw, the middle says no."""
    frontiers, design = limited(dense_limit=420.0)
    scale = design.scales[0]
    ends, margin = (1 / 400, 1 / 10), 0.8
    base = {"x_half": 1.0, "k": 0.9}

    def gaps(curve: Curve, nodes: np.ndarray) -> np.ndarray:
        return np.asarray(link_gap(HILL, curve, base, nodes, margin=margin, scale=scale))

    middle = np.geomspace(*ends, 200)
    found = []
    for k in np.linspace(0.3, 1.5, 25):
        for log_x in np.linspace(-2, 4, 80):
            curve = {"x_half": np.float64(np.exp(log_x)), "k": np.float64(k)}
            at_ends, inside = gaps(curve, np.array(ends)), gaps(curve, middle)
            if (at_ends > 0.02).all() and inside.min() < -0.02:
                found.append(curve)
    assert found
    curve = found[len(found) // 2]
    k_both = np.array([base["k"], curve["k"]])
    x_ref = np.log([base["x_half"], curve["x_half"]]) + np.log(0.05 / 0.95) / k_both
    posterior = posterior_of(design, x_ref, np.log(k_both), sd=1e-4)
    row = pareto_of(posterior, frontiers, design, margin=margin).summary.iloc[-1]
    assert row["p_better"] == 0.0


def test_a_new_setting_stands_on_the_settings_that_are_compared() -> None:
    """A wide setting where both variants are, a narrow one with the baseline: its limit says nothing."""
    table = simulate(settings=3, l0=(10, 600), points=6, random_seed=3, setting_sd=0.2).frontiers.table
    table["d_model"] = table["setting"].map({"setting 1": 4096.0, "setting 2": 4096.0, "setting 3": 100.0})
    alone = table["setting"] == "setting 3"
    table = table[~alone | ((table["variant"] == "baseline") & (table["l0"] < 100))]
    frontiers = frontiers_of(table)
    design = design_of(frontiers, baseline="baseline", dense_limit="d_model")
    posterior = posterior_of(design, [np.log(0.02), np.log(0.04)], np.log(0.8))
    improvement = improvement_of(posterior, frontiers, design, at_l0=[1200.0]).summary
    new = improvement[improvement["scope"] == "new_setting"].set_index("quantity")
    assert new.loc["hit_reduction", "support"] == "extrapolated"
    assert 1.2 < new.loc["mean_hit_reduction", "median"] < 2.5
    verdict = pareto_of(posterior, frontiers, design).summary.set_index("scope").loc["new_setting"]
    assert verdict["p_better"] + verdict["p_worse"] + verdict["p_cross"] == pytest.approx(1.0)
    assert verdict["p_better"] > 0.9


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"dense_limit": "d_model", "relative": False}, "dense_limit='d_model' needs the width of the model"),
        ({"dense_limit": None, "relative": True}, "relative_sparsity=True needs the width of the model"),
        ({"dense_limit": "d_model", "relative": True}, "relative_sparsity=True needs the width of the model"),
    ],
)
def test_scales_need_a_width(option: dict[str, object], text: str) -> None:
    table = simulate(settings=2, random_seed=1).frontiers.table
    for frame in (table, table.assign(d_model=[np.nan] + [768.0] * (len(table) - 1))):
        with pytest.raises(ValueError, match=text):
            scales_by_setting(frame, ("setting 1", "setting 2"), **option)  # type: ignore[arg-type]


@pytest.mark.parametrize(("limit", "relative"), [("d_model", False), (None, True), ("d_model", True)])
def test_a_setting_has_one_width(limit: str | None, relative: bool) -> None:
    table = simulate(settings=2, random_seed=1).frontiers.table.assign(d_model=768.0)
    table.loc[table.index[-1], "d_model"] = 2048.0
    with pytest.raises(
        ValueError, match=r"d_model is 768 to 2048 in setting 'setting 2', and must be one number"
    ):
        scales_by_setting(table, ("setting 1", "setting 2"), dense_limit=limit, relative=relative)  # type: ignore[arg-type]


def test_scales_of_settings_in_their_order() -> None:
    table = simulate(settings=2, random_seed=1).frontiers.table
    table["d_model"] = table["setting"].map({"setting 1": 768.0, "setting 2": 2048.0})
    scales_of = partial(scales_by_setting, table, ("setting 2", "setting 1"))
    assert scales_of(dense_limit="d_model", relative=False) == (
        SparsityScale(1.0, 2048.0),
        SparsityScale(1.0, 768.0),
    )
    assert scales_of(dense_limit=5000, relative=True) == (
        SparsityScale(2048.0, 5000.0),
        SparsityScale(768.0, 5000.0),
    )
    assert scales_of(dense_limit=5000, relative=False) == (SparsityScale(1.0, 5000.0),) * 2
    assert scales_of(dense_limit=None, relative=False) == (SparsityScale(),) * 2


@pytest.mark.parametrize(("limit", "seen"), [(200.0, "200 >= 200"), ("d_model", "200 >= 150")])
def test_rows_at_the_limit_are_faults(limit: float | str, seen: str) -> None:
    frontiers = frontiers_of(simulate(random_seed=1).frontiers.table.assign(d_model=150.0))
    with pytest.raises(FrontierDataError) as error:
        design_of(frontiers, baseline="baseline", dense_limit=limit)  # type: ignore[arg-type]
    text = str(error.value)
    assert "L0 not below the dense limit (rows 3, 7)" in text
    assert seen in text
    assert "allowed: an L0 below the limit" in text
    assert "on_fault" in text


def test_a_limit_without_a_column_is_a_fault() -> None:
    with pytest.raises(FrontierDataError, match="missing column 'd_model'"):
        limited(dense_limit="d_model")


# ---------------------------------------------------------------- real fits


def with_widths(frontiers: Frontiers, *widths: float) -> Frontiers:
    by_setting = dict(zip(frontiers.settings, widths, strict=True))
    return frontiers_of(frontiers.table.assign(d_model=frontiers.table["setting"].map(by_setting)))


def gains(fit: FrontierFit, quantity: str = "mean_sparsity_gain") -> pd.Series:
    table = fit.improvement().summary
    return table[(table["quantity"] == quantity) & (table["scope"] == "average")].iloc[0]


TRUE_LIMIT = simulate(
    settings=2, points=6, l0=(20, 600), dense_limit=DENSE, random_seed=5, interaction_sd=0.05
)


@pytest.fixture(scope="module")
def under_limit() -> PreparedModel:
    return hf.prepare(
        with_widths(TRUE_LIMIT.frontiers, DENSE, DENSE), baseline="baseline", dense_limit="d_model"
    )


@pytest.fixture(scope="module")
def limit_fit(under_limit: PreparedModel) -> FrontierFit:
    return under_limit.fit(draws=500, random_seed=1, progressbar=False)


def test_a_fit_finds_the_true_gain_under_a_limit(limit_fit: FrontierFit) -> None:
    truth = TRUE_LIMIT.truth.set_index(["scope", "quantity"])["value"]
    for quantity in ("mean_sparsity_gain", "mean_hit_reduction", "k_ratio"):
        row = gains(limit_fit, quantity)
        assert row["lower"] < truth["average", quantity].item() < row["upper"], quantity
        assert row["upper"] < 1.6 * row["lower"]
    assert int(limit_fit.data["sample_stats"]["diverging"].sum()) == 0
    slope = limit_fit.data["posterior"]["k"].median(("chain", "draw"))
    np.testing.assert_allclose(slope, 0.9, rtol=0.15)


def test_a_saved_fit_keeps_its_scales(limit_fit: FrontierFit, tmp_path: Path) -> None:
    again = FrontierFit.load(limit_fit.save(tmp_path / "fit.nc"))
    assert again.design == limit_fit.design
    assert {scale.dense for scale in again.design.scales} == {DENSE}
    for ask in ("improvement", "pareto"):
        pd.testing.assert_frame_equal(getattr(again, ask)().summary, getattr(limit_fit, ask)().summary)
    with pytest.raises(ValueError, match="the dense limit of these curves is 768"):
        again.predict(l0=[900.0])


def test_a_refit_to_other_widths_is_refused(under_limit: PreparedModel) -> None:
    other = with_widths(TRUE_LIMIT.frontiers, DENSE, 2048.0)
    with pytest.raises(
        ValueError,
        match=r"d_model: 2048 in setting 2, 768 in setting 1; the model was prepared for: 768 in setting 1",
    ):
        under_limit.fit(other, progressbar=False)


def test_a_refit_to_exchanged_widths_is_refused() -> None:
    """The same two widths in the other order are another design."""
    frontiers = with_widths(TRUE_LIMIT.frontiers, 768.0, 2048.0)
    design = design_of(frontiers, baseline="baseline", relative_sparsity=True)
    prepared = PreparedModel(frontiers, design, {}, sampler=None)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match="d_model: 2048 in setting 1, 768 in setting 2; the model was prepared"
    ):
        prepared.fit(with_widths(TRUE_LIMIT.frontiers, 2048.0, 768.0), progressbar=False)


PLAIN = simulate(settings=2, points=6, random_seed=7, interaction_sd=0.05)


@pytest.fixture(scope="module")
def plain_fit() -> FrontierFit:
    return hf.fit(PLAIN.frontiers, baseline="baseline", draws=500, random_seed=1, progressbar=False)


@pytest.fixture(scope="module")
def relative() -> PreparedModel:
    return hf.prepare(with_widths(PLAIN.frontiers, 2048, 2048), baseline="baseline", relative_sparsity=True)


def test_relative_to_the_reference_width_the_fit_is_the_plain_one(
    plain_fit: FrontierFit, relative: PreparedModel
) -> None:
    """At a d_model of 2048 the priors are the same: so is the posterior, up to Monte Carlo."""
    fit = relative.fit(draws=500, random_seed=1, progressbar=False)
    for quantity in ("mean_sparsity_gain", "mean_hit_reduction", "k_ratio", "x_half_ratio"):
        a, b = gains(fit, quantity), gains(plain_fit, quantity)
        width = np.log(b["upper"] / b["lower"])
        for end in ("lower", "median", "upper"):
            assert abs(np.log(a[end] / b[end])) < 0.08 * width, quantity
    shift = np.log(fit.data["posterior"]["x_half"] / plain_fit.data["posterior"]["x_half"])
    assert float(shift.median()) == pytest.approx(np.log(REFERENCE_D_MODEL), abs=0.1)


def test_widths_scale_positions_and_leave_gains_alone(plain_fit: FrontierFit) -> None:
    """Two settings of different width: gains are those of the plain fit, up to the prior."""
    frontiers = with_widths(PLAIN.frontiers, 512, 8192)
    fit = hf.fit(
        frontiers, baseline="baseline", relative_sparsity=True, draws=500, random_seed=1, progressbar=False
    )
    assert [scale.unit for scale in fit.design.scales] == [512, 8192]
    for quantity in ("mean_sparsity_gain", "mean_hit_reduction"):
        a, b = gains(fit, quantity), gains(plain_fit, quantity)
        width = np.log(b["upper"] / b["lower"])
        assert abs(np.log(a["median"] / b["median"])) < 0.2 * width
        truth = PLAIN.truth.set_index(["scope", "quantity"]).loc[("average", quantity), "value"].item()
        assert a["lower"] < truth < a["upper"]
    x_half = np.log(fit.data["posterior"]["x_half"]).median(("chain", "draw"))
    plain = np.log(plain_fit.data["posterior"]["x_half"]).median(("chain", "draw"))
    np.testing.assert_allclose(x_half - plain, np.log([[512.0] * 2, [8192.0] * 2]), atol=0.3)
    here = fit.predict(l0=[50.0])["expectation"].median(("chain", "draw")).to_numpy()
    there = plain_fit.predict(l0=[50.0])["expectation"].median(("chain", "draw")).to_numpy()
    np.testing.assert_allclose(here, there, rtol=0.05)

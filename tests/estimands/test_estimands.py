"""What is compared: identities of the estimands, and the tables made of them from posteriors made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize

from helpers import drawn, frontiers_of, points, position, posterior_of
from hillfront.curves.families import HILL
from hillfront.curves.functions import hill
from hillfront.estimands.improvement import Improvement, improvement_of
from hillfront.estimands.pareto import Pareto, pareto_of, verdict_of
from hillfront.estimands.ratios import (
    crossing_l0,
    hit_reduction,
    link_gap,
    mean_hit_reduction,
    mean_sparsity_gain,
    parameter_ratio,
    sparsity_gain,
)
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design, design_of
from hillfront.utils.intervals import equal_tailed

Curve = dict[str, float]


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log(low), np.log(high)).map(lambda t: float(np.exp(t)))


curves = st.fixed_dictionaries({"x_half": log_uniform(0.03, 40), "k": log_uniform(0.3, 2.5)})
hits = log_uniform(1e-4, 0.95)
sparsities = log_uniform(2e-3, 0.5)


@st.composite
def ranges(draw: st.DrawFn, ends: st.SearchStrategy[float]) -> tuple[np.float64, np.float64]:
    low, high = sorted((draw(ends), draw(ends)))
    assume(high > 1.01 * low)
    return np.float64(low), np.float64(high)


def close(actual: object, expected: object, rel: float = 1e-9) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rel)


# ---------------------------------------------------------------- identities


@given(curves, curves, hits, sparsities, ranges(hits), ranges(sparsities))
def test_swapping_the_variants_inverts_every_factor(v, b, y, x, ys, xs) -> None:  # type: ignore[no-untyped-def]
    close(sparsity_gain(HILL, v, b, y) * sparsity_gain(HILL, b, v, y), 1)
    close(hit_reduction(HILL, v, b, x) * hit_reduction(HILL, b, v, x), 1)
    close(mean_sparsity_gain(HILL, v, b, *ys) * mean_sparsity_gain(HILL, b, v, *ys), 1)
    close(mean_hit_reduction(HILL, v, b, *xs) * mean_hit_reduction(HILL, b, v, *xs), 1)
    for name, sign in HILL.ratios.values():
        close(parameter_ratio(v, b, name=name, sign=sign) * parameter_ratio(b, v, name=name, sign=sign), 1)
    assert link_gap(HILL, v, b, x) == -link_gap(HILL, b, v, x)


@given(curves, curves, hits, sparsities, ranges(hits), ranges(sparsities), log_uniform(0.01, 100))
def test_units_of_l0_do_not_matter(v, b, y, x, ys, xs, c) -> None:  # type: ignore[no-untyped-def]
    v2, b2 = ({"x_half": c * curve["x_half"], "k": curve["k"]} for curve in (v, b))
    xs2 = tuple(c * end for end in xs)
    close(sparsity_gain(HILL, v2, b2, y), sparsity_gain(HILL, v, b, y))
    close(hit_reduction(HILL, v2, b2, c * x), hit_reduction(HILL, v, b, x))
    close(mean_sparsity_gain(HILL, v2, b2, *ys), mean_sparsity_gain(HILL, v, b, *ys))
    close(mean_hit_reduction(HILL, v2, b2, *xs2), mean_hit_reduction(HILL, v, b, *xs), rel=1e-8)
    np.testing.assert_allclose(link_gap(HILL, v2, b2, c * x), link_gap(HILL, v, b, x), rtol=1e-9, atol=1e-9)


@given(curves, hits, sparsities, ranges(hits), ranges(sparsities))
def test_identical_curves_gain_nothing(v, y, x, ys, xs) -> None:  # type: ignore[no-untyped-def]
    b = dict(v)
    for value in (
        sparsity_gain(HILL, v, b, y),
        hit_reduction(HILL, v, b, x),
        mean_sparsity_gain(HILL, v, b, *ys),
        mean_hit_reduction(HILL, v, b, *xs),
        *(parameter_ratio(v, b, name=name, sign=sign) for name, sign in HILL.ratios.values()),
    ):
        close(value, 1, rel=1e-12)
    assert link_gap(HILL, v, b, x) == 0


@given(curves, curves, ranges(hits), ranges(sparsities))
def test_means_lie_between_the_gains_on_the_range(v, b, ys, xs) -> None:  # type: ignore[no-untyped-def]
    gains = sparsity_gain(HILL, v, b, np.geomspace(*ys, 200))
    mean = mean_sparsity_gain(HILL, v, b, *ys)
    assert gains.min() * (1 - 1e-9) <= mean <= gains.max() * (1 + 1e-9)
    reductions = hit_reduction(HILL, v, b, np.geomspace(*xs, 200))
    mean = mean_hit_reduction(HILL, v, b, *xs)
    # Between two nodes of the grid it can be a little larger still.
    assert reductions.min() * (1 - 1e-3) <= mean <= reductions.max() * (1 + 1e-3)


@given(curves, curves, ranges(hits), ranges(sparsities))
def test_closed_forms_and_quadrature_agree(v, b, ys, xs) -> None:  # type: ignore[no-untyped-def]
    assume(ys[1] < 0.5)
    by_nodes = replace(HILL, mean_log_inverse=None, mean_log_value=None)
    close(mean_sparsity_gain(by_nodes, v, b, *ys), mean_sparsity_gain(HILL, v, b, *ys), rel=1e-8)
    close(mean_hit_reduction(by_nodes, v, b, *xs), mean_hit_reduction(HILL, v, b, *xs), rel=1e-8)


@given(curves, log_uniform(0.1, 10), ranges(hits), hits)
def test_with_equal_slopes_every_gain_is_the_ratio_of_x_half(b, ratio, ys, y) -> None:  # type: ignore[no-untyped-def]
    v = b | {"x_half": ratio * b["x_half"]}
    close(mean_sparsity_gain(HILL, v, b, *ys), ratio)
    close(sparsity_gain(HILL, v, b, y), ratio)
    close(parameter_ratio(v, b, name="x_half", sign=1), ratio)


@given(curves, curves, hits)
def test_sparsity_gain_is_its_equation(v, b, y) -> None:  # type: ignore[no-untyped-def]
    expected = v["x_half"] / b["x_half"] * (y / (1 - y)) ** (1 / v["k"] - 1 / b["k"])
    close(sparsity_gain(HILL, v, b, y), expected)


def test_better_is_above_one() -> None:
    b, better = {"x_half": 1.0, "k": 0.8}, {"x_half": 3.0, "k": 0.8}
    low, high = np.float64(0.01), np.float64(0.1)
    assert sparsity_gain(HILL, better, b, 0.05) == pytest.approx(3.0)
    assert hit_reduction(HILL, better, b, 0.05) > 1
    assert mean_sparsity_gain(HILL, better, b, low, high) > 1
    assert mean_hit_reduction(HILL, better, b, low, high) > 1
    assert link_gap(HILL, better, b, 0.05) > 0
    ratios = {
        name: parameter_ratio({"x_half": 3.0, "k": 0.5}, b, name=parameter, sign=sign)
        for name, (parameter, sign) in HILL.ratios.items()
    }
    assert ratios == pytest.approx({"x_half_ratio": 3.0, "k_ratio": 1.6})


@given(curves, curves, ranges(sparsities))
def test_crossing_is_the_root_of_the_gap(v, b, xs) -> None:  # type: ignore[no-untyped-def]
    low, high = xs
    ends = link_gap(HILL, v, b, low), link_gap(HILL, v, b, high)
    crossing = 1 / crossing_l0(HILL, low, high, *ends)
    if np.sign(ends[0]) == np.sign(ends[1]):
        assert np.isnan(crossing)
        return
    assume(abs(v["k"] - b["k"]) > 1e-3)

    def gap(log_x: float) -> float:
        return float(np.log(hill(np.exp(log_x), **b)) - np.log(hill(np.exp(log_x), **v)))

    assume(gap(np.log(low)) * gap(np.log(high)) < 0)
    root = optimize.brentq(gap, np.log(low), np.log(high), xtol=1e-14)
    close(np.log(crossing), root, rel=1e-7)
    assert low * (1 - 1e-9) <= crossing <= high * (1 + 1e-9)


def test_crossings_of_many_draws_at_once() -> None:
    gap_low = np.array([1.0, 1.0, -1.0, -1.0, 0.0, 0.0, 1.0])
    gap_high = np.array([1.0, -1.0, 1.0, -1.0, 0.0, 1.0, -3.0])
    crossing = crossing_l0(HILL, 0.01, 1.0, gap_low, gap_high)
    close(1 / crossing, [np.nan, 0.1, 0.1, np.nan, np.nan, 0.01, 10**-1.5])


@given(curves, curves, ranges(sparsities), log_uniform(1.01, 3))
def test_margin_is_a_sparsity_gain(v, b, xs, margin) -> None:  # type: ignore[no-untyped-def]
    gains = np.array([sparsity_gain(HILL, v, b, hill(x, **b)) for x in xs])
    gaps = np.array([link_gap(HILL, v, b, x, margin=margin) for x in xs])
    if (gaps > 0).all():
        assert (gains > margin * (1 - 1e-9)).all()
    if (gaps < 0).all():
        assert (gains < margin * (1 + 1e-9)).all()


# ---------------------------------------------------------------- a posterior made by hand

LAYERS = ("6", "20")
TRUTH = {  # x_half and k by layer and variant; topk is not in layer 20
    ("6", "relu"): (2.0, 0.8),
    ("6", "gated"): (4.0, 0.9),
    ("6", "topk"): (1.5, 0.8),
    ("20", "relu"): (1.0, 0.8),
    ("20", "gated"): (3.0, 0.9),
    ("20", "topk"): (1.0, 0.8),
}
L0 = {"relu": [10, 20, 40, 80], "gated": [6, 12, 24, 48], "topk": [12, 25, 50, 100]}


@pytest.fixture(scope="module")
def frontiers() -> Frontiers:
    """Three variants in two layers, one of which lacks a variant."""
    parts = [
        points(variant, L0[variant], x_half=x_half, k=k, layer=int(layer))
        for (layer, variant), (x_half, k) in TRUTH.items()
        if (layer, variant) != ("20", "topk")
    ]
    return frontiers_of(pd.concat(parts), group="layer")


def hand_made(frontiers: Frontiers, *, baseline: str = "relu", **options: float) -> tuple[xr.Dataset, Design]:
    """Posterior around the truth, and its design; the same draws of each curve for every baseline."""
    first, design = (design_of(frontiers, baseline=name) for name in ("relu", baseline))
    x_half, k = np.array(
        [[TRUTH[setting, variant] for variant in first.variants] for setting in first.settings]
    ).transpose(2, 0, 1)
    posterior = posterior_of(first, position(x_half, k), np.log(k), **options)  # type: ignore[arg-type]
    return posterior.drop_vars("contrast").sel(variant=list(design.variants)), design


@pytest.fixture(scope="module")
def improvement(frontiers: Frontiers) -> Improvement:
    posterior, design = hand_made(frontiers)
    return improvement_of(posterior, frontiers, design, at_hit=[0.05, 0.3], at_l0=[20, 9])


@pytest.fixture(scope="module")
def pareto(frontiers: Frontiers) -> Pareto:
    posterior, design = hand_made(frontiers)
    return pareto_of(posterior, frontiers, design)


def pick(table: pd.DataFrame, **labels: object) -> pd.DataFrame:
    for name, value in labels.items():
        table = table[table[name] == value]
    return table


def one(table: pd.DataFrame, **labels: object) -> pd.Series:
    found = pick(table, **labels)
    assert len(found) == 1
    return found.iloc[0]


IMPROVEMENT_COLUMNS = [
    "scope",
    "quantity",
    "at",
    "median",
    "lower",
    "upper",
    "prob",
    "p_gt_1",
    "support",
    "prior_driven",
]
PARETO_COLUMNS = [
    "scope",
    "l0_low",
    "l0_high",
    "p_better",
    "p_worse",
    "p_cross",
    "crossing_l0",
    "verdict",
]


def test_improvement_has_a_row_for_each_variant_scope_and_quantity(improvement: Improvement) -> None:
    table = improvement.summary
    assert list(table) == ["baseline", "variant", "layer", *IMPROVEMENT_COLUMNS]
    assert set(table["baseline"]) == {"relu"}
    quantities = [
        ("mean_sparsity_gain", None),
        ("mean_hit_reduction", None),
        ("sparsity_gain", 0.05),
        ("sparsity_gain", 0.3),
        ("hit_reduction", 20.0),
        ("hit_reduction", 9.0),
        ("x_half_ratio", None),
        ("k_ratio", None),
    ]
    scopes = {
        "gated": [("average", ""), ("new_setting", ""), ("setting", "6"), ("setting", "20")],
        "topk": [("average", ""), ("new_setting", ""), ("setting", "6")],
    }
    expected = [
        (variant, layer, scope, quantity, at)
        for variant in ("gated", "topk")
        for quantity, at in quantities
        for scope, layer in scopes[variant]
    ]
    found = [
        (row.variant, row.layer, row.scope, row.quantity, None if np.isnan(row.at) else row.at)
        for row in table.itertuples()
    ]
    assert found == expected


def test_draws_are_labelled_by_quantity_variant_and_setting(improvement: Improvement) -> None:
    draws = improvement.draws
    assert list(draws) == [
        "mean_sparsity_gain",
        "mean_hit_reduction",
        "sparsity_gain",
        "hit_reduction",
        "x_half_ratio",
        "k_ratio",
    ]
    assert draws["k_ratio"].dims == ("chain", "draw", "variant", "setting")
    assert draws["sparsity_gain"].dims == ("chain", "draw", "variant", "setting", "hit")
    assert draws["hit_reduction"].dims == ("chain", "draw", "variant", "setting", "l0")
    assert draws["variant"].values.tolist() == ["gated", "topk"]
    assert draws["setting"].values.tolist() == ["average", "new_setting", "6", "20"]
    assert draws["scope"].values.tolist() == ["average", "new_setting", "setting", "setting"]
    assert draws["layer"].values.tolist() == ["", "", "6", "20"]
    assert (draws["hit"].values.tolist(), draws["l0"].values.tolist()) == ([0.05, 0.3], [20.0, 9.0])
    # topk has no SAEs in layer 20.
    there = np.isfinite(draws["k_ratio"]).all(["chain", "draw"])
    assert there.sel(variant="gated").all()
    assert there.sel(variant="topk").values.tolist() == [True, True, True, False]
    support = improvement.support
    assert set(support) == set(draws)
    assert support["k_ratio"].sel(variant="topk", setting="20").item() == ""
    assert support["hit_reduction"].sel(variant="topk", setting="6", l0=9).item() == "extrapolated"


def test_summary_rows_are_those_of_the_draws(improvement: Improvement) -> None:
    for _, row in improvement.summary.iterrows():
        values = drawn(improvement, row).to_numpy().ravel()
        close(row["median"], np.median(values), rel=1e-12)
        close(row[["lower", "upper"]].astype(float), np.quantile(values, [0.05, 0.95]), rel=1e-12)
        close(row["p_gt_1"], (values > 1).mean(), rel=1e-12)
        support = drawn(replace(improvement, draws=improvement.support), row)
        assert support.item() == row["support"]
    assert (improvement.summary["prob"] == 0.9).all()


def test_arviz_names_what_it_summarises(improvement: Improvement) -> None:
    table = az.summary(improvement.draws.sel(variant=["gated"]), kind="stats", round_to="none")
    mean = float(improvement.draws["sparsity_gain"].sel(variant="gated", setting="average", hit=0.05).mean())
    assert table.loc["sparsity_gain[gated, average, 0.05]", "mean"] == pytest.approx(mean)
    assert "mean_sparsity_gain[gated, 20]" in table.index
    assert len(table) == len(pick(improvement.summary, variant="gated"))


def test_nothing_is_hidden_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row shows what it is about, its median, interval and probability, also with long names."""
    monkeypatch.setenv("COLUMNS", "80")
    columns = {"model": "a-model-with-a-long-name", "site": "resid_post", "width": 16384}
    parts = [
        points(v, L0["relu"], x_half=x, layer=layer, **columns)
        for v, x in (("relu", 2.0), ("a variant & its <name>", 4.0))
        for layer in (6, 20)
    ]
    data = frontiers_of(pd.concat(parts), group=["model", "site", "width", "layer"])
    design = design_of(data, baseline="relu")
    posterior = posterior_of(design, [[position(2.0, 0.8), position(4.0, 0.8)]] * 2, np.log(0.8))
    result = improvement_of(posterior, data, design, notes=("a <note>",))
    text = str(result)
    assert text == repr(result)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "..." not in text
    shown = [line for line in lines if "[" in line][1:]  # below the heading
    assert len(shown) == len(result.summary)
    for line, (_, row) in zip(shown, result.summary.iterrows(), strict=True):
        assert row["quantity"] in line
        assert f"{row['median']:.2f} [{row['lower']:.2f}, {row['upper']:.2f}]" in line
        assert line.endswith(f" {row['p_gt_1']:.3f}")
        assert (" *" in line) == (row["support"] != "observed")
        assert np.isnan(row["at"]) or f" {row['at']:g} " in line
    assert "* extrapolated, or predicted for a setting without data" in lines
    html = result._repr_html_()
    assert "a variant &amp; its &lt;name&gt;" in html
    assert "<p>a &lt;note&gt;</p>" in html
    assert html.count("<tr>") == 1 + len(result.summary)
    verdicts = pareto_of(posterior, data, design)
    assert max(map(len, str(verdicts).splitlines())) <= 80
    assert str(verdicts).count("better") == 1 + len(verdicts.summary)


def test_hits_asked_for_twice_have_two_rows_of_the_same_draws(frontiers: Frontiers) -> None:
    posterior, design = hand_made(frontiers)
    result = improvement_of(posterior, frontiers, design, at_hit=[0.05, 0.05], at_l0=[])
    rows = pick(result.summary, quantity="sparsity_gain", variant="gated", scope="average")
    assert len(rows) == 2
    assert result.draws.sizes["hit"] == 1


@pytest.mark.parametrize("prob", [0.5, 0.99])
def test_prob_sets_the_interval(frontiers: Frontiers, prob: float) -> None:
    posterior, design = hand_made(frontiers)
    result = improvement_of(posterior, frontiers, design, prob=prob)
    values = np.array([drawn(result, row).to_numpy().ravel() for _, row in result.summary.iterrows()])
    ends = [(1 - prob) / 2, (1 + prob) / 2]
    close(result.summary[["lower", "upper"]], np.quantile(values, ends, axis=1).T, rel=1e-12)
    assert (result.summary["prob"] == prob).all()


def test_gains_are_those_of_the_draws_of_the_curves(frontiers: Frontiers, improvement: Improvement) -> None:
    posterior, _ = hand_made(frontiers)
    x_ref, k = np.exp(posterior["log_x_ref"]), np.exp(posterior["log_k"])

    def draws(**labels: object) -> np.ndarray:
        return drawn(improvement, one(improvement.summary, variant="gated", layer="20", **labels)).to_numpy()

    def curve(values: xr.DataArray, variant: str) -> np.ndarray:
        return values.sel(variant=variant, setting="20").to_numpy()

    # Positions are stated at a hit of 0.05, so that their ratio is the gain there.
    gain = curve(x_ref, "gated") / curve(x_ref, "relu")
    close(draws(quantity="sparsity_gain", at=0.05), gain)
    close(draws(quantity="k_ratio"), curve(k, "relu") / curve(k, "gated"))
    odds = np.log(0.05 / 0.95)
    x_half = {v: curve(x_ref, v) * np.exp(-odds / curve(k, v)) for v in ("gated", "relu")}
    close(draws(quantity="x_half_ratio"), x_half["gated"] / x_half["relu"])
    hit = {v: 1 / (1 + (x_half[v] * 20) ** curve(k, v)) for v in ("gated", "relu")}
    close(draws(quantity="hit_reduction", at=20), hit["relu"] / hit["gated"])


def test_means_are_over_the_range_that_both_observed(frontiers: Frontiers, improvement: Improvement) -> None:
    table = frontiers.table
    hit = table[table["setting"] == "6"].groupby("variant")["performance_hit"].agg(["min", "max"])
    low, high = hit.loc[["relu", "gated"], "min"].max(), hit.loc[["relu", "gated"], "max"].min()
    posterior, design = hand_made(frontiers)
    natural = design.family.natural(
        *(posterior[name].sel(setting="6") for name in ("log_x_ref", "log_k")), reference=design.reference
    )
    v, b = ({n: a.sel(variant=name).to_numpy() for n, a in natural.items()} for name in ("gated", "relu"))
    u = np.linspace(np.log(low), np.log(high), 4001)
    logs = np.mean([np.log(sparsity_gain(HILL, v, b, np.exp(t))) for t in u], axis=0)
    row = one(improvement.summary, variant="gated", layer="6", quantity="mean_sparsity_gain")
    close(drawn(improvement, row), np.exp(logs), rel=1e-3)
    xs = np.geomspace(1 / 48, 1 / 10, 4001)
    logs = np.mean([np.log(hit_reduction(HILL, v, b, x)) for x in xs], axis=0)
    row = one(improvement.summary, variant="gated", layer="6", quantity="mean_hit_reduction")
    close(drawn(improvement, row), np.exp(logs), rel=1e-3)


def test_average_is_the_geometric_mean_over_settings(improvement: Improvement) -> None:
    draws = improvement.draws
    settings = draws["setting"][draws["scope"] == "setting"]
    expected = np.exp(np.log(draws.sel(setting=settings)).mean("setting"))
    for name, average in draws.sel(setting="average").items():
        assert np.isfinite(average).all()
        close(average, expected[name], rel=1e-12)


def test_support_says_what_rests_on_data(improvement: Improvement) -> None:
    table = improvement.summary
    # No curve reaches a hit of one half, nor one of 0.3; relu and topk do not go down to an L0 of 9.
    outside = (table["quantity"] == "x_half_ratio") | table["at"].isin([0.3, 9.0])
    in_setting = table["scope"] == "setting"
    assert len(table[in_setting]) == 3 * 8
    assert set(table.loc[in_setting & ~outside, "support"]) == {"observed"}
    assert set(table.loc[in_setting & outside, "support"]) == {"extrapolated"}
    average = table["scope"] == "average"
    assert set(table.loc[average & ~outside, "support"]) == {"observed"}
    assert set(table.loc[average & outside, "support"]) == {"extrapolated"}
    assert set(table.loc[table["scope"] == "new_setting", "support"]) == {"extrapolated"}


def test_an_average_over_some_extrapolated_settings_is_extrapolated() -> None:
    rows = [
        points(v, [10, 20, 40] if layer == 6 or v == "relu" else [50, 100], layer=layer)
        for v in ("relu", "gated")
        for layer in (6, 20)
    ]
    data = frontiers_of(pd.concat(rows), group="layer")
    design = design_of(data, baseline="relu")
    posterior = posterior_of(design, position(2.0, 0.8), np.log(0.8))
    table = pick(improvement_of(posterior, data, design, at_l0=[20]).summary, variant="gated")
    support = {
        name: pick(table, quantity=name).set_index("scope")["support"].to_dict()
        for name in ("hit_reduction", "mean_hit_reduction")
    }
    assert support["hit_reduction"]["average"] == "extrapolated"
    # The mean is over the settings that have a shared range.
    assert support["mean_hit_reduction"]["average"] == "observed"
    assert one(table, quantity="mean_hit_reduction", layer="20")["support"] == "none"


def test_support_at_the_very_ends_of_the_data() -> None:
    data = frontiers_of(pd.concat([points("relu", L0["relu"]), points("gated", L0["relu"])]))
    design = design_of(data, baseline="relu")
    posterior = posterior_of(design, [position(2.0, 0.8)] * 2, np.log(0.8))
    ends = data.table["performance_hit"].min(), data.table["performance_hit"].max()
    table = improvement_of(posterior, data, design, at_hit=ends, at_l0=[10, 80]).summary
    assert set(table.loc[table["quantity"].isin(["sparsity_gain", "hit_reduction"]), "support"]) == {
        "observed"
    }
    outside = improvement_of(
        posterior, data, design, at_hit=[0.999 * ends[0], 1.001 * ends[1]], at_l0=[9.99, 80.1]
    ).summary
    places = outside["quantity"].isin(["sparsity_gain", "hit_reduction"])
    assert set(outside.loc[places, "support"]) == {"extrapolated"}


def test_k_ratio_of_a_single_l0_is_extrapolated() -> None:
    data = frontiers_of(pd.concat([points("relu", L0["relu"]), points("gated", [20])]))
    design = design_of(data, baseline="relu")
    posterior = posterior_of(design, [position(2.0, 0.8)] * 2, np.log(0.8))
    assert one(improvement_of(posterior, data, design).summary, scope="setting", quantity="k_ratio")[
        "support"
    ] == ("extrapolated")


def apart(layers: int = 1) -> Frontiers:
    """Frontiers that share neither L0 nor hits, in each of some layers."""
    parts = [
        pd.concat([points("relu", [10, 20, 30]), points("gated", [100, 200, 300])]).assign(layer=i)
        for i in range(layers)
    ]
    return frontiers_of(pd.concat(parts), group="layer")


def hand_made_apart(layers: int = 1) -> tuple[xr.Dataset, Frontiers, Design]:
    data = apart(layers)
    design = design_of(data, baseline="relu")
    return posterior_of(design, position(2.0, 0.8), np.log(0.8)), data, design


def test_no_shared_range_has_no_mean() -> None:
    posterior, data, design = hand_made_apart()
    result = improvement_of(posterior, data, design, at_hit=[0.05], at_l0=[50])
    table = result.summary
    means = table[table["quantity"].str.startswith("mean")]
    assert means["scope"].tolist() == ["setting", "setting"]
    assert set(means["support"]) == {"none"}
    assert means[["median", "lower", "upper", "p_gt_1"]].isna().all(axis=None)
    assert np.isnan(result.draws[["mean_sparsity_gain", "mean_hit_reduction"]].to_array()).all()
    assert set(result.support["mean_sparsity_gain"].values.ravel()) == {"", "none"}
    others = table.drop(index=means.index)
    assert np.isfinite(others[["median", "lower", "upper", "p_gt_1"]]).all(axis=None)
    places = others[others["quantity"] != "k_ratio"]
    assert set(places["support"]) == {"extrapolated"}
    row = pareto_of(posterior, data, design).summary.iloc[0]
    assert row["verdict"] == "no shared range"
    assert row[["l0_low", "l0_high", "p_better", "p_worse", "p_cross", "crossing_l0"]].isna().all()


def jittered(other: Sequence[float]) -> tuple[xr.Dataset, Frontiers, Design]:
    """Two settings, in one of which gated has SAEs at the L0 given, better than relu's at 31.949 to 32."""
    near = [31.949, 31.96, 31.981, 32.0]
    parts = [
        points("relu", near, x_half=2.0, layer=3),
        points("gated", other, x_half=8.0, layer=3),
        points("relu", L0["relu"], x_half=2.0, layer=6),
        points("gated", L0["gated"], x_half=8.0, layer=6),
    ]
    data = frontiers_of(pd.concat(parts), group="layer")
    design = design_of(data, baseline="relu")
    return posterior_of(design, [position(2.0, 0.8), position(8.0, 0.8)], np.log(0.8)), data, design


@pytest.mark.parametrize("other", [[31.95, 31.97, 31.99, 31.999], [10.0, 20.0, 40.0, 80.0]])
def test_one_l0_but_for_jitter_is_no_shared_range(other: list[float]) -> None:
    posterior, data, design = jittered(other)
    table = improvement_of(posterior, data, design, at_hit=[0.05], at_l0=[31.98, 50]).summary
    own = pick(table, scope="setting", layer="3")
    means = own[own["quantity"].str.startswith("mean")]
    assert set(means["support"]) == {"none"}
    assert means[["median", "p_gt_1"]].isna().all(axis=None)
    # Both have SAEs at an L0 of 31.98; a slope, and what rests on one, is read beyond the data.
    others = own.drop(index=means.index).fillna({"at": 0.0}).set_index(["quantity", "at"])
    assert others["support"].to_dict() == {
        ("sparsity_gain", 0.05): "extrapolated",
        ("hit_reduction", 31.98): "observed",
        ("hit_reduction", 50.0): "extrapolated",
        ("x_half_ratio", 0.0): "extrapolated",
        ("k_ratio", 0.0): "extrapolated",
    }
    verdicts = pareto_of(posterior, data, design).summary
    assert pick(verdicts, scope="setting", layer="3")["verdict"].tolist() == ["no shared range"]
    assert pick(verdicts, scope="setting", layer="6")["verdict"].tolist() == ["better"]


def test_averages_leave_out_settings_with_one_l0() -> None:
    posterior, data, design = jittered([31.95, 31.97, 31.99, 31.999])
    table = improvement_of(posterior, data, design).summary
    for quantity in ("mean_sparsity_gain", "mean_hit_reduction"):
        average, other = (
            pick(table, quantity=quantity, **where)[["median", "lower", "upper", "support"]].iloc[0].tolist()
            for where in ({"scope": "average"}, {"scope": "setting", "layer": "6"})
        )
        assert average == other
    verdicts = pareto_of(posterior, data, design).summary.set_index("scope")
    columns = ["l0_low", "l0_high", "p_better", "verdict"]
    other = pick(verdicts.reset_index(), scope="setting", layer="6").iloc[0]
    assert verdicts.loc["average", columns].tolist() == other[columns].tolist()


@pytest.mark.parametrize(("start", "verdict"), [(95.0, "no shared range"), (90.0, "better")])
def test_a_shared_range_narrower_than_a_tenth_is_none(start: float, verdict: str) -> None:
    """The sweeps overlap by a factor of 1.05, or 1.11, in L0."""
    sweeps = [points("relu", [10, 30, 100]), points("gated", [start, 300, 900], x_half=8.0)]
    data = frontiers_of(pd.concat(sweeps))
    design = design_of(data, baseline="relu")
    posterior = posterior_of(design, [position(2.0, 0.8), position(8.0, 0.8)], np.log(0.8))
    verdicts = pareto_of(posterior, data, design).summary
    assert pick(verdicts, scope="setting")["verdict"].tolist() == [verdict]


def test_no_shared_range_in_any_of_several_settings() -> None:
    posterior, data, design = hand_made_apart(2)
    table = improvement_of(posterior, data, design).summary
    assert set(pick(table, quantity="mean_sparsity_gain")["scope"]) == {"setting"}
    assert np.isfinite(pick(table, scope="new_setting", quantity="sparsity_gain")["median"]).all()
    verdicts = pareto_of(posterior, data, design).summary
    assert verdicts["scope"].tolist() == ["setting", "setting"]
    assert set(verdicts["verdict"]) == {"no shared range"}


def test_variants_that_never_meet_have_no_rows() -> None:
    rows = [points("relu", L0["relu"], layer=6), points("gated", L0["gated"], layer=20)]
    data = frontiers_of(pd.concat(rows), group="layer")
    design = design_of(data, baseline="relu")
    posterior = posterior_of(design, position(2.0, 0.8), np.log(0.8))
    assert improvement_of(posterior, data, design).summary.empty
    assert pareto_of(posterior, data, design).summary.empty


def test_one_setting_has_no_new_setting() -> None:
    data = frontiers_of(pd.concat([points("relu", L0["relu"]), points("gated", L0["gated"], x_half=4.0)]))
    design = design_of(data, baseline="relu")
    posterior = posterior_of(design, [position(2.0, 0.8), position(4.0, 0.8)], np.log(0.8))
    result = improvement_of(posterior, data, design)
    assert list(result.summary) == ["baseline", "variant", *IMPROVEMENT_COLUMNS]
    assert set(result.summary["scope"]) == {"average", "setting"}
    assert result.draws["setting"].values.tolist() == ["average", "all"]
    close(*result.draws["mean_sparsity_gain"].transpose("setting", ...), rel=1e-12)
    assert pareto_of(posterior, data, design).summary["scope"].tolist() == ["average", "setting"]


def test_curves_that_are_not_pooled_have_no_new_setting(frontiers: Frontiers) -> None:
    posterior, _ = hand_made(frontiers)
    design = design_of(frontiers, baseline="relu", pool={"k": "none"})
    assert set(improvement_of(posterior, frontiers, design).summary["scope"]) == {"average", "setting"}
    assert set(pareto_of(posterior, frontiers, design).summary["scope"]) == {"average", "setting"}


def test_a_new_setting_differs_by_its_own_interaction() -> None:
    rows = [points(v, L0[v], layer=layer) for v in ("relu", "gated") for layer in LAYERS]
    data = frontiers_of(pd.concat(rows), group="layer")
    design = design_of(data, baseline="relu")
    hyper = {"log_x_ref_setting_sd": 2.0, "log_x_ref_interaction_sd": 0.4, "log_k_interaction_sd": 1e-9}
    posterior = posterior_of(
        design,
        position(2.0, 0.8) + np.array([[0.0, 1.0]] * 2),
        np.log(0.8),
        sd=1e-9,
        chains=4,
        draws=5000,
        hyper=hyper,
    )
    result = improvement_of(posterior, data, design, at_hit=[0.05], random_seed=5)
    row = one(result.summary, scope="new_setting", quantity="sparsity_gain")
    logs = np.log(drawn(result, row))
    # Both variants share the setting's effect; their own sum to zero, so that their difference has sd
    # s sqrt(2). Two settings leave the centre of all settings uncertain by half a setting's variance.
    assert float(logs.mean()) == pytest.approx(1.0, abs=0.02)
    assert float(logs.std()) == pytest.approx(0.4 * np.sqrt(2) * np.sqrt(1 + 1 / 2), rel=0.03)
    again, other = (
        drawn(improvement_of(posterior, data, design, at_hit=[0.05], random_seed=random_seed), row)
        for random_seed in (5, 6)
    )
    assert np.array_equal(np.log(again), logs)
    assert not np.array_equal(np.log(other), logs)


def test_single_variant_gives_empty_tables(frontiers: Frontiers) -> None:
    data = frontiers_of(points("relu", L0["relu"], layer=6), group="layer")
    design = design_of(data, baseline="relu")
    posterior = posterior_of(design, [[position(2.0, 0.8)]], np.log(0.8))
    improved, verdicts = improvement_of(posterior, data, design), pareto_of(posterior, data, design)
    assert improved.summary.empty
    assert verdicts.summary.empty
    assert list(improved.summary) == ["baseline", "variant", "layer", *IMPROVEMENT_COLUMNS]
    assert list(verdicts.summary) == ["baseline", "variant", "layer", *PARETO_COLUMNS]
    empty = {"chain": 2, "draw": 100, "variant": 0, "setting": 1}
    assert improved.draws["mean_sparsity_gain"].sizes == empty
    assert verdicts.draws.sizes == empty
    assert str(improved)
    assert str(verdicts)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"prob": 0.0}, "prob=0.0 is not a probability"),
        ({"prob": 1.0}, "prob=1.0 is not a probability"),
        ({"prob": 90}, "prob=90 is not a probability"),
        ({"prob": np.nan}, "prob=nan is not a probability"),
        ({"at_hit": [0.05, 0.0]}, "at_hit has 0.0"),
        ({"at_hit": [1.0]}, "at_hit has 1.0"),
        ({"at_hit": [np.nan]}, "at_hit has nan"),
        ({"at_l0": [20, 0]}, "at_l0 has 0"),
        ({"at_l0": [-3.0]}, "at_l0 has -3.0"),
        ({"at_l0": [np.inf]}, "at_l0 has inf"),
        ({"at_l0": [np.nan]}, "at_l0 has nan"),
    ],
)
def test_improvement_refuses_bad_arguments(
    frontiers: Frontiers, options: dict[str, object], text: str
) -> None:
    posterior, design = hand_made(frontiers)
    with pytest.raises(ValueError, match=text):
        improvement_of(posterior, frontiers, design, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"threshold": 0.5}, "threshold=0.5 must lie between 0.5 and 1"),
        ({"threshold": 1.0}, "threshold=1.0"),
        ({"threshold": np.nan}, "threshold=nan"),
        ({"margin": 0.0}, "margin=0.0 must be a positive factor"),
        ({"margin": -1.1}, "margin=-1.1"),
        ({"margin": np.inf}, "margin=inf"),
        ({"margin": np.nan}, "margin=nan"),
    ],
)
def test_pareto_refuses_bad_arguments(frontiers: Frontiers, options: dict[str, float], text: str) -> None:
    posterior, design = hand_made(frontiers)
    with pytest.raises(ValueError, match=text):
        pareto_of(posterior, frontiers, design, **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- verdicts


def test_pareto_rows_and_ranges(pareto: Pareto) -> None:
    table = pareto.summary
    assert list(table) == ["baseline", "variant", "layer", *PARETO_COLUMNS]
    assert [(row.variant, row.layer, row.scope) for row in table.itertuples()] == [
        ("gated", "", "average"),
        ("gated", "", "new_setting"),
        ("gated", "6", "setting"),
        ("gated", "20", "setting"),
        ("topk", "", "average"),
        ("topk", "", "new_setting"),
        ("topk", "6", "setting"),
    ]
    close(table["l0_low"], [10.0] * 4 + [12.0] * 3)
    close(table["l0_high"], [48.0] * 4 + [80.0] * 3)
    sums = table[["p_better", "p_worse", "p_cross"]].sum(axis=1)
    close(sums, 1.0)
    assert one(table, variant="gated", layer="20")["verdict"] == "better"
    assert one(table, variant="topk", layer="6")["verdict"] == "worse"


def test_probabilities_are_shares_of_draws(frontiers: Frontiers, pareto: Pareto) -> None:
    posterior, design = hand_made(frontiers)
    natural = design.family.natural(posterior["log_x_ref"], posterior["log_k"], reference=design.reference)
    for row in pick(pareto.summary, scope="setting").itertuples():
        grid = xr.DataArray(np.geomspace(1 / row.l0_high, 1 / row.l0_low, 400), dims="x")
        f = hill(grid, natural["x_half"].sel(setting=row.layer), natural["k"].sel(setting=row.layer))
        below = f.sel(variant=row.variant) < f.sel(variant="relu")
        assert row.p_better == float(below.all("x").mean())
        assert row.p_worse == float((~below).all("x").mean())
        assert row.p_cross == pytest.approx(1 - row.p_better - row.p_worse)
        draws = pareto.draws.sel(variant=row.variant, setting=row.layer)
        assert draws["verdict"].item() == row.verdict
        assert np.array_equal(draws["gap_low_l0"] > 0, below.isel(x=-1))
        assert np.array_equal(draws["gap_high_l0"] > 0, below.isel(x=0))


def test_average_verdict_is_of_the_mean_gap(pareto: Pareto) -> None:
    draws = pareto.draws.sel(variant="gated")
    for name in ("gap_low_l0", "gap_high_l0"):
        settings = draws[name].sel(setting=["6", "20"])
        assert np.isfinite(settings).all()
        close(draws[name].sel(setting="average"), settings.mean("setting"))


def pair(log_gain: np.ndarray, log_k: np.ndarray | None = None) -> tuple[xr.Dataset, Frontiers, Design]:
    """A pair of curves of which each draw has a chosen gain at a hit of 0.05, and slope."""
    data = frontiers_of(pd.concat([points("relu", [5, 10, 20, 80]), points("gated", [5, 10, 20, 80])]))
    design = design_of(data, baseline="relu")
    n = len(log_gain)
    at = np.full((1, n, 1, 2), position(2.0, 0.8))
    at[0, :, 0, 1] += log_gain
    slopes = np.full((1, n, 1, 2), np.log(0.8))
    if log_k is not None:
        slopes[0, :, 0, 1] = log_k
    return posterior_of(design, at, slopes, sd=0.0, chains=1, draws=n), data, design


@pytest.mark.parametrize(
    ("n_better", "threshold", "verdict"),
    [
        (95, 0.95, "better"),
        (94, 0.95, "undecided"),
        (94, 0.94, "better"),
        (5, 0.95, "worse"),
        (6, 0.95, "undecided"),
        (50, 0.51, "undecided"),
        (100, 0.99, "better"),
    ],
)
def test_verdict_thresholds(n_better: int, threshold: float, verdict: str) -> None:
    posterior, data, design = pair(np.where(np.arange(100) < n_better, 0.3, -0.3))
    row = pareto_of(posterior, data, design, threshold=threshold).summary.iloc[-1]
    assert row["p_better"] == pytest.approx(n_better / 100)
    assert row["p_worse"] == pytest.approx(1 - n_better / 100)
    assert (row["p_cross"], row["verdict"]) == (0.0, verdict)
    assert np.isnan(row["crossing_l0"])


def test_crossing_is_found_where_it_is() -> None:
    log_k = np.linspace(np.log(0.3), np.log(0.6), 101)
    posterior, data, design = pair(np.zeros(101), log_k)
    result = pareto_of(posterior, data, design)
    row = result.summary.iloc[-1]
    # All draws agree at a hit of 0.05, and so cross there, whatever their slopes.
    at = np.exp(-position(2.0, 0.8))
    assert 5 < at < 80
    assert (row["p_cross"], row["verdict"]) == (1.0, "crossing")
    assert row["crossing_l0"] == pytest.approx(at)
    close(result.draws["crossing_l0"].sel(variant="gated", setting="all"), at)


def test_identical_curves_are_neither_better_nor_worse() -> None:
    posterior, data, design = pair(np.zeros(10))
    row = pareto_of(posterior, data, design).summary.iloc[-1]
    assert row["p_better"] == row["p_worse"] == row["p_cross"] == 0
    assert row["verdict"] == "undecided"


@pytest.mark.parametrize(("gain", "margin", "verdict"), [(1.2, 1.1, "better"), (1.2, 1.0, "better")])
def test_margin_asks_for_more(gain: float, margin: float, verdict: str) -> None:
    posterior, data, design = pair(np.full(10, np.log(gain)))
    assert pareto_of(posterior, data, design, margin=margin).summary["verdict"].iloc[-1] == verdict
    assert pareto_of(posterior, data, design, margin=1.01 * gain).summary["p_better"].iloc[-1] == 0


def test_an_equal_variant_is_not_worse_for_lack_of_a_margin() -> None:
    posterior, data, design = pair(np.full(10, np.log(1.05)))
    row = pareto_of(posterior, data, design, margin=1.1).summary.iloc[-1]
    assert (row["p_better"], row["p_worse"], row["verdict"]) == (0, 0, "undecided")


def test_verdict_of_takes_the_word_that_reaches_the_threshold() -> None:
    assert verdict_of(0.0, 0.95, 0.05, threshold=0.95) == "worse"
    assert verdict_of(0.02, 0.02, 0.96, threshold=0.95) == "crossing"
    assert verdict_of(0.4, 0.3, 0.3, threshold=0.95) == "undecided"


def test_swapping_baseline_and_variant_inverts_the_tables(frontiers: Frontiers) -> None:
    pairs = frontiers_of(
        frontiers.table.query("variant != 'topk'").drop(columns=["row", "setting", "sparsity"]), group="layer"
    )
    first, design = hand_made(frontiers)
    first = first.sel(variant=["relu", "gated"])
    design = replace(design, variants=("relu", "gated"))
    swapped, other = first.sel(variant=["gated", "relu"]), replace(design, variants=("gated", "relu"))
    there = improvement_of(first, pairs, design)
    back = improvement_of(swapped, pairs, other)
    keys = ["layer", "scope", "quantity", "at", "support"]
    a, b = there.summary, back.summary
    pd.testing.assert_frame_equal(a[keys], b[keys])
    assert (set(a["variant"]), set(b["variant"])) == ({"gated"}, {"relu"})
    same = a["scope"] != "new_setting"  # drawn afresh for each order of the variants
    close((a["median"] * b["median"])[same], 1.0, rel=1e-4)  # the middle of an even number of draws
    kept = [label for label in there.draws["setting"].to_numpy() if label != "new_setting"]
    product = there.draws.sel(setting=kept) * back.draws.sel(setting=kept).assign_coords(variant=["gated"])
    close(product.to_array(), 1.0)
    for left, right in ((a, b), (b, a)):
        close((left["lower"] * right["upper"])[same], 1.0, rel=1e-2)
    p, q = pareto_of(first, pairs, design).summary, pareto_of(swapped, pairs, other).summary
    same = p["scope"] != "new_setting"
    pd.testing.assert_frame_equal(
        p.loc[same, ["l0_low", "l0_high", "p_cross", "crossing_l0"]],
        q.loc[same, ["l0_low", "l0_high", "p_cross", "crossing_l0"]],
    )
    close(p["p_better"][same], q["p_worse"][same])
    close(p["p_worse"][same], q["p_better"][same])
    words = {"better": "worse", "worse": "better"}
    assert [words.get(word, word) for word in p["verdict"][same]] == q["verdict"][same].tolist()
    assert "better" in set(p["verdict"][same])


# ---------------------------------------------------------------- infinite and undefined draws


def test_infinite_draws_count_as_one_each() -> None:
    draws = np.arange(1.0, 101.0)
    draws[90:] = np.inf
    lower, median, upper = equal_tailed(draws, prob=0.9)
    assert (lower, median, upper) == (5.0, 50.0, np.inf)
    assert equal_tailed(draws, prob=0.7)[2] == 85.0
    assert equal_tailed(np.full(10, np.inf), prob=0.9).tolist() == [np.inf] * 3
    lower, median, upper = equal_tailed(-draws, prob=0.9)
    assert (lower, median, upper) == (-np.inf, -51.0, -5.0 - 1.0)


def test_infinite_draws_of_one_quantity_leave_the_others_alone() -> None:
    rng = np.random.default_rng(1)
    table = rng.lognormal(size=(3, 2, 200))
    table[1, 0, :30] = np.inf
    table[2, 1, :20] = np.nan
    alone = np.array([[equal_tailed(row) for row in rows] for rows in table]).transpose(2, 0, 1)
    close(equal_tailed(table), alone, rel=1e-12)
    close(equal_tailed(table)[:, 0], np.quantile(table[0], [0.05, 0.5, 0.95], axis=-1), rel=1e-12)
    assert equal_tailed(table)[2, 1, 0] == np.inf
    assert np.isnan(equal_tailed(table)[:, 2, 1]).all()


def test_rare_undefined_draws_count_against_both_ends() -> None:
    draws = np.arange(1.0, 101.0)
    draws[[10, 50]] = np.nan
    assert equal_tailed(draws, prob=0.9).tolist() == [3.0, 50.0, 97.0]
    draws[:5] = np.nan
    assert np.isnan(equal_tailed(draws, prob=0.9)).all()


def test_lines_that_never_reach_a_hit_are_summarised_without_a_word() -> None:
    """Gains that are 0, infinite or undefined, and infinite on average, warn of nothing."""
    parts = [
        points(v, [10, 20, 40, 80], x_half=x, layer=g) for g in "ab" for v, x in (("b", 2.0), ("v", 4.0))
    ]
    frontiers = frontiers_of(pd.concat(parts), group="layer")
    design = design_of(frontiers, baseline="b", curve="linear")
    shape = (2, 50, 2, 2)
    share = np.empty(shape)
    share[..., 0, :] = (
        0.2,
        0.9,
    )  # in setting a, the baseline's intercept lies above the hit, in b the variant's
    share[..., 1, :] = 0.9, 0.2
    rng = np.random.default_rng(1)
    posterior = xr.Dataset(
        {
            "log_y_ref": (
                ("chain", "draw", "setting", "variant"),
                np.log(0.06) + 0.01 * rng.normal(size=shape),
            ),
            "log_share": (("chain", "draw", "setting", "variant"), np.log(share)),
        },
        coords={"chain": [0, 1], "draw": np.arange(50), "setting": ["a", "b"], "variant": ["b", "v"]},
        attrs={
            f"fixed_log_{p}_{kind}_sd": 0.1 for p in ("y_ref", "share") for kind in ("setting", "interaction")
        },
    )
    table = improvement_of(posterior, frontiers, design, at_hit=[0.03, 0.06]).summary
    rows = pick(table, quantity="sparsity_gain", at=0.03)
    in_settings = pick(rows, scope="setting").set_index("layer")
    assert in_settings["median"].to_dict() == {"a": np.inf, "b": 0.0}
    assert in_settings["p_gt_1"].to_dict() == {"a": 1.0, "b": 0.0}
    assert np.isnan(one(rows, scope="average")["median"])
    assert np.isfinite(one(table, quantity="sparsity_gain", at=0.06, scope="average")["median"])

"""Every curve family: properties of all, the post's straight lines, and a family of a user's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hillfront as hf
from hillfront.curves.families import FAMILIES, HILL, CurveFamily
from hillfront.curves.functions import inside_unit
from hillfront.curves.sparsity import Reference
from hillfront.estimands.ratios import (
    crossing_l0,
    hit_reduction,
    link_gap,
    mean_hit_reduction,
    mean_log_over,
    mean_sparsity_gain,
    parameter_ratio,
    sparsity_gain,
)
from hillfront.fits.simulation import simulate
from hillfront.model.design import design_of
from hillfront.model.priors import resolve_priors
from hillfront.model.pymc_model import build_model, reported_variables
from hillfront.sampling.pymc_sampler import draw_prior

families = st.sampled_from(sorted(FAMILIES.values(), key=lambda family: family.name))
units = st.floats(-1.0, 1.0)


def natural(family: CurveFamily, *z: float) -> dict[str, np.ndarray]:
    """Natural parameters near the centre of their prior."""
    sampled = [p.centre + u * p.spread / 3 for p, u in zip(family.sampled, z, strict=False)]
    return family.natural(*(np.float64(value) for value in sampled), reference=Reference(0.05))


@given(families, units, units, st.floats(-6, 1))
def test_value_and_inverse_round_trip(family: CurveFamily, a: float, b: float, log_x: float) -> None:
    parameters = natural(family, a, b)
    x = np.exp(log_x)
    assert family.inverse(family.value(x, **parameters), **parameters) == pytest.approx(x, rel=1e-7)


@given(families, units, units)
def test_curves_rise_and_are_lines_on_their_link(family: CurveFamily, a: float, b: float) -> None:
    parameters = natural(family, a, b)
    x = family.from_coordinate(np.linspace(family.coordinate(1e-3), family.coordinate(0.2), 5))
    y = family.value(x, **parameters)
    assert (np.diff(y) > 0).all()
    steps = np.diff(family.link(y))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6, atol=1e-9)


@given(families, units, units, units, units)
def test_swapping_inverts_and_means_are_means(
    family: CurveFamily, a: float, b: float, c: float, d: float
) -> None:
    v, base = natural(family, a, b), natural(family, c, d)
    low, high = 0.25, 0.4  # above every intercept that natural() can give
    pairs = [
        (sparsity_gain, (0.3,)),
        (hit_reduction, (0.9,)),
        (mean_sparsity_gain, (low, high)),
        (mean_hit_reduction, (0.8, 0.9)),
    ]
    for estimand, where in pairs:
        there, back = estimand(family, v, base, *where), estimand(family, base, v, *where)
        assert float(there) * float(back) == pytest.approx(1.0, rel=1e-8)
    expected = mean_log_over(lambda y: sparsity_gain(family, v, base, y), low, high)
    assert np.log(mean_sparsity_gain(family, v, base, low, high)) == pytest.approx(expected, abs=1e-8)
    expected = mean_log_over(lambda x: hit_reduction(family, v, base, x), 0.8, 0.9)
    assert np.log(mean_hit_reduction(family, v, base, 0.8, 0.9)) == pytest.approx(expected, abs=1e-8)
    for name, sign in family.ratios.values():
        ratio = parameter_ratio(v, base, name=name, sign=sign)
        assert ratio * parameter_ratio(base, v, name=name, sign=sign) == pytest.approx(1.0)


@given(families, units, units, units, units)
def test_a_crossing_is_where_the_curves_meet(
    family: CurveFamily, a: float, b: float, c: float, d: float
) -> None:
    v, base = natural(family, a, b), natural(family, c, d)
    ends = np.float64(1e-3), np.float64(0.2)
    gaps = [link_gap(family, v, base, x) for x in ends]
    where = 1 / crossing_l0(family, *ends, *gaps)
    if np.sign(gaps[0]) == np.sign(gaps[1]):
        assert np.isnan(where)
    else:
        assert ends[0] * (1 - 1e-12) <= where <= ends[1] * (1 + 1e-12)
        assert link_gap(family, v, base, where) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_numpy_and_pytensor_agree(name: str) -> None:
    family = FAMILIES[name]
    sampled = [np.float64(p.centre + 0.3 * p.spread) for p in family.sampled]
    symbols = [pt.dscalar(p.name) for p in family.sampled]
    x = np.geomspace(1e-6, 1e3, 7)
    parameters = family.natural(*symbols, reference=Reference(0.05))
    f = family.value(x, **parameters)
    more = (family.spread(f), family.logit(x, **parameters), family.slope(x, **parameters))
    graph = [*parameters.values(), f, *more]
    seen = pytensor.function(symbols, graph, mode="FAST_COMPILE")(*sampled)
    plain = family.natural(*sampled, reference=Reference(0.05))
    value = family.value(x, **plain)
    more = (family.spread(value), family.logit(x, **plain), family.slope(x, **plain))
    for actual, expected in zip(seen, [*plain.values(), value, *more], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-15)


def test_inside_unit_keeps_inside_and_is_itself_within() -> None:
    f = np.linspace(-0.5, 1.5, 2001)
    h = inside_unit(f)
    assert ((h >= 0) & (h <= 1)).all()
    within = (f > 0.01) & (f < 0.6)
    np.testing.assert_allclose(h[within], f[within], atol=5e-8)
    np.testing.assert_allclose(h[(f > 0.01) & (f < 0.9)], f[(f > 0.01) & (f < 0.9)], atol=2e-4)


def test_a_line_that_never_reaches_a_hit_has_no_gain() -> None:
    line = FAMILIES["linear"]
    low, high = {"m": np.float64(2.0), "c": np.float64(0.01)}, {"m": np.float64(1.0), "c": np.float64(0.1)}
    assert sparsity_gain(line, high, low, 0.05) == 0
    assert sparsity_gain(line, low, high, 0.05) == np.inf
    assert np.isnan(sparsity_gain(line, high, high, 0.05))


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_makes_a_model(name: str) -> None:
    frontiers = simulate(settings=2, random_seed=1).frontiers
    design = design_of(frontiers, baseline="baseline", curve=name)
    priors = resolve_priors(design.family, None)
    model = build_model(frontiers, design, priors)
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))
    prior = draw_prior(model, var_names=reported_variables(design, priors), draws=5, random_seed=1)
    assert {p.name for p in design.family.sampled} <= set(prior)


def test_a_position_that_depends_on_the_slope_cannot_be_fixed() -> None:
    frontiers = simulate(random_seed=1).frontiers
    with pytest.raises(ValueError, match=r"pool\['a'\] is 2\.0\. Allowed: 'partial', 'common', 'none'\."):
        design_of(frontiers, baseline="baseline", curve="power", pool={"a": 2.0})
    assert design_of(frontiers, baseline="baseline", curve="power", pool={"k": 1.0}).pooling["k"] == 1.0


def test_a_family_is_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registering an object is all that a new family needs: it fits, compares and predicts."""

    def weibull(x: object, x_half: object, k: object) -> object:
        xp = pt if not isinstance(x, (float, np.ndarray)) or isinstance(k, pt.TensorVariable) else np
        return 1.0 - xp.exp(-np.log(2.0) * (x / x_half) ** k)

    own = replace(
        HILL,
        name="weibull",
        equation="y = 1 - 2^(-(x / x_half)^k)",
        value=weibull,
        inverse=lambda y, x_half, k: x_half * (-np.log1p(-y) / np.log(2.0)) ** (1.0 / k),
        natural=lambda log_x_ref, log_k, *, reference: {
            "x_half": (pt if isinstance(log_k, pt.TensorVariable) else np).exp(
                log_x_ref
                - np.log(-np.log1p(-reference.hit) / np.log(2.0))
                / (pt if isinstance(log_k, pt.TensorVariable) else np).exp(log_k)
            ),
            "k": (pt if isinstance(log_k, pt.TensorVariable) else np).exp(log_k),
        },
        link=lambda y: np.log(-np.log1p(-y)),
        line=lambda x, x_half, k: np.log(np.log(2.0)) + k * np.log(x / x_half),
        slope=lambda x, x_half, k: k / x * np.log(2.0) * (x / x_half) ** k * 0.5 ** ((x / x_half) ** k),
        mean_log_inverse=None,
        mean_log_value=None,
    )
    monkeypatch.setitem(FAMILIES, "weibull", own)
    simulation = simulate(points=6, random_seed=4)
    fit = hf.fit(
        simulation.frontiers, baseline="baseline", curve="weibull", draws=300, tune=500, progressbar=False
    )
    row = fit.improvement().summary.set_index(["scope", "quantity"]).loc["average"].loc["mean_sparsity_gain"]
    assert 1.7 < float(row["median"]) < 2.3
    assert fit.pareto().summary["verdict"].iloc[0] == "better"
    assert fit.predict(l0=[20.0])["expectation"].notnull().all()


@pytest.mark.parametrize(("curve", "least_squares"), [("linear", (2.54, 2.77)), ("proportional", (2.54,))])
def test_the_posts_straight_lines(curve: str, least_squares: tuple[float, ...]) -> None:
    """Gemma-7B resid layer 20, Pareto points: 2.77 by least squares with an intercept, 2.54 without."""
    rows = hf.load_dataset("gated_sae", model="Gemma-7B", seq_len=1024)
    rows = rows[(rows["site"] == "resid") & (rows["layer"] == 20)]
    frontiers = hf.Frontiers.from_frame(rows, group=["site", "layer"], y="loss_recovered").pareto_only()
    fit = hf.fit(frontiers, baseline="baseline", curve=curve, progressbar=False)
    summary = fit.improvement().summary
    row = summary[(summary["scope"] == "setting") & (summary["quantity"] == "slope_ratio")].iloc[0]
    assert all(row["lower"] <= ratio <= row["upper"] for ratio in least_squares)
    assert int(fit.data["sample_stats"]["diverging"].sum()) == 0


def test_unknown_family_lists_the_known() -> None:
    with pytest.raises(
        ValueError, match=r"Unknown curve family 'log'\. Allowed: hill, hill1, power, proportional, linear"
    ):
        hf.prepare(simulate(random_seed=1).frontiers, baseline="baseline", curve="log")

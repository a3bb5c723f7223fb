"""The curve families: values, inverses, closed forms, and one definition for NumPy and PyTensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import integrate

from hillfront.curves.families import FAMILIES, HILL, CurveFamily, family_named
from hillfront.curves.functions import hill, hill_inverse
from hillfront.curves.sparsity import Reference
from hillfront.estimands.ratios import mean_log_over

EPS = np.finfo(float).eps


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log(low), np.log(high)).map(lambda t: float(np.exp(t)))


sparsities = log_uniform(1e-6, 1e3)
halves = log_uniform(1e-3, 100)
slopes = log_uniform(0.05, 10)
hits = st.floats(1e-6, 1 - 1e-6)


def assert_close(actual: object, expected: object, *, rtol: float = 1e-9, atol: float = 0.0) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


# ---------------------------------------------------------------- value and inverse


@given(sparsities, halves, slopes)
@example(1e-6, 100.0, 10.0)
@example(1e3, 1e-3, 10.0)
@example(1e-6, 1e-3, 0.05)
def test_hill_is_its_equation_and_finite(x: float, x_half: float, k: float) -> None:
    y = hill(x, x_half, k)
    assert np.isfinite(y)
    assert 0 < y <= 1
    assert_close(y, 1 / (1 + (x_half / x) ** k))
    if y < 0.9:
        assert_close(y, x**k / (x**k + x_half**k))


@given(sparsities, halves, slopes)
@example(1e-6, 100.0, 10.0)
def test_inverse_leads_back_to_x(x: float, x_half: float, k: float) -> None:
    y = hill(x, x_half, k)
    if not 1e-12 < y < 1 - 1e-12:
        return
    # A double next to y = 1 holds 1 - y to eps / (1 - y) only, so that log x is lost by this over k.
    lost = 4 * EPS / ((1 - y) * k)
    assert_close(hill_inverse(y, x_half, k), x, rtol=1e-9 + lost)


@given(hits, halves, slopes)
def test_value_leads_back_to_y(y: float, x_half: float, k: float) -> None:
    assert_close(hill(hill_inverse(y, x_half, k), x_half, k), y)


@given(sparsities, log_uniform(1.001, 1e3), halves, slopes)
def test_hill_rises(x: float, factor: float, x_half: float, k: float) -> None:
    low, high = hill(x, x_half, k), hill(x * factor, x_half, k)
    assert low <= high
    if high < 1 - 1e-9:
        assert low < high


@given(halves, slopes)
def test_half_the_hit_at_x_half(x_half: float, k: float) -> None:
    assert hill(x_half, x_half, k) == 0.5
    assert_close(hill_inverse(0.5, x_half, k), x_half, rtol=1e-14)


def test_hill_broadcasts() -> None:
    x, x_half, k = np.ones((3, 1)), np.ones(4), np.full((2, 1, 1), 0.5)
    assert hill(x, x_half, k).shape == hill_inverse(0.5 * x, x_half, k).shape == (2, 3, 4)


@given(log_uniform(1e-4, 10), slopes, st.floats(0.001, 0.999))
def test_natural_parameters_hit_the_reference(x_ref: float, k: float, hit_ref: float) -> None:
    natural = HILL.natural(np.log(x_ref), np.log(k), reference=Reference(hit_ref))
    assert tuple(natural) == HILL.natural_names == ("x_half", "k")
    assert_close(natural["k"], k)
    assert_close(HILL.value(x_ref, **natural), hit_ref)
    assert_close(HILL.inverse(hit_ref, **natural), x_ref)


def test_a_reference_of_one_half_is_x_half_itself() -> None:
    assert HILL.natural(np.log(3.0), np.log(0.7), reference=Reference(0.5))["x_half"] == pytest.approx(
        3.0, rel=1e-14
    )


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@given(log_uniform(1e-3, 1), st.lists(slopes, min_size=3, max_size=3), st.data())
def test_curve_is_a_straight_line(
    family: CurveFamily, x_ref: float, shapes: list[float], data: st.DataObject
) -> None:
    sampled = [np.log(x_ref), *np.log(shapes)][: len(family.sampled)]
    natural = family.natural(*sampled, reference=Reference(0.05))
    levels = sorted(data.draw(st.lists(st.floats(0.01, 0.9), min_size=3, max_size=3, unique=True)))
    x = family.inverse(np.array(levels), **natural)
    z, t = family.link(family.value(x, **natural)), family.coordinate(x)
    assert_close((z[2] - z[0]) * (t[1] - t[0]), (z[1] - z[0]) * (t[2] - t[0]), rtol=1e-7, atol=1e-12)
    assert_close(family.from_coordinate(t), x)


def test_the_slope_of_the_line_is_k() -> None:
    x = np.array([0.01, 0.1])
    z = HILL.link(HILL.value(x, x_half=2.0, k=0.7))
    assert np.diff(z) / np.diff(HILL.coordinate(x)) == pytest.approx(0.7)


# ---------------------------------------------------------------- closed-form means


@given(hits, hits, halves, slopes)
@example(1e-6, 1 - 1e-6, 2.0, 0.8)
def test_mean_log_inverse(a: float, b: float, x_half: float, k: float) -> None:
    low, high = min(a, b), max(a, b)
    if high < 1.001 * low:
        return
    area, _ = integrate.quad(
        lambda u: np.log(hill_inverse(np.exp(u), x_half, k)),
        np.log(low),
        np.log(high),
        epsabs=1e-11,
        limit=200,
    )
    assert HILL.mean_log_inverse is not None
    mean = HILL.mean_log_inverse(np.float64(low), np.float64(high), x_half=x_half, k=k)
    assert_close(mean, area / np.log(high / low), rtol=1e-8, atol=1e-8)
    if high < 0.5:  # nearer to 1, logit y bends too much for fixed quadrature
        by_nodes = mean_log_over(lambda y: hill_inverse(y, x_half, k), np.float64(low), np.float64(high))
        assert_close(mean, by_nodes, rtol=1e-8, atol=1e-8)


@given(sparsities, log_uniform(1.001, 1e3), halves, slopes)
@example(1e-3, 1e3, 0.03, 0.8)
def test_mean_log_value(low: float, factor: float, x_half: float, k: float) -> None:
    high = low * factor
    inside = [np.log(x_half)] if low < x_half < high else None  # where the curve bends most
    area, _ = integrate.quad(
        lambda u: np.log(hill(np.exp(u), x_half, k)),
        np.log(low),
        np.log(high),
        epsabs=1e-11,
        limit=200,
        points=inside,
    )
    assert HILL.mean_log_value is not None
    mean = HILL.mean_log_value(np.float64(low), np.float64(high), x_half=x_half, k=k)
    assert_close(mean, area / np.log(factor), rtol=1e-8, atol=1e-8)
    if k * np.log(factor) < 10:
        by_nodes = mean_log_over(lambda x: hill(x, x_half, k), np.float64(low), np.float64(high))
        assert_close(mean, by_nodes, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("width", [1e-3, 1e-6, 1e-9, 1e-12, 4e-16])
def test_means_over_a_narrow_range_are_the_value_there(width: float) -> None:
    assert HILL.mean_log_inverse is not None
    assert HILL.mean_log_value is not None
    low, high = np.float64(0.1), np.float64(0.1) * (1 + width)
    assert high > low
    curve = {"x_half": np.array([2.0, 0.3]), "k": np.array([0.8, 1.4])}
    middle = np.sqrt(low * high)
    assert_close(HILL.mean_log_inverse(low, high, **curve), np.log(hill_inverse(middle, **curve)), rtol=1e-7)
    assert_close(HILL.mean_log_value(low, high, **curve), np.log(hill(middle, **curve)), rtol=1e-7)


def test_mean_log_over_broadcasts() -> None:
    low, high = np.array([1.0, 2.0]), np.array([np.e, 2 * np.e])
    assert_close(mean_log_over(lambda t: t**3, low, high), 3 * (np.log(low) + 0.5), rtol=1e-13)


# ---------------------------------------------------------------- PyTensor


@pytest.fixture(scope="module")
def symbolic() -> Callable[..., list[np.ndarray]]:
    pytensor = pytest.importorskip("pytensor")
    pt = pytensor.tensor
    x, y, log_x_ref, log_k = (pt.dvector(name) for name in ("x", "y", "log_x_ref", "log_k"))
    natural = HILL.natural(log_x_ref, log_k, reference=Reference(0.05))
    outputs = [HILL.value(x, **natural), HILL.inverse(y, **natural), natural["x_half"], natural["k"]]
    compiled: Callable[..., list[np.ndarray]] = pytensor.function(
        [x, y, log_x_ref, log_k], outputs, mode="FAST_COMPILE"
    )
    return compiled


def test_pytensor_and_numpy_agree(symbolic: Callable[..., list[np.ndarray]]) -> None:
    rng = np.random.default_rng(1)
    n = 2000
    x, log_x_ref = np.exp(rng.uniform(np.log(1e-6), np.log(1e3), n)), rng.uniform(-7, 0, n)
    y, log_k = rng.uniform(1e-6, 1 - 1e-6, n), rng.uniform(np.log(0.05), np.log(10), n)
    value, inverse, x_half, k = symbolic(x, y, log_x_ref, log_k)
    natural = HILL.natural(log_x_ref, log_k, reference=Reference(0.05))
    assert np.isfinite(value).all()
    # Where value is close to 0 the exponent is large, and so is its rounding.
    assert_close(value, HILL.value(x, **natural), rtol=1e-11)
    assert_close(np.log(inverse), np.log(HILL.inverse(y, **natural)), rtol=1e-11, atol=1e-11)
    assert_close(x_half, natural["x_half"], rtol=1e-11)
    assert_close(k, natural["k"], rtol=1e-11)


# ---------------------------------------------------------------- families by name


def test_family_named() -> None:
    for name, family in FAMILIES.items():
        assert family_named(name) is family
        assert family.name == name
        assert set(parameter for parameter, _ in family.ratios.values()) <= set(family.natural_names)


def test_unknown_family_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match="Unknown curve family 'hil'") as error:
        family_named("hil")
    assert f"Allowed: {', '.join(FAMILIES)}." in str(error.value)


def test_a_family_has_something_to_sample() -> None:
    with pytest.raises(ValueError, match="Family 'hill' has no sampled parameter"):
        replace(HILL, sampled=())


def test_fixed_values_are_sampled_on_the_log_scale() -> None:
    position, slope = HILL.sampled
    natural = HILL.natural(position.to_sampled(2.5), slope.to_sampled(0.7), reference=Reference(0.5))
    assert natural == pytest.approx({"x_half": 2.5, "k": 0.7})

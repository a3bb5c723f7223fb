"""The guesses of all curves at once are those that SciPy finds curve by curve."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from scipy import optimize, special

import hillfront as hf
from hillfront.curves.families import FAMILIES
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import Design, design_of
from hillfront.sampling.parameterization import curve_guesses
from hillfront.utils.robust_least_squares import robust_jacobian, solve_robust


def residuals_of(
    data: dict[str, np.ndarray], design: Design, curve: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Residuals of one curve and of its prior, written out a second time."""
    family, own = design.family, data["curve_index"] == curve
    centre = np.array([parameter.centre for parameter in family.sampled])
    spread = np.array([parameter.spread for parameter in family.sampled])

    def link(y: np.ndarray) -> np.ndarray:
        return special.logit(np.clip(y, 0.002, 0.998)) if family.bounded else np.log(np.maximum(y, 1e-12))

    target = link(data["observed"][own])
    h = special.expit(target)
    floor = 0.002 / (h * (1 - h)) if family.bounded else np.zeros_like(target)

    def residuals(theta: np.ndarray) -> np.ndarray:
        off = target - link(family.value(data["sparsity"][own], **design.natural(*theta)))
        return np.concatenate([off / np.sqrt(0.3**2 + floor**2), (theta - centre) / spread])

    return residuals


def alone(data: dict[str, np.ndarray], design: Design, curve: int) -> np.ndarray:
    """One curve's guess by SciPy, from the centre of the prior."""
    centre = [parameter.centre for parameter in design.family.sampled]
    tight = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15}
    found = optimize.least_squares(residuals_of(data, design, curve), centre, loss="soft_l1", **tight)
    return np.asarray(found.x)


def assert_as_alone(frontiers: Frontiers, design: Design) -> None:
    data = row_data(frontiers, design)
    guesses = curve_guesses(data, design).theta.reshape(len(design.family.sampled), -1)
    curves = np.unique(data["curve_index"])
    expected = np.array([alone(data, design, curve) for curve in curves]).T
    np.testing.assert_allclose(guesses[:, curves], expected, atol=2e-5)


@pytest.mark.parametrize("points", [1, 2, 3, 6])
@pytest.mark.parametrize("curve", FAMILIES)
def test_all_at_once_as_one_by_one(curve: str, points: int) -> None:
    frontiers = simulate(
        curve=curve, settings=5, points=points, setting_sd=0.3, interaction_sd=0.1, sigma=0.1, random_seed=4
    ).frontiers
    assert_as_alone(frontiers, design_of(frontiers, baseline="baseline", curve=curve))


@pytest.mark.parametrize("curve", [name for name, family in FAMILIES.items() if family.unbounded])
def test_of_costs_too(curve: str) -> None:
    table = simulate(curve=curve, settings=4, points=5, sigma=0.1, random_seed=4).frontiers.table
    frame = table.assign(nmse=300 * table["performance_hit"])[["variant", "setting", "l0", "nmse"]]
    frontiers = Frontiers.from_frame(frame, group="setting", cost="nmse")
    assert_as_alone(frontiers, design_of(frontiers, baseline="baseline", curve=curve))


@pytest.mark.parametrize("curve", FAMILIES)
def test_of_the_packaged_pythia_table(curve: str) -> None:
    rows = hf.load_dataset("gated_sae", model="Pythia-2.8B")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(rows, group=["site", "layer"], y="loss_recovered")
    assert_as_alone(frontiers, design_of(frontiers, baseline="baseline", curve=curve))


@pytest.mark.parametrize("curve", FAMILIES)
def test_saturated_hits_and_hits_below_0_get_a_guess_as_good(curve: str) -> None:
    """Where logits are clipped there are several minima; the one that is found is as low as SciPy's."""
    rows = hf.load_dataset("gated_sae", model="Gemma-7B", seq_len=1024)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(rows, group=["site", "layer"], y="loss_recovered")
    design = design_of(frontiers, baseline="baseline", curve=curve)
    data = row_data(frontiers, design)
    observed = data["observed"].copy()
    observed[::7], observed[3::11] = -0.01, 1.02
    data["observed"] = observed
    guesses = curve_guesses(data, design)
    assert np.isfinite(guesses.variance).all()
    for curve, theta in enumerate(guesses.theta.reshape(len(guesses.theta), -1).T):
        residuals = residuals_of(data, design, curve)
        ours, scipy = (
            np.sum(np.sqrt(1 + residuals(t) ** 2) - 1) for t in (theta, alone(data, design, curve))
        )
        assert ours <= scipy + 0.1


def test_a_curve_does_not_depend_on_its_neighbours() -> None:
    frontiers = simulate(settings=30, points=4, sigma=0.3, setting_sd=0.5, random_seed=6).frontiers
    design = design_of(frontiers, baseline="baseline")
    data = row_data(frontiers, design)
    together = curve_guesses(data, design).theta.reshape(2, -1)
    for curve in (0, 17, 59):
        own = {name: values[data["curve_index"] == curve] for name, values in data.items()}
        np.testing.assert_allclose(
            curve_guesses(own, design).theta.reshape(2, -1)[:, curve], together[:, curve], atol=1e-12
        )
    np.testing.assert_array_equal(curve_guesses(data, design).theta.reshape(2, -1), together)


def test_curves_without_data_have_no_guess_and_nothing_no_error() -> None:
    frontiers = simulate(settings=3, points=4, random_seed=1).frontiers
    design = design_of(frontiers, baseline="baseline")
    data = row_data(frontiers, design)
    part = curve_guesses({name: values[data["curve_index"] != 3] for name, values in data.items()}, design)
    for found in (part.theta, part.variance):
        assert np.isnan(found[:, 1, 1]).all()
        assert np.isfinite(found).sum() == 2 * 5
    nothing = curve_guesses({name: values[:0] for name, values in data.items()}, design)
    assert np.isnan(nothing.theta).all()


# ---------------------------------------------------------------- the solver


def test_the_prior_alone_decides_where_residuals_say_nothing() -> None:
    problem = np.array([0, 0, 1])
    found = solve_robust(lambda theta: np.zeros(3), problem, np.array([1.0, -2.0]), np.array([0.5, 2.0]))
    np.testing.assert_allclose(found, [[1.0, 1.0], [-2.0, -2.0]], atol=1e-12)


def test_the_curvature_is_that_of_scipy() -> None:
    x, y = np.array([0.1, 1.0, 2.0, 3.0]), np.array([1.0, 2.5, 9.0, 4.0])
    problem = np.zeros(4, dtype=np.int64)

    def residuals(theta: np.ndarray) -> np.ndarray:
        return np.exp(theta[0]) * x - y

    scipy = optimize.least_squares(
        lambda theta: np.append(residuals(theta), theta / 50.0), [0.0], loss="soft_l1", xtol=1e-12
    )
    found = solve_robust(residuals, problem, np.zeros(1), np.full(1, 50.0))
    np.testing.assert_allclose(found[:, 0], scipy.x, atol=1e-6)
    jacobian = robust_jacobian(residuals, problem, found)
    np.testing.assert_allclose(jacobian[0], scipy.jac[:-1, 0], rtol=1e-5)

"""The rivals of the coverage study against references: SciPy's fits, closed forms, copies of a setting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

from hillfront.curves.families import HILL
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import Frontiers
from hillfront.studies.least_squares import fit_hill_lines, least_squares, log_sparsity, resample_counts
from hillfront.studies.rivals import BOOTSTRAP, LOGIT, WALD, rival_rows


def rival(frontiers: Frontiers, method: str, quantity: str, random_seed: int = 1) -> dict[str, Any]:
    rows = rival_rows(frontiers, at_hit=0.05, random_seed=random_seed)
    (found,) = [row for row in rows if row["method"] == method and row["quantity"] == quantity]
    return found


def arrays(frontiers: Frontiers) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        variant: (rows["sparsity"].to_numpy(float), rows["performance_hit"].to_numpy(float))
        for variant, _, rows in frontiers.curves()
    }


def test_all_resamples_are_fitted_as_by_scipy() -> None:
    """Counted cases, fitted at once, against SciPy's fit of each resample: curves and percentiles."""
    simulation = simulate(points=6, sigma=0.15, k={"baseline": 0.9, "variant": 0.8}, random_seed=4)
    rng = np.random.default_rng(1)
    positions = {}
    for name, (x, y) in arrays(simulation.frontiers).items():
        counts, _ = resample_counts(x, rng=rng, resamples=60)
        found = log_sparsity(fit_hill_lines(x, y, counts), 0.05)
        slow = []
        for n in counts:
            (u, k), _ = optimize.curve_fit(
                lambda x, u, k: special.expit(k * (np.log(x) - u) + special.logit(0.05)),
                np.repeat(x, n),
                np.repeat(y, n),
                p0=(np.log(0.02), 0.9),
            )
            slow.append(u)
            assert k > 0
        np.testing.assert_allclose(found, slow, atol=2e-4)
        positions[name] = found, np.array(slow)
    fast, slow_gains = (positions["variant"][i] - positions["baseline"][i] for i in (0, 1))
    np.testing.assert_allclose(*(np.quantile(g, [0.05, 0.5, 0.95]) for g in (fast, slow_gains)), atol=2e-4)


def test_the_bootstrap_is_the_percentiles_of_its_resamples() -> None:
    frontiers = simulate(points=8, sigma=0.2, random_seed=4).frontiers
    rng = np.random.default_rng([7, 5])
    at = {}
    for name, (x, y) in arrays(frontiers).items():
        at[name] = log_sparsity(fit_hill_lines(x, y, resample_counts(x, rng=rng)[0]), 0.05)
    expected = np.exp(np.quantile(at["variant"] - at["baseline"], [0.05, 0.5, 0.95]))
    found = rival(frontiers, BOOTSTRAP, "sparsity_gain", random_seed=7)
    np.testing.assert_allclose([found[name] for name in ("lower", "median", "upper")], expected, rtol=1e-9)
    assert found["undefined"] == 0


def test_resamples_of_a_single_l0_are_drawn_again_and_counted() -> None:
    x = np.array([0.01, 0.02, 0.1])
    counts, redrawn = resample_counts(x, rng=np.random.default_rng(1), resamples=2000)
    assert (counts.sum(axis=1) == 3).all()
    assert ((counts > 0).sum(axis=1) >= 2).all()
    # A ninth of all draws holds one case only.
    assert redrawn / (2000 + redrawn) == pytest.approx(1 / 9, abs=0.025)
    # Two SAEs at one L0 are one place.
    twice, _ = resample_counts(np.array([0.01, 0.01, 0.1]), rng=np.random.default_rng(1))
    assert (twice[:, 2] > 0).all()
    assert (twice[:, 2] < 3).all()
    with pytest.raises(ValueError, match="All cases have one L0: no resample has a curve"):
        resample_counts(np.array([0.1, 0.1]), rng=np.random.default_rng(1))


def test_a_curve_that_falls_reaches_no_hit() -> None:
    x, y = np.array([0.01, 0.1]), np.array([[0.05, 0.2], [0.2, 0.05]])
    at = [log_sparsity(fit_hill_lines(x, values, np.ones((1, 2), dtype=int)), 0.05)[0] for values in y]
    assert at[0] == pytest.approx(np.log(0.01), abs=1e-6)
    assert np.isnan(at[1])


def test_the_wald_interval_is_that_of_scipys_covariance() -> None:
    frontiers = simulate(points=8, sigma=0.1, random_seed=4).frontiers
    middles, variances = [], []
    for x, y in arrays(frontiers).values():
        best, covariance = optimize.curve_fit(
            lambda x, u, log_k: special.expit(np.exp(log_k) * (np.log(x) - u) + special.logit(0.05)),
            x,
            y,
            p0=(np.log(0.02), 0.0),
        )
        middles.append(best[0])
        variances.append(covariance[0, 0])
    half = stats.norm.ppf(0.95) * np.sqrt(sum(variances))
    middle = middles[1] - middles[0]
    found = rival(frontiers, WALD, "sparsity_gain")
    expected = np.exp([middle - half, middle, middle + half])
    np.testing.assert_allclose([found[name] for name in ("lower", "median", "upper")], expected, rtol=1e-3)


def test_the_t_interval_is_that_of_the_closed_form() -> None:
    """Position of a line at a level: variance s^2/b^2 (1/n + (x0 - mean x)^2 / Sxx), Welch's freedom."""
    frontiers = simulate(points=5, sigma=0.2, random_seed=4).frontiers
    middles, variances = [], []
    for x, y in arrays(frontiers).values():
        u, z = np.log(x), special.logit(y)
        line = stats.linregress(u, z)
        at = (special.logit(0.05) - line.intercept) / line.slope
        residual = z - line.intercept - line.slope * u
        s2, sxx = residual @ residual / 3, ((u - u.mean()) ** 2).sum()
        middles.append(at)
        variances.append(s2 / line.slope**2 * (1 / 5 + (at - u.mean()) ** 2 / sxx))
    total = sum(variances)
    half = stats.t.ppf(0.95, total**2 / sum(v**2 / 3 for v in variances)) * np.sqrt(total)
    middle = middles[1] - middles[0]
    found = rival(frontiers, LOGIT, "sparsity_gain")
    expected = np.exp([middle - half, middle, middle + half])
    np.testing.assert_allclose([found[name] for name in ("lower", "median", "upper")], expected, rtol=1e-9)


def test_settings_are_combined_by_their_mean_log_gain() -> None:
    """The same SAEs in four settings: the same estimate, half the standard error, four times the freedom."""
    one = simulate(points=5, sigma=0.1, random_seed=4).frontiers
    table = one.table[["variant", "l0", "performance_hit"]]
    copies = pd.concat([table.assign(setting=name) for name in "abcd"], ignore_index=True)
    four = Frontiers.from_frame(copies, group="setting")
    ends = ["lower", "median", "upper"]
    alone, together = (
        np.log(
            pd.DataFrame(rival_rows(frontiers, at_hit=0.05, random_seed=1)).set_index(["method", "quantity"])[
                ends
            ]
        )
        for frontiers in (one, four)
    )
    for quantity in ("sparsity_gain", "mean_sparsity_gain"):
        before, after = (found.loc[(WALD, quantity)] for found in (alone, together))
        assert after["median"] == pytest.approx(before["median"], abs=1e-9)
        assert after["upper"] - before["median"] == pytest.approx(
            (before["upper"] - before["median"]) / 2, rel=1e-6
        )
        before, after = (found.loc[(LOGIT, quantity)] for found in (alone, together))
        assert after["upper"] - before["median"] < 0.49 * (before["upper"] - before["median"])
        before, after = (found.loc[(BOOTSTRAP, quantity)] for found in (alone, together))
        assert after["upper"] - after["lower"] == pytest.approx(
            (before["upper"] - before["lower"]) / 2, rel=0.25
        )


def test_rivals_are_exact_on_noiseless_points() -> None:
    simulation = simulate(
        points=6, settings=2, k={"baseline": 0.9, "variant": 0.8}, sigma=1e-4, random_seed=2
    )
    truth = simulation.truth.query("scope == 'average'").set_index("quantity")["value"]
    rows = rival_rows(simulation.frontiers, at_hit=0.05, random_seed=1)
    assert len(rows) == 6
    for row in rows:
        assert row["lower"] <= row["median"] <= row["upper"]
        assert row["median"] == pytest.approx(truth[row["quantity"]], rel=1e-3)


def test_regression_of_the_logit_has_no_interval_for_a_hit_below_0() -> None:
    table = simulate(points=5, random_seed=2).frontiers.table[["variant", "l0", "performance_hit"]].copy()
    table.loc[table["l0"].idxmax(), "performance_hit"] = -0.001
    with pytest.warns(UserWarning, match="hit"):
        frontiers = Frontiers.from_frame(table)
    assert np.isnan(rival(frontiers, LOGIT, "sparsity_gain")["lower"])
    assert np.isfinite(rival(frontiers, WALD, "sparsity_gain")["lower"])


def test_least_squares_of_a_flat_curve_does_not_overflow() -> None:
    x = np.array([0.01, 0.03, 0.1])
    assert least_squares(x, np.array([0.2, 0.21, 0.19]), HILL).natural["k"] < 0.1

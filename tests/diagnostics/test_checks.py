"""Checks of the fit to its data: what they see, and what they let pass; and their figure."""

from __future__ import annotations

import arviz_stats
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

import hillfront as hf
from helpers import fit_of, frontiers_of, points, position
from hillfront.diagnostics.model_checks import Check, residuals_of, sign_changes
from hillfront.diagnostics.run import Diagnostics
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.model.design import design_of
from hillfront.utils.interface import command_line

Floats = NDArray[np.float64]


def check_of(fit: FrontierFit, name: str) -> Check:
    (found,) = [check for check in fit.diagnostics().checks if check.name == name]
    return found


def scattered(*, scatter: float, n: int = 4, random_seed: int = 1) -> pd.DataFrame:
    """Two curves whose points scatter by so much on the logit scale."""
    rng = np.random.default_rng(random_seed)
    frame = pd.concat([points(v, np.geomspace(10, 160, n), x_half=x) for v, x in (("a", 2), ("b", 4))])
    odds = frame["performance_hit"] / (1 - frame["performance_hit"])
    odds = odds * np.exp(scatter * rng.standard_normal(len(frame)))
    return frame.assign(performance_hit=odds / (1 + odds)).reset_index(drop=True)


def test_checks_that_failed_are_shown_first() -> None:
    checks = [
        Check("a", 0.0, "0", True, "none", "sample"),
        Check("b", 1.0, "", None, "some <b>", ""),
        Check("c", 2.0, "0", False, "two", "sample"),
    ]
    found = Diagnostics(tuple(checks))
    lines = str(found).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["c", "b", "a"]
    assert lines[0] == "c: FAILED: two (asked: 0). sample"
    assert repr(found) == str(found)
    assert "some &lt;b&gt;" in found._repr_html_()
    assert found.summary["check"].tolist() == ["a", "b", "c"]


# ---------------------------------------------------------------- runs of signs


def test_sign_changes_are_counted_along_l0_in_curves_of_three_or_more() -> None:
    frame = pd.concat([points("a", [40, 10, 20, 80]), points("b", [10, 20]), points("c", [5, 10, 20])])
    frontiers = frontiers_of(frame)
    design = design_of(frontiers, baseline="a")
    #                     a, at L0 40, 10, 20, 80; b; c
    residual = np.array([-1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 2.0, 3.0])[:, None]
    found = sign_changes(residual, frontiers, design)
    assert found.pairs.tolist() == [3, 0, 2]
    assert found.changes.ravel().tolist() == [2, 0, 0]  # + - - + along L0
    assert found.p == pytest.approx(stats.binom.cdf(2, 5, 0.5))


def test_curves_without_neighbours_are_not_judged() -> None:
    fit = fit_of(frontiers_of(pd.concat([points("a", [10, 20]), points("b", [11])])), baseline="a")
    check = check_of(fit, "runs of signs")
    assert (check.passed, check.seen) == (None, "no curve has three SAEs or more")


@pytest.mark.slow
def test_a_wrong_shape_fails() -> None:
    """A shallow truth under curves of slope one: each lies below at one end and above at the other."""
    for curve in ("hill1", "proportional"):
        frontiers = simulate(settings=4, points=8, k=0.55, sigma=0.05, random_seed=4).frontiers
        fit = hf.fit(frontiers, baseline="baseline", curve=curve, draws=400, tune=500, progressbar=False)
        check = check_of(fit, "runs of signs")
        assert check.passed is False, curve
        assert check.value < 0.001
        assert "try another family (compare_curves) or dense_limit" in str(check)


@pytest.mark.slow
def test_a_right_shape_passes() -> None:
    """In 19 of 20 sets, and neither the LOO-PIT nor the scatter cries wolf."""
    prepared = hf.prepare(simulate(points=8).frontiers, baseline="baseline")
    sound = []
    for random_seed in range(20):
        fit = prepared.fit(
            simulate(points=8, sigma=0.1, random_seed=300 + random_seed).frontiers,
            draws=300,
            tune=500,
            random_seed=random_seed,
            progressbar=False,
        )
        names = ("runs of signs", "LOO-PIT", "scatter", "residuals")
        sound.append(all(check_of(fit, name).passed is not False for name in names))
        assert not check_of(fit, "scatter").next_step
    assert sum(sound) >= 19


# ---------------------------------------------------------------- each curve


def off_model(*, seed: int = 2, n: int = 19, site: str = "resid") -> pd.DataFrame:
    """A baseline without any slope beside a variant whose hits lie far outside (0, 1), to either side."""
    rng = np.random.default_rng(seed)
    flat = 0.03 + 0.002 * rng.standard_normal(n)
    baseline = pd.DataFrame({"variant": "relu", "l0": np.geomspace(5, 400, n), "performance_hit": flat})
    wild = 3.0 * rng.standard_normal(n)
    variant = pd.DataFrame({"variant": "topk", "l0": np.geomspace(8, 300, n), "performance_hit": wild})
    return pd.concat([baseline, variant], ignore_index=True).assign(site=site, layer=6)


def near_model(*, site: str = "mlp") -> pd.DataFrame:
    """Two curves that their SAEs follow, with a scatter of a tenth."""
    return (
        scattered(scatter=0.1, n=8)
        .replace({"variant": {"a": "relu", "b": "topk"}})
        .assign(site=site, layer=6)
    )


@pytest.mark.slow
def test_a_curve_that_misses_its_own_saes_is_named() -> None:
    """Its residuals are small, in scales that the other curve has widened, so that no other check fails."""
    frontiers = frontiers_of(off_model().drop(columns=["site", "layer"]))
    fit = hf.fit(frontiers, baseline="relu", draws=500, progressbar=False)
    assert [check.name for check in fit.diagnostics().failed] == ["fit by curve"]
    assert "FAILED: 16 of 19 SAEs of 'relu' lie above its curve, by up to 2" in str(
        check_of(fit, "fit by curve")
    )
    assert "'topk'" not in str(check_of(fit, "fit by curve"))


def beside() -> FrontierFit:
    """A fit of two settings; in one, the curve of relu lies far below its SAEs, under a wide scatter."""
    frame = pd.concat([off_model(), near_model()], ignore_index=True)
    low, k = 0.001, 0.1
    at_hit = np.log(1 / 45) + (np.log(0.05 / 0.95) - np.log(low / (1 - low))) / k
    return fit_of(
        frontiers_of(frame, group=["site", "layer"]),
        baseline="relu",
        log_x_ref=[[at_hit, -4.0], [position(2.0, 0.8), position(4.0, 0.8)]],
        log_k=np.log([[k, 1.0], [0.8, 0.8]]),
        sd=0.01,
        hyper={"sigma": 200.0},
    )


def test_the_check_by_curve_says_what_was_seen_and_what_to_do() -> None:
    check = check_of(beside(), "fit by curve")
    assert check.passed is False
    assert check.seen.startswith("19 of 19 SAEs of 'relu' in 'resid / 6' lie above its curve, by up to ")
    assert check.seen.endswith(" for the worst of 4)")
    assert "'mlp / 6'" not in check.seen
    outside = int((~off_model()["performance_hit"].between(0, 1)).sum())
    assert (
        "check that its rows are of one kind and its columns the ones meant; try another family "
        f"(compare_curves). {outside} SAEs with a hit outside (0, 1) may widen the scatter of all curves: "
        "fit without them, or without their variant." in str(check)
    )
    with command_line():
        assert "try another family (hillfront compare)" in str(check_of(beside(), "fit by curve"))


def test_many_saes_of_one_curve_far_out_are_seen() -> None:
    """In a table whose other SAEs are many enough to hide them."""
    wild = points("c", np.geomspace(10, 160, 8))
    wild["performance_hit"] *= np.array([3.0, 0.3] * 4)
    frame = pd.concat([scattered(scatter=0.02, n=60), wild], ignore_index=True)
    fit = fit_of(frontiers_of(frame), baseline="a", sd=0.005, hyper={"sigma": 0.05})
    check = check_of(fit, "fit by curve")
    assert check.passed is False
    assert check.seen.startswith(
        "8 of 8 SAEs of 'c' lie outside their 90% predictive interval, by up to 4.4x (p = "
    )


def test_curves_that_their_saes_follow_pass() -> None:
    check = check_of(fit_of(frontiers_of(scattered(scatter=0.1, n=8)), baseline="a"), "fit by curve")
    assert (check.passed, check.next_step) == (None, "")
    assert check.seen.startswith("no curve strays from its SAEs (p = ")


def test_a_curve_that_scatters_less_than_the_others_is_no_misfit() -> None:
    """Its draws lie to either side of it, each of them with all of its SAEs on one side."""
    steady = points("c", np.geomspace(10, 160, 12))
    steady["performance_hit"] *= np.exp(0.001 * np.random.default_rng(1).standard_normal(12))
    frame = pd.concat([scattered(scatter=0.3, n=12), steady], ignore_index=True)
    fit = fit_of(frontiers_of(frame), baseline="a", sd=0.1, hyper={"sigma": 0.3})
    assert check_of(fit, "fit by curve").value > 0.02


def test_curves_of_two_saes_are_not_judged() -> None:
    fit = fit_of(frontiers_of(pd.concat([points("a", [10, 20]), points("b", [11, 30])])), baseline="a")
    check = check_of(fit, "fit by curve")
    assert (check.passed, check.seen) == (None, "no curve has three SAEs or more")


@pytest.mark.slow
def test_right_curves_are_not_named() -> None:
    """Of 40 tables at most two, where 2% are allowed: three or more have a probability below 0.05."""
    prepared = hf.prepare(simulate(settings=3, points=6).frontiers, baseline="baseline")
    named = 0
    for random_seed in range(40):
        frontiers = simulate(settings=3, points=6, random_seed=700 + random_seed).frontiers
        fit = prepared.fit(frontiers, draws=250, tune=300, random_seed=random_seed, progressbar=False)
        check = check_of(fit, "fit by curve")
        assert check.passed is None
        named += check.value < 0.02
    assert named <= 2


# ---------------------------------------------------------------- leave-one-out predictions


def test_predictions_too_narrow_fail_and_too_wide_inform() -> None:
    frame = scattered(scatter=0.1, n=40)
    checks = {
        sigma: check_of(
            fit_of(frontiers_of(frame), baseline="a", sd=0.01, hyper={"sigma": sigma, "tau": 1e-5}), "LOO-PIT"
        )
        for sigma in (0.02, 0.1, 0.6)
    }
    assert checks[0.02].passed is False
    assert "too narrow, or to one side: see plot_checks" in str(checks[0.02])
    assert checks[0.1].passed is None
    assert checks[0.1].value > 0.05
    assert checks[0.6].passed is None
    assert "wider than they need be" in str(checks[0.6])


def test_few_draws_have_no_loo_pit() -> None:
    fit = fit_of(frontiers_of(scattered(scatter=0.1)), baseline="a", chains=1, draws=50)
    check = check_of(fit, "LOO-PIT")
    assert (check.passed, check.seen) == (None, "LOO needs 100 draws or more")


# ---------------------------------------------------------------- too little scatter


@pytest.mark.parametrize(
    ("sigma", "n", "alarm"), [(0.005, 4, True), (0.03, 4, False), (0.1, 4, False), (0.005, 12, False)]
)
def test_implausibly_little_scatter_of_few_points(sigma: float, n: int, alarm: bool) -> None:
    frontiers = frontiers_of(scattered(scatter=sigma, n=n))
    fit = fit_of(frontiers, baseline="a", sd=0.01, hyper={"sigma": sigma, "tau": 1e-6})
    check = check_of(fit, "scatter")
    assert check.passed is None
    assert check.value == pytest.approx(sigma, rel=0.03)
    assert (f"Implausibly little, from {n} SAEs a curve" in str(check)) is alarm


def test_known_errors_are_scatter_too() -> None:
    """With errors that explain it, a sigma of nothing is no alarm."""
    frame = scattered(scatter=0.005).assign(se=0.01)
    fit = fit_of(frontiers_of(frame), baseline="a", sd=0.01, hyper={"sigma": 0.005, "tau": 1e-6})
    assert check_of(fit, "scatter").value > 0.05
    assert not check_of(fit, "scatter").next_step


# ---------------------------------------------------------------- the figure


@pytest.fixture(scope="module")
def fit() -> FrontierFit:
    frame = pd.concat([scattered(scatter=0.1, n=6, random_seed=s).assign(layer=s) for s in (1, 2)])
    frame.iloc[3, frame.columns.get_loc("performance_hit")] *= 3
    return fit_of(frontiers_of(frame.reset_index(drop=True), group="layer"), baseline="a")


@pytest.fixture(autouse=True)
def no_figures_left() -> object:
    yield
    plt.close("all")


def test_the_figure_shows_what_the_checks_saw(fit: FrontierFit) -> None:
    pit, residuals, signs, gain = hf.plot_checks(fit)
    pits = arviz_stats.loo_pit(fit.data)["y"].to_numpy()
    assert pit.get_title().startswith("Leave-one-out predictions: p ")
    curve = max(pit.lines, key=lambda line: len(line.get_xdata()))
    at, difference = curve.get_xdata(), curve.get_ydata()
    np.testing.assert_allclose(difference[1:-1] + at[1:-1], [(pits <= x).mean() for x in at[1:-1]])
    values = residuals_of(fit.data["posterior"].to_dataset(), fit.frontiers, fit.design)
    drawn = np.concatenate([line.get_ydata() for line in residuals.lines if line.get_linestyle() == "None"])
    np.testing.assert_allclose(np.sort(drawn), np.sort(np.median(values, axis=1)))
    assert [text.get_text() for text in residuals.texts] == ["row 3"]
    (tiles,) = signs.collections
    np.testing.assert_allclose(tiles.get_array(), (values > 0).mean(axis=1))
    assert [t.get_text() for t in signs.get_yticklabels()] == ["1, a", "1, b", "2, a", "2, b"]
    assert "in 20 pairs: p = " in signs.get_title()
    assert gain.get_xlabel() == "times fewer active latents than a"
    legend = gain.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["prior", "b"]
    (posterior,) = [line for line in gain.lines if line.get_label() == "b"]
    median = fit.improvement().summary.query("quantity == 'mean_sparsity_gain' and scope == 'average'")
    mode = posterior.get_xdata()[np.argmax(posterior.get_ydata())]
    assert mode == pytest.approx(median["median"].item(), rel=0.1)
    assert gain.get_title() == "Mean sparsity gain\nsensitivity unknown (it takes 1,000 draws)"


def test_the_figure_takes_axes(fit: FrontierFit) -> None:
    figure, given = plt.subplots(2, 2)
    axes = hf.plot_checks(fit, ax=given.ravel())
    assert all(a is b for a, b in zip(axes, given.ravel(), strict=True))
    figure.canvas.draw()
    with pytest.raises(ValueError, match="ax holds 2 axes, and there are 4 panels"):
        hf.plot_checks(fit, ax=given[0])


def test_the_figure_of_little_says_so() -> None:
    alone = fit_of(frontiers_of(points("a", [10, 20, 40])), baseline="a", chains=1, draws=50)
    pit, _, _, gain = hf.plot_checks(alone)
    assert [text.get_text() for text in pit.texts] == ["takes 100 draws"]
    assert [text.get_text() for text in gain.texts] == ["nothing to compare"]
    apart = fit_of(frontiers_of(pd.concat([points("a", [10, 20]), points("b", [2000, 4000])])), baseline="a")
    assert [text.get_text() for text in hf.plot_checks(apart)[3].texts] == ["nothing to compare"]

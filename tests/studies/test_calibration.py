"""Calibration studies: ranks and their bands, what is ranked, and real runs through the command line."""

from __future__ import annotations

import sys
from bisect import bisect_right
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import special, stats
from typer.testing import CliRunner

from helpers import RARE, RARE_Z, fit_of, frontiers_of, points, posterior_of
from hillfront.cli.app import app, main
from hillfront.estimands.improvement import improvement_of
from hillfront.estimands.pareto import pareto_of
from hillfront.fits.fitting import PreparedModel
from hillfront.fits.simulation import simulate
from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.measurement_error import known_errors
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import design_of
from hillfront.model.priors import resolve_priors
from hillfront.sampling.compiled.layout import layout_of
from hillfront.sampling.compiled.sampler import DensitySampler
from hillfront.studies import calibration as study
from hillfront.studies.calibration import (
    _observed,
    augmented,
    calibration,
    calibration_table,
    one_set,
    posterior_calibration,
    prior_draw,
    simulated_set,
    verdict_table,
)
from hillfront.studies.engine import Task
from hillfront.studies.figures import plot_calibration
from hillfront.studies.rank_bands import rank_ecdf, rank_of
from hillfront.studies.ranked import BETTER, NO_RANGE, compared_with_truth, simulated_y
from hillfront.studies.simulated import Refit

Floats = NDArray[np.float64]

# ---------------------------------------------------------------- ranks and bands


def toy(*, width: float = 1.0, shift: float = 0.0, sets: int = 300, random_seed: int = 3) -> pd.DataFrame:
    """Rows of a study of theta ~ Normal(0, 1), y ~ Normal(theta, 1), with a posterior of another width."""
    rng = np.random.default_rng(random_seed)
    rows = []
    for _ in range(sets):
        theta = rng.standard_normal()
        y = theta + rng.standard_normal()
        draws = y / 2 + np.sqrt(0.5) * (shift + width * rng.standard_normal(100))
        rank, place = rank_of(theta, draws, rng=rng)
        rows.append({"truth": theta, "rank": rank, "place": place})
    about = {"quantity": "theta", "where": "", "left_out": "", "divergences": 0, "ess": 1000.0, "error": ""}
    return pd.DataFrame(rows).assign(**about)


def errors_of_mean_and_spread(places: pd.Series) -> tuple[float, float]:
    """How far the mean and the spread of so many positions rarely stray, from their moments."""
    error = RARE_Z * places.std() / np.sqrt(len(places))
    return error, error * np.sqrt(3 * (stats.kurtosis(places, fisher=False) - 1))


def test_ranks_of_a_right_posterior_are_uniform() -> None:
    """In one study of 20 the ranks leave their 95% band by chance: count studies."""
    studies = [toy(random_seed=seed) for seed in range(20)]
    table = pd.concat([calibration_table(study) for study in studies])
    assert (table["inside"] == (table["excursion"] <= 1 + 1e-9)).all()
    assert (~table["inside"]).sum() <= stats.binom.isf(RARE, len(table), 0.05)
    assert (table["p"] < 0.05).sum() <= stats.binom.isf(RARE, len(table), 0.05)
    mean_error, spread_error = errors_of_mean_and_spread(pd.concat(studies)["place"])
    assert table["mean"].mean() == pytest.approx(0.5, abs=mean_error)
    # The standard deviation of 300 positions is lower than that of all by a share of 1/750.
    assert table["spread"].mean() == pytest.approx(1.0, abs=spread_error + 1 / 750)
    row = table.iloc[0]
    assert (row["sets"], row["left_out"], row["ess"], row["diverged"]) == (300, 0, 1000.0, 0.0)


@pytest.mark.parametrize(("width", "shift"), [(0.6, 0.0), (1.6, 0.0), (1.0, -0.5)])
def test_ranks_of_a_wrong_posterior_are_not(width: float, shift: float) -> None:
    """Too narrow, too wide and too low ones are found, and the mean and spread say which."""
    rows = toy(width=width, shift=shift)
    row = calibration_table(rows).iloc[0]
    assert not row["inside"]
    assert row["excursion"] > 1
    assert row["p"] < 0.01
    # The truth lies at a normal quantile of the posterior: mean and mean square of its probability.
    z = np.linspace(-8, 8, 4001)
    share = special.ndtr((z - shift) / width)
    mean, square = (np.average(share**power, weights=stats.norm.pdf(z)) for power in (1, 2))
    mean_error, spread_error = errors_of_mean_and_spread(rows["place"])
    assert row["mean"] == pytest.approx(mean, abs=mean_error)
    # A hundred draws, not all, put a position off by a variance of at most 1/400.
    drawn = 6 * 0.0025 / np.sqrt(square - mean**2) / np.sqrt(12)
    assert row["spread"] == pytest.approx(np.sqrt(12 * (square - mean**2)), abs=spread_error + drawn)


def level_below(n: int, most: float) -> float:
    """The largest probability, up to one, that the least binomial tail of n positions has of being so low.

    Positions up to i of n points follow a binomial, and from one point to the next, of those that are left,
    another one: the paths whose tails all stay above a value have a probability that a recursion sums.
    """
    counts, at = np.arange(n + 1), np.arange(1, n)[:, None] / n
    tails = np.minimum(stats.binom.cdf(counts, n, at), stats.binom.sf(counts - 1, n, at)).clip(1e-300)
    # Equal by symmetry, but for their last digits.
    tails = np.exp(np.round(np.log(tails), 9))
    left = n - counts[:, None]
    steps = [stats.binom.pmf(counts - counts[:, None], left, 1 / (n - i)) for i in range(n - 1)]

    def level(value: float) -> float:
        paths = (counts == 0).astype(float)
        for step, tail in zip(steps, tails, strict=True):
            paths = (paths @ step) * (tail > value)
        return 1 - float(paths.sum())

    values = np.unique(tails)
    return level(values[bisect_right(values, most, key=level) - 1])


@pytest.mark.parametrize("n", [20, 150])
def test_a_band_is_left_as_rarely_as_it_says(n: int) -> None:
    rng = np.random.default_rng(5)
    found = [rank_ecdf(rng.random(n)) for _ in range(600)]
    # The band comes from 4000 simulations of its own.
    error = RARE_Z * np.sqrt(1 / len(found) + 1 / 4000)
    assert np.mean([ecdf.inside for ecdf in found]) == pytest.approx(0.95, abs=error * np.sqrt(0.05 * 0.95))
    below = np.mean([ecdf.p <= 0.2 for ecdf in found])
    # Counts are few, so that p takes few values. It is at most 0.2 as often as the largest of them up to 0.2,
    # or up to what 4000 simulations may make 0.2 of, which is 0.2 less their normal error.
    least = level_below(n, 0.2 - RARE_Z * np.sqrt(0.2 * 0.8 / 4000))
    assert least - RARE_Z * np.sqrt(least * (1 - least) / len(found)) < below
    assert below < 0.2 + error * np.sqrt(0.2 * 0.8)


def test_ties_and_quantities_that_do_not_exist() -> None:
    rng = np.random.default_rng(1)
    ranks = [rank_of(1.0, [0.0, 1.0, 1.0, 2.0], rng=rng)[0] for _ in range(300)]
    assert set(ranks) == {1, 2, 3}
    assert rank_of(0.0, [np.nan, np.nan, 5.0], rng=rng)[0] == 2
    assert rank_of(np.nan, [1.0, 2.0], rng=rng)[0] == 0
    places = [rank_of(np.inf, [np.inf] * 9, rng=rng)[1] for _ in range(300)]
    assert stats.kstest(places, "uniform").pvalue > RARE


def test_too_few_places_are_refused() -> None:
    with pytest.raises(ValueError, match="give one number between 0 and 1 for each of 3 sets or more"):
        rank_ecdf([0.2, 0.4])
    with pytest.raises(ValueError, match="between 0 and 1"):
        rank_ecdf([0.2, 0.4, 1.4])


def test_sets_without_a_quantity_and_failed_fits_do_not_count() -> None:
    rows = toy(sets=50)
    more = pd.DataFrame(
        [
            {"quantity": "", "where": "", "left_out": "curve with no positive hit", "error": ""},
            {"quantity": "theta", "where": "", "left_out": NO_RANGE, "divergences": 3, "error": ""},
            {"error": "RuntimeError: stuck"},
        ]
    )
    table = calibration_table(pd.concat([rows, more], ignore_index=True))
    assert len(table) == 1
    assert table.loc[0, ["sets", "left_out"]].tolist() == [50, 2]
    assert table.loc[0, "diverged"] == pytest.approx(1 / 51)
    assert calibration_table(pd.DataFrame([{"error": "RuntimeError: stuck"}])).empty


# ---------------------------------------------------------------- verdicts


def verdicts(power: float = 1.0, *, random_seed: int = 4) -> pd.DataFrame:
    """Probabilities of which a share ``p**power`` comes true."""
    rng = np.random.default_rng(random_seed)
    p = rng.random(4000)
    about = {"quantity": BETTER, "where": "variant, average", "error": "", "left_out": "", "divergences": 0}
    return pd.DataFrame({"p_better": p, "truth": (rng.random(4000) < p**power).astype(float)}).assign(**about)


def test_probabilities_that_come_true() -> None:
    table = verdict_table(verdicts())
    assert table["low"].tolist() == [0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.0]
    assert table["sets"].iloc[:-1].sum() == table["sets"].iloc[-1] == 4000
    # Intervals of 95% miss one bin of 20 by chance: count the bins of many studies.
    bins = pd.concat([verdict_table(verdicts(random_seed=seed)).iloc[:-1] for seed in range(8)])
    assert ((bins["lower"] <= bins["better"]) & (bins["better"] <= bins["upper"])).all()
    missed = (bins["p_better"] < bins["lower"]) | (bins["upper"] < bins["p_better"])
    assert missed.sum() <= stats.binom.isf(RARE, len(bins), 0.05)
    boasting = verdict_table(verdicts(power=3.0)).iloc[-1]
    assert boasting["upper"] < boasting["p_better"]


def test_the_ends_of_bins() -> None:
    rows = verdicts().head(3).assign(p_better=[0.0, 0.05, 1.0], truth=[0.0, 1.0, 1.0])
    table = verdict_table(rows)
    assert table["low"].tolist() == [0.0, 0.05, 0.95, 0.0]
    assert table["better"].tolist() == [0.0, 1.0, 1.0, pytest.approx(2 / 3)]
    assert verdict_table(toy(sets=3)).empty


# ---------------------------------------------------------------- what is ranked


def uncompiled(settings: int) -> PreparedModel:
    """A model of two variants that can draw from its prior, but not be fitted."""
    frontiers = simulate(settings=settings, random_seed=1).frontiers
    design = design_of(frontiers, baseline="baseline")
    priors = resolve_priors(design.family, None)
    layout = layout_of(design, priors)
    assert layout is not None
    return PreparedModel(frontiers, design, priors, DensitySampler.of(layout, priors))


@pytest.fixture(scope="module")
def prepared() -> PreparedModel:
    return uncompiled(settings=3)


def refit_of(posterior: xr.Dataset, frontiers: Frontiers, prepared: PreparedModel) -> Refit:
    design = prepared.design
    improvement = improvement_of(posterior, frontiers, design, at_hit=[0.05], at_l0=[], random_seed=9)
    return Refit(posterior, improvement, pareto_of(posterior, frontiers, design), 2)


def test_the_truth_is_what_formulas_make_of_the_parameters(prepared: PreparedModel) -> None:
    truth, frontiers = set_with_shared_hits(prepared)
    log_x, log_k = (truth[name].to_numpy()[0, 0] for name in ("log_x_ref", "log_k"))
    posterior = posterior_of(prepared.design, log_x + 40.0, log_k, sd=1e-6, hyper={"sigma": 1e-9})
    found = refit_of(posterior, frontiers, prepared)
    rows = compared_with_truth(truth, found, frontiers, prepared.design, random_seed=12)
    assert {row["divergences"] for row in rows} == {2}
    own = {(row["quantity"], row["where"]): row for row in rows}

    k = np.exp(log_k)
    x_half = np.exp(log_x - special.logit(0.05) / k)
    for index, variant in enumerate(("baseline", "variant")):
        assert own["k", f"{variant}, setting 1"]["truth"] == pytest.approx(k[0, index])
        assert own["x_half", f"{variant}, setting 1"]["truth"] == pytest.approx(x_half[0, index])
        # Every draw lies far above it.
        assert own["x_half", f"{variant}, setting 1"]["rank"] == 0
    assert own["sigma", ""]["truth"] == float(truth["sigma"].item())
    assert own["sigma", ""]["rank"] == own["sigma", ""]["draws"] == 100
    assert own["log_x_ref_setting_sd", ""]["truth"] == float(truth["log_x_ref_setting_sd"].item())

    at = own["sparsity_gain at 0.05", "variant, average"]["truth"]
    assert at == pytest.approx(np.exp((log_x[:, 1] - log_x[:, 0]).mean()))
    in_settings = [mean_gain(frontiers, f"setting {g + 1}", x_half[g], k[g]) for g in range(3)]
    assert own["mean_sparsity_gain", "variant, setting 1"]["truth"] == pytest.approx(in_settings[0], rel=1e-5)
    average = float(np.exp(np.mean(np.log(in_settings))))
    assert own["mean_sparsity_gain", "variant, average"]["truth"] == pytest.approx(average, rel=1e-5)

    # Ends of the sweep at L0 of 10 and 200; the averages of the gaps there decide.
    def better(further: float) -> float:
        logits = [(k * (np.log(x / x_half) - further)).mean(axis=0) for x in (1 / 200, 1 / 10)]
        return float(min(baseline - variant for baseline, variant in logits) > 0)

    assert own[BETTER, "variant, average"]["truth"] == better(0.0)
    assert own[BETTER, "variant, average"]["p_better"] == better(40.0)


def set_with_shared_hits(prepared: PreparedModel) -> tuple[xr.Dataset, Frontiers]:
    """The first draw of the prior of which the curves of every setting share a range of hits."""
    for random_seed in range(2, 100):
        truth = prior_draw(prepared, random_seed=random_seed)
        try:
            frontiers = simulated_set(truth, prepared, points=4, random_seed=random_seed + 9)
        except FrontierDataError:
            continue
        table = frontiers.table[frontiers.table["performance_hit"].between(0, 1, inclusive="neither")]
        ends = table.groupby(["setting", "variant"])["performance_hit"].agg(["min", "max"])
        low, high = ends["min"].groupby("setting").max(), ends["max"].groupby("setting").min()
        if len(ends) == 6 and (low < high).all():
            return truth, frontiers
    raise AssertionError("no draw of the prior has shared hits")


def mean_gain(frontiers: Frontiers, setting: str, x_half: Floats, k: Floats) -> float:
    """Geometric mean of the gain over the shared hits, from the definition."""
    table = frontiers.table[frontiers.table["setting"] == setting]
    hits = [table.loc[table["variant"] == v, "performance_hit"] for v in ("baseline", "variant")]
    hits = [y[(y > 0) & (y < 1)] for y in hits]
    low, high = max(y.min() for y in hits), min(y.max() for y in hits)
    u = np.linspace(np.log(low), np.log(high), 20001)
    log_x = [np.log(h) + special.logit(np.exp(u)) / slope for h, slope in zip(x_half, k, strict=True)]
    return float(np.exp(np.trapezoid(log_x[1] - log_x[0], u) / (u[-1] - u[0])))


def test_hits_follow_the_observation_law(prepared: PreparedModel) -> None:
    """Far from the curve's ends, residuals in scales are Student t; the scale is the documented one."""
    truth = prior_draw(prepared, random_seed=2)
    values = {"sigma": 0.2, "tau": 0.003, "nu": 3.5}
    truth = truth.assign({name: truth[name] * 0 + value for name, value in values.items()})
    at = simulate(settings=3, points=3000, random_seed=1).frontiers
    y = simulated_y(truth, at, prepared.design, rng=np.random.default_rng(2))
    table = at.table
    log_x, log_k = (truth[name].to_numpy()[0, 0] for name in ("log_x_ref", "log_k"))
    g = table["setting"].str[-1].astype(int).to_numpy() - 1
    v = (table["variant"] == "variant").to_numpy().astype(int)
    f = special.expit(
        special.logit(0.05) + np.exp(log_k[g, v]) * (np.log(table["sparsity"].to_numpy()) - log_x[g, v])
    )
    scale = np.sqrt((0.2 * f * (1 - f)) ** 2 + 0.003**2) / (1 + 0.5 / 3.5 + 0.337 / 3.5**2)
    assert stats.kstest((y - f) / scale, stats.t(3.5).cdf).pvalue > RARE


def test_prior_draws_follow_the_priors(prepared: PreparedModel) -> None:
    draws = xr.concat(
        [prior_draw(prepared, random_seed=random_seed) for random_seed in range(25)], dim="draw"
    )
    assert stats.kstest(draws["log_x_ref_contrast"].values.ravel(), stats.norm.cdf).pvalue > RARE
    assert (
        stats.kstest(np.log(draws["sigma"].values.ravel()), stats.norm(np.log(0.1), 1.25).cdf).pvalue > RARE
    )
    assert prior_draw(prepared, random_seed=5).identical(prior_draw(prepared, random_seed=5))


def test_curves_that_share_no_hits_have_no_mean_gain(prepared: PreparedModel) -> None:
    """A quantity that the data do not have is left out, and the others stay."""
    rows = [
        points(v, [10, 20, 40, 80], x_half=h, setting=f"setting {g}")
        for g in (1, 2, 3)
        for v, h in (("baseline", 0.01), ("variant", 50.0))
    ]
    frontiers = frontiers_of(pd.concat(rows, ignore_index=True), group="setting")
    truth = prior_draw(prepared, random_seed=1)
    posterior = posterior_of(prepared.design, -4.0, -0.2)
    found = refit_of(posterior, frontiers, prepared)
    own = {
        (row["quantity"], row["where"]): row
        for row in compared_with_truth(truth, found, frontiers, prepared.design, random_seed=2)
    }
    for scope in ("average", "setting 1", "new setting"):
        assert own["mean_sparsity_gain", f"variant, {scope}"]["left_out"] == NO_RANGE
        assert own["sparsity_gain at 0.05", f"variant, {scope}"]["left_out"] == ""
    assert own[BETTER, "variant, average"]["left_out"] == ""


def test_a_table_that_cannot_be_fitted_is_a_row_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "prepared_for", lambda settings: uncompiled(settings))
    monkeypatch.setattr(study, "simulated_y", lambda truth, at, design, rng: np.full(len(at), -0.1))
    rows = one_set(Task({"points": 4, "settings": 1}, 0, 7))
    assert rows == [{"quantity": "", "where": "", "left_out": "curve with no positive hit"}]


def test_an_augmented_table_has_every_row_twice() -> None:
    frontiers = simulate(settings=2, random_seed=1).frontiers
    both = augmented(frontiers, np.linspace(0.1, 0.5, len(frontiers)))
    n = len(frontiers)
    assert both.table["l0"].tolist() == [*frontiers.table["l0"]] * 2
    assert both.y.tolist() == [*frontiers.y, *np.linspace(0.1, 0.5, n)]
    assert both.table["row"].is_unique
    assert design_of(both, baseline="baseline") == design_of(frontiers, baseline="baseline")


def test_known_errors_of_simulated_rows_are_those_of_the_observed() -> None:
    """Where SAEs have base losses of their own, an error depends on the hit, which simulation changes."""
    frame = pd.concat([points(v, [10, 20, 40, 80]) for v in ("baseline", "gated")], ignore_index=True)
    base = 2.0 + 0.2 * np.arange(8)
    frame = frame.assign(
        ce_base=base,
        ce_ablated=base + 8.0,
        ce_sae=base + 8.0 * frame.pop("performance_hit"),
        se_ce_ablated=0.4,
        se_ce_base=0.1,
    )
    frontiers = frontiers_of(frame)
    moved = augmented(frontiers, frontiers.y.to_numpy() * 3)
    before = known_errors(moved, ())["se"].to_numpy()
    assert not np.allclose(before[:8], before[8:])
    observed = _observed(fit_of(frontiers, baseline="baseline"))
    both = augmented(observed.frontiers, frontiers.y.to_numpy() * 3)
    after = known_errors(both, ())["se"].to_numpy()
    assert after[:8] == pytest.approx(before[:8])
    assert after[8:] == pytest.approx(before[:8])
    assert design_of(both, baseline="baseline") == observed.design


# ---------------------------------------------------------------- the figure


def test_the_figure_marks_what_leaves_its_band() -> None:
    right, wrong = toy(), toy(width=0.5).assign(quantity="phi")
    axes = plot_calibration(pd.concat([right, wrong, verdicts()], ignore_index=True)).axes
    assert [axis.get_title() for axis in axes] == ["theta", "phi", f"{BETTER}\nvariant, average"]
    lines = [axis.get_lines()[-1].get_color() for axis in axes[:2]]
    assert lines == ["0.1", "#d55e00"]


def test_a_figure_takes_three_sets() -> None:
    with pytest.raises(ValueError, match=r"No quantity has ranks of 3 sets\. Run more sets\."):
        plot_calibration(toy(sets=2))


# ---------------------------------------------------------------- real runs


def without_times(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="seconds")


@pytest.mark.slow
def test_a_study_through_the_command_line(tmp_path: Path) -> None:
    """Real fits; a set depends neither on how many there are nor on where the study stopped."""
    arguments = [
        "study",
        "calibration",
        "--out",
        str(tmp_path),
        "--sets",
        "3",
        "--settings",
        "1",
        "--seed",
        "2",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert {file.name for file in tmp_path.iterdir()} == {
        "calibration.csv",
        "calibration-verdicts.csv",
        "calibration.jsonl",
        "calibration.png",
    }
    table = pd.read_csv(tmp_path / "calibration.csv").set_index(["quantity", "where"])
    assert (table["sets"] + table["left_out"] == 3).all()
    assert (table["ess"] > 100).all()
    assert {"sigma", "tau", "nu", "k", "x_half", "mean_sparsity_gain", "sparsity_gain at 0.05"} == set(
        table.index.get_level_values("quantity")
    )
    assert "mean_sparsity_gain" in done.output

    again = calibration(settings=1, sets=2, random_seed=2, work=tmp_path / "calibration.jsonl")
    assert len((tmp_path / "calibration.jsonl").read_text().splitlines()) == 3
    fresh = calibration(settings=1, sets=1, random_seed=2, work=tmp_path / "fresh.jsonl")
    same = without_times(again[again["set_index"] == 0])
    pd.testing.assert_frame_equal(same, without_times(fresh), check_dtype=False)
    places = again["place"].dropna()
    assert ((places > 0) & (places < 1)).all()


@pytest.mark.slow
def test_calibration_on_a_table_of_ones_own(tmp_path: Path) -> None:
    """Real fits of a straight line in log-log, with a prior of its own, to both tables."""
    simulation = simulate(points=4, settings=1, curve="power", random_seed=3)
    simulation.frontiers.table[["variant", "l0", "performance_hit"]].to_csv(tmp_path / "t.csv", index=False)
    arguments = [
        "study",
        "calibration",
        str(tmp_path / "t.csv"),
        "--baseline",
        "baseline",
        "--curve",
        "power",
        "--nu",
        "4",
        "--out",
        str(tmp_path / "out"),
        "--sets",
        "2",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "No figure: it takes 3 sets that could be fitted." in done.output
    table = pd.read_csv(tmp_path / "out" / "calibration.csv")
    assert set(table["sets"]) == {2}
    assert {"sigma", "tau", "k", "sparsity_gain at 0.05"} < set(table["quantity"])
    assert "nu" not in set(table["quantity"])
    assert not (tmp_path / "out" / "calibration.png").exists()


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sets", "0"], "--sets 0, --workers 1: give 1 or more of each."),
        (["--workers", "0"], "--sets 100, --workers 0: give 1 or more of each."),
        (["--points", "0"], "points=0, settings=3: give 1 or more of each."),
        (["t.csv"], "DATA.csv needs --baseline, the variant that the others are compared with."),
        (
            ["t.csv", "--baseline", "a", "--points", "4", "--settings", "2"],
            "--points, --settings: the sets have the rows of t.csv. Leave this out, or leave the file out to "
            "draw from the priors.",
        ),
        (
            ["--baseline", "a", "--dense-limit", "768"],
            "--baseline, --dense-limit: this is about a table, and there is none. Give DATA.csv, or choose "
            "the simulated sets by --points and --settings.",
        ),
        (["t.csv", "--baseline", "a"], "There is no file t.csv."),
    ],
)
def test_bad_options_are_named(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["hillfront", "study", "calibration", *arguments, "--out", "out"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith(f"hillfront: {message}")
    assert not (tmp_path / "out").exists()


def test_a_study_takes_a_set_and_a_worker(tmp_path: Path) -> None:
    fit = fit_of(frontiers_of(points("baseline", [10, 20, 40, 80])), baseline="baseline")
    for study_of in (calibration, partial(posterior_calibration, fit)):
        with pytest.raises(ValueError, match="sets=0, workers=1: give 1 or more of each"):
            study_of(sets=0, work=tmp_path / "w.jsonl")
        with pytest.raises(ValueError, match="sets=1, workers=0: give 1 or more of each"):
            study_of(sets=1, workers=0, work=tmp_path / "w.jsonl")
    assert not (tmp_path / "w.jsonl").exists()

"""The coverage study: its sets, tables, figure and command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from commands import command
from hillfront.curves.families import HILL
from hillfront.frontiers.table import Frontiers
from hillfront.studies import coverage as coverage_module
from hillfront.studies.coverage import coverage, coverage_cases, coverage_table, one_set, verdict_table
from hillfront.studies.engine import Task
from hillfront.studies.figures import plot_coverage
from hillfront.studies.rivals import BOOTSTRAP, LOGIT, WALD
from hillfront.studies.simulated import DEPARTURES, chance_band, prepared_for, simulated_set, wilson

CASE: dict[str, Any] = {"points": 6, "settings": 1, "sigma": 0.05, "gain": 2.0, "noise": "normal"}


def arrays(frontiers: Frontiers) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        variant: (rows["sparsity"].to_numpy(float), rows["performance_hit"].to_numpy(float))
        for variant, _, rows in frontiers.curves()
    }


# ---------------------------------------------------------------- cases and departures


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"points": [4, 1]}, r"points=\[4, 1\]: a set has 2 or more points"),
        ({"settings": [0]}, r"settings=0: a set has 1 or more settings"),
        ({"sigma": [-0.1]}, r"sigma=-0.1: give positive numbers"),
        ({"gain": [0.0]}, r"gain=0.0: give positive numbers"),
        ({"noise": ["loud"]}, "Unknown noise 'loud'. Allowed: normal, heavy-tails, outliers, additive"),
    ],
)
def test_cases_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        coverage_cases(**given)


def residuals(noise: str, sigma: float) -> np.ndarray:
    """Logit hits of many SAEs about their true Hill curves."""
    simulation = simulated_set(points=2000, settings=1, sigma=sigma, gain=2.0, noise=noise, random_seed=3)
    truth = simulation.curves.set_index("variant")
    return np.concatenate(
        [
            special.logit(y) - special.logit(HILL.value(x, truth["x_half"][name], truth["k"][name]))
            for name, (x, y) in arrays(simulation.frontiers).items()
        ]
    )


def test_departures_scatter_as_they_say() -> None:
    assert abs(stats.kurtosis(residuals("normal", 0.1))) < 0.3
    heavy = np.abs(residuals("heavy-tails", 0.1)) / 0.1
    assert np.mean(heavy < 1) == pytest.approx(0.683, abs=0.03)
    assert np.mean(heavy > 3) > 0.015
    # One in 20 with ten times the scatter, of which 76% lie beyond three.
    assert np.mean(np.abs(residuals("outliers", 0.1)) > 0.3) == pytest.approx(0.05 * 0.76, abs=0.015)


def test_additive_noise_is_of_the_hit() -> None:
    simulation = simulated_set(points=2000, settings=1, sigma=1e-6, gain=1.0, noise="additive", random_seed=3)
    truth = simulation.curves.iloc[0]
    for x, y in arrays(simulation.frontiers).values():
        assert np.std(y - HILL.value(x, truth["x_half"], truth["k"])) == pytest.approx(0.003, rel=0.06)


def test_wrong_families_are_no_hill_curves_and_keep_the_gain() -> None:
    for noise, bend in (("wrong-family", 0.005), ("dense-limit", 0.08)):
        simulation = simulated_set(points=8, settings=1, sigma=1e-6, gain=2.0, noise=noise, random_seed=3)
        for x, y in arrays(simulation.frontiers).values():
            line = np.polynomial.Polynomial.fit(np.log(x), special.logit(y), 1)
            assert np.abs(special.logit(y) - line(np.log(x))).max() > bend
        truth = simulation.truth.query("scope == 'average'").set_index("quantity")["value"]
        assert truth["sparsity_gain"] == pytest.approx(2.0)


def test_a_gain_of_1_has_identical_curves() -> None:
    for noise in DEPARTURES:
        curves = simulated_set(points=3, settings=2, sigma=0.1, gain=1.0, noise=noise, random_seed=3).curves
        both = [part.drop(columns="variant").reset_index(drop=True) for _, part in curves.groupby("variant")]
        pd.testing.assert_frame_equal(*both)


# ---------------------------------------------------------------- sets


def test_a_set_of_the_coverage_study(tmp_path: Path) -> None:
    """A real one: every method gives its interval around a truth of 2, and a second run has nothing to do."""
    cases = coverage_cases(points=(6,), settings=(1,), sigma=(0.05,))
    rows = coverage(cases, sets=2, work=tmp_path / "w.jsonl")
    assert (rows["error"] == "").all()
    assert set(rows["method"]) == {"hillfront", WALD, LOGIT, BOOTSTRAP}
    assert (rows["lower"] < rows["median"]).all()
    assert (rows["median"] < rows["upper"]).all()
    assert rows["median"].between(1.5, 2.6).all()
    assert rows.query("quantity == 'sparsity_gain'")["truth"].to_numpy() == pytest.approx(2.0)
    assert set(rows.loc[rows["method"] == "hillfront", "verdict"]) == {"better"}
    again = coverage(cases, sets=2, work=tmp_path / "w.jsonl")
    pd.testing.assert_frame_equal(rows, again)


def test_the_oracle_is_told_sigma_and_sees_the_same_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, told = prepared_for(settings=1), []
    monkeypatch.setattr(
        coverage_module,
        "prepared_for",
        lambda *, settings, sigma=None: told.append((settings, sigma)) or model,
    )
    rows = coverage([CASE], sets=2, oracle_sets=1, work=tmp_path / "w.jsonl")
    assert told == [(1, None), (1, None), (1, 0.05)]
    sets = rows.groupby("method")["set_index"].unique().map(list).to_dict()
    assert sets == {"hillfront": [0, 1], WALD: [0, 1], LOGIT: [0, 1], BOOTSTRAP: [0, 1], "oracle": [0]}
    first = rows[rows["set_index"] == 0].set_index(["method", "quantity"])[["random_seed", "truth", "lower"]]
    # The same seed, so the same set; and here the same model, so the same interval.
    pd.testing.assert_frame_equal(first.loc["oracle"], first.loc["hillfront"])
    # The rivals are not fitted a second time beside it.
    assert len(one_set(Task({**CASE, "sigma_known": True}, 0, 5))) == 2


def test_numbers_of_sets_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for sets, oracle in ((0, 0), (2, 3), (2, -1)):
        with pytest.raises(ValueError, match=f"sets={sets}, oracle_sets={oracle}: give 1 set or more"):
            coverage([CASE], sets=sets, oracle_sets=oracle, work=tmp_path / "w.jsonl")


# ---------------------------------------------------------------- tables


def made_up() -> pd.DataFrame:
    """Three sets of one case by two methods, of which the oracle fitted two, and one that failed."""
    common = CASE | {"quantity": "q", "truth": 2.0, "error": "", "sigma_known": False}
    rows = [
        # method, set_index, lower, upper, verdict, divergences
        ("hillfront", 0, 1.0, 4.0, "better", 0.0),
        ("hillfront", 1, 1.0, 16.0, "better", 1.0),
        ("hillfront", 2, 3.0, 6.0, "undecided", 0.0),
        ("rival", 0, 1.0, 2.0, np.nan, np.nan),
        ("rival", 1, np.nan, np.nan, np.nan, np.nan),
        ("rival", 2, 2.5, 5.0, np.nan, np.nan),
        ("oracle", 0, 1.0, 2.0, "better", 0.0),
        ("oracle", 1, 1.0, 4.0, "worse", 0.0),
    ]
    columns = ("method", "set_index", "lower", "upper", "verdict", "divergences")
    frame = pd.DataFrame([common | dict(zip(columns, row, strict=True)) for row in rows])
    frame.loc[frame["method"] == "oracle", "sigma_known"] = True
    failed = CASE | {"set_index": 3, "error": "ValueError: no luck", "sigma_known": False}
    return pd.concat([frame, pd.DataFrame([failed])], ignore_index=True)


def test_coverage_is_counted_by_case_and_method() -> None:
    table = coverage_table(made_up()).set_index("method")
    own, rival_, oracle = (table.loc[name] for name in ("hillfront", "rival", "oracle"))
    assert [own["sets"], own["failed"]] == [3, 1]
    assert [rival_["sets"], rival_["failed"]] == [2, 2]
    assert [oracle["sets"], oracle["failed"]] == [2, 0]
    assert own["covered"] == pytest.approx(2 / 3)
    assert (own["covered_lower"], own["covered_upper"]) == pytest.approx(wilson(2, 3))
    assert rival_["covered"] == 0.5
    assert own["width"] == pytest.approx((4 * 16 * 2) ** (1 / 3))
    assert own["diverged"] == pytest.approx(1 / 3)
    assert np.isnan(rival_["diverged"])


def test_widths_are_compared_with_the_oracles_on_the_same_sets() -> None:
    table = coverage_table(made_up()).set_index("method")
    # Log widths in units of log 2: hillfront 2 and 4 against 1 and 2; the rival 1 against 1, in one set.
    assert table["log_width_ratio"].to_dict() == pytest.approx(
        {"hillfront": 2.0, "rival": 1.0, "oracle": 1.0}
    )
    assert table["oracle_sets"].to_dict() == {"hillfront": 2, "rival": 1, "oracle": 2}
    without = coverage_table(made_up().query("method != 'oracle'"))
    assert without["log_width_ratio"].isna().all()
    assert (without["oracle_sets"] == 0).all()


def test_a_method_that_never_gave_an_interval_keeps_its_row() -> None:
    rows = made_up()
    rows.loc[rows["method"] == "rival", ["lower", "upper"]] = np.nan
    rival_ = coverage_table(rows).set_index("method").loc["rival"]
    assert [rival_["sets"], rival_["failed"]] == [0, 4]
    assert np.isnan(rival_["covered"])


def test_cases_are_kept_apart() -> None:
    other = made_up().assign(noise="additive")
    other.loc[other["method"] == "hillfront", "upper"] = 1.5
    table = coverage_table(pd.concat([made_up(), other], ignore_index=True)).set_index(["noise", "method"])
    assert table["covered"]["normal", "hillfront"] == pytest.approx(2 / 3)
    assert table["covered"]["additive", "hillfront"] == 0.0


def test_verdicts_are_counted_once_a_set() -> None:
    twice = pd.concat([made_up(), made_up().assign(quantity="r")], ignore_index=True)
    table = verdict_table(twice).set_index("verdict")
    assert table["count"].to_dict() == {
        "better": 2,
        "worse": 0,
        "crossing": 0,
        "undecided": 1,
        "no shared range": 0,
    }
    assert (table["sets"] == 3).all()
    assert table.loc["better", "share"] == pytest.approx(2 / 3)
    assert tuple(table.loc["worse", ["lower", "upper"]]) == pytest.approx(wilson(0, 3))


def test_shares_have_wilsons_interval_and_chance_its_band() -> None:
    z = stats.norm.ppf(0.95)
    p, n = 0.7, 40
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert wilson(28, 40) == pytest.approx((middle - half, middle + half))
    assert np.isnan(wilson(0, 0)).all()
    low, high = chance_band(0.9, 50)
    inside = stats.binom.cdf(round(50 * high), 50, 0.9) - stats.binom.cdf(round(50 * low) - 1, 50, 0.9)
    assert inside >= 0.9


def test_the_figure_shows_the_table() -> None:
    table = coverage_table(made_up().assign(method=lambda rows: rows["method"].replace("rival", WALD)))
    left, right = plot_coverage(table, quantity="q").axes
    covered = {round(float(line.get_xdata()[0]), 3) for line in left.lines if len(line.get_xdata()) == 1}
    assert covered == {0.667, 0.5, 1.0}
    widths = sorted(float(line.get_xdata()[0]) for line in right.lines)
    assert widths == pytest.approx(sorted(table["width"]))
    assert [label.get_text() for label in left.get_yticklabels()] == ["6 SAEs a curve, 1 setting"]
    with pytest.raises(ValueError, match=r"The table has no intervals of 'z'\. It has: q"):
        plot_coverage(table, quantity="z")


# ---------------------------------------------------------------- command


def test_the_command_writes_tables_and_a_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"
    done = command(
        monkeypatch,
        capsys,
        "study",
        "coverage",
        "--out",
        out,
        "--sets",
        1,
        "--points",
        4,
        "--settings",
        1,
        "--sigma",
        0.1,
        "--noise",
        "normal",
        "--noise",
        "wrong-family",
    )
    assert done.status == 0, done.err
    assert {path.name for path in out.iterdir()} == {
        "coverage.jsonl",
        "coverage.csv",
        "verdicts.csv",
        "coverage.png",
    }
    table, verdicts = pd.read_csv(out / "coverage.csv"), pd.read_csv(out / "verdicts.csv")
    assert set(table["noise"]) == {"normal", "wrong-family"}
    assert len(table) == 2 * 2 * 4
    assert len(verdicts) == 2 * 5
    assert "log_width_ratio" in done.out
    assert "no shared range" in done.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--noise", "loud"), "Unknown noise 'loud'. Allowed: normal"),
        (("--sets", 0), "--sets 0, --workers 1: give 1 or more of each."),
        (("--sets", 5, "--oracle-sets", 6), "--oracle-sets 6: give from 0 up to all 5 of --sets."),
        (("--points", 1), "--points 1: a set has 2 or more points."),
    ],
)
def test_bad_options_leave_nothing_behind(
    options: tuple[object, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = command(monkeypatch, capsys, "study", "coverage", "--out", tmp_path / "new", *options)
    assert done.status == 2
    assert message in done.err
    assert not (tmp_path / "new").exists()


def test_a_failed_fit_is_told_with_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_luck(**_: object) -> None:
        raise ValueError("no luck")

    monkeypatch.setattr(coverage_module, "simulated_set", no_luck)
    done = command(
        monkeypatch,
        capsys,
        "study",
        "coverage",
        "--out",
        tmp_path,
        "--sets",
        2,
        "--settings",
        1,
        "--sigma",
        0.1,
    )
    assert done.status == 1
    assert "2 fits failed, the first by ValueError: no luck" in done.err
    assert not (tmp_path / "coverage.csv").exists()

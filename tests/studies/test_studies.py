"""The studies: their engine, least squares as published, and the pages they write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hillfront.curves.families import FAMILIES, HILL
from hillfront.fits.fitting import prepare
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import Frontiers
from hillfront.studies import engine
from hillfront.studies.engine import Task, cluster, run, task_seed
from hillfront.studies.least_squares import least_squares, log_ratio_interval
from hillfront.studies.markdown import Report, interval, interval_of
from hillfront.studies.model_choice import (
    TableCase,
    choices,
    packaged_cases,
    recovery_table,
    write_model_choice,
)
from hillfront.studies.post_cases import cases

# ---------------------------------------------------------------- engine


def double(task: Task) -> list[dict[str, object]]:
    """A task that fails where it is told to, and leaves two rows otherwise."""
    if task.case["n"] == "bad":
        raise ValueError("no luck")
    return [{"value": task.random_seed % 1000}, {"value": task.set_index}]


def tasks(cases: tuple[str, ...] = ("a", "b"), replicates: int = 3) -> list[Task]:
    return [
        Task({"n": case}, replicate, task_seed("test", {"n": case}, replicate, random_seed=1))
        for case in cases
        for replicate in range(replicates)
    ]


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one.drop(columns="seconds").equals(other.drop(columns="seconds"))


def test_a_study_goes_on_where_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(double, tasks(), work=tmp_path / "whole.jsonl")
    assert len(whole) == 12
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    # Killed in the middle of the fourth line.
    (tmp_path / "part.jsonl").write_text("".join(lines[:3]) + lines[3][:20])
    ran = []
    attempt = engine._attempt
    monkeypatch.setattr(engine, "_attempt", lambda f, task: ran.append(task.key) or attempt(f, task))
    assert same(run(double, tasks(), work=tmp_path / "part.jsonl"), whole)
    assert len(ran) == 3
    assert len((tmp_path / "part.jsonl").read_text().splitlines()) == 6
    run(double, tasks(), work=tmp_path / "part.jsonl")
    assert len(ran) == 3


def test_a_failed_task_is_a_row_with_its_reason(tmp_path: Path) -> None:
    found = run(double, tasks(("a", "bad"), 1), work=tmp_path / "w.jsonl")
    assert found["error"].tolist() == ["", "", "ValueError: no luck"]
    assert found["value"].isna().tolist() == [False, False, True]


def test_a_fault_of_the_study_itself_stops_it(tmp_path: Path) -> None:
    def broken(task: Task) -> list[dict[str, object]]:
        raise AssertionError("a slip")

    with pytest.raises(AssertionError, match="a slip"):
        run(broken, tasks(), work=tmp_path / "w.jsonl")


def test_seeds_are_their_own() -> None:
    seeds = {task.random_seed for task in tasks(("a", "b", "c"), 50)}
    assert len(seeds) == 150
    assert task_seed("one", {}, 0, random_seed=1) != task_seed("other", {}, 0, random_seed=1)
    assert task_seed("one", {}, 0, random_seed=1) != task_seed("one", {}, 0, random_seed=2)


def test_workers_and_order_do_not_change_the_table(tmp_path: Path) -> None:
    alone = run(double, tasks(), work=tmp_path / "alone.jsonl")
    assert same(run(double, tasks(), work=tmp_path / "two.jsonl", workers=2), alone)
    shuffled = run(double, tasks()[::-1], work=tmp_path / "back.jsonl")
    key = ["n", "set_index", "value"]
    assert same(shuffled.sort_values(key, ignore_index=True), alone.sort_values(key, ignore_index=True))


def test_a_dask_cluster_gives_the_same_table(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    alone = run(double, tasks(), work=tmp_path / "alone.jsonl")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "processes": False}
    with distributed.LocalCluster(**options) as local, cluster(local.scheduler_address) as workers:
        assert workers == 2
        assert same(run(double, tasks(), work=tmp_path / "dask.jsonl", workers=workers), alone)


def test_keys_are_plain_data() -> None:
    assert json.loads(tasks()[0].key)[:2] == [{"n": "a"}, 0]


# ---------------------------------------------------------------- least squares


@pytest.mark.parametrize("curve", FAMILIES)
def test_least_squares_finds_the_curve_of_noiseless_points(curve: str) -> None:
    # At its typical position: smaller hits are moved up by more, to stay inside (0, 1).
    simulation = simulate(curve=curve, points=8, sigma=0.0, setting_sd=0.0, random_seed=2)
    truth = simulation.curves.set_index("variant")
    for variant, _, rows in simulation.frontiers.curves():
        found = least_squares(
            rows["sparsity"].to_numpy(), rows["performance_hit"].to_numpy(), FAMILIES[curve]
        )
        for name, value in found.natural.items():
            assert value == pytest.approx(truth.loc[variant, name], rel=1e-3, abs=1e-5)


def test_the_posts_numbers_by_least_squares() -> None:
    """The figures of ../shared/data's README, and of the post: 2.77, 6.03 and 1.24."""
    everything = cases()
    optimal = everything["resid", "Pareto"]
    assert optimal.sizes == "6 + 10"
    for curve, quantity, expected in (
        ("linear", "slope_ratio", 2.77),
        ("proportional", "slope_ratio", 2.54),
        ("hill", "x_half_ratio", 6.03),
        ("hill", "k_ratio", 1.24),
    ):
        lower, found, upper = optimal.least_squares_ratio(curve, quantity)
        assert found == pytest.approx(expected, abs=0.006)
        assert lower < found < upper
    assert everything["mlp", "Pareto"].least_squares_ratio("hill", "k_ratio")[1] == pytest.approx(
        0.85, abs=0.006
    )
    assert {len(everything[site, "four"].frontiers) for site in ("resid", "attn", "mlp")} == {8}


def test_wald_intervals_cover_where_they_should() -> None:
    """Many points, little scatter in y itself: there least squares is right, and its 90% are 90%."""
    rng = np.random.default_rng(4)
    x = np.geomspace(0.005, 0.5, 60)
    covered = []
    for _ in range(200):
        fits = [
            least_squares(x, HILL.value(x, x_half=h, k=0.8) + 0.005 * rng.standard_normal(60), HILL)
            for h in (2.0, 1.0)
        ]
        lower, _, upper = log_ratio_interval(*fits, lambda theta: float(theta[0]))
        truth = np.exp(
            np.log(HILL.inverse(0.05, x_half=2.0, k=0.8)) - np.log(HILL.inverse(0.05, x_half=1.0, k=0.8))
        )
        covered.append(lower <= truth <= upper)
    assert 0.84 <= np.mean(covered) <= 0.95


def test_two_points_have_no_interval() -> None:
    x = np.array([0.01, 0.1])
    fit = least_squares(x, HILL.value(x, x_half=2.0, k=0.8), HILL)
    lower, found, upper = log_ratio_interval(fit, fit, lambda theta: float(theta[0]))
    assert found == pytest.approx(1.0)
    assert interval(lower, upper) == "unbounded"


# ---------------------------------------------------------------- pages


def test_reports_are_markdown() -> None:
    report = Report("Title")
    report.heading("Part")
    report.paragraph("""one
        two""")
    report.items([])
    report.table(("a", "b"), [(1, "x")])
    assert report.text() == "# Title\n\n## Part\n\none two\n\n| a | b |\n| --- | --- |\n| 1 | x |\n"


def test_cases_say_what_they_rest_on() -> None:
    row = pd.Series({"median": 2.5, "lower": 1.234567, "upper": np.inf, "support": "extrapolated"})
    assert interval_of(row) == "2.5 [1.23, inf] *"
    assert interval_of(row.replace({2.5: np.nan})) == "undefined"
    assert interval_of(pd.Series({"median": np.nan, "lower": 1.0, "upper": 1.0, "support": "none"})) == (
        "no shared range"
    )


def test_a_dense_limit_makes_a_fit_of_its_own() -> None:
    """SAEs that lose less than a Hill curve allows near their width: the limit predicts them better."""
    made = simulate(dense_limit=400.0, points=8, l0=(10.0, 300.0), sigma=0.05, random_seed=2).frontiers
    frame = made.table[["variant", "setting", "l0", "performance_hit"]].assign(d_model=400.0)
    case = TableCase("simulated", Frontiers.from_frame(frame, group="setting"), "baseline")
    rows = list(choices([case], families=["hill"], noises=["student-t"], draws=400))
    found = {row["dense_limit"]: row["elpd_loo"] for row in rows}
    assert list(found) == ["none", "d_model"]
    assert float(str(found["d_model"])) > float(str(found["none"])) + 2.0


def test_the_model_choice_page(tmp_path: Path) -> None:
    about = {
        "table": "T",
        "rows": 9,
        "se": 1.0,
        "high_pareto_k": 1,
        "divergences": 0,
        "rhat": 1.0,
        "passed": True,
    }
    rows = pd.DataFrame(
        [
            about | {"curve": "hill", "noise": "student-t", "dense_limit": "none", "elpd_loo": 10.0},
            about | {"curve": "hill", "noise": "student-t", "dense_limit": "d_model", "elpd_loo": 12.5},
            about
            | {
                "curve": "power",
                "noise": "student-t",
                "dense_limit": "none",
                "elpd_loo": 9.0,
                "passed": False,
            },
            {
                "table": "T",
                "rows": 9,
                "curve": "power",
                "noise": "student-t",
                "dense_limit": "d_model",
                "why": "no",
            },
        ]
    )
    recovered = pd.DataFrame(
        {
            "truth": ["hill"] * 2,
            "set": [0, 1],
            "first": ["hill", "power"],
            "found": [True, False],
            "weight": [1.0, 0.5],
            "refits": [0, 1],
            "divergences": [0, 0],
        }
    )
    write_model_choice(tmp_path, rows, recovery_table(recovered))
    text = (tmp_path / "model-choice.md").read_text()
    assert "| hill | 10.0 (1) | **12.5 (1)** |" in text
    assert "| power | 9.0 (1) (!) | refused (a) |" in text
    assert "- (a) no" in text
    assert "| T | +2.5 | +nan |" in text
    assert "| hill | 2 | 1 | 1 | 0.75 |" in text


def test_widths_of_the_packaged_tables() -> None:
    sampler_options = list(packaged_cases())
    assert [setting.name for setting in sampler_options] == ["gated_sae, Gemma-7B", "gated_sae, Pythia-2.8B"]
    for setting in sampler_options:
        table = setting.frontiers.table
        assert (table["l0"] < table["d_model"]).all()


def test_the_posterior_of_the_attention_case_contains_least_squares() -> None:
    """Gemma-7B attn layer 20, all usable rows: 5.15 and 1.40 by least squares of y."""
    case = cases()["attn", "all"]
    assert case.sizes == "10 + 10"
    fit = prepare(case.frontiers, baseline="baseline").fit(draws=2000, progressbar=False)
    summary = fit.improvement().summary
    rows = summary[summary["scope"] == "setting"].set_index("quantity")
    for quantity, expected in (("x_half_ratio", 5.145), ("k_ratio", 1.397)):
        _, found, _ = case.least_squares_ratio("hill", quantity)
        assert found == pytest.approx(expected, abs=0.002)
        assert rows["lower"][quantity] <= found <= rows["upper"][quantity]
    assert int(fit.data["sample_stats"]["diverging"].sum()) == 0

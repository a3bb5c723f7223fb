"""The benchmarks' own arithmetic, and that their rivals answer the same question; no timings."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest

from benchmarks.cases import case_rows
from benchmarks.cold_start import comparison_rows
from benchmarks.contest import Settings, contest
from benchmarks.judging import judge, read_draws
from benchmarks.processes import Run, caches, timed_run
from benchmarks.records import append_record, has_record, ratio_of, read_records, select, spread_of
from benchmarks.rivals.curve_fit import fitted
from benchmarks.rivals.gains import Draws, Phases, gain_draws, write_results
from benchmarks.rivals.obvious import obvious_model
from benchmarks.rivals.reference import reference_model
from benchmarks.rivals.tables import Table, read_table
from benchmarks.same_posterior import differences
from benchmarks.sampling import DEFAULT, one_at_a_time
from benchmarks.scale import log_log_slope, slope_of
from benchmarks.write_page import losses, page
from helpers import drawn, posterior_of
from hillfront.estimands.improvement import improvement_of
from hillfront.fits.simulation import simulate
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import design_of
from hillfront.model.priors import resolve_priors
from hillfront.model.pymc_model import build_model
from hillfront.sampling.pymc_sampler import partially_centred

# --- records


def test_records_of_several_files_are_joined_without_torn_or_equal_lines(tmp_path: Path) -> None:
    append_record(tmp_path / "a.jsonl", {"rival": "x", "repeat": 0})
    append_record(tmp_path / "b.jsonl", {"rival": "x", "repeat": 0})
    with (tmp_path / "b.jsonl").open("a") as file:
        file.write('{"rival": "torn"')
    append_record(tmp_path / "b.jsonl", {"rival": "y", "repeat": 0})
    records = read_records(tmp_path)
    assert sorted(record["rival"] for record in records) == ["x", "y"]
    assert has_record(records, rival="y", repeat=0)
    assert not has_record(records, rival="y", repeat=1)
    assert not has_record(records, rival="y", cache="warm")


def test_ratios_are_taken_repeat_by_repeat() -> None:
    """A machine twice as slow in the second repeat changes both, and not their ratio."""
    slow = [{"repeat": 1, "wall": 12.0}, {"repeat": 0, "wall": 6.0}, {"repeat": 2, "wall": 1.0}]
    fast = [{"repeat": 0, "wall": 2.0}, {"repeat": 1, "wall": 4.0}]
    assert str(ratio_of(slow, fast, "wall")) == "3 [3, 3]"
    assert str(ratio_of(slow, [{"repeat": 0, "wall": None}], "wall")) == "not measured"


def test_spread_is_of_what_is_there() -> None:
    spread = spread_of([4.0, None, math.nan, 1.0, 2.0])
    assert (spread.median, spread.low, spread.high, spread.n) == (2.0, 1.0, 4.0, 3)
    assert str(spread_of([2.5])) == "2.5 (once)"


# --- processes


def test_a_process_is_timed_and_its_memory_is_its_own() -> None:
    sleeper = "import time; block = bytearray(300 * 2**20); time.sleep(0.3)"
    run = timed_run([sys.executable, "-c", sleeper], environment={})
    assert 0.3 <= run.wall < 30.0
    assert 0.0 < run.cpu < 30.0
    assert run.peak_mib >= 300
    assert run.to_table is None


def test_a_table_is_seen_while_its_process_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    code = f"import pathlib, time; pathlib.Path({str(path)!r}).touch(); time.sleep(0.5)"
    run = timed_run([sys.executable, "-c", code], environment={}, watched=path)
    assert run.to_table is not None
    assert run.to_table < run.wall - 0.3
    nothing = timed_run([sys.executable, "-c", ""], environment={}, watched=tmp_path / "none.csv")
    assert nothing.to_table is None


def test_a_process_that_fails_says_so() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such data')"]
    with pytest.raises(RuntimeError, match=r"(?s)ended with status 1; allowed: 0\..*no such data"):
        timed_run(command, environment={})
    assert timed_run(command, environment={}, allowed=(0, 1)).status == 1


def test_empty_caches_are_new_folders() -> None:
    with caches("warm") as environment:
        assert environment == {}
    with caches("empty") as first, caches("empty") as second:
        assert first["NUMBA_CACHE_DIR"] != second["NUMBA_CACHE_DIR"]
        assert "base_compiledir=" in first["PYTENSOR_FLAGS"]
    with pytest.raises(ValueError, match=r"cache='cold' is not known\. Allowed: warm, empty"), caches("cold"):
        pass


# --- the same question


@pytest.fixture(scope="module")
def three_by_three() -> Frontiers:
    """Three variants in three settings, one curve of them missing."""
    frontiers = simulate(variants=("baseline", "gated", "topk"), settings=3, random_seed=3).frontiers
    table = frontiers.table[["variant", "setting", "l0", "performance_hit"]]
    first = table["setting"].iloc[0]
    rows = table[~((table["variant"] == "topk") & (table["setting"] == first))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Frontiers.from_frame(rows, group="setting")


def table_of(frontiers: Frontiers, folder: Path) -> Table:
    frontiers.table[["variant", "setting", "l0", "performance_hit"]].to_csv(folder / "rows.csv", index=False)
    return read_table(folder / "rows.csv")


def log_density(model: Any) -> Any:
    return model.compile_logp(mode="FAST_COMPILE")


def reference_point(reference: Any, shared: Mapping[str, Any], theta: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the reference's variables: those both have by name, the effects from the curves."""
    point = dict(reference.initial_point())
    for variable in reference.free_RVs:
        value = reference.rvs_to_values[variable].name
        parameter, _, kind = variable.name.rpartition("_")
        if kind in ("setting", "interaction"):
            curves = theta[parameter]
            over_variants = curves.mean(axis=1)
            effects = over_variants - over_variants.mean()
            if kind == "interaction":
                effects = curves - curves.mean(axis=0) - effects[:, None]
            transform = reference.rvs_to_transforms[variable]
            point[value] = transform.forward(pt.as_tensor(effects)).eval(mode="FAST_COMPILE")
        else:
            point[value] = shared[value]
    return point


@pytest.mark.parametrize("settings", [1, 3])
def test_the_reference_model_has_the_joint_density_of_hillfronts(
    settings: int, three_by_three: Frontiers, tmp_path: Path
) -> None:
    """Up to a constant, at random points: priors, effects and likelihood, with the change of coordinates."""
    frontiers = three_by_three if settings == 3 else simulate(random_seed=2).frontiers
    table = table_of(frontiers, tmp_path)
    design = design_of(frontiers, baseline="baseline")
    assert (design.variants, design.settings) == (table.variants, table.settings)
    ours = build_model(frontiers, design, resolve_priors(design.family, None), effects=partially_centred)
    if settings > 1:
        # Centred, so that the coefficients are the effects in an orthonormal basis, as ZeroSumNormal's are.
        ours.set_data("centring", np.ones(2 * len(design.variants)))
    reference = reference_model(table)
    names = ["log_x_ref", "log_k"]
    curves, again = (
        model.compile_fn(
            model.replace_rvs_by_values([model[name] for name in names]),
            inputs=model.value_vars,
            mode="FAST_COMPILE",
            on_unused_input="ignore",
        )
        for model in (ours, reference)
    )
    densities = (log_density(ours), log_density(reference))
    rng = np.random.default_rng(1)
    apart, heights = [], []
    for _ in range(8):
        point = {
            name: value + 0.5 * rng.standard_normal(value.shape)
            for name, value in ours.initial_point().items()
        }
        theta = dict(zip(names, curves(point), strict=True))
        twin = reference_point(reference, point, theta)
        np.testing.assert_allclose(again(twin), [theta[name] for name in names], atol=1e-9)
        heights.append(float(densities[0](point)))
        apart.append(heights[-1] - float(densities[1](twin)))
    assert np.ptp(heights) > 10.0
    assert np.ptp(apart) < 1e-8


def test_gains_of_rivals_are_hillfronts(three_by_three: Frontiers, tmp_path: Path) -> None:
    table = table_of(three_by_three, tmp_path)
    design = design_of(three_by_three, baseline="baseline")
    rng = np.random.default_rng(1)
    posterior = posterior_of(
        design, -4.0 + 0.3 * rng.standard_normal((3, 3)), -0.2 + 0.1 * rng.standard_normal((3, 3)), draws=20
    )
    improvement = improvement_of(posterior, three_by_three, design)
    rows = improvement.summary.reset_index(drop=True)
    ours = {}
    for _, row in rows[rows["scope"] != "new_setting"].iterrows():
        at = "" if np.isnan(row["at"]) else f"({row['at']:g})"
        values = drawn(improvement, row).to_numpy()
        if np.isfinite(values).all():
            ours[row["variant"], row["setting"], row["quantity"] + at] = values
    k = np.exp(posterior["log_k"])
    x_half = np.exp(posterior["log_x_ref"] + math.log(19.0) / k)
    draws = Draws(*(v.transpose("chain", "draw", "setting", "variant").to_numpy() for v in (x_half, k)))
    theirs = {key: values for *key, values in gain_draws(table, draws) for key in [tuple(key)]}
    assert len(theirs) > 60
    assert theirs.keys() == ours.keys()
    for key, values in theirs.items():
        np.testing.assert_allclose(values, ours[key], rtol=1e-3, err_msg=str(key))


def test_the_obvious_model_has_the_curve_and_scatter_of_the_reference(tmp_path: Path) -> None:
    """Its likelihood at the same curves, with the same sigma, tau and nu."""
    table = table_of(simulate(random_seed=2).frontiers, tmp_path)
    found = []
    for model, position in ((obvious_model(table), "log_x_half"), (reference_model(table), "log_x_ref")):
        point = model.initial_point()
        shift = math.log(19.0) / 0.8 if position == "log_x_half" else 0.0
        point[f"{position}_mean"] = np.array(-3.9 + shift)
        point["log_k_mean"] = np.array(math.log(0.8))
        point[f"{position}_contrast"], point["log_k_contrast"] = np.array([0.4]), np.array([0.0])
        observed = model.compile_logp(vars=[model["y"]], mode="FAST_COMPILE")
        found.append(float(observed(point)))
    assert found[0] == pytest.approx(found[1], abs=1e-9)


def test_curve_fit_finds_a_noiseless_curve() -> None:
    x = np.geomspace(0.01, 1.0, 5)
    log_x_half, log_k = fitted(x, x**0.7 / (x**0.7 + 3.0**0.7), (0.0, 0.0))
    assert (math.exp(log_x_half), math.exp(log_k)) == pytest.approx((3.0, 0.7), rel=1e-5)
    assert np.isnan(fitted(x[[1, 1, 1]], x[[1, 1, 1]], (0.0, 0.0))).all()


# --- judgement


def test_the_slowest_gain_is_judged(tmp_path: Path) -> None:
    """A k that hardly moves along a chain, beside independent positions."""
    table = table_of(simulate(random_seed=2).frontiers, tmp_path)
    rng = np.random.default_rng(1)
    shape = (4, 500, 1, 2)
    log_k = np.zeros(shape)
    for t in range(1, 500):
        log_k[:, t] = 0.95 * log_k[:, t - 1] + 0.01 * rng.standard_normal(shape[:1] + shape[2:])
    draws = Draws(np.exp(0.3 * rng.standard_normal(shape)), np.exp(log_k), divergences=3)
    write_results(table, draws, Phases(), tmp_path / "out")
    judged = judge(table, read_draws(table, tmp_path / "out"))
    assert judged["slowest"].startswith("k_ratio of variant")
    assert 20 < judged["ess"] < 200
    assert judged["divergences"] == 3
    assert judged["rhat"] > 1.0
    gains = pd.read_csv(tmp_path / "out" / "improvement.csv")
    assert (gains["lower"] < gains["median"]).all()
    assert json.loads((tmp_path / "out" / "phases.json").read_text()).keys() == {"rest"}
    assert judge(table, Draws(draws.x_half, draws.k, independent=True)) == {}


def test_differences_are_in_monte_carlo_standard_errors() -> None:
    rng = np.random.default_rng(1)
    ours, reference, far = (rng.standard_normal((4, 1000)) + shift for shift in (0.0, 0.0, 1.0))
    assert np.abs(differences(ours, reference)).max() < 3.5
    # The median of 4,000 normal draws has a standard error of 1.25/sqrt(4000), here of both.
    expected = -1.0 / (1.2533 * math.sqrt(2 / 4000))
    assert differences(ours, far)[1] == pytest.approx(expected, rel=0.25)
    assert differences(np.full((4, 10), np.inf), reference) == []


def test_unknown_cases_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown case 'curves-7'\. Allowed: gemma, pair, or curves-N with"):
        case_rows("curves-7")
    rows = case_rows("curves-10")
    assert rows.groupby(["setting", "variant"]).size().tolist() == [6] * 10


def test_a_contest_names_the_versions_of_the_python_that_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ran(command: list[str], *, watched: Path, **_: object) -> Run:
        watched.parent.mkdir()
        (watched.parent / "phases.json").write_text("{}")
        return Run(wall=2.0, to_table=1.0, cpu=3.0, peak_mib=100.0, status=0)

    def module(name: str, *_: str, python: str = sys.executable) -> str:
        return json.dumps({"python": python} if name == "machine" else {})

    monkeypatch.setattr("benchmarks.contest.timed_run", ran)
    monkeypatch.setattr("benchmarks.contest._module", module)
    contest("cold_start", "pair", "numpyro", 0, Settings(), work=tmp_path, python="another")
    assert read_records(tmp_path)[0]["versions"] == {"python": "another"}


# --- pages of made-up records

MACHINE = {"cores": 2, "processor": "made-up", "memory_gib": 8.0}
COMMON = {"machine": MACHINE, "versions": {"python": "3.13.0"}, "date": "2025-01-02"}


def run(benchmark: str, case: str, rival: str, repeat: int, wall: float, **fields: object) -> dict[str, Any]:
    return {
        "benchmark": benchmark,
        "case": case,
        "rival": rival,
        "repeat": repeat,
        "cache": "warm",
        "draws": 1000,
        "tune": 1000,
        "chains": 4,
        "resamples": 1000,
        "wall": wall,
        "to_table": wall / 2,
        "peak_mib": 100.0 * wall,
        "ess": 1000.0,
        "ess_per_second": 1000.0 / wall,
        "rhat": 1.002,
        "divergences": 0,
        "phases": {"compile": wall / 2, "sampling": wall / 2},
        **COMMON,
        **fields,
    }


def made_up() -> list[dict[str, Any]]:
    records = [
        run("cold_start", "gemma", rival, repeat, wall * (1 + repeat))
        for rival, wall in (("hillfront", 10.0), ("pymc-nuts", 600.0), ("curve-fit", 5.0))
        for repeat in range(3)
    ]
    records += [
        run("scale", f"curves-{size}", "hillfront", repeat, 20.0 * (size / 100) ** 1.2)
        for size in (10, 100, 300, 1000)
        for repeat in range(2)
    ]
    records.append(
        {
            "benchmark": "same_posterior",
            "case": "pair",
            "repeat": 0,
            "draws": 1000,
            "tune": 1000,
            "compared": 60,
            "beyond": 1,
            "largest": 3.2,
            "worst": "k_ratio, 5% point",
            "rows": 20,
            "root_mean_square": 1.01,
            "divergences": 0,
            "reference_divergences": 0,
            **COMMON,
        }
    )
    records.append(
        {
            "benchmark": "refit",
            "cache": "empty",
            "repeat": 0,
            "first": 12.0,
            "refit": 0.5,
            "ratio": 24.0,
            **COMMON,
        }
    )
    records += [
        {"benchmark": "startup", "command": "import nutpie", "repeat": n, "seconds": 1.5 + n, **COMMON}
        for n in range(3)
    ]
    for target, ess, diverged in ((0.98, 500.0, 0), (0.9, 900.0, 2), (0.95, 600.0, 0)):
        records.append(
            {
                "benchmark": "sampling",
                "case": "pair",
                "repeat": 0,
                "total": 4000,
                "tune": 1000,
                "target_accept": target,
                "adaptation": "diag",
                "chains": 4,
                "ess_per_second": ess,
                "divergences": diverged,
                "rhat": 1.001,
                "steps": 15.0,
                **COMMON,
            }
        )
    return records


def test_the_page_says_what_was_measured_losses_included() -> None:
    text = page(made_up())
    assert "Machine: 2 cores, made-up, 8.0 GiB." in text
    assert "Measured: 2025-01-02." in text
    assert "| pymc-nuts | 600 [300, 900] | 60 [60, 60] | 1.2e+03 [600, 1.8e+03] |" in text
    assert "- curve-fit on gemma, warm caches: 0.5 [0.5, 0.5] of hillfront's time to the table." in text
    assert "- curve-fit on gemma, warm caches: 0.5 [0.5, 0.5] of hillfront's whole time." in text
    assert "pymc-nuts on gemma" not in text
    assert "1.2 [1.2, 1.2] in time" in text
    assert "never compiled anything | 12 (once) | 0.5 (once) | 24 (once) |" in text
    assert "1 (0.2)" in text
    assert "| `import nutpie` | 2.5 [1.5, 3.5] |" in text
    # The fastest setting diverged, so it comes last.
    places = [text.index(f"| {target} | diag |") for target in ("0.95", "0.98", "0.9")]
    assert places == sorted(places)


def test_the_page_names_every_version() -> None:
    records = made_up()
    records[1] = {**records[1], "versions": {"python": "3.13.0", "jax": "0.7.0"}}
    records[2] = {**records[2], "versions": {"python": "3.13.1"}}
    assert "Versions: jax 0.7.0, python 3.13.0 and 3.13.1." in page(records)


def test_the_page_names_no_loss_where_there_is_none() -> None:
    records = [record for record in made_up() if record.get("rival") != "curve-fit"]
    assert losses(records) == []
    assert "Nowhere among what was measured here." in page(records)


def test_the_page_refuses_nothing_and_several_machines() -> None:
    with pytest.raises(ValueError, match=r"no records to write of\. Run `make bench`"):
        page([])
    other = {**made_up()[0], "machine": {**MACHINE, "cores": 64}}
    with pytest.raises(ValueError, match="records are of 2 machines"):
        page([*made_up(), other])


def test_runs_of_other_settings_are_not_compared() -> None:
    """A quick run of few tuning steps in the same folder has a table of its own, and no part in losses."""
    quick = run("cold_start", "gemma", "pymc-nuts", 0, 1.0) | {"tune": 10}
    assert not any("pymc-nuts" in text for text in losses([*made_up(), quick]))
    assert "4 chains of 10 + 1000:" in page([*made_up(), quick])


def test_rows_of_rivals_pair_repeats() -> None:
    rows = {row[0]: row for row in comparison_rows(select(made_up(), benchmark="cold_start"))}
    assert list(rows) == ["hillfront", "pymc-nuts", "curve-fit"]
    assert rows["pymc-nuts"][7] == "60 [60, 60]"
    assert rows["pymc-nuts"][8] == "compile 600, sampling 600"


def test_slopes_leave_small_designs_out() -> None:
    assert slope_of(select(made_up(), benchmark="scale"), "wall").median == pytest.approx(1.2)
    assert math.isnan(log_log_slope({100: 1.0, 300: math.nan}))


def test_sampler_settings_differ_from_the_default_in_one() -> None:
    sampler_options = one_at_a_time((0.9, DEFAULT["target_accept"]), ("diag", "low_rank"), (2, 4))
    assert sampler_options[0] == DEFAULT
    assert len(sampler_options) == 4
    for setting in sampler_options[1:]:
        assert sum(setting[name] != value for name, value in DEFAULT.items()) == 1

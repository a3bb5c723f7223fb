"""hillfront.toml: read in place of options, refused where it does not fit, written so that a run repeats."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from commands import Done, command
from helpers import points
from hillfront.cli.config import config_text

type Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(command, monkeypatch, capsys)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two variants in two layers, in a folder of their own."""
    rows = [
        points(variant, np.array([10, 20, 40, 80]) + shift, x_half=x_half, k=0.8, layer=layer)
        for layer in (6, 20)
        for variant, shift, x_half in (("relu", 0, 2.0), ("gated", 1, 4.0))
    ]
    (tmp_path / "data").mkdir()
    pd.concat(rows).to_csv(tmp_path / "data" / "saes.csv", index=False)
    return tmp_path / "data" / "saes.csv"


def written(data: Path, *lines: str) -> Path:
    """A file of sampler_options beside the data."""
    path = data.parent / "hillfront.toml"
    path.write_text("\n".join(['data = "saes.csv"', *lines]) + "\n")
    return path


USUAL = ('baseline = "relu"', 'group = ["layer"]', "draws = 60", "chains = 2")


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(folder / f"{name}.csv") for name in ("improvement", "pareto", "diagnostics")}


def test_settings_in_place_of_options(
    run: Run,
    data: Path,
    tmp_path: Path,
    sampler: SimpleNamespace,
    quick: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Paths are relative to the file, wherever the command runs; dashes and underscores are one."""
    path = written(data, *USUAL, 'out = "../out"', "at-hit = [0.07]", "at_l0 = 33", "quiet = true")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = run("fit", "--config", path)
    assert (done.status in (0, 1), done.out, done.err) == (True, "", "")
    improvement = tables(tmp_path / "out")["improvement"]
    assert set(improvement["layer"].dropna()) == {6, 20}
    assert set(improvement.query("quantity == 'sparsity_gain'")["at"]) == {0.07}
    assert set(improvement.query("quantity == 'hit_reduction'")["at"]) == {33.0}


def test_the_command_line_wins(
    run: Run, data: Path, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    path = written(data, *USUAL, 'out = "no"', "seed = 3")
    run("fit", "--config", path, "--out", tmp_path / "yes", "--baseline", "gated", "--seed", 4)
    assert set(tables(tmp_path / "yes")["pareto"]["baseline"]) == {"gated"}
    assert not (data.parent / "no").exists()
    sampler_options = tomllib.loads((tmp_path / "yes" / "hillfront.toml").read_text())
    assert (sampler_options["seed"], sampler_options["draws"], sampler_options["baseline"]) == (
        4,
        60,
        "gated",
    )


def test_a_run_repeats(
    run: Run, data: Path, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    """Every setting that is not the usual one is in the file, and its run writes the same tables and file."""
    options = [
        "--group",
        "layer",
        "--curve",
        "power",
        "--noise",
        "student-t",
        "--nu",
        5,
        "--dense-limit",
        768,
        "--pool",
        "k=common",
        "--at-hit",
        0.1,
        "--at-hit",
        0.03,
        "--at-l0",
        25,
        "--draws",
        70,
        "--chains",
        2,
        "--seed",
        7,
        "--thin",
        2,
        "--quiet",
    ]
    first, second = tmp_path / "first", tmp_path / "a" / "second"
    done = run("fit", data, "--baseline", "relu", "--out", first, *options)
    assert done.status in (0, 1), done.err
    sampler_options = tomllib.loads((first / "hillfront.toml").read_text())
    assert sampler_options == {
        "data": "../data/saes.csv",
        "baseline": "relu",
        "format": "csv",
        "variant": "variant",
        "group": ["layer"],
        "l0": "l0",
        "curve": "power",
        "noise": "student-t",
        "nu": 5.0,
        "pool": ["k=common"],
        "dense-limit": "768",
        "relative-sparsity": False,
        "at-hit": [0.1, 0.03],
        "at-l0": [25.0],
        "on-fault": "raise",
        "draws": 70,
        "tune": 1000,
        "chains": 2,
        "seed": 7,
        "thin": 2,
    }
    again = run("fit", "--config", first / "hillfront.toml", "--out", second, "--quiet")
    assert (again.status, again.err) == (done.status, done.err)
    for name, table in tables(first).items():
        pd.testing.assert_frame_equal(table, tables(second)[name])
    repeated = tomllib.loads((second / "hillfront.toml").read_text())
    assert repeated == sampler_options | {"data": "../../data/saes.csv"}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("sede = 2", r"unknown option 'sede'\. Did you mean 'seed'\?"),
        ("at-hits = [0.1]", r"unknown option 'at-hits'\. Did you mean 'at-hit'\?"),
        ("zzzz = 1", r"unknown option 'zzzz'\. Allowed: data, baseline, out, format,"),
        ("config = 'x'", r"unknown option 'config'"),
        ('seed = "2"', r'seed = "2": a whole number was expected'),
        ("seed = 2.5", r"seed = 2\.5: a whole number was expected"),
        ("seed = true", r"seed = true: a whole number was expected"),
        ("seed = [2]", r"seed = \[2\]: a whole number was expected"),
        ('nu = "four"', r'nu = "four": a number was expected'),
        ("curve = 1", r"curve = 1: text in quotes was expected"),
        ("quiet = 1", r"quiet = 1: true or false was expected"),
        ('at-hit = [0.1, "x"]', r'at-hit = \[0\.1, "x"\]: a number, or a list of such, was expected'),
        ("dense-limit = true", r"dense-limit = true: text in quotes or a number was expected"),
        ("at-hit = [0.1]\nat_hit = [0.2]", r"'at_hit' is given twice, with dashes and with underscores"),
        ("pool = {k = 1}", r"pool = \{'k': 1\}: text in quotes, or a list of such, was expected"),
    ],
)
def test_settings_that_do_not_fit(run: Run, data: Path, tmp_path: Path, line: str, text: str) -> None:
    path = written(data, *USUAL, 'out = "../out"', line)
    done = run("fit", "--config", path)
    assert (done.status, done.out) == (2, "")
    assert re.match(rf"hillfront: {re.escape(str(path))} does not fit:\n- {text}", done.err)
    assert not (tmp_path / "out").exists()


def test_all_settings_that_do_not_fit_in_one_error(run: Run, data: Path) -> None:
    done = run("fit", "--config", written(data, "sede = 1", "draws = 'x'", "quiet = 3"))
    assert done.err.count("\n- ") == 3


def test_values_that_an_option_refuses(run: Run, data: Path, tmp_path: Path) -> None:
    done = run("fit", "--config", written(data, *USUAL, 'on-fault = "ignore"'), "--out", tmp_path / "out")
    assert done.status == 2
    assert all(word in done.err for word in ("--on-fault", "ignore", "raise", "drop"))
    done = run("fit", "--config", written(data, *USUAL, 'curve = "hil"'), "--out", tmp_path / "out")
    assert (done.status, "Unknown curve family 'hil'" in done.err) == (2, True)


def test_a_number_for_the_dense_limit(
    run: Run, data: Path, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    run("fit", "--config", written(data, *USUAL, "dense-limit = 768"), "--out", tmp_path / "out")
    assert tomllib.loads((tmp_path / "out" / "hillfront.toml").read_text())["dense-limit"] == "768"


def test_files_that_are_no_settings(run: Run, data: Path, tmp_path: Path) -> None:
    done = run("fit", "--config", tmp_path / "no.toml")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"hillfront: There is no file {tmp_path / 'no.toml'}.")
    done = run("fit", "--config", written(data, "seed = = 2"))
    assert (done.status, "cannot be read as TOML" in done.err, "line 2" in done.err) == (2, True, True)


def test_what_is_still_missing_is_named(run: Run, data: Path) -> None:
    done = run("fit", "--config", written(data, *USUAL))
    assert (done.status, "--out" in done.err) == (2, True)


def test_text_that_needs_escapes(tmp_path: Path) -> None:
    """Names of columns and variants come back as they were."""
    odd = 'a "quoted" \\ back\tslash\n ü 日本 \x7f \x00'
    sampler_options = {
        "baseline": odd,
        "group": [odd, "b"],
        "nu": 1e-05,
        "at_hit": [0.1],
        "cost": None,
        "pool": [],
    }
    text = config_text(
        sampler_options,
        data=tmp_path / "d d" / "s.csv",
        out=tmp_path / "o",
        data_hash="0" * 64,
        versions=["x 1"],
    )
    assert tomllib.loads(text) == {
        "data": "../d d/s.csv",
        "baseline": odd,
        "group": [odd, "b"],
        "nu": 1e-05,
        "at-hit": [0.1],
    }
    assert text.startswith("# Repeat this run: hillfront fit --config hillfront.toml --out ")
    assert str(tmp_path) not in text

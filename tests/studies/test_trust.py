"""The page of all studies, quickly; and studies that are killed, or run elsewhere, yet find the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from commands import command
from hillfront.studies import simulated
from hillfront.studies.coverage import coverage, coverage_cases
from hillfront.studies.engine import cluster
from hillfront.studies.selection_study import METHODS, selection_cases, selection_study
from hillfront.studies.trust import QUICK

CASES = coverage_cases(points=(4,), settings=(1,), sigma=(0.1,))
SETS = 5


def table(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="seconds")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    work = tmp_path_factory.mktemp("whole") / "coverage.jsonl"
    return table(coverage(CASES, sets=SETS, work=work))


@pytest.mark.slow
def test_every_part_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Short chains do for all but the numbers; the rows of selected SAEs, slow to compile, are read too."""
    monkeypatch.setattr(simulated, "DRAWS", 100)
    monkeypatch.setattr(simulated, "TUNE", 100)
    out, work = tmp_path / "out", tmp_path / "work"
    out.mkdir()
    start = time.perf_counter()
    arguments = ("study", "trust", "--quick", "--out", out, "--work", work)
    done = command(monkeypatch, capsys, *arguments)
    assert time.perf_counter() - start < 300
    assert done.status == 0, done.err
    page = (out / "calibration.md").read_text()
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Calibration: is the posterior what it says it is?",
        "## Coverage: do 90% intervals contain a fixed truth?",
        "## Verdicts: how often are they wrong, and how often right?",
        "## A grid of cases",
        "## Where the sets are not as the model supposes",
        "## How many SAEs does a comparison need?",
        "## What fitting only Pareto-optimal SAEs does",
    ]
    for name in re.findall(r"\]\(([\w.]+)\)", page):
        assert (out / name).stat().st_size > 10_000
    assert "nan" not in page
    rows = selection_study(
        selection_cases(trained=QUICK.trained), sets=QUICK.selection, work=work / "selection.jsonl"
    )
    assert rows["method"].tolist() == list(METHODS) * 2 * QUICK.selection
    assert (rows["error"] == "").all()
    kept, sigma = (
        rows.pivot(index=["sigma", "set_index"], columns="method", values=name)
        for name in ("kept", "sigma_found")
    )
    assert (kept["all trained"] == 8 + 24).all()
    assert (kept["with n_trained"] == kept["Pareto-optimal"]).all()
    assert (kept["with n_trained"] < 8 + 24).all()
    # The kept ones scatter less than all did, set by set or not.
    assert np.log(sigma["with n_trained"] / sigma["Pareto-optimal"]).mean() > 0
    # Again, from the finished fits alone; its figures need no pixels.
    monkeypatch.setattr(Figure, "savefig", lambda *_, **__: None)
    start = time.perf_counter()
    assert command(monkeypatch, capsys, *arguments).status == 0
    assert time.perf_counter() - start < 60
    assert (out / "calibration.md").read_text() == page


def test_the_page_needs_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = command(monkeypatch, capsys, "study", "trust", "--out", tmp_path / "no", "--work", tmp_path / "w")
    assert done.status == 2
    assert "Make it first." in done.err
    assert not (tmp_path / "w").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_two_workers_that_were_killed_find_the_same(tmp_path: Path, uninterrupted: pd.DataFrame) -> None:
    """Killed from outside after some sets, which one process then goes on with."""
    out = tmp_path / "out"
    work = out / "coverage.jsonl"
    study = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "hillfront",
            "study",
            "coverage",
            "--out",
            str(out),
            "--sets",
            str(SETS),
            "--settings",
            "1",
            "--sigma",
            "0.1",
            "--workers",
            "2",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 240
    while not (work.is_file() and len(work.read_text().splitlines()) >= 2):
        assert study.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, "no fit was finished"
        time.sleep(0.02)
    os.killpg(study.pid, signal.SIGKILL)
    study.wait()
    finished = len(work.read_text().splitlines())
    assert 2 <= finished < SETS
    pd.testing.assert_frame_equal(table(coverage(CASES, sets=SETS, work=work)), uninterrupted)


@pytest.mark.slow
def test_a_dask_cluster_finds_the_same(tmp_path: Path, uninterrupted: pd.DataFrame) -> None:
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "processes": True}
    with distributed.LocalCluster(**options) as local, cluster(local.scheduler_address) as workers:
        assert workers == 2
        rows = coverage(CASES, sets=SETS, work=tmp_path / "dask.jsonl", workers=workers)
    pd.testing.assert_frame_equal(table(rows), uninterrupted)

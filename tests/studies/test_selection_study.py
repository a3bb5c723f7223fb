"""The selection study: what each method is told, what its table counts, and its command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commands import command
from hillfront.fits.simulation import simulate
from hillfront.studies.selection_study import (
    METHODS,
    selection_summary,
    tables_of,
)


def test_each_method_is_told_what_it_says() -> None:
    simulation = simulate(n_trained={"baseline": 8, "variant": 64}, gain=1.0, sigma=0.3, random_seed=1)
    told = tables_of(simulation.trained, simulation.frontiers)
    assert tuple(told) == METHODS
    assert len(told["all trained"]) == 72
    assert "n_trained" not in told["all trained"].table
    kept = simulation.frontiers.table.groupby("variant")["l0"].size()

    def trained(method: str) -> dict[str, float]:
        return told[method].table.groupby("variant")["n_trained"].first().to_dict()

    assert trained("Pareto-optimal") == kept.to_dict()
    assert trained("with n_trained") == {"baseline": 8, "variant": 64}
    assert trained("half of n_trained") == {"baseline": max(4, kept["baseline"]), "variant": 32}


def test_all_that_were_trained_hold_the_kept_ones() -> None:
    simulation = simulate(n_trained=20, sigma=0.3, random_seed=2)
    everyone, kept = (
        set(zip(table["l0"], table["performance_hit"], strict=True))
        for table in (simulation.trained.table, simulation.frontiers.table)
    )
    assert kept < everyone
    assert len(everyone) == 40
    plain = simulate(random_seed=2)
    assert plain.trained is plain.frontiers


def test_the_summary_counts_by_method() -> None:
    case = {"trained_baseline": 8, "trained_variant": 64, "settings": 1, "sigma": 0.2, "gain": 1.0}
    rows = pd.DataFrame(
        {
            **case,
            "method": ["a", "a", "b", None],
            "kept": 10,
            "truth": 1.0,
            "lower": [0.5, 1.1, 0.9, np.nan],
            "median": [1.0, 1.21, 1.0, np.nan],
            "upper": [2.0, 4.4, 1.1, np.nan],
            "sigma_found": 0.1,
            "verdict": ["undecided", "better", "worse", ""],
            "divergences": [0, 2, 0, np.nan],
            "error": ["", "", "", "ValueError: no"],
        }
    )
    table = selection_summary(rows).set_index("method")
    assert table.loc["a", "bias"] == pytest.approx(1.1)
    assert table.loc["a", ["sets", "covered", "better", "worse", "diverged"]].tolist() == [
        2,
        0.5,
        0.5,
        0,
        0.5,
    ]
    assert table.loc["a", "width"] == pytest.approx(4.0)
    assert table.loc["b", "sigma_share"] == pytest.approx(0.5)
    assert table["failed"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--trained", "8"], "--trained 8: give the SAEs of the baseline and of the variant"),
        (["--trained", "2-8"], "train three SAEs or more"),
        (["--sets", "0"], "--sets 0, --workers 1: give 1 or more of each."),
        (["--sigma", "-1"], "positive numbers"),
    ],
)
def test_bad_options_are_named(
    options: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = command(monkeypatch, capsys, "study", "selection", "--out", tmp_path / "out", *options)
    assert done.status == 2
    assert text in done.err
    assert not (tmp_path / "out").exists()

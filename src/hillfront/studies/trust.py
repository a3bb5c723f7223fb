"""All studies behind docs/calibration.md, in one resumable run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.studies.calibration import calibration
from hillfront.studies.coverage import coverage, coverage_cases
from hillfront.studies.design_study import SWEEPS, design_study
from hillfront.studies.engine import task_seed
from hillfront.studies.selection_study import packaged_selection, selection_cases, selection_study

__all__ = ["FULL", "QUICK", "Sizes", "Trust", "run_trust"]


@dataclass(frozen=True)
class Sizes:
    """Numbers of simulated sets of each study, by case.

    Attributes
    ----------
    calibration, coverage, oracle, grid, departures, design, selection : int
        Sets of each study; those of ``coverage`` are of its main cases, ``oracle`` of which the oracle fits
        too, beside its ``grid`` and its ``departures`` from the model.
    grid_points, grid_settings, design_points, design_settings : tuple of int
    trained : tuple of (int, int)
        SAEs trained for the baseline and the variant.
    models : tuple of str
        Models of the packaged tables.
    """

    calibration: int = 500
    coverage: int = 500
    oracle: int = 60
    grid: int = 6
    departures: int = 50
    design: int = 12
    selection: int = 25
    grid_points: tuple[int, ...] = (3, 4, 6, 8)
    grid_settings: tuple[int, ...] = (1, 3, 6)
    design_points: tuple[int, ...] = (3, 4, 6, 8, 12)
    design_settings: tuple[int, ...] = (1, 3, 6)
    trained: tuple[tuple[int, int], ...] = ((8, 64), (8, 8))
    models: tuple[str, ...] = ("Gemma-7B",)


FULL: Final = Sizes()

QUICK: Final = Sizes(
    calibration=6,
    coverage=3,
    oracle=0,
    grid=1,
    departures=1,
    design=2,
    selection=2,
    grid_points=(4,),
    grid_settings=(1,),
    design_points=(3, 4),
    design_settings=(1,),
    trained=((8, 24),),
    models=(),
)
"""Enough to run every part once, but for the oracle, which compiles many models; its numbers mean nothing."""

GAIN: Final = 1.3
SIGMA: Final = 0.1
"""Target of the page's design study, with the scatter to expect."""


@dataclass(frozen=True)
class Trust:
    """Rows of every study, as the studies return them.

    Attributes
    ----------
    calibration, coverage, grid, departures, design, check, selection, packaged : pandas.DataFrame
        ``coverage`` has the main cases, and identical curves; ``check`` is the design study of one of its
        cases, with seeds of its own.
    sizes : Sizes
    kept_draws : tuple of int
        Draws kept of each chain; several where a study was resumed after that number was changed.
    minutes : float
        Sum of what the fits took, over all processes, in minutes.
    failed : int
        Tasks that ended in an error; their rows say which.
    """

    calibration: pd.DataFrame
    coverage: pd.DataFrame
    grid: pd.DataFrame
    departures: pd.DataFrame
    design: pd.DataFrame
    check: pd.DataFrame
    selection: pd.DataFrame
    packaged: pd.DataFrame
    sizes: Sizes
    kept_draws: tuple[int, ...]
    minutes: float
    failed: int


def run_trust(
    *,
    work: Path,
    sizes: Sizes = FULL,
    workers: int = 1,
    random_seed: int = 1,
    progressbar: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Trust:
    """Run every study, or what is left of it: each keeps its finished fits in a file of the work folder.

    Parameters
    ----------
    work : Path
        Folder of the finished fits; made if it is not there.
    sizes : Sizes
    workers, progressbar
        As for :func:`hillfront.studies.engine.run`.
    random_seed : int
    say : callable
        Is told which study comes next.
    """
    common: dict[str, Any] = {"workers": workers, "random_seed": random_seed, "progressbar": progressbar}
    coverage_work = work / "coverage.jsonl"
    say("calibration")
    calibration_rows = calibration(sets=sizes.calibration, work=work / "calibration.jsonl", **common)
    say("coverage")
    apart = coverage(
        coverage_cases(), sets=sizes.coverage, oracle_sets=sizes.oracle, work=coverage_work, **common
    )
    # Of identical curves the verdicts are read, which an oracle has nothing to say about.
    identical = coverage(
        coverage_cases(sigma=(0.1,), gain=(1.0,)), sets=sizes.coverage, work=coverage_work, **common
    )
    coverage_rows = pd.concat([apart, identical], ignore_index=True)
    say("selection")
    selection = selection_study(
        selection_cases(trained=sizes.trained), sets=sizes.selection, work=work / "selection.jsonl", **common
    )
    say("designs")
    design = design_study(
        gain=GAIN,
        sigma=SIGMA,
        work=work / "design.jsonl",
        points=sizes.design_points,
        settings=sizes.design_settings,
        sweeps=SWEEPS,
        sets=sizes.design,
        **common,
    )
    say("the design study of a case of the coverage study")
    check = design_study(
        gain=2.0,
        sigma=0.1,
        work=work / "design.jsonl",
        points=(4,),
        settings=(3,),
        sweeps=((10.0, 200.0),),
        sets=8 * sizes.design,
        interaction_sd=0.0,
        **{**common, "random_seed": task_seed("check", {}, 0, random_seed=random_seed)},
    )
    say("coverage where the sets depart from the model")
    departures = coverage(
        coverage_cases(
            sigma=(0.1,), noise=("heavy-tails", "outliers", "additive", "wrong-family", "dense-limit")
        ),
        sets=sizes.departures,
        work=coverage_work,
        **common,
    )
    say("coverage over a grid")
    grid = coverage(
        coverage_cases(points=sizes.grid_points, settings=sizes.grid_settings, gain=(1.0, 1.5, 3.0)),
        sets=sizes.grid,
        work=coverage_work,
        **common,
    )
    say("the packaged tables")
    packaged = packaged_selection(sizes.models, work=work / "packaged.jsonl", **common)
    parts = (calibration_rows, coverage_rows, grid, departures, design, check, selection, packaged)
    ran = [rows for rows in parts if len(rows)]
    # Each of a task's rows has its time.
    seconds = sum(float(rows.drop_duplicates(["random_seed", "seconds"])["seconds"].sum()) for rows in ran)
    failed = sum(int((rows["error"] != "").sum()) for rows in ran)
    lengths = {int(length) for rows in ran if "kept_draws" in rows for length in rows["kept_draws"].dropna()}
    return Trust(*parts, sizes, tuple(sorted(lengths)), seconds / 60.0, failed)

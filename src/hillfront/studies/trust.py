"""All studies behind docs/calibration.md, in one resumable run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.studies.calibration import calibration
from hillfront.studies.coverage import coverage, coverage_cells
from hillfront.studies.design_study import SWEEPS, design_study
from hillfront.studies.engine import task_seed
from hillfront.studies.packaged_selection import packaged_selection
from hillfront.studies.selection_study import selection_cells, selection_study

__all__ = ["FULL", "QUICK", "Sizes", "Trust", "run_trust"]


@dataclass(frozen=True)
class Sizes:
    """How many simulated sets each study has, of each of its cells.

    Attributes
    ----------
    calibration, coverage, oracle, grid, departures, design, selection : int
        Sets of the calibration study; of the main cells of the coverage study, and how many of these the
        oracle fits too; of its grid; of the cells that depart from the model; of each design; and of each
        cell of the selection study.
    grid_settings, design_settings, design_points : tuple of int
        Sizes in the grid and among the designs.
    grid_points : tuple of int
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
"""What the page's designs are to find, with the scatter to expect."""


@dataclass(frozen=True)
class Trust:
    """Rows of every study, as the studies return them.

    Attributes
    ----------
    calibration, coverage, grid, departures, design, check, selection, packaged : pandas.DataFrame
        ``coverage`` has the main cells, and identical curves; ``check`` is the design study of one of its
        cells, with seeds of its own.
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
    work_of_coverage = work / "coverage.jsonl"
    say("calibration")
    of_calibration = calibration(sets=sizes.calibration, work=work / "calibration.jsonl", **common)
    say("coverage")
    apart = coverage(
        coverage_cells(), sets=sizes.coverage, oracle_sets=sizes.oracle, work=work_of_coverage, **common
    )
    # Of identical curves the verdicts are read, which an oracle has nothing to say about.
    identical = coverage(
        coverage_cells(sigma=(0.1,), gain=(1.0,)), sets=sizes.coverage, work=work_of_coverage, **common
    )
    of_coverage = pd.concat([apart, identical], ignore_index=True)
    say("selection")
    selection = selection_study(
        selection_cells(trained=sizes.trained), sets=sizes.selection, work=work / "selection.jsonl", **common
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
    say("the design of a cell of the coverage study")
    check = design_study(
        gain=2.0,
        sigma=0.1,
        work=work / "design.jsonl",
        points=(4,),
        settings=(3,),
        sweeps=((10.0, 200.0),),
        sets=8 * sizes.design,
        interaction_sd=0.0,
        workers=workers,
        progressbar=progressbar,
        random_seed=task_seed("check", {}, 0, random_seed=random_seed),
    )
    say("coverage where the sets depart from the model")
    departures = coverage(
        coverage_cells(
            sigma=(0.1,), noise=("heavy-tails", "outliers", "additive", "wrong-family", "dense-limit")
        ),
        sets=sizes.departures,
        work=work_of_coverage,
        **common,
    )
    say("coverage over a grid")
    grid = coverage(
        coverage_cells(points=sizes.grid_points, settings=sizes.grid_settings, gain=(1.0, 1.5, 3.0)),
        sets=sizes.grid,
        work=work_of_coverage,
        **common,
    )
    say("the packaged tables")
    packaged = packaged_selection(sizes.models, work=work / "packaged.jsonl", **common)
    parts = (of_calibration, of_coverage, grid, departures, design, check, selection, packaged)
    seconds = sum(_seconds(rows) for rows in parts)
    failed = sum(int((rows["error"] != "").sum()) for rows in parts if len(rows))
    lengths = {
        int(length) for rows in parts if "kept_draws" in rows for length in rows["kept_draws"].dropna()
    }
    return Trust(*parts, sizes, tuple(sorted(lengths)), seconds / 60.0, failed)


def _seconds(rows: pd.DataFrame) -> float:
    """Sum what the tasks took; each of a task's rows has its time."""
    if rows.empty:
        return 0.0
    return float(rows.drop_duplicates(["random_seed", "seconds"])["seconds"].sum())

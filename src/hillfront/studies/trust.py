"""All studies behind docs/calibration.md, in one resumable run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.studies.calibration import calibration
from hillfront.studies.coverage import coverage, coverage_cases
from hillfront.studies.design_study import design_study
from hillfront.studies.engine import task_seed
from hillfront.studies.selection_study import packaged_selection, selection_cases, selection_study
from hillfront.studies.simulated import DEPARTURES

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
    design=1,
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
    rows : mapping of str to pandas.DataFrame
        By name: calibration, coverage, grid, departures, design, check, selection, packaged. ``coverage`` has
        the main cases, and identical curves; ``check`` is the design study of one of its cases, with seeds of
        its own.
    sizes : Sizes
    """

    rows: Mapping[str, pd.DataFrame]
    sizes: Sizes

    @property
    def kept_draws(self) -> list[int]:
        """Draws kept of each chain; several where a study was resumed after that number was changed."""
        found = [rows["kept_draws"].dropna() for rows in self.rows.values() if "kept_draws" in rows]
        return sorted({int(length) for lengths in found for length in lengths})

    @property
    def minutes(self) -> float:
        """Sum of what the fits took, over all processes, in minutes."""
        # Each of a task's rows has its time.
        tasks = [rows.drop_duplicates(["random_seed", "seconds"]) for rows in self.rows.values() if len(rows)]
        return sum(float(rows["seconds"].sum()) for rows in tasks) / 60.0

    @property
    def failed(self) -> int:
        """Tasks that ended in an error; their rows say which."""
        return sum(int((rows["error"] != "").sum()) for rows in self.rows.values() if len(rows))


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
    rows: dict[str, pd.DataFrame] = {}

    def study(name: str, words: str, run: Callable[..., pd.DataFrame], file: str, **options: Any) -> None:
        say(words)
        common = {"workers": workers, "random_seed": random_seed, "progressbar": progressbar}
        rows[name] = run(work=work / f"{file}.jsonl", **(common | options))

    def covered(name: str, words: str, sets: int, oracle_sets: int = 0, **cases: Any) -> None:
        of_cases = partial(coverage, coverage_cases(**cases), sets=sets, oracle_sets=oracle_sets)
        study(name, words, of_cases, "coverage")

    study("calibration", "calibration", calibration, "calibration", sets=sizes.calibration)
    covered("coverage", "coverage", sizes.coverage, sizes.oracle)
    # Of these the verdicts are read, which an oracle has nothing to say about.
    covered("identical", "coverage of identical curves", sizes.coverage, sigma=(0.1,), gain=(1.0,))
    rows["coverage"] = pd.concat([rows["coverage"], rows.pop("identical")], ignore_index=True)
    trained = partial(selection_study, selection_cases(trained=sizes.trained))
    study("selection", "selection", trained, "selection", sets=sizes.selection)
    designs = {"points": sizes.design_points, "settings": sizes.design_settings, "sets": sizes.design}
    study("design", "designs", design_study, "design", gain=GAIN, sigma=SIGMA, **designs)
    study(
        "check",
        "the design study of a case of the coverage study",
        design_study,
        "design",
        gain=2.0,
        sigma=0.1,
        points=(4,),
        settings=(3,),
        sweeps=((10.0, 200.0),),
        sets=8 * sizes.design,
        interaction_sd=0.0,
        random_seed=task_seed("check", {}, 0, random_seed=random_seed),
    )
    departures: dict[str, Any] = {"sigma": (0.1,), "noise": [name for name in DEPARTURES if name != "normal"]}
    words = "coverage where the sets depart from the model"
    covered("departures", words, sizes.departures, **departures)
    grid: dict[str, Any] = {
        "points": sizes.grid_points,
        "settings": sizes.grid_settings,
        "gain": (1.0, 1.5, 3.0),
    }
    covered("grid", "coverage over a grid", sizes.grid, **grid)
    models = partial(packaged_selection, sizes.models)
    study("packaged", "the packaged tables", models, "packaged")
    return Trust(rows, sizes)

"""Do intervals contain the truth as often as they say, and are verdicts wrong no more often than they say?

On sets of known truth, fixed and not drawn from the priors, beside what users would otherwise do, and beside
an oracle: the same model, told the true scatter, which shows what not knowing it costs in width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.studies.engine import Task, run, task_seed
from hillfront.studies.refits import prepared_for, refit
from hillfront.studies.rivals import rival_rows
from hillfront.studies.scenarios import AT_HIT, scenario_named, simulated_set

__all__ = ["CELL", "HILLFRONT", "ORACLE", "QUANTITIES", "coverage", "coverage_cells", "one_set"]

QUANTITIES: Final = ("mean_sparsity_gain", "sparsity_gain")
CELL: Final = ("points", "settings", "sigma", "gain", "noise")
HILLFRONT: Final = "hillfront"
ORACLE: Final = "oracle"


def coverage_cells(
    *,
    points: Sequence[int] = (4,),
    settings: Sequence[int] = (1, 3),
    sigma: Sequence[float] = (0.03, 0.1, 0.3),
    gain: Sequence[float] = (2.0,),
    noise: Sequence[str] = ("normal",),
) -> list[dict[str, Any]]:
    """Every combination of what a study varies.

    Parameters
    ----------
    points, settings : sequence of int
        SAEs a curve, and settings.
    sigma : sequence of float
        True scatter on the logit scale.
    gain : sequence of float
        True sparsity gain at a hit of 0.05; with 1, the two curves are identical.
    noise : sequence of str
        Names among :data:`hillfront.studies.scenarios.SCENARIOS`.

    Raises
    ------
    ValueError
        For fewer than two SAEs a curve, no settings, scatter or gain that is not positive, or an unknown
        noise.

    Examples
    --------
    >>> len(coverage_cells()), coverage_cells()[0]
    (6, {'points': 4, 'settings': 1, 'sigma': 0.03, 'gain': 2.0, 'noise': 'normal'})
    """
    for name, values, least in (("points", points, 2), ("settings", settings, 1)):
        if min(values) < least:
            raise ValueError(f"{name}={list(values)}: a set has {least} or more {name}.")
    for name, scales in (("sigma", sigma), ("gain", gain)):
        if not all(0.0 < value < float("inf") for value in scales):
            raise ValueError(f"{name}={list(scales)}: give positive numbers.")
    for name in noise:
        scenario_named(name)
    return [dict(zip(CELL, values, strict=True)) for values in product(points, settings, sigma, gain, noise)]


def coverage(
    cells: Sequence[Mapping[str, Any]],
    *,
    sets: int,
    oracle_sets: int = 0,
    work: Path,
    workers: int = 1,
    random_seed: int = 1,
    progressbar: bool = False,
) -> pd.DataFrame:
    """Simulate, fit and compare with the truth: one row a set, method and quantity; see :func:`one_set`.

    Parameters
    ----------
    cells : sequence of mapping
        From :func:`coverage_cells`.
    sets : int
        Simulated sets of each cell.
    oracle_sets : int
        Of these, the first so many are also fitted with the true sigma, which costs as much again.
    work, workers, progress
        As for :func:`hillfront.studies.engine.run`.
    random_seed : int

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ValueError
        For fewer than one set, or more oracle sets than sets.
    """
    if sets < 1 or not 0 <= oracle_sets <= sets:
        raise ValueError(
            f"sets={sets}, oracle_sets={oracle_sets}: give 1 set or more, and from 0 up to all of them to "
            "the oracle."
        )
    tasks = [
        # A cell's seed does not depend on what is fitted, so the oracle sees the same sets.
        Task(
            {**cell, "sigma_known": known}, index, task_seed("coverage", cell, index, random_seed=random_seed)
        )
        for cell in cells
        for known, number in ((False, sets), (True, oracle_sets))
        for index in range(number)
    ]
    return run(one_set, tasks, work=work, workers=workers, progressbar=progressbar)


def one_set(task: Task) -> list[dict[str, Any]]:
    """Fit one simulated set: as users would and in every rival way, or once with sigma known.

    Returns
    -------
    list of dict
        method, quantity (averages over the settings), truth, lower, median, upper; for posteriors also
        verdict, divergences and kept_draws; for the bootstrap redrawn and undefined, see
        :func:`hillfront.studies.rivals.rival_rows`.
    """
    cell = dict(task.cell)
    known = cell.pop("sigma_known")
    simulation = simulated_set(**cell, random_seed=task.random_seed)
    truth = simulation.truth.query("scope == 'average'").set_index("quantity")["value"]
    prepared = prepared_for(settings=cell["settings"], sigma=cell["sigma"] if known else None)
    found = refit(prepared, simulation.frontiers, at_hit=[AT_HIT], random_seed=task.random_seed)
    table = found.improvement.summary
    average = table[table["scope"] == "average"].set_index("quantity")
    rows: list[dict[str, Any]] = [
        {
            "method": ORACLE if known else HILLFRONT,
            "quantity": quantity,
            **{name: float(average[name][quantity]) for name in ("lower", "median", "upper")},
            "verdict": found.verdict,
            "divergences": found.divergences,
            "kept_draws": found.kept_draws,
        }
        for quantity in QUANTITIES
        if quantity in average.index
    ]
    if not known:
        rows += rival_rows(simulation.frontiers, at_hit=AT_HIT, random_seed=task.random_seed)
    return [row | {"truth": float(truth[row["quantity"]])} for row in rows if row["quantity"] in truth.index]

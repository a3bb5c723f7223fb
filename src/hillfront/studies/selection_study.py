"""What fitting only Pareto-optimal SAEs does, and what the number of trained ones takes back.

Of each curve so many SAEs are trained, at L0 values spread evenly in log L0 and with independent scatter; the
same sets are then fitted three times: all that were trained; the Pareto-optimal ones as if they were all; and
these with the number of trained SAEs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from hillfront.estimands.selection import without_selection
from hillfront.fits.fitting import PreparedModel, prepare
from hillfront.fits.simulation import Simulation, simulate
from hillfront.frontiers.table import Frontiers
from hillfront.studies.engine import Task, run, task_seed
from hillfront.studies.refits import prepared_for, refit

__all__ = [
    "GAIN",
    "METHODS",
    "SETTINGS",
    "SIGMA",
    "TRAINED",
    "selection_cells",
    "selection_study",
    "selection_summary",
]

METHODS: Final = ("all trained", "Pareto-optimal", "with n_trained", "half of n_trained")
"""The last is told half the true number, or that of the kept where this is more: users may not count well."""

TRAINED: Final = ((8, 64), (8, 8), (64, 64), (5, 12))
SETTINGS: Final = (1,)
SIGMA: Final = (0.1, 0.3)
GAIN: Final = (1.0,)

_QUANTITY: Final = "mean_sparsity_gain"


def selection_cells(
    *,
    trained: Sequence[tuple[int, int]] = TRAINED,
    settings: Sequence[int] = SETTINGS,
    sigma: Sequence[float] = SIGMA,
    gain: Sequence[float] = GAIN,
) -> list[dict[str, Any]]:
    """Every combination; ``trained`` has the numbers of the baseline and of the variant.

    Raises
    ------
    ValueError
        For fewer than three trained SAEs or one setting, or scatter or a gain that is not positive.

    Examples
    --------
    >>> selection_cells(trained=[(8, 64)], sigma=[0.1])
    [{'trained_baseline': 8, 'trained_variant': 64, 'settings': 1, 'sigma': 0.1, 'gain': 1.0}]
    """
    if min(min(pair) for pair in trained) < 3:
        raise ValueError(f"trained={list(trained)}: train three SAEs or more of each curve.")
    if min(settings) < 1 or min(*sigma, *gain) <= 0:
        raise ValueError(
            f"settings={list(settings)}, sigma={list(sigma)}, gain={list(gain)}: give one setting or more, "
            "and positive numbers."
        )
    return [
        {"trained_baseline": b, "trained_variant": v, "settings": g, "sigma": s, "gain": factor}
        for b, v in trained
        for g in settings
        for s in sigma
        for factor in gain
    ]


def selection_study(
    cells: Sequence[Mapping[str, Any]],
    *,
    sets: int,
    work: Path,
    workers: int = 1,
    random_seed: int = 1,
    progressbar: bool = False,
) -> pd.DataFrame:
    """Simulate sets and fit each in every way; one row a set and method, see :func:`one_selection`."""
    tasks = [
        Task(cell, index, task_seed("selection", cell, index, random_seed=random_seed))
        for cell in cells
        for index in range(sets)
    ]
    return run(one_selection, tasks, work=work, workers=workers, progressbar=progressbar)


def one_selection(task: Task) -> list[dict[str, Any]]:
    """Fit one simulated set in every way.

    Returns
    -------
    list of dict
        method, kept (SAEs), truth, lower, median, upper (of the mean sparsity gain on average over the
        settings), sigma (posterior median), verdict, divergences, kept_draws.
    """
    cell = dict(task.cell)
    numbers = {"baseline": cell["trained_baseline"], "variant": cell["trained_variant"]}
    simulation = simulate(
        settings=cell["settings"],
        sigma=cell["sigma"],
        gain=cell["gain"],
        n_trained=numbers,
        random_seed=task.random_seed,
    )
    rows = []
    for method in METHODS:
        frontiers = _as_told(simulation, method)
        selected = "n_trained" in frontiers.table
        model = _selected_model(cell["settings"]) if selected else prepared_for(settings=cell["settings"])
        found = refit(model, frontiers, random_seed=task.random_seed)
        table = found.improvement.summary
        gain = table[(table["quantity"] == _QUANTITY) & (table["scope"] == "average")]
        if gain.empty:
            continue
        rows.append(
            {
                "method": method,
                "kept": len(frontiers),
                "truth": cell["gain"],
                **{name: float(gain[name].iloc[0]) for name in ("lower", "median", "upper")},
                "sigma_found": float(found.posterior["sigma"].median()),
                "verdict": found.verdict,
                "divergences": found.divergences,
                "kept_draws": found.kept_draws,
            }
        )
    return rows


def _as_told(simulation: Simulation, method: str) -> Frontiers:
    """Return the table that a user of each method would fit."""
    if method == "all trained":
        return simulation.trained
    if method == "Pareto-optimal":
        return without_selection(simulation.frontiers)
    if method == "with n_trained":
        return simulation.frontiers
    kept = without_selection(simulation.frontiers).table["n_trained"]
    half = np.maximum(np.floor(simulation.frontiers.table["n_trained"] / 2), kept)
    return replace(simulation.frontiers, table=simulation.frontiers.table.assign(n_trained=half))


@lru_cache(maxsize=8)
def _selected_model(settings: int) -> PreparedModel:
    return prepare(simulate(settings=settings, n_trained=8, random_seed=1).frontiers, baseline="baseline")


def selection_summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate what each method finds, by design.

    Returns
    -------
    pandas.DataFrame
        The cell's columns, method, sets, failed, kept (SAEs a set), bias (geometric mean of the estimated
        gain over the true one) and its standard error on the log scale, covered (90% intervals), width
        (geometric mean of upper / lower), sigma_found over the true sigma, better, worse (shares of
        verdicts), diverged (share of sets).
    """
    cell = ["trained_baseline", "trained_variant", "settings", "sigma", "gain"]
    good = rows[rows["error"] == ""]
    error = np.log(good["median"] / good["truth"])
    frame = good.assign(
        log_bias=error,
        inside=(good["lower"] <= good["truth"]) & (good["truth"] <= good["upper"]),
        log_width=np.log(good["upper"] / good["lower"]),
        share=good["sigma_found"] / good["sigma"],
        is_better=good["verdict"] == "better",
        is_worse=good["verdict"] == "worse",
        diverges=good["divergences"] > 0,
    )
    grouped = frame.groupby([*cell, "method"], sort=False)
    table = grouped.agg(
        sets=("inside", "size"),
        kept=("kept", "mean"),
        bias=("log_bias", "mean"),
        bias_se=("log_bias", "sem"),
        covered=("inside", "mean"),
        width=("log_width", "mean"),
        sigma_share=("share", "mean"),
        better=("is_better", "mean"),
        worse=("is_worse", "mean"),
        diverged=("diverges", "mean"),
    ).reset_index()
    table[["bias", "width"]] = np.exp(table[["bias", "width"]])
    failed = rows[rows["error"] != ""].groupby(cell).size()
    found = table.set_index(cell).index.map(failed.to_dict()).fillna(0).astype(int)
    table.insert(len(cell) + 2, "failed", found)
    return table

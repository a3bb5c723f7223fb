"""A Pareto selection of real SAEs whose others are known: the packaged tables with and without them.

The published sweeps list every trained SAE. Keeping the Pareto-optimal ones of each curve, and telling the
fit how many there were, should give back what all of them say.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from hillfront.datasets import load_dataset
from hillfront.estimands.selection import without_selection
from hillfront.fits.fitting import prepare
from hillfront.frontiers.columns import CURVE
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.studies.engine import Task, run, task_seed
from hillfront.studies.refits import refit

__all__ = ["packaged_selection"]


def packaged_selection(
    models: Sequence[str], *, work: Path, workers: int = 1, random_seed: int = 1, progressbar: bool = False
) -> pd.DataFrame:
    """Fit the packaged table of each model in three ways; one row a model and method.

    Returns
    -------
    pandas.DataFrame
        model, method, saes, lower, median and upper of the mean sparsity gain on average over the settings,
        sigma (posterior median), divergences, and the columns of :func:`hillfront.studies.engine.run`.
    """
    cells = [{"model": model} for model in models]
    tasks = [
        Task(cell, 0, task_seed("packaged selection", cell, 0, random_seed=random_seed)) for cell in cells
    ]
    return run(_one_table, tasks, work=work, workers=workers, progressbar=progressbar)


def _one_table(task: Task) -> list[dict[str, Any]]:
    everyone = _frontiers(str(task.cell["model"]))
    kept = everyone.pareto_only()
    trained = everyone.table.groupby(CURVE)["l0"].size().astype(float).rename("n_trained")
    told = replace(kept, table=kept.table.join(trained, on=CURVE))
    rows = []
    for method, frontiers in (
        ("all trained", everyone),
        ("Pareto-optimal", without_selection(told)),
        ("with n_trained", told),
    ):
        found = refit(prepare(frontiers, baseline="baseline"), frontiers, random_seed=task.random_seed)
        table = found.improvement.summary
        gain = table[(table["quantity"] == "mean_sparsity_gain") & (table["scope"] == "average")].iloc[0]
        rows.append(
            {
                "method": method,
                "saes": len(frontiers),
                **{name: float(gain[name]) for name in ("lower", "median", "upper")},
                "sigma": float(found.posterior["sigma"].median()),
                "divergences": found.divergences,
                "kept_draws": found.kept_draws,
            }
        )
    return rows


def _frontiers(model: str) -> Frontiers:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(
            load_dataset("gated_sae", model=model), group=("site", "layer"), y="loss_recovered"
        )

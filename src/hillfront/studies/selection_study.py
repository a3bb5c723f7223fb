"""The bias of fitting only Pareto-optimal SAEs, and its correction by the number of trained ones.

Of each curve so many SAEs are trained, at L0 values spread evenly in log L0 and with independent scatter; the
same sets are then fitted three times: all that were trained; the Pareto-optimal ones as if they were all; and
these with the number of trained SAEs.

:func:`packaged_selection` does the same with real SAEs: the published sweeps list every trained SAE, so fits
of the Pareto-optimal ones of each curve, with their number, should give back what all of them say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Any, Final, Unpack

import numpy as np
import pandas as pd

from hillfront.datasets import load_dataset
from hillfront.estimands.selection import without_selection
from hillfront.fits.fitting import PreparedModel, prepare
from hillfront.fits.simulation import Simulation, simulate
from hillfront.frontiers.parsing import CURVE
from hillfront.frontiers.table import Frontiers
from hillfront.studies.engine import RunOptions, Task, run_cases
from hillfront.studies.simulated import prepared_for, quiet_frontiers, refit
from hillfront.utils.interface import argument, by_interface

__all__ = [
    "GAIN",
    "METHODS",
    "SETTINGS",
    "SIGMA",
    "TRAINED",
    "packaged_selection",
    "selection_cases",
    "selection_study",
    "selection_summary",
]

METHODS: Final = ("all trained", "Pareto-optimal", "with n_trained", "half of n_trained")
"""The last states half the true number, or that of the kept where this is more: users may not count well."""

TRAINED: Final = ((8, 64), (8, 8), (64, 64), (5, 12))
SETTINGS: Final = (1,)
SIGMA: Final = (0.1, 0.3)
GAIN: Final = (1.0,)

_CASE: Final = ("trained_baseline", "trained_variant", "settings", "sigma", "gain")


def selection_cases(
    *,
    trained: Sequence[tuple[int, int]] = TRAINED,
    settings: Sequence[int] = SETTINGS,
    sigma: Sequence[float] = SIGMA,
    gain: Sequence[float] = GAIN,
) -> list[dict[str, Any]]:
    """Return every combination; ``trained`` has the numbers of the baseline and of the variant.

    Raises
    ------
    ValueError
        For fewer than three trained SAEs or one setting, or scatter or a gain that is not positive.

    Examples
    --------
    >>> selection_cases(trained=[(8, 64)], sigma=[0.1])
    [{'trained_baseline': 8, 'trained_variant': 64, 'settings': 1, 'sigma': 0.1, 'gain': 1.0}]
    """
    if min(min(pair) for pair in trained) < 3:
        given = by_interface(f"trained={list(trained)}", " ".join(f"--trained {b}-{v}" for b, v in trained))
        raise ValueError(f"{given}: train three SAEs or more of each curve.")
    if min(settings) < 1 or min(*sigma, *gain) <= 0:
        raise ValueError(
            f"{argument('settings', *settings)}, {argument('sigma', *sigma)}, {argument('gain', *gain)}: "
            "give one setting or more, and positive numbers."
        )
    return [
        dict(zip(_CASE, (*pair, *others), strict=True))
        for pair, *others in product(trained, settings, sigma, gain)
    ]


def selection_study(
    cases: Iterable[Mapping[str, Any]], *, sets: int, **options: Unpack[RunOptions]
) -> pd.DataFrame:
    """Simulate sets and fit each in every way; one row a set and method, see :func:`one_selection`."""
    return run_cases("selection", one_selection, cases, sets=sets, **options)


def one_selection(task: Task) -> list[dict[str, Any]]:
    """Fit one simulated set in every way.

    Returns
    -------
    list of dict
        method, kept (SAEs), truth, lower, median, upper (of the mean sparsity gain on average over the
        settings), sigma_found (posterior median), verdict, divergences, kept_draws.
    """
    case = task.case
    simulation = simulate(
        settings=case["settings"],
        sigma=case["sigma"],
        gain=case["gain"],
        n_trained={"baseline": case["trained_baseline"], "variant": case["trained_variant"]},
        random_seed=task.random_seed,
    )
    rows = []
    for method in METHODS:
        frontiers = _table_for(simulation, method)
        selected = "n_trained" in frontiers.table
        model = _selected_model(case["settings"]) if selected else prepared_for(settings=case["settings"])
        found = refit(model, frontiers, random_seed=task.random_seed)
        if ends := found.average():
            about = {"method": method, "kept": len(frontiers), "truth": case["gain"]}
            sigma = float(found.posterior["sigma"].median())
            rows.append({**about, **ends, "sigma_found": sigma, **found.about})
    return rows


def _table_for(simulation: Simulation, method: str) -> Frontiers:
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
    """Summarise what each method finds, by case.

    Returns
    -------
    pandas.DataFrame
        The case's columns, method, sets, failed, kept (SAEs a set), bias (geometric mean of the estimated
        gain over the true one) and its standard error on the log scale, covered (90% intervals), width
        (geometric mean of upper / lower), sigma_found over the true sigma, better, worse (shares of
        verdicts), diverged (share of sets).
    """
    case = list(_CASE)
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
    grouped = frame.groupby([*case, "method"], sort=False)
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
    failed = rows[rows["error"] != ""].groupby(case).size()
    found = table.set_index(case).index.map(failed.to_dict()).fillna(0).astype(int)
    table.insert(len(case) + 2, "failed", found)
    return table


def packaged_selection(models: Sequence[str], **options: Unpack[RunOptions]) -> pd.DataFrame:
    """Fit the packaged table of each model in three ways; one row a model and method.

    Returns
    -------
    pandas.DataFrame
        model, method, saes, lower, median and upper of the mean sparsity gain on average over the settings,
        sigma (posterior median), divergences, and the columns of :func:`hillfront.studies.engine.run`.
    """
    cases = [{"model": model} for model in models]
    return run_cases("packaged selection", _one_table, cases, sets=1, **options)


def _one_table(task: Task) -> list[dict[str, Any]]:
    rows = load_dataset("gated_sae", model=str(task.case["model"]))
    everyone = quiet_frontiers(rows, group=("site", "layer"), y="loss_recovered")
    kept = everyone.pareto_only()
    trained = everyone.table.groupby(CURVE)["l0"].size().astype(float).rename("n_trained")
    counted = replace(kept, table=kept.table.join(trained, on=CURVE))
    found = []
    for method, frontiers in (
        ("all trained", everyone),
        ("Pareto-optimal", without_selection(counted)),
        ("with n_trained", counted),
    ):
        fit = refit(prepare(frontiers, baseline="baseline"), frontiers, random_seed=task.random_seed)
        about = {"method": method, "saes": len(frontiers), **fit.average()}
        sigma = float(fit.posterior["sigma"].median())
        found.append({**about, "sigma": sigma, "divergences": fit.divergences, "kept_draws": fit.kept_draws})
    return found

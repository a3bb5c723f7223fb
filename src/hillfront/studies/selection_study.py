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
from itertools import product
from typing import Any, Final, Unpack

import numpy as np
import pandas as pd

from hillfront.datasets import load_dataset
from hillfront.estimands.selection import without_selection
from hillfront.fits.fitting import prepare
from hillfront.fits.simulation import simulate
from hillfront.frontiers.parsing import CURVE
from hillfront.frontiers.table import Frontiers
from hillfront.studies.engine import RunOptions, Task, run_cases
from hillfront.studies.simulated import prepared_for, quiet_frontiers, refit, with_outcomes
from hillfront.utils.interface import argument, by_interface

__all__ = ["METHODS", "packaged_selection", "selection_cases", "selection_study", "selection_summary"]

METHODS: Final = ("all trained", "Pareto-optimal", "with n_trained", "half of n_trained")
"""The last states half the true number, or that of the kept where this is more: users may not count well."""

_CASE: Final = ("trained_baseline", "trained_variant", "settings", "sigma", "gain")


def selection_cases(
    *,
    trained: Sequence[tuple[int, int]] = ((8, 64), (8, 8), (64, 64), (5, 12)),
    settings: Sequence[int] = (1,),
    sigma: Sequence[float] = (0.1, 0.3),
    gain: Sequence[float] = (1.0,),
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
    for method, frontiers in tables_of(simulation.trained, simulation.frontiers).items():
        selected = {"n_trained": 8} if "n_trained" in frontiers.table else {}
        model = prepared_for(settings=case["settings"], **selected)
        found = refit(model, frontiers, random_seed=task.random_seed)
        if ends := found.average():
            about = {"method": method, "kept": len(frontiers), "truth": case["gain"]}
            rows.append({**about, **ends, "sigma_found": found.sigma, **found.about})
    return rows


def tables_of(trained: Frontiers, kept: Frontiers) -> dict[str, Frontiers]:
    """Return the table that a user of each method would fit, of the kept SAEs and their true number."""
    as_if_all = without_selection(kept)
    half = np.maximum(np.floor(kept.table["n_trained"] / 2), as_if_all.table["n_trained"])
    fewer = replace(kept, table=kept.table.assign(n_trained=half))
    return dict(zip(METHODS, (trained, as_if_all, kept, fewer), strict=True))


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
    frame = with_outcomes(rows[rows["error"] == ""])
    frame = frame.assign(
        log_bias=np.log(frame["median"] / frame["truth"]),
        share=frame["sigma_found"] / frame["sigma"],
        better=frame["verdict"] == "better",
        worse=frame["verdict"] == "worse",
    )
    table = (
        frame.groupby([*case, "method"], sort=False)
        .agg(
            sets=("inside", "size"),
            kept=("kept", "mean"),
            bias=("log_bias", "mean"),
            bias_se=("log_bias", "sem"),
            covered=("inside", "mean"),
            width=("log_width", "mean"),
            sigma_share=("share", "mean"),
            better=("better", "mean"),
            worse=("worse", "mean"),
            diverged=("diverged", "mean"),
        )
        .reset_index()
    )
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
    for method, frontiers in list(tables_of(everyone, counted).items())[:3]:
        fit = refit(prepare(frontiers, baseline="baseline"), frontiers, random_seed=task.random_seed)
        about = {"method": method, "saes": len(frontiers), **fit.average()}
        found.append(
            {**about, "sigma": fit.sigma, "divergences": fit.divergences, "kept_draws": fit.kept_draws}
        )
    return found

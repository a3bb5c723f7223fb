"""Do intervals contain the truth as often as they say, and are verdicts wrong no more often than they say?

On sets of known truth, fixed and not drawn from the priors, beside what users would otherwise do, and beside
an oracle: the same model with sigma fixed at its true value, which shows what not knowing it costs in width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from hillfront.studies.engine import Task, run, tasks_of
from hillfront.studies.rivals import rival_rows
from hillfront.studies.simulated import (
    AT_HIT,
    DEPARTURES,
    prepared_for,
    refit,
    simulated_set,
    wilson,
    wilsons,
    with_outcomes,
)
from hillfront.utils.interface import argument
from hillfront.utils.wording import meant

__all__ = [
    "CASE",
    "HILLFRONT",
    "ORACLE",
    "coverage",
    "coverage_cases",
    "coverage_table",
    "one_set",
    "verdict_table",
]

QUANTITIES: Final = ("mean_sparsity_gain", "sparsity_gain")
CASE: Final = ("points", "settings", "sigma", "gain", "noise")
VERDICTS: Final = ("better", "worse", "crossing", "undecided", "no shared range")
HILLFRONT: Final = "hillfront"
ORACLE: Final = "oracle"


def coverage_cases(
    *,
    points: Sequence[int] = (4,),
    settings: Sequence[int] = (1, 3),
    sigma: Sequence[float] = (0.03, 0.1, 0.3),
    gain: Sequence[float] = (2.0,),
    noise: Sequence[str] = ("normal",),
) -> list[dict[str, Any]]:
    """Return every combination of what a study varies.

    Parameters
    ----------
    points, settings : sequence of int
        SAEs a curve, and settings.
    sigma : sequence of float
        True scatter on the logit scale.
    gain : sequence of float
        True sparsity gain at a hit of 0.05; with 1, the two curves are identical.
    noise : sequence of str
        Names in :data:`hillfront.studies.simulated.DEPARTURES`.

    Raises
    ------
    ValueError
        For fewer than two SAEs a curve, no settings, scatter or gain that is not positive, or an unknown
        noise.

    Examples
    --------
    >>> len(coverage_cases()), coverage_cases()[0]
    (6, {'points': 4, 'settings': 1, 'sigma': 0.03, 'gain': 2.0, 'noise': 'normal'})
    """
    for name, values, least in (("points", points, 2), ("settings", settings, 1)):
        if min(values) < least:
            raise ValueError(f"{argument(name, *values)}: a set has {least} or more {name}.")
    for name, scales in (("sigma", sigma), ("gain", gain)):
        if not all(0.0 < value < float("inf") for value in scales):
            raise ValueError(f"{argument(name, *scales)}: give positive numbers.")
    for name in noise:
        if name not in DEPARTURES:
            raise ValueError(
                f"Unknown noise {name!r}. Allowed: {', '.join(DEPARTURES)}.{meant(name, DEPARTURES)}"
            )
    return [dict(zip(CASE, values, strict=True)) for values in product(points, settings, sigma, gain, noise)]


def coverage(
    cases: Sequence[Mapping[str, Any]],
    *,
    sets: int,
    oracle_sets: int = 0,
    random_seed: int = 1,
    work: Path,
    workers: int = 1,
    progressbar: bool = False,
) -> pd.DataFrame:
    """Simulate, fit and compare with the truth: one row a set, method and quantity; see :func:`one_set`.

    Parameters
    ----------
    cases : sequence of mapping
        From :func:`coverage_cases`.
    sets : int
        Simulated sets of each case.
    oracle_sets : int
        Of these, the first so many are also fitted with the true sigma, which costs as much again.
    random_seed, work, workers, progressbar
        As for :func:`hillfront.studies.engine.run_cases`.

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
            f"{argument('sets', sets)}, {argument('oracle_sets', oracle_sets)}: give 1 set or more, and "
            "from 0 up to all of them to the oracle."
        )
    tasks = [
        # The seed does not depend on what is fitted, so the oracle sees the same sets.
        replace(task, case={**task.case, "sigma_known": known})
        for case in cases
        for known, number in ((False, sets), (True, oracle_sets))
        for task in tasks_of("coverage", [case], sets=number, random_seed=random_seed)
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
    case = dict(task.case)
    known = case.pop("sigma_known")
    simulation = simulated_set(**case, random_seed=task.random_seed)
    truth = simulation.truth.query("scope == 'average'").set_index("quantity")["value"]
    prepared = prepared_for(settings=case["settings"], **({"sigma": case["sigma"]} if known else {}))
    found = refit(prepared, simulation.frontiers, at_hit=[AT_HIT], random_seed=task.random_seed)
    rows: list[dict[str, Any]] = [
        {"method": ORACLE if known else HILLFRONT, "quantity": quantity, **ends, **found.about}
        for quantity in QUANTITIES
        if (ends := found.average(quantity))
    ]
    if not known:
        rows += rival_rows(simulation.frontiers, at_hit=AT_HIT, random_seed=task.random_seed)
    return [row | {"truth": float(truth[row["quantity"]])} for row in rows if row["quantity"] in truth.index]


def coverage_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of intervals that contain the truth and their widths, by case, method and quantity.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`coverage`.

    Returns
    -------
    pandas.DataFrame
        The case's columns, method, quantity, and

        - sets: those with an interval; failed: those without, by an error, for want of a shared range, or
          because the method gives none for these data;
        - covered, with covered_lower and covered_upper, its Wilson interval;
        - width: geometric mean of upper / lower;
        - log_width_ratio: mean log width over that of the oracle, on the oracle_sets sets that both have;
        - diverged: share of sets in which a draw diverged, NaN for methods that do not sample.
    """
    keys, same_set = [*CASE, "method", "quantity"], [*CASE, "set_index", "quantity"]
    frame = with_outcomes(rows)
    oracle = frame[(frame["method"] == ORACLE) & frame["log_width"].notna()]
    frame = frame.join(oracle.set_index(same_set)["log_width"].rename("of_oracle"), on=same_set)
    frame = frame.assign(
        attempted=rows.groupby([*CASE, "sigma_known"])["set_index"].transform("nunique"),
        of_oracle=frame["of_oracle"].where(frame["log_width"].notna()),
        beside_oracle=frame["log_width"].where(frame["of_oracle"].notna()),
    )
    table = frame.groupby(keys, sort=False).agg(
        sets=("inside", "count"),
        failed=("attempted", "first"),
        covered=("inside", "mean"),
        covered_lower=("inside", "sum"),
        covered_upper=("inside", "sum"),
        width=("log_width", "mean"),
        log_width_ratio=("beside_oracle", "mean"),
        oracle_sets=("beside_oracle", "count"),
        diverged=("diverged", "mean"),
    )
    table["failed"] -= table["sets"]
    table[["covered_lower", "covered_upper"]] = wilsons(table["covered_lower"], table["sets"])
    table["width"] = np.exp(table["width"])
    table["log_width_ratio"] /= frame.groupby(keys, sort=False)["of_oracle"].mean()
    return table.reset_index()


def verdict_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each verdict on the average over the settings, by case.

    With a gain of 1 the curves are identical and every ``better``, ``worse`` or ``crossing`` is wrong; with a
    larger one, as these sets are simulated, the variant is better.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`coverage`.

    Returns
    -------
    pandas.DataFrame
        The case's columns, verdict, sets (those without an error), count, share, and lower and upper, the
        Wilson interval of the share.
    """
    # Each quantity of a set repeats its verdict.
    fits = rows[rows["method"] == HILLFRONT].drop_duplicates([*CASE, "set_index"])
    found = []
    for case, part in fits.groupby(list(CASE), sort=False):
        for verdict in VERDICTS:
            n = int((part["verdict"] == verdict).sum())
            found.append((*case, verdict, len(part), n, n / len(part), *wilson(n, len(part))))
    return pd.DataFrame(found, columns=[*CASE, "verdict", "sets", "count", "share", "lower", "upper"])

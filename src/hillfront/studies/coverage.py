"""Do intervals contain the truth as often as they say, and are verdicts wrong no more often than they say?

On sets of known truth, fixed and not drawn from the priors, beside what users would otherwise do.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import special, stats

from hillfront.curves import HILL
from hillfront.estimands import sparsity_gain
from hillfront.intervals import DEFAULT_PROB
from hillfront.ranges import observed_ranges, shared_range
from hillfront.simulation import Simulation, simulate
from hillfront.studies.engine import Task, run, task_seed
from hillfront.studies.least_squares import REFERENCE, least_squares, log_ratio_interval
from hillfront.studies.refits import prepared_for, refit

__all__ = ["QUANTITIES", "coverage", "coverage_cells", "coverage_table", "one_set"]

QUANTITIES: Final = ("mean_sparsity_gain", "sparsity_gain")
AT_HIT: Final = 0.05
_K: Final = {"baseline": 0.9, "variant": 0.8}


def coverage_cells(
    *,
    points: Sequence[int] = (4,),
    groups: Sequence[int] = (1, 3),
    sigma: Sequence[float] = (0.03, 0.1, 0.3),
    gain: Sequence[float] = (2.0,),
) -> list[dict[str, Any]]:
    """Every combination of what a study varies.

    Examples
    --------
    >>> len(coverage_cells()), coverage_cells()[0]
    (6, {'points': 4, 'groups': 1, 'sigma': 0.03, 'gain': 2.0})
    """
    names = ("points", "groups", "sigma", "gain")
    return [dict(zip(names, values, strict=True)) for values in product(points, groups, sigma, gain)]


def coverage(
    cells: Sequence[Mapping[str, Any]],
    *,
    sets: int,
    work: Path,
    workers: int = 1,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Simulate, fit and compare with the truth: one row a set, method and quantity; see :func:`one_set`."""
    tasks = [
        Task(cell, index, task_seed("coverage", cell, index, seed=seed))
        for cell in cells
        for index in range(sets)
    ]
    return run(one_set, tasks, work=work, workers=workers, progress=progress)


def one_set(task: Task) -> list[dict[str, Any]]:
    """Fit one simulated set in every way.

    Returns
    -------
    list of dict
        method, quantity, truth, lower, median, upper; for the posterior also verdict and divergences.
    """
    cell = dict(task.cell)
    identical = cell["gain"] == 1.0
    simulation = simulate(
        points=cell["points"], groups=cell["groups"], sigma=cell["sigma"], gain=cell["gain"],
        k=_K["baseline"] if identical else _K, at_hit=(AT_HIT,), seed=task.seed,
    )  # fmt: skip
    truth = simulation.truth.query("scope == 'average'").set_index("quantity")["value"]
    rows = _posterior(simulation, cell, task.seed)
    if cell["groups"] == 1:
        rows += _least_squares(simulation)
    return [row | {"truth": float(truth[row["quantity"]])} for row in rows if row["quantity"] in truth.index]


def _posterior(simulation: Simulation, cell: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    rows = []
    methods: dict[str, float | None] = {"hillfront": None}
    if cell.get("oracle"):
        methods["oracle"] = cell["sigma"]
    for method, sigma in methods.items():
        prepared = prepared_for(groups=cell["groups"], sigma=sigma)
        found = refit(prepared, simulation.frontiers, at_hit=[AT_HIT], seed=seed)
        table = found.improvement.summary
        average = table[table["scope"] == "average"].set_index("quantity")
        rows += [
            {
                "method": method,
                "quantity": quantity,
                **{name: float(average[name][quantity]) for name in ("lower", "median", "upper")},
                "verdict": found.verdict,
                "divergences": found.divergences,
            }
            for quantity in QUANTITIES
            if quantity in average.index
        ]
    return rows


def _least_squares(simulation: Simulation) -> list[dict[str, Any]]:
    """Least squares on y, with a Wald interval, and on logit y, with a t interval, for a single group."""
    frontiers = simulation.frontiers
    curves = {variant: rows for variant, _, rows in frontiers.curves()}
    group = frontiers.groups[0]
    hits = shared_range(
        observed_ranges(frontiers), variant="variant", baseline="baseline", group=group, of="hit"
    )
    middle = {"sparsity_gain": AT_HIT}
    if hits:
        # Log x is linear in logit y, so the mean over log y is the value at the mean logit.
        u = np.linspace(np.log(hits.low), np.log(hits.high), 201)
        middle["mean_sparsity_gain"] = float(special.expit(np.mean(special.logit(np.exp(u)))))
    rows = []
    for quantity, hit in middle.items():
        for method, interval in (
            ("least squares, Wald", _wald(curves, hit)),
            ("logit regression, t", _logit_regression(curves, hit)),
        ):
            ends = dict(zip(("lower", "median", "upper"), interval, strict=True))
            rows.append({"method": method, "quantity": quantity, **ends})
    return rows


def _wald(curves: Mapping[str, pd.DataFrame], hit: float) -> tuple[float, float, float]:
    fits = [
        least_squares(rows["sparsity"].to_numpy(float), rows["performance_hit"].to_numpy(float), HILL)
        for rows in (curves["variant"], curves["baseline"])
    ]

    def log_gain(variant: Any, baseline: Any) -> float:
        natural = [HILL.natural(*theta, reference=REFERENCE) for theta in (variant, baseline)]
        return float(np.log(sparsity_gain(HILL, natural[0], natural[1], hit)))

    return log_ratio_interval(fits[0], fits[1], log_gain)


def _logit_regression(curves: Mapping[str, pd.DataFrame], hit: float) -> tuple[float, float, float]:
    """Regress logit y on log x and read log x at a hit: delta method, Welch's degrees of freedom."""
    log_x: list[float] = []
    variances: list[float] = []
    dofs: list[int] = []
    for name in ("variant", "baseline"):
        rows = curves[name]
        y = rows["performance_hit"].to_numpy(float)
        if not ((y > 0) & (y < 1)).all() or len(y) < 3:
            return np.nan, np.nan, np.nan
        x, z = np.log(rows["sparsity"].to_numpy(float)), special.logit(y)
        design = np.column_stack([np.ones_like(x), x])
        (a, b), residual, *_ = np.linalg.lstsq(design, z)
        covariance = float(residual[0] / (len(x) - 2)) * np.linalg.inv(design.T @ design)
        at = float((special.logit(hit) - a) / b)
        gradient = np.array([-1.0, -at]) / b
        log_x.append(at)
        variances.append(float(gradient @ covariance @ gradient))
        dofs.append(len(x) - 2)
    total = sum(variances)
    dof = total**2 / sum(v**2 / d for v, d in zip(variances, dofs, strict=True))
    half = float(stats.t.ppf(0.5 + 0.5 * DEFAULT_PROB, dof)) * np.sqrt(total)
    difference = log_x[0] - log_x[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an interval without end
        return float(np.exp(difference - half)), float(np.exp(difference)), float(np.exp(difference + half))


def coverage_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of intervals that contain the truth and their mean width, by cell, method and quantity.

    Returns
    -------
    pandas.DataFrame
        The cell's columns, method, quantity, sets, failed (sets with an error or without an interval),
        covered, se (its binomial standard error), width (geometric mean of upper / lower), diverged (share
        of sets).
    """
    cell = [name for name in ("points", "groups", "sigma", "gain") if name in rows]
    good = rows[(rows["error"] == "") & rows["lower"].notna()]
    inside = (good["lower"] <= good["truth"]) & (good["truth"] <= good["upper"])
    keys = [*cell, "method", "quantity"]
    frame = good.assign(
        inside=inside, log_width=np.log(good["upper"] / good["lower"].clip(lower=1e-12)),
        diverged=good["divergences"] > 0,
    )  # fmt: skip
    table = frame.groupby(keys, sort=False).agg(
        sets=("inside", "size"), covered=("inside", "mean"), width=("log_width", "mean"),
        diverged=("diverged", "mean"),
    ).reset_index()  # fmt: skip
    table["se"] = np.sqrt(table["covered"] * (1 - table["covered"]) / table["sets"])
    table["width"] = np.exp(table["width"])
    return table

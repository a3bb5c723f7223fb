"""The design study: simulate cases, fit them, and count how often the fit finds the gain.

A case is a number of SAEs a curve, a number of settings (layers, models) and a sweep of L0; the baseline and
one variant are trained at the same L0 in each setting. See :mod:`hillfront.studies.case_tables` for what
follows from the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Final, Unpack

import pandas as pd

from hillfront.fits.simulation import simulate
from hillfront.studies.engine import RunOptions, Task, run_cases
from hillfront.studies.simulated import prepared_for, refit
from hillfront.utils.interface import argument, by_interface

__all__ = ["POINTS", "SETTINGS", "SWEEPS", "design_study", "one_design_set"]

Sweep = tuple[float, float]

POINTS: Final = (3, 4, 6, 8, 12)
SETTINGS: Final = (1, 2, 3, 6)
SWEEPS: Final[tuple[Sweep, ...]] = ((10.0, 200.0), (20.0, 100.0), (10.0, 50.0))


def design_study(
    *,
    gain: float,
    sigma: float,
    points: Sequence[int] = POINTS,
    settings: Sequence[int] = SETTINGS,
    sweeps: Sequence[Sweep] = SWEEPS,
    sets: int = 50,
    tau: float = 0.0,
    k: tuple[float, float] = (0.9, 0.9),
    hit_at_l0: tuple[float, float] = (0.05, 50.0),
    setting_sd: float = 0.5,
    interaction_sd: float = 0.1,
    **options: Unpack[RunOptions],
) -> pd.DataFrame:
    """Simulate and fit every case so many times.

    It is assumed that

    - true curves are Hill curves, and the scatter about them is normal on the logit scale;
    - the baseline and one variant are both trained, at the same L0 values, evenly spaced in log L0, with one
      training each, and all of them are fitted, not the Pareto-optimal ones;
    - settings differ in position by ``setting_sd``, and the gain differs between settings by sqrt(2)
      ``interaction_sd`` on the log scale; slopes do not differ between settings. What is found is the average
      over the settings that were trained. Its truth varies about ``gain`` with them, so a case of one
      setting counts as well how often the one setting happens to be a poor one;
    - each set is fitted as :func:`hillfront.fit` would, with its default priors, and judged by the verdict
      at its default threshold and by the 90% interval of ``mean_sparsity_gain``.

    Parameters
    ----------
    gain : float
        True sparsity gain of the variant in a typical setting: how many times fewer active latents.
    sigma : float
        Scatter of SAEs about their curve, on the logit scale; 0.1 is 10% of a small hit.
    points, settings : sequence of int
        SAEs a curve, and settings.
    sweeps : sequence of (float, float)
        Lowest and highest L0.
    sets : int
        Simulated sets of each case.
    tau : float
        Additive noise of the hits.
    k : (float, float)
        Slopes of the baseline and of the variant.
    hit_at_l0 : (float, float)
        Hit of the baseline at an L0, in a typical setting; ``gain`` is that at this hit.
    setting_sd, interaction_sd : float
        Spread of log position between settings, and of variants within them.
    **options
        As for :func:`hillfront.studies.engine.run_cases`.

    Returns
    -------
    pandas.DataFrame
        One row a set: the columns of its case, verdict, divergences, kept_draws, and where the curves share a
        range of hits truth, lower, median and upper of the mean sparsity gain, averaged over settings.

    Raises
    ------
    ValueError
        For a case that cannot be simulated, a gain of 1 or less, or fewer than one set.
    """
    if not 1.0 < gain < float("inf"):
        raise ValueError(
            f"{argument('gain', gain)}: there is nothing to find. Give the true gain as a factor above 1, "
            "such as 1.3; for a worse variant, let it change places with the baseline."
        )
    if not 0.0 < sigma < float("inf"):
        raise ValueError(
            f"{argument('sigma', sigma)}: give the expected scatter on the logit scale, a positive number "
            "such as 0.1."
        )
    if min(tau, setting_sd, interaction_sd) < 0.0:
        spreads = {"tau": tau, "setting_sd": setting_sd, "interaction_sd": interaction_sd}
        words = ", ".join(argument(name, value) for name, value in spreads.items() if value < 0.0)
        raise ValueError(f"{words}: a spread must not be negative.")
    if sets < 1:
        raise ValueError(f"{argument('sets', sets)}: give 1 simulated set or more of each case.")
    expected = {
        "gain": float(gain),
        "sigma": float(sigma),
        "tau": float(tau),
        "k_baseline": float(k[0]),
        "k_variant": float(k[1]),
        "hit": float(hit_at_l0[0]),
        "at_l0": float(hit_at_l0[1]),
        "setting_sd": float(setting_sd),
        "interaction_sd": float(interaction_sd),
    }
    cases = []
    # Settings outermost, so that a process compiles one model after the other.
    for g, (low, high), n in product(settings, sweeps, points):
        if n < 2 or g < 1:
            raise ValueError(
                f"{argument('points', n)}, {argument('settings', g)}: a case has at least 2 SAEs a curve, "
                "and at least 1 setting."
            )
        if not 0.0 < low < high < float("inf"):
            given = by_interface(f"sweep {(low, high)!r}", f"--l0 {low:g}-{high:g}")
            such = by_interface("(10, 200)", "10-200")
            raise ValueError(f"{given}: give the lowest and the highest L0, such as {such}.")
        size = {"points": int(n), "settings": int(g), "l0_low": float(low), "l0_high": float(high)}
        cases.append(size | expected)
    return run_cases("design", one_design_set, cases, sets=sets, **options)


def one_design_set(task: Task) -> list[dict[str, Any]]:
    """Simulate and fit one set of a case: one row, see :func:`design_study`."""
    case = task.case
    simulation = simulate(
        points=case["points"],
        settings=case["settings"],
        l0=(case["l0_low"], case["l0_high"]),
        k={"baseline": case["k_baseline"], "variant": case["k_variant"]},
        hit_at_l0=(case["hit"], case["at_l0"]),
        **{name: case[name] for name in ("gain", "sigma", "tau", "setting_sd", "interaction_sd")},
        random_seed=task.random_seed,
    )
    prepared = prepared_for(settings=case["settings"])
    found = refit(prepared, simulation.frontiers, at_hit=(), random_seed=task.random_seed)
    ends = found.average()
    truth = simulation.truth.query("scope == 'average' and quantity == 'mean_sparsity_gain'")["value"]
    if not ends or truth.empty:
        return [found.about]
    return [{**found.about, **ends, "truth": float(truth.iloc[0])}]

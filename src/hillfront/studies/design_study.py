"""The design study: simulate cases, fit them, and count how often the fit finds the gain.

A case is a number of SAEs a curve, a number of settings (layers, models) and a sweep of L0; the baseline and
one variant are trained at the same L0 in each setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Unpack

import numpy as np
import pandas as pd

from hillfront.fits.simulation import simulate
from hillfront.studies.engine import RunOptions, Task, run_cases
from hillfront.studies.markdown import number
from hillfront.studies.simulated import prepared_for, refit, wilsons, with_outcomes
from hillfront.utils.wording import count

__all__ = [
    "DESIGN_CASE",
    "Recommendation",
    "design_study",
    "design_table",
    "one_design_set",
    "recommend",
    "validate_targets",
]

DESIGN_CASE: Final = ("points", "settings", "l0_low", "l0_high")


def design_study(
    *,
    gain: float,
    sigma: float,
    points: Sequence[int] = (3, 4, 6, 8, 12),
    settings: Sequence[int] = (1, 2, 3, 6),
    sweeps: Sequence[tuple[float, float]] = ((10.0, 200.0), (20.0, 100.0), (10.0, 50.0)),
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
            f"gain={gain!r}: there is nothing to find. Give the true gain as a factor above 1, such as 1.3; "
            "for a worse variant, let it change places with the baseline."
        )
    if not 0.0 < sigma < float("inf"):
        raise ValueError(
            f"sigma={sigma!r}: give the expected scatter on the logit scale, a positive number such as 0.1."
        )
    given = {
        "gain": gain,
        "sigma": sigma,
        "tau": tau,
        "k_baseline": k[0],
        "k_variant": k[1],
        "hit": hit_at_l0[0],
        "at_l0": hit_at_l0[1],
        "setting_sd": setting_sd,
        "interaction_sd": interaction_sd,
    }
    expected = {name: float(value) for name, value in given.items()}
    cases = []
    # Settings outermost, so that a process compiles one model after the other.
    for g, (low, high), n in product(settings, sweeps, points):
        if n < 2 or g < 1:
            raise ValueError(
                f"points={n}, settings={g}: a case has at least 2 SAEs a curve, and at least 1 setting."
            )
        if not 0.0 < low < high < float("inf"):
            raise ValueError(f"sweep {(low, high)!r}: give the lowest and the highest L0, such as (10, 200).")
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
    model = prepared_for(settings=case["settings"])
    found = refit(model, simulation.frontiers, at_hit=(), random_seed=task.random_seed)
    ends = found.average()
    truth = simulation.truth.query("scope == 'average' and quantity == 'mean_sparsity_gain'")["value"]
    if not ends or truth.empty:
        return [found.about]
    return [{**found.about, **ends, "truth": float(truth.iloc[0])}]


def design_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise the sets of each case.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`design_study`.

    Returns
    -------
    pandas.DataFrame
        points, settings, l0_low, l0_high, and

        - saes: SAEs to train in all, 2 x points x settings, the baseline's included;
        - sets: those fitted; failed: those with an error;
        - power, power_lower, power_upper: share of verdicts ``better``, and its Wilson interval;
        - wrong: share of verdicts ``worse`` or ``crossing``;
        - no_interval: share of sets whose curves share no range of hits, so that no mean gain exists;
        - width: geometric mean of upper / lower, over sets with an interval;
        - covered: share of these intervals that contain the truth;
        - diverged: share of sets in which a draw diverged.
    """
    keys = list(DESIGN_CASE)
    fitted = rows["error"] == ""
    frame = with_outcomes(rows).assign(
        failed=~fitted,
        power=(rows["verdict"] == "better").astype(float).where(fitted),
        wrong=rows["verdict"].isin(["worse", "crossing"]).astype(float).where(fitted),
        no_interval=rows["lower"].isna().astype(float).where(fitted),
    )
    table = frame.groupby(keys).agg(
        sets=("power", "count"),
        failed=("failed", "sum"),
        power=("power", "mean"),
        power_lower=("power", "sum"),
        power_upper=("power", "sum"),
        wrong=("wrong", "mean"),
        no_interval=("no_interval", "mean"),
        width=("log_width", "mean"),
        covered=("inside", "mean"),
        diverged=("diverged", "mean"),
    )
    table[["power_lower", "power_upper"]] = wilsons(table["power_lower"], table["sets"])
    table["width"] = np.exp(table["width"])
    table = table.reset_index()
    table.insert(len(keys), "saes", 2 * table["points"] * table["settings"])
    return table.sort_values(["saes", *keys], ignore_index=True)


@dataclass(frozen=True)
class Recommendation:
    """The smallest cases that meet the targets of a design study.

    Attributes
    ----------
    cases : pandas.DataFrame
        Rows of the table that meet the targets with the fewest SAEs, the most powerful first; empty if none
        meets them.
    sure : pandas.DataFrame
        The same of the cases whose whole Wilson interval of the power lies at the target or above.
    text : str
        Both in words.
    """

    cases: pd.DataFrame
    sure: pd.DataFrame
    text: str


def recommend(table: pd.DataFrame, *, power: float = 0.8, width: float | None = None) -> Recommendation:
    """Name the cases that meet the targets with the fewest SAEs.

    The best of many noisy shares tends to have been lucky, so the smallest case of which the sets are sure is
    named as well.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`design_table`.
    power : float
        Share of verdicts ``better`` to reach.
    width : float, optional
        Largest mean width, upper / lower, of the 90% interval of ``mean_sparsity_gain``.

    Returns
    -------
    Recommendation

    Raises
    ------
    ValueError
        For a power outside (0, 1), or a width that is not above 1.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "points": [4, 8], "settings": 1, "l0_low": 10.0, "l0_high": 200.0, "saes": [8, 16], "sets": 50,
    ...     "power": [0.5, 0.9], "power_lower": [0.39, 0.81], "power_upper": [0.61, 0.95],
    ...     "width": [1.9, 1.4]})
    >>> recommend(table, power=0.8).cases["points"].tolist()
    [8]
    """
    validate_targets(power=power, width=width)
    narrow = table["width"] <= width if width is not None else pd.Series(True, index=table.index)
    cases = _smallest(table[narrow & (table["power"] >= power)])
    sure = _smallest(table[narrow & (table["power_lower"] >= power)])
    target = f"`better` in {power:.0%} of sets" + (
        f" and a mean interval width of {number(width)} or less" if width is not None else ""
    )
    if cases.empty:
        # Without any verdict to count, a case has no power.
        best = table.sort_values(["power", "saes"], ascending=[False, True]).iloc[:1]
        lines = [
            f"No case reaches {target}. Closest in power: {_described(best)}. Try more SAEs a curve, more "
            "settings or a wider sweep."
        ]
    else:
        lines = [f"Fewest SAEs for {target}: {_described(cases)}."]
        if sure.empty:
            lines.append("No case is sure of the power with these sets; more sets would tell.")
        elif not sure.equals(cases):
            lines.append(f"Fewest of which the sets are sure: {_described(sure)}.")
    return Recommendation(cases, sure, "\n".join(lines))


def validate_targets(*, power: float, width: float | None) -> None:
    """Refuse targets that no case, or every case, meets."""
    if not 0.0 < power < 1.0:
        raise ValueError(f"power={power!r} must lie between 0 and 1; 0.8 is usual.")
    if width is not None and not 1.0 < width < np.inf:
        raise ValueError(
            f"width={width!r} is the upper over the lower end of an interval: give a factor above 1, such as "
            "1.5."
        )


def _smallest(table: pd.DataFrame) -> pd.DataFrame:
    fewest: pd.DataFrame = table[table["saes"] == table["saes"].min()]
    return fewest.sort_values("power", ascending=False, ignore_index=True)


def _described(cases: pd.DataFrame) -> str:
    texts = []
    for _, row in cases.iterrows():
        settings = count(int(row["settings"]), "setting")
        texts.append(
            f"{row['points']:g} SAEs a curve in {settings}, L0 {row['l0_low']:g} to {row['l0_high']:g} "
            f"(power {row['power']:.2f} [{row['power_lower']:.2f}, {row['power_upper']:.2f}] of "
            f"{count(int(row['sets']), 'set')}, width {number(row['width'])})"
        )
    return f"{cases['saes'].iloc[0]} SAEs, as " + ", or ".join(texts)

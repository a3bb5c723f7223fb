"""What a design study says: power, width and coverage of each design, and the smallest that will do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from hillfront.studies.markdown import number
from hillfront.studies.shares import wilson

__all__ = ["DESIGN", "Recommendation", "design_table", "recommend"]

DESIGN: Final = ("points", "settings", "l0_low", "l0_high")


def design_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise the sets of each design.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`hillfront.studies.design_study.design_study`.

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
    keys = list(DESIGN)
    fitted = rows["error"] == ""
    frame = rows.assign(
        fitted=fitted,
        failed=~fitted,
        better=fitted & (rows["verdict"] == "better"),
        wrong=fitted & rows["verdict"].isin(["worse", "crossing"]),
        bounded=fitted & rows["lower"].notna(),
        inside=fitted & (rows["lower"] <= rows["truth"]) & (rows["truth"] <= rows["upper"]),
        diverged=fitted & (rows["divergences"] > 0),
        log_width=np.log((rows["upper"] / rows["lower"]).where(fitted).to_numpy()),
    )
    counted = ["fitted", "failed", "better", "wrong", "bounded", "inside", "diverged"]
    grouped = frame.groupby(keys, sort=False)
    counts = grouped[counted].sum()
    sets = counts["fitted"].where(counts["fitted"] > 0)
    bounded = counts["bounded"].where(counts["bounded"] > 0)
    ends = [wilson(int(n), int(of)) for n, of in zip(counts["better"], counts["fitted"], strict=True)]
    table = pd.DataFrame(
        {
            "sets": counts["fitted"],
            "failed": counts["failed"],
            "power": counts["better"] / sets,
            "power_lower": [low for low, _ in ends],
            "power_upper": [high for _, high in ends],
            "wrong": counts["wrong"] / sets,
            "no_interval": 1.0 - counts["bounded"] / sets,
            "width": np.exp(grouped["log_width"].mean().to_numpy()),
            "covered": counts["inside"] / bounded,
            "diverged": counts["diverged"] / sets,
        }
    ).reset_index()
    table.insert(len(keys), "saes", 2 * table["points"] * table["settings"])
    return table.sort_values(["saes", *keys], ignore_index=True)


@dataclass(frozen=True)
class Recommendation:
    """The designs that will do.

    Attributes
    ----------
    designs : pandas.DataFrame
        Rows of the table that meet the targets with the fewest SAEs, the most powerful first; empty if no
        design meets them.
    sure : pandas.DataFrame
        The same of the designs whose whole Wilson interval of the power lies at the target or above.
    text : str
        Both in words.
    """

    designs: pd.DataFrame
    sure: pd.DataFrame
    text: str


def recommend(table: pd.DataFrame, *, power: float = 0.8, width: float | None = None) -> Recommendation:
    """Name the designs that meet the targets with the fewest SAEs.

    The best of many noisy shares tends to have been lucky, so the smallest design of which the sets are sure
    is named as well.

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
    >>> recommend(table, power=0.8).designs["points"].tolist()
    [8]
    """
    check_targets(power=power, width=width)
    narrow = table["width"] <= width if width is not None else pd.Series(True, index=table.index)
    designs = _smallest(table[narrow & (table["power"] >= power)])
    sure = _smallest(table[narrow & (table["power_lower"] >= power)])
    target = f"`better` in {power:.0%} of sets" + (
        f" and a mean interval width of {number(width)} or less" if width is not None else ""
    )
    if designs.empty:
        # Without any verdict to count, a design has no power.
        best = table.sort_values(["power", "saes"], ascending=[False, True]).iloc[:1]
        lines = [
            f"No design reaches {target}. Closest in power: {_described(best)}. Try more SAEs a curve, more "
            "settings or a wider sweep."
        ]
    else:
        lines = [f"Fewest SAEs for {target}: {_described(designs)}."]
        if sure.empty:
            lines.append("No design is sure of the power with these sets; more sets would tell.")
        elif not sure.equals(designs):
            lines.append(f"Fewest of which the sets are sure: {_described(sure)}.")
    return Recommendation(designs, sure, "\n".join(lines))


def check_targets(*, power: float, width: float | None) -> None:
    """Refuse targets that no design, or every design, meets."""
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


def _described(designs: pd.DataFrame) -> str:
    texts = []
    for _, row in designs.iterrows():
        settings = f"{row['settings']:g} setting{'s' if row['settings'] > 1 else ''}"
        texts.append(
            f"{row['points']:g} SAEs a curve in {settings}, L0 {row['l0_low']:g} to {row['l0_high']:g} "
            f"(power {row['power']:.2f} [{row['power_lower']:.2f}, {row['power_upper']:.2f}] of "
            f"{row['sets']:g} sets, width {number(row['width'])})"
        )
    return f"{designs['saes'].iloc[0]} SAEs, as " + ", or ".join(texts)

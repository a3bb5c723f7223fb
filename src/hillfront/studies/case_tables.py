"""Tables of the coverage and the design study: shares of sets with what chance does to them, and widths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from hillfront.studies.coverage import CASE, HILLFRONT, ORACLE
from hillfront.studies.markdown import number
from hillfront.utils.interface import argument
from hillfront.utils.intervals import DEFAULT_PROB, validate_prob

__all__ = [
    "DESIGN_CASE",
    "VERDICTS",
    "Recommendation",
    "chance_band",
    "coverage_table",
    "design_table",
    "recommend",
    "validate_targets",
    "verdict_table",
    "wilson",
]

VERDICTS: Final = ("better", "worse", "crossing", "undecided", "no shared range")
DESIGN_CASE: Final = ("points", "settings", "l0_low", "l0_high")


def wilson(count: int, sets: int, *, prob: float = DEFAULT_PROB) -> tuple[float, float]:
    """Return Wilson's score interval of a share.

    Returns
    -------
    lower, upper : float
        NaN without any set.

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22, 209-212.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(45, 50)]
    [0.808, 0.95]
    """
    if sets == 0:
        return np.nan, np.nan
    ends = stats.binomtest(count, sets).proportion_ci(validate_prob(prob), method="wilson")
    return float(ends.low), float(ends.high)


def chance_band(share: float, sets: int, *, prob: float = DEFAULT_PROB) -> tuple[float, float]:
    """Return where the share of so many sets lies by chance alone, if the true share is as given.

    Examples
    --------
    >>> chance_band(0.9, 100)
    (0.85, 0.95)
    """
    low, high = stats.binom.interval(validate_prob(prob), sets, share)
    return float(low / sets), float(high / sets)


def with_outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """Add to rows of intervals whether they exist and hold the truth, their log widths, and divergence."""
    bounded = (rows["error"] == "") & rows["lower"].notna()
    return rows.assign(
        bounded=bounded,
        inside=bounded & (rows["lower"] <= rows["truth"]) & (rows["truth"] <= rows["upper"]),
        log_width=np.log((rows["upper"] / rows["lower"]).where(bounded).to_numpy()),
        diverged=(rows["error"] == "") & (rows["divergences"] > 0),
    )


def coverage_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of intervals that contain the truth and their widths, by case, method and quantity.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`hillfront.studies.coverage.coverage`.

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
    frame = with_outcomes(rows)
    frame["diverged"] = frame["diverged"].astype(float).where(rows["divergences"].notna())
    keys = [*CASE, "method", "quantity"]
    attempted = rows.groupby([*CASE, "sigma_known"])["set_index"].nunique().rename("attempted").reset_index()
    table = (
        frame.dropna(subset="method")
        .groupby([*keys, "sigma_known"], sort=False)
        .agg(
            sets=("bounded", "sum"),
            covered=("inside", "sum"),
            width=("log_width", "mean"),
            diverged=("diverged", "mean"),
        )
        .reset_index()
    )
    table = table.merge(attempted, on=[*CASE, "sigma_known"], how="left")
    table["failed"] = table["attempted"] - table["sets"]
    pairs = zip(table["covered"], table["sets"], strict=True)
    table[["covered_lower", "covered_upper"]] = [wilson(int(count), int(sets)) for count, sets in pairs]
    table["covered"] = table["covered"] / table["sets"].where(table["sets"] > 0)
    table["width"] = np.exp(table["width"])
    table = table.merge(_against_oracle(frame[frame["bounded"]]), on=keys, how="left")
    table["oracle_sets"] = table["oracle_sets"].fillna(0).astype(int)
    shares = ["sets", "failed", "covered", "covered_lower", "covered_upper"]
    return table[[*keys, *shares, "width", "log_width_ratio", "oracle_sets", "diverged"]]


def _against_oracle(good: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of mean log widths, method over oracle, on the sets that both have."""
    same_set = [*CASE, "set_index", "quantity"]
    oracle = good.loc[good["method"] == ORACLE, [*same_set, "log_width"]]
    both = good.merge(oracle, on=same_set, suffixes=("", "_oracle"))
    means = both.groupby([*CASE, "method", "quantity"]).agg(
        mean=("log_width", "mean"), of_oracle=("log_width_oracle", "mean"), oracle_sets=("log_width", "size")
    )
    means["log_width_ratio"] = means["mean"] / means["of_oracle"]
    return means[["log_width_ratio", "oracle_sets"]].reset_index()


def verdict_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each verdict on the average over the settings, by case.

    With a gain of 1 the curves are identical and every ``better``, ``worse`` or ``crossing`` is wrong; with a
    larger one, as these sets are simulated, the variant is better.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`hillfront.studies.coverage.coverage`.

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
            count = int((part["verdict"] == verdict).sum())
            ends = wilson(count, len(part))
            found.append((*case, verdict, len(part), count, count / len(part), *ends))
    return pd.DataFrame(found, columns=[*CASE, "verdict", "sets", "count", "share", "lower", "upper"])


def design_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise the sets of each case.

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
    keys = list(DESIGN_CASE)
    fitted = rows["error"] == ""
    frame = with_outcomes(rows).assign(
        fitted=fitted,
        failed=~fitted,
        better=fitted & (rows["verdict"] == "better"),
        wrong=fitted & rows["verdict"].isin(["worse", "crossing"]),
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
        raise ValueError(f"{argument('power', power)} must lie between 0 and 1; 0.8 is usual.")
    if width is not None and not 1.0 < width < np.inf:
        raise ValueError(
            f"{argument('width', width)} is the upper over the lower end of an interval: give a factor "
            "above 1, such as 1.5."
        )


def _smallest(table: pd.DataFrame) -> pd.DataFrame:
    fewest: pd.DataFrame = table[table["saes"] == table["saes"].min()]
    return fewest.sort_values("power", ascending=False, ignore_index=True)


def _described(cases: pd.DataFrame) -> str:
    texts = []
    for _, row in cases.iterrows():
        settings = f"{row['settings']:g} setting{'s' if row['settings'] > 1 else ''}"
        texts.append(
            f"{row['points']:g} SAEs a curve in {settings}, L0 {row['l0_low']:g} to {row['l0_high']:g} "
            f"(power {row['power']:.2f} [{row['power_lower']:.2f}, {row['power_upper']:.2f}] of "
            f"{row['sets']:g} sets, width {number(row['width'])})"
        )
    return f"{cases['saes'].iloc[0]} SAEs, as " + ", or ".join(texts)

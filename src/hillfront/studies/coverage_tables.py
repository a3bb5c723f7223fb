"""Tables of the coverage study: intervals that contain the truth, their widths, and verdicts."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from hillfront.studies.coverage import CELL, HILLFRONT, ORACLE
from hillfront.studies.shares import wilson

__all__ = ["VERDICTS", "coverage_table", "verdict_table"]

VERDICTS: Final = ("better", "worse", "crossing", "undecided", "no shared range")


def coverage_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of intervals that contain the truth and their widths, by cell, method and quantity.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`hillfront.studies.coverage.coverage`.

    Returns
    -------
    pandas.DataFrame
        The cell's columns, method, quantity, and

        - sets: those with an interval; failed: those without, by an error, for want of a shared range, or
          because the method gives none for these data;
        - covered, with covered_lower and covered_upper, its Wilson interval;
        - width: geometric mean of upper / lower;
        - log_width_ratio: mean log width over that of the oracle, on the oracle_sets sets that both have;
        - diverged: share of sets in which a draw diverged, NaN for methods that do not sample.
    """
    good = (rows["error"] == "") & rows["lower"].notna()
    frame = rows.assign(
        good=good,
        inside=good & (rows["lower"] <= rows["truth"]) & (rows["truth"] <= rows["upper"]),
        log_width=np.log((rows["upper"] / rows["lower"]).where(good).to_numpy()),
        diverged=(rows["divergences"] > 0).astype(float).where(rows["divergences"].notna()),
    )
    keys = [*CELL, "method", "quantity"]
    attempted = rows.groupby([*CELL, "sigma_known"])["replicate"].nunique().rename("attempted").reset_index()
    table = (
        frame.dropna(subset="method")
        .groupby([*keys, "sigma_known"], sort=False)
        .agg(
            sets=("good", "sum"),
            covered=("inside", "sum"),
            width=("log_width", "mean"),
            diverged=("diverged", "mean"),
        )
        .reset_index()
    )
    table = table.merge(attempted, on=[*CELL, "sigma_known"], how="left")
    table["failed"] = table["attempted"] - table["sets"]
    pairs = zip(table["covered"], table["sets"], strict=True)
    table[["covered_lower", "covered_upper"]] = [wilson(int(count), int(sets)) for count, sets in pairs]
    table["covered"] = table["covered"] / table["sets"].where(table["sets"] > 0)
    table["width"] = np.exp(table["width"])
    table = table.merge(_against_oracle(frame[good]), on=keys, how="left")
    columns = [
        "sets",
        "failed",
        "covered",
        "covered_lower",
        "covered_upper",
        "width",
        "log_width_ratio",
        "oracle_sets",
        "diverged",
    ]
    table["oracle_sets"] = table["oracle_sets"].fillna(0).astype(int)
    return table[[*keys, *columns]]


def _against_oracle(good: pd.DataFrame) -> pd.DataFrame:
    """Ratio of mean log widths, method over oracle, on the sets that both have."""
    same_set = [*CELL, "replicate", "quantity"]
    oracle = good.loc[good["method"] == ORACLE, [*same_set, "log_width"]]
    both = good.merge(oracle, on=same_set, suffixes=("", "_oracle"))
    means = both.groupby([*CELL, "method", "quantity"]).agg(
        mean=("log_width", "mean"), of_oracle=("log_width_oracle", "mean"), oracle_sets=("log_width", "size")
    )
    means["log_width_ratio"] = means["mean"] / means["of_oracle"]
    return means[["log_width_ratio", "oracle_sets"]].reset_index()


def verdict_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of each verdict on the average over the settings, by cell.

    With a gain of 1 the curves are identical and every ``better``, ``worse`` or ``crossing`` is wrong; with a
    larger one, as these sets are simulated, the variant is better.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from :func:`hillfront.studies.coverage.coverage`.

    Returns
    -------
    pandas.DataFrame
        The cell's columns, verdict, sets (those without an error), count, share, and lower and upper, the
        Wilson interval of the share.
    """
    # Each quantity of a set repeats its verdict.
    fits = rows[rows["method"] == HILLFRONT].drop_duplicates([*CELL, "replicate"])
    found = []
    for cell, part in fits.groupby(list(CELL), sort=False):
        for verdict in VERDICTS:
            count = int((part["verdict"] == verdict).sum())
            ends = wilson(count, len(part))
            found.append((*cell, verdict, len(part), count, count / len(part), *ends))
    return pd.DataFrame(found, columns=[*CELL, "verdict", "sets", "count", "share", "lower", "upper"])

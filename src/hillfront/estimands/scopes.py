"""Scopes and supports of results: their names in tables, and their words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

__all__ = [
    "AVERAGE",
    "BADGES",
    "NEW_SETTING",
    "SCOPES",
    "SETTING",
    "SUPPORTS",
    "Scope",
    "Support",
    "badges",
    "where",
    "where_of",
]

AVERAGE: Final = "average"
NEW_SETTING: Final = "new_setting"
SETTING: Final = "setting"


@dataclass(frozen=True)
class Scope:
    """The scope of a row that is not about one setting.

    Attributes
    ----------
    label : str
        In tables and figures.
    start, verdict_start : str
        Start of a sentence about a gain, and about a verdict.
    claim : str
        End of a claim.
    macro : str
        Part of the names of LaTeX macros.
    """

    label: str
    start: str
    verdict_start: str
    claim: str
    macro: str


SCOPES: Final = {
    AVERAGE: Scope(
        label="average of the settings",
        start="on average over the settings, ",
        verdict_start="averaged over the settings, ",
        claim=", on average over the settings",
        macro="Average",
    ),
    NEW_SETTING: Scope(
        label="a new setting",
        start="in a setting without data, ",
        verdict_start="there, by prediction, ",
        claim=", in a new setting",
        macro="NewSetting",
    ),
}
"""Scopes by their value in tables; the scope ``setting`` has the words of its setting."""


def where(scope: str, setting: str) -> str:
    """Return the label of a scope, or of the setting itself.

    Examples
    --------
    >>> where("average", ""), where("setting", "resid / 20")
    ('average of the settings', 'resid / 20')
    """
    return SCOPES[scope].label if scope in SCOPES else setting


def where_of(row: pd.Series) -> str:
    """Return the same for a row of the table of improvements or of verdicts."""
    labels = list(row.index)
    columns = labels[labels.index("variant") + 1 : labels.index("scope")]
    return where(row["scope"], " / ".join(str(row[name]) for name in columns) or "all")


@dataclass(frozen=True)
class Support:
    """The support that a result rests on.

    Attributes
    ----------
    sentence, claim : str
        In a sentence about a gain, and about a claim.
    legend : str
        In the legend of a figure.
    """

    sentence: str
    claim: str
    legend: str


SUPPORTS: Final = {
    "observed": Support("inside the data of both", "observed", "inside the data"),
    "extrapolated": Support(
        "extrapolated beyond the data of one or both",
        "extrapolated beyond what both frontiers observed",
        "extrapolated or predicted",
    ),
}
"""Supports by their value in tables, apart from ``none``."""

BADGES: Final = {
    " *": "* extrapolated, or predicted for a setting without data",
    " !": "! driven by the prior, which moves it as much as the data do or more",
}
"""Marks behind a number in a summary, and their meaning."""


def badges(row: pd.Series) -> str:
    """Mark what is extrapolated and what is driven by the prior, in a row of the improvement table."""
    extrapolated, driven = BADGES
    return (extrapolated if row["support"] != "observed" else "") + (driven if row["prior_driven"] else "")

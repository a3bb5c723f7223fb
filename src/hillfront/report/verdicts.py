"""The verdicts and gains in words, as the report says them first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hillfront.estimands.improvement import Improvement
from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.estimands.scopes import AVERAGE, NEW_SETTING, SETTING
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.text.sentences import ComparisonSentence, capital, comparison_sentences
from hillfront.utils.numbers import interval, significant
from hillfront.utils.wording import count

__all__ = ["Verdict", "verdicts_of"]


@dataclass(frozen=True)
class Verdict:
    """What is said of one variant.

    Attributes
    ----------
    variant : str
    word : str
        ``better``, ``worse``, ``crossing``, ``undecided`` or ``no shared range``.
    headline : str
        The mean sparsity gain with its interval; empty where there is none.
    sentences : tuple of str
        The verdict and the headline gains first.
    """

    variant: str
    word: str
    headline: str
    sentences: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The word as the style sheet knows it."""
        return self.word.replace(" ", "-")


def verdicts_of(fit: FrontierFit, improvement: Improvement) -> tuple[Verdict, ...]:
    """Say the verdict on every variant: on average over the settings, then of the settings one by one."""
    pareto = fit.pareto()
    failed = [check.name for check in fit.diagnostics().failed]
    sentences = comparison_sentences(
        improvement, pareto, fit.frontiers, failed=failed, quantities=headlines()
    )
    table = pareto.summary
    return tuple(
        _verdict(
            fit,
            variant,
            _headline(improvement.summary, variant),
            table[table["variant"] == variant],
            [sentence for sentence in sentences if sentence.variant == variant],
        )
        for variant in fit.design.variants[1:]
    )


def _verdict(
    fit: FrontierFit, variant: str, headline: str, rows: pd.DataFrame, sentences: list[ComparisonSentence]
) -> Verdict:
    overall = rows[rows["scope"] == AVERAGE]
    if overall.empty:
        overall = rows[rows["scope"] == SETTING]
    words = set(overall["verdict"])
    word = str(overall["verdict"].iloc[0]) if len(words) == 1 else "no shared range"
    scope = AVERAGE if len(fit.design.settings) > 1 else SETTING
    said = [sentence for sentence in sentences if sentence.scope == scope] if len(overall) == 1 else []
    if not said:
        said_text = [f"{variant} and {fit.baseline} share no range in any setting: nothing can be compared."]
    else:
        said_text = [*dict.fromkeys(s.verdict for s in said if s.verdict), *(s.gain for s in said)]
    new = [s for s in sentences if s.scope == NEW_SETTING and s.quantity == headlines()[0]]
    warning = next((s.warning for s in sentences if s.warning), "")
    return Verdict(
        variant,
        word,
        headline,
        tuple(part for part in (warning, *said_text, *_of_settings(rows), *(s.gain for s in new)) if part),
    )


def _headline(factors: pd.DataFrame, variant: str) -> str:
    own = factors[
        (factors["variant"] == variant)
        & (factors["quantity"] == headlines()[0])
        & (factors["scope"] == AVERAGE)
    ]
    if own.empty or np.isnan(own["median"].iloc[0]):
        return ""
    row = own.iloc[0]
    words = capital(QUANTITIES[row["quantity"]].words)
    return f"{words} {significant(row['median'])} {interval(row['lower'], row['upper'])}"


def _of_settings(rows: pd.DataFrame) -> Iterator[str]:
    """How many settings have which verdict, where there are several."""
    words = rows.loc[rows["scope"] == SETTING, "verdict"]
    if len(words) > 1:
        parts = ", ".join(f"{word} in {n}" for word, n in words.value_counts(sort=False).items())
        yield f"Of {count(len(words), 'setting')}, each by itself: {parts}."

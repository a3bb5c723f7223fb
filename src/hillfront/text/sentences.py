"""Comparisons and verdicts in plain sentences that can be put into a paper as they are.

Pure functions of the tables of :class:`Improvement` and :class:`Pareto` and of the frontiers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hillfront.estimands.comparisons import setting_labels
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.pareto import Pareto
from hillfront.estimands.quantities import QUANTITIES, Quantity, headlines
from hillfront.estimands.scopes import AVERAGE, NEW_SETTING, SCOPES, SETTING, SUPPORTS
from hillfront.frontiers.ranges import NOWHERE, Range, average_range, observed_ranges, shared_range
from hillfront.frontiers.table import Frontiers
from hillfront.utils.interface import chosen_names
from hillfront.utils.wording import interval, percent, probability, shorten, significant

__all__ = ["ComparisonSentence", "capital", "comparison_sentences", "do_not_report", "gains"]


def gains() -> tuple[str, ...]:
    """Return the quantities that a sentence can be about; ratios of parameters only describe the curves."""
    return tuple(quantity.name for quantity in QUANTITIES.values() if quantity.effect is not None)


@dataclass(frozen=True)
class ComparisonSentence:
    """One comparison in words."""

    variant: str
    baseline: str
    scope: str
    """``average``, ``new_setting`` or ``setting``."""
    setting: str
    """Label of the setting; empty for the scopes above settings."""
    quantity: str
    at: float
    """Hit, L0 or nats at which the quantity is taken; NaN for the others."""
    warning: str
    """Comes first where a diagnostic failed; else empty."""
    gain: str
    """The factor with its interval, its support and the hits and settings that it holds for."""
    verdict: str
    """The Pareto verdict with its probability."""

    def __str__(self) -> str:
        """Join all of it into one paragraph."""
        return " ".join(part for part in (self.warning, self.gain, self.verdict) if part)


def do_not_report(failed: Sequence[str]) -> str:
    """Say that nothing may be reported, or nothing where no diagnostic failed.

    Examples
    --------
    >>> do_not_report(["divergences"])
    'DO NOT REPORT: diagnostics failed (divergences).'
    >>> do_not_report([])
    ''
    """
    return f"DO NOT REPORT: diagnostics failed ({', '.join(failed)})." if failed else ""


def comparison_sentences(
    improvement: Improvement,
    pareto: Pareto,
    frontiers: Frontiers,
    *,
    failed: Sequence[str] = (),
    quantities: str | Sequence[str] | None = None,
    times: str = "x",
) -> tuple[ComparisonSentence, ...]:
    """Put every comparison into words, in the order of the improvement table: one sentence or two a row.

    With a single setting, its own row stands for the average too, which would say the same. Where diagnostics
    failed, every sentence begins by saying that it must not be reported.

    Parameters
    ----------
    improvement, pareto, frontiers
        Of the same fit.
    failed : sequence of str
        Names of the diagnostics that failed.
    quantities : sequence of str, optional
        Which of :func:`gains` to put into words, in this order; the first headline by default.
    times : str
        The sign behind a factor.
    """
    wanted = headlines()[:1] if quantities is None else chosen_names(quantities, gains(), "quantities")
    ranges, warning = observed_ranges(frontiers), do_not_report(failed)
    table = improvement.summary.assign(label=setting_labels(improvement.summary))
    judged = pareto.summary.assign(label=setting_labels(pareto.summary))
    verdicts = {(row["variant"], row["label"]): row for _, row in judged.iterrows()}
    found = []
    for name in wanted:
        rows = table[table["quantity"] == name]
        for _, row in rows.iterrows():
            if row["scope"] != SETTING and len(frontiers.settings) == 1:
                continue
            same = (rows["variant"] == row["variant"]) & (rows["at"].eq(row["at"]) | np.isnan(row["at"]))
            gain = _Gain(QUANTITIES[name], row, rows[same], frontiers, ranges, times)
            key = (row["variant"], row["label"])
            found.append(
                ComparisonSentence(
                    gain.variant,
                    gain.baseline,
                    gain.scope,
                    row["label"] if gain.scope == SETTING else "",
                    name,
                    float(row["at"]),
                    warning,
                    gain.sentence(),
                    _verdict_sentence(verdicts[key], gain) if key in verdicts else "",
                )
            )
    return tuple(found)


@dataclass(frozen=True)
class _Gain:
    """A row of the improvement table on its way into a sentence.

    ``same`` holds the rows of its variant and quantity, taken at the same value, in every scope.
    """

    quantity: Quantity
    row: pd.Series
    same: pd.DataFrame
    frontiers: Frontiers
    ranges: dict[tuple[str, str], dict[str, Range]]
    times: str

    @property
    def variant(self) -> str:
        return str(self.row["variant"])

    @property
    def baseline(self) -> str:
        return str(self.row["baseline"])

    @property
    def scope(self) -> str:
        return str(self.row["scope"])

    @property
    def used(self) -> list[str]:
        """Settings that the row rests on: its own, or all that an average is over."""
        if self.scope == SETTING:
            return [str(self.row["label"])]
        rows = self.same[(self.same["scope"] == SETTING) & (self.same["support"] != "none")]
        return [str(label) for label in rows["label"]]

    @property
    def where(self) -> str:
        """At what the two are compared."""
        return self.quantity.where.format(metric=self.frontiers.metric_label, at=self.row["at"])

    def sentence(self) -> str:
        row, words, start = self.row, self.quantity.words, self._start()
        pair = f"{self.variant} SAEs over {self.baseline} SAEs"
        if row["support"] == "none" and self.quantity.over_range:
            of = self.frontiers.metric_label if self.quantity.of == "hit" else "L0"
            text = (
                f"{self.variant} and {self.baseline} SAEs observed no range of {of} in common, so there is "
                f"no {words} to give."
            )
        elif row["support"] == "none":
            text = f"there is no {words} of {pair} {self.where}."
        elif np.isnan(row["median"]):
            text = (
                f"the {words} of {pair} is undefined in too many posterior draws to have a "
                f"{percent(row['prob'])} interval."
            )
        else:
            text = f"{self._claim()} ({'; '.join(self._basis())})."
        # Names keep their letter case.
        return capital(start + text) if start or text.startswith("it is open") else text

    def _start(self) -> str:
        if self.scope in SCOPES:
            return SCOPES[self.scope].start
        columns, setting = self.frontiers.group_columns, self.row["label"]
        if setting == "all" and not columns:
            return ""
        # A bare number, such as a layer's, says nothing without its column.
        return f"in {columns[0]} {setting}, " if len(columns) == 1 else f"in {setting}, "

    def _claim(self) -> str:
        """Say the factor, the right way round, or that its direction is open."""
        effect = self.quantity.effect
        assert effect is not None  # as for all of gains()
        median, lower, upper = (float(self.row[name]) for name in ("median", "lower", "upper"))
        metric, predicted = self.frontiers.metric_label, self.scope == NEW_SETTING
        number, ends = significant(median), interval(lower, upper)
        factor = f"{number}{self.times} {ends}"
        if lower <= 1.0 <= upper:
            return (
                f"it is open whether {self.variant} SAEs {effect.verb} "
                f"{effect.better.format(factor='', metric=metric)} than {self.baseline} SAEs {self.where}: "
                f"the {'predicted ' if predicted else ''}{self.quantity.words} is {factor}, an interval that "
                "contains 1"
            )
        gained = lower > 1.0
        if not gained:
            # The other way round, which readers take in more easily; the factor of the table stays beside it.
            with np.errstate(divide="ignore"):
                turned = [significant(float(np.float64(1.0) / end)) for end in (median, upper, lower)]
            factor = f"{turned[0]}{self.times} [{turned[1]}, {turned[2]}]"
        verb = f"are predicted to {effect.verb}" if predicted else effect.verb
        said = (effect.better if gained else effect.worse).format(factor=f"{factor} ", metric=metric)
        claim = f"{self.variant} SAEs {verb} {said} than {self.baseline} SAEs {self.where}"
        return claim if gained else f"{claim}, a {self.quantity.words} of {number} {ends}"

    def _basis(self) -> list[str]:
        """Name what the numbers rest on: interval, range, settings, support, prior, probability."""
        row, used = self.row, self.used
        parts = [f"median and {percent(row['prob'])} interval"]
        if self.quantity.over_range:
            parts.append(self._range_in_words())
        if self.scope == AVERAGE:
            total = len(self.frontiers.settings)
            several = f"{len(used)} of {total} settings: {shorten(used)}"
            parts.append(several if len(used) < total else f"all {total} settings")
        parts.append(
            "predicted for a setting without data"
            if self.scope == NEW_SETTING
            else SUPPORTS[row["support"]].sentence
        )
        if row["prior_driven"]:
            parts.append("driven by the prior as much as by the data, or more")
        parts.append(f"probability of a factor above 1 {probability(float(row['p_gt_1']))}")
        return parts

    def _range_in_words(self) -> str:
        pair = {"variant": self.variant, "baseline": self.baseline, "of": self.quantity.of}
        shared = (shared_range(self.ranges, setting=setting, **pair) for setting in self.used)
        inside = [own for own in shared if own]
        over = average_range(inside)
        if self.scope != NEW_SETTING:
            ends = inside or [NOWHERE]
            over = Range(min(own.low for own in ends), max(own.high for own in ends))
        if self.quantity.of == "hit":
            name = "hits" if self.frontiers.bounded else f"{self.frontiers.metric_label} values"
            text = f"{name} {significant(over.low)} to {significant(over.high)}"
        else:
            text = f"L0 {significant(1.0 / over.high)} to {significant(1.0 / over.low)}"
        several = self.scope == AVERAGE and len(inside) > 1
        return f"each setting's shared range, together {text}" if several else text


def _verdict_sentence(row: pd.Series, gain: _Gain) -> str:
    """Say the verdict of a row of the table of verdicts, with its probability and range."""
    verdict = str(row["verdict"])
    if verdict == "no shared range":
        return "The two share no range of L0, so there is no Pareto verdict."
    span = f"L0 {significant(row['l0_low'])} to {significant(row['l0_high'])}"
    start = SCOPES[gain.scope].verdict_start if gain.scope in SCOPES else ""
    if verdict in ("better", "worse"):
        side = "below" if verdict == "better" else "above"
        p = probability(float(row[f"p_{verdict}"])).removeprefix("= ")
        text = (
            f"the {gain.variant} curve lies {side} the {gain.baseline} curve over the whole shared range "
            f"({span}) with probability {p}: Pareto-{verdict}."
        )
    elif verdict == "crossing":
        p = probability(float(row["p_cross"])).removeprefix("= ")
        text = (
            f"the two curves cross inside the shared range ({span}) with probability {p}, at an L0 of "
            f"{significant(row['crossing_l0'])} (posterior median): neither is Pareto-better."
        )
    else:
        columns = {"better": "p_better", "worse": "p_worse", "crossing": "p_cross"}
        odds = ", ".join(f"{name} {probability(float(row[column]))}" for name, column in columns.items())
        text = f"the Pareto verdict over the shared range ({span}) is undecided (probability {odds})."
    return capital(start + text)


def capital(text: str) -> str:
    """Begin a sentence with a capital."""
    return text[:1].upper() + text[1:]

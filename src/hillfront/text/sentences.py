"""What a comparison comes to, in plain sentences that can be put into a paper as they are.

Pure functions of the tables of :class:`Improvement` and :class:`Pareto` and of the frontiers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from hillfront.estimands.comparisons import setting_labels
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.pareto import Pareto
from hillfront.frontiers.ranges import NOWHERE, Range, average_range, observed_ranges, shared_range
from hillfront.frontiers.table import Frontiers
from hillfront.text.verdict_sentence import capital, verdict_sentence
from hillfront.utils.numbers import interval, percent, probability, significant
from hillfront.utils.wording import shorten

__all__ = ["GAINS", "ComparisonSentence", "comparison_sentences", "do_not_report"]

GAINS: Final = (
    "mean_sparsity_gain",
    "mean_hit_reduction",
    "sparsity_gain",
    "sparsity_gain_nats",
    "hit_reduction",
)
"""Quantities that a sentence can be about; ratios of parameters only describe the curves."""

_OF_HITS: Final = frozenset({"mean_sparsity_gain", "sparsity_gain", "sparsity_gain_nats"})


@dataclass(frozen=True)
class ComparisonSentence:
    """One comparison in words.

    Attributes
    ----------
    variant, baseline : str
    scope : str
        ``average``, ``new_setting`` or ``setting``.
    setting : str
        Label of the setting; empty for the scopes above settings.
    quantity : str
    at : float
        Hit, L0 or nats of the quantity; NaN for those without a place.
    warning : str
        What comes first where a diagnostic failed; else empty.
    gain : str
        The factor with its interval, its support and the hits and settings that it holds for.
    verdict : str
        The Pareto verdict with its probability.
    """

    variant: str
    baseline: str
    scope: str
    setting: str
    quantity: str
    at: float
    warning: str
    gain: str
    verdict: str

    def __str__(self) -> str:
        """All of it, in one paragraph."""
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
    quantities: Sequence[str] = ("mean_sparsity_gain",),
    times: str = "x",
) -> tuple[ComparisonSentence, ...]:
    """Put every comparison into words: one sentence or two a variant and scope.

    Parameters
    ----------
    improvement : Improvement
    pareto : Pareto
        Of the same fit.
    frontiers : Frontiers
        The data that were fitted.
    failed : sequence of str
        Names of the diagnostics that failed; every sentence then begins by saying that it must not be
        reported.
    quantities : sequence of str
        Which of :data:`GAINS` to put into words, in this order; the headline by default.
    times : str
        The sign behind a factor.

    Returns
    -------
    tuple of ComparisonSentence
        In the order of the improvement table. With a single setting, its own row stands for the average too,
        which would say the same.

    Raises
    ------
    ValueError
        For a quantity that there is no sentence for.
    """
    unknown = [name for name in quantities if name not in GAINS]
    if unknown:
        raise ValueError(f"quantities={list(quantities)}: allowed are {', '.join(GAINS)}.")
    words = _Words(frontiers, observed_ranges(frontiers), times, do_not_report(failed))
    gains = improvement.summary.assign(setting_label=setting_labels(improvement.summary))
    judged = pareto.summary.assign(setting_label=setting_labels(pareto.summary))
    verdicts = {(row["variant"], row["setting_label"]): row for _, row in judged.iterrows()}
    found = []
    for quantity in quantities:
        rows = gains[gains["quantity"] == quantity]
        for _, row in rows.iterrows():
            if row["scope"] != "setting" and len(frontiers.settings) == 1:
                continue
            same = (rows["variant"] == row["variant"]) & (rows["at"].eq(row["at"]) | np.isnan(row["at"]))
            verdict = verdicts.get((row["variant"], row["setting_label"]))
            found.append(words.about(row, verdict, rows[same]))
    return tuple(found)


@dataclass(frozen=True)
class _Words:
    """What all sentences about one fit share."""

    frontiers: Frontiers
    ranges: dict[tuple[str, str], dict[str, Range]]
    times: str
    warning: str

    def about(self, row: pd.Series, verdict: pd.Series | None, same: pd.DataFrame) -> ComparisonSentence:
        """Put one row into words; ``same`` are the rows of its variant, quantity and hit or L0."""
        variant, baseline, scope = str(row["variant"]), str(row["baseline"]), str(row["scope"])
        setting = str(row["setting_label"]) if scope == "setting" else ""
        used = [
            str(label)
            for label, scoped, support in zip(
                same["setting_label"], same["scope"], same["support"], strict=True
            )
            if scoped == "setting" and support != "none"
        ]
        kind: Literal["hit", "sparsity"] = "hit" if row["quantity"] in _OF_HITS else "sparsity"
        pairs = [self._shared(variant, baseline, name, kind) for name in ([setting] if setting else used)]
        start = self._start(scope, setting)
        if row["support"] == "none":
            gain = f"{start}{self._nothing(row, variant, baseline, kind)}"
        elif np.isnan(row["median"]):
            gain = (
                f"{start}the {_named(row)} of {variant} SAEs over {baseline} SAEs is undefined in too many "
                f"posterior draws to have a {percent(row['prob'])} interval."
            )
        else:
            claim = self._claim(row, variant, baseline, predicted=scope == "new_setting")
            where = self._where(row, scope, pairs, used, kind)
            gain = f"{start}{claim} ({'; '.join(where)})."
        if start or gain.startswith("it is open"):  # names keep their letter case
            gain = capital(gain)
        return ComparisonSentence(
            variant,
            baseline,
            scope,
            setting,
            str(row["quantity"]),
            float(row["at"]),
            self.warning,
            gain,
            verdict_sentence(verdict, variant, baseline, scope),
        )

    def _shared(self, variant: str, baseline: str, setting: str, kind: str) -> Range:
        return shared_range(self.ranges, variant=variant, baseline=baseline, setting=setting, of=kind)

    def _start(self, scope: str, setting: str) -> str:
        if scope == "average":
            return "on average over the settings, "
        if scope == "new_setting":
            return "in a setting without data, "
        columns = self.frontiers.group_columns
        if setting == "all" and not columns:
            return ""
        # A bare number, such as a layer's, says nothing without its column.
        return f"in {columns[0]} {setting}, " if len(columns) == 1 else f"in {setting}, "

    def _at(self, row: pd.Series) -> str:
        metric, quantity, at = self.frontiers.metric_label, row["quantity"], row["at"]
        if quantity == "mean_sparsity_gain":
            return f"at equal {metric}"
        if quantity == "sparsity_gain":
            return f"at a {metric} of {at:g}"
        if quantity == "sparsity_gain_nats":
            return f"at a loss difference of {at:g} nats"
        return "at equal L0" if quantity == "mean_hit_reduction" else f"at an L0 of {at:g}"

    def _claim(self, row: pd.Series, variant: str, baseline: str, *, predicted: bool) -> str:
        """Say the factor, the right way round, or that its direction is open."""
        median, lower, upper = float(row["median"]), float(row["lower"]), float(row["upper"])
        latents = row["quantity"] in _OF_HITS
        factor = f"{significant(median)}{self.times} {interval(lower, upper)}"
        if lower <= 1.0 <= upper:
            less = "need fewer active latents" if latents else f"have a smaller {self.frontiers.metric_label}"
            return (
                f"it is open whether {variant} SAEs {less} than {baseline} SAEs {self._at(row)}: the "
                f"{'predicted ' if predicted else ''}{_named(row)} is {factor}, an interval that contains 1"
            )
        gained = lower > 1.0
        if not gained:
            # The other way round, which readers take in more easily; the factor of the table stays beside it.
            with np.errstate(divide="ignore"):
                turned = [significant(float(np.float64(1.0) / end)) for end in (median, upper, lower)]
            factor = f"{turned[0]}{self.times} [{turned[1]}, {turned[2]}]"
        if latents:
            verb = "are predicted to need" if predicted else "need"
            claim = (
                f"{variant} SAEs {verb} {factor} {'fewer' if gained else 'more'} active latents than "
                f"{baseline} SAEs {self._at(row)}"
            )
        else:
            verb = "are predicted to have" if predicted else "have"
            claim = (
                f"{variant} SAEs {verb} a {factor} {'smaller' if gained else 'larger'} "
                f"{self.frontiers.metric_label} than {baseline} SAEs {self._at(row)}"
            )
        return (
            claim if gained else f"{claim}, a {_named(row)} of {significant(median)} {interval(lower, upper)}"
        )

    def _where(self, row: pd.Series, scope: str, pairs: list[Range], used: list[str], kind: str) -> list[str]:
        """Name what the numbers rest on: interval, range, settings, support, prior, probability."""
        parts = [f"median and {percent(row['prob'])} interval"]
        if row["quantity"] in ("mean_sparsity_gain", "mean_hit_reduction"):
            inside = [pair for pair in pairs if pair]
            over = average_range(inside) if scope == "new_setting" else _union(inside)
            parts.append(self._over(over, kind, several=scope == "average" and len(inside) > 1))
        if scope == "average":
            total = len(self.frontiers.settings)
            parts.append(
                f"{len(used)} of {total} settings: {shorten(used)}"
                if len(used) < total
                else f"all {total} settings"
            )
        support = {
            "observed": "inside the data of both",
            "extrapolated": "extrapolated beyond the data of one or both",
        }[str(row["support"])]
        parts.append("predicted for a setting without data" if scope == "new_setting" else support)
        if row["prior_driven"]:
            parts.append("driven by the prior as much as by the data, or more")
        parts.append(f"probability of a factor above 1 {probability(float(row['p_gt_1']))}")
        return parts

    def _over(self, over: Range, kind: str, *, several: bool) -> str:
        if kind == "hit":
            name = "hits" if self.frontiers.bounded else f"{self.frontiers.metric_label} values"
            text = f"{name} {significant(over.low)} to {significant(over.high)}"
        else:
            text = f"L0 {significant(1.0 / over.high)} to {significant(1.0 / over.low)}"
        return f"each setting's shared range, together {text}" if several else text

    def _nothing(self, row: pd.Series, variant: str, baseline: str, kind: str) -> str:
        if row["quantity"] in ("mean_sparsity_gain", "mean_hit_reduction"):
            what = f"range of {self.frontiers.metric_label}" if kind == "hit" else "range of L0"
            return (
                f"{variant} and {baseline} SAEs observed no {what} in common, so there is no {_named(row)} "
                "to give."
            )
        return f"there is no {_named(row)} of {variant} SAEs over {baseline} SAEs {self._at(row)}."


def _union(ranges: Sequence[Range]) -> Range:
    return Range(min(r.low for r in ranges), max(r.high for r in ranges)) if ranges else NOWHERE


def _named(row: pd.Series) -> str:
    return str(row["quantity"]).removesuffix("_nats").replace("_", " ")

"""Contents of the report: the verdicts in words, and the tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hillfront.diagnostics.run import Diagnostics
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.pareto import Pareto
from hillfront.estimands.quantities import AT_HIT, AT_L0, AT_NATS, QUANTITIES, headlines, quantity_named
from hillfront.estimands.scopes import AVERAGE, NEW_SETTING, SETTING, badges, where_of
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.report.tables import Cell, Table, chance, label, mark, number, table_of, text
from hillfront.text.sentences import ComparisonSentence, capital, comparison_sentences
from hillfront.utils.intervals import DEFAULT_PROB
from hillfront.utils.wording import count, interval, significant

__all__ = [
    "Verdict",
    "data_table",
    "diagnostics_table",
    "dropped_table",
    "factors_table",
    "selection_frame_table",
    "verdict_table",
    "verdicts_of",
]


@dataclass(frozen=True)
class Verdict:
    """The words about one variant."""

    variant: str
    word: str
    """``better``, ``worse``, ``crossing``, ``undecided`` or ``no shared range``."""
    headline: str
    """The mean sparsity gain with its interval; empty where there is none."""
    sentences: tuple[str, ...]
    """The verdict and the headline gains first."""

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
    found = []
    for variant in fit.design.variants[1:]:
        rows = pareto.summary[pareto.summary["variant"] == variant]
        said = [sentence for sentence in sentences if sentence.variant == variant]
        found.append(_verdict(fit, variant, _headline(improvement.summary, variant), rows, said))
    return tuple(found)


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
    headline = (factors["quantity"] == headlines()[0]) & (factors["scope"] == AVERAGE)
    own = factors[headline & (factors["variant"] == variant)]
    if own.empty or np.isnan(own["median"].iloc[0]):
        return ""
    row = own.iloc[0]
    words = capital(QUANTITIES[row["quantity"]].words)
    return f"{words} {significant(row['median'])} {interval(row['lower'], row['upper'])}"


def _of_settings(rows: pd.DataFrame) -> Iterator[str]:
    """Count the settings with each verdict, where there are several."""
    words = rows.loc[rows["scope"] == SETTING, "verdict"]
    if len(words) > 1:
        parts = ", ".join(f"{word} in {n}" for word, n in words.value_counts(sort=False).items())
        yield f"Of {count(len(words), 'setting')}, each by itself: {parts}."


def verdict_table(improvement: Improvement, pareto: Pareto) -> Table:
    """Make one row a comparison: the verdict, its probabilities and the two headline factors."""
    factors = improvement.summary
    keys = list(pareto.summary.columns[1 : list(pareto.summary.columns).index("scope") + 1])
    headline = {name: factors[factors["quantity"] == name].set_index(keys) for name in headlines()}
    rows = []
    for _, row in pareto.summary.iterrows():
        key = tuple(row[keys])
        # Curves that share a range of L0 need not share one of hits, and then have no mean to average.
        found = [rows_.loc[key] if key in rows_.index else None for rows_ in headline.values()]
        word = str(row["verdict"])
        rows.append(
            (
                text(row["variant"]),
                text(where_of(row)),
                mark(word, word.replace(" ", "-")),
                *(_interval(factor) for factor in found),
                *(number(row[name], chance(row[name])) for name in ("p_better", "p_worse", "p_cross")),
                *(number(row[name]) for name in ("l0_low", "l0_high")),
            )
        )
    words = (QUANTITIES[name].words for name in headline)
    return Table(
        "verdicts",
        f"Verdicts, and the headline factors: median and {DEFAULT_PROB:.0%} interval. "
        "* extrapolated, or predicted for a setting without data; ! driven by the prior.",
        ("variant", "where", "verdict", *words, "p better", "p worse", "p crossing", "shared L0 from", "to"),
        tuple(rows),
    )


def _interval(row: pd.Series | None) -> Cell:
    if row is None or np.isnan(row["median"]):
        return number(np.nan, "no shared range")
    ends = f"[{label(row['lower'])}, {label(row['upper'])}]"
    return number(row["median"], f"{label(row['median'])} {ends}{badges(row)}")


def factors_table(improvement: Improvement) -> Table:
    """Show every row of the improvement table."""
    rows = tuple(
        (
            text(row["variant"]),
            text(where_of(row)),
            text(quantity.words),
            number(row["at"], f"{row['at']:g}{quantity.at.unit}" if quantity.at else ""),
            *(number(row[name]) for name in ("median", "lower", "upper")),
            number(row["p_gt_1"], chance(row["p_gt_1"])),
            text(row["support"]),
            text("by the prior" if row["prior_driven"] else "by the data"),
        )
        for _, row in improvement.summary.iterrows()
        for quantity in [quantity_named(row["quantity"])]
    )
    return Table(
        "factors",
        f"Every improvement factor, with its {DEFAULT_PROB:.0%} interval. Factors above 1 favour the "
        "variant, apart from those of k, which only describe the shape.",
        ("variant", "where", "quantity", "at", "median", "lower", "upper", "p above 1", "support", "driven"),
        rows,
    )


def diagnostics_table(diagnostics: Diagnostics) -> Table:
    """One row a check, with a light: failed, look, passed, or for information."""
    rows = []
    for check in diagnostics.checks:
        if check.passed is None:
            light = mark("look", "look") if check.next_step else mark("information", "information")
        else:
            light = mark("passed", "passed") if check.passed else mark("failed", "failed")
        step = "" if check.passed else check.next_step
        value = number(check.value, "" if np.isnan(check.value) else f"{check.value:.4g}")
        rows.append((text(check.name), light, text(check.seen), text(check.asked), value, text(step)))
    return Table(
        "diagnostics",
        "Checks of the sampler and of the model's fit to the data.",
        ("check", "light", "seen", "asked", "value", "what to do"),
        tuple(rows),
    )


def data_table(frontiers: Frontiers) -> Table:
    """Every SAE that was fitted."""
    table = frontiers.table
    first = [name for name in ("row", "variant", *frontiers.group_columns) if name in table]
    left_out = {"setting"} if frontiers.group_columns != ("setting",) else set()
    rest = [name for name in table if name not in first and name not in left_out]
    return table_of(
        table[[*first, *rest]],
        name="data",
        caption="Every SAE that was fitted; row counts from 0 in the table that was given.",
        headings={"l0": "L0", frontiers.metric: frontiers.metric_label, "sparsity": "sparsity (1 / L0)"},
    )


def dropped_table(frontiers: Frontiers) -> Table:
    """List the rows that were dropped, each with its faults."""
    return table_of(frontiers.dropped, name="dropped", caption="Rows that were dropped, and why.")


def selection_frame_table(fit: FrontierFit, improvement: Improvement) -> Table:
    """List the factors with and without the correction for a Pareto selection."""
    taken: dict[str, list[float]] = {own.argument: [] for own in (AT_HIT, AT_L0, AT_NATS)}
    for name, at in improvement.summary[["quantity", "at"]].drop_duplicates().itertuples(index=False):
        own = quantity_named(name).at
        if own is not None and at not in taken[own.argument]:
            taken[own.argument].append(at)
    selection = fit.selection(at_hit=taken["at_hit"], at_l0=taken["at_l0"], at_nats=taken["at_nats"])
    return table_of(
        selection.drop(columns="baseline"),
        name="selection",
        caption="Every factor with the correction for the SAEs that the table left out, and without it.",
    )

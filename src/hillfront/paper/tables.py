r"""Booktabs tables, with captions and labels, ready for ``\input``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import batched
from typing import Final

import numpy as np
import pandas as pd

from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.paper.latex import MISSING, latex, tex_interval, tex_number, tex_probability
from hillfront.paper.source import PaperSource
from hillfront.text.sentences import capital
from hillfront.utils.wording import percent

__all__ = ["diagnostics_table", "gains_table", "priors_table", "verdicts_table"]

ROWS_A_TABLE: Final = 40
"""More rows do not fit on a page, and go on in another table."""

LONG_NAME: Final = 24
"""Longest name, in letters of its LaTeX, that stands on one line."""


def gains_table(source: PaperSource) -> str:
    """Write the headline gains of every comparison, each with its interval and its support."""
    table = source.gains
    keys = ["variant", "scope", "where"]
    quantities = [QUANTITIES[name] for name in headlines()]
    headline = [table[table["quantity"] == quantity.name].set_index(keys) for quantity in quantities]
    rows = []
    for key in dict.fromkeys(k for part in headline for k in part.index):
        cells = [_gain(part.loc[key]) if key in part.index else "no shared range" for part in headline]
        rows.append([latex(key[0]), latex(key[2]), *cells])
    baseline = latex(source.fit.baseline)
    metric = latex(source.fit.frontiers.metric_label)
    marks = {
        r"\textsuperscript{*}": " Starred: extrapolated beyond the data of one or both, or predicted for a "
        "setting without data.",
        r"\textsuperscript{\textdagger}": " Daggers: driven by the prior as much as by the data, or more.",
    }
    body = "".join("".join(row) for row in rows)
    said = (
        f"{quantity.caption.format(baseline=baseline, metric=metric)} ({latex(quantity.words)})"
        for quantity in quantities
    )
    caption = (
        f"{capital(', and '.join(said))}: median and {latex(percent(source.prob))} interval, geometric means "
        "over the range that both observed. Factors above 1 favour the variant."
        + "".join(text for mark, text in marks.items() if mark in body)
    )
    heads = ["Variant", "Where", *(latex(capital(quantity.words)) for quantity in quantities)]
    columns = "ll" + "r" * len(quantities)
    return _tables(source, "Improvement factors.", columns, heads, rows, caption, "gains")


def _gain(row: pd.Series) -> str:
    if row["support"] == "none":
        return "no shared range"
    if np.isnan(row["median"]):
        return "undefined"
    marks = [r"\textsuperscript{*}"] * (row["support"] != "observed")
    marks += [r"\textsuperscript{\textdagger}"] * bool(row["prior_driven"])
    return tex_interval(row["median"], row["lower"], row["upper"]) + "".join(marks)


def verdicts_table(source: PaperSource) -> str:
    """Write the Pareto verdict of every comparison."""
    rows = [
        [
            latex(row["variant"]),
            latex(row["where"]),
            f"{tex_number(row['l0_low'])}\\textendash{{}}{tex_number(row['l0_high'])}"
            if np.isfinite(row["l0_low"])
            else MISSING,
            *(tex_probability(row[name]) for name in ("p_better", "p_worse", "p_cross")),
            tex_number(row["crossing_l0"]),
            latex(row["verdict"]),
        ]
        for _, row in source.verdicts.iterrows()
    ]
    caption = (
        "Posterior probability that the curve of each variant lies below that of "
        f"{latex(source.fit.baseline)} (better), above it (worse) or crosses it, over the whole range of "
        "$L_0$ that both observed. A verdict takes a probability of "
        f"{source.threshold:g}; the $L_0$ of a crossing is its posterior median where the curves cross."
    )
    heads = ["Variant", "Where", "Shared $L_0$", *(f"$P$({word})" for word in ("better", "worse", "cross"))]
    heads += ["Crossing $L_0$", "Verdict"]
    return _tables(source, "Pareto verdicts.", "llrrrrrl", heads, rows, caption, "verdicts")


def diagnostics_table(source: PaperSource) -> str:
    """Write the checks of the sampler and of the fit."""
    words = {True: "passed", False: r"\textbf{failed}", None: "for information"}
    rows = [
        [latex(check.name), latex(check.seen), latex(check.asked) or MISSING, words[check.passed]]
        for check in source.diagnostics.checks
    ]
    heads = ["Check", "Seen", "Asked", "Result"]
    columns = r"lp{0.5\linewidth}ll"
    return _tables(source, "Diagnostics.", columns, heads, rows, "Diagnostics of the fit.", "diagnostics")


def priors_table(source: PaperSource, rows: Sequence[tuple[str, str]]) -> str:
    """Write the priors; ``rows`` are their names and densities in LaTeX."""
    caption = "Priors, in the units of the model."
    return _tables(source, "Priors.", r"l@{\quad}l", ["Parameter", "Prior"], rows, caption, "priors")


def _tables(
    source: PaperSource,
    what: str,
    columns: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    label: str,
) -> str:
    """Write a file with its rows in one table, or several where they are too many for a page."""
    parts = []
    # Long names are broken into lines, in columns that leave room for the numbers.
    if columns.startswith("ll") and any(len(cell) > LONG_NAME for row in rows for cell in row[:2]):
        share = 0.15 if len(heads) > 4 else 0.22
        columns = rf"p{{{share}\linewidth}}p{{{share}\linewidth}}{columns[2:]}"
        rows = [[*(rf"\raggedright {cell}" for cell in row[:2]), *row[2:]] for row in rows]
    for number, own in enumerate(batched(rows, ROWS_A_TABLE)):
        said = source.warned(caption if number == 0 else "(Continued.)")
        lines = [
            r"\begin{table}[htbp]",
            r"\centering",
            rf"\caption{{{said}}}",
            rf"\label{{tab:hf-{label}{f'-{number + 1}' if number else ''}}}",
            r"\footnotesize\setlength{\tabcolsep}{4pt}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
            *(" & ".join(row) + r" \\" for row in own),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
        parts.append("\n".join(lines) + "\n")
    return source.head(what) + "\n".join(parts)

r"""A ``\newcommand`` for every number of a fit, so that a paper's text can never differ from its table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from hillfront.estimands.quantities import quantity_named
from hillfront.estimands.scopes import SCOPES
from hillfront.paper.latex import (
    MISSING,
    comment,
    latex,
    letters,
    tex_interval,
    tex_number,
    tex_probability,
    unique_letters,
)
from hillfront.paper.source import PaperSource
from hillfront.utils.wording import percent

__all__ = ["macros_file"]


type Macro = tuple[str, str, str]
"""Its name without the backslash, what it prints, and what that is."""

_ALL_THREE: Final = "median [lower, upper]"
_OF_GAINS: Final = (
    ("", "median", tex_number),
    ("Low", "lower", tex_number),
    ("High", "upper", tex_number),
    ("Interval", _ALL_THREE, str),
    ("Prob", "p_gt_1", tex_probability),
    ("Support", "support", latex),
)
_OF_VERDICTS: Final = (
    ("PBetter", "p_better", tex_probability),
    ("PWorse", "p_worse", tex_probability),
    ("PCross", "p_cross", tex_probability),
    ("LZeroLow", "l0_low", tex_number),
    ("LZeroHigh", "l0_high", tex_number),
    ("CrossingLZero", "crossing_l0", tex_number),
    ("Verdict", "verdict", latex),
)


def macros_file(source: PaperSource) -> str:
    r"""Write macros.tex.

    The name is ``\hf``, variant, baseline, scope or setting, quantity, what it is taken at, and what of it:
    nothing for the median, ``Low``, ``High``, ``Interval`` (all three), ``Prob`` (of a factor above 1) and
    ``Support``. Each line ends in the line and the column of the CSV file that it is from. Where a diagnostic
    failed, every number prints a warning beside it.
    """
    lines = [
        source.head("A macro for every number: \\hf<Variant><Baseline><Scope or setting><Quantity><what>."),
        "% Without an ending: the median. Low, High: ends of the interval. Interval: all three. Prob: the",
        "% probability of a factor above 1. Support: inside the data, or not. Lines of CSV files count "
        "from 1, the",
        "% header being line 1. Put {} behind a macro that a space follows.",
    ]
    if source.failed:
        lines.append(rf"\providecommand{{\hfDoNotReport}}[1]{{#1 {source.warning}}}")
    seen: set[str] = set()
    for name, value, about in (*_of_tables(source), *_of_fit(source)):
        while name in seen:  # such as variant "a b" in setting "c" beside variant "a" in setting "b c"
            name += "Again"
        seen.add(name)
        printed = rf"\hfDoNotReport{{{value}}}" if source.failed else value
        lines.append(rf"\newcommand{{\hf{name}}}{{{printed}}}% {comment(about)}")
    return "\n".join(lines) + "\n"


def _of_tables(source: PaperSource) -> Iterator[Macro]:
    """Yield the macros of every gain and of every verdict."""
    variants = unique_letters(source.fit.design.variants)
    scopes = [scope.macro for scope in SCOPES.values()]
    settings = unique_letters(source.fit.design.settings, taken=scopes)
    gains = source.gains
    intervals = zip(gains["median"], gains["lower"], gains["upper"], strict=True)
    gains = gains.assign(**{_ALL_THREE: [tex_interval(*ends) for ends in intervals]})
    tables = (("improvement", gains, _OF_GAINS), ("pareto", source.verdicts, _OF_VERDICTS))
    for table, rows, columns in tables:
        for line, (_, row) in enumerate(rows.iterrows(), start=2):
            scope = SCOPES.get(row["scope"])
            stem = f"{variants[row['variant']]}{variants[row['baseline']]}"
            stem += scope.macro if scope else settings[row["where"]]
            about = f"{row['variant']} against {row['baseline']}, {row['where']}"
            if table == "improvement":
                at = "" if np.isnan(row["at"]) else f"{row['at']:g}"
                stem += letters(quantity_named(row["quantity"]).macro) + (f"At{letters(at)}" if at else "")
                what = f"{row['quantity']} at {at}" if at else row["quantity"]
                about = f"{what} of {row['variant']} over {row['baseline']}, {row['where']}"
            for ending, column, write in columns:
                yield f"{stem}{ending}", write(row[column]), f"{table}.csv, line {line}, {column}: {about}"


def _of_fit(source: PaperSource) -> Iterator[Macro]:
    """Yield the macros of the fit itself, and of its checks."""
    fit = source.fit
    design, sampler_options = fit.design, fit.sampler_options
    counts = {
        "SAEs": (len(fit.frontiers), "SAEs that were fitted"),
        "Curves": (fit.frontiers.n_curves, "curves"),
        "Settings": (len(design.settings), "settings"),
        "Variants": (len(design.variants), "variants, the baseline among them"),
        "Chains": (sampler_options["chains"], "chains"),
        "Draws": (sampler_options["draws"], "draws of each chain after tuning"),
        "Tune": (sampler_options["tune"], "tuning draws of each chain"),
        "Seed": (sampler_options["random_seed"], "random_seed"),
    }
    for name, (count, about) in counts.items():
        yield f"Fit{name}", str(count), about
    yield "FitIntervalProbability", latex(percent(source.prob)), "probability of every interval"
    for line, check in enumerate(source.diagnostics.checks, start=2):
        value = MISSING if np.isnan(check.value) else tex_number(check.value, digits=5)
        about = f"diagnostics.csv, line {line}, value: {check.name}"
        yield f"Check{letters(check.name)}", value, about

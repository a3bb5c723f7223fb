r"""A ``\newcommand`` for every number of a fit, so that a paper's text can never differ from its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

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
from hillfront.utils.numbers import percent

__all__ = ["macros_file"]


@dataclass(frozen=True)
class _Macro:
    """One macro: its name without the backslash, what it prints, and what that is."""

    name: str
    value: str
    about: str


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
    for macro in (*_gains(source), *_verdicts(source), *_about_fit(source)):
        name = macro.name
        while name in seen:  # such as variant "a b" in setting "c" beside variant "a" in setting "b c"
            name += "Again"
        seen.add(name)
        value = rf"\hfDoNotReport{{{macro.value}}}" if source.failed else macro.value
        lines.append(rf"\newcommand{{\hf{name}}}{{{value}}}% {comment(macro.about)}")
    return "\n".join(lines) + "\n"


def _stems(source: PaperSource) -> tuple[dict[str, str], dict[str, str]]:
    """Letters of every variant and of every setting."""
    design = source.fit.design
    scopes = [scope.macro for scope in SCOPES.values()]
    return unique_letters(design.variants), unique_letters(design.settings, taken=scopes)


def _stem(row: pd.Series, label: str, variants: dict[str, str], settings: dict[str, str]) -> str:
    where = SCOPES[row["scope"]].macro if row["scope"] in SCOPES else settings[label]
    return f"{variants[row['variant']]}{variants[row['baseline']]}{where}"


def _gains(source: PaperSource) -> Iterator[_Macro]:
    variants, settings = _stems(source)
    for line, (_, row) in enumerate(source.gains.iterrows(), start=2):
        quantity = letters(quantity_named(row["quantity"]).macro)
        at = "" if np.isnan(row["at"]) else f"At{letters(f'{row["at"]:g}')}"
        stem = f"{_stem(row, row['where'], variants, settings)}{quantity}{at}"
        what = f"{row['quantity']}{'' if np.isnan(row['at']) else f' at {row["at"]:g}'}"
        about = f"{what} of {row['variant']} over {row['baseline']}, {row['where']}"
        for ending, column in (("", "median"), ("Low", "lower"), ("High", "upper")):
            yield _Macro(
                f"{stem}{ending}", tex_number(row[column]), _cell("improvement", line, column, about)
            )
        yield _Macro(
            f"{stem}Interval",
            tex_interval(row["median"], row["lower"], row["upper"]),
            _cell("improvement", line, "median [lower, upper]", about),
        )
        yield _Macro(
            f"{stem}Prob", tex_probability(row["p_gt_1"]), _cell("improvement", line, "p_gt_1", about)
        )
        yield _Macro(f"{stem}Support", latex(row["support"]), _cell("improvement", line, "support", about))


def _verdicts(source: PaperSource) -> Iterator[_Macro]:
    variants, settings = _stems(source)
    for line, (_, row) in enumerate(source.verdicts.iterrows(), start=2):
        stem = _stem(row, row["where"], variants, settings)
        about = f"{row['variant']} against {row['baseline']}, {row['where']}"
        for ending, column in (("PBetter", "p_better"), ("PWorse", "p_worse"), ("PCross", "p_cross")):
            yield _Macro(
                f"{stem}{ending}", tex_probability(row[column]), _cell("pareto", line, column, about)
            )
        for ending, column in (
            ("LZeroLow", "l0_low"),
            ("LZeroHigh", "l0_high"),
            ("CrossingLZero", "crossing_l0"),
        ):
            yield _Macro(f"{stem}{ending}", tex_number(row[column]), _cell("pareto", line, column, about))
        yield _Macro(f"{stem}Verdict", latex(row["verdict"]), _cell("pareto", line, "verdict", about))


def _cell(table: str, line: int, column: str, about: str) -> str:
    return f"{table}.csv, line {line}, {column}: {about}"


def _about_fit(source: PaperSource) -> Iterator[_Macro]:
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
        yield _Macro(f"Fit{name}", str(count), about)
    yield _Macro("FitIntervalProbability", latex(percent(source.prob)), "probability of every interval")
    for line, check in enumerate(source.diagnostics.checks, start=2):
        value = MISSING if np.isnan(check.value) else tex_number(check.value, digits=5)
        about = _cell("diagnostics", line, "value", check.name)
        yield _Macro(f"Check{letters(check.name)}", value, about)

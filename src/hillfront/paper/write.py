"""The folder of a paper: every file at once, or none."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from hillfront.estimands.pareto import DEFAULT_THRESHOLD
from hillfront.estimands.quantities import DEFAULT_AT_L0, QUANTITIES, headlines
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.paper import figures
from hillfront.paper.latex import latex
from hillfront.paper.macros import macros_file
from hillfront.paper.methods import methods_paragraph, prior_rows
from hillfront.paper.source import PaperSource
from hillfront.paper.tables import diagnostics_table, gains_table, priors_table, verdicts_table
from hillfront.text.outputs import FAILED_FILE, folder_at_once, write_tables
from hillfront.text.sentences import capital, comparison_sentences, gains
from hillfront.utils.intervals import DEFAULT_PROB
from hillfront.utils.wording import percent

__all__ = ["is_paper_file", "write_paper"]

_FILES = frozenset(
    {
        "gains.tex",
        "verdicts.tex",
        "diagnostics.tex",
        "priors.tex",
        "macros.tex",
        "sentences.tex",
        "sentences.txt",
        "methods.tex",
        "example.tex",
        "references.bib",
        "improvement.csv",
        "pareto.csv",
        "diagnostics.csv",
        FAILED_FILE,
    }
)
_MADE_FROM_THEM = re.compile(
    r"(frontiers|gains)_[12]col(_\d+)?\.(pdf|pgf)|example\.(pdf|log|aux|bbl|blg|out)"
)


def is_paper_file(name: str) -> bool:
    """Return whether a file is one that :func:`write_paper` writes, or that compiling example.tex leaves.

    Examples
    --------
    >>> is_paper_file("gains.tex"), is_paper_file("frontiers_1col_2.pgf"), is_paper_file("thesis.tex")
    (True, True, False)
    """
    return name in _FILES or _MADE_FROM_THEM.fullmatch(name) is not None


def write_paper(
    fit: FrontierFit,
    out: str | Path,
    *,
    prob: float = DEFAULT_PROB,
    threshold: float = DEFAULT_THRESHOLD,
    at_hit: float | Sequence[float] | None = None,
    at_l0: float | Sequence[float] = DEFAULT_AT_L0,
    at_nats: float | Sequence[float] = (),
) -> PaperSource:
    """Write a fit as the parts of a LaTeX paper, all files at once or none.

    Parameters
    ----------
    fit : FrontierFit
    out : path
        Folder to write; what is there is replaced.
    prob : float
        Probability of every interval.
    threshold : float
        Probability from which on a verdict is given.
    at_hit, at_l0, at_nats : sequence of float
        What the gains in improvement.csv, in the macros and in the sentences are taken at, as for
        :meth:`hillfront.FrontierFit.improvement`.

    Returns
    -------
    PaperSource
        What was written: its tables, the names of the diagnostics that failed, and the characters of names
        that pdflatex has no letters for.

    Raises
    ------
    ValueError
        For a fit that compares nothing, or a probability, hit, L0 or loss difference that has no meaning.
    """
    improvement = fit.improvement(prob=prob, at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
    if improvement.summary.empty:
        raise ValueError(
            f"The fit compares nothing: its variants are {', '.join(fit.design.variants)}, and none shares a "
            "setting with the baseline. Fit a table in which another variant does."
        )
    pareto, diagnostics = fit.pareto(threshold=threshold), fit.diagnostics()
    source = PaperSource(fit, improvement, pareto, diagnostics, prob, threshold)
    sentences = [
        # The verdict of a comparison is said once, with its headline.
        sentence if sentence.quantity == gains()[0] else replace(sentence, verdict="")
        for sentence in comparison_sentences(
            improvement, pareto, fit.frontiers, failed=source.failed, quantities=gains()
        )
    ]
    paragraphs = "\n\n".join(f"{latex(str(sentence))}\n" for sentence in sentences)
    with folder_at_once(Path(out)) as folder:
        files = {
            "gains.tex": gains_table(source),
            "verdicts.tex": verdicts_table(source),
            "diagnostics.tex": diagnostics_table(source),
            "priors.tex": priors_table(source, prior_rows(fit)),
            "macros.tex": macros_file(source),
            "sentences.tex": f"{source.head('A paragraph for every comparison.')}\n{paragraphs}",
            "sentences.txt": "".join(f"{sentence}\n\n" for sentence in sentences),
            "methods.tex": methods_paragraph(source),
            "references.bib": _references(fit),
        }
        files["example.tex"] = _example(source, figures.write_figures(source, folder))
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        write_tables(folder, improvement, pareto, diagnostics)
    return source


def _references(fit: FrontierFit) -> str:
    """Fill references.bib in: software is cited in the version that made the fit."""
    attributes = fit.data.attrs
    versions = json.loads(attributes["versions"])
    return _filled(
        "references.bib",
        version=versions["hillfront"],
        nutpie=versions["nutpie"],
        year=attributes["created"][:4],
    )


def _example(source: PaperSource, names: Sequence[str]) -> str:
    """Write a minimal article that inputs every part."""
    return _filled(
        "example.tex",
        warning=rf"{source.warning}\par" + "\n" if source.warning else "",
        variants=", ".join(map(latex, source.fit.design.variants)),
        figures="\n".join(_figure(source, name) for name in names),
    )


def _figure(source: PaperSource, name: str) -> str:
    kind, width = name.split("_")[:2]
    metric, baseline = latex(source.fit.frontiers.metric_label), latex(source.fit.baseline)
    prob, headline = latex(percent(source.prob)), latex(capital(QUANTITIES[headlines()[0]].words))
    caption = {
        "frontiers": f"Frontiers: SAEs (marks), posterior median of the expected {metric} (lines, dashed "
        f"outside the data) and {prob} predictive bands; the grey strip is the range of sparsity that all "
        "curves of a panel observed.",
        "gains": f"{headline} over {baseline}: median and {prob} interval; hollow marks are extrapolated or "
        "predicted for a setting without data.",
    }[kind]
    return "\n".join(
        [
            r"\begin{figure}[htbp]",
            r"\centering",
            rf"\includegraphics[width={figures.WIDTHS[width]}in]{{{name}.pdf}}",
            rf"\caption{{{source.warned(caption)}}}",
            rf"\label{{fig:hf-{name.replace('_', '-')}}}",
            r"\end{figure}",
        ]
    )


def _filled(name: str, **words: str) -> str:
    """Read a packaged file, with a word in place of each of its own, such as ``@{version}``."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return re.sub(r"@\{(\w+)\}", lambda found: words[found[1]], text)

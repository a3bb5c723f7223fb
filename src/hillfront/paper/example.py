r"""A minimal article that inputs every part, to compile at once and to copy from."""

from __future__ import annotations

from collections.abc import Sequence

from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.paper.figures import WIDTHS
from hillfront.paper.latex import latex
from hillfront.paper.source import PaperSource
from hillfront.text.sentences import capital
from hillfront.utils.numbers import percent

__all__ = ["example_tex"]

_PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=0.8in]{geometry}
\usepackage{amsmath,booktabs,graphicx}
\usepackage[hidelinks]{hyperref}
\emergencystretch=3em
\input{macros}
"""


def example_tex(source: PaperSource, figures: Sequence[str]) -> str:
    """Write example.tex.

    Parameters
    ----------
    source : PaperSource
    figures : sequence of str
        Names of the figures, without the ending.
    """
    parts = [
        "% Compile: pdflatex example; bibtex example; pdflatex example; pdflatex example",
        _PREAMBLE,
        r"\begin{document}",
        r"\section*{Results}",
        *([source.warning + r"\par"] if source.warning else []),
        f"Variants: {', '.join(map(latex, source.fit.design.variants))}. Gains are in "
        r"Table~\ref{tab:hf-gains}, verdicts in Table~\ref{tab:hf-verdicts}. "
        r"The fit is of \hfFitSAEs{} SAEs on \hfFitCurves{} curves.",
        *(_figure(source, name) for name in figures),
        r"\input{gains}",
        r"\input{verdicts}",
        r"\section*{Methods}",
        r"\input{methods}",
        r"\input{priors}",
        r"\input{diagnostics}",
        r"\clearpage",
        r"\section*{Sentences}",
        r"\input{sentences}",
        r"\bibliographystyle{plain}",
        r"\bibliography{references}",
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


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
    warned = f"{source.warning} " if source.warning else ""
    return "\n".join(
        [
            r"\begin{figure}[htbp]",
            r"\centering",
            rf"\includegraphics[width={WIDTHS[width]}in]{{{name}.pdf}}",
            rf"\caption{{{warned}{caption}}}",
            rf"\label{{fig:hf-{name.replace('_', '-')}}}",
            r"\end{figure}",
        ]
    )

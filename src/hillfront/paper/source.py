"""The material of every part of a paper: the tables of one fit, computed once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hillfront.diagnostics.run import Diagnostics
from hillfront.estimands.comparisons import setting_labels
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.pareto import Pareto
from hillfront.estimands.scopes import where
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.paper.latex import UNICODE_MACRO, comment, latex, replaced
from hillfront.text.sentences import do_not_report

__all__ = ["PaperSource"]


@dataclass(frozen=True)
class PaperSource:
    """A fit with its tables, the probability of its intervals and the threshold of its verdicts."""

    fit: FrontierFit
    improvement: Improvement
    pareto: Pareto
    diagnostics: Diagnostics
    prob: float
    threshold: float

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the diagnostics that failed."""
        return tuple(check.name for check in self.diagnostics.failed)

    @property
    def gains(self) -> pd.DataFrame:
        """The improvement table, with the setting's label in a column ``where``."""
        return _with_where(self.improvement.summary)

    @property
    def verdicts(self) -> pd.DataFrame:
        """The table of verdicts, with the setting's label in a column ``where``."""
        return _with_where(self.pareto.summary)

    @property
    def replaced(self) -> tuple[str, ...]:
        """Characters of the user's names that pdflatex has no letters for."""
        design, frontiers = self.fit.design, self.fit.frontiers
        names = (*design.variants, *design.settings, *frontiers.group_columns, frontiers.metric_label)
        return replaced(" ".join(names))

    def head(self, what: str) -> str:
        """First lines of a file: what it is, what it needs and, where a diagnostic failed, the warning."""
        lines = [
            f"% {what}",
            "% Written by hillfront. Needs \\usepackage[T1]{fontenc} and \\usepackage{booktabs}.",
        ]
        if self.failed:
            lines.append(f"% {comment(do_not_report(self.failed))}")
        if self.replaced:
            lines.append(
                f"% Of the names, {len(self.replaced)} characters have no letter in pdflatex's fonts and "
                f"stand as code points: {comment(' '.join(self.replaced))}"
            )
        return "\n".join([*lines, UNICODE_MACRO, ""])

    @property
    def warning(self) -> str:
        """Warning on the printed page where a diagnostic failed, else nothing."""
        return rf"\textbf{{{latex(do_not_report(self.failed))}}}" if self.failed else ""

    def warned(self, caption: str) -> str:
        """Put the warning, if there is one, before a caption."""
        return f"{self.warning} {caption}".lstrip()


def _with_where(table: pd.DataFrame) -> pd.DataFrame:
    labels = setting_labels(table)
    return table.assign(where=[where(*row) for row in zip(table["scope"], labels, strict=True)])

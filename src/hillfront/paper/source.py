"""The material of every part of a paper: the tables of one fit, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from hillfront.diagnostics.run import Diagnostics
from hillfront.estimands.comparisons import setting_labels
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.pareto import DEFAULT_THRESHOLD, Pareto
from hillfront.estimands.quantities import DEFAULT_AT_L0
from hillfront.estimands.scopes import where
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.paper.latex import UNICODE_MACRO, comment, latex, replaced
from hillfront.text.sentences import do_not_report
from hillfront.utils.intervals import DEFAULT_PROB

__all__ = ["PaperSource", "paper_source"]


@dataclass(frozen=True)
class PaperSource:
    """A fit with its tables.

    Attributes
    ----------
    fit : FrontierFit
    improvement : Improvement
    pareto : Pareto
    diagnostics : Diagnostics
    prob, threshold : float
        Of the intervals, and of the verdicts.
    """

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
    def names(self) -> tuple[str, ...]:
        """Every name of the user's that a file may hold."""
        frontiers = self.fit.frontiers
        return (
            *self.fit.design.variants,
            *self.fit.design.settings,
            *frontiers.group_columns,
            frontiers.metric_label,
        )

    @property
    def replaced(self) -> tuple[str, ...]:
        """Characters of these names that pdflatex has no letters for."""
        return replaced(" ".join(self.names))

    def head(self, what: str) -> str:
        """First lines of a file: what it is, what it needs and, where a diagnostic failed, the warning."""
        lines = [
            f"% {what}",
            "% Written by hillfront. Needs \\usepackage[T1]{fontenc} and \\usepackage{booktabs}.",
            *(f"% {comment(do_not_report(self.failed))}" for _ in range(bool(self.failed))),
            *(
                f"% Of the names, {len(self.replaced)} characters have no letter in pdflatex's fonts and "
                f"stand as code points: {comment(' '.join(self.replaced))}"
                for _ in range(bool(self.replaced))
            ),
            UNICODE_MACRO,
        ]
        return "\n".join(lines) + "\n"

    @property
    def warning(self) -> str:
        """Warning on the printed page where a diagnostic failed, else nothing."""
        return rf"\textbf{{{latex(do_not_report(self.failed))}}}" if self.failed else ""


def _with_where(table: pd.DataFrame) -> pd.DataFrame:
    labels = setting_labels(table)
    return table.assign(where=[where(*row) for row in zip(table["scope"], labels, strict=True)])


def paper_source(
    fit: FrontierFit,
    *,
    prob: float = DEFAULT_PROB,
    threshold: float = DEFAULT_THRESHOLD,
    at_hit: float | Sequence[float] | None = None,
    at_l0: float | Sequence[float] = DEFAULT_AT_L0,
    at_nats: float | Sequence[float] = (),
) -> PaperSource:
    """Compute the tables of a fit.

    Raises
    ------
    ValueError
        For what :meth:`hillfront.FrontierFit.improvement` and ``pareto`` refuse, and for a fit that compares
        nothing.
    """
    improvement = fit.improvement(prob=prob, at_hit=at_hit, at_l0=at_l0, at_nats=at_nats)
    if improvement.summary.empty:
        raise ValueError(
            f"The fit compares nothing: its variants are {', '.join(fit.design.variants)}, and none shares a "
            "setting with the baseline. Fit a table in which another variant does."
        )
    pareto = fit.pareto(threshold=threshold)
    return PaperSource(fit, improvement, pareto, fit.diagnostics(), prob, threshold)

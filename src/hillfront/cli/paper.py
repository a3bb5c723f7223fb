"""``hillfront paper``: a saved fit as the parts of a LaTeX paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hillfront.cli.options import AtHit, AtL0, AtNats, Force, Quiet, SavedFit
from hillfront.cli.run import EXIT_DIAGNOSTIC_FAILED, examples

__all__ = ["PAPER_EXAMPLES", "paper"]

PAPER_EXAMPLES = examples(
    "hillfront paper results/fit.nc --out paper",
    "hillfront paper results/fit.nc --out paper --at-hit 0.05 --force",
)


def paper(
    fit: SavedFit,
    out: Annotated[Path, typer.Option(help="Folder for the LaTeX files and figures.")],
    prob: Annotated[float | None, typer.Option(help="Probability of the intervals; 0.9 if left out.")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Probability that a verdict takes; 0.95 if left out.")
    ] = None,
    at_hit: AtHit = None,
    at_l0: AtL0 = None,
    at_nats: AtNats = None,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Write a saved fit as tables, macros, sentences, a methods paragraph and figures for LaTeX."""
    from hillfront.fits.frontier_fit import FrontierFit
    from hillfront.paper.figures import has_pdflatex
    from hillfront.paper.write import is_paper_file, write_paper
    from hillfront.text.outputs import validate_out

    validate_out(out, force=force, own=is_paper_file)
    loaded = FrontierFit.load(fit)
    asked: dict[str, Any] = {
        "prob": prob,
        "threshold": threshold,
        "at_hit": at_hit,
        "at_l0": at_l0,
        "at_nats": at_nats,
    }
    written = write_paper(loaded, out, **{name: value for name, value in asked.items() if value is not None})
    if not quiet:
        if written.replaced:
            typer.echo(
                f"pdflatex has no letters for {' '.join(written.replaced)} in the names: they stand as "
                "code points, "
                r"by the macro \hfUnicode.",
                err=True,
            )
        if not has_pdflatex():
            typer.echo("pdflatex is not installed, so the figures are in PDF only, not in PGF.", err=True)
        typer.echo(f"The parts of the paper are in {out}. To see them: cd {out} && pdflatex example")
    if written.failed:
        typer.echo(
            f"DIAGNOSTICS FAILED: {', '.join(written.failed)}. Do not report: every file says so.", err=True
        )
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)

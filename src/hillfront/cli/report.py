"""``hillfront report``, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hillfront.cli.options import AtHit, AtL0, AtNats, SavedFit
from hillfront.cli.run import EXIT_DIAGNOSTIC_FAILED, examples

__all__ = ["REPORT_EXAMPLES", "report"]

REPORT_EXAMPLES = examples(
    "hillfront report results/fit.nc --out report.html",
    'hillfront report results/fit.nc --out report.html --title "Gated against baseline" --at-hit 0.05',
)


def report(
    fit: SavedFit,
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")],
    title: Annotated[
        str | None, typer.Option(help="Heading of the page; names the variants if left out.")
    ] = None,
    at_hit: AtHit = None,
    at_l0: AtL0 = None,
    at_nats: AtNats = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier file.")] = False,
) -> None:
    """Write one self-contained HTML page on a saved fit: verdicts, figures, tables, diagnostics, options."""
    # Before the libraries are waited for.
    if out.exists() and not (force and out.is_file()):
        raise FileExistsError(f"{out} is there already. Give another --out, or --force to replace a file.")
    from hillfront.estimands.quantities import DEFAULT_AT_L0
    from hillfront.fits.frontier_fit import FrontierFit
    from hillfront.report import write_report

    loaded = FrontierFit.load(fit)
    write_report(
        loaded,
        out,
        at_hit=at_hit or None,
        at_l0=at_l0 or DEFAULT_AT_L0,
        at_nats=at_nats or (),
        title=title,
        source=fit.name,
        overwrite=force,
    )
    typer.echo(f"The report is {out}.")
    if not loaded.diagnostics().passed:
        typer.echo("DIAGNOSTICS FAILED: do not report these results.", err=True)
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)

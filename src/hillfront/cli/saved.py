"""Commands that read a saved fit: ``hillfront check``, ``hillfront paper`` and ``hillfront report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hillfront.cli.app import examples, exit_unless
from hillfront.cli.options import (
    Force,
    GainOptions,
    JsonOutput,
    Quiet,
    SavedFit,
    complete_quantity,
    with_options,
)

__all__ = ["app", "check", "paper", "report"]

app = typer.Typer()


@app.command(
    epilog=examples(
        "hillfront check results/fit.nc sparsity_gain --low 2.7 --at 0.05",
        "hillfront check results/fit.nc k_ratio --low 1.2 --high 1.4 --json",
    )
)
def check(
    fit: SavedFit,
    quantity: Annotated[
        str,
        typer.Argument(
            help="What the claim is about, such as sparsity_gain or k_ratio.",
            metavar="QUANTITY",
            autocompletion=complete_quantity,
        ),
    ],
    low: Annotated[float | None, typer.Option(help="The claim is of this factor or more.")] = None,
    high: Annotated[float | None, typer.Option(help="The claim is of this factor or less.")] = None,
    at: Annotated[
        float | None, typer.Option(help="The hit of a sparsity_gain, or the L0 of a hit_reduction.")
    ] = None,
    setting: Annotated[
        str | None,
        typer.Option(help="A setting, or new_setting. The average over the settings if left out."),
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Needed only where there are several.")] = None,
    json_output: JsonOutput = False,
) -> None:
    """Say how probable a published claim is under a saved fit, where it holds, and on what it rests."""
    from hillfront.fits.frontier_fit import FrontierFit

    loaded = FrontierFit.load(fit)
    claim = loaded.check_claim(quantity, low=low, high=high, at=at, setting=setting, variant=variant)
    if json_output:
        from hillfront.cli.json_output import claim_document, to_json

        typer.echo(to_json(claim_document(claim, loaded)))
    else:
        typer.echo(claim)
    exit_unless(loaded.diagnostics().passed)


@app.command(
    epilog=examples(
        "hillfront paper results/fit.nc --out paper",
        "hillfront paper results/fit.nc --out paper --at-hit 0.05 --force",
    )
)
@with_options
def paper(
    *,
    fit: SavedFit,
    out: Annotated[Path, typer.Option(help="Folder for the LaTeX files and figures.")],
    prob: Annotated[float | None, typer.Option(help="Probability of the intervals; 0.9 if left out.")] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Probability that a verdict takes; 0.95 if left out.")
    ] = None,
    gains: GainOptions,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Write a saved fit as tables, macros, sentences, a methods paragraph and figures for LaTeX."""
    from hillfront.fits.frontier_fit import FrontierFit
    from hillfront.paper.figures import has_pdflatex
    from hillfront.paper.write import is_paper_file, write_paper
    from hillfront.text.outputs import reserved

    asked: dict[str, Any] = {"prob": prob, "threshold": threshold, **vars(gains)}
    with reserved(out, force=force, own=is_paper_file):
        loaded = FrontierFit.load(fit)
        written = write_paper(
            loaded, out, **{name: value for name, value in asked.items() if value is not None}
        )
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
    failed = ", ".join(written.failed)
    exit_unless(not failed, f"DIAGNOSTICS FAILED: {failed}. Do not report: every file says so.")


@app.command(
    epilog=examples(
        "hillfront report results/fit.nc --out report.html",
        'hillfront report results/fit.nc --out report.html --title "Gated against baseline" --at-hit 0.05',
    )
)
@with_options
def report(
    *,
    fit: SavedFit,
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")],
    title: Annotated[
        str | None, typer.Option(help="Heading of the page; names the variants if left out.")
    ] = None,
    gains: GainOptions,
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
        at_hit=gains.at_hit or None,
        at_l0=gains.at_l0 or DEFAULT_AT_L0,
        at_nats=gains.at_nats or (),
        title=title,
        source=fit.name,
        overwrite=force,
    )
    typer.echo(f"The report is {out}.")
    exit_unless(loaded.diagnostics().passed, "DIAGNOSTICS FAILED: do not report these results.")

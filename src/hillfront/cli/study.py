"""``hillfront study``: the statistical studies behind docs/, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from hillfront.cli.app import EXIT_DIAGNOSTIC_FAILED, examples
from hillfront.cli.options import with_options
from hillfront.cli.study_calibration import calibration
from hillfront.cli.study_run import ProcessOptions
from hillfront.cli.study_simulated import coverage, design, selection

__all__ = ["app"]

app = typer.Typer(
    name="study",
    help="Studies of the method: slow, and repeatable by their seeds.",
    epilog=examples("hillfront study design --gain 1.3 --sigma 0.1 --out plan"),
    no_args_is_help=True,
)
app.command(epilog=examples("hillfront study coverage --sets 20 --out coverage"))(coverage)
app.command(epilog=examples("hillfront study design --gain 1.3 --sigma 0.1 --out plan"))(design)
app.command(epilog=examples("hillfront study selection --out selection"))(selection)
app.command(
    epilog=examples(
        "hillfront study calibration --sets 100 --out check",
        "hillfront study calibration saes.csv --baseline relu --group layer --out check",
    )
)(calibration)

PageOut = Annotated[Path, typer.Option(help="Folder for the page and its figures; it must exist.")]
PageDraws = Annotated[int, typer.Option(help="Kept draws of each chain.")]
PageSeed = Annotated[int, typer.Option(help="Seed; the same seed gives the same page.")]


@app.command(epilog=examples("hillfront study trust --quick --out docs --work fits"))
@with_options
def trust(
    *,
    out: Annotated[Path, typer.Option(help="Folder for calibration.md, its figures and tables; must exist.")],
    work: Annotated[Path, typer.Option(help="Folder of the finished fits; made if needed.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="A handful of sets, to see that every part runs.")
    ] = False,
    processes: ProcessOptions,
) -> None:
    """Write calibration.md: calibration, coverage, verdicts, designs and selection, on simulated sets.

    A study that was stopped goes on where it was, if it is given the same folders.
    """
    from hillfront.studies.trust import FULL, QUICK, run_trust
    from hillfront.studies.trust_page import write_trust

    if processes.workers < 1:
        raise ValueError(f"--workers {processes.workers}: give 1 or more.")
    _validate_folder(out)
    with processes.arguments() as arguments:
        found = run_trust(
            work=work,
            sizes=QUICK if quick else FULL,
            say=lambda text: typer.echo(f"Study: {text}", err=True),
            **arguments,
        )
    page = write_trust(found, out)
    typer.echo(f"The page is {page}.")
    if found.failed:
        typer.echo(f"{found.failed} fits failed; their reasons stand in the files of {work}.", err=True)
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)


@app.command(epilog=examples("hillfront study reproduction --out docs"))
def reproduction(out: PageOut, draws: PageDraws = 4000, seed: PageSeed = 1) -> None:
    """Write reproduction.md: every number of the source post, beside least squares and the posterior."""
    from hillfront.studies.reproduction import write_reproduction

    _validate_folder(out)
    failed = write_reproduction(out, draws=draws, random_seed=seed)
    for text in failed:
        typer.echo(f"DIAGNOSTIC FAILED: {text}", err=True)
    if failed:
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)


@app.command("model-choice", epilog=examples("hillfront study model-choice --sets 5 --out docs"))
def model_choice(
    out: PageOut,
    saebench: Annotated[
        Path | None, typer.Option(help="CSV of the SAEBench core results, which are not packaged.")
    ] = None,
    sets: Annotated[int, typer.Option(help="Simulated sets of each true family.")] = 20,
    draws: PageDraws = 1000,
    seed: PageSeed = 1,
) -> None:
    """Write model-choice.md: leave-one-out densities of every family, scatter and dense limit."""
    import pandas as pd

    from hillfront.studies.model_choice import (
        choices,
        family_recovery,
        packaged_cases,
        recovery_table,
        saebench_cases,
        write_model_choice,
    )

    _validate_folder(out)
    if saebench is not None and not saebench.is_file():
        raise FileNotFoundError(f"There is no file {saebench}. Give the CSV of the SAEBench core results.")
    cases = [*packaged_cases(), *(saebench_cases(saebench) if saebench is not None else ())]
    rows = pd.DataFrame(list(_echoed(choices(cases, draws=draws, random_seed=seed))))
    recovered = pd.DataFrame(list(_echoed(family_recovery(sets=sets, random_seed=seed))) if sets else [])
    write_model_choice(out, rows, None if recovered.empty else recovery_table(recovered))


def _validate_folder(out: Path) -> None:
    if not out.is_dir():
        raise NotADirectoryError(f"There is no folder {out} to write to. Make it first.")


def _echoed(rows: Iterable[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    """Pass rows on, each echoed on standard error if that is a terminal."""
    for row in rows:
        if sys.stderr.isatty():
            typer.echo(", ".join(f"{name} {value}" for name, value in row.items()), err=True)
        yield row

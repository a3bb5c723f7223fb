"""``hillfront study``: the statistical studies behind docs/, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hillfront.cli.run import examples
from hillfront.cli.study_calibration import calibration
from hillfront.cli.study_coverage import coverage
from hillfront.cli.study_design import design
from hillfront.cli.study_selection import selection
from hillfront.cli.study_trust import trust

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["study"]

study = typer.Typer(
    name="study",
    help="Studies of the method: slow, and repeatable by their seeds.",
    epilog=examples("hillfront study design --gain 1.3 --sigma 0.1 --out plan"),
    no_args_is_help=True,
)
for _command, _examples in (
    (coverage, examples("hillfront study coverage --sets 20 --out coverage")),
    (design, examples("hillfront study design --gain 1.3 --sigma 0.1 --out plan")),
    (selection, examples("hillfront study selection --out selection")),
    (
        calibration,
        examples(
            "hillfront study calibration --sets 100 --out check",
            "hillfront study calibration saes.csv --baseline relu --group layer --out check",
        ),
    ),
    (trust, examples("hillfront study trust --quick --out docs --work fits")),
):
    study.command(epilog=_examples)(_command)

Out = Annotated[Path, typer.Option(help="Folder for the page and its figures; it must exist.")]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same page.")]


@study.command(epilog=examples("hillfront study reproduction --out docs"))
def reproduction(
    out: Out,
    draws: Annotated[int, typer.Option(help="Kept draws of each chain.")] = 4000,
    seed: Seed = 1,
) -> None:
    """Write reproduction.md: every number of the source post, beside least squares and the posterior."""
    from hillfront.studies.reproduction import write_reproduction

    _check_folder(out)
    failed = write_reproduction(out, draws=draws, random_seed=seed)
    for text in failed:
        typer.echo(f"DIAGNOSTIC FAILED: {text}", err=True)
    if failed:
        raise typer.Exit(1)


@study.command("model-choice", epilog=examples("hillfront study model-choice --sets 5 --out docs"))
def model_choice(
    out: Out,
    saebench: Annotated[
        Path | None, typer.Option(help="CSV of the SAEBench core results, which are not packaged.")
    ] = None,
    sets: Annotated[int, typer.Option(help="Simulated sets of each true family.")] = 20,
    draws: Annotated[int, typer.Option(help="Kept draws of each chain.")] = 1000,
    seed: Seed = 1,
) -> None:
    """Write model-choice.md: leave-one-out densities of every family, scatter and dense limit."""
    import pandas as pd

    from hillfront.studies.family_recovery import family_recovery, recovery_table
    from hillfront.studies.model_choice import (
        choices,
        packaged_cases,
        saebench_cases,
        write_model_choice,
    )

    _check_folder(out)
    if saebench is not None and not saebench.is_file():
        raise FileNotFoundError(f"There is no file {saebench}. Give the CSV of the SAEBench core results.")
    cases = [*packaged_cases(), *(saebench_cases(saebench) if saebench is not None else ())]
    rows = _told(choices(cases, draws=draws, random_seed=seed))
    recovered = _told(family_recovery(sets=sets, random_seed=seed)) if sets else pd.DataFrame()
    write_model_choice(out, rows, None if recovered.empty else recovery_table(recovered))


def _check_folder(out: Path) -> None:
    if not out.is_dir():
        raise NotADirectoryError(f"There is no folder {out} to write to. Make it first.")


def _told(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Collect rows, and say on standard error how each came out."""
    import pandas as pd

    found = []
    for row in rows:
        found.append(row)
        if sys.stderr.isatty():
            typer.echo(", ".join(f"{name} {value}" for name, value in row.items()), err=True)
    return pd.DataFrame(found)

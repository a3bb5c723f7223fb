"""``hillfront study``: the statistical studies behind docs/, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hillfront.cli_calibration import calibration

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["study"]

study = typer.Typer(
    name="study", help="Studies of the method: slow, and repeatable by their seeds.", no_args_is_help=True
)

study.command()(calibration)

Out = Annotated[Path, typer.Option(help="Folder for the page and its figures; it must exist.")]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same page.")]


@study.command()
def reproduction(
    out: Out,
    draws: Annotated[int, typer.Option(help="Kept draws of each chain.")] = 4000,
    seed: Seed = 1,
) -> None:
    """Write reproduction.md: every number of the source post, beside least squares and the posterior."""
    from hillfront.studies.reproduction import write_reproduction

    _check_folder(out)
    failed = write_reproduction(out, draws=draws, seed=seed)
    for text in failed:
        typer.echo(f"DIAGNOSTIC FAILED: {text}", err=True)
    if failed:
        raise typer.Exit(1)


@study.command("model-choice")
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
        packaged_settings,
        saebench_settings,
        write_model_choice,
    )

    _check_folder(out)
    if saebench is not None and not saebench.is_file():
        raise FileNotFoundError(f"There is no file {saebench}. Give the CSV of the SAEBench core results.")
    settings = [*packaged_settings(), *(saebench_settings(saebench) if saebench is not None else ())]
    rows = _told(choices(settings, draws=draws, seed=seed))
    recovered = _told(family_recovery(sets=sets, seed=seed)) if sets else pd.DataFrame()
    write_model_choice(out, rows, None if recovered.empty else recovery_table(recovered))


@study.command()
def coverage(
    out: Annotated[Path, typer.Option(help="Folder for coverage.csv and the finished fits; made if needed.")],
    sets: Annotated[int, typer.Option(help="Simulated sets of each cell.")] = 100,
    points: Annotated[list[int] | None, typer.Option(help="SAEs a curve. Repeat; 4 if left out.")] = None,
    groups: Annotated[list[int] | None, typer.Option(help="Groups. Repeat; 1 and 3 if left out.")] = None,
    sigma: Annotated[
        list[float] | None, typer.Option(help="True scatter. Repeat; 0.03, 0.1 and 0.3 if left out.")
    ] = None,
    gain: Annotated[list[float] | None, typer.Option(help="True gain. Repeat; 2 if left out.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to run on.")] = None,
    seed: Seed = 1,
) -> None:
    """Count how often intervals contain the truth, beside least squares on the same sets.

    A study that was stopped goes on where it was, if it is given the same folder.
    """
    from hillfront.studies.coverage import coverage as run_coverage
    from hillfront.studies.coverage import coverage_cells, coverage_table
    from hillfront.studies.engine import cluster

    if sets < 1 or workers < 1:
        raise ValueError(f"--sets {sets}, --workers {workers}: give 1 or more of each.")
    cells = coverage_cells(
        points=points or (4,), groups=groups or (1, 3), sigma=sigma or (0.03, 0.1, 0.3), gain=gain or (2.0,)
    )
    out.mkdir(parents=True, exist_ok=True)
    with cluster(dask) as of_cluster:
        rows = run_coverage(
            cells, sets=sets, work=out / "coverage.jsonl", workers=of_cluster or workers, seed=seed,
            progress=sys.stderr.isatty(),
        )  # fmt: skip
    table = coverage_table(rows)
    table.to_csv(out / "coverage.csv", index=False)
    typer.echo(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    failed = int((rows["error"] != "").sum())
    if failed:
        typer.echo(f"{failed} fits failed; their reasons stand in {out / 'coverage.jsonl'}.", err=True)
        raise typer.Exit(1)


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

"""``hillfront study coverage``, from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hillfront.cli.options import Seed
from hillfront.cli.study_options import Dask, Out, Workers, say_failures

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["coverage"]


def coverage(
    out: Out,
    sets: Annotated[int, typer.Option(help="Simulated sets of each cell.")] = 100,
    oracle_sets: Annotated[
        int, typer.Option(help="Of these, how many are also fitted with the true scatter, for its width.")
    ] = 0,
    points: Annotated[list[int] | None, typer.Option(help="SAEs a curve. Repeat; 4 if left out.")] = None,
    settings: Annotated[list[int] | None, typer.Option(help="Settings. Repeat; 1 and 3 if left out.")] = None,
    sigma: Annotated[
        list[float] | None, typer.Option(help="True scatter. Repeat; 0.03, 0.1 and 0.3 if left out.")
    ] = None,
    gain: Annotated[
        list[float] | None,
        typer.Option(help="True gain; 1 for identical curves. Repeat; 2 if left out."),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            help="How the sets depart from the model: normal (not at all), heavy-tails, outliers, "
            "additive, wrong-family or dense-limit. Repeat; normal if left out."
        ),
    ] = None,
    workers: Workers = 1,
    dask: Dask = None,
    seed: Seed = 1,
) -> None:
    """Count how often intervals contain the truth and verdicts are right, beside least squares and bootstrap.

    Writes coverage.csv, verdicts.csv and coverage.png. A study that was stopped goes on where it was, if it
    is given the same folder.
    """
    from hillfront.studies.coverage import coverage as run_coverage
    from hillfront.studies.coverage import coverage_cells
    from hillfront.studies.engine import cluster

    if sets < 1 or workers < 1:
        raise ValueError(f"--sets {sets}, --workers {workers}: give 1 or more of each.")
    if not 0 <= oracle_sets <= sets:
        raise ValueError(f"--oracle-sets {oracle_sets}: give from 0 up to all {sets} of --sets.")
    cells = coverage_cells(
        points=points or (4,),
        settings=settings or (1, 3),
        sigma=sigma or (0.03, 0.1, 0.3),
        gain=gain or (2.0,),
        noise=noise or ("normal",),
    )
    out.mkdir(parents=True, exist_ok=True)
    with cluster(dask) as of_cluster:
        rows = run_coverage(
            cells,
            sets=sets,
            oracle_sets=oracle_sets,
            work=out / "coverage.jsonl",
            workers=of_cluster or workers,
            random_seed=seed,
            progressbar=sys.stderr.isatty(),
        )
    if (rows["error"] == "").any():
        _write(rows, out)
    say_failures(rows, out / "coverage.jsonl")


def _write(rows: pd.DataFrame, out: Path) -> None:
    """Write the tables and the figure, and print what they say."""
    from hillfront.studies.coverage import CELL
    from hillfront.studies.coverage_figure import plot_coverage
    from hillfront.studies.coverage_tables import coverage_table, verdict_table

    table, verdicts = coverage_table(rows), verdict_table(rows)
    table.to_csv(out / "coverage.csv", index=False)
    verdicts.to_csv(out / "verdicts.csv", index=False)
    plot_coverage(table).savefig(out / "coverage.png", dpi=160)
    shares = verdicts.pivot(index=list(CELL), columns="verdict", values="share").reset_index()
    for shown in (table, shares):
        typer.echo(shown.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
        typer.echo("")

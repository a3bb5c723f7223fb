"""``hillfront study selection``, from the command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hillfront.cli.options import Seed
from hillfront.cli.study_options import Dask, Out, Workers, say_failures

__all__ = ["selection", "trained_of"]


def selection(
    out: Out,
    sets: Annotated[int, typer.Option(help="Simulated sets of each cell.")] = 100,
    trained: Annotated[
        list[str] | None,
        typer.Option(
            help="SAEs trained for the baseline and the variant, such as 8-64. Repeat; 8-64, 8-8, 64-64 and "
            "5-12 if left out."
        ),
    ] = None,
    settings: Annotated[list[int] | None, typer.Option(help="Settings. Repeat; 1 if left out.")] = None,
    sigma: Annotated[
        list[float] | None, typer.Option(help="True scatter. Repeat; 0.1 and 0.3 if left out.")
    ] = None,
    gain: Annotated[
        list[float] | None, typer.Option(help="True gain; 1, identical curves, if left out. Repeat.")
    ] = None,
    workers: Workers = 1,
    dask: Dask = None,
    seed: Seed = 1,
) -> None:
    """See what fitting only Pareto-optimal SAEs does, and what the number of trained ones takes back.

    Writes selection.csv. A study that was stopped goes on where it was, if it is given the same folder.
    """
    from hillfront.studies.engine import cluster
    from hillfront.studies.selection_study import (
        GAIN,
        SETTINGS,
        SIGMA,
        TRAINED,
        selection_cells,
        selection_study,
        selection_summary,
    )

    if sets < 1 or workers < 1:
        raise ValueError(f"--sets {sets}, --workers {workers}: give 1 or more of each.")
    cells = selection_cells(
        trained=[trained_of(text) for text in trained] if trained else TRAINED,
        settings=settings or SETTINGS,
        sigma=sigma or SIGMA,
        gain=gain or GAIN,
    )
    out.mkdir(parents=True, exist_ok=True)
    with cluster(dask) as of_cluster:
        rows = selection_study(
            cells,
            sets=sets,
            work=out / "selection.jsonl",
            workers=of_cluster or workers,
            random_seed=seed,
            progressbar=sys.stderr.isatty(),
        )
    if (rows["error"] == "").any():
        table = selection_summary(rows)
        table.to_csv(out / "selection.csv", index=False)
        typer.echo(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    say_failures(rows, out / "selection.jsonl")


def trained_of(text: str) -> tuple[int, int]:
    """Read two numbers of trained SAEs.

    Raises
    ------
    ValueError
        If it is not two whole numbers with a dash between them.

    Examples
    --------
    >>> trained_of("8-64")
    (8, 64)
    """
    baseline, _, variant = text.partition("-")
    try:
        return int(baseline), int(variant)
    except ValueError:
        raise ValueError(
            f"--trained {text}: give the SAEs of the baseline and of the variant, such as 8-64."
        ) from None

"""``hillfront study trust``, from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hillfront.cli.options import Seed
from hillfront.cli.study_options import Dask, Workers

__all__ = ["trust"]


def trust(
    out: Annotated[Path, typer.Option(help="Folder for calibration.md, its figures and tables; must exist.")],
    work: Annotated[Path, typer.Option(help="Folder of the finished fits; made if needed.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="A handful of sets, to see that every part runs.")
    ] = False,
    workers: Workers = 1,
    dask: Dask = None,
    seed: Seed = 1,
) -> None:
    """Write calibration.md: calibration, coverage, verdicts, designs and selection, on simulated sets.

    A study that was stopped goes on where it was, if it is given the same folders.
    """
    from hillfront.studies.engine import cluster
    from hillfront.studies.trust import FULL, QUICK, run_trust
    from hillfront.studies.trust_page import write_trust

    if workers < 1:
        raise ValueError(f"--workers {workers}: give 1 or more.")
    if not out.is_dir():
        raise NotADirectoryError(f"There is no folder {out} to write to. Make it first.")
    with cluster(dask) as of_cluster:
        found = run_trust(
            work=work,
            sizes=QUICK if quick else FULL,
            workers=of_cluster or workers,
            random_seed=seed,
            progressbar=sys.stderr.isatty(),
            say=lambda text: typer.echo(f"Study: {text}", err=True),
        )
    page = write_trust(found, out)
    typer.echo(f"The page is {page}.")
    if found.failed:
        typer.echo(f"{found.failed} fits failed; their reasons stand in the files of {work}.", err=True)
        raise typer.Exit(1)

"""What the commands of simulation studies share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dask", "Out", "Workers", "say_failures"]

Out = Annotated[
    Path, typer.Option(help="Folder for the tables, the figure and the finished fits; made if needed.")
]
Workers = Annotated[int, typer.Option(help="Processes.")]
Dask = Annotated[str | None, typer.Option(help="Address of a Dask scheduler to run on.")]


def say_failures(rows: pd.DataFrame, work: Path) -> None:
    """Say how many tasks of a study failed, and leave with status 1 if any did."""
    failed = rows.loc[rows["error"] != "", "error"]
    if len(failed):
        typer.echo(
            f"{len(failed)} fits failed, the first by {failed.iloc[0]}\nTheir reasons stand in {work}.",
            err=True,
        )
        raise typer.Exit(1)

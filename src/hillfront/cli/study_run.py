"""The runner of studies: where one runs, its files, and what is said at its end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hillfront.cli.app import exit_unless
from hillfront.cli.options import Seed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ProcessOptions", "print_table", "run_study", "validate_sets"]


@dataclass(frozen=True, kw_only=True)
class ProcessOptions:
    """Where a study runs, and its seed."""

    workers: Annotated[int, typer.Option(help="Processes.")] = 1
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to run on.")] = None
    seed: Seed = 1

    @contextlib.contextmanager
    def arguments(self) -> Iterator[dict[str, Any]]:
        """Yield the arguments of a study that these options stand for, on the cluster if there is one."""
        from hillfront.studies.engine import cluster

        with cluster(self.dask) as cluster_workers:
            yield {
                "workers": cluster_workers or self.workers,
                "random_seed": self.seed,
                "progressbar": sys.stderr.isatty(),
            }


def run_study(
    study: Callable[..., pd.DataFrame],
    work: Path,
    processes: ProcessOptions,
    *,
    write: Callable[[pd.DataFrame], None],
    failed: Sequence[str] = (),
) -> None:
    """Run a study here or on a cluster, write what it found, and leave with status 1 if fits failed.

    Parameters
    ----------
    study : callable
        Takes ``work``, ``workers``, ``random_seed`` and ``progressbar``; see `hillfront.studies.engine.run`.
    work : Path
        File of the finished fits; its folder is made if needed.
    processes : ProcessOptions
    write : callable
        Writes and prints the tables of the rows; not called if every fit failed.
    failed : sequence of str
        What failed before, to be said at the end.

    Raises
    ------
    typer.Exit
        If a fit failed, or anything before.
    """
    from hillfront.fits.storage import disk_errors_named
    from hillfront.text.outputs import held

    kept = f"What was finished is kept in {work}, and goes on from there."
    with held(work), disk_errors_named(work.parent, kept=kept):
        with processes.arguments() as arguments:
            rows = study(work=work, **arguments)
        errors = rows.loc[rows["error"] != "", "error"]
        if len(errors) < len(rows):
            write(rows)
    messages = list(failed)
    if len(errors):
        messages.append(
            f"{len(errors)} fits failed, the first by {errors.iloc[0]}\nTheir reasons stand in {work}."
        )
    exit_unless(not messages, *messages)


def print_table(table: pd.DataFrame, *, digits: str = "3f") -> None:
    """Print a table whose floats have this format."""
    typer.echo(table.to_string(index=False, float_format=lambda value: f"{value:.{digits}}"))


def validate_sets(sets: int, processes: ProcessOptions) -> None:
    """Refuse a study without sets or workers."""
    if sets < 1 or processes.workers < 1:
        raise ValueError(f"--sets {sets}, --workers {processes.workers}: give 1 or more of each.")

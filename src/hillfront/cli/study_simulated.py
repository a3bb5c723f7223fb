"""``hillfront study coverage``, ``design`` and ``selection``, and the runner that all studies have."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hillfront.cli.app import exit_unless
from hillfront.cli.options import Seed, with_options

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ProcessOptions",
    "coverage",
    "design",
    "pair_from",
    "print_table",
    "run_study",
    "selection",
    "validate_sets",
]

Out = Annotated[
    Path, typer.Option(help="Folder for the tables, the figure and the finished fits; made if needed.")
]
Sets = Annotated[int, typer.Option(help="Simulated sets of each case.")]


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


@with_options
def coverage(
    *,
    out: Out,
    sets: Sets = 100,
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
    processes: ProcessOptions,
) -> None:
    """Count how often intervals contain the truth and verdicts are right, beside least squares and bootstrap.

    Writes coverage.csv, verdicts.csv and coverage.png. A study that was stopped goes on where it was, if it
    is given the same folder.
    """
    from hillfront.studies import coverage as study
    from hillfront.studies.figures import plot_coverage

    validate_sets(sets, processes)
    if not 0 <= oracle_sets <= sets:
        raise ValueError(f"--oracle-sets {oracle_sets}: give from 0 up to all {sets} of --sets.")
    cases = study.coverage_cases(
        **_given(points=points, settings=settings, sigma=sigma, gain=gain, noise=noise)
    )

    def write(rows: pd.DataFrame) -> None:
        table, verdicts = study.coverage_table(rows), study.verdict_table(rows)
        table.to_csv(out / "coverage.csv", index=False)
        verdicts.to_csv(out / "verdicts.csv", index=False)
        plot_coverage(table).savefig(out / "coverage.png", dpi=160)
        shares = verdicts.pivot(index=list(study.CASE), columns="verdict", values="share").reset_index()
        for shown in (table, shares):
            print_table(shown)
            typer.echo("")

    run = partial(study.coverage, cases, sets=sets, oracle_sets=oracle_sets)
    run_study(run, out / "coverage.jsonl", processes, write=write)


@with_options
def design(
    *,
    out: Out,
    gain: Annotated[float, typer.Option(help="True gain to find, a factor above 1.")],
    sigma: Annotated[
        float, typer.Option(help="Scatter to expect, on the logit scale; 0.1 is 10% of a small hit.")
    ],
    power: Annotated[float, typer.Option(help="Share of verdicts 'better' to reach.")] = 0.8,
    width: Annotated[
        float | None, typer.Option(help="Largest interval width to accept, upper / lower, such as 1.5.")
    ] = None,
    points: Annotated[
        list[int] | None, typer.Option(help="SAEs a curve. Repeat; 3, 4, 6, 8 and 12 if left out.")
    ] = None,
    settings: Annotated[
        list[int] | None, typer.Option(help="Settings, such as layers. Repeat; 1, 2, 3 and 6 if left out.")
    ] = None,
    l0: Annotated[
        list[str] | None,
        typer.Option(help="Sweep, LOW-HIGH. Repeat; 10-200, 20-100 and 10-50 if left out."),
    ] = None,
    sets: Sets = 50,
    setting_sd: Annotated[float, typer.Option(help="Spread of log position between settings.")] = 0.5,
    interaction_sd: Annotated[
        float, typer.Option(help="Spread of each variant's log position within settings.")
    ] = 0.1,
    tau: Annotated[float, typer.Option(help="Additive noise of the hits.")] = 0.0,
    processes: ProcessOptions,
) -> None:
    """Find how many SAEs, in how many settings and over which L0, find a gain: simulated and fitted.

    Writes design.csv and design.png, and names the smallest cases. A study that was stopped goes on where
    it was, if it is given the same folder.
    """
    from hillfront.studies.design_study import design_study, design_table, recommend, validate_targets
    from hillfront.studies.figures import plot_design

    validate_sets(sets, processes)
    validate_targets(power=power, width=width)
    sweeps = [
        pair_from(text, float, f"--l0 {text}: give the lowest and the highest L0, such as 10-200.")
        for text in l0 or ()
    ]
    study = partial(
        design_study,
        gain=gain,
        sigma=sigma,
        sets=sets,
        tau=tau,
        setting_sd=setting_sd,
        interaction_sd=interaction_sd,
        **_given(points=points, settings=settings, sweeps=sweeps),
    )

    def write(rows: pd.DataFrame) -> None:
        table = design_table(rows)
        table.to_csv(out / "design.csv", index=False)
        plot_design(table, power=power, width=width).savefig(out / "design.png", dpi=160)
        print_table(table, digits="3g")
        typer.echo("\n" + recommend(table, power=power, width=width).text)

    run_study(study, out / "design.jsonl", processes, write=write)


@with_options
def selection(
    *,
    out: Out,
    sets: Sets = 100,
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
    processes: ProcessOptions,
) -> None:
    """See what fitting only Pareto-optimal SAEs does, and what the number of trained ones takes back.

    Writes selection.csv. A study that was stopped goes on where it was, if it is given the same folder.
    """
    from hillfront.studies.selection_study import selection_cases, selection_study, selection_summary

    validate_sets(sets, processes)
    wanted = "give the SAEs of the baseline and of the variant, such as 8-64."
    pairs = [pair_from(text, int, f"--trained {text}: {wanted}") for text in trained or ()]
    cases = selection_cases(**_given(trained=pairs, settings=settings, sigma=sigma, gain=gain))

    def write(rows: pd.DataFrame) -> None:
        table = selection_summary(rows)
        table.to_csv(out / "selection.csv", index=False)
        print_table(table)

    run_study(partial(selection_study, cases, sets=sets), out / "selection.jsonl", processes, write=write)


def pair_from[N: (int, float)](text: str, number: type[N], message: str) -> tuple[N, N]:
    """Read two numbers with a dash between them.

    Raises
    ------
    ValueError
        With the message, if it is anything else.

    Examples
    --------
    >>> pair_from("10-200", float, "give two numbers"), pair_from("8-64", int, "give two whole numbers")
    ((10.0, 200.0), (8, 64))
    """
    first, _, second = text.partition("-")
    try:
        return number(first), number(second)
    except ValueError:
        raise ValueError(message) from None


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that were given; a study has defaults for the others."""
    return {name: value for name, value in options.items() if value}

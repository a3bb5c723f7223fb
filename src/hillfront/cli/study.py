"""``hillfront study``: the statistical studies behind docs/, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hillfront.cli.app import examples, exit_unless
from hillfront.cli.options import ColumnOptions, ModelOptions, OnFault, with_options
from hillfront.cli.study_simulated import (
    ProcessOptions,
    coverage,
    design,
    print_table,
    run_study,
    selection,
    validate_sets,
)

if TYPE_CHECKING:
    import pandas as pd

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

PageOut = Annotated[Path, typer.Option(help="Folder for the page and its figures; it must exist.")]
PageDraws = Annotated[int, typer.Option(help="Kept draws of each chain.")]
PageSeed = Annotated[int, typer.Option(help="Seed; the same seed gives the same page.")]


@app.command(
    epilog=examples(
        "hillfront study calibration --sets 100 --out check",
        "hillfront study calibration saes.csv --baseline relu --group layer --out check",
    )
)
@with_options
def calibration(
    *,
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder for the tables, the figure and the finished fits.")],
    data: Annotated[
        Path | None,
        typer.Argument(
            help="CSV file, to calibrate on data like it rather than on the priors.", metavar="[DATA.csv]"
        ),
    ] = None,
    sets: Annotated[int, typer.Option(help="Simulated sets.")] = 100,
    points: Annotated[int, typer.Option(help="SAEs a curve, without DATA.csv.")] = 4,
    settings: Annotated[int, typer.Option(help="Settings, without DATA.csv.")] = 3,
    baseline: Annotated[
        str | None, typer.Option(help="The variant that others are compared with; needed with DATA.csv.")
    ] = None,
    columns: ColumnOptions,
    model: ModelOptions,
    on_fault: OnFault = "raise",
    processes: ProcessOptions,
) -> None:
    """Rank true values among the posterior draws of simulated sets: even ranks mean a calibrated posterior.

    Without DATA.csv the truth is drawn from the priors; with it, from the posterior of its data, and the sets
    are fitted together with them. A study that was stopped goes on where it was, if it is given the same
    folder.
    """
    from hillfront.fits.fitting import fit
    from hillfront.studies.calibration import calibration as from_priors
    from hillfront.studies.calibration import posterior_calibration

    validate_sets(sets, processes)
    _validate_options(context, data, baseline)
    study: Callable[..., pd.DataFrame] = partial(from_priors, points=points, settings=settings)
    failed = []
    if data is not None and baseline is not None:
        arguments = model.arguments()
        frontiers = columns.read(
            data, dense_limit=arguments["dense_limit"], baseline=baseline, on_fault=on_fault
        )
        fitted = fit(
            frontiers,
            baseline=baseline,
            **arguments,
            random_seed=processes.seed,
            progressbar=sys.stderr.isatty(),
        )
        study = partial(posterior_calibration, fitted)
        failed = [f"DIAGNOSTIC FAILED: {check}" for check in fitted.diagnostics().failed]
    run_study(
        partial(study, sets=sets),
        out / "calibration.jsonl",
        processes,
        write=partial(_write_calibration, out),
        failed=failed,
    )


def _validate_options(context: typer.Context, data: Path | None, baseline: str | None) -> None:
    """Refuse options that belong to the other kind of truth, which would do nothing."""
    of_simulated = ["points", "settings"]
    of_table = ["baseline", *(field.name for field in (*fields(ColumnOptions), *fields(ModelOptions)))]
    # By name: the class of typer's own copy of click is not public.
    given = [
        name
        for name in [*of_simulated, *of_table, "on_fault"]
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    idle = [f"--{name.replace('_', '-')}" for name in given if (name in of_simulated) == (data is not None)]
    if idle and data is not None:
        raise ValueError(
            f"{', '.join(idle)}: the sets have the rows of {data}. Leave this out, or leave the file out to "
            "draw from the priors."
        )
    if idle:
        raise ValueError(
            f"{', '.join(idle)}: this is about a table, and there is none. Give DATA.csv, or choose the "
            "simulated sets by --points and --settings."
        )
    if data is not None and baseline is None:
        raise ValueError("DATA.csv needs --baseline, the variant that the others are compared with.")


def _write_calibration(out: Path, rows: pd.DataFrame) -> None:
    """Write the tables and the figure, and print the tables."""
    from hillfront.studies.calibration import calibration_table, verdict_table
    from hillfront.studies.figures import plot_calibration
    from hillfront.studies.rank_bands import MIN_SETS

    table, verdicts = calibration_table(rows), verdict_table(rows)
    table.to_csv(out / "calibration.csv", index=False)
    verdicts.to_csv(out / "calibration-verdicts.csv", index=False)
    for found in (table, verdicts):
        print_table(found)
        typer.echo("")
    if table["inside"].notna().any():
        plot_calibration(rows).savefig(out / "calibration.png", dpi=160)
    else:
        typer.echo(f"No figure: it takes {MIN_SETS} sets that could be fitted.", err=True)


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
    message = f"{found.failed} fits failed; their reasons stand in the files of {work}."
    exit_unless(not found.failed, message)


@app.command(epilog=examples("hillfront study reproduction --out docs"))
def reproduction(out: PageOut, draws: PageDraws = 4000, seed: PageSeed = 1) -> None:
    """Write reproduction.md: every number of the source post, beside least squares and the posterior."""
    from hillfront.studies.reproduction import write_reproduction

    _validate_folder(out)
    failed = write_reproduction(out, draws=draws, random_seed=seed)
    exit_unless(not failed, *(f"DIAGNOSTIC FAILED: {text}" for text in failed))


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

    from hillfront.studies import model_choice as study

    _validate_folder(out)
    if saebench is not None and not saebench.is_file():
        raise FileNotFoundError(f"There is no file {saebench}. Give the CSV of the SAEBench core results.")
    cases = [*study.packaged_cases(), *(study.saebench_cases(saebench) if saebench is not None else ())]
    rows = pd.DataFrame(list(_echoed(study.choices(cases, draws=draws, random_seed=seed))))
    recovered = pd.DataFrame(
        list(_echoed(study.family_recovery(sets=sets, random_seed=seed))) if sets else []
    )
    study.write_model_choice(out, rows, None if recovered.empty else study.recovery_table(recovered))


def _validate_folder(out: Path) -> None:
    if not out.is_dir():
        raise NotADirectoryError(f"There is no folder {out} to write to. Make it first.")


def _echoed(rows: Iterable[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    """Pass rows on, each echoed on standard error if that is a terminal."""
    for row in rows:
        if sys.stderr.isatty():
            typer.echo(", ".join(f"{name} {value}" for name, value in row.items()), err=True)
        yield row

"""``hillfront study calibration``: ranks of the truth, under the priors or under the posterior of a table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hillfront.cli.options import ColumnOptions, ModelOptions, OnFault, with_options
from hillfront.cli.study_run import ProcessOptions, print_table, run_study

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["calibration"]


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
    from hillfront.studies.calibration import validate_sets
    from hillfront.studies.posterior_calibration import posterior_calibration

    validate_sets(sets, processes.workers)
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
    from hillfront.studies.calibration_figure import save_calibration
    from hillfront.studies.rank_bands import MIN_SETS

    table, verdicts = calibration_table(rows), verdict_table(rows)
    table.to_csv(out / "calibration.csv", index=False)
    verdicts.to_csv(out / "calibration-verdicts.csv", index=False)
    for found in (table, verdicts):
        print_table(found)
        typer.echo("")
    if table["inside"].notna().any():
        save_calibration(rows, out / "calibration.png")
    else:
        typer.echo(f"No figure: it takes {MIN_SETS} sets that could be fitted.", err=True)

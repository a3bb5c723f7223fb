"""``hillfront study calibration``: ranks of the truth, under the priors or under the posterior of a table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hillfront.cli.options import (
    CostColumn,
    DenseLimitText,
    GroupColumns,
    HitColumn,
    L0Column,
    NoiseName,
    OnFault,
    Pool,
    RelativeSparsity,
    Seed,
    VariantColumn,
    dense_limit_of,
    pool_of,
    priors_of,
    read_frontiers,
)

if TYPE_CHECKING:
    import pandas as pd

    from hillfront.fits.frontier_fit import FrontierFit

__all__ = ["calibration"]

_SIMULATED = ("points", "settings")
_OF_A_TABLE = (
    "baseline",
    "variant",
    "group",
    "l0",
    "y",
    "cost",
    "curve",
    "noise",
    "nu",
    "pool",
    "dense_limit",
    "relative_sparsity",
    "on_fault",
)


def calibration(
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
    variant: VariantColumn = None,
    group: GroupColumns = None,
    l0: L0Column = None,
    y: HitColumn = None,
    cost: CostColumn = None,
    curve: Annotated[
        str, typer.Option(help="Curve family: hill, hill1, power, proportional or linear.")
    ] = "hill",
    noise: NoiseName = "student-t",
    nu: Annotated[
        float | None, typer.Option(help="Fix the tails of student-t; estimated if left out.")
    ] = None,
    pool: Pool = None,
    dense_limit: DenseLimitText = None,
    relative_sparsity: RelativeSparsity = False,
    on_fault: OnFault = "raise",
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    dask: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to run on.")] = None,
    seed: Seed = 1,
) -> None:
    """Rank true values among the posterior draws of simulated sets: even ranks mean a calibrated posterior.

    Without DATA.csv the truth is drawn from the priors; with it, from the posterior of its data, and the sets
    are fitted together with them. A study that was stopped goes on where it was, if it is given the same
    folder.
    """
    from hillfront.studies.calibration import calibration as from_priors
    from hillfront.studies.calibration import check_sets
    from hillfront.studies.engine import cluster
    from hillfront.studies.posterior_calibration import posterior_calibration

    check_sets(sets, workers)
    _check_options(context, data, baseline)
    fit = None
    if data is not None and baseline is not None:
        fit = _fit(
            data,
            baseline=baseline,
            variant=variant,
            group=group,
            l0=l0,
            y=y,
            cost=cost,
            curve=curve,
            noise=noise,
            nu=nu,
            pool=pool,
            dense_limit=dense_limit,
            relative_sparsity=relative_sparsity,
            on_fault=on_fault,
            seed=seed,
        )
    study: Callable[..., pd.DataFrame] = (
        partial(from_priors, points=points, settings=settings)
        if fit is None
        else partial(posterior_calibration, fit)
    )
    with cluster(dask) as of_cluster:
        rows = study(
            sets=sets,
            work=out / "calibration.jsonl",
            workers=of_cluster or workers,
            random_seed=seed,
            progressbar=sys.stderr.isatty(),
        )
    wrong = [] if fit is None else [f"DIAGNOSTIC FAILED: {check}" for check in fit.diagnostics().failed]
    failed = int((rows["error"] != "").sum())
    if failed:
        wrong.append(f"{failed} fits failed; their reasons stand in {out / 'calibration.jsonl'}.")
    _write(rows, out)
    for text in wrong:
        typer.echo(text, err=True)
    if wrong:
        raise typer.Exit(1)


def _check_options(context: typer.Context, data: Path | None, baseline: str | None) -> None:
    """Refuse options that belong to the other kind of truth, which would do nothing."""
    # By name: the class of typer's own copy of click is not public.
    given = [
        name
        for name in (*_SIMULATED, *_OF_A_TABLE)
        if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    idle = [f"--{name.replace('_', '-')}" for name in given if (name in _SIMULATED) == (data is not None)]
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


def _fit(
    data: Path,
    *,
    baseline: str,
    variant: str | None,
    group: list[str] | None,
    l0: str | None,
    y: str | None,
    cost: str | None,
    curve: str,
    noise: str,
    nu: float | None,
    pool: list[str] | None,
    dense_limit: str | None,
    relative_sparsity: bool,
    on_fault: OnFault,
    seed: int,
) -> FrontierFit:
    """Fit the table as ``hillfront fit`` does."""
    from hillfront.fits.fitting import fit

    limit = dense_limit_of(dense_limit)
    frontiers = read_frontiers(
        data,
        variant=variant,
        group=group,
        l0=l0,
        y=y,
        cost=cost,
        dense_limit=limit,
        baseline=baseline,
        on_fault=on_fault,
    )
    return fit(
        frontiers,
        baseline=baseline,
        curve=curve,
        noise=noise,
        priors=priors_of(nu, noise=noise),
        pool=pool_of(pool),
        dense_limit=limit,
        relative_sparsity=relative_sparsity,
        random_seed=seed,
        progressbar=sys.stderr.isatty(),
    )


def _write(rows: pd.DataFrame, out: Path) -> None:
    """Write the tables and the figure, and say what came out."""
    from hillfront.studies.calibration import calibration_table, verdict_table
    from hillfront.studies.calibration_figure import save_calibration
    from hillfront.studies.rank_bands import MIN_SETS

    table, verdicts = calibration_table(rows), verdict_table(rows)
    table.to_csv(out / "calibration.csv", index=False)
    verdicts.to_csv(out / "calibration-verdicts.csv", index=False)
    for found in (table, verdicts):
        typer.echo(found.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
        typer.echo("")
    if table["inside"].notna().any():
        save_calibration(rows, out / "calibration.png")
    else:
        typer.echo(f"No figure: it takes {MIN_SETS} sets that could be fitted.", err=True)

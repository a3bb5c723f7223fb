"""``hillfront study design``, from the command line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hillfront.cli.options import Seed
from hillfront.cli.study_options import Dask, Out, Workers, say_failures

__all__ = ["design", "sweep_of"]


def design(
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
    sets: Annotated[int, typer.Option(help="Simulated sets of each design.")] = 50,
    setting_sd: Annotated[float, typer.Option(help="Spread of log position between settings.")] = 0.5,
    interaction_sd: Annotated[
        float, typer.Option(help="Spread of each variant's log position within settings.")
    ] = 0.1,
    tau: Annotated[float, typer.Option(help="Additive noise of the hits.")] = 0.0,
    workers: Workers = 1,
    dask: Dask = None,
    seed: Seed = 1,
) -> None:
    """Find how many SAEs, in how many settings and over which L0, find a gain: simulated and fitted.

    Writes design.csv and design.png, and names the smallest designs. A study that was stopped goes on where
    it was, if it is given the same folder.
    """
    from hillfront.studies.design_figure import plot_design
    from hillfront.studies.design_study import POINTS, SETTINGS, SWEEPS, design_study
    from hillfront.studies.design_tables import check_targets, design_table, recommend
    from hillfront.studies.engine import cluster

    if sets < 1 or workers < 1:
        raise ValueError(f"--sets {sets}, --workers {workers}: give 1 or more of each.")
    check_targets(power=power, width=width)
    sweeps = [sweep_of(text) for text in l0] if l0 else list(SWEEPS)
    with cluster(dask) as of_cluster:
        rows = design_study(
            gain=gain,
            sigma=sigma,
            work=out / "design.jsonl",
            points=points or POINTS,
            settings=settings or SETTINGS,
            sweeps=sweeps,
            sets=sets,
            tau=tau,
            setting_sd=setting_sd,
            interaction_sd=interaction_sd,
            workers=of_cluster or workers,
            random_seed=seed,
            progressbar=sys.stderr.isatty(),
        )
    if (rows["error"] == "").any():
        table = design_table(rows)
        table.to_csv(out / "design.csv", index=False)
        plot_design(table, power=power, width=width).savefig(out / "design.png", dpi=160)
        typer.echo(table.to_string(index=False, float_format=lambda value: f"{value:.3g}"))
        typer.echo("\n" + recommend(table, power=power, width=width).text)
    say_failures(rows, out / "design.jsonl")


def sweep_of(text: str) -> tuple[float, float]:
    """Read a sweep.

    Raises
    ------
    ValueError
        If it is not two numbers with a dash between them.

    Examples
    --------
    >>> sweep_of("10-200")
    (10.0, 200.0)
    """
    low, _, high = text.partition("-")
    try:
        return float(low), float(high)
    except ValueError:
        raise ValueError(f"--l0 {text}: give the lowest and the highest L0, such as 10-200.") from None

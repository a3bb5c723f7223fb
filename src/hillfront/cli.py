"""The command line: ``hillfront fit``, ``hillfront demo`` and ``hillfront check``.

Exit status: 0 done; 1 done, but a diagnostic failed (outputs are written and marked); 2 bad input or usage.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hillfront.cli_options import (
    Baseline,
    Chains,
    CostColumn,
    Data,
    DenseLimitText,
    Draws,
    Force,
    GroupColumns,
    HitColumn,
    L0Column,
    NoiseName,
    OnFault,
    Pool,
    Quiet,
    RelativeSparsity,
    Seed,
    Tune,
    VariantColumn,
    dense_limit_of,
    pool_of,
    priors_of,
    read_frontiers,
)
from hillfront.cli_report import report
from hillfront.cli_study import study

if TYPE_CHECKING:
    from hillfront.frontier_fit import FrontierFit
    from hillfront.frontiers import Frontiers

__all__ = ["app", "main"]

EXIT_DIAGNOSTIC_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="hillfront",
    help="Is this sparse autoencoder really Pareto-better, and by what factor?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


app.add_typer(study)
app.command()(report)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        from hillfront import __version__

        typer.echo(f"hillfront {__version__}")
        raise typer.Exit


@app.command("fit")
def fit_command(
    data: Data,
    baseline: Baseline,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    variant: VariantColumn = "variant",
    group: GroupColumns = None,
    l0: L0Column = "l0",
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
    at_hit: Annotated[
        list[float] | None, typer.Option(help="Hit (or cost) at which to give the sparsity gain. Repeat.")
    ] = None,
    at_l0: Annotated[
        list[float] | None, typer.Option(help="L0 at which to give the hit reduction. Repeat.")
    ] = None,
    at_nats: Annotated[
        list[float] | None, typer.Option(help="Loss difference at which to give the sparsity gain. Repeat.")
    ] = None,
    on_fault: OnFault = "raise",
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Fit curves to the frontiers of DATA.csv and compare variants.

    Example: hillfront fit saes.csv --baseline relu --group layer --out results
    """
    from hillfront.curves import family_named
    from hillfront.improvement import check_places
    from hillfront.outputs import check_out

    check_out(out, force=force)
    family_named(curve)
    priors = priors_of(nu, noise=noise)
    limit, pooling = dense_limit_of(dense_limit), pool_of(pool)
    frontiers = read_frontiers(
        data, variant=variant, group=group, l0=l0, y=y, cost=cost, dense_limit=limit, baseline=baseline,
        on_fault=on_fault,
    )  # fmt: skip
    options = {
        "baseline": baseline, "curve": curve, "noise": noise, "priors": priors,
        "pool": pooling, "dense_limit": limit, "relative_sparsity": relative_sparsity,
        "draws": draws, "tune": tune, "chains": chains, "seed": seed,
    }  # fmt: skip
    asked = {"at_hit": at_hit, "at_l0": at_l0, "at_nats": at_nats}
    places = {name: at for name, at in asked.items() if at}
    check_places(frontiers, **places)
    _run(frontiers, out, options, places, quiet=quiet)


@app.command()
def compare(
    data: Data,
    baseline: Baseline,
    variant: VariantColumn = "variant",
    group: GroupColumns = None,
    l0: L0Column = "l0",
    y: HitColumn = None,
    cost: CostColumn = None,
    curve: Annotated[
        list[str] | None, typer.Option(help="Curve family to compare. Repeat for several; all if left out.")
    ] = None,
    noise: NoiseName = "student-t",
    dense_limit: DenseLimitText = None,
    relative_sparsity: RelativeSparsity = False,
    leave_curves_out: Annotated[
        bool, typer.Option("--leave-curves-out", help="Predict each curve from the others as well.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables and the figure of all families.")
    ] = None,
    on_fault: OnFault = "raise",
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    force: Force = False,
) -> None:
    """Compare curve families on DATA.csv: leave-one-out predictions, weights, and the gains under each.

    Example: hillfront compare saes.csv --baseline relu --group layer --curve hill --curve power
    """
    from hillfront.compare import compare_curves
    from hillfront.outputs import check_out, write_comparison

    if out is not None:
        check_out(out, force=force)
    limit = dense_limit_of(dense_limit)
    frontiers = read_frontiers(
        data, variant=variant, group=group, l0=l0, y=y, cost=cost, dense_limit=limit, baseline=baseline,
        on_fault=on_fault,
    )  # fmt: skip
    with _unless_interrupted():
        comparison = compare_curves(
            frontiers, baseline=baseline, families=curve, noise=noise, dense_limit=limit,
            relative_sparsity=relative_sparsity, leave_curves_out=leave_curves_out, draws=draws, tune=tune,
            chains=chains, seed=seed, progress=sys.stderr.isatty(),
        )  # fmt: skip
        if out is not None:
            write_comparison(comparison, out)
    typer.echo(comparison)
    if out is not None:
        typer.echo(f"Results are in {out}.")
    failed = comparison.failed
    if failed:
        typer.echo(f"DIAGNOSTICS FAILED for {', '.join(failed)}: do not report these.", err=True)
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("hillfront-demo"),
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Compare gated with baseline SAEs on Gemma-7B, from the tables of Rajamanoharan et al. (2024)."""
    from hillfront.datasets import load_dataset
    from hillfront.frontiers import FrontierDataWarning, Frontiers
    from hillfront.outputs import check_out

    check_out(out, force=force)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(
            load_dataset("gated_sae", model="Gemma-7B"), group=("site", "layer"), y="loss_recovered"
        )
    options = {"baseline": "baseline", "draws": draws, "tune": tune, "chains": chains, "seed": seed}
    _run(frontiers, out, options, {}, quiet=quiet)


@app.command()
def check(
    fit: Annotated[Path, typer.Argument(help="A saved fit, such as results/fit.nc.", metavar="FIT.nc")],
    quantity: Annotated[
        str,
        typer.Argument(help="What the claim is about, such as sparsity_gain or k_ratio.", metavar="QUANTITY"),
    ],
    low: Annotated[float | None, typer.Option(help="The claim is of this factor or more.")] = None,
    high: Annotated[float | None, typer.Option(help="The claim is of this factor or less.")] = None,
    at: Annotated[
        float | None, typer.Option(help="The hit of a sparsity_gain, or the L0 of a hit_reduction.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="A group, or new_group. The average over the groups if left out."),
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Needed only where there are several.")] = None,
) -> None:
    """Say how probable a published claim is under a saved fit, where it holds, and on what it rests.

    Example: hillfront check results/fit.nc sparsity_gain --low 2.7 --at 0.05
    """
    from hillfront.frontier_fit import FrontierFit

    loaded = FrontierFit.load(fit)
    typer.echo(loaded.check_claim(quantity, low=low, high=high, at=at, group=group, variant=variant))
    if not loaded.diagnostics().passed:
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)


def _run(
    frontiers: Frontiers,
    out: Path,
    options: Mapping[str, Any],
    places: Mapping[str, list[float]],
    *,
    quiet: bool,
) -> None:
    """Fit, write every output, and say what came out."""
    from hillfront.design import design_of
    from hillfront.fitting import fit
    from hillfront.outputs import write_outputs
    from hillfront.sampling import SamplerSettings

    # What these refuse must be the only word, so they come before the one about compiling.
    settings = {name: options[name] for name in ("draws", "tune", "chains", "seed")}
    SamplerSettings(**settings)
    others = settings.keys() | {"priors"}
    design_of(frontiers, **{name: value for name, value in options.items() if name not in others})
    if not quiet:
        typer.echo(
            f"Compiling the model for {frontiers.n_curves} curves of {len(frontiers)} SAEs ...", err=True
        )
    with _unless_interrupted():
        result = fit(frontiers, progress=not quiet and sys.stderr.isatty(), **options)
        write_outputs(result, out, **places)
    if not quiet:
        _print_summary(result, out)
    if not result.diagnostics().passed:
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)


@contextlib.contextmanager
def _unless_interrupted() -> Iterator[None]:
    """Say that nothing was written, where typer would leave without a word."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("hillfront: interrupted; nothing was written.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _print_summary(result: FrontierFit, out: Path) -> None:
    from rich.console import Console
    from rich.markup import escape

    from hillfront.summary import gain_lines, summary_table

    # Piped output has no width of its own; a table folded to 80 columns cannot be read or searched.
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    for note in result.notes:
        style = "bold red" if note.startswith("DIAGNOSTIC FAILED") else "yellow"
        console.print(escape(note), style=style, soft_wrap=True)
    if len(result.design.variants) > 1:
        console.print(summary_table(result))
        for line in gain_lines(result):
            console.print(escape(line), soft_wrap=True)
    for check in result.diagnostics().checks:
        console.print(
            escape(f"  {check}"), style=None if check.passed is not False else "red", soft_wrap=True
        )
    console.print(f"Results are in {escape(str(out))}.", soft_wrap=True)


def main() -> None:
    """Run the command line; bad input gives one message and exit status 2, never a traceback."""
    try:
        app()
    except (ValueError, TypeError, OSError) as error:
        # Every error that the library raises for bad input is one of these; their text names the next step.
        typer.echo(f"hillfront: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)

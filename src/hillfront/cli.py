"""The command line: ``hillfront fit``, ``hillfront demo`` and ``hillfront check``.

Exit status: 0 done; 1 done, but a diagnostic failed (outputs are written and marked); 2 bad input or usage.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    import pandas as pd

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

Data = Annotated[Path, typer.Argument(help="CSV file, one row a trained SAE.", metavar="DATA.csv")]
Baseline = Annotated[str, typer.Option(help="The variant that the others are compared with.")]
VariantColumn = Annotated[str, typer.Option(help="Column that names the variant.")]
GroupColumns = Annotated[
    list[str] | None,
    typer.Option(help="Column that separates settings, such as layer. Repeat for several."),
]
L0Column = Annotated[str, typer.Option(help="Column of mean active latents per token.")]
HitColumn = Annotated[
    str | None,
    typer.Option(help="Column of loss recovered or performance hit. Found by name if left out."),
]
OnFault = Annotated[
    Literal["raise", "drop"],
    typer.Option(help="'raise' stops at faulty rows; 'drop' drops them and says so."),
]
Draws = Annotated[int, typer.Option(help="Kept draws of each chain.")]
Tune = Annotated[int, typer.Option(help="Discarded tuning iterations of each chain.")]
Chains = Annotated[int, typer.Option(help="Number of chains.")]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same results.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No progress, no summary: only the files and the exit status.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result in the output folder.")]


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
    curve: Annotated[
        str, typer.Option(help="Curve family: hill, hill1, power, proportional or linear.")
    ] = "hill",
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
    from hillfront.outputs import check_out

    check_out(out, force=force)
    family_named(curve)
    frontiers = _read_frontiers(data, variant, group, l0, y, baseline, on_fault)
    _run(frontiers, baseline, out, curve=curve, draws=draws, tune=tune, chains=chains, seed=seed, quiet=quiet)


@app.command()
def compare(
    data: Data,
    baseline: Baseline,
    variant: VariantColumn = "variant",
    group: GroupColumns = None,
    l0: L0Column = "l0",
    y: HitColumn = None,
    curve: Annotated[
        list[str] | None, typer.Option(help="Curve family to compare. Repeat for several; all if left out.")
    ] = None,
    on_fault: OnFault = "raise",
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
) -> None:
    """Compare curve families on DATA.csv: leave-one-out predictions, weights, and the gains under each.

    Example: hillfront compare saes.csv --baseline relu --group layer --curve hill --curve power
    """
    from hillfront.compare import compare_curves
    from hillfront.curves import FAMILIES

    frontiers = _read_frontiers(data, variant, group, l0, y, baseline, on_fault)
    comparison = compare_curves(
        frontiers, baseline=baseline, families=tuple(curve or FAMILIES), draws=draws, tune=tune,
        chains=chains, seed=seed, progress=sys.stderr.isatty(),
    )  # fmt: skip
    typer.echo(comparison)
    failed = [name for name, result in comparison.fits.items() if not result.diagnostics().passed]
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
    _run(frontiers, "baseline", out, draws=draws, tune=tune, chains=chains, seed=seed, quiet=quiet)


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


def _read_frontiers(
    data: Path,
    variant: str,
    group: list[str] | None,
    l0: str,
    y: str | None,
    baseline: str,
    on_fault: Literal["raise", "drop"],
) -> Frontiers:
    from hillfront.frontiers import FrontierDataWarning, Frontiers

    frame = _read_csv(data)
    with warnings.catch_warnings():
        # They stand among the notes of the summary.
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(
            frame, variant=variant, group=tuple(group or ()), l0=l0, y=y, baseline=baseline, on_fault=on_fault
        )


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}. Give the path of a CSV file with one row a trained SAE."
        )
    try:
        # Only an empty cell is missing: "None" and "NA" are names that a variant may have.
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} cannot be read as CSV: {error}. Save the table as comma-separated UTF-8."
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas would take the first column for row labels, and shift all others by one.
        raise ValueError(
            f"{path} cannot be read as CSV: its rows have more cells than its header. Check for commas at "
            "the ends of lines, and for columns without a name."
        )
    return frame


def _run(
    frontiers: Frontiers,
    baseline: str,
    out: Path,
    *,
    curve: str = "hill",
    draws: int,
    tune: int,
    chains: int,
    seed: int,
    quiet: bool,
) -> None:
    from hillfront.fitting import fit
    from hillfront.outputs import write_outputs

    if not quiet:
        typer.echo(
            f"Compiling the model for {frontiers.n_curves} curves of {len(frontiers)} SAEs ...", err=True
        )
    try:
        result = fit(
            frontiers, baseline=baseline, curve=curve, draws=draws, tune=tune, chains=chains, seed=seed,
            progress=not quiet and sys.stderr.isatty(),
        )  # fmt: skip
        write_outputs(result, out)
    except KeyboardInterrupt:
        # Here, because typer would leave without a word.
        typer.echo("hillfront: interrupted; nothing was written.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if not quiet:
        _print_summary(result, out)
    if not result.diagnostics().passed:
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)


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

"""``hillfront compare``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from hillfront.cli.app import examples, exit_unless, unless_interrupted
from hillfront.cli.options import (
    Baseline,
    ChainOptions,
    ChosenDraws,
    ColumnOptions,
    Data,
    DataFormat,
    DenseLimitText,
    Force,
    JsonOutput,
    NoiseName,
    OnFault,
    RelativeSparsity,
    complete_curve,
    dense_limit_of,
    with_options,
)

__all__ = ["app", "compare"]

app = typer.Typer()


@app.command(
    epilog=examples(
        "hillfront compare saes.csv --baseline relu --group layer --curve hill --curve power",
        "hillfront compare results/core --baseline standard --dense-limit d_model --out families",
    )
)
@with_options
def compare(
    *,
    data: Data,
    baseline: Baseline,
    format: DataFormat = None,
    columns: ColumnOptions,
    curve: Annotated[
        list[str] | None,
        typer.Option(
            help="Curve family to compare. Repeat for several; all if left out.",
            autocompletion=complete_curve,
        ),
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
    draws: ChosenDraws = None,
    chains: ChainOptions,
    json_output: JsonOutput = False,
    force: Force = False,
) -> None:
    """Compare curve families on DATA: leave-one-out predictions, weights, and the gains under each."""
    from hillfront.fits.compare import compare_curves
    from hillfront.text.outputs import reserved, write_comparison

    limit = dense_limit_of(dense_limit)
    with unless_interrupted(), contextlib.nullcontext() if out is None else reserved(out, force=force):
        frontiers = columns.read(data, format=format, dense_limit=limit, baseline=baseline, on_fault=on_fault)
        comparison = compare_curves(
            frontiers,
            baseline=baseline,
            families=curve,
            noise=noise,
            dense_limit=limit,
            relative_sparsity=relative_sparsity,
            leave_curves_out=leave_curves_out,
            draws=draws,
            **chains.arguments(),
            progressbar=sys.stderr.isatty(),
        )
        if out is not None:
            write_comparison(comparison, out)
    if frontiers.reading:
        typer.echo(frontiers.reading, err=True)
    if json_output:
        from hillfront.cli.json_output import comparison_document, to_json

        typer.echo(to_json(comparison_document(comparison, frontiers, out)))
    else:
        typer.echo(comparison)
        if out is not None:
            typer.echo(f"Results are in {out}.")
    failed = comparison.failed
    exit_unless(not failed, f"DIAGNOSTICS FAILED for {', '.join(failed)}: do not report these.")

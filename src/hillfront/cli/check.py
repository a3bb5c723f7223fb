"""``hillfront check``."""

from __future__ import annotations

from typing import Annotated

import typer

from hillfront.cli.names import complete_quantity
from hillfront.cli.options import JsonOutput, SavedFit
from hillfront.cli.run import EXIT_DIAGNOSTIC_FAILED, examples

__all__ = ["CHECK_EXAMPLES", "check"]

CHECK_EXAMPLES = examples(
    "hillfront check results/fit.nc sparsity_gain --low 2.7 --at 0.05",
    "hillfront check results/fit.nc k_ratio --low 1.2 --high 1.4 --json",
)


def check(
    fit: SavedFit,
    quantity: Annotated[
        str,
        typer.Argument(
            help="What the claim is about, such as sparsity_gain or k_ratio.",
            metavar="QUANTITY",
            autocompletion=complete_quantity,
        ),
    ],
    low: Annotated[float | None, typer.Option(help="The claim is of this factor or more.")] = None,
    high: Annotated[float | None, typer.Option(help="The claim is of this factor or less.")] = None,
    at: Annotated[
        float | None, typer.Option(help="The hit of a sparsity_gain, or the L0 of a hit_reduction.")
    ] = None,
    setting: Annotated[
        str | None,
        typer.Option(help="A setting, or new_setting. The average over the settings if left out."),
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Needed only where there are several.")] = None,
    json_output: JsonOutput = False,
) -> None:
    """Say how probable a published claim is under a saved fit, where it holds, and on what it rests."""
    from hillfront.fits.frontier_fit import FrontierFit

    loaded = FrontierFit.load(fit)
    claim = loaded.check_claim(quantity, low=low, high=high, at=at, setting=setting, variant=variant)
    if json_output:
        from hillfront.cli.json_output import claim_document, to_json

        typer.echo(to_json(claim_document(claim, loaded)))
    else:
        typer.echo(claim)
    if not loaded.diagnostics().passed:
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)

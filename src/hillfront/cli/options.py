"""Options that several commands share, and the reading of what they say."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hillfront.cli.names import complete_curve, complete_limit, complete_noise, complete_pool

if TYPE_CHECKING:
    from hillfront.curves.sparsity import DenseLimit
    from hillfront.frontiers.table import Frontiers
    from hillfront.readers.formats import Format

Data = Annotated[
    Path,
    typer.Argument(
        help="Table with one row a trained SAE (CSV, TSV, Parquet, Feather), or SAEBench or SAELens results: "
        "a file, or a folder of JSON files.",
        metavar="DATA",
    ),
]
DataFormat = Annotated[
    Literal["csv", "parquet", "arrow", "saebench", "saelens", "wandb"] | None,
    typer.Option("--format", help="Format of DATA, if its suffix and contents do not tell it right."),
]
CurveName = Annotated[
    str,
    typer.Option(
        help="Curve family: hill, hill1, power, proportional or linear.", autocompletion=complete_curve
    ),
]
CurveNames = Annotated[
    list[str] | None,
    typer.Option(
        help="Curve family to compare. Repeat for several; all if left out.", autocompletion=complete_curve
    ),
]
Nu = Annotated[float | None, typer.Option(help="Fix the tails of student-t; estimated if left out.")]
Baseline = Annotated[str, typer.Option(help="The variant that the others are compared with.")]
VariantColumn = Annotated[
    str | None,
    typer.Option(
        help="Column that names the variant: 'variant' if left out, or the architecture of SAEBench and "
        "SAELens results."
    ),
]
GroupColumns = Annotated[
    list[str] | None,
    typer.Option(
        help="Column that separates settings, such as layer. Repeat for several. Evaluation results have "
        "their own: model, site, layer, width."
    ),
]
L0Column = Annotated[
    str | None, typer.Option(help="Column of mean active latents per token: 'l0' if left out.")
]
HitColumn = Annotated[
    str | None,
    typer.Option(help="Column of loss recovered or performance hit. Found by name if left out."),
]
CostColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of a positive cost without an upper bound, fitted in place of the hit: normalised MSE, "
        "fvu, KL, loss_difference."
    ),
]
OnFault = Annotated[
    Literal["raise", "drop"],
    typer.Option(help="'raise' stops at faulty rows; 'drop' drops them and says so."),
]
NoiseName = Annotated[
    str,
    typer.Option(
        help="Scatter about the curves: student-t, normal or logit-normal.", autocompletion=complete_noise
    ),
]
DenseLimitText = Annotated[
    str | None,
    typer.Option(
        "--dense-limit",
        help="L0 at which the hit vanishes: d_model (the column) or a number.",
        autocompletion=complete_limit,
    ),
]
RelativeSparsity = Annotated[
    bool, typer.Option("--relative-sparsity", help="Count L0 in shares of d_model, to share priors.")
]
Pool = Annotated[
    list[str] | None,
    typer.Option(
        help="How curves share a parameter: NAME=partial, common, none or a number that fixes it, such as "
        "k=1. Repeat for several.",
        autocompletion=complete_pool,
    ),
]
SavedFit = Annotated[Path, typer.Argument(help="A saved fit, such as results/fit.nc.", metavar="FIT.nc")]
AtHit = Annotated[
    list[float] | None, typer.Option(help="Hit (or cost) at which to give the sparsity gain. Repeat.")
]
AtL0 = Annotated[list[float] | None, typer.Option(help="L0 at which to give the hit reduction. Repeat.")]
AtNats = Annotated[
    list[float] | None, typer.Option(help="Loss difference at which to give the sparsity gain. Repeat.")
]
Draws = Annotated[int, typer.Option(help="Kept draws of each chain.")]
ChosenDraws = Annotated[
    int | None,
    typer.Option(help="Kept draws of each chain. By default 1,000 to 8,000: as many as R-hat and ESS need."),
]
Tune = Annotated[int, typer.Option(help="Discarded tuning iterations of each chain.")]
Chains = Annotated[int, typer.Option(help="Number of chains.")]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same results.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No progress, no summary: only the files and the exit status.")
]
JsonOutput = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document in place of tables; messages stay on stderr."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result in the output folder.")]


def dense_limit_of(text: str | None) -> DenseLimit:
    """Read a dense limit.

    Raises
    ------
    ValueError
        If it is neither ``d_model`` nor a number.
    """
    if text is None:
        return None
    if text == "d_model":
        return "d_model"
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--dense-limit {text}: give d_model, or an L0 such as 768.") from None


def priors_of(nu: float | None, *, noise: str) -> dict[str, float] | None:
    """Read the priors that options fix.

    Raises
    ------
    ValueError
        If the tails are not a positive number, or the noise has none to fix.
    """
    from hillfront.model.likelihood import LIKELIHOODS, likelihood_named

    if nu is None:
        return None
    if "nu" not in likelihood_named(noise).parameters:
        able = ", ".join(name for name, other in LIKELIHOODS.items() if "nu" in other.parameters)
        raise ValueError(f"--nu {nu:g}: noise={noise!r} has no tails to fix. Leave --nu out, or fit {able}.")
    if not 0.0 < nu < float("inf"):
        raise ValueError(f"--nu {nu:g}: give a positive number of degrees of freedom, such as 4.")
    return {"nu": nu}


def pool_of(items: list[str] | None) -> dict[str, str | float]:
    """Read how parameters are pooled, from ``NAME=HOW`` texts.

    Raises
    ------
    ValueError
        For a text without an equals sign; what it names is checked with the design.
    """
    pool: dict[str, str | float] = {}
    for item in items or ():
        name, equals, how = item.partition("=")
        if not (name and equals and how):
            raise ValueError(f"--pool {item}: write NAME=HOW, such as k=common or k=1.")
        try:
            pool[name] = float(how)
        except ValueError:
            pool[name] = how
    return pool


def read_frontiers(
    data: Path,
    *,
    variant: str | None,
    group: list[str] | None,
    l0: str | None,
    y: str | None,
    cost: str | None,
    dense_limit: DenseLimit,
    baseline: str,
    on_fault: Literal["raise", "drop"],
    format: Format | None = None,
) -> Frontiers:
    """Read and check a table or evaluation results; its warnings stand among the notes of the summary."""
    from hillfront.frontiers.table import FrontierDataWarning
    from hillfront.readers.formats import read_path

    if y is not None and cost is not None:
        raise ValueError(f"pass --y or --cost, not both: a cost takes the place of the hit {y!r}.")
    table = read_path(data, format=format, variant=variant, group=group, l0=l0, y=y, cost=cost)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return table.to_frontiers(cost=cost, dense_limit=dense_limit, baseline=baseline, on_fault=on_fault)

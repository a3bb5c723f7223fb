"""Options that several commands share, and the reading of what they say."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    import pandas as pd

    from hillfront.frontiers import Frontiers
    from hillfront.sparsity import DenseLimit

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
NoiseName = Annotated[str, typer.Option(help="Scatter about the curves: student-t, normal or logit-normal.")]
DenseLimitText = Annotated[
    str | None,
    typer.Option("--dense-limit", help="L0 at which the hit vanishes: d_model (the column) or a number."),
]
RelativeSparsity = Annotated[
    bool, typer.Option("--relative-sparsity", help="Count L0 in shares of d_model, to share priors.")
]
Pool = Annotated[
    list[str] | None,
    typer.Option(
        help="How curves share a parameter: NAME=partial, common, none or a number that fixes it, such as "
        "k=1. Repeat for several."
    ),
]
Draws = Annotated[int, typer.Option(help="Kept draws of each chain.")]
Tune = Annotated[int, typer.Option(help="Discarded tuning iterations of each chain.")]
Chains = Annotated[int, typer.Option(help="Number of chains.")]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same results.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No progress, no summary: only the files and the exit status.")
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
    from hillfront.noise import NOISES, noise_named

    if nu is None:
        return None
    if "nu" not in noise_named(noise).parameters:
        able = ", ".join(name for name, other in NOISES.items() if "nu" in other.parameters)
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
    variant: str,
    group: list[str] | None,
    l0: str,
    y: str | None,
    cost: str | None,
    dense_limit: DenseLimit,
    baseline: str,
    on_fault: Literal["raise", "drop"],
) -> Frontiers:
    """Read and check a CSV file; its warnings stand among the notes of the summary."""
    from hillfront.frontiers import FrontierDataWarning, Frontiers

    frame = read_csv(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(
            frame, variant=variant, group=tuple(group or ()), l0=l0, y=y, cost=cost, dense_limit=dense_limit,
            baseline=baseline, on_fault=on_fault,
        )  # fmt: skip


def read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV file, every cell as it stands.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not a table of comma-separated values.
    """
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

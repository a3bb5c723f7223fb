"""``hillfront fit`` and ``hillfront demo``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hillfront.cli.config import Config, config_text
from hillfront.cli.options import (
    AtHit,
    AtL0,
    AtNats,
    Baseline,
    Chains,
    ChosenDraws,
    CostColumn,
    CurveName,
    Data,
    DataFormat,
    DenseLimitText,
    Force,
    GroupColumns,
    HitColumn,
    JsonOutput,
    L0Column,
    NoiseName,
    Nu,
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
from hillfront.cli.run import examples, run_fit, show_nothing, show_summary

if TYPE_CHECKING:
    from hillfront.fits.frontier_fit import FrontierFit
    from hillfront.frontiers.table import Frontiers
    from hillfront.readers.formats import Format

__all__ = ["DEMO_EXAMPLES", "FIT_EXAMPLES", "demo", "fit"]

FIT_EXAMPLES = examples(
    "hillfront fit saes.csv --baseline relu --group layer --out results",
    "hillfront fit results/core --baseline standard --dense-limit d_model --out comparison",
    "hillfront fit --config results/hillfront.toml --seed 2 --out again",
)
DEMO_EXAMPLES = examples("hillfront demo --out demo", "hillfront demo --json --draws 500 > demo.json")


def fit(
    context: typer.Context,
    data: Data,
    baseline: Baseline,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    config: Config = None,
    format: DataFormat = None,
    variant: VariantColumn = None,
    group: GroupColumns = None,
    l0: L0Column = None,
    y: HitColumn = None,
    cost: CostColumn = None,
    curve: CurveName = "hill",
    noise: NoiseName = "student-t",
    nu: Nu = None,
    pool: Pool = None,
    dense_limit: DenseLimitText = None,
    relative_sparsity: RelativeSparsity = False,
    at_hit: AtHit = None,
    at_l0: AtL0 = None,
    at_nats: AtNats = None,
    on_fault: OnFault = "raise",
    draws: ChosenDraws = None,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    thin: Annotated[int, typer.Option(help="Keep every so-many-th draw, to save memory.")] = 1,
    quiet: Quiet = False,
    json_output: JsonOutput = False,
    force: Force = False,
) -> None:
    """Fit curves to the frontiers of DATA and compare variants.

    Writes tables, figures, the fit itself, and a hillfront.toml that repeats the run.
    """
    from hillfront.curves.families import family_named
    from hillfront.estimands.improvement import validate_at
    from hillfront.readers.formats import find_format
    from hillfront.text.outputs import validate_out

    validate_out(out, force=force)
    family_named(curve)
    priors = priors_of(nu, noise=noise)
    limit, pooling = dense_limit_of(dense_limit), pool_of(pool)
    known = format or find_format(data)
    frontiers = read_frontiers(
        data,
        format=known,
        variant=variant,
        group=group,
        l0=l0,
        y=y,
        cost=cost,
        dense_limit=limit,
        baseline=baseline,
        on_fault=on_fault,
    )
    options = {
        "baseline": baseline,
        "curve": curve,
        "noise": noise,
        "priors": priors,
        "pool": pooling,
        "dense_limit": limit,
        "relative_sparsity": relative_sparsity,
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "random_seed": seed,
        "thin": thin,
    }
    asked = {"at_hit": at_hit, "at_l0": at_l0, "at_nats": at_nats}
    places = {name: at for name, at in asked.items() if at}
    validate_at(frontiers, **places)
    run_fit(
        frontiers,
        out,
        options,
        places,
        quiet=quiet,
        show=_shown("fit", places, quiet=quiet, json_output=json_output),
        config=_config_of(context, frontiers, known, data=data, out=out),
    )


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("hillfront-demo"),
    draws: ChosenDraws = None,
    tune: Tune = 1000,
    chains: Chains = 4,
    seed: Seed = 1,
    quiet: Quiet = False,
    json_output: JsonOutput = False,
    force: Force = False,
) -> None:
    """Compare gated with baseline SAEs on Gemma-7B, from the tables of Rajamanoharan et al. (2024)."""
    from hillfront.datasets import load_dataset
    from hillfront.frontiers.table import FrontierDataWarning, Frontiers
    from hillfront.text.outputs import validate_out

    validate_out(out, force=force)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(
            load_dataset("gated_sae", model="Gemma-7B"), group=("site", "layer"), y="loss_recovered"
        )
    options = {"baseline": "baseline", "draws": draws, "tune": tune, "chains": chains, "random_seed": seed}
    show = _shown("demo", {}, quiet=quiet, json_output=json_output)
    run_fit(frontiers, out, options, {}, quiet=quiet, show=show)


def _shown(
    command: str, places: Mapping[str, Sequence[float]], *, quiet: bool, json_output: bool
) -> Callable[[FrontierFit, Path], None]:
    """Return what prints a result on standard output once its files are written."""
    if json_output:
        return partial(_show_json, command, places)
    return show_nothing if quiet else show_summary


def _show_json(command: str, places: Mapping[str, Sequence[float]], result: FrontierFit, out: Path) -> None:
    from hillfront.cli.json_output import fit_document, to_json

    typer.echo(to_json(fit_document(command, result, out, places=places)))


def _config_of(context: typer.Context, frontiers: Frontiers, format: Format, *, data: Path, out: Path) -> str:
    """Text of the hillfront.toml of this run: what was given, and what the format gave in its place."""
    from importlib.metadata import version

    from hillfront import __version__

    in_order = [str(parameter.name) for parameter in context.command.params]
    options_given = {name: context.params[name] for name in in_order if name in context.params}
    options_given |= {"format": format, "group": list(frontiers.group_columns)}
    if format in ("csv", "parquet", "arrow"):
        options_given["variant"], options_given["l0"] = (
            options_given["variant"] or "variant",
            options_given["l0"] or "l0",
        )
    if format == "wandb":
        # Its columns are found again as they were: their new names are not in the file.
        options_given["group"] = context.params["group"]
    used = [f"hillfront {__version__}", *(f"{name} {version(name)}" for name in ("pymc", "nutpie"))]
    return config_text(options_given, data=data, out=out, data_hash=frontiers.data_hash, versions=used)

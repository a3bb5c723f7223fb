"""Options that several commands share, dataclasses of them, and what their values stand for."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_type_hints

import typer

if TYPE_CHECKING:
    from hillfront.curves.sparsity import DenseLimit
    from hillfront.frontiers.table import Frontiers
    from hillfront.readers.formats import Format


def with_options[**P, T](command: Callable[P, T]) -> Callable[..., T]:
    """Give a command an option for each field of the dataclasses among its parameters.

    Parameters
    ----------
    command : callable
        Its parameters are keyword-only. One that is annotated with a dataclass stands for the options of its
        fields, in their order; the command receives the dataclass.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name not in groups:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        group = groups[parameter.name]
        types = get_type_hints(group, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=types[field.name],
            )
            for field in fields(group)
        ]

    @functools.wraps(command)
    def run(**values: Any) -> T:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return command(**values)  # type: ignore[call-arg]

    # Typer and `hillfront.cli.config` read the options from here.
    del run.__wrapped__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


# Names that a shell completes stand here too, because completion must not wait for the libraries.
CURVES: Final = ("hill", "hill1", "power", "proportional", "linear")
NOISES: Final = ("student-t", "normal", "logit-normal")
QUANTITIES: Final = (
    "mean_sparsity_gain",
    "mean_hit_reduction",
    "sparsity_gain",
    "sparsity_gain_nats",
    "hit_reduction",
    "x_half_ratio",
    "k_ratio",
    "slope_ratio",
)


def _one_of(*names: str) -> Callable[[str], list[str]]:
    """Complete a word to those of these names that begin with it."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


complete_curve = _one_of(*CURVES)
complete_quantity = _one_of(*QUANTITIES)

Data = Annotated[
    Path,
    typer.Argument(
        help="Table with one row a trained SAE (CSV, TSV, JSON, Excel, Parquet, Feather), or results of "
        "SAEBench, SAELens or dictionary_learning: a file, or a folder of JSON files.",
        metavar="DATA",
    ),
]
DataFormat = Annotated[
    Literal["csv", "json", "excel", "parquet", "arrow", "saebench", "saelens", "wandb", "dictionary_learning"]
    | None,
    typer.Option("--format", help="Format of DATA, if its suffix and contents do not tell it right."),
]
Baseline = Annotated[str, typer.Option(help="The variant that the others are compared with.")]
OnFault = Annotated[
    Literal["raise", "drop"],
    typer.Option(help="'raise' stops at faulty rows; 'drop' drops them and says so."),
]
NoiseName = Annotated[
    str,
    typer.Option(
        help="Scatter about the curves: student-t, normal or logit-normal.", autocompletion=_one_of(*NOISES)
    ),
]
DenseLimitText = Annotated[
    str | None,
    typer.Option(
        "--dense-limit",
        help="L0 at which the hit vanishes: d_model (the column) or a number.",
        autocompletion=_one_of("d_model"),
    ),
]
RelativeSparsity = Annotated[
    bool, typer.Option("--relative-sparsity", help="Count L0 in shares of d_model, to share priors.")
]
Nu = Annotated[float | None, typer.Option(help="Fix the tails of student-t; estimated if left out.")]
SavedFit = Annotated[Path, typer.Argument(help="A saved fit, such as results/fit.nc.", metavar="FIT.nc")]
Draws = Annotated[int, typer.Option(help="Kept draws of each chain.")]
ChosenDraws = Annotated[
    int | None,
    typer.Option(help="Kept draws of each chain. By default 1,000 to 8,000: as many as R-hat and ESS need."),
]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same results.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No progress, no summary: only the files and the exit status.")
]
JsonOutput = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document in place of tables; messages stay on stderr."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result in the output folder.")]


@dataclass(frozen=True, kw_only=True)
class ColumnOptions:
    """Columns of a table."""

    variant: Annotated[
        str | None,
        typer.Option(
            help="Column that names the variant. Found by name if left out; in SAEBench and SAELens results "
            "it is the architecture."
        ),
    ] = None
    group: Annotated[
        list[str] | None,
        typer.Option(
            help="Column that separates settings, such as layer. Repeat for several. Evaluation results have "
            "their own: model, site, layer, width."
        ),
    ] = None
    l0: Annotated[
        str | None, typer.Option(help="Column of mean active latents per token. Found by name if left out.")
    ] = None
    y: Annotated[
        str | None,
        typer.Option(help="Column of loss recovered or performance hit. Found by name if left out."),
    ] = None
    cost: Annotated[
        str | None,
        typer.Option(
            help="Column of a positive cost without an upper bound, fitted in place of the hit: normalised "
            "MSE, fvu, KL, loss_difference."
        ),
    ] = None

    def read(
        self,
        data: Path,
        *,
        format: Format | None = None,
        dense_limit: DenseLimit,
        baseline: str,
        on_fault: Literal["raise", "drop"],
    ) -> Frontiers:
        """Read and validate a table or evaluation results; the notes of the summary repeat its warnings."""
        from hillfront.frontiers.table import FrontierDataWarning
        from hillfront.readers.formats import read_path
        from hillfront.utils.interface import command_line

        if self.y is not None and self.cost is not None:
            raise ValueError(f"pass --y or --cost, not both: a cost takes the place of the hit {self.y!r}.")
        with command_line(), warnings.catch_warnings():
            table = read_path(data, format=format, **vars(self))
            warnings.simplefilter("ignore", FrontierDataWarning)
            return table.to_frontiers(
                cost=self.cost, dense_limit=dense_limit, baseline=baseline, on_fault=on_fault
            )


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The model of a fit."""

    curve: Annotated[
        str,
        typer.Option(
            help="Curve family: hill, hill1, power, proportional or linear.", autocompletion=complete_curve
        ),
    ] = "hill"
    noise: NoiseName = "student-t"
    nu: Nu = None
    pool: Annotated[
        list[str] | None,
        typer.Option(
            help="How curves share a parameter: NAME=partial, common, none or a number that fixes it, such "
            "as k=1. Repeat for several.",
            autocompletion=_one_of(
                *(f"{name}={how}" for name in ("k", "x_half") for how in ("partial", "common", "none"))
            ),
        ),
    ] = None
    dense_limit: DenseLimitText = None
    relative_sparsity: RelativeSparsity = False

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `hillfront.fit` that these options stand for."""
        return {
            "curve": self.curve,
            "noise": self.noise,
            "priors": priors_of(self.nu, noise=self.noise),
            "pool": pool_of(self.pool),
            "dense_limit": dense_limit_of(self.dense_limit),
            "relative_sparsity": self.relative_sparsity,
        }


@dataclass(frozen=True, kw_only=True)
class GainOptions:
    """Where gains are asked for."""

    at_hit: Annotated[
        list[float] | None, typer.Option(help="Hit (or cost) at which to give the sparsity gain. Repeat.")
    ] = None
    at_l0: Annotated[
        list[float] | None, typer.Option(help="L0 at which to give the hit reduction. Repeat.")
    ] = None
    at_nats: Annotated[
        list[float] | None, typer.Option(help="Loss difference at which to give the sparsity gain. Repeat.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class ChainOptions:
    """Chains of a fit, and its seed."""

    tune: Annotated[int, typer.Option(help="Discarded tuning iterations of each chain.")] = 1000
    chains: Annotated[int, typer.Option(help="Number of chains.")] = 4
    seed: Seed = 1

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `hillfront.fit` that these options stand for."""
        return {"tune": self.tune, "chains": self.chains, "random_seed": self.seed}


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Options of what is printed, and of whether an earlier result may be replaced."""

    quiet: Quiet = False
    json_output: JsonOutput = False
    force: Force = False


def dense_limit_of(text: str | None) -> DenseLimit:
    """Return the dense limit that a text names.

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
    """Return the priors that options fix.

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
        raise ValueError(f"--nu {nu:g}: {noise} noise has no tails to fix. Leave --nu out, or fit {able}.")
    if not 0.0 < nu < float("inf"):
        raise ValueError(f"--nu {nu:g}: give a positive number of degrees of freedom, such as 4.")
    return {"nu": nu}


def pool_of(items: list[str] | None) -> dict[str, str | float]:
    """Return how parameters are pooled, from ``NAME=HOW`` texts.

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

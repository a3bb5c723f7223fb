"""``hillfront fit`` and ``hillfront demo``."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hillfront.cli.app import examples, exit_unless, unless_interrupted
from hillfront.cli.config import Config, config_text
from hillfront.cli.options import (
    Baseline,
    ChainOptions,
    ChosenDraws,
    ColumnOptions,
    Data,
    DataFormat,
    GainOptions,
    ModelOptions,
    OnFault,
    OutputOptions,
    with_options,
)

if TYPE_CHECKING:
    from hillfront.fits.frontier_fit import FrontierFit
    from hillfront.frontiers.table import Frontiers
    from hillfront.readers.formats import Format

__all__ = ["app", "demo", "fit"]

app = typer.Typer()


@app.command(
    epilog=examples(
        "hillfront fit saes.csv --baseline relu --group layer --out results",
        "hillfront fit results/core --baseline standard --dense-limit d_model --out comparison",
        "hillfront fit --config results/hillfront.toml --seed 2 --out again",
    )
)
@with_options
def fit(
    *,
    context: typer.Context,
    data: Data,
    baseline: Baseline,
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    config: Config = None,
    format: DataFormat = None,
    columns: ColumnOptions,
    model: ModelOptions,
    gains: GainOptions,
    on_fault: OnFault = "raise",
    draws: ChosenDraws = None,
    chains: ChainOptions,
    thin: Annotated[int, typer.Option(help="Keep every so-many-th draw, to save memory.")] = 1,
    output: OutputOptions,
) -> None:
    """Fit curves to the frontiers of DATA and compare variants.

    Writes tables, figures, the fit itself, and a hillfront.toml that repeats the run.
    """
    from hillfront.curves.families import family_named
    from hillfront.estimands.improvement import validate_at
    from hillfront.readers.formats import find_format
    from hillfront.text.outputs import reserved

    with reserved(out, force=output.force):
        family_named(model.curve)
        arguments = model.arguments()
        format = format or find_format(data)
        frontiers = columns.read(
            data, format=format, dense_limit=arguments["dense_limit"], baseline=baseline, on_fault=on_fault
        )
        asked_at = {name: values for name, values in vars(gains).items() if values}
        validate_at(frontiers, **asked_at)
        _run(
            frontiers,
            out,
            model={"baseline": baseline, **arguments},
            sampler={"draws": draws, **chains.arguments(), "thin": thin},
            asked_at=asked_at,
            output=output,
            command="fit",
            config=_config_of(context, frontiers, format, data=data, out=out),
        )


@app.command(epilog=examples("hillfront demo --out demo", "hillfront demo --json --draws 500 > demo.json"))
@with_options
def demo(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("hillfront-demo"),
    draws: ChosenDraws = None,
    chains: ChainOptions,
    output: OutputOptions,
) -> None:
    """Compare gated with baseline SAEs on Gemma-7B, from the tables of Rajamanoharan et al. (2024)."""
    from hillfront.datasets import load_dataset
    from hillfront.frontiers.table import FrontierDataWarning, Frontiers
    from hillfront.text.outputs import reserved

    with reserved(out, force=output.force):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FrontierDataWarning)
            frontiers = Frontiers.from_frame(
                load_dataset("gated_sae", model="Gemma-7B"), group=("site", "layer"), y="loss_recovered"
            )
        model = {"baseline": "baseline"}
        sampler = {"draws": draws, **chains.arguments()}
        _run(frontiers, out, model=model, sampler=sampler, asked_at={}, output=output, command="demo")


def _run(
    frontiers: Frontiers,
    out: Path,
    *,
    model: Mapping[str, Any],
    sampler: Mapping[str, Any],
    asked_at: Mapping[str, Any],
    output: OutputOptions,
    command: str,
    config: str = "",
) -> None:
    """Fit, write every output, and show what came out; without a ``config``, no hillfront.toml is written."""
    from hillfront.fits.fitting import prepare
    from hillfront.sampling.nutpie_run import SamplerOptions
    from hillfront.text.outputs import write_outputs

    # What these refuse must be the only word, so they come before the one about sampling.
    SamplerOptions(**{name: value for name, value in sampler.items() if value is not None})
    with unless_interrupted(), _logged(quiet=output.quiet):
        prepared = prepare(frontiers, **model)
        if not output.quiet:
            if command == "fit" and frontiers.reading:
                typer.echo(frontiers.reading, err=True)
            typer.echo(f"Sampling {frontiers.n_curves} curves of {len(frontiers)} SAEs ...", err=True)
        result = prepared.fit(progressbar=not output.quiet and sys.stderr.isatty(), **sampler)
        write_outputs(result, out, config=config, **asked_at)
    if output.json_output:
        from hillfront.cli.json_output import fit_document, to_json

        typer.echo(to_json(fit_document(command, result, out, asked_at=asked_at)))
    elif not output.quiet:
        _show_summary(result, out)
    exit_unless(result.diagnostics().passed)


@contextlib.contextmanager
def _logged(*, quiet: bool) -> Iterator[None]:
    """Show what the package logs on standard error, unless quiet."""
    logger, handler = logging.getLogger("hillfront"), logging.StreamHandler()
    level, handlers = logger.level, list(logger.handlers)
    logger.handlers = [] if quiet else [handler]
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        yield
    finally:
        logger.handlers = handlers
        logger.setLevel(level)


def _show_summary(result: FrontierFit, out: Path) -> None:
    """Print notes, the table of gains, and the checks."""
    from rich.console import Console
    from rich.markup import escape

    from hillfront.text.summary import gain_lines, summary_table

    # Piped output has no width of its own; a table folded to 80 columns cannot be read or searched.
    console = Console(width=None if sys.stdout.isatty() else 112, highlight=False)
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


def _config_of(context: typer.Context, frontiers: Frontiers, format: Format, *, data: Path, out: Path) -> str:
    """Return the text of the hillfront.toml of this run: what was given, and what the format gave instead."""
    from importlib.metadata import version

    from hillfront import __version__

    in_order = [str(parameter.name) for parameter in context.command.params]
    options_given = {name: context.params[name] for name in in_order if name in context.params}
    options_given |= {"format": format, "group": list(frontiers.group_columns)}
    if format in ("csv", "parquet", "arrow"):
        options_given |= {
            name: options_given[name] or frontiers.read_as.get(name, name) for name in ("variant", "l0")
        }
    if format == "wandb":
        # Its columns are found again as they were: their new names are not in the file.
        options_given["group"] = context.params["group"]
    used = [f"hillfront {__version__}", *(f"{name} {version(name)}" for name in ("pymc", "nutpie"))]
    return config_text(options_given, data=data, out=out, data_hash=frontiers.data_hash, versions=used)

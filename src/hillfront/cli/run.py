"""What commands share once their input is read: exit statuses, the run of a fit, and what it prints."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from hillfront.fits.frontier_fit import FrontierFit
    from hillfront.frontiers.table import Frontiers

__all__ = [
    "EXIT_BAD_INPUT",
    "EXIT_DIAGNOSTIC_FAILED",
    "EXIT_STATUSES",
    "examples",
    "run_fit",
    "show_nothing",
    "show_summary",
    "unless_interrupted",
]

EXIT_DIAGNOSTIC_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_STATUSES = (
    "Exit status of every command: 0 done; 1 done, but a diagnostic failed, or fits of a study (outputs are "
    "written and say so); 2 bad input or usage (one message, nothing written); 130 interrupted."
)


def examples(*lines: str) -> str:
    """End a command's help with examples, each on a line of its own."""
    return "\n\n".join(["Examples:" if len(lines) > 1 else "Example:", *lines])


def run_fit(
    frontiers: Frontiers,
    out: Path,
    options: Mapping[str, Any],
    places: Mapping[str, Sequence[float]],
    *,
    quiet: bool,
    show: Callable[[FrontierFit, Path], None],
    config: str = "",
) -> None:
    """Fit, write every output, and show what came out.

    Parameters
    ----------
    frontiers, out
    options
        Arguments of `hillfront.fit`.
    places
        Arguments of ``improvement()``.
    quiet
        No progress.
    show
        Says what came out, on standard output.
    config
        Text of the run's hillfront.toml; no such file is written if it is empty.

    Raises
    ------
    typer.Exit
        If a diagnostic failed, or the run was interrupted.
    """
    from hillfront.fits.fitting import fit
    from hillfront.model.design import design_of
    from hillfront.sampling.nutpie_run import SamplerOptions
    from hillfront.text.outputs import write_outputs

    # What these refuse must be the only word, so they come before the one about sampling.
    names = [name for name in ("draws", "tune", "chains", "random_seed", "thin") if name in options]
    SamplerOptions(**{name: options[name] for name in names if options[name] is not None})
    others = {*names, "priors"}
    design_of(frontiers, **{name: value for name, value in options.items() if name not in others})
    if not quiet:
        typer.echo(f"Sampling {frontiers.n_curves} curves of {len(frontiers)} SAEs ...", err=True)
    with unless_interrupted(), _logged(quiet=quiet):
        result = fit(frontiers, progressbar=not quiet and sys.stderr.isatty(), **options)
        write_outputs(result, out, config=config, **places)
    show(result, out)
    if not result.diagnostics().passed:
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)


@contextlib.contextmanager
def _logged(*, quiet: bool) -> Iterator[None]:
    """Show what the package logs on standard error, unless quiet."""
    logger, handler = logging.getLogger("hillfront"), logging.StreamHandler()
    level = logger.level
    if not quiet:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextlib.contextmanager
def unless_interrupted() -> Iterator[None]:
    """Say that nothing was written, where typer would leave without a word."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("hillfront: interrupted; nothing was written.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def show_summary(result: FrontierFit, out: Path) -> None:
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


def show_nothing(result: FrontierFit, out: Path) -> None:
    """Print nothing: only the files and the exit status tell."""

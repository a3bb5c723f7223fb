"""The command line: its commands, which are loaded when they are used, and what its errors become.

Exit status: 0 done; 1 done, but a diagnostic failed (outputs are written and marked); 2 bad input or usage;
130 interrupted.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from hillfront.sampling.arviz_later import allow_arviz_later
from hillfront.utils.interface import command_line

__all__ = ["app", "examples", "exit_unless", "main", "unless_interrupted"]

EXIT_DIAGNOSTIC_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_STATUSES = (
    "Exit status of every command: 0 done; 1 done, but a diagnostic failed, or fits of a study (outputs are "
    "written and say so); 2 bad input or usage (one message, nothing written); 130 interrupted."
)

_MODULES: Final[Mapping[str, str]] = {
    "fit": "hillfront.cli.fit",
    "compare": "hillfront.cli.compare",
    "demo": "hillfront.cli.fit",
    "check": "hillfront.cli.saved",
    "paper": "hillfront.cli.saved",
    "report": "hillfront.cli.saved",
    "study": "hillfront.cli.study",
}


class _LazyGroup(TyperGroup):
    """Commands whose modules are imported when they are first asked for; their messages speak of options."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for, also for a caller in Python that does not go through `main`."""
        with command_line():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(_MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, or None for an unknown name, for which all are loaded to suggest one of them."""
        for name in [cmd_name] if cmd_name in _MODULES else _MODULES:
            if name not in self.commands:
                group = get_group(import_module(_MODULES[name]).app)
                self.commands[name] = group.commands.get(name, group)
        return self.commands.get(cmd_name)


def examples(*lines: str) -> str:
    """Return the examples that end a command's help, each on a line of its own."""
    return "\n\n".join(["Examples:" if len(lines) > 1 else "Example:", *lines])


EPILOG = "\n\n".join(
    [EXIT_STATUSES, examples("hillfront demo", "hillfront fit --help", "hillfront --install-completion")]
)

app = typer.Typer(
    name="hillfront",
    cls=_LazyGroup,
    help="Is this sparse autoencoder really Pareto-better, and by what factor?",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        from hillfront import __version__

        typer.echo(f"hillfront {__version__}")
        raise typer.Exit


@contextlib.contextmanager
def unless_interrupted() -> Iterator[None]:
    """Say that nothing was written, where typer would leave without a word."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("hillfront: interrupted; nothing was written.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None


def exit_unless(passed: bool, *messages: str) -> None:
    """Leave with exit status 1 unless everything passed, after messages on standard error."""
    if not passed:
        for message in messages:
            typer.echo(message, err=True)
        raise typer.Exit(EXIT_DIAGNOSTIC_FAILED)


def main() -> None:
    """Run the command line; bad input gives one message and exit status 2, never a traceback."""
    with command_line():
        try:
            with allow_arviz_later():
                app()
        except (ValueError, TypeError, OSError) as error:
            # Every error that the library raises for bad input is one of these; their text, which some write
            # only here, names the next step.
            typer.echo(f"hillfront: {error}", err=True)
            sys.exit(EXIT_BAD_INPUT)

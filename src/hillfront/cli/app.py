"""The command line: what ``hillfront`` is made of, and what its errors become.

Exit status: 0 done; 1 done, but a diagnostic failed (outputs are written and marked); 2 bad input or usage;
130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hillfront.cli.check import CHECK_EXAMPLES, check
from hillfront.cli.compare import COMPARE_EXAMPLES, compare
from hillfront.cli.fit import DEMO_EXAMPLES, FIT_EXAMPLES, demo, fit
from hillfront.cli.paper import PAPER_EXAMPLES, paper
from hillfront.cli.report import REPORT_EXAMPLES, report
from hillfront.cli.run import EXIT_BAD_INPUT, EXIT_STATUSES, examples
from hillfront.cli.study import study
from hillfront.sampling.arviz_later import allow_arviz_later

__all__ = ["app", "main"]

EPILOG = "\n\n".join(
    [EXIT_STATUSES, examples("hillfront demo", "hillfront fit --help", "hillfront --install-completion")]
)

app = typer.Typer(
    name="hillfront",
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


app.command(epilog=FIT_EXAMPLES)(fit)
app.command(epilog=COMPARE_EXAMPLES)(compare)
app.command(epilog=DEMO_EXAMPLES)(demo)
app.command(epilog=CHECK_EXAMPLES)(check)
app.command(epilog=PAPER_EXAMPLES)(paper)
app.command(epilog=REPORT_EXAMPLES)(report)
app.add_typer(study)


def main() -> None:
    """Run the command line; bad input gives one message and exit status 2, never a traceback."""
    try:
        with allow_arviz_later():
            app()
    except (ValueError, TypeError, OSError) as error:
        # Every error that the library raises for bad input is one of these; their text names the next step.
        typer.echo(f"hillfront: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)

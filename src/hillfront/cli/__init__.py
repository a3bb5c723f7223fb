"""The command line, one module per command.

The only folder that writes to the terminal and that knows of exit statuses. Modules load heavy libraries
inside their functions, so that ``hillfront --help`` waits for none.
"""

from __future__ import annotations

from hillfront.cli.app import main

__all__ = ["main"]

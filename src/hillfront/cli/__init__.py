"""The command line, one module a command or a family of them.

The only folder that writes to the terminal and that knows of exit statuses. `hillfront.cli.app` loads the
module of a command when it is used, and modules load heavy libraries inside their functions, so that
``hillfront --help`` waits for none. Exit statuses are in `hillfront.cli.app`. Options that commands share
stand in `hillfront.cli.options`.
"""

from __future__ import annotations

from hillfront.cli.app import main

__all__ = ["main"]

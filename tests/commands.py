"""Run the command line in this process, as the shell would."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from hillfront.cli.app import main


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    monkeypatch.setattr(sys, "argv", ["hillfront", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    code = left.value.code
    return Done(code if isinstance(code, int) else 0, printed.out, printed.err)

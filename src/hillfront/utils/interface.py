"""Arguments and options as the interface in use writes them, so that a message can be followed word by word.

A function of the library says ``variant='arch'``; on the command line the same message says
``--variant arch``.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Final

__all__ = ["alternatives", "argument", "command_line", "on_command_line"]

_ON_COMMAND_LINE: ContextVar[bool] = ContextVar("on_command_line", default=False)

_OPTIONS: Final = {"random_seed": "seed"}
"""Options whose name is not that of the argument with dashes for underscores."""


@contextlib.contextmanager
def command_line() -> Iterator[None]:
    """Let messages speak of options inside this block."""
    token = _ON_COMMAND_LINE.set(True)
    try:
        yield
    finally:
        _ON_COMMAND_LINE.reset(token)


def on_command_line() -> bool:
    """Return whether messages speak of options now."""
    return _ON_COMMAND_LINE.get()


def argument(name: str, *values: object) -> str:
    """Write an argument with its value, or its name alone, as the interface in use has it.

    Parameters
    ----------
    name : str
        The argument of the library; its option has the same name with dashes, where it is not listed here.
    *values
        The value, or several for an argument that takes a list.

    Examples
    --------
    >>> argument("variant", "arch"), argument("group", "site", "layer"), argument("on_fault")
    ("variant='arch'", "group=['site', 'layer']", 'on_fault')
    >>> with command_line():
    ...     argument("variant", "arch"), argument("group", "site", "layer"), argument("on_fault")
    ('--variant arch', '--group site --group layer', '--on-fault')
    """
    if not on_command_line():
        if not values:
            return name
        return f"{name}={values[0]!r}" if len(values) == 1 else f"{name}={list(values)!r}"
    option = f"--{_OPTIONS.get(name, name).replace('_', '-')}"
    if not values or values == (True,):
        return option
    return " ".join(f"{option} {shlex.quote(str(value))}" for value in values)


def alternatives(name: str, values: Sequence[object]) -> str:
    """Write the values that an argument may take, one of which is to be passed.

    Examples
    --------
    >>> alternatives("baseline", ["relu", "topk"])
    "baseline='relu' or baseline='topk'"
    """
    return " or ".join(argument(name, value) for value in values)

"""Arguments and options as the interface in use writes them, so that a message can be followed word by word.

A function of the library says ``variant='arch'``; on the command line the same message says
``--variant arch``. What is kept with the data is kept in Python's words, and shown in those of the interface
that it is read in.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Final

from hillfront.utils.wording import matching, meant

__all__ = [
    "alternatives",
    "argument",
    "as_shown",
    "by_interface",
    "chosen_names",
    "command_line",
    "for_objects",
    "in_python",
    "listed",
    "on_command_line",
]

_ON_COMMAND_LINE: ContextVar[bool] = ContextVar("on_command_line", default=False)

_OPTIONS: Final = {"random_seed": "seed", "families": "curve"}
"""Options whose name is not that of the argument with dashes for underscores."""

_OF_DATA: Final = (
    "variant|group|l0|y|cost|baseline|dense_limit|relative_sparsity|on_fault|curve|noise|pool|format"
)
_ASSIGNED: Final = re.compile(rf"\b({_OF_DATA})=(\[[^\]]*\]|'[^']*'|\"[^\"]*\"|True\b|\d+(?:\.\d+)?)")
"""An argument with its value, of those that notes on data name."""


@contextlib.contextmanager
def command_line() -> Iterator[None]:
    """Let messages speak of options inside this block."""
    token = _ON_COMMAND_LINE.set(True)
    try:
        yield
    finally:
        _ON_COMMAND_LINE.reset(token)


@contextlib.contextmanager
def in_python() -> Iterator[None]:
    """Let messages speak of arguments inside this block, wherever it runs; see `as_shown`."""
    token = _ON_COMMAND_LINE.set(False)
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
    if not values or (len(values) == 1 and values[0] is True):
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


def by_interface(python: str, shell: str) -> str:
    """Choose between the words of Python and those of the command line, where its options offer less.

    Examples
    --------
    >>> by_interface("Give tighter priors.", "Pool more, by --pool.")
    'Give tighter priors.'
    """
    return shell if on_command_line() else python


def as_shown(text: str) -> str:
    """Write a note that was kept in Python's words in those of the interface in use.

    Examples
    --------
    >>> with command_line():
    ...     as_shown("Pass y='ce', or group=['site', 'layer'].")
    'Pass --y ce, or --group site --group layer.'
    """
    if not on_command_line():
        return text

    def option(found: re.Match[str]) -> str:
        value = ast.literal_eval(found[2])
        return argument(found[1], *(value if isinstance(value, list) else [value]))

    return _ASSIGNED.sub(option, text)


def listed(value: Any) -> tuple[Any, ...]:
    """Return the values of an argument that takes several: one value alone is a list of one.

    Examples
    --------
    >>> listed("layer"), listed(50), listed([0.05, 0.1])
    (('layer',), (50,), (0.05, 0.1))
    """
    alone = isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0
    return (value,) if alone else tuple(value)


def chosen_names(chosen: object, allowed: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the names that an argument chooses, all by default.

    Parameters
    ----------
    chosen : str or sequence of str, optional
        One name or several; a number stands for its text, and letter case does not matter.
    allowed : sequence of str
    what : str
        The argument's name.

    Raises
    ------
    ValueError
        For an unknown name, or none at all.

    Examples
    --------
    >>> chosen_names([20, 4], ["4", "20", "27"], "settings"), chosen_names("Gated", ["gated"], "variants")
    (('20', '4'), ('gated',))
    """
    names = tuple(allowed) if chosen is None else listed(chosen)
    found = {name: matching(name, allowed) for name in names}
    unknown = [name for name, known in found.items() if known is None]
    if unknown or not names:
        given = by_interface(f"{what}={list(names)}", argument(what, *names))
        near = meant(unknown[0], allowed) if unknown else ""
        raise ValueError(f"{given}: allowed are {', '.join(allowed)}, at least one of them.{near}")
    return tuple(dict.fromkeys(str(known) for known in found.values()))


def for_objects[T](made_by: str) -> Callable[[type[T]], type[T]]:
    """Have the methods of a class say how an object is made, where they are called on the class instead.

    Examples
    --------
    >>> @for_objects("Answer(6 * 7)")
    ... class Answer(int):
    ...     def is_right(self) -> bool:
    ...         return self == 42
    >>> Answer(42).is_right()
    True
    >>> Answer.is_right(42)
    Traceback (most recent call last):
    ...
    TypeError: Answer.is_right was called on the class. Call it on what Answer(6 * 7) returns.
    """

    def decorate(cls: type[T]) -> type[T]:
        for name, method in list(vars(cls).items()):
            if inspect.isfunction(method) and not name.startswith("_"):
                setattr(cls, name, _for_objects(cls, method, made_by))
        return cls

    return decorate


def _for_objects(cls: type, method: Callable[..., Any], made_by: str) -> Callable[..., Any]:
    @functools.wraps(method)
    def run(*arguments: Any, **options: Any) -> Any:
        if not arguments or not isinstance(arguments[0], cls):
            raise TypeError(
                f"{method.__qualname__} was called on the class. Call it on what {made_by} returns."
            )
        return method(*arguments, **options)

    return run

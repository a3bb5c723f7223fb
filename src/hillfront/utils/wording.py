"""Names of rows, curves, cells and counts in faults and warnings."""

from __future__ import annotations

import difflib
import numbers
import re
from collections.abc import Iterable, Sequence
from typing import Final

N_SHOWN: Final = 3


def count(n: int, noun: str) -> str:
    """Count things, as in ``1 curve`` and ``2 curves``."""
    return f"{n} {noun}{'s' if n != 1 else ''}"


def shorten(items: Iterable[object]) -> str:
    """Join items with commas, the tail of a long list only counted.

    Examples
    --------
    >>> shorten(range(4)), shorten(range(12))
    ('0, 1, 2, 3', '0, 1, 2 and 9 more')
    """
    texts = [str(item) for item in items]
    if len(texts) <= N_SHOWN + 1:
        return ", ".join(texts)
    return f"{', '.join(texts[:N_SHOWN])} and {len(texts) - N_SHOWN} more"


def name_rows(rows: Sequence[int]) -> str:
    """Name rows by their positions, as in ``rows 3, 8``."""
    return f"{'row' if len(rows) == 1 else 'rows'} {shorten(rows)}"


def name_curve(variant: str, setting: str) -> str:
    """Name a curve by its variant and, where there are settings, its setting."""
    return repr(variant) if setting == "all" else f"{variant!r} in {setting!r}"


def name_curves(curves: Iterable[str]) -> str:
    """Name several curves, as in ``curves 'a', 'b'``."""
    names = list(curves)
    return f"curve{'s' if len(names) != 1 else ''} {shorten(names)}"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name most like `name`, letter case aside.

    Examples
    --------
    >>> nearest("l0", ["L0", "loss_recovered"])
    'L0'
    """
    by_lower = {other.lower(): other for other in reversed(list(names))}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def matching(name: object, names: Iterable[str]) -> str | None:
    """Return the name that is meant: the same, but for a number's type, letter case, and dashes or blanks.

    Nothing where several of the names could be meant, none of them exactly.

    Examples
    --------
    >>> matching(20, ["4", "20"]), matching("ReLU", ["relu", "topk"]), matching("K", ["x_half", "k"])
    ('20', 'relu', 'k')
    >>> matching("RELU", ["relu", "ReLU"]) is None
    True
    """
    allowed = list(names)
    number = isinstance(name, numbers.Real) and not isinstance(name, bool)
    text = f"{name:.15g}" if number else str(name)
    if text in allowed:
        return text

    def bare(word: str) -> str:
        return re.sub(r"[\s_-]+", "_", word.strip()).casefold()

    alike = [other for other in allowed if bare(other) == bare(text)]
    return alike[0] if len(alike) == 1 else None


def meant(name: object, names: Iterable[str]) -> str:
    """Ask whether the name most like this one was meant, in a sentence that may follow others; else nothing.

    Examples
    --------
    >>> meant("hil", ["hill", "power"])
    " Did you mean 'hill'?"
    """
    near = nearest(str(name), names)
    return f" Did you mean {near!r}?" if near is not None else ""


def show(value: object) -> str:
    """Show one cell: text in quotes, numbers bare, nothing as ``empty``.

    Examples
    --------
    >>> show("n/a"), show(-2.5), show("  "), show(None)
    ("'n/a'", '-2.5', 'empty', 'empty')
    """
    import pandas as pd  # `hillfront --help` waits for it otherwise

    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:37]}...") if value.strip() else "empty"
    if pd.api.types.is_scalar(value) and pd.isna(value):  # type: ignore[call-overload]  # is_scalar narrows it
        return "empty"
    return str(value)[:40]

"""Numbers, names and counts in running text: the same in sentences, tables, macros, faults and warnings."""

from __future__ import annotations

import difflib
import math
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
        return re.sub(r"[\s_-]+", "", word).casefold()

    alike = [other for other in allowed if bare(text) and bare(other) == bare(text)]
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


# ---------------------------------------------------------------- numbers

DIGITS: Final = 3
"""Significant digits of a factor, an L0 or a hit."""

_P_DECIMALS: Final = 3


def significant(value: float, *, digits: int = DIGITS) -> str:
    """Print a number with so many significant digits, trailing zeros kept.

    Python's exact decimal rounding of the binary number, so that the text equals the table's number rounded
    to the printed digit. Very small and very large numbers have an exponent; infinity is ``inf``.

    Examples
    --------
    >>> significant(5.978), significant(23.836), significant(0.18340), significant(163.6), significant(2.0)
    ('5.98', '23.8', '0.183', '164', '2.00')
    >>> significant(1.234e7), significant(0.00001234), significant(float("inf")), significant(0.0)
    ('1.23e+07', '1.23e-05', 'inf', '0')
    """
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if not -5 < exponent < 6:
        return f"{value:.{digits - 1}e}"
    decimals = digits - 1 - exponent
    return f"{value:.{decimals}f}" if decimals > 0 else f"{round(value, decimals):.0f}"


def interval(lower: float, upper: float) -> str:
    """Print an interval.

    Examples
    --------
    >>> interval(4.967, 7.282)
    '[4.97, 7.28]'
    """
    return f"[{significant(lower)}, {significant(upper)}]"


def probability(value: float) -> str:
    """Print a probability with its relation; what rounds to 0 or 1 is only said to be near it.

    Examples
    --------
    >>> probability(0.90375), probability(1.0), probability(0.0001)
    ('= 0.904', '> 0.999', '< 0.001')
    """
    if value >= 1.0 - 0.5 * 10.0**-_P_DECIMALS:
        return "> 0.999"
    if value < 0.5 * 10.0**-_P_DECIMALS:
        return "< 0.001"
    return f"= {value:.{_P_DECIMALS}f}"


def percent(prob: float) -> str:
    """Print the probability of an interval, without losing its digits.

    Examples
    --------
    >>> percent(0.9), percent(0.975)
    ('90%', '97.5%')
    """
    return f"{100 * prob:.10g}%"

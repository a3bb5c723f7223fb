"""Numbers in running text: the same digits in sentences, tables and macros."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["DIGITS", "interval", "percent", "probability", "significant"]

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

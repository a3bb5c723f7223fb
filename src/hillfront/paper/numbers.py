"""Numbers in LaTeX, with the digits that sentences have."""

from __future__ import annotations

import math

from hillfront.utils.numbers import probability, significant

__all__ = ["MISSING", "tex_interval", "tex_number", "tex_probability"]

MISSING = "--"
"""What stands where there is no number, in tables and macros alike."""


def tex_number(value: float, *, digits: int = 3) -> str:
    r"""Print a number in LaTeX, rounded to so many significant digits.

    Examples
    --------
    >>> tex_number(5.978), tex_number(1.234e7), tex_number(float("inf")), tex_number(float("nan"))
    ('5.98', '\\ensuremath{1.23\\times 10^{7}}', '\\ensuremath{\\infty}', '--')
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return r"\ensuremath{\infty}" if value > 0 else r"\ensuremath{-\infty}"
    text = significant(value, digits=digits)
    mantissa, e, exponent = text.partition("e")
    if e:
        return rf"\ensuremath{{{mantissa}\times 10^{{{int(exponent)}}}}}"
    return text if value >= 0 else rf"\ensuremath{{{text}}}"


def tex_interval(median: float, lower: float, upper: float) -> str:
    """Print a median with its interval.

    Examples
    --------
    >>> tex_interval(5.978, 4.967, 7.282)
    '5.98 [4.97, 7.28]'
    """
    if math.isnan(median):
        return MISSING
    return f"{tex_number(median)} [{tex_number(lower)}, {tex_number(upper)}]"


def tex_probability(value: float) -> str:
    r"""Print a probability; what rounds to 0 or 1 is only said to be near it.

    Examples
    --------
    >>> tex_probability(0.90375), tex_probability(1.0), tex_probability(0.0)
    ('0.904', '\\ensuremath{>0.999}', '\\ensuremath{<0.001}')
    """
    if math.isnan(value):
        return MISSING
    text = probability(value)
    return text.removeprefix("= ") if text.startswith("=") else rf"\ensuremath{{{text.replace(' ', '')}}}"

"""Logarithmic axes of factors, such as widths upper / lower, with plain numbers at their ticks."""

from __future__ import annotations

from typing import Final

from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

__all__ = ["WIDEST", "plain_ticks", "ticks_up_to"]

WIDEST: Final = 100.0
"""Wider than this is as good as unbounded: a figure draws it at the edge."""


def plain_ticks(axis: Axis, places: list[float]) -> None:
    """Put ticks at these places alone, written without powers of ten."""
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def ticks_up_to(top: float) -> list[float]:
    """Round factors from 1 up, close enough to read values between them.

    Examples
    --------
    >>> ticks_up_to(1.6), ticks_up_to(30.0)
    ([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6], [1.0, 2.0, 5.0, 10.0, 20.0])
    """
    if top < 1.7:
        places = [1.0 + 0.1 * step for step in range(8)]
    elif top < 4.0:
        places = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 3.5]
    elif top < 10.0:
        places = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0]
    else:
        places = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
    return [round(place, 1) for place in places if place <= top + 1e-9]

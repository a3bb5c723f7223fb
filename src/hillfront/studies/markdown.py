"""Pages of a study, written as Markdown."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version

import numpy as np
import pandas as pd

__all__ = ["Report", "interval", "interval_of", "number", "versions"]


class Report:
    """A page built part by part."""

    def __init__(self, title: str) -> None:
        self._parts = [f"# {title}"]

    def heading(self, text: str) -> None:
        """Add a heading below the title."""
        self._parts.append(f"## {text}")

    def paragraph(self, text: str) -> None:
        """Add a paragraph; its line breaks and indentation do not count."""
        self._parts.append(" ".join(text.split()))

    def items(self, texts: Iterable[str]) -> None:
        """Add a list, or nothing if it is empty."""
        lines = [f"- {text}" for text in texts]
        if lines:
            self._parts.append("\n".join(lines))

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a table."""
        lines = [headings, ["---"] * len(headings), *([str(cell) for cell in row] for row in rows)]
        self._parts.append(_lines(" | ".join(line) for line in lines))

    def frame(self, frame: pd.DataFrame, headings: str, row: str) -> None:
        """Add a table of a frame's rows.

        Parameters
        ----------
        frame : pandas.DataFrame
        headings, row : str
            The heading, and the format of a row by names of the frame's columns, with ``|`` between cells.
        """
        lines = [row.format_map(values) for values in frame.to_dict("records")]
        self._parts.append(_lines([headings, re.sub(r"[^|]+", " --- ", headings).strip(), *lines]))

    def image(self, name: str, caption: str) -> None:
        """Add an image that lies beside the page."""
        self._parts.append(f"![{caption}]({name})")

    def text(self) -> str:
        """Return the whole page."""
        return "\n\n".join(self._parts) + "\n"


def _lines(rows: Iterable[str]) -> str:
    """Write the rows of a table."""
    return "\n".join(f"| {row} |" for row in rows)


def number(value: float) -> str:
    """Write a number with three figures, without trailing zeros.

    Examples
    --------
    >>> number(2.7713), number(0.00512), number(1234.5), number(float("inf"))
    ('2.77', '0.00512', '1234', 'inf')
    """
    if not np.isfinite(value):
        return "inf" if value > 0 else "none"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def interval(lower: float, upper: float) -> str:
    """Write an interval; a degenerate one says so."""
    if not np.isfinite(lower) or not np.isfinite(upper) or upper > 1e6:
        return "unbounded"
    return f"[{number(lower)}, {number(upper)}]"


def interval_of(row: pd.Series) -> str:
    """Write the median and interval of a row of a summary, with a star where it is extrapolated."""
    if np.isnan(row["median"]):
        return "no shared range" if row["support"] == "none" else "undefined"
    star = "" if row["support"] == "observed" else " *"
    return f"{number(row['median'])} [{number(row['lower'])}, {number(row['upper'])}]{star}"


def versions() -> str:
    """Name the versions that a table of timings or densities depends on."""
    names = ("hillfront", "pymc", "nutpie", "arviz")
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)])

"""Tables of the report, and the format of their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hillfront.utils.wording import probability, significant

__all__ = ["Cell", "Table", "chance", "label", "mark", "number", "table_of", "table_of_pairs", "text"]


@dataclass(frozen=True)
class Cell:
    """One cell."""

    text: str
    sort: str = ""
    """The number to sort by, to the last bit; empty where there is none."""
    numeric: bool = False
    kind: str = ""
    """A word that the style sheet knows, such as ``passed``; never from data."""


@dataclass(frozen=True)
class Table:
    """A table with a caption; the name is its id, never from data, and the first cell heads each row."""

    name: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Columns that hold numbers."""
        first = self.rows[0] if self.rows else [Cell("")] * len(self.headings)
        return tuple(cell.numeric for cell in first)


def label(value: float) -> str:
    """Write a number as sentences do, and nothing for one that is missing.

    Examples
    --------
    >>> label(5.9782), label(0.02), label(float("nan")), label(float("inf"))
    ('5.98', '0.0200', '', '∞')
    """
    if np.isnan(value):
        return ""
    return significant(value).replace("inf", "∞")


def chance(value: float) -> str:
    """Write a probability that draws estimated: never as certain.

    Examples
    --------
    >>> chance(0.90375), chance(1.0), chance(0.0), chance(float("nan"))
    ('0.904', '> 0.999', '< 0.001', '')
    """
    return "" if np.isnan(value) else probability(value).removeprefix("= ")


def number(value: float, written: str | None = None) -> Cell:
    """Make a cell of a number, which sorts by its exact value."""
    value = float(value)
    exact = {np.inf: "Infinity", -np.inf: "-Infinity"}.get(value, "" if np.isnan(value) else repr(value))
    return Cell(label(value) if written is None else written, exact, numeric=True)


def text(value: object) -> Cell:
    """Make a cell of text, as it stands."""
    missing = value is None or (isinstance(value, float) and np.isnan(value))
    return Cell("" if missing else str(value))


def mark(word: str, kind: str) -> Cell:
    """Make a cell of a word with a colour and a sign of its own."""
    return Cell(word, kind=kind)


def table_of(
    frame: pd.DataFrame, *, name: str, caption: str, headings: Mapping[str, str] | None = None
) -> Table:
    """Make a table of a frame: numbers as numbers, everything else as text."""
    rows = zip(*(_cells(frame[column]) for column in frame), strict=True)
    words = {str(column): str(column).replace("_", " ") for column in frame} | dict(headings or {})
    return Table(name, caption, tuple(words[str(column)] for column in frame), tuple(rows))


def table_of_pairs(pairs: Mapping[str, str], *, name: str, caption: str, headings: tuple[str, str]) -> Table:
    """Make a table of names, each with its text."""
    return Table(name, caption, headings, tuple((text(key), text(value)) for key, value in pairs.items()))


def _cells(column: pd.Series) -> Sequence[Cell]:
    if column.dtype.kind == "f":
        return [number(value, "" if np.isnan(value) else f"{value:.6g}") for value in column]
    if column.dtype.kind in "iu":
        return [number(value, str(value)) for value in column]
    return [text(value) for value in column]

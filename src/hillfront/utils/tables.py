"""Tables of words and numbers, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import shutil
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from typing import Final

__all__ = ["Displayed", "TextTable"]

_GAP: Final = "  "
_NARROWEST: Final = 8
"""Characters that a column of names keeps, however narrow the terminal."""


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are written already."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    """Lines below the table, such as what its signs mean."""
    names: int = 0
    """Number of first columns that hold names, which a narrow terminal may break over lines; what is in the
    others is never broken or cut."""
    right: frozenset[str] = frozenset()
    """Columns that are aligned to the right."""

    def text(self, width: int | None = None) -> str:
        """Write the table for a terminal of a width, by default that of this one.

        Examples
        --------
        >>> print(TextTable("Gains", ("variant", "gain"), (("gated", "2.1"), ("topk", "1.9"))).text(80))
        Gains
        variant  gain
        gated    2.1
        topk     1.9
        """
        limit = shutil.get_terminal_size((80, 24)).columns if width is None else width
        table = (self.columns, *self.rows)
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        while sum(widths) + len(_GAP) * (len(widths) - 1) > limit:
            widest = max(range(self.names), key=lambda i: widths[i], default=None)
            if widest is None or widths[widest] <= _NARROWEST:
                break
            widths[widest] -= 1
        lines = [self.title] if self.title else []
        for row in table:
            lines += self._lines(row, widths)
        return "\n".join([*lines, *self.notes])

    def _lines(self, row: Sequence[str], widths: Sequence[int]) -> list[str]:
        """Break the names of a row over as many lines as they take."""
        cells = [
            textwrap.wrap(cell, width) if len(cell) > width and i < self.names else [cell]
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return [
            _GAP.join(
                part.rjust(width) if name in self.right else part.ljust(width)
                for part, width, name in zip(parts, widths, self.columns, strict=True)
            ).rstrip()
            for parts in zip_longest(*cells, fillvalue="")
        ]

    def html(self) -> str:
        """Write the table as HTML, with everything in it escaped."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self.rows)
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return (
            f"<table><caption>{escape(self.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{notes}"
        )


class Displayed(ABC):
    """A result that a terminal and a notebook show as its table, below its notes."""

    notes: tuple[str, ...] = ()

    @abstractmethod
    def _table(self) -> TextTable:
        """Make the table that is shown."""

    def __repr__(self) -> str:
        """Write the table as text, below the notes."""
        return "\n".join([*self.notes, self._table().text()])

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return notes + self._table().html()

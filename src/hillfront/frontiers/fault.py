"""What a fault says, how it is made from the rows concerned, and the record of the rows that it drops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.frontiers.cells import is_blank
from hillfront.frontiers.parsing import CURVE, Draft
from hillfront.utils.wording import name_rows, shorten, show

DROPPED: Final = ("row", "variant", "setting", "fault", "value")


@dataclass(frozen=True)
class Fault:
    """Something in the user's table that must be put right before a fit.

    Parameters
    ----------
    kind : str
        What is wrong, in a few words.
    rows : tuple of int
        Positions of the rows concerned, 0 for the first row below the header. Empty if not about rows.
    seen : str
        The values found, shortened where there are many.
    allowed : str
        What would have been accepted.
    next_step : str
        What to do about it.
    drops : tuple of (int, str), optional
        Row and value of each row that ``on_fault="drop"`` takes out. Empty if dropping rows is no remedy.

    Examples
    --------
    >>> print(Fault("L0 not positive", (3,), "-12.5", "a finite number above 0", "Correct the value."))
    L0 not positive (row 3): saw -12.5; allowed: a finite number above 0. Next step: Correct the value.
    """

    kind: str
    rows: tuple[int, ...]
    seen: str
    allowed: str
    next_step: str
    drops: tuple[tuple[int, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        where = f" ({name_rows(self.rows)})" if self.rows else ""
        return f"{self.kind}{where}: saw {self.seen}; allowed: {self.allowed}. Next step: {self.next_step}"


def no_drops() -> pd.DataFrame:
    """Return an empty record of dropped rows."""
    return pd.DataFrame({name: pd.Series([], dtype="int64" if name == "row" else "str") for name in DROPPED})


def record_drops(draft: Draft, faults: Sequence[Fault]) -> pd.DataFrame:
    """Record the rows that the faults drop, each once, with its variant, its setting and all its faults."""
    drops = [(row, fault.kind, value) for fault in faults for row, value in fault.drops]
    by_row = pd.DataFrame(drops, columns=["row", "fault", "value"]).groupby("row", as_index=False)
    record = by_row.agg("; ".join).astype({"fault": "str", "value": "str"})
    return record.merge(draft.table[["row", *CURVE]], on="row", how="left")[list(DROPPED)]


def bad_rows(
    draft: Draft, bad: NDArray[np.bool_], seen: Iterable[str], kind: str, allowed: str, next_step: str
) -> Iterator[Fault]:
    """Yield one fault for the rows marked `bad`, if any; `seen` has an entry for each of them."""
    if bad.any():
        drops = tuple(zip(draft.table.loc[bad, "row"].tolist(), seen, strict=True))
        rows = tuple(row for row, _ in drops)
        yield Fault(kind, rows, shorten(value for _, value in drops), allowed, next_step, drops)


def bad_cells(
    draft: Draft, bad: NDArray[np.bool_], column: str, kind: str, allowed: str, next_step: str
) -> Iterator[Fault]:
    """Yield one fault for the user's cells of a column in the rows marked `bad`, if any."""
    yield from bad_rows(draft, bad, map(show, draft.cells.loc[bad, column]), kind, allowed, next_step)


def is_text(draft: Draft, column: str) -> NDArray[np.bool_]:
    """Mark the cells that hold something, but not a number."""
    return draft.numbers[column].isna().to_numpy() & ~is_blank(draft.cells[column])

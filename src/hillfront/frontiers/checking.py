"""The error that lists every fault of a table, and the dropping of faulty rows in its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from hillfront.frontiers.fault import Fault, no_drops, record_drops
from hillfront.frontiers.fault_finders import find_faults
from hillfront.frontiers.parsing import Draft
from hillfront.utils.wording import count


class FrontierDataError(ValueError):
    """A table that cannot be fitted; the message lists every fault.

    Parameters
    ----------
    faults : sequence of Fault
        What is wrong with the table.
    places : sequence of str, optional
        For each row of the table the file that it comes from.

    Attributes
    ----------
    faults : tuple of Fault
        The same, for code that handles them.
    """

    def __init__(self, faults: Sequence[Fault], places: Sequence[str] = ()) -> None:
        super().__init__(tuple(faults), tuple(places))
        self.faults: tuple[Fault, ...] = tuple(faults)
        self.places: tuple[str, ...] = tuple(places)

    def __str__(self) -> str:
        lines = [f"The table has {count(len(self.faults), 'fault')}:"]
        lines += [f"{i}. {fault}" for i, fault in enumerate(self.faults, start=1)]
        rows = sorted({row for fault in self.faults for row in fault.rows})
        if self.places:
            lines += [f"Row {row} is {self.places[row]}" for row in rows]
        elif rows:
            lines.append("Rows are positions in the table: row 0 is the first one below the header.")
        if any(fault.drops for fault in self.faults):
            lines.append("on_fault='drop' drops the faulty rows and keeps a record of them.")
        return "\n".join(lines)


def raise_or_drop(draft: Draft, on_fault: Literal["raise", "drop"]) -> tuple[Draft, pd.DataFrame]:
    """Raise the faults of a draft, or drop the rows that have them until none is left.

    Parameters
    ----------
    draft : Draft
        The table as read.
    on_fault : {"raise", "drop"}
        As in `Frontiers.from_frame`.

    Returns
    -------
    tuple of Draft and pandas.DataFrame
        The draft without faults, and a record of the rows that were dropped.

    Raises
    ------
    FrontierDataError
        If there are faults, or faults that are not about rows.
    """
    records = [no_drops()]
    while faults := find_faults(draft):
        stops = [fault for fault in faults if on_fault == "raise" or not fault.drops]
        if stops:
            raise FrontierDataError(stops)
        records.append(record_drops(draft, faults))
        draft = draft.without(row for fault in faults for row, _ in fault.drops)
    dropped = pd.concat(records, ignore_index=True)
    return draft, dropped.sort_values("row", kind="stable", ignore_index=True)

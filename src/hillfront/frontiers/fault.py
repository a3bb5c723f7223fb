"""A fault of a table, and the error that lists all faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hillfront.utils.interface import argument
from hillfront.utils.wording import count, name_rows


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


class FrontierDataError(ValueError):
    """A table that cannot be fitted; the message lists every fault.

    Parameters
    ----------
    faults : sequence of Fault
        What is wrong with the table.
    files : sequence of str, optional
        The file that each row of the table comes from.

    Attributes
    ----------
    faults, files : tuple
        The same, for code that handles them.
    """

    def __init__(self, faults: Sequence[Fault], files: Sequence[str] = ()) -> None:
        super().__init__(tuple(faults), tuple(files))
        self.faults: tuple[Fault, ...] = tuple(faults)
        self.files: tuple[str, ...] = tuple(files)
        self._drop = argument("on_fault", "drop")  # as the interface has it where the error arises

    def __str__(self) -> str:
        lines = [f"The table has {count(len(self.faults), 'fault')}:"]
        lines += [f"{i}. {fault}" for i, fault in enumerate(self.faults, start=1)]
        rows = sorted({row for fault in self.faults for row in fault.rows})
        if self.files:
            lines += [f"Row {row} is {self.files[row]}" for row in rows]
        elif rows:
            lines.append("Rows are positions in the table: row 0 is the first one below the header.")
        if any(fault.drops for fault in self.faults):
            lines.append(f"{self._drop} drops the faulty rows and keeps a record of them.")
        return "\n".join(lines)

"""Records of measurements, one JSON object a line, and their ratios with spread over repeats."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Spread", "append_record", "has_record", "ratio_of", "read_records", "select", "spread_of"]

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of repeated measurements.

    Attributes
    ----------
    median, low, high : float
        NaN without a measurement.
    n : int
        Number of measurements.
    """

    median: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        """Write it with three figures."""
        if not self.n:
            return "not measured"
        if self.n == 1:
            return f"{self.median:.3g} (once)"
        return f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"


def append_record(path: Path, record: Record) -> None:
    """Add one line to a file of records, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of a run that was killed while it wrote, half a line is left: what follows must start on its own.
    torn = path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps(record, sort_keys=True) + "\n")


def read_records(folder: Path) -> list[dict[str, Any]]:
    """Read all records of a folder's ``*.jsonl`` files; of equal ones the first, and no torn lines.

    Parts of a benchmark may be run on their own, into files of any name, and are joined here.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(record, dict):
                found.setdefault(json.dumps(record, sort_keys=True), record)
    return list(found.values())


def select(records: Iterable[Record], **wanted: object) -> list[Record]:
    """Return the records whose fields have these values."""
    return [r for r in records if all(name in r and r[name] == value for name, value in wanted.items())]


def has_record(records: Iterable[Record], **wanted: object) -> bool:
    """Whether a measurement is there already."""
    return bool(select(records, **wanted))


def spread_of(values: Iterable[float | None]) -> Spread:
    """Median and range of those values that are there.

    Examples
    --------
    >>> str(spread_of([3.0, 1.0, 2.0])), str(spread_of([]))
    ('2 [1, 3]', 'not measured')
    """
    there = [float(value) for value in values if value is not None and math.isfinite(value)]
    if not there:
        return Spread(math.nan, math.nan, math.nan, 0)
    return Spread(statistics.median(there), min(there), max(there), len(there))


def ratio_of(top: Sequence[Record], bottom: Sequence[Record], field: str) -> Spread:
    """Ratio of a field between two rivals, repeat by repeat.

    Repeats pair what was measured at about the same time, so that a machine which slows down between
    repeats does not look like a rival that is slow.

    Parameters
    ----------
    top, bottom : sequence of mapping
        Records with a ``repeat`` each.
    field : str

    Examples
    --------
    >>> a = [{"repeat": 0, "wall": 6.0}, {"repeat": 1, "wall": 9.0}]
    >>> b = [{"repeat": 0, "wall": 2.0}, {"repeat": 1, "wall": 4.5}]
    >>> str(ratio_of(a, b, "wall"))
    '2.5 [2, 3]'
    """
    below = {record["repeat"]: record.get(field) for record in bottom}
    return spread_of(
        record[field] / below[record["repeat"]]
        for record in top
        if record.get(field) is not None and below.get(record["repeat"])
    )

"""The format of a path, and the reading of a path in its format.

The reader of a format is imported where a path has it: a plain table loads none of them.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

from hillfront.readers.tables import TAB_SUFFIXES, FileTable, read_csv, read_through_arrow, validate_file

type Format = Literal["csv", "parquet", "arrow", "saebench", "saelens", "wandb"]

__all__ = ["FORMATS", "Format", "find_format", "read_path"]

FORMATS: Final[tuple[str, ...]] = get_args(Format.__value__)
_SUFFIXES: Final[dict[str, Format]] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_OF_RUNS: Final = frozenset({"State", "Runtime", "Created"})


def find_format(path: Path) -> Format:
    """Tell the format of a path by its suffix and, for JSON and CSV, by what it holds.

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path, or a folder without JSON files.
    """
    if path.is_dir() or path.suffix.lower() == ".json":
        from hillfront.readers.json_files import find_json

        return _json_format(find_json(path))
    validate_file(path)
    found = _SUFFIXES.get(path.suffix.lower())
    return found if found is not None else _csv_format(path)


def read_path(
    path: Path,
    *,
    format: Format | None = None,
    variant: str | None = None,
    group: Sequence[str] | None = None,
    l0: str | None = None,
    y: str | None = None,
    cost: str | None = None,
) -> FileTable:
    """Read a path in its format, with the columns that a user names in place of the format's.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such path, or it does not fit the format; the message names the file.
    """
    known = find_format(path) if format is None else format
    if known == "wandb":
        from hillfront.readers.wandb import wandb_table

        return wandb_table(path, variant=variant, group=group, l0=l0, y=y, cost=cost)
    if known == "saebench":
        from hillfront.readers.saebench import saebench_table

        table = saebench_table(path)
    elif known == "saelens":
        from hillfront.readers.saelens import saelens_table

        table = saelens_table(path)
    else:
        table = FileTable(read_csv(path) if known == "csv" else read_through_arrow(path, known))
    return table.using(variant=variant, group=group, l0=l0, y=y)


def _json_format(paths: Sequence[Path]) -> Format:
    """Tell the format of the first file that can be loaded; a reader says what is wrong with the others."""
    from hillfront.readers.json_files import UnfitError, load_json

    for path in paths:
        try:
            document: Any = load_json(path)
        except UnfitError:
            continue
        record = document[0] if isinstance(document, list) and document else document
        if isinstance(record, dict):
            return "saelens" if {"metrics", "unique_id"} <= record.keys() else "saebench"
    return "saebench"


def _csv_format(path: Path) -> Format:
    """Tell the format of a table of separated values by its header; plain, if that cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            tabs = path.suffix.lower() in TAB_SUFFIXES
            header = set(next(csv.reader(file, delimiter="\t" if tabs else ","), ()))
    except (UnicodeDecodeError, csv.Error):
        return "csv"
    if {"unique_id", "sae_set"} <= header and any(name.startswith("metrics.") for name in header):
        return "saelens"
    if "Name" in header and _OF_RUNS & header:
        return "wandb"
    return "csv"

"""Which format a path holds, and the one way from a path to a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

from hillfront.readers.files import UnfitError, find_json, load_json
from hillfront.readers.saebench import saebench_table
from hillfront.readers.saelens import saelens_csv, saelens_table
from hillfront.readers.source import SourceTable
from hillfront.readers.tables import TAB_SUFFIXES, check_file, read_arrow, read_csv, read_parquet
from hillfront.readers.wandb import wandb_table

type Format = Literal["csv", "parquet", "arrow", "saebench", "saelens", "wandb"]

__all__ = ["FORMATS", "Format", "find_format", "read_source"]

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
        return _json_format(find_json(path))
    check_file(path)
    found = _SUFFIXES.get(path.suffix.lower())
    return found if found is not None else _csv_format(path)


def read_source(
    path: Path,
    *,
    format: Format | None = None,
    variant: str | None = None,
    group: Sequence[str] | None = None,
    l0: str | None = None,
    y: str | None = None,
    cost: str | None = None,
) -> SourceTable:
    """Read a path in its format, with the columns that a user names in place of the format's.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such path, or it does not fit the format; the message names the file.
    """
    known = find_format(path) if format is None else format
    if known == "wandb":
        return wandb_table(path, variant=variant, group=group, l0=l0, y=y, cost=cost)
    if known == "saebench":
        source = saebench_table(find_json(path))
    elif known == "saelens":
        source = saelens_csv(path) if path.suffix.lower() == ".csv" else saelens_table(find_json(path))
    else:
        read = {"csv": read_csv, "parquet": read_parquet, "arrow": read_arrow}[known]
        source = SourceTable(read(path))
    return source.using(variant=variant, group=group, l0=l0, y=y)


def _json_format(paths: Sequence[Path]) -> Format:
    """Format of the first file that can be loaded; a reader says what is wrong with the others."""
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
    """Format of a table of separated values by its header; plain, if that cannot be read."""
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

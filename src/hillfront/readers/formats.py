"""The format of a path, and the reading of a path in its format.

The reader of a format is imported where a path has it: a plain table loads none of them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

from hillfront.readers.separated import read_bytes, read_csv, validate_file
from hillfront.readers.tables import FileTable, read_excel, read_through_arrow

type Format = Literal[
    "csv", "json", "excel", "parquet", "arrow", "saebench", "saelens", "wandb", "dictionary_learning"
]

__all__ = ["FORMATS", "Format", "find_format", "read_path"]

FORMATS: Final[tuple[str, ...]] = get_args(Format.__value__)
_SUFFIXES: Final[dict[str, Format]] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
}
_FIRST_BYTES: Final[dict[bytes, Format]] = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xd0\xcf\x11\xe0": "excel",
}
_OF_RUNS: Final = frozenset({"State", "Runtime", "Created"})


def find_format(path: Path) -> Format:
    """Tell the format of a path by what it holds and, where that says nothing, by its suffix.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is nothing at the path, a folder without JSON files, or JSON of another kind.
    """
    if path.is_dir():
        from hillfront.readers.json_files import find_json

        if any(found.with_name("config.json").is_file() for found in path.rglob("eval_results.json")):
            return "dictionary_learning"
        return _json_format(find_json(path))
    validate_file(path)
    with path.open("rb") as file:
        first = file.read(200)
    of_content = next((known for bytes_, known in _FIRST_BYTES.items() if first.startswith(bytes_)), None)
    if of_content is None and first[:4] == b"PK\x03\x04" and _is_workbook(path):
        of_content = "excel"
    if (found := of_content or _SUFFIXES.get(path.suffix.lower())) is not None:
        return found
    if _looks_like_json(path):
        return "dictionary_learning" if _is_trainer(path) else _json_format([path])
    return _text_format(path)


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

        table = saebench_table(path, variant=variant)
    elif known == "saelens":
        from hillfront.readers.saelens import saelens_table

        table = saelens_table(path, variant=variant)
    elif known == "dictionary_learning":
        from hillfront.readers.dictionary_learning import dictionary_learning_table

        table = dictionary_learning_table(path, variant=variant, l0=l0)
    elif known == "json":
        from hillfront.readers.json_files import records_table

        table = records_table(path)
    elif known == "csv" or known == "excel":
        frame, notes = (read_csv if known == "csv" else read_excel)(path)
        table = FileTable(frame, notes=notes)
    else:
        table = FileTable(read_through_arrow(path, known))
    return table.using(variant=variant, group=group, l0=l0, y=y)


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _looks_like_json(path: Path) -> bool:
    from hillfront.readers.json_files import JSON_SUFFIXES

    if set(map(str.lower, path.suffixes)) & JSON_SUFFIXES:
        return True
    start = read_bytes(path)[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in (b"{", b"[")


def _is_trainer(path: Path) -> bool:
    return path.name == "eval_results.json" and path.with_name("config.json").is_file()


def _json_format(paths: Sequence[Path]) -> Format:
    """Tell the format of the first file that has a known one; its reader says what is wrong with others.

    Raises
    ------
    ReadError
        If files can be loaded, but none of them has a known format.
    """
    from hillfront.readers.json_files import EXPECTED, ReadError, UnfitError, load_json, records_in

    faults = []
    for path in paths:
        try:
            document: Any = load_json(path)
            record = document[0] if isinstance(document, list) and document else document
            if isinstance(record, Mapping):
                if "eval_type_id" in record or any(str(name).startswith("core||") for name in record):
                    return "saebench"
                if isinstance(record.get("metrics"), Mapping) and {"unique_id", "sae_cfg"} & record.keys():
                    return "saelens"
            records_in(document)
        except UnfitError as error:
            faults.append((str(path), str(error)))
            continue
        return "json"
    raise ReadError(faults, EXPECTED, len(paths))


def _text_format(path: Path) -> Format:
    """Tell the format of a table of separated values by its header; plain, if that cannot be read."""
    try:
        header = {str(name) for name in read_csv(path)[0].columns}
    except ValueError:
        return "csv"
    flat = any(name.startswith(("metrics.", "metrics/")) for name in header)
    if flat and "sae_id" in header and not _OF_RUNS & header:
        return "saelens"
    if "Name" in header and _OF_RUNS & header:
        return "wandb"
    return "csv"

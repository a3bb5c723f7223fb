"""JSON files: finding and loading them, plain records in them, and the error that lists all misfits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.frontiers.column_names import columns_for
from hillfront.readers.separated import decode, read_bytes
from hillfront.readers.tables import FileTable
from hillfront.utils.wording import count, shorten

__all__ = [
    *("JSON_SUFFIXES", "ReadError", "UnfitError", "find_json", "load_json", "read_each"),
    *("records_in", "records_table", "seen_in"),
]

JSON_SUFFIXES: Final = frozenset({".json", ".jsonl", ".ndjson"})
EXPECTED: Final = (
    "a list of records with an L0, one such record a line, an object of columns, or results of SAEBench "
    "(eval_type_id), SAELens (metrics) or dictionary_learning (eval_results.json beside config.json)"
)
_SHOWN: Final = 8


class UnfitError(ValueError):
    """A reason why one file does not fit, in words that follow its name."""


class ReadError(ValueError):
    """Files that do not fit a format; the message gives each reason once, with the files that it is true of.

    Parameters
    ----------
    faults : sequence of (str, str)
        File and reason.
    expected : str
        What was expected of every file.
    n_files : int
        How many files were looked at.
    """

    def __init__(self, faults: Sequence[tuple[str, str]], expected: str, n_files: int) -> None:
        super().__init__(tuple(faults), expected, n_files)
        self.faults, self.expected, self.n_files = tuple(faults), expected, n_files

    def __str__(self) -> str:
        if self.n_files == 1:
            name, reason = self.faults[0]
            return f"{name} cannot be read: {reason}. Expected: {self.expected}."
        # Lines, columns and numbers of SAEs differ from file to file where the reason does not.
        alike: dict[str, list[tuple[str, str]]] = {}
        for name, reason in self.faults:
            alike.setdefault(re.sub(r"\d+", "0", reason), []).append((name, reason))
        lines = [f"{len(self.faults)} of {self.n_files} files cannot be read. Expected: {self.expected}."]
        for i, several in enumerate(list(alike.values())[:_SHOWN], start=1):
            names, reason = [name for name, _ in several], several[0][1]
            such = "" if len(names) == 1 else f" ({len(names)} files)"
            lines.append(f"{i}. {shorten(names)}{such}: {reason}")
        if len(alike) > _SHOWN:
            lines.append(f"and {count(len(alike) - _SHOWN, 'more reason')}.")
        return "\n".join([*lines, "Correct or remove these files; nothing was read."])


def find_json(paths: Path | str | Iterable[Path | str]) -> list[Path]:
    """List JSON files: those of a folder and of all folders in it, one file, or several of either.

    Raises
    ------
    FileNotFoundError
        If a path is not there, or a folder holds no JSON file.
    """
    given = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not given:
        raise FileNotFoundError("No file was given. Give a folder of JSON files, one of them, or a list.")
    found: list[Path] = []
    for path in given:
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            files = sorted(item for item in path.rglob("*") if item.is_file())
            inside = [item for item in files if item.suffix.lower() in JSON_SUFFIXES]
            if not inside:
                others = f" It holds {shorten(item.name for item in files)}." if files else ""
                raise FileNotFoundError(
                    f"{path} holds no *.json file, nor do the folders in it.{others} Give the folder of the "
                    "evaluation results, or the path of a table."
                )
            found += inside
        else:
            raise FileNotFoundError(
                f"There is no file or folder {path}. Give the path of evaluation results."
            )
    return list(dict.fromkeys(found))


def load_json(path: Path) -> Any:
    """Load one JSON file; one that holds a document a line is a list of them.

    Raises
    ------
    UnfitError
        If it is empty, not text, or not JSON, with the line and the column where that shows.
    """
    try:
        text, note = decode(read_bytes(path))
    except FileNotFoundError:
        raise
    except ValueError as error:
        raise UnfitError(f"{error}, so not JSON") from None
    if note is not None:
        raise UnfitError("not UTF-8 text, so not JSON")
    if not text.strip():
        raise UnfitError("the file is empty")
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _is_document(text.lstrip().split("\n")[0]):
            return _load_lines(text)
        lines = text.rstrip().count("\n") + 1
        where = f"line {error.lineno}, column {error.colno} (the file has {lines} lines)"
        raise _not_json(error, text, True, where) from None
    except RecursionError:
        raise UnfitError("not JSON of evaluations: it is nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits, or a key that stands twice
        raise UnfitError(str(error)) from None


def _is_document(line: str) -> bool:
    try:
        return isinstance(_loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _load_lines(text: str) -> list[Any]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    documents = []
    for number, line in lines:
        try:
            documents.append(_loads(line))
        except json.JSONDecodeError as error:
            raise _not_json(
                error, line, number == lines[-1][0], f"line {number}, column {error.colno}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise UnfitError(f"line {number}: {error}") from None
    return documents


def _not_json(error: json.JSONDecodeError, text: str, last: bool, where: str) -> UnfitError:
    at_end = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
    what = "truncated JSON" if last and at_end else "not JSON"
    return UnfitError(f"{what}: {error.msg.removesuffix(' starting at')} at {where}")


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of pairs, of which Python would silently keep the last of those with one key."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return made


def read_each[T](
    paths: Sequence[Path], parse: Callable[[Path], list[T]], *, expected: str
) -> list[tuple[Path, T]]:
    """Parse every file before any of them may fail, and pair each result with its file.

    Raises
    ------
    ReadError
        If some do not fit.
    """
    found: list[tuple[Path, T]] = []
    faults: list[tuple[str, str]] = []
    for path in paths:
        try:
            found += [(path, item) for item in parse(path)]
        except UnfitError as error:
            faults.append((str(path), str(error)))
    if faults:
        raise ReadError(faults, expected, len(paths))
    return found


def records_table(path: Path) -> FileTable:
    """Read plain records from one file, or from all files of a folder; names inside are joined by a slash.

    Raises
    ------
    FileNotFoundError, ReadError
        If there is no such path, or files hold no such records.
    """
    found = read_each(find_json(path), lambda file: records_in(load_json(file)), expected=EXPECTED)
    if not found:
        raise ReadError([(str(path), "an empty list")], EXPECTED, 1)
    frame = pd.DataFrame([record for _, record in found])
    files = tuple(str(file) for file, _ in found)
    return FileTable(frame, files=files if len(set(files)) > 1 else ())


def records_in(document: Any) -> list[dict[str, Any]]:
    """List the records of a document: a list, an object of columns or of records, or one that holds a list.

    Examples
    --------
    >>> records_in({"runs": [{"arch": "topk", "eval": {"l0": 32, "densities": [0.1]}}]})
    [{'arch': 'topk', 'eval/l0': 32}]
    >>> records_in({"variant": ["topk", "relu"], "l0": [32, 40]})
    [{'variant': 'topk', 'l0': 32}, {'variant': 'relu', 'l0': 40}]

    Raises
    ------
    UnfitError
        If it holds none with an L0.
    """
    inside = _lists_in(document)
    for records in [*inside.values(), *_readings(document)]:
        flat = [_flattened(record) for record in records]
        if any(columns_for("l0", record) for record in flat):
            if len(inside) > 1 and any(records is one for one in inside.values()):
                raise UnfitError(f"several lists of records, {shorten(map(repr, inside))}: save one of them")
            return flat
    raise UnfitError(f"no records with an L0: it holds {seen_in(document)}")


def _lists_in(document: Any) -> dict[str, list[Any]]:
    """Find the lists of objects that an object holds, by their names."""
    items = document.items() if isinstance(document, Mapping) else ()
    return {
        str(name): value
        for name, value in items
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value)
    }


def _readings(document: Any) -> Iterable[list[Any]]:
    """List the ways in which a document may hold records."""
    if isinstance(document, list):
        if document and all(isinstance(item, Mapping) for item in document):
            yield document
        return
    if not isinstance(document, Mapping) or not document:
        return
    values = list(document.values())
    if {"columns", "data"} <= document.keys() and isinstance(document["columns"], list):
        rows = document["data"] if isinstance(document["data"], list) else []
        if all(isinstance(row, list) and len(row) == len(document["columns"]) for row in rows):
            yield [dict(zip(map(str, document["columns"]), row, strict=True)) for row in rows]
    if all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        yield [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]
    if all(isinstance(value, Mapping) for value in values):
        if columns_for("l0", map(str, document)):  # columns by row, as pandas writes them
            keys = dict.fromkeys(key for value in values for key in value)
            yield [{name: value.get(key) for name, value in document.items()} for key in keys]
        else:
            yield [{"label": name} | dict(value) for name, value in document.items()]
    if not any(isinstance(value, list) for value in values):
        yield [document]


def _flattened(record: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Join the names of nested objects by slashes; lists hold no value of one SAE."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            flat |= _flattened(value, f"{before}{name}/")
        elif not isinstance(value, list):
            flat[f"{before}{name}"] = value
    return flat


def seen_in(document: Any) -> str:
    """Say what a document holds, for a message."""
    if isinstance(document, Mapping):
        return f"an object with the keys {shorten(map(repr, document))}" if document else "an empty object"
    if isinstance(document, list):
        return f"a list of which the first is {seen_in(document[0])}" if document else "an empty list"
    return {str: "text", bool: "true or false", type(None): "null"}.get(type(document), "a number")

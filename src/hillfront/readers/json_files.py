"""Finding and loading JSON files, and the one error that lists every file that does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["ReadError", "UnfitError", "find_json", "load_json", "read_each"]


class UnfitError(ValueError):
    """A reason why one file does not fit, in words that follow its name."""


class ReadError(ValueError):
    """Files that do not fit a format; the message lists each of them and why.

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
        lines = [f"{len(self.faults)} of {self.n_files} files cannot be read. Expected: {self.expected}."]
        lines += [f"{i}. {name}: {reason}" for i, (name, reason) in enumerate(self.faults, start=1)]
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
            inside = sorted(item for item in path.rglob("*.json") if item.is_file())
            if not inside:
                raise FileNotFoundError(
                    f"{path} holds no *.json file, nor do the folders in it. Give the folder of the "
                    "evaluation results, or the path of a table."
                )
            found += inside
        else:
            raise FileNotFoundError(
                f"There is no file or folder {path}. Give the path of evaluation results."
            )
    return list(dict.fromkeys(found))


def load_json(path: Path) -> Any:
    """Load one JSON file.

    Raises
    ------
    UnfitError
        If it is empty, not text, or not JSON, with the line and the column where that shows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UnfitError("not UTF-8 text, so not JSON") from None
    if not text.strip():
        raise UnfitError("the file is empty")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.rstrip().count("\n") + 1
        at_end = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        what = "truncated JSON" if at_end else "not JSON"
        why = error.msg.removesuffix(" starting at")
        raise UnfitError(
            f"{what}: {why} at line {error.lineno}, column {error.colno} (the file has {lines} lines)"
        ) from None


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

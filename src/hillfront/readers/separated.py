"""Tables of separated values: bytes to text, the separator, rows, and cells as pandas reads them.

Nothing is guessed from the suffix. A file that leaves two readings open is refused, with the lines that do.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from hillfront.frontiers.column_names import SYNONYMS, last_part
from hillfront.utils.wording import count, shorten

__all__ = ["TextTable", "decode", "read_bytes", "read_csv", "validate_file", "with_header"]

type TextTable = tuple[pd.DataFrame, tuple[str, ...]]
"""A table, and what should be said about how it was read."""

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
TAB_SUFFIXES: Final = frozenset({".tsv", ".tab"})
_MAX_BYTES: Final = 2**30
_BOMS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1b]")
_KNOWN: Final = frozenset(name for names in SYNONYMS.values() for name in names)
_COMMA_NUMBER: Final = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_WHOLE_NUMBER: Final = re.compile(r"[+-]?\d+(?:[eE][+-]?\d+)?")
_POINT_NUMBER: Final = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")


def validate_file(path: Path) -> None:
    """Refuse a path without a file, by `FileNotFoundError` or `IsADirectoryError`."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Give the path of a table with one row a trained SAE.")
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}. Give the path of a CSV file with one row a trained SAE, of another "
            "table (Parquet, Feather, Excel, JSON), or of a folder of evaluation results."
        )


def read_bytes(path: Path) -> bytes:
    """Read a file; one that gzip packed, or a zip archive that holds one file, is unpacked.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it cannot be unpacked to one.
    """
    validate_file(path)
    content = path.read_bytes()
    try:
        if content[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(content)) as packed:
                content = packed.read(_MAX_BYTES + 1)
        elif content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [i for i in archive.namelist() if not i.endswith("/") and "__MACOSX" not in i]
                if len(names) != 1:
                    raise ValueError(
                        f"{path} is a zip archive of {count(len(names), 'file')} ({shorten(names)}). Unpack "
                        "it, and give the table or the folder in it."
                    )
                with archive.open(names[0]) as packed_one:
                    content = packed_one.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{path} cannot be unpacked: {error}. Unpack it, and give what is in it.") from error
    if len(content) > _MAX_BYTES:
        raise ValueError(f"{path} holds more than a gigabyte. Give a table with one row a trained SAE.")
    return content


def decode(content: bytes) -> tuple[str, str | None]:
    """Decode text by its byte order mark, or as UTF-8, or else as what a Western system wrote.

    Returns
    -------
    tuple of (str, str or None)
        The text, and what should be said where its encoding is a guess.

    Raises
    ------
    ValueError
        If it is no text.

    Examples
    --------
    >>> decode("variant,l0".encode("utf-16"))
    ('variant,l0', None)
    >>> decode("größe,l0".encode("latin-1"))
    ('größe,l0', 'It is not UTF-8, and was read as Windows-1252 (Latin-1), as in line 1.')
    """
    note = None
    encoding = next((name for bom, name in _BOMS.items() if content.startswith(bom)), None)
    if encoding is None and b"\0" in content[:200]:
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise ValueError(f"no text: it begins like {encoding.upper()}, and is not ({error})") from None
        text = content.decode("cp1252", errors="replace")
        line = content[: error.start].count(b"\n") + 1
        note = f"It is not UTF-8, and was read as Windows-1252 (Latin-1), as in line {line}."
    if (strange := _NO_TEXT.search(text)) is not None:
        raise ValueError(f"no text: it holds the character {strange[0]!r}")
    return text, note


def read_csv(path: Path) -> TextTable:
    """Read a table of values separated by commas, semicolons, tabs or vertical bars, each cell as it stands.

    The header is kept as written, also names that stand twice. Lines at the head that begin with ``#`` are
    comments. Decimal commas are read where the separator leaves no doubt.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not such a table.
    """
    content = read_bytes(path)
    kind, between = ("TSV", "tab") if set(path.suffixes) & TAB_SUFFIXES else ("CSV", "comma")
    try:
        text, note = decode(content)
        frame, notes = _parse(text)
    except (ValueError, csv.Error) as error:
        raise ValueError(
            f"{path} cannot be read as {kind}: {error}. Save the table as {between}-separated UTF-8."
        ) from error
    return frame, (*([f"{path.name}: {note}"] if note else ()), *notes)


def _parse(text: str) -> TextTable:
    lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    start, separator = 0, None
    while start < len(lines) and (_is_comment(lines[start]) or not lines[start].strip()):
        start += 1
    if start < len(lines) and (said := re.fullmatch(r'"?sep=(.)"?', lines[start].strip(" \r\n"))):
        separator, start = said[1], start + 1  # as spreadsheets write it
    body = lines[start:]
    if not body:
        raise ValueError("the file is empty" if not text.strip() else "it holds comments only")
    separator = separator or _separator(body[:60])
    rows = _rows(body, separator, start)
    (header_line, header), rows = rows[0], rows[1:]
    # numpy.savetxt writes the header as a comment.
    comments = [line.lstrip("# \t") for line in lines[:start] if _is_comment(line)]
    said_before = _cells(comments[-1], separator) if comments else []
    if len(said_before) == len(header) > 1 and _numbers(header) and not _numbers(said_before):
        rows.insert(0, (header_line, header))
        header = said_before
    while rows and not any(cell.strip() for cell in rows[-1][1]):
        rows.pop()  # lines of separators at the end, as spreadsheets write them
    if len(header) == 1:
        raise ValueError(
            f"its header {header[0][:60]!r} is one column, which no comma, semicolon, tab or vertical bar "
            "separates"
        )
    header = _with_row_names(header, rows, body[1] if len(body) > 1 else "")
    _refuse_ragged(header, rows, separator, cut=not lines[-1].endswith(("\n", "\r")))
    columns = [[cells[i] for _, cells in rows] for i in range(len(header))]
    commas = _decimal_commas(columns) if separator != "," else []
    for i in commas:
        columns[i] = [c.replace(",", ".") if _COMMA_NUMBER.fullmatch(c.strip()) else c for c in columns[i]]
    names = shorten(repr(header[i]) for i in commas)
    notes = [f"Decimal commas were read in {names}: 0,5 is 0.5."] if commas else []
    return with_header(_typed(columns), header), tuple(notes)


def _is_comment(line: str) -> bool:
    """Return whether a line is a comment; a column may be called ``#``."""
    return line.startswith("#") and line[1:2] not in SEPARATORS


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter=separator, skipinitialspace=True), [])


def _numbers(cells: Sequence[str]) -> bool:
    """Return whether some cell is a number."""
    return any(_WHOLE_NUMBER.fullmatch(cell) or _POINT_NUMBER.fullmatch(cell) for cell in cells)


def _separator(lines: Sequence[str]) -> str:
    """Find the separator by which a header has names that are known, and rows as many cells as it."""
    scores: dict[str, tuple[int, float, int]] = {}
    for separator in SEPARATORS:
        try:
            rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
        except csv.Error:
            continue
        filled = [row for row in rows if row]
        header, *others = filled or [[]]
        known = sum(last_part(cell) in _KNOWN for cell in header)
        fitting = sum(len(row) == len(header) for row in others) / max(len(others), 1)
        if len(header) > 1:
            scores[separator] = (known, fitting, len(header))
    return max(scores, key=lambda separator: scores[separator], default=",")


def _rows(lines: Sequence[str], separator: str, before: int) -> list[tuple[int, list[str]]]:
    """Split lines to cells; each row with the number of its last line. Rows without any cell are left out."""
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if cells and (rows or any(cell.strip() for cell in cells)) and cells != [""]:
                rows.append((before + reader.line_num, cells))
    except csv.Error as error:
        last = rows[-1][0] + 1 if rows else before + 1
        what = "a quotation mark does not close" if "unexpected end" in str(error) else str(error)
        raise ValueError(f"{what}, in line {last} or below it") from None
    if not rows:
        raise ValueError("the file is empty")
    return rows


def _with_row_names(header: list[str], rows: Sequence[tuple[int, list[str]]], first: str) -> list[str]:
    """Add the name that R leaves out above its row names, which are quoted numbers from 1 on."""
    counted = all(len(row) == len(header) + 1 and row[0] == str(i) for i, (_, row) in enumerate(rows, 1))
    if rows and counted and first.startswith('"1"') and any(row[-1].strip() for _, row in rows):
        return ["", *header]
    return header


def _refuse_ragged(
    header: Sequence[str], rows: Sequence[tuple[int, list[str]]], separator: str, *, cut: bool
) -> None:
    """Refuse rows that have not as many cells as the header, all in one error."""
    width, texts = len(header), []
    for what, wrong in (
        ("its rows have more cells than its header", [row for row in rows if len(row[1]) > width]),
        ("its rows have fewer cells than its header", [row for row in rows if len(row[1]) < width]),
    ):
        if wrong:
            where = shorten(f"line {line} has {len(cells)}" for line, cells in wrong)
            texts.append(f"{what} of {width}: {where}")
    if not texts:
        return
    if cut and len(rows[-1][1]) < width:
        texts.append("it ends within its last line, as if it had been cut off")
    if "more" in texts[0]:
        name = SEPARATORS.get(separator, separator)
        texts.append(f"check for {name}s at the ends of lines, and for columns without a name")
    raise ValueError(". ".join([texts[0], *(text[0].upper() + text[1:] for text in texts[1:])]))


def _decimal_commas(columns: Sequence[Sequence[str]]) -> list[int]:
    """Find the columns whose commas are decimal; 1,234 alone leaves open whether it is."""
    with_commas, clear = [], []
    for i, cells in enumerate(columns):
        filled = [cell.strip() for cell in cells if any(letter.isdigit() for letter in cell)]
        commas = [cell for cell in filled if _COMMA_NUMBER.fullmatch(cell)]
        if 2 * len(filled) < sum(bool(cell.strip()) for cell in cells):
            continue  # words, among which some are numbers
        if commas and all(_COMMA_NUMBER.fullmatch(c) or _WHOLE_NUMBER.fullmatch(c) for c in filled):
            with_commas.append(i)
            clear += [i] if any(not _THOUSANDS.fullmatch(cell) for cell in commas) else []
    points = any(_POINT_NUMBER.fullmatch(cell.strip()) for cells in columns for cell in cells)
    return with_commas if clear and not points else clear


def _typed(columns: Sequence[Sequence[str]]) -> pd.DataFrame:
    """Type cells as pandas does. Only an empty one is missing: a variant may be called None or NA."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(zip(*columns, strict=True))
    if not any(columns):
        return pd.DataFrame({i: pd.Series(dtype="str") for i in range(len(columns))})
    buffer.seek(0)
    return pd.read_csv(
        buffer,
        header=None,
        names=range(len(columns)),
        keep_default_na=False,
        na_values=[""],
        skip_blank_lines=False,
        low_memory=False,
    )


def with_header(frame: pd.DataFrame, header: Sequence[str]) -> pd.DataFrame:
    """Name the columns; those without a name go, where they are empty or the first and count the rows.

    Raises
    ------
    ValueError
        If a column without a name holds something else.
    """
    keep, names, nameless = [], [], []
    for i, name in enumerate(header):
        unnamed = not name.strip() or re.fullmatch(r"Unnamed: \d+", name.strip()) is not None
        column = frame.iloc[:, i]
        if unnamed and (column.isna().all() or (i == 0 and _counts(column))):
            continue
        if unnamed and i > 0:
            nameless.append(i + 1)
        keep.append(i)
        names.append(name if not unnamed else "row name")
    if nameless:
        raise ValueError(
            f"its header has no name for column {shorten(nameless)}, which holds something: name or delete it"
        )
    found = frame.iloc[:, keep]
    found.columns = pd.Index(names, dtype="object")
    return found


def _counts(column: pd.Series) -> bool:
    """Return whether a column only tells rows apart, as an index of pandas and R's row names do."""
    whole = pd.api.types.is_numeric_dtype(column) and bool((column % 1 == 0).all())
    return whole and column.is_unique

"""Mutants of good tables, in text, workbooks, Arrow files and JSON, each with a plain reading of its own.

A column keeps its role through all changes, so that the plain reading finds it by its place, whatever its
name has become. It parses nothing by hillfront: pandas and json read the file with what is known of it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

type Row = tuple[str, float, float]
"""Variant, L0, and performance hit."""

SEPARATORS = (",", ";", "\t", "|")
LOSSES = ("ce_sae", "ce_base", "ce_ablated")
NEEDED = ("variant", "l0", "hit", "score", *LOSSES)

HEADERS: dict[str, dict[str, str]] = {
    "canonical": {"variant": "variant", "layer": "layer", "l0": "l0", "score": "loss_recovered"},
    "synonyms": {"variant": "Arch", "label": "run name", "l0": "Avg L0", "score": "CE loss score"},
    "losses": {
        **{"variant": "sae_class", "l0": "metrics/l0", "ce_sae": "loss_reconstructed"},
        **{"ce_base": "loss_original", "ce_ablated": "loss_zero", "seed": "seed"},
    },
    "hit": {"label": "id", "hit": "performance_hit", "l0": "mean_l0", "variant": "architecture"},
}
WANDB = {
    **{"label": "Name", "state": "State", "created": "Created", "variant": "config.arch"},
    **{"l0": "eval/l0", "score": "eval/frac_recovered", "seed": "seed"},
}
NUMBERS = (
    *(
        "",
        " ",
        "nan",
        "NA",
        "inf",
        "-inf",
        "1e300",
        "8_22",
        "0x1A",
        "95%",
        "1,024",
        "12,5",
        " 12.5 ",
        "+12.5",
    ),
    *(
        ".5",
        "5.",
        "1.2.3",
        "١٢",
        "True",
        "2024-01-01",
        "'0.5",
        "1e2",
        "1E-3",
        "-0",
        "0",
        "1 024",
        "0.30000000000000004",
    ),
    *(
        "9" * 400,
        "1e-320",
        "12.5\xa0",
        "½",
        "-",
        "#N/A",
        "0,5",
        "1.024,5",
        '"',
        "=1+1",
        "12;5",
        "3|4",
        "infinity",
    ),
)
WORDS = (
    *(
        "",
        " ",
        "NA",
        "None",
        "nan",
        " relu",
        "relu ",
        "RELU",
        'a"b',
        "two\nlines",
        "größe",
        "a,b",
        "a;b",
        "a|b",
    ),
    *(
        "a\tb",
        "#relu",
        "'relu'",
        "1",
        "1.0",
        "true",
        "\x00",
        "\u200brelu",
        "relu / topk",
        "average",
        "x" * 5000,
    ),
)


MEANT = ("l0", "loss_recovered", "variant", "layer", "ce_loss_with_sae", "log_l0", "mse")


@dataclass
class Mutant:
    """A file or folder, what was done to it, and the rows that a plain reading finds there."""

    path: Path
    changes: list[str]
    plainly: Callable[[], list[Row]]


@dataclass
class Column:
    """A column of texts. Only one with a role is meant to be read."""

    role: str
    name: str
    cells: list[str]


@dataclass
class Sheet:
    """A table as a list of columns."""

    columns: list[Column]
    changes: list[str] = field(default_factory=list)

    @property
    def height(self) -> int:
        return len(self.columns[0].cells) if self.columns else 0

    @property
    def header(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def rows(self) -> list[list[str]]:
        return [[column.cells[i] for column in self.columns] for i in range(self.height)]

    def places(self) -> dict[str, int]:
        return {column.role: i for i, column in enumerate(self.columns) if column.role}


def sheet_of(names: dict[str, str], rng: Random) -> Sheet:
    """A table of ten SAEs with these columns; its numbers are invented."""
    cells: dict[str, list[str]] = {role: [] for role in names}
    whole = rng.random() < 0.3
    for variant, scale in (("relu", 1.3), ("topk", 0.9)):
        for i in range(5):
            l0 = 8.0 * 2**i if whole else round(9.75 * 2**i * (1 + rng.uniform(-0.05, 0.05)), 3)
            hit = scale * l0**-0.6 * (1 + rng.uniform(-0.05, 0.05))
            row: dict[str, object] = {
                **{
                    "variant": variant,
                    "layer": 6,
                    "l0": int(l0) if whole else l0,
                    "score": round(1 - hit, 5),
                },
                **{"hit": round(hit, 5), "ce_sae": round(3 + 8 * hit, 5), "ce_base": 3.0, "ce_ablated": 11.0},
                **{"label": f"{variant}-{i}", "seed": rng.randrange(9), "state": "finished"},
                **{"created": f"2025-03-0{i + 1}T10:00:00.000Z", "release": "set", "number": f"{i}"},
                "id": f"mine-{'gated' if variant == 'relu' else variant}-{i}/blocks.4.hook_resid_pre",
            }
            for role in names:
                cells[role].append(str(row[role]))
    return Sheet([Column(role, name, cells[role]) for role, name in names.items()])


# ---------------------------------------------------------------- changes


def edited(text: str, rng: Random) -> str:
    """A text with one letter changed, added, taken away or doubled."""
    at = rng.randrange(len(text) + 1)
    letter = rng.choice("0123456789.,;-e_ aLx\"'#/|\t%")
    return rng.choice(
        [text[:at] + letter + text[at:], text[:at] + letter + text[at + 1 :], text[:at] + text[at + 1 :]]
    )


def change_cell(sheet: Sheet, rng: Random) -> str:
    column, row = rng.choice(sheet.columns), rng.randrange(sheet.height)
    words = WORDS if column.role in ("variant", "label", "state") else NUMBERS
    new = rng.choice(words) if rng.random() < 0.7 else edited(column.cells[row], rng)
    column.cells[row] = "crashed" if column.role == "state" and rng.random() < 0.5 else new
    return f"cell {column.name!r}, {row}: {column.cells[row][:40]!r}"


def change_column(sheet: Sheet, rng: Random) -> str:
    """Write all cells of a column otherwise, without another meaning."""
    column = rng.choice(sheet.columns)
    how, write = rng.choice(
        [
            ("with blanks", lambda text: f" {text} "),
            ("with a sign", lambda text: f"+{text}"),
            ("with an exponent", lambda text: f"{text}e0"),
            ("in percent", lambda text: f"{text}%"),
            ("in capitals", str.upper),
            ("emptied", lambda _: ""),
            ("quoted", lambda text: f"'{text}'"),
        ]
    )
    column.cells = [write(text) for text in column.cells]
    return f"column {column.name!r} {how}"


def change_name(sheet: Sheet, rng: Random) -> str:
    column, other = rng.choice(sheet.columns), rng.choice(sheet.columns)
    old = column.name
    names = [
        *(edited(old, rng), old.upper(), old.title(), old.replace("_", " "), f" {old} ", f"eval/{old}"),
        *(f"config.{old}", f"{old} (mean)", "", f"Unnamed: {rng.randrange(4)}", f"old {old}"),
    ]
    # A column that is not meant must not take the name of one that is.
    column.name = rng.choice([*names, other.name, *MEANT] if column.role in NEEDED else names)
    if column.role == "hit" and column.name == "loss_recovered":
        column.role = "score"
    return f"name {old!r}: {column.name!r}"


def drop_column(sheet: Sheet, rng: Random) -> str:
    if len(sheet.columns) < 2:
        return ""
    return f"without {sheet.columns.pop(rng.randrange(len(sheet.columns))).name!r}"


def copy_column(sheet: Sheet, rng: Random) -> str:
    column = rng.choice(sheet.columns)
    last = re.split(r"[/.]", column.name)[-1]
    name = rng.choice([column.name, f"old {column.name}", f"{column.name}.1", f"other/{last}"])
    copy = Column("", name, list(column.cells))
    if rng.random() < 0.5 and copy.cells:
        copy.cells[rng.randrange(len(copy.cells))] = rng.choice(["7.5", "0.25", "relu", ""])
    # The first of two columns of one name is the one meant.
    sheet.columns.insert(rng.randrange(sheet.columns.index(column) + 1, len(sheet.columns) + 1), copy)
    return f"copy of {column.name!r} as {name!r}"


def add_column(sheet: Sheet, rng: Random) -> str:
    name = rng.choice(
        ["notes", "mse", "batch", "path", "", "step", "explained_variance", "n_tokens", "d_model", "0"]
    )
    kind = rng.choice(["texts", "numbers", "count", "empty"])
    made = {
        "texts": [f"t{rng.randrange(5)}" for _ in range(sheet.height)],
        "numbers": [str(round(rng.uniform(0, 99), 2)) for _ in range(sheet.height)],
        "count": [str(i) for i in range(sheet.height)],
        "empty": [""] * sheet.height,
    }
    sheet.columns.insert(rng.randrange(len(sheet.columns) + 1), Column("", name, made[kind]))
    return f"new column {name!r} of {kind}"


def move_column(sheet: Sheet, rng: Random) -> str:
    column = sheet.columns.pop(rng.randrange(len(sheet.columns)))
    sheet.columns.insert(rng.randrange(len(sheet.columns) + 1), column)
    return f"{column.name!r} moved"


def change_rows(sheet: Sheet, rng: Random) -> str:
    row, other = rng.randrange(sheet.height), rng.randrange(sheet.height)
    how = rng.choice(["dropped", "doubled", "empty", "moved", "shifted", "kept alone"])
    for column in sheet.columns:
        cells = column.cells
        if how == "dropped":
            del cells[row]
        elif how == "doubled":
            cells.insert(other, cells[row])
        elif how == "empty":
            cells.insert(other, "")
        elif how == "moved":
            cells.insert(other, cells.pop(row))
        elif how == "kept alone":
            column.cells = [cells[row]]
    if how == "shifted":
        shifted = [column.cells[row] for column in sheet.columns]
        shifted = [*shifted[1:], shifted[0]]
        for column, text in zip(sheet.columns, shifted, strict=True):
            column.cells[row] = text
    return f"row {row} {how}"


CHANGES = (
    *(change_cell, change_cell, change_cell, change_column, change_name, change_name, drop_column),
    *(copy_column, add_column, move_column, change_rows, change_rows),
)


def changed_sheet(names: dict[str, str], rng: Random) -> Sheet:
    """A table with none to three changes; a few more are none."""
    sheet = sheet_of(names, rng)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        if sheet.height:
            sheet.changes.append(rng.choice(CHANGES)(sheet, rng))
    return sheet


def change_text(text: str, rng: Random) -> tuple[str, str]:
    """Change a written file: cut it off, or change its lines or letters."""
    if not text:
        return text, "empty"
    lines = text.splitlines(keepends=True)
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    at = rng.randrange(len(text))
    how = rng.choice(
        ["cut", "cut", "letter", "letter", "letter", "line dropped", "line doubled", "swapped", "blank"]
    )
    if how == "cut":
        return text[:at], f"cut off at {at}"
    if how == "letter":
        return text[:at] + edited(text[at : at + 1], rng) + text[at + 1 :], f"a letter changed at {at}"
    if how == "line dropped":
        del lines[one]
    elif how == "line doubled":
        lines.insert(other, lines[one])
    elif how == "swapped":
        lines[one], lines[other] = lines[other], lines[one]
    else:
        lines.insert(other, rng.choice(["\n", "   \n", "#\n", ",,,\n", ";;;;\n", "\x0c\n"]))
    return "".join(lines), f"line {one}, {other}: {how}"


def change_bytes(content: bytes, rng: Random) -> tuple[bytes, str]:
    """Cut off a binary file, or change some of its bytes."""
    at = rng.randrange(len(content))
    if rng.random() < 0.4:
        return content[:at], f"cut off at byte {at}"
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 4, 16])):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed), "bytes changed"


# ---------------------------------------------------------------- plain readings


def number(cell: Any, decimal: str = ".") -> float:
    """A cell as pandas reads it; NaN if it is no number."""
    if cell is None or isinstance(cell, bool):
        return math.nan
    if isinstance(cell, str):
        cell = cell.strip().replace(decimal, ".")
    return float(pd.to_numeric(pd.Series([cell]), errors="coerce").iloc[0])


def hit_of(values: dict[str, float]) -> float:
    if "hit" in values:
        return values["hit"]
    if "score" in values:
        return 1 - values["score"]
    return (values["ce_sae"] - values["ce_base"]) / (values["ce_ablated"] - values["ce_base"])


def rows_at(cells: pd.DataFrame, places: dict[str, int], decimal: str = ".") -> list[Row]:
    """Read the rows of cells without a header, each role in its place."""
    rows = []
    for row in cells.itertuples(index=False):
        values = {role: number(row[place], decimal) for role, place in places.items() if role in NEEDED[1:]}
        rows.append((str(row[places["variant"]]).strip(), values["l0"], hit_of(values)))
    return rows


def filled(cells: pd.DataFrame) -> pd.DataFrame:
    """Rows up to the last that holds anything."""
    texts = cells.fillna("").astype(str).apply(lambda column: column.str.strip())
    some = (texts != "").any(axis=1).to_numpy().nonzero()[0]
    return cells.iloc[: some[-1] + 1] if some.size else cells.iloc[:0]


# ---------------------------------------------------------------- text


@dataclass(frozen=True)
class Writing:
    """How a table is written as text."""

    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    end: str = "\n"
    before: str = ""
    quoted: bool = False
    packed: bool = False


type Reading = Callable[[pd.DataFrame, dict[str, int], str], list[Row]]


def writing(rng: Random) -> Writing:
    separator = rng.choice([",", ",", ";", "\t", "|"])
    before = rng.choice(["", "", "", "", "# made by hand\n", "\n", f"sep={separator}\n"])
    return Writing(
        separator,
        "," if separator != "," and rng.random() < 0.5 else ".",
        rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"]),
        rng.choice(["\n", "\n", "\r\n", "\r"]),
        before,
        rng.random() < 0.2,
        rng.random() < 0.1,
    )


def text_mutant(
    folder: Path, rng: Random, names: dict[str, str], how: Writing, file: str, reading: Reading | None = None
) -> Mutant:
    """A table written as text, changed before or after."""
    sheet = changed_sheet(names, rng)
    buffer = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if how.quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, delimiter=how.separator, lineterminator=how.end, quoting=quoting)
    writer.writerow(sheet.header)
    for row in sheet.rows:
        with_commas = [c.replace(".", ",") if re.fullmatch(r"[+-]?\d*\.\d+", c) else c for c in row]
        writer.writerow(with_commas if how.decimal == "," else row)
    text = how.before + buffer.getvalue()
    if rng.random() < 0.35:
        text, said = change_text(text, rng)
        sheet.changes.append(said)
    content = text.encode(how.encoding, errors="replace")
    if how.packed:
        content = gzip.compress(content, mtime=0)
        if rng.random() < 0.3:
            content, said = change_bytes(content, rng)
            sheet.changes.append(said)
    path = folder / file
    path.write_bytes(content)

    def plainly() -> list[Row]:
        read = gzip.decompress(path.read_bytes()) if how.packed else path.read_bytes()
        body = read.decode(how.encoding)
        body = body[len(how.before) :] if body.startswith(how.before) else body
        body = re.sub(r"\A(?:[\s,;#]*[\r\n])+", "", body)  # lines of nothing before the header
        cells = pd.read_csv(
            io.StringIO(body, newline=""),
            sep=how.separator,
            header=None,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
        )
        return (reading or rows_at)(filled(cells.iloc[1:]), sheet.places(), how.decimal)

    return Mutant(path, [repr(how), *sheet.changes], plainly)


def csv_mutant(folder: Path, rng: Random) -> Mutant:
    file = rng.choice(["a.csv", "a.csv", "a.tsv", "a.txt"])
    return text_mutant(folder, rng, HEADERS[rng.choice(list(HEADERS))], writing(rng), file)


def wandb_mutant(folder: Path, rng: Random) -> Mutant:
    return text_mutant(folder, rng, WANDB, Writing(quoted=True), "runs.csv")


# ---------------------------------------------------------------- workbooks and Arrow


def typed(text: str, rng: Random | None = None) -> Any:
    """A cell as a program would store it."""
    if rng is not None and rng.random() < 0.02:
        return rng.choice([True, datetime(2024, 1, 2), 12, None])
    if not text:
        return None
    return float(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII) else text


def excel_mutant(folder: Path, rng: Random) -> Mutant:
    from openpyxl import Workbook

    sheet = changed_sheet(HEADERS[rng.choice(list(HEADERS))], rng)
    book = Workbook()
    page = book.active
    assert page is not None
    rows = [sheet.header, *([typed(text, rng) for text in row] for row in sheet.rows)]
    for row in rows:
        # Control characters and formulas cannot be stored.
        page.append([re.sub(r"[\x00-\x08]|^=", "", cell) if isinstance(cell, str) else cell for cell in row])
    path = folder / "a.xlsx"
    book.save(path)
    if rng.random() < 0.25:
        content, said = change_bytes(path.read_bytes(), rng)
        path.write_bytes(content)
        sheet.changes.append(said)

    def plainly() -> list[Row]:
        cells = pd.read_excel(path, header=None, dtype=object, keep_default_na=False, na_values=[""])
        return rows_at(filled(cells.iloc[1:]), sheet.places())

    return Mutant(path, sheet.changes, plainly)


def arrow_mutant(folder: Path, rng: Random) -> Mutant:
    sheet = changed_sheet(HEADERS[rng.choice(list(HEADERS))], rng)
    columns: dict[str, list[Any]] = {}
    places: dict[str, str] = {}
    for column in sheet.columns:
        name = column.name
        while name in columns:
            name += "_"
        cells = [typed(text) for text in column.cells]
        if any(isinstance(cell, str) for cell in cells):
            cells = [None if cell is None else text for cell, text in zip(cells, column.cells, strict=True)]
        columns[name] = cells
        places |= {column.role: name} if column.role else {}
    frame = pd.DataFrame(columns)
    suffix = rng.choice(["parquet", "feather", "pq", "arrow"])
    path = folder / f"a.{suffix}"
    save, load = (
        (frame.to_parquet, pd.read_parquet)
        if suffix in ("parquet", "pq")
        else (frame.to_feather, pd.read_feather)
    )
    save(path)
    if rng.random() < 0.35:
        content, said = change_bytes(path.read_bytes(), rng)
        path.write_bytes(content)
        sheet.changes.append(said)

    def plainly() -> list[Row]:
        found = load(path)
        return rows_at(found, {role: list(found.columns).index(name) for role, name in places.items()})

    return Mutant(path, [suffix, *sheet.changes], plainly)


# ---------------------------------------------------------------- JSON of records

STRANGE = (
    *(
        None,
        True,
        "",
        "many",
        "12.5",
        [1.0],
        {"a": 1},
        [],
        -1,
        0,
        1e300,
        -0.5,
        math.nan,
        math.inf,
        10**400,
        "8_22",
    ),
    *("0x1A", "95%", "n/a", "12,5"),
)


def records_mutant(folder: Path, rng: Random) -> Mutant:
    sheet = changed_sheet(HEADERS[rng.choice(list(HEADERS))], rng)
    names = {column.role: column.name for column in sheet.columns if column.role in NEEDED}
    if len(set(sheet.header)) < len(sheet.header):  # one name a key
        return records_mutant(folder, rng)
    records = [dict(zip(sheet.header, map(typed, row), strict=True)) for row in sheet.rows]
    if records and rng.random() < 0.5:
        record = rng.choice(records)
        name = rng.choice(list(record) or ["l0"])
        how = rng.choice(["dropped", "renamed", "strange"])
        if how == "strange":
            record[name] = rng.choice(STRANGE)
        elif name in record:
            value = record.pop(name)
            if how == "renamed":
                record[edited(name, rng)] = value
        sheet.changes.append(f"{name!r} of one record {how}")
    layout = rng.choice(["list", "lines", "columns", "inside", "split"])
    written = {
        "list": lambda: json.dumps(records),
        "lines": lambda: "".join(json.dumps(record) + "\n" for record in records),
        "columns": lambda: json.dumps({n: [r.get(n) for r in records] for n in sheet.header}),
        "inside": lambda: json.dumps({"created": "today", "results": records}),
        "split": lambda: json.dumps(
            {"columns": sheet.header, "data": [[r.get(n) for n in sheet.header] for r in records]}
        ),
    }[layout]()
    if rng.random() < 0.35:
        written, said = change_text(written, rng)
        sheet.changes.append(said)
    path = folder / rng.choice(["a.json", "a.jsonl" if layout == "lines" else "a.json", "a.txt"])
    path.write_text(written, encoding=rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]), errors="replace")

    def plainly() -> list[Row]:
        content = path.read_bytes()
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        found: list[dict[str, Any]]
        if layout == "lines":
            found = [json.loads(line) for line in text.split("\n") if line.strip()]
        else:
            document = json.loads(text)
            if layout == "columns":
                found = [
                    dict(zip(document, row, strict=True)) for row in zip(*document.values(), strict=True)
                ]
            elif layout == "split":
                found = [dict(zip(document["columns"], row, strict=True)) for row in document["data"]]
            else:
                found = document if layout == "list" else document["results"]
        cells = pd.DataFrame([[record[name] for name in names.values()] for record in found], dtype=object)
        return rows_at(cells, {role: i for i, role in enumerate(names)})

    return Mutant(path, [layout, *sheet.changes], plainly)


def same(read: Sequence[Row], plain: Sequence[Row]) -> bool:
    """Return whether two readings have the same rows, numbers to their last digits."""

    def one(a: Row, b: Row) -> bool:
        texts = a[0] == b[0] or number(a[0]) == number(b[0])
        return texts and all(
            math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) for x, y in zip(a[1:], b[1:], strict=True)
        )

    return len(read) == len(plain) and all(map(one, read, plain))

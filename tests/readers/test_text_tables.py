"""Tables of separated values and workbooks: usual writings give the same rows, others are refused."""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.readers.formats import find_format, read_path
from hillfront.readers.separated import read_csv

TABLE = pd.DataFrame(
    {
        "variant": ["relu"] * 4 + ["größer"] * 4,
        "l0": [10.5, 20.25, 40.0, 80.5, 12.5, 24.0, 48.5, 96.0],
        "loss_recovered": [0.8, 0.88, 0.93, 0.96, 0.9, 0.94, 0.97, 0.985],
    }
)
COMMAS = TABLE.to_csv(index=False)
DECIMAL_COMMAS = TABLE.to_csv(index=False, sep=";", decimal=",")
ROW_NAMES = "".join(f'"{i}",{line}' if i else line for i, line in enumerate(COMMAS.splitlines(keepends=True)))

WRITINGS: dict[str, tuple[str, bytes]] = {
    "commas": ("a.csv", COMMAS.encode()),
    "byte order mark": ("a.csv", COMMAS.encode("utf-8-sig")),
    "carriage returns": ("a.csv", COMMAS.replace("\n", "\r\n").encode()),
    "old line ends": ("a.csv", COMMAS.replace("\n", "\r").encode()),
    "semicolons": ("a.csv", TABLE.to_csv(index=False, sep=";").encode()),
    "semicolons, sep=": ("a.csv", b"sep=;\r\n" + TABLE.to_csv(index=False, sep=";").encode()),
    "tabs in a .csv": ("a.csv", TABLE.to_csv(index=False, sep="\t").encode()),
    "commas in a .tsv": ("a.tsv", COMMAS.encode()),
    "bars": ("a.txt", TABLE.to_csv(index=False, sep="|").encode()),
    "UTF-16": ("a.csv", COMMAS.encode("utf-16")),
    "UTF-16 without a mark": ("a.csv", COMMAS.encode("utf-16-le")),
    "comments": ("a.csv", b"# made by hand\n#\n" + COMMAS.encode()),
    "pandas index": ("a.csv", TABLE.to_csv().encode()),
    "row names of R": ("a.csv", ROW_NAMES.encode()),
    "empty columns at the end": ("a.csv", COMMAS.replace("\n", ",,\n").encode()),
    "lines of separators at the end": ("a.csv", (COMMAS + ",,\n,,\n").encode()),
    "blanks after commas": ("a.csv", COMMAS.replace(",", ", ").encode()),
    "gzip": ("a.csv.gz", gzip.compress(COMMAS.encode())),
}


@pytest.mark.parametrize("name", WRITINGS)
def test_every_writing_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    file, content = WRITINGS[name]
    (tmp_path / file).write_bytes(content)
    assert find_format(tmp_path / file) == "csv"
    source = read_path(tmp_path / file)
    assert source.notes == ()
    pd.testing.assert_frame_equal(source.frame, TABLE, check_column_type=False)
    pd.testing.assert_frame_equal(source.to_frontiers().table, Frontiers.from_frame(TABLE).table)


def test_a_zip_archive_of_one_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("saes.csv", COMMAS)
    pd.testing.assert_frame_equal(read_path(tmp_path / "a.zip").frame, TABLE, check_column_type=False)
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("more.csv", COMMAS)
    text = r"a\.zip is a zip archive of 2 files \(saes\.csv, more\.csv\)\. Unpack it"
    with pytest.raises(ValueError, match=text):
        read_path(tmp_path / "a.zip")


def test_decimal_commas_are_read_and_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(DECIMAL_COMMAS)
    source = read_path(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(source.frame, TABLE, check_column_type=False)
    note = "Decimal commas were read in 'l0', 'loss_recovered': 0,5 is 0.5."
    with pytest.warns(FrontierDataWarning, match=re.escape(note)):
        frontiers = source.to_frontiers()
    assert frontiers.warnings[0] == note


def test_commas_that_may_part_thousands_stay_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("variant;l0;loss_recovered\nrelu;1,024;0.9\nrelu;2,048;0.95\n")
    assert read_path(tmp_path / "a.csv").frame["l0"].tolist() == ["1,024", "2,048"]
    with pytest.raises(FrontierDataError, match=r"saw '1,024', '2,048'"):
        read_path(tmp_path / "a.csv").to_frontiers()


def test_a_decimal_comma_among_words_stays(tmp_path: Path) -> None:
    names = ["1,5", *["relu"] * 3, *["topk"] * 4]
    TABLE.assign(variant=names).to_csv(tmp_path / "a.csv", index=False, sep=";", decimal=",")
    source = read_path(tmp_path / "a.csv")
    assert source.frame["variant"].tolist() == names
    assert source.frame["l0"].tolist() == TABLE["l0"].tolist()


def test_another_encoding_is_read_and_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(COMMAS.encode("latin-1"))
    source = read_path(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(source.frame, TABLE, check_column_type=False)
    note = "a.csv: It is not UTF-8, and was read as Windows-1252 (Latin-1), as in line 6."
    assert source.notes == (note,)


def test_a_name_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    """The data frame of pandas would call the second one l0.1, and nobody would know of it."""
    (tmp_path / "a.csv").write_text("variant,l0,l0,loss_recovered\nrelu,10,11,0.9\nrelu,20,21,0.95\n")
    assert list(read_csv(tmp_path / "a.csv")[0].columns) == ["variant", "l0", "l0", "loss_recovered"]
    with pytest.raises(FrontierDataError, match=r"column given twice: saw 'l0' with different"):
        read_path(tmp_path / "a.csv").to_frontiers()


def test_the_header_of_numpy_is_a_comment(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("# made by numpy\n# l0,loss_recovered\n10.5,0.9\n20.5,0.95\n")
    frame = read_csv(tmp_path / "a.csv")[0]
    assert frame.to_dict("list") == {"l0": [10.5, 20.5], "loss_recovered": [0.9, 0.95]}


def test_names_that_rows_have_stay(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",variant,l0\nrun a,relu,10\nrun b,relu,20\n")
    assert list(read_csv(tmp_path / "a.csv")[0].columns) == ["row name", "variant", "l0"]


def test_only_an_empty_cell_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("variant,l0,note\nNone,10,\nNA,20,\n")
    frame = read_csv(tmp_path / "a.csv")[0]
    assert (frame["variant"].tolist(), frame["note"].isna().all()) == (["None", "NA"], True)


REFUSED: dict[str, tuple[bytes, str]] = {
    "cut off": (
        COMMAS[: COMMAS.index("48.5")].encode(),
        r"its rows have fewer cells than its header of 3: line 8 has 2\. It ends within its last line, as if "
        r"it had been cut off\. Save",
    ),
    "ragged": (
        b"variant,l0,y\nrelu,1,2,3\nrelu,1\nrelu,1,2,3\n",
        r"its rows have more cells than its header of 3: line 2 has 4, line 4 has 4\. Its rows have fewer "
        r"cells than its header of 3: line 3 has 2\. Check for commas at the ends of lines",
    ),
    "nameless": (
        b"variant,l0,y,\nrelu,1,2,\nrelu,1,2,5\n",
        r"its header has no name for column 4, which holds something: name or delete it",
    ),
    "blanks": (b"variant l0 y\nrelu 1 2\n", r"its header 'variant l0 y' is one column, which no comma"),
    "open quotation": (
        b'variant,l0,y\nrelu,"1,2\nrelu,1,2\n',
        r"a quotation mark does not close, in line 2 or",
    ),
    "no text": (b"variant,l0\nrelu,\x01\x02\n", r"no text: it holds the character '\\x01'"),
    "comments": (b"# nothing\n", r"it holds comments only"),
    "empty": (b"", r"the file is empty"),
    "cut gzip": (gzip.compress(COMMAS.encode() * 9)[:-30], r""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_lines(tmp_path: Path, name: str) -> None:
    content, text = REFUSED[name]
    (tmp_path / "a.csv").write_bytes(content)
    words = f"cannot be read as CSV: {text}" if text else "cannot be unpacked: .* Unpack it"
    with pytest.raises(ValueError, match=rf"^{re.escape(str(tmp_path / 'a.csv'))} {words}"):
        read_path(tmp_path / "a.csv")


# ---------------------------------------------------------------- Excel


def test_a_workbook(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    TABLE.to_excel(tmp_path / "a.xlsx", index=False)
    assert find_format(tmp_path / "a.xlsx") == "excel"
    source = read_path(tmp_path / "a.xlsx")
    pd.testing.assert_frame_equal(source.to_frontiers().table, Frontiers.from_frame(TABLE).table)
    (tmp_path / "a.csv").write_bytes((tmp_path / "a.xlsx").read_bytes())
    assert find_format(tmp_path / "a.csv") == "excel"


def test_the_sheet_with_an_l0_is_read_and_said(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "a.xlsx") as writer:
        pd.DataFrame({"about": ["these SAEs"]}).to_excel(writer, sheet_name="notes", index=False)
        TABLE.to_excel(writer, sheet_name="runs", startrow=2)
    source = read_path(tmp_path / "a.xlsx")
    assert source.notes == ("The sheet 'runs' was read. Not read: 'notes'.",)
    assert list(source.frame.columns) == list(TABLE.columns)
    assert source.frame["l0"].tolist() == TABLE["l0"].tolist()


def test_a_workbook_that_is_cut_off(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    TABLE.to_excel(tmp_path / "a.xlsx")
    (tmp_path / "a.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes()[:900])
    with pytest.raises(ValueError, match=r"a\.xlsx cannot be read as Excel: "):
        read_path(tmp_path / "a.xlsx")


def test_a_workbook_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openpyxl")
    TABLE.to_excel(tmp_path / "a.xlsx")

    def absent(*_: object, **__: object) -> object:
        raise ImportError("Missing optional dependency 'openpyxl'")

    monkeypatch.setattr(pd, "read_excel", absent)
    text = r"a\.xlsx: Excel files need openpyxl, which is not installed\. Install hillfront\[excel\], or save"
    with pytest.raises(ValueError, match=text):
        read_path(tmp_path / "a.xlsx")


# ---------------------------------------------------------------- other suffixes


def as_parquet(path: Path) -> None:
    TABLE.to_parquet(path)


def as_feather(path: Path) -> None:
    TABLE.to_feather(path)


@pytest.mark.parametrize(("save", "format"), [(as_parquet, "parquet"), (as_feather, "arrow")])
def test_contents_go_before_the_suffix(tmp_path: Path, save: Callable[[Path], None], format: str) -> None:
    pytest.importorskip("pyarrow")
    save(tmp_path / "a.csv")
    assert find_format(tmp_path / "a.csv") == format
    assert read_path(tmp_path / "a.csv").frame["l0"].tolist() == TABLE["l0"].tolist()

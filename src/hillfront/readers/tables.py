"""Tables that readers give, on their way to `Frontiers`, and those of Excel, Parquet and Arrow files."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.cells import as_text
from hillfront.frontiers.column_names import columns_for
from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.readers.separated import TextTable, validate_file, with_header
from hillfront.utils.wording import shorten

__all__ = ["FileTable", "read_excel", "read_through_arrow"]

# Raised inside of openpyxl for workbooks that were cut off or changed; `SyntaxError` is that of its XML.
_NO_WORKBOOK: Final = (
    *(ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, EOFError, SyntaxError),
    *(NotImplementedError, RuntimeError),
)


@dataclass(frozen=True)
class FileTable:
    """A table as a reader gives it, with the columns that its format names.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per evaluated SAE.
    variant, l0, y : str or None
        As in `Frontiers.from_frame`; found there by their names where they are None.
    group : tuple of str
        The columns that make a setting.
    files : tuple of str
        The file that each row comes from; empty where all rows come from one table.
    read_as : mapping
        What the file calls a column of ``frame``, where that is another name.
    notes : tuple of str
        What a user should know about the reading. They become warnings of the frontiers.
    own_columns : bool
        Whether the reader made the columns of what files hold, so that it is no news which were not used.
    """

    frame: pd.DataFrame
    variant: str | None = None
    group: tuple[str, ...] = ()
    l0: str | None = None
    y: str | None = None
    files: tuple[str, ...] = ()
    read_as: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    own_columns: bool = False

    def using(
        self, *, variant: str | None, group: Sequence[str] | None, l0: str | None, y: str | None
    ) -> FileTable:
        """Return the same table with the columns that a user names in place of the format's."""
        return replace(
            self,
            variant=variant or self.variant,
            group=tuple(group) if group else self.group,
            l0=l0 or self.l0,
            y=y or self.y,
        )

    def to_frontiers(
        self,
        *,
        cost: str | None = None,
        dense_limit: DenseLimit = None,
        baseline: str | None = None,
        on_fault: Literal["raise", "drop"] = "raise",
    ) -> Frontiers:
        """Validate the table; faults of rows name the files of these rows.

        Raises
        ------
        FrontierDataError
            As `Frontiers.from_frame` does.

        Warns
        -----
        FrontierDataWarning
            For each of ``notes``, and as `Frontiers.from_frame` does.
        """
        named = {"variant": self.variant, "l0": self.l0}
        try:
            frontiers = Frontiers.from_frame(
                self.frame,
                **{argument: column for argument, column in named.items() if column is not None},
                group=self.group,
                y=None if cost is not None else self.y,
                cost=cost,
                dense_limit=dense_limit,
                baseline=baseline,
                on_fault=on_fault,
            )
        except FrontierDataError as error:
            if not self.files:
                raise
            raise FrontierDataError(error.faults, files=self.files) from None
        for note in self.notes:
            warnings.warn(note, FrontierDataWarning, stacklevel=2)
        own = {"variant" if column == self.variant else column: name for column, name in self.read_as.items()}
        read_as = {role: self.read_as.get(column, column) for role, column in frontiers.read_as.items()}
        read_as |= {role: own[role] for role in own if role in frontiers.table and role not in read_as}
        return replace(
            frontiers,
            warnings=(*self.notes, *frontiers.warnings),
            read_as=read_as,
            unused=() if self.own_columns else frontiers.unused,
        )


def read_excel(path: Path) -> TextTable:
    """Read the first sheet of a workbook whose header has an L0, or else the first that holds anything.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is no workbook, or the package that reads it is not installed.
    """
    validate_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of openpyxl, about styles
            cells = pd.read_excel(path, sheet_name=None, header=None, keep_default_na=False, na_values=[""])
    except ImportError as error:
        raise ValueError(
            f"{path}: Excel files need openpyxl, which is not installed. Install hillfront[excel], or save "
            "the table as CSV."
            if "openpyxl" in str(error)
            else f"{path}: this kind of workbook is not read. Save it as .xlsx or CSV."
        ) from error
    except (*_NO_WORKBOOK, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} cannot be read as Excel: {error}. Save the table again, or as CSV."
        ) from error
    sheets = {str(name): filled for name, sheet in cells.items() if not (filled := _trimmed(sheet)).empty}
    if not sheets:
        raise ValueError(f"{path} cannot be read as Excel: its sheets are empty. Save the table again.")
    fit = [name for name, sheet in sheets.items() if columns_for("l0", map(str, sheet.iloc[0]))]
    chosen, *others = [*fit, *(name for name in sheets if name not in fit)]
    header = ["" if pd.isna(cell) else as_text(cell) for cell in sheets[chosen].iloc[0]]
    body = sheets[chosen].iloc[1:].reset_index(drop=True).infer_objects()
    try:
        frame = with_header(body, header)
    except ValueError as error:
        raise ValueError(f"{path}, sheet {chosen!r}: {error}.") from None
    left = f" Not read: {shorten(map(repr, others))}." if others else ""
    return frame, ((f"The sheet {chosen!r} was read.{left}",) if others else ())


def _trimmed(sheet: pd.DataFrame) -> pd.DataFrame:
    """Leave out the empty rows before and after a table."""
    filled = sheet.notna().any(axis=1).to_numpy().nonzero()[0]
    return sheet.iloc[filled[0] : filled[-1] + 1] if filled.size else sheet.iloc[:0]


def _open_arrow(path: Path) -> pd.DataFrame:
    import pyarrow as pa

    with pa.OSFile(str(path), "rb") as file:
        try:
            table = pa.ipc.open_file(file).read_all()
        except pa.ArrowInvalid:
            # The other IPC format, a stream, has no footer to begin with.
            file.seek(0)
            table = pa.ipc.open_stream(file).read_all()
        frame: pd.DataFrame = table.to_pandas()
    return frame


def read_through_arrow(path: Path, format: Literal["parquet", "arrow"]) -> pd.DataFrame:
    """Read a Parquet file, or a Feather or another Arrow IPC file.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it has another format, or pyarrow is not installed.
    """
    kind, read = ("Parquet", pd.read_parquet) if format == "parquet" else ("Feather or Arrow", _open_arrow)
    validate_file(path)
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ValueError(
            f"{path}: {kind} files need pyarrow, which is not installed. Install hillfront[arrow], or save "
            "the table as CSV."
        ) from error
    if not path.stat().st_size:
        raise ValueError(f"{path} cannot be read as {kind}: the file is empty. Write the table again.")
    try:
        frame = read(path)
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{path} cannot be read as {kind}: {error}. Write the table again, or pass --format if the file "
            "holds another format."
        ) from error
    # pandas stores row labels as columns of their own; those with a name are data.
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(level=named) if named else frame

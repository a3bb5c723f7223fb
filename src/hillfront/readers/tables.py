"""Tables in files (CSV, TSV, Parquet, Feather and other Arrow IPC files), on their way to `Frontiers`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.table import Frontiers

__all__ = ["TAB_SUFFIXES", "FileTable", "read_csv", "read_through_arrow", "validate_file"]

TAB_SUFFIXES: Final = frozenset({".tsv", ".tab"})


@dataclass(frozen=True)
class FileTable:
    """A table as a reader gives it, with the columns that its format names.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per evaluated SAE.
    variant, l0 : str
    group : tuple of str
    y : str or None
        As in `Frontiers.from_frame`.
    files : tuple of str
        The file that each row comes from; empty where all rows come from one table.
    """

    frame: pd.DataFrame
    variant: str = "variant"
    group: tuple[str, ...] = ()
    l0: str = "l0"
    y: str | None = None
    files: tuple[str, ...] = ()

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
        """
        try:
            return Frontiers.from_frame(
                self.frame,
                variant=self.variant,
                group=self.group,
                l0=self.l0,
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


def validate_file(path: Path) -> None:
    """Refuse a path without a file, by `FileNotFoundError` or `IsADirectoryError`."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Give the path of a table with one row a trained SAE.")
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}. Give the path of a CSV file with one row a trained SAE, of another "
            "table (Parquet, Feather), or of a folder of evaluation results."
        )


def read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV file, or a TSV file by its suffix, every cell as it stands.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not a table of separated values.
    """
    validate_file(path)
    tabs = path.suffix.lower() in TAB_SUFFIXES
    kind, between = ("TSV", "tab") if tabs else ("CSV", "comma")
    try:
        # Only an empty cell is missing: "None" and "NA" are names that a variant may have.
        frame = pd.read_csv(path, sep="\t" if tabs else ",", keep_default_na=False, na_values=[""])
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} cannot be read as {kind}: {error}. Save the table as {between}-separated UTF-8."
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas would take the first column for row labels, and shift all others by one.
        raise ValueError(
            f"{path} cannot be read as {kind}: its rows have more cells than its header. Check for "
            f"{between}s at the ends of lines, and for columns without a name."
        )
    return frame


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
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{path} cannot be read as {kind}: {error}. Write the table again, or pass --format if the file "
            "holds another format."
        ) from error
    # pandas stores row labels as columns of their own; those with a name are data.
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(level=named) if named else frame

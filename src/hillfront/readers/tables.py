"""Tables in files: CSV, TSV, Parquet, and Feather or other Arrow IPC files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

__all__ = ["check_file", "read_arrow", "read_csv", "read_parquet"]

TAB_SUFFIXES: Final = frozenset({".tsv", ".tab"})


def check_file(path: Path) -> None:
    """Refuse a path without a file.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
    """
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
    check_file(path)
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


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is not Parquet, or pyarrow is not installed.
    """
    return _through_arrow(path, pd.read_parquet, "Parquet")


def read_arrow(path: Path) -> pd.DataFrame:
    """Read a Feather file, or another file of the Arrow IPC formats.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, it is none of these, or pyarrow is not installed.
    """
    return _through_arrow(path, _open_arrow, "Feather or Arrow")


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


def _through_arrow(path: Path, read: Callable[[Path], pd.DataFrame], kind: str) -> pd.DataFrame:
    check_file(path)
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

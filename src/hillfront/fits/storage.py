"""NetCDF in and out: names and numbers, never code."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from hillfront.fits.format_1 import from_format_1

__all__ = ["FORMAT", "file_at_once", "read_tree", "write_tree"]

FORMAT = 2
"""Version of the file's layout; raised when older files would be misread."""


@contextlib.contextmanager
def file_at_once(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary file beside path, which becomes path only if the block ends without an error."""
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already. Pass overwrite=True, or give another path.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to save {path.name} in. Make it first.")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp's file is private; a result is as readable as any new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_tree(tree: xr.DataTree, path: Path, *, overwrite: bool) -> Path:
    """Write a tree to a NetCDF file, whole or not at all."""
    with file_at_once(path, overwrite=overwrite) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf")
    return path


def read_tree(path: Path) -> xr.DataTree:
    """Read a tree wholly into memory, so that the file is closed again."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            tree = opened.load()
    except OSError as error:
        raise ValueError(f"{path} is not a NetCDF file that can be read: {error}") from error
    found = tree.attrs.get("hillfront_format")
    if found == 1:
        return from_format_1(tree)
    if found != FORMAT:
        raise ValueError(
            f"{path} is not a fit saved by hillfront (its attribute hillfront_format is {found!r}; 1 and "
            f"{FORMAT} are known). Save fits with FrontierFit.save()."
        )
    return tree

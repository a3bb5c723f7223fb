"""Storing checked tables as xarray datasets, and hashing them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.frontiers.fault_finders import DROPPED
from hillfront.frontiers.parsing import HIT_LABEL, OPTIONAL

if TYPE_CHECKING:
    import xarray as xr

    from hillfront.frontiers.table import Frontiers


def to_dataset(frontiers: Frontiers) -> xr.Dataset:
    """Store the fields of `hillfront.Frontiers` as a dataset."""
    import xarray as xr

    names = stored_names(frontiers.group_columns)
    data = {names[str(name)]: ("obs", encode(column)) for name, column in frontiers.table.items()}
    data |= {f"dropped_{name}": ("dropped_row", encode(column)) for name, column in frontiers.dropped.items()}
    attrs = {
        "hillfront_type": "Frontiers",
        "metric": frontiers.metric,
        "group_columns": json.dumps(frontiers.group_columns),
        "warnings": json.dumps(frontiers.warnings),
        "metric_label": frontiers.metric_label,
        "from_losses": json.dumps(frontiers.from_losses),
        "read_as": json.dumps(dict(frontiers.read_as)),
        "unused": json.dumps(frontiers.unused),
    }
    return xr.Dataset(data, attrs=attrs)


def from_dataset(ds: xr.Dataset) -> dict[str, Any]:
    """Read back the fields that `to_dataset` stored, by their names.

    Datasets of hillfront 0.1.0 know no cost and no errors of the losses, and call settings groups.
    """
    if ds.attrs.get("hillfront_type") != "Frontiers":
        raise ValueError("this dataset does not hold Frontiers; pass one that Frontiers.to_dataset() made")
    ds = in_words_of_today(ds)
    group_columns = tuple(json.loads(ds.attrs["group_columns"]))
    names = stored_names(group_columns)
    return {
        "table": pd.DataFrame({name: decode(ds[stored]) for name, stored in names.items() if stored in ds}),
        "group_columns": group_columns,
        "metric": ds.attrs["metric"],
        "warnings": tuple(json.loads(ds.attrs["warnings"])),
        "dropped": pd.DataFrame({name: decode(ds[f"dropped_{name}"]) for name in DROPPED}),
        "metric_label": str(ds.attrs.get("metric_label", HIT_LABEL)),
        "from_losses": bool(json.loads(ds.attrs.get("from_losses", "false"))),
        "read_as": json.loads(ds.attrs.get("read_as", "{}")),
        "unused": tuple(json.loads(ds.attrs.get("unused", "[]"))),
    }


def in_words_of_today(ds: xr.Dataset) -> xr.Dataset:
    """Rename the variables of a dataset that calls settings groups, as the first format did."""
    if "group" not in ds or "setting" in ds:
        return ds
    new = {"group": "setting", "dropped_group": "dropped_setting"}
    ds = ds.rename({name: now for name, now in new.items() if name in ds})
    if json.loads(ds.attrs["group_columns"]) == ["group"]:
        # The column that the user called group was the label itself; now it stands beside it.
        ds = ds.assign(group_column_0=ds["setting"])
    return ds


def stored_names(group_columns: Sequence[str]) -> dict[str, str]:
    """Map every canonical column, found or not, to its variable, in the table's order.

    Variables have an order of their own, and a user's name for a group column may not be valid in NetCDF.
    """
    settings = {name: f"group_column_{i}" for i, name in enumerate(group_columns) if name != "setting"}
    first = {name: name for name in ("row", "variant")}
    last = {name: name for name in ("setting", "l0", "sparsity", "performance_hit", "cost", *OPTIONAL)}
    return first | settings | {name: stored for name, stored in last.items() if name not in settings}


def encode(column: pd.Series) -> NDArray[np.generic]:
    """Return numbers as they are and text as fixed-width strings, empty where missing."""
    if column.dtype.kind in "if":
        return column.to_numpy()
    return column.fillna("").to_numpy(dtype=np.str_)


def decode(variable: xr.DataArray) -> pd.Series:
    """Undo `encode`."""
    values = pd.Series(variable.to_numpy())
    return values if values.dtype.kind in "if" else values.astype("str").replace("", None)


def hash_table(table: pd.DataFrame) -> str:
    """Compute the SHA-256 of a table's names and values (`pandas.util.hash_pandas_object` omits names)."""
    digest = hashlib.sha256()
    for name, column in table.items():
        values = [value.hex() for value in column] if column.dtype == float else encode(column).tolist()
        digest.update(json.dumps([name, values]).encode())
    return digest.hexdigest()

"""The DataTree of a fit, written to NetCDF and read back; names and numbers, never code."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from hillfront.estimands.draws import effect_draws
from hillfront.estimands.predict import log_likelihood, replicated
from hillfront.frontiers.netcdf import in_words_of_today
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.model.priors import priors_to_json
from hillfront.sampling.nutpie_run import SamplerOptions
from hillfront.utils.interface import argument, by_interface

__all__ = [
    "FORMAT",
    "by_group_columns",
    "disk_errors_named",
    "file_at_once",
    "fit_tree",
    "from_format_1",
    "read_tree",
    "write_tree",
]

FORMAT = 2
"""Version of the file's layout; raised when older files would be misread."""


_REFUSALS: Final[Mapping[int, str]] = {
    errno.ENOSPC: "the disk is full. Free some space, or write to another disk",
    errno.EDQUOT: "your quota of the disk is used up. Free some space, or write to another disk",
    errno.EFBIG: "the file would be larger than is allowed there. Write to another disk",
    errno.EROFS: "the disk is read-only. Write to another place",
    errno.EACCES: "you have no permission. Write to another place",
    errno.EPERM: "you have no permission. Write to another place",
}


@contextlib.contextmanager
def disk_errors_named(path: Path, *, kept: str = "Nothing was written.") -> Iterator[None]:
    """Say of an error of the disk, inside the block, what could not be written, and what to do."""
    try:
        yield
    except OSError as error:
        # Errors of hillfront's own have no number, and say all this themselves.
        if error.errno is None:
            raise
        why = _REFUSALS.get(error.errno, f"{os.strerror(error.errno)}. Write to another place")
        by = by_interface("", f" by {argument('out')}")
        kind = type(error) if type(error).__module__ == "builtins" else OSError
        named = kind(f"{path} cannot be written: {why}{by}. {kept}")
        named.errno = error.errno  # so that whoever knows the user's own path can name that
        raise named from error


@contextlib.contextmanager
def file_at_once(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary file beside path, which becomes path only if the block ends without an error."""
    if path.exists() and not overwrite:
        step = by_interface("Pass overwrite=True, or give another path.", "Give another --out, or --force.")
        raise FileExistsError(f"{path} is there already. {step}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to save {path.name} in. Make it first.")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Give the name of a file in it.")
    with disk_errors_named(path):
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
        # In memory first: HDF5 itself crashes the process where a disk is full.
        temporary.write_bytes(tree.to_netcdf(engine="h5netcdf"))
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


_VERSIONED = ("hillfront", "pymc", "nutpie", "arviz", "numpy", "xarray", "pandas")


def fit_tree(
    draws: Mapping[str, xr.Dataset],
    frontiers: Frontiers,
    design: Design,
    sampler_options: SamplerOptions,
    *,
    priors: Mapping[str, Any],
) -> xr.DataTree:
    """Put a fit together, with the groups that :class:`hillfront.FrontierFit` lists.

    ``draws`` holds the groups posterior, sample_stats, prior and log_prior, the log densities of the
    top-level priors at the posterior draws; dims (chain, draw, ...).
    """
    from arviz_base import make_attrs

    rng = np.random.default_rng([sampler_options.random_seed, 3])
    posterior, stats = draws["posterior"], draws["sample_stats"]
    predictive, prior_predictive = (
        replicated(own, frontiers, design, rng=rng) for own in (posterior, draws["prior"])
    )
    table = frontiers.table
    of_rows = {
        "l0": table["l0"].to_numpy(),
        "sparsity": table["sparsity"].to_numpy(),
        # Named apart from the dims of the posterior.
        "variant_of_row": table["variant"].to_numpy(dtype="U"),
        "setting_of_row": table["setting"].to_numpy(dtype="U"),
    }
    obs = {"obs": table["row"].to_numpy()}
    attrs = make_attrs({"inference_library": "nutpie", "inference_library_version": version("nutpie")})
    groups = {
        "posterior": posterior.assign_attrs(stats.attrs),
        "sample_stats": stats,
        "posterior_predictive": predictive.to_dataset(name="y"),
        "log_likelihood": log_likelihood(posterior, frontiers, design).to_dataset(name="y"),
        "log_prior": draws["log_prior"],
        "prior": draws["prior"],
        "prior_predictive": prior_predictive.to_dataset(name="y"),
        "observed_data": xr.Dataset({"y": ("obs", frontiers.y.to_numpy(np.float64))}, coords=obs),
        "constant_data": xr.Dataset({n: ("obs", values) for n, values in of_rows.items()}, coords=obs),
    }
    # With every parameter fixed, there is no prior.
    groups = {name: dataset.assign_attrs(attrs) for name, dataset in groups.items() if dataset.data_vars}
    groups["frontiers"] = frontiers.to_dataset()
    tree = xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in groups.items()})
    tree.attrs = {
        "hillfront_format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": json.dumps(
            {name: version(name) for name in _VERSIONED} | {"python": platform.python_version()}
        ),
        "random_seed": sampler_options.random_seed,
        "sampler_options": json.dumps(asdict(sampler_options)),
        "design": design.to_json(),
        "priors": json.dumps(priors_to_json(priors)),
        "data_hash": frontiers.data_hash,
    }
    return tree


def from_format_1(tree: xr.DataTree) -> xr.DataTree:
    """Rename the variables, dims and attributes of a tree as it stands in a file of format 1.

    No number changes but the data's hash, which covers names too.
    """
    attrs = dict(tree.attrs)
    options = json.loads(attrs.pop("settings"))
    options["random_seed"] = options.pop("seed")
    attrs["random_seed"] = attrs.pop("seed")
    attrs["sampler_options"] = json.dumps(options)
    design = json.loads(attrs["design"])
    design["settings"] = design.pop("groups")
    if "shared_groups" in design:
        design["shared_settings"] = design.pop("shared_groups")
    attrs["design"] = json.dumps(design)
    priors = json.loads(attrs["priors"])
    attrs["priors"] = json.dumps({_renamed(name): prior for name, prior in priors.items()})
    attrs["hillfront_format"] = 2
    groups = {name: _renamed_dataset(child.to_dataset()) for name, child in tree.children.items()}
    of_design = Design.from_json(attrs["design"])
    for name in groups.keys() & {"posterior", "prior", "posterior_uncorrected"}:
        groups[name] = groups[name].assign(effect_draws(groups[name], of_design))
    attrs["data_hash"] = Frontiers.from_dataset(groups["frontiers"]).data_hash
    new = xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in groups.items()})
    new.attrs = attrs
    return new


def _renamed(name: str) -> str:
    """Return the name of today of a variable or dim."""
    if name == "group_of_row":
        return "setting_of_row"
    if name.endswith("_group_sd"):
        return f"{name.removesuffix('_group_sd')}_setting_sd"
    return "setting" if name == "group" else name


def _renamed_dataset(dataset: xr.Dataset) -> xr.Dataset:
    new = {str(name): _renamed(str(name)) for name in (*dataset.variables, *dataset.dims)}
    renamed = in_words_of_today(dataset) if "group_columns" in dataset.attrs else dataset
    renamed = renamed.rename({old: name for old, name in new.items() if old != name and old in renamed})
    for name in [name for name in renamed.attrs if str(name).startswith("fixed_")]:
        renamed.attrs[_renamed(str(name))] = renamed.attrs.pop(name)
    return renamed


def by_group_columns(draws: xr.Dataset, frontiers: Frontiers) -> xr.Dataset:
    """Add an indexed coordinate for each group column along the settings."""
    if "setting" not in draws.dims:
        return draws
    columns = frontiers.setting_table.loc[draws["setting"].to_numpy()]
    for name in columns.columns.drop("setting", errors="ignore"):
        if name in draws.variables or name in draws.dims:
            warnings.warn(
                f"The group column {name} is no coordinate of these draws, which use its name themselves. "
                "Rename the column, or select by setting.",
                stacklevel=3,
            )
        else:
            values = columns[name].to_numpy(dtype="U")
            draws = draws.assign_coords({name: ("setting", values)}).set_xindex(name)
    return draws

"""Files of format 1, whose settings were called groups, in the words of today."""

from __future__ import annotations

import json

import xarray as xr

from hillfront.estimands.draws import effect_draws
from hillfront.frontiers import Frontiers
from hillfront.frontiers.netcdf import in_words_of_today
from hillfront.model.design import Design

__all__ = ["from_format_1"]


def from_format_1(tree: xr.DataTree) -> xr.DataTree:
    """Rename the variables, dims and attributes of a tree that was saved in format 1.

    Parameters
    ----------
    tree : xarray.DataTree
        As it stands in the file.

    Returns
    -------
    xarray.DataTree
        A new tree of the present format. No number changes but the data's hash, which covers names too.
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

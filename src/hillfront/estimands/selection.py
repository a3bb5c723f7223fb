"""The effect of a Pareto selection on a comparison: the gains with and without its correction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.estimands.draws import curve_draws
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.predict import noise_draws
from hillfront.frontiers.parsing import CURVE
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import expected_at
from hillfront.model.design import Design
from hillfront.model.selection import NODES, TINY, hidden_data, survival

Floats = NDArray[np.float64]

__all__ = ["hidden_log_likelihood", "selection_table", "without_selection"]


def without_selection(frontiers: Frontiers) -> Frontiers:
    """Return the same table as if its rows were all SAEs that were trained."""
    rows = frontiers.table.groupby(CURVE)["l0"].transform("size").astype(np.float64)
    return replace(frontiers, table=frontiers.table.assign(n_trained=rows))


def hidden_log_likelihood(posterior: xr.Dataset, frontiers: Frontiers, design: Design) -> xr.Dataset:
    """Log likelihood of the hidden SAEs of each curve at every draw; see :mod:`hillfront.model.selection`.

    Returns
    -------
    xarray.Dataset
        ``hidden_saes``, dims (chain, draw, setting, variant).
    """
    data = hidden_data(frontiers, design)
    n_curves = len(data["hidden"])
    natural = {
        name: values.reshape(n_curves, 1, -1) for name, values in curve_draws(posterior, design).items()
    }
    shape = (n_curves, NODES, 1)
    known = {
        name.removeprefix("hidden_"): values.reshape(shape)
        for name, values in data.items()
        if name.startswith("hidden_") and name != "hidden_bound"
    }
    x = known.pop("sparsity")
    for name in design.shared_errors:
        scores = posterior[f"{name}_error_score"].transpose("setting", "chain", "draw").to_numpy()
        by_curve = np.repeat(scores.reshape(len(design.settings), -1), len(design.variants), axis=0)
        known[f"{name}_error"] = known[f"{name}_error"] * by_curve[:, None, :]
    expected = expected_at(design.family, x, natural, **known)
    bound = data["hidden_bound"].reshape(shape)
    above = survival(design.likelihood, bound, expected, noise_draws(posterior, design))
    values = data["hidden"][:, None] * np.log(above.mean(axis=1) + TINY)
    sizes = {dim: posterior.sizes[dim] for dim in ("setting", "variant", "chain", "draw")}
    array = xr.DataArray(
        values.reshape(tuple(sizes.values())),
        dims=tuple(sizes),
        coords={
            "setting": list(design.settings),
            "variant": list(design.variants),
            "chain": posterior["chain"].to_numpy(),
            "draw": posterior["draw"].to_numpy(),
        },
    )
    return array.transpose("chain", "draw", ...).to_dataset(name="hidden_saes")


def selection_table(corrected: Improvement, uncorrected: Improvement) -> pd.DataFrame:
    """Every quantity with the correction for the selection, and without it.

    Returns
    -------
    pandas.DataFrame
        The improvement table's columns up to ``at``, then median, lower and upper; the same ``_uncorrected``;
        and prob.
    """
    table, other = corrected.summary, uncorrected.summary
    numbers = ["median", "lower", "upper"]
    labels = list(table.columns[: list(table.columns).index("at") + 1])
    side = other[numbers].add_suffix("_uncorrected")
    return pd.concat([table[[*labels, *numbers]], side, table["prob"]], axis=1)


def uncorrected_of(tree: xr.DataTree, design: Design) -> xr.Dataset:
    """Return the posterior that takes the SAEs of the table for all that were trained.

    Raises
    ------
    ValueError
        If the table did not say how many SAEs were trained.
    """
    if not design.selected:
        raise ValueError(
            "The table that was fitted has no column n_trained, so nothing was corrected. Add it, with the "
            "number of SAEs that were trained for each curve, and fit again."
        )
    return tree["posterior_uncorrected"].to_dataset()

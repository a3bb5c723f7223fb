"""The effect of a Pareto selection on a comparison: the gains with and without its correction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from hillfront.estimands.draws import by_chain
from hillfront.estimands.improvement import Improvement
from hillfront.estimands.predict import expected_draws, noise_draws
from hillfront.frontiers.parsing import CURVE
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.model.selection import NODES, TINY, hidden_curve_index, hidden_data, survival

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
    hidden, bound = data.pop("hidden"), data.pop("hidden_bound")
    nodes = {name.removeprefix("hidden_"): values for name, values in data.items()}
    expected = expected_draws(posterior, design, hidden_curve_index(design), nodes)
    above = survival(design.likelihood, bound[:, None], expected, noise_draws(posterior, design))
    average = above.reshape(len(hidden), NODES, -1).mean(axis=1)
    values = hidden[:, None] * np.log(average + TINY)
    curves = {"setting": list(design.settings), "variant": list(design.variants)}
    return by_chain(values, posterior, **curves).to_dataset(name="hidden_saes")


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

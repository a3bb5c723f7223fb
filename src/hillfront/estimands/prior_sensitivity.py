"""Prior sensitivity: does the prior, or do the data, make a reported quantity?

Power scaling (Kallioinen, Paananen, Bürkner and Vehtari 2023, doi:10.1007/s11222-023-10366-5): raise the
prior, or the likelihood, to a power a little below and above 1, by importance weights on the draws there are,
and see how far the distribution of a quantity moves. The sensitivity is that distance (cumulative
Jensen-Shannon), per doubling of the power.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.estimands.comparisons import labelled_values

Floats = NDArray[np.float64]

__all__ = [
    "CONFLICT",
    "DRAWS_MIN",
    "STRONG_PRIOR",
    "THRESHOLD",
    "prior_driven",
    "prior_note",
    "sensitivity_of",
]

THRESHOLD: Final = 0.05
"""Sensitivity from which on the prior, or the likelihood, matters: ArviZ's, and the paper's."""

DRAWS_MIN: Final = 1000
"""Draws that a sensitivity takes. Of a quantity that does not depend on the prior at all, the median and 99%
point of the estimate are 0.009 and 0.018 from 4,000 draws of the Gemma-7B fit, 0.019 and 0.037 from 1,000,
and 0.031 and 0.054 from 400."""

_EFFECTIVE_MIN: Final = 100

CONFLICT: Final = "potential prior-data conflict"
STRONG_PRIOR: Final = "potential strong prior / weak likelihood"
"""The diagnoses of ``arviz_stats.psense_summary``, of which either says that the prior matters."""


def sensitivity_of(tree: xr.DataTree, draws: xr.Dataset) -> pd.DataFrame:
    """Prior and likelihood sensitivity of each reported quantity, on the log scale of ratios.

    Parameters
    ----------
    tree : xarray.DataTree
        With the groups log_likelihood, log_selection where SAEs were selected, and, where the top-level
        priors were evaluated, log_prior.
    draws : xarray.Dataset, dims (chain, draw, ...)
        Such as those of an improvement table.

    Returns
    -------
    pandas.DataFrame
        By quantity, variant, setting and at: ``prior`` and ``likelihood``, the sensitivities;
        ``diagnosis``, empty where the prior does not matter; and ``median_half_prior``, the median if the log
        density of the prior were halved, which says how much it matters. NaN, without a diagnosis, for
        quantities that are constant or not positive and finite in every draw; and for all where there is no
        log_prior (a file of an earlier version) or where there are fewer draws than ``DRAWS_MIN``. The median
        is NaN too where the draws say too little of the halved prior (fewer than 100 effective ones).

    Examples
    --------
    Ten times the information in the prior as in the data:

    >>> rng = np.random.default_rng(1)
    >>> mean = rng.normal(0.0, 11**-0.5, (4, 1000))
    >>> dims = "chain", "draw"
    >>> tree = xr.DataTree.from_dict({
    ...     "log_prior": xr.Dataset({"mean": (dims, -5.0 * (mean - 0.1) ** 2)}),
    ...     "log_likelihood": xr.Dataset({"y": (("obs", *dims), -0.5 * (mean[None] + 1.0) ** 2)}),
    ... })
    >>> found = sensitivity_of(tree, xr.Dataset({"gain": (dims, np.exp(mean))})).loc["gain"].iloc[0]
    >>> found["prior"] > found["likelihood"]
    np.True_
    """
    import arviz_stats

    labels, by_label = labelled_values(draws)
    table = pd.DataFrame(
        {"prior": np.nan, "likelihood": np.nan, "diagnosis": "", "median_half_prior": np.nan}, index=labels
    )
    values = np.moveaxis(by_label, 0, -1)
    chains, per_chain, _ = values.shape
    if "log_prior" not in tree.children or chains * per_chain < DRAWS_MIN:
        return table
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(values)
        usable = np.isfinite(logs).all(axis=(0, 1)) & (np.ptp(logs, axis=(0, 1)) > 0)
    if not usable.any():
        return table
    scaled = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"reported": (("chain", "draw", "row"), logs[..., usable])}),
            "log_prior": tree["log_prior"].to_dataset().drop_vars(["chain", "draw"], errors="ignore"),
            "log_likelihood": xr.merge(
                tree[group].to_dataset().drop_vars(["chain", "draw"], errors="ignore")
                for group in ("log_likelihood", "log_selection")
                if group in tree.children
            ),
        }
    )
    for component in ("prior", "likelihood"):
        found = arviz_stats.psense(scaled, group=component, sample_dims=["chain", "draw"])
        table.loc[usable, component] = found["reported"].to_numpy()
    table.loc[usable, "median_half_prior"] = np.exp(_medians(logs[..., usable], _half(scaled)))
    prior, likelihood = table["prior"], table["likelihood"]
    table["diagnosis"] = np.select(
        [(prior >= THRESHOLD) & (likelihood >= THRESHOLD), (prior > THRESHOLD) & (likelihood < THRESHOLD)],
        [CONFLICT, STRONG_PRIOR],
        default="",
    )
    return table


def prior_driven(sensitivity: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the rows of :func:`sensitivity_of` that the prior moves, and moves as much as the data do or more.

    The threshold alone would mark most results that are real and large, since a weakly informative prior is
    centred on no difference; that the prior has a part there is said by the diagnosis.
    """
    prior, likelihood = sensitivity["prior"].to_numpy(), sensitivity["likelihood"].to_numpy()
    return np.asarray((prior >= THRESHOLD) & (prior >= likelihood))


def _half(tree: xr.DataTree) -> Floats:
    """Smoothed weights of the draws, shape (sample,), that halve the log density of the prior."""
    log_prior = tree["log_prior"].to_dataset().to_array().sum("variable")
    weights = np.exp(log_prior.azstats.power_scale_lw(alpha=0.5, dim=["chain", "draw"]))
    flat = weights.transpose("chain", "draw").to_numpy().ravel()
    return np.asarray(flat / flat.sum())


def _medians(values: Floats, weights: Floats) -> Floats:
    """Weighted medians over chain and draw, the first two axes."""
    flat = values.reshape(-1, values.shape[-1])
    if 1.0 / np.sum(weights**2) < _EFFECTIVE_MIN:
        return np.full(flat.shape[1], np.nan)
    order = np.argsort(flat, axis=0)
    below = np.cumsum(weights[order], axis=0)
    middle = np.argmax(below >= 0.5, axis=0)
    columns = np.arange(flat.shape[1])
    return np.asarray(flat[order[middle, columns], columns])


def prior_note(row: pd.Series) -> str:
    """Say in a sentence that the prior matters, for a row of :func:`sensitivity_of` with a diagnosis.

    Examples
    --------
    >>> prior_note(pd.Series({"prior": 0.31, "likelihood": 0.02, "diagnosis": STRONG_PRIOR,
    ...                       "median_half_prior": 1.234}))
    'The prior makes much of this result (prior sensitivity 0.31, that of the data 0.02; median 1.23 with the
     prior at half its strength): give a prior you believe in, or more SAEs.'
    """
    half = row["median_half_prior"]
    change = "" if np.isnan(half) else f"; median {half:.3g} with the prior at half its strength"
    numbers = f"(prior sensitivity {row['prior']:.2g}, that of the data {row['likelihood']:.2g}{change})"
    if row["diagnosis"] == STRONG_PRIOR:
        return f"The prior makes much of this result {numbers}: give a prior you believe in, or more SAEs."
    return f"The prior has a part in this result {numbers}: see how it changes with another prior."

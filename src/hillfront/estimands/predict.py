"""Predictions along a curve: its expectation, and a new SAE's hit.

The *expectation* is the curve f(x) itself, uncertain because its parameters are. A *predictive* draw adds the
scatter of one more SAE trained and evaluated like those of the table, by the same likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hillfront.estimands.draws import by_chain, curve_draws, sample_axis_last, scalar_draws
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import expected_at, row_data
from hillfront.model.design import Design
from hillfront.model.likelihood import Expected
from hillfront.utils.interface import argument, chosen_names

Floats = NDArray[np.float64]

__all__ = ["at_rows", "expected_draws", "log_likelihood", "noise_draws", "predict_curves", "replicated"]


def noise_draws(posterior: xr.Dataset, design: Design) -> dict[str, Floats]:
    """Draws of the parameters of the likelihood, shape (sample,); a fixed one is constant."""
    return {name: scalar_draws(posterior, name) for name in design.likelihood.parameters}


def expected_draws(
    posterior: xr.Dataset, design: Design, curve_index: NDArray[np.int64], data: Mapping[str, Floats]
) -> Expected:
    """Compute what these curves expect, arrays of shape (index, sample).

    ``data`` holds the sparsity at which to read each curve, and the known errors there.
    """
    at = {name: values[:, None] for name, values in data.items()}
    natural = {
        name: values.reshape(-1, values.shape[-1])[curve_index]
        for name, values in curve_draws(posterior, design).items()
    }
    for name in design.shared_errors:
        scores = sample_axis_last(posterior[f"{name}_error_score"], "setting")
        at[f"{name}_error"] = at[f"{name}_error"] * scores[curve_index // len(design.variants)]
    return expected_at(design.family, at.pop("sparsity"), natural, **at)


def at_rows(posterior: xr.Dataset, frontiers: Frontiers, design: Design) -> Expected:
    """Compute what the curves expect at every row of a table, arrays of shape (obs, sample)."""
    data = row_data(frontiers, design)
    del data["observed"]
    return expected_draws(posterior, design, data.pop("curve_index"), data)


def replicated(
    posterior: xr.Dataset, frontiers: Frontiers, design: Design, *, rng: np.random.Generator
) -> xr.DataArray:
    """Draw y of every row again, dims (chain, draw, obs)."""
    expected, noise = at_rows(posterior, frontiers, design), noise_draws(posterior, design)
    values = design.likelihood.draws(rng, expected, noise)
    return by_chain(values, posterior, obs=frontiers.table["row"].to_numpy()).rename("y")


def log_likelihood(posterior: xr.Dataset, frontiers: Frontiers, design: Design) -> xr.DataArray:
    """Log likelihood of every row, dims (chain, draw, obs)."""
    expected, noise = at_rows(posterior, frontiers, design), noise_draws(posterior, design)
    y = frontiers.table[frontiers.metric].to_numpy(np.float64)[:, None]
    values = design.likelihood.logpdf(y, expected, noise)
    return by_chain(values, posterior, obs=frontiers.table["row"].to_numpy()).rename("y")


def predict_curves(
    posterior: xr.Dataset,
    design: Design,
    *,
    l0: ArrayLike,
    variants: str | Sequence[str] | None = None,
    settings: str | Sequence[str] | None = None,
    random_seed: int = 1,
) -> xr.Dataset:
    """Compute expectation and predictive draws on a grid of L0; see :meth:`hillfront.FrontierFit.predict`."""
    grid = np.atleast_1d(np.asarray(l0, dtype=np.float64))
    if grid.ndim != 1 or not np.all(np.isfinite(grid) & (grid > 0)):
        raise ValueError(f"{argument('l0', l0)}: give one or more positive numbers of active latents.")
    picked = {
        "variant": [design.variants.index(v) for v in chosen_names(variants, design.variants, "variants")],
        "setting": [design.settings.index(s) for s in chosen_names(settings, design.settings, "settings")],
    }
    scales = [design.scales[index] for index in picked["setting"]]
    limits = [scale.dense for scale in scales if scale.dense is not None]
    if limits and grid.max() >= min(limits):
        raise ValueError(
            f"l0 reaches {grid.max():g}, and the dense limit of these curves is {min(limits):g}: give a "
            "smaller L0."
        )
    curves: Mapping[str, Floats] = {
        name: values[np.ix_(picked["setting"], picked["variant"])][:, :, None, :]
        for name, values in curve_draws(posterior, design).items()
    }
    x = np.stack([scale.sparsity(grid) for scale in scales])[:, None, :, None]
    expected = expected_at(design.family, x, curves)
    rng = np.random.default_rng([random_seed, 2])
    drawn = {
        "expectation": np.asarray(expected.f),
        "predictive": design.likelihood.draws(rng, expected, noise_draws(posterior, design)),
    }
    coords = {
        "setting": [design.settings[i] for i in picked["setting"]],
        "variant": [design.variants[i] for i in picked["variant"]],
        "l0": grid,
    }
    labelled = {name: by_chain(values, posterior, **coords) for name, values in drawn.items()}
    return xr.Dataset(labelled).transpose(*coords, "chain", "draw")

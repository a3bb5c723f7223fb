"""Predictions along a curve: its expectation, and a new SAE's hit.

The *expectation* is the curve f(x) itself, uncertain because its parameters are. A *predictive* draw adds the
scatter of one more SAE trained and evaluated like those of the table, by the same likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hillfront.estimands.draws import curve_draws, sample_axis_last
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import expected_at, row_data
from hillfront.model.design import Design
from hillfront.model.likelihood import Expected
from hillfront.utils.interface import argument, chosen_names

Floats = NDArray[np.float64]

__all__ = ["at_rows", "noise_draws", "pointwise", "predict_curves"]


def noise_draws(posterior: xr.Dataset, design: Design) -> dict[str, Floats]:
    """Draws of the parameters of the likelihood, shape (sample,); a fixed one is constant."""
    n = posterior.sizes["chain"] * posterior.sizes["draw"]
    return {
        name: sample_axis_last(posterior[name])
        if name in posterior
        else np.full(n, float(posterior.attrs[f"fixed_{name}"]))
        for name in design.likelihood.parameters
    }


def at_rows(posterior: xr.Dataset, frontiers: Frontiers, design: Design) -> Expected:
    """Compute what the curves expect at every row of a table, arrays of shape (obs, sample)."""
    data = {name: values[:, None] for name, values in row_data(frontiers, design).items()}
    curve_index = data.pop("curve_index")[:, 0]
    x, _ = data.pop("sparsity"), data.pop("observed")
    natural = {
        name: values.reshape(-1, values.shape[-1])[curve_index]
        for name, values in curve_draws(posterior, design).items()
    }
    for name in design.shared_errors:
        scores = sample_axis_last(posterior[f"{name}_error_score"].transpose("setting", "chain", "draw"))
        data[f"{name}_error"] = data[f"{name}_error"] * scores[curve_index // len(design.variants)]
    return expected_at(design.family, x, natural, **data)


def pointwise(
    posterior: xr.Dataset, frontiers: Frontiers, design: Design, *, rng: np.random.Generator
) -> tuple[xr.DataArray, xr.DataArray]:
    """Predictive draw and log likelihood of every row, dims (chain, draw, obs)."""
    expected = at_rows(posterior, frontiers, design)
    noise = noise_draws(posterior, design)
    y = frontiers.table[frontiers.metric].to_numpy(np.float64)[:, None]
    shape = (-1, posterior.sizes["chain"], posterior.sizes["draw"])
    coords = {
        "obs": frontiers.table["row"].to_numpy(),
        "chain": posterior["chain"].to_numpy(),
        "draw": posterior["draw"].to_numpy(),
    }

    def labelled(values: Floats) -> xr.DataArray:
        array = xr.DataArray(values.reshape(shape), dims=("obs", "chain", "draw"), coords=coords, name="y")
        return array.transpose("chain", "draw", "obs")

    return (
        labelled(design.likelihood.draws(rng, expected, noise)),
        labelled(design.likelihood.logpdf(y, expected, noise)),
    )


def predict_curves(
    posterior: xr.Dataset,
    design: Design,
    *,
    l0: ArrayLike,
    variants: str | Sequence[str] | None = None,
    settings: str | Sequence[str] | None = None,
    random_seed: int = 1,
) -> xr.Dataset:
    """Compute expectation and predictive draws along the curves, on a grid of L0.

    Parameters
    ----------
    l0 : array-like
        Mean active latents per token at which to predict, positive.
    variants, settings : sequence of str, optional
        Which curves; all of them by default.
    random_seed : int
        Seed of the predictive draws.

    Returns
    -------
    xarray.Dataset
        ``expectation`` and ``predictive``, dims (setting, variant, l0, chain, draw).

    Raises
    ------
    ValueError
        For an L0 that is not positive, or lies at the dense limit or above, or an unknown variant or setting.
    """
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
    f = np.asarray(expected.f)
    predictive = design.likelihood.draws(rng, expected, noise_draws(posterior, design))
    shape = (*f.shape[:-1], posterior.sizes["chain"], posterior.sizes["draw"])
    dims = ("setting", "variant", "l0", "chain", "draw")
    return xr.Dataset(
        {"expectation": (dims, f.reshape(shape)), "predictive": (dims, predictive.reshape(shape))},
        coords={
            "setting": [design.settings[i] for i in picked["setting"]],
            "variant": [design.variants[i] for i in picked["variant"]],
            "l0": grid,
            "chain": posterior["chain"].to_numpy(),
            "draw": posterior["draw"].to_numpy(),
        },
    )

"""Posterior draws of the curves' natural parameters, in the observed settings and in a new one."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hillfront.model.design import Design
from hillfront.model.pymc_model import effect_columns
from hillfront.model.zero_sum import zero_sum_basis

Floats = NDArray[np.float64]

__all__ = ["by_chain", "curve_draws", "effect_draws", "new_setting_draws", "sample_axis_last", "scalar_draws"]


def sample_axis_last(array: xr.DataArray, *dims: str) -> Floats:
    """Stack chain and draw into one last axis, chain by chain, after the other dims in the order given."""
    ordered = array.transpose(*(dims or (...,)), "chain", "draw").to_numpy()
    return np.asarray(ordered.reshape(*ordered.shape[:-2], -1))


def by_chain(values: Floats, posterior: xr.Dataset, **coords: Any) -> xr.DataArray:
    """Label values, (..., sample), by the coordinates of their dims and the posterior's chains and draws."""
    labels = {**coords, "chain": posterior["chain"].to_numpy(), "draw": posterior["draw"].to_numpy()}
    shaped = values.reshape([len(own) for own in labels.values()])
    return xr.DataArray(shaped, labels, tuple(labels)).transpose("chain", "draw", ...)


def scalar_draws(posterior: xr.Dataset, name: str) -> Floats:
    """Draws of a scalar, (sample,); one that a number fixes stands in the posterior's attributes."""
    if name in posterior:
        return sample_axis_last(posterior[name])
    n_samples = posterior.sizes["chain"] * posterior.sizes["draw"]
    return np.full(n_samples, float(posterior.attrs[f"fixed_{name}"]))


def curve_draws(posterior: xr.Dataset, design: Design) -> dict[str, Floats]:
    """Natural parameters of every curve.

    Returns
    -------
    dict of str to array, shape (setting, variant, sample)
    """
    sampled = [
        sample_axis_last(posterior[parameter.name], "setting", "variant")
        for parameter in design.family.sampled
    ]
    return design.natural(*sampled)


def effect_draws(draws: xr.Dataset, design: Design) -> dict[str, xr.DataArray]:
    """Compute the effects of the settings on every partially pooled parameter.

    Returns
    -------
    dict of str to xarray.DataArray
        ``<name>_setting``, dims (..., setting): how far the curves of a setting lie from the average of the
        settings; and ``<name>_interaction``, dims (..., setting, variant): what of it each variant has alone.
    """
    effects = {}
    for name, kind in dict.fromkeys(effect_columns(design)):
        deviation = draws[name] - draws[name].mean("setting")
        shared = deviation.mean("variant")
        effects[f"{name}_{kind}"] = shared if kind == "setting" else deviation - shared
    return effects


def new_setting_draws(posterior: xr.Dataset, design: Design, *, random_seed: int) -> dict[str, Floats] | None:
    """Natural parameters of each variant in a setting that was not observed, one draw of it per sample.

    The observed settings' effects are centred on their own mean, so a new setting lies further out than they
    do from each other: for G exchangeable settings its effect has variance ``sd**2 (1 + 1/G)`` about that
    mean.

    Returns
    -------
    dict of str to array, shape (variant, sample), or None
        None where nothing can be said: with a single setting, or curves that are not pooled.
    """
    n_settings, n_variants = len(design.settings), len(design.variants)
    if n_settings < 2 or "none" in design.pooling.values():
        return None
    rng = np.random.default_rng([random_seed, 1])
    n_samples = posterior.sizes["chain"] * posterior.sizes["draw"]
    spread = np.sqrt(1.0 + 1.0 / n_settings)
    sampled = []
    for parameter in design.family.sampled:
        # Zero-sum effects leave the variants' averages over the observed settings to mean and contrast.
        theta = sample_axis_last(posterior[parameter.name].mean("setting"), "variant")
        if design.pooling[parameter.natural] == "partial":
            setting_sd = scalar_draws(posterior, f"{parameter.name}_setting_sd")
            theta = theta + spread * setting_sd * rng.standard_normal(n_samples)
            if n_variants > 1:
                interaction_sd = scalar_draws(posterior, f"{parameter.name}_interaction_sd")
                z = rng.standard_normal((n_variants - 1, n_samples))
                theta = theta + spread * interaction_sd * (zero_sum_basis(n_variants) @ z)
        sampled.append(theta)
    return design.natural(*sampled)

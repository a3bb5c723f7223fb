"""The model as a competent PyMC user writes it first: on x_half and log k, non-centred, half-normals.

The scatter is hillfront's; the hierarchy says nearly the same in other words. It is not the same posterior to
the last digit, for which see :mod:`benchmarks.rivals.reference`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rivals.gains import Draws
from benchmarks.rivals.tables import Table

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

__all__ = ["HIERARCHY", "curve_draws", "obvious_model"]

HIERARCHY = {
    # centre and spread of the mean; contrast; scale of the setting and the interaction sds
    "log_x_half": (0.0, 2.0, 1.0, 1.0, 0.5),
    "log_k": (float(np.log(0.8)), 0.5, 0.3, 0.3, 0.15),
}


def obvious_model(table: Table) -> pm.Model:
    """Build the model of a table."""
    import pymc as pm
    import pytensor.tensor as pt

    coords = {"variant": table.variants, "contrast": table.variants[1:], "setting": table.settings}
    with pm.Model(coords=coords) as model:
        theta: dict[str, Any] = {}
        for name, (centre, spread, contrast_sd, setting_scale, interaction_scale) in HIERARCHY.items():
            mean = pm.Normal(f"{name}_mean", centre, spread)
            contrast = pm.Normal(f"{name}_contrast", 0.0, contrast_sd, dims="contrast")
            value = mean + pt.concatenate([pt.zeros(1), contrast])[None, :]
            if len(table.settings) > 1:
                setting_sd = pm.HalfNormal(f"{name}_setting_sd", setting_scale)
                interaction_sd = pm.HalfNormal(f"{name}_interaction_sd", interaction_scale)
                z_setting = pm.Normal(f"{name}_z_setting", dims="setting")
                z_interaction = pm.Normal(f"{name}_z_interaction", dims=("setting", "variant"))
                value = value + setting_sd * z_setting[:, None] + interaction_sd * z_interaction
            theta[name] = value
        x_half = pm.Deterministic("x_half", pt.exp(theta["log_x_half"]), dims=("setting", "variant"))
        k = pm.Deterministic("k", pt.exp(theta["log_k"]), dims=("setting", "variant"))
        own_k, own_x_half = (values[table.setting, table.variant] for values in (k, x_half))
        f = pm.math.sigmoid(own_k * (np.log(table.x) - pt.log(own_x_half)))
        sigma = pm.LogNormal("sigma", np.log(0.1), 1.25)
        tau = pm.HalfNormal("tau", 0.001)
        nu = pm.Pareto("nu", alpha=1.0, m=3.0)
        q = 1.0 + 0.5 / nu + 0.337 / nu**2
        scale = pt.sqrt((sigma * f * (1.0 - f)) ** 2 + tau**2) / q
        pm.StudentT("y", nu=nu, mu=f, sigma=scale, observed=table.y)
    return model


def curve_draws(tree: xr.DataTree) -> Draws:
    """Read the curves out of a posterior."""
    posterior = tree["posterior"].to_dataset()
    values = [
        posterior[name].transpose("chain", "draw", "setting", "variant").to_numpy()
        for name in ("x_half", "k")
    ]
    return Draws(values[0], values[1], divergences=int(tree["sample_stats"]["diverging"].sum()))

"""The exact reference: hillfront's joint prior and likelihood, written plainly.

The effects are ``pm.ZeroSumNormal``, without partial centring, initial values or a basis of its own. It
shares no code with the package, so that a slip in either shows as two posteriors that differ.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rivals.gains import Phases, write_results
from benchmarks.rivals.obvious import curve_draws
from benchmarks.rivals.options import parse_options
from benchmarks.rivals.tables import Table, read_table

if TYPE_CHECKING:
    import pymc as pm

__all__ = ["HIT_REF", "reference_model"]

HIT_REF = 0.05
TARGET_ACCEPT = 0.98
PRIORS = {
    # centre and spread of the mean; contrast; means of the setting and the interaction sds
    "log_x_ref": (math.log(1.0 / 50.0), 2.0, 1.0, 1.0, 0.3),
    "log_k": (math.log(0.8), 0.5, 0.3, 0.2, 0.1),
}


def reference_model(table: Table) -> pm.Model:
    """Build the reference model of a table, with the names that hillfront uses."""
    import pymc as pm
    import pytensor.tensor as pt

    coords = {"variant": table.variants, "contrast": table.variants[1:], "setting": table.settings}
    several_settings, several_variants = len(table.settings) > 1, len(table.variants) > 1
    with pm.Model(coords=coords) as model:
        theta: dict[str, Any] = {}
        for name, (centre, spread, contrast_sd, setting_mean, interaction_mean) in PRIORS.items():
            mean = pm.Normal(f"{name}_mean", centre, spread)
            value = mean + pt.zeros((len(table.settings), len(table.variants)))
            if several_variants:
                contrast = pm.Normal(f"{name}_contrast", 0.0, contrast_sd, dims="contrast")
                value = value + pt.concatenate([pt.zeros(1), contrast])[None, :]
            if several_settings:
                setting_sd = pm.Gamma(f"{name}_setting_sd", alpha=2.0, beta=2.0 / setting_mean)
                setting = pm.ZeroSumNormal(f"{name}_setting", sigma=setting_sd, dims="setting")
                value = value + setting[:, None]
            if several_settings and several_variants:
                interaction_sd = pm.Gamma(f"{name}_interaction_sd", alpha=2.0, beta=2.0 / interaction_mean)
                value = value + pm.ZeroSumNormal(
                    f"{name}_interaction", sigma=interaction_sd, dims=("setting", "variant"), n_zerosum_axes=2
                )
            theta[name] = pm.Deterministic(name, value, dims=("setting", "variant"))
        k = pt.exp(theta["log_k"])
        log_x_half = theta["log_x_ref"] - math.log(HIT_REF / (1.0 - HIT_REF)) / k
        pm.Deterministic("k", k, dims=("setting", "variant"))
        pm.Deterministic("x_half", pt.exp(log_x_half), dims=("setting", "variant"))
        own_k, own_log_x_half = (values[table.setting, table.variant] for values in (k, log_x_half))
        f = pt.sigmoid(own_k * (np.log(table.x) - own_log_x_half))
        sigma = pm.LogNormal("sigma", math.log(0.1), 1.25)
        tau = pm.HalfNormal("tau", 0.001)
        nu = pm.Pareto("nu", alpha=1.0, m=3.0)
        q = 1.0 + 0.5 / nu + 0.337 / nu**2
        scale = pt.sqrt((sigma * f * (1.0 - f)) ** 2 + tau**2) / q
        pm.StudentT("y", nu=nu, mu=f, sigma=scale, observed=table.y)
    return model


def main() -> None:
    """Fit DATA.csv by nutpie, at the acceptance that hillfront uses."""
    options = parse_options(__doc__)
    phases = Phases()
    import nutpie

    phases.end("import")
    table = read_table(options.data)
    model = reference_model(table)
    phases.end("build")
    compiled = nutpie.compile_pymc_model(model)
    phases.end("compile")
    tree = nutpie.sample(
        compiled,
        draws=options.draws,
        tune=options.tune,
        chains=options.chains,
        cores=options.cores,
        random_seed=options.random_seed,
        target_accept=TARGET_ACCEPT,
        progress_bar=False,
    )
    phases.end("sampling")
    write_results(table, curve_draws(tree), phases, options.out)


if __name__ == "__main__":
    main()

"""Rival: the obvious model written in NumPyro, sampled by its NUTS (extra ``bench``)."""

from __future__ import annotations

import numpy as np

from benchmarks.rivals.gains import Draws, Phases, write_results
from benchmarks.rivals.obvious import HIERARCHY
from benchmarks.rivals.options import parse_options
from benchmarks.rivals.tables import Table, read_table


def model(table: Table) -> None:
    """State the model of :func:`benchmarks.rivals.obvious.obvious_model` in NumPyro's words."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from jax.nn import sigmoid

    n_settings, n_variants = len(table.settings), len(table.variants)
    theta = {}
    for name, (centre, spread, contrast_sd, setting_scale, interaction_scale) in HIERARCHY.items():
        mean = numpyro.sample(f"{name}_mean", dist.Normal(centre, spread))
        contrast = numpyro.sample(
            f"{name}_contrast", dist.Normal(0.0, contrast_sd).expand([n_variants - 1]).to_event(1)
        )
        value = mean + jnp.concatenate([jnp.zeros(1), contrast])[None, :] + jnp.zeros((n_settings, 1))
        if n_settings > 1:
            setting_sd = numpyro.sample(f"{name}_setting_sd", dist.HalfNormal(setting_scale))
            interaction_sd = numpyro.sample(f"{name}_interaction_sd", dist.HalfNormal(interaction_scale))
            z_setting = numpyro.sample(f"{name}_z_setting", dist.Normal().expand([n_settings]).to_event(1))
            z_interaction = numpyro.sample(
                f"{name}_z_interaction", dist.Normal().expand([n_settings, n_variants]).to_event(2)
            )
            value = value + setting_sd * z_setting[:, None] + interaction_sd * z_interaction
        theta[name] = value
    numpyro.deterministic("x_half", jnp.exp(theta["log_x_half"]))
    k = numpyro.deterministic("k", jnp.exp(theta["log_k"]))
    own_k, own_log_x_half = (values[table.setting, table.variant] for values in (k, theta["log_x_half"]))
    f = sigmoid(own_k * (np.log(table.x) - own_log_x_half))
    sigma = numpyro.sample("sigma", dist.LogNormal(np.log(0.1), 1.25))
    tau = numpyro.sample("tau", dist.HalfNormal(0.001))
    nu = numpyro.sample("nu", dist.Pareto(3.0, 1.0))
    q = 1.0 + 0.5 / nu + 0.337 / nu**2
    scale = jnp.sqrt((sigma * f * (1.0 - f)) ** 2 + tau**2) / q
    numpyro.sample("y", dist.StudentT(nu, f, scale), obs=table.y)


def main() -> None:
    """Fit DATA.csv."""
    options = parse_options(__doc__)
    phases = Phases()
    import jax
    import numpyro
    from numpyro.infer import MCMC, NUTS

    # As PyMC: double precision. Chains run at once only on as many devices, which share the cores.
    numpyro.enable_x64()
    numpyro.set_host_device_count(options.chains)
    phases.end("import")
    table = read_table(options.data)
    sampler = MCMC(
        NUTS(model),
        num_warmup=options.tune,
        num_samples=options.draws,
        num_chains=options.chains,
        progress_bar=False,
    )
    sampler.run(jax.random.PRNGKey(options.random_seed), table)
    samples = {
        name: np.asarray(values) for name, values in sampler.get_samples(setting_by_chain=True).items()
    }
    divergences = int(np.asarray(sampler.get_extra_fields(setting_by_chain=True)["diverging"]).sum())
    # JAX compiles as it first runs.
    phases.end("compile and sampling")
    write_results(table, Draws(samples["x_half"], samples["k"], divergences), phases, options.out)


if __name__ == "__main__":
    main()

"""Rival: the obvious PyMC program, sampled by PyMC's own NUTS at its defaults."""

from __future__ import annotations

from benchmarks.rivals.gains import Phases, write_results
from benchmarks.rivals.obvious import curve_draws, obvious_model
from benchmarks.rivals.options import parse_options
from benchmarks.rivals.tables import read_table


def main() -> None:
    """Fit DATA.csv."""
    options = parse_options(__doc__)
    phases = Phases()
    import pymc as pm

    phases.end("import")
    table = read_table(options.data)
    with obvious_model(table):
        phases.end("build")
        tree = pm.sample(
            draws=options.draws,
            tune=options.tune,
            chains=options.chains,
            cores=options.cores,
            random_seed=options.random_seed,
            nuts_sampler="pymc",
            progressbar=False,
        )
    phases.end("compile")
    # PyMC compiles inside of sample(), and says how long it sampled alone.
    sampling = float(tree["sample_stats"].attrs["sampling_time"])
    phases.seconds["sampling"] = sampling
    phases.seconds["compile"] -= sampling
    write_results(table, curve_draws(tree), phases, options.out)


if __name__ == "__main__":
    main()

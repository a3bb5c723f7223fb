"""Rival: the obvious PyMC program, sampled by nutpie at its defaults."""

from __future__ import annotations

from benchmarks.rivals.gains import Phases, write_results
from benchmarks.rivals.obvious import curve_draws, obvious_model
from benchmarks.rivals.options import parse_options
from benchmarks.rivals.tables import read_table


def main() -> None:
    """Fit DATA.csv."""
    options = parse_options(__doc__)
    phases = Phases()
    import nutpie

    phases.end("import")
    table = read_table(options.data)
    model = obvious_model(table)
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
        progress_bar=False,
    )
    phases.end("sampling")
    write_results(table, curve_draws(tree), phases, options.out)


if __name__ == "__main__":
    main()

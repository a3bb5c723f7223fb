"""How time and memory grow with the number of curves: 10 to 1,000 simulated curves of 6 points.

Each from the start of the process to the tables. Rivals run up to --rival-limit curves only: beyond, they
take hours. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from benchmarks.cases import POINTS, curves_case
from benchmarks.contest import HILLFRONT, RIVALS, add_options, contest, settings_of
from benchmarks.records import Record, Spread, ratio_of, read_records, select, spread_of

__all__ = ["SIZES", "log_log_slope", "slope_of"]

SIZES = (10, 100, 300, 1000)


def log_log_slope(sizes: Mapping[int, float]) -> float:
    """Exponent b of ``value = a size^b`` by least squares of the logs; NaN with fewer than two sizes.

    Examples
    --------
    >>> round(log_log_slope({100: 2.0, 1000: 20.0}), 6)
    1.0
    """
    there = {size: value for size, value in sizes.items() if value > 0 and math.isfinite(value)}
    if len(there) < 2:
        return math.nan
    return float(np.polyfit(np.log(list(there)), np.log(list(there.values())), 1)[0])


def slope_of(records: list[Record], field: str, *, smallest: int = 100) -> Spread:
    """Log-log slope of a field of hillfront's runs, one for each repeat, from that many curves up."""
    slopes = []
    for repeat in sorted({record["repeat"] for record in records}):
        own = select(records, rival=HILLFRONT, repeat=repeat)
        sizes = {size: r for size in SIZES if size >= smallest for r in select(own, case=curves_case(size))}
        slopes.append(log_log_slope({size: float(r[field]) for size, r in sizes.items()}))
    return spread_of(slopes)


def main() -> None:
    """Measure what is missing, and print times, ratios and slopes."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.set_defaults(rivals=[HILLFRONT, "pymc-nutpie"])
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="even numbers of curves")
    parser.add_argument("--rival-limit", type=int, default=100)
    options = parser.parse_args()
    sampler_options = settings_of(options)
    for repeat in range(options.repeats):
        for size in options.sizes:
            for rival in options.rivals:
                if rival == HILLFRONT or size <= options.rival_limit:
                    python = options.numpyro_python if rival == "numpyro" else None
                    contest(
                        "scale",
                        curves_case(size),
                        rival,
                        repeat,
                        sampler_options,
                        work=options.work,
                        python=python,
                    )
    records = select(read_records(options.work), benchmark="scale", **asdict(sampler_options))
    for size in options.sizes:
        here = select(records, case=curves_case(size))
        ours = select(here, rival=HILLFRONT)
        print(f"{size} curves of {POINTS} points, {sampler_options.cache} caches")
        for rival in RIVALS:
            own = select(here, rival=rival)
            if own:
                wall, memory, ess, rhat = (
                    spread_of(r.get(field) for r in own) for field in ("wall", "peak_mib", "ess", "rhat")
                )
                print(
                    f"  {rival}: {wall} s ({ratio_of(own, ours, 'wall')} times hillfront's); {memory} MiB; "
                    f"smallest ESS {ess}; R-hat {rhat}; divergences "
                    f"{', '.join(str(r.get('divergences')) for r in own)}"
                )
    for field, name in (("wall", "wall time"), ("peak_mib", "peak memory")):
        print(f"log-log slope of {name} from 100 curves up: {slope_of(records, field)}")


if __name__ == "__main__":
    main()

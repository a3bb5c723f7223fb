"""Does the comparison of curve families find the family that made the data?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from hillfront.curves.families import FAMILIES
from hillfront.fits.compare import compare_prepared
from hillfront.fits.fitting import prepare
from hillfront.fits.simulation import simulate
from hillfront.sampling.nutpie_run import SamplerOptions

__all__ = ["family_recovery", "recovery_table"]

SETTINGS, POINTS = 4, 8


def family_recovery(
    *,
    sets: int = 20,
    truths: Sequence[str] = tuple(FAMILIES),
    families: Sequence[str] = tuple(FAMILIES),
    sampler_options: SamplerOptions | None = None,
    random_seed: int = 1,
) -> Iterator[dict[str, object]]:
    """Simulate sets from each family, compare all families on each, and yield one row a set.

    Parameters
    ----------
    sets : int
        Data sets of each true family, of two variants in four settings with eight SAEs a curve.
    truths, families : sequence of str
        Families that make the data, and families that are compared.
    sampler_options : SamplerOptions, optional
    random_seed : int

    Yields
    ------
    dict
        truth, set, seed, first (the family ranked first), difference and difference_se of the true family
        from it, weight (the true family's stacking weight), refits, divergences (over all families), and
        found: whether the true family is first or within one standard error of it.
    """
    sampler_options = sampler_options or SamplerOptions(draws=500)
    # Sweeps over two decades, as within one a Hill curve, a power law and a line look alike; and settings
    # close enough that no family leaves (0, 1), where data of a straight line would be no data of it.
    options = {
        "settings": SETTINGS,
        "points": POINTS,
        "setting_sd": 0.2,
        "interaction_sd": 0.1,
        "l0": (8.0, 800.0),
    }
    template = simulate(**options, random_seed=random_seed).frontiers  # type: ignore[arg-type]
    prepared = {name: prepare(template, baseline="baseline", curve=name) for name in families}
    for truth in truths:
        for index in range(sets):
            own_seed = random_seed * 100_000 + 1000 * list(FAMILIES).index(truth) + index
            data = simulate(**options, curve=truth, random_seed=own_seed).frontiers  # type: ignore[arg-type]
            comparison = compare_prepared(prepared, data, sampler_options=sampler_options)
            table = comparison.summary.set_index("curve")
            difference, difference_se, weight = (
                float(table[name][truth]) for name in ("difference", "difference_se", "weight")
            )
            within = -difference <= difference_se
            yield {
                "truth": truth,
                "set": index,
                "random_seed": own_seed,
                "first": table.index[0],
                "difference": difference,
                "difference_se": difference_se,
                "weight": weight,
                "refits": int(table["refits"].sum()),
                "divergences": sum(
                    int(fit.data["sample_stats"]["diverging"].sum()) for fit in comparison.fits.values()
                ),
                "found": bool(table.index[0] == truth or within),
            }


def recovery_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarise the rows: for each true family, how often it was first, and found."""
    by_truth = rows.assign(first=rows["first"] == rows["truth"]).groupby("truth", sort=False)
    return by_truth.agg(
        sets=("set", "size"),
        first=("first", "sum"),
        found=("found", "sum"),
        mean_weight=("weight", "mean"),
        refits=("refits", "sum"),
        divergences=("divergences", "sum"),
    ).reset_index()

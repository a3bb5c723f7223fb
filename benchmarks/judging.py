"""What a finished run was worth: effective sample size of its slowest quantity, R-hat and divergences.

``python -m benchmarks.judging DATA.csv OUT`` reads a rival's draws, or hillfront's fit, and prints JSON.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rivals.gains import Draws, gain_draws
from benchmarks.rivals.tables import Table, read_table

__all__ = ["judge", "read_draws"]


def read_draws(table: Table, out: Path) -> Draws:
    """Read the draws of the curves, from ``draws.npz`` or hillfront's ``fit.nc``."""
    if (out / "draws.npz").is_file():
        with np.load(out / "draws.npz") as stored:
            return Draws(
                stored["x_half"], stored["k"], int(stored["divergences"]), bool(stored["independent"])
            )
    import xarray as xr

    with xr.open_datatree(out / "fit.nc", engine="h5netcdf") as tree:
        curves = tree["posterior"].to_dataset()[["x_half", "k"]]
        curves = curves.sel(setting=list(table.settings), variant=list(table.variants))
        curves = curves.transpose("chain", "draw", "setting", "variant").load()
        divergences = int(tree["sample_stats"]["diverging"].sum())
    return Draws(curves["x_half"].to_numpy(), curves["k"].to_numpy(), divergences)


def judge(table: Table, draws: Draws) -> dict[str, Any]:
    """Judge the draws by all gains, in each setting and on average.

    Returns
    -------
    dict
        ess (smallest bulk ESS of a gain), slowest (its name), rhat (largest), divergences; a bootstrap has
        none of them. Gains that do not vary, or have a draw that is not finite, do not count.
    """
    if draws.independent:
        return {}
    import arviz_stats

    ess, rhat, slowest = math.inf, 0.0, ""
    for variant, setting, quantity, values in gain_draws(table, draws):
        if not np.isfinite(values).all() or np.ptp(values) == 0:
            continue
        own = float(arviz_stats.ess(values))
        if own < ess:
            ess, slowest = own, f"{quantity} of {variant}, {setting or 'average'}"
        if values.shape[0] > 1:
            rhat = max(rhat, float(arviz_stats.rhat(values)))
    if not slowest:
        raise ValueError("No gain varies and is finite in all draws, so there is nothing to judge.")
    return {"ess": ess, "slowest": slowest, "rhat": rhat or None, "divergences": draws.divergences}


def main() -> None:
    """Print the judgement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    table = read_table(options.data)
    print(json.dumps(judge(table, read_draws(table, options.out))))


if __name__ == "__main__":
    main()

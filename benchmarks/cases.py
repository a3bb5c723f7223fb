"""The tables that are fitted, as the CSV files that a user would have.

``python -m benchmarks.cases NAME DATA.csv`` writes one, in a process of its own, so that the one which
measures stays small.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

__all__ = ["CASES", "case_rows", "curves_case"]

POINTS = 6
CASES = {
    "gemma": "gated_sae, Gemma-7B: 22 curves, 161 SAEs",
    "pair": "one pair of 4-point curves, simulated",
}


def curves_case(curves: int) -> str:
    """Name of the simulated case of so many curves of 6 points."""
    return f"curves-{curves}"


def case_rows(name: str) -> pd.DataFrame:
    """Rows of a case: ``gemma``, ``pair`` or ``curves-N``.

    Returns
    -------
    pandas.DataFrame
        Columns variant (the baseline is ``baseline``), setting, l0, performance_hit.

    Raises
    ------
    ValueError
        For an unknown name, or an odd number of curves.
    """
    from hillfront.datasets import load_dataset
    from hillfront.fits.simulation import simulate

    kind, _, count = name.partition("-")
    if name == "gemma":
        rows = load_dataset("gated_sae", model="Gemma-7B")
        return pd.DataFrame(
            {
                "variant": rows["variant"],
                "setting": rows["site"].astype(str) + " " + rows["layer"].astype(str),
                "l0": rows["l0"],
                "performance_hit": 1.0 - rows["loss_recovered"],
            }
        )
    shapes = {"baseline": 0.9, "variant": 0.8}
    if name == "pair":
        table = simulate(k=shapes, sigma=0.1, random_seed=1).frontiers.table
    elif kind == "curves" and count.isdigit() and int(count) >= 2 and int(count) % 2 == 0:
        table = simulate(
            settings=int(count) // 2, points=POINTS, k=shapes, sigma=0.1, interaction_sd=0.1, random_seed=1
        ).frontiers.table
    else:
        raise ValueError(
            f"Unknown case {name!r}. Allowed: {', '.join(CASES)}, or curves-N with an even number N."
        )
    return table[["variant", "setting", "l0", "performance_hit"]]


def main() -> None:
    """Write one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    options.data.parent.mkdir(parents=True, exist_ok=True)
    case_rows(options.name).to_csv(options.data, index=False)


if __name__ == "__main__":
    main()

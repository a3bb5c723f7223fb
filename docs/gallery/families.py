"""Curve families side by side, with the weight that their predictions earn.

Curves that agree inside the data part outside, which is where no gain should be read.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

import hillfront as hf


def draw() -> Figure:
    """Curve families side by side, with the weight that their predictions earn."""
    comparison = hf.compare_curves(
        demonstration.frontiers(),
        baseline="baseline",
        families=["hill", "hill1", "power"],
        exact=False,
        draws=500,
        tune=500,
        random_seed=1,
        progressbar=False,
    )
    axes = hf.plot_families(comparison, settings=["resid / 6", "resid / 13", "resid / 20", "resid / 27"])
    return axes[0].get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

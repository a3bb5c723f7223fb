"""Shrinkage: each curve by itself, and where the settings together put it.

The unpooled fit has the same priors, so that the arrows are what pooling does.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

import hillfront as hf
from hillfront.plots import plot_shrinkage


def draw() -> Figure:
    """Shrinkage: each curve by itself, and where the settings together put it."""
    unpooled = hf.fit(
        demonstration.frontiers(),
        baseline="baseline",
        pool={"x_half": "none", "k": "none"},
        draws=500,
        tune=500,
        random_seed=1,
        progressbar=False,
    )
    axes = plot_shrinkage(demonstration.fit(), unpooled=unpooled)
    return axes[0].get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

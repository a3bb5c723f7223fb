"""Frontiers on a logit axis: Hill curves are straight lines here, and k is their slope.

The band is that of the curve itself, its expectation.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

import hillfront as hf


def draw() -> Figure:
    """Frontiers on a logit axis: Hill curves are straight lines here, and k is their slope."""
    settings = ["resid / 13", "resid / 20"]
    axes = hf.plot_frontiers(demonstration.fit(), settings=settings, scale="logit", band="expectation")
    return axes[0].get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

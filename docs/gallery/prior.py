"""Priors, stated and implied, beside the posterior of each curve.

They are stated at a fixed hit and do not move with the data.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

import hillfront as hf


def draw() -> Figure:
    """Priors, stated and implied, beside the posterior of each curve."""
    axes = hf.plot_prior(demonstration.fit())
    return axes[0].get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

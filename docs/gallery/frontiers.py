"""Frontiers: SAEs, curves and predictive bands.

Lines are solid where a curve has data; the grey strip is the range that all curves of a panel share.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

import hillfront as hf


def draw() -> Figure:
    """Frontiers: SAEs, curves and predictive bands."""
    axes = hf.plot_frontiers(demonstration.fit())
    return axes[0].get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

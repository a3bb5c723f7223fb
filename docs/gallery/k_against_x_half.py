"""Slope against x_half: does x_half rise and k fall from the baseline to the variant?

Ellipses are long and tilted where the data end far below a hit of one half: x_half is extrapolated there.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

from hillfront.plots import plot_k_against_x_half


def draw() -> Figure:
    """Slope against x_half: does x_half rise and k fall from the baseline to the variant?"""
    axis = plot_k_against_x_half(demonstration.fit())
    return axis.get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

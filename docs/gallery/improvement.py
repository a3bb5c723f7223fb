"""Improvement: the headline factor of every setting, of their average and of a new setting.

Filled markers rest on data, hollow ones are extrapolated; the table is ``fit.improvement().summary``.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

import hillfront as hf


def draw() -> Figure:
    """Improvement: the headline factor of every setting, of their average and of a new setting."""
    axis = hf.plot_improvement(demonstration.fit().improvement())
    return axis.get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

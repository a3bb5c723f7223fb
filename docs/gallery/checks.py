"""Checks: does the model fit, and do the data make the result?

Leave-one-out predictions, residuals, their signs along each curve, and the headline's prior.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

import hillfront as hf


def draw() -> Figure:
    """Draw the checks: does the model fit, and do the data make the result?"""
    axes = hf.plot_checks(demonstration.fit())
    return axes[0].get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

"""Anatomy of a comparison: both gains are distances between two curves, along the two axes.

The numbers are posterior medians at a hit and an L0 inside the range that both frontiers observed.
"""

from __future__ import annotations

import demonstration
import numpy as np
from matplotlib.figure import Figure

import hillfront as hf

SETTING, HIT, L0 = "resid / 20", 0.03, 70


def draw() -> Figure:
    """Anatomy of a comparison: both gains are distances between two curves, along the two axes."""
    fit = demonstration.fit()
    (axis,) = hf.plot_frontiers(fit, settings=[SETTING], band="expectation")
    here = fit.improvement(at_hit=[HIT], at_l0=[L0]).summary.query("site == 'resid' and layer == '20'")
    median = here.dropna(subset=["at"]).set_index("quantity")["median"]
    gain, reduction = median["sparsity_gain"], median["hit_reduction"]

    # Where the arrows end: on the baseline's curve, and a factor away from it.
    grid = np.geomspace(5, 2000, 400)
    curve = fit.predict(l0=grid, settings=[SETTING], variants=[fit.baseline])["expectation"]
    hits = curve.median(("chain", "draw")).to_numpy().ravel()
    x, y = 1 / np.interp(-HIT, -hits, grid), np.interp(L0, grid, hits)

    arrow = {"arrowstyle": "<->", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (x, HIT), (x * gain, HIT), arrowprops=arrow)
    axis.annotate("", (1 / L0, y), (1 / L0, y / reduction), arrowprops=arrow)
    text = {"textcoords": "offset points", "fontsize": "small"}
    axis.annotate(
        f"hit reduction at an L0 of {L0:g}:\n{reduction:.1f} times smaller hit",
        (1 / L0, y),
        xytext=(0, 14),
        ha="right",
        **text,
    )
    axis.annotate(
        f"sparsity gain at a hit of {HIT:g}:\n{gain:.1f} times fewer active latents",
        (x * gain, HIT),
        xytext=(4, -74),
        ha="center",
        **text,
    )
    figure = axis.get_figure(root=True)
    figure.set_size_inches(6.8, 4.8)
    return figure


if __name__ == "__main__":
    demonstration.main(draw, __file__)

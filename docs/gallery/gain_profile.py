"""Gain profile: how many times fewer active latents, against the hit.

Full where both frontiers have data, dashed and pale where the gain is extrapolated.
"""

from __future__ import annotations

import demonstration
from matplotlib.figure import Figure

import hillfront as hf


def draw() -> Figure:
    """Gain profile: how many times fewer active latents, against the hit."""
    axes = hf.plot_gain_profile(demonstration.fit())
    return axes[0].get_figure(root=True)


if __name__ == "__main__":
    demonstration.main(draw, __file__)

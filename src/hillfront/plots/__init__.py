"""Figures. Each function takes axes, or makes them, and returns what it drew on; none shows or saves.

One module per figure, with its panels, labels and legend; colours and markers are in
:mod:`~hillfront.plots.style`, the layout of legends, panels and ticks in :mod:`~hillfront.plots.axes`.
Nothing is computed here that a table does not have.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hillfront.plots.checks import plot_checks
    from hillfront.plots.families import plot_families
    from hillfront.plots.forest import plot_improvement
    from hillfront.plots.frontier import plot_frontiers
    from hillfront.plots.gain_profile import plot_gain_profile
    from hillfront.plots.k_x_half import plot_k_against_x_half
    from hillfront.plots.prior import plot_prior
    from hillfront.plots.shrinkage import plot_shrinkage

__all__ = [
    "plot_checks",
    "plot_families",
    "plot_frontiers",
    "plot_gain_profile",
    "plot_improvement",
    "plot_k_against_x_half",
    "plot_prior",
    "plot_shrinkage",
]

# Each figure loads its module on first use, so that a fit loads none that it does not draw.
_HOME = {
    "plot_checks": "checks",
    "plot_families": "families",
    "plot_frontiers": "frontier",
    "plot_gain_profile": "gain_profile",
    "plot_improvement": "forest",
    "plot_k_against_x_half": "k_x_half",
    "plot_prior": "prior",
    "plot_shrinkage": "shrinkage",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'hillfront.plots' has no attribute {name!r}; public names: {', '.join(__all__)}"
        )
    return getattr(importlib.import_module(f"hillfront.plots.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

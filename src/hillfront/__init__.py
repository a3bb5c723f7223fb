"""hillfront: is this sparse autoencoder really better, and by what factor?

Bayesian curve fits to sparsity-fidelity frontiers. Start with :class:`Frontiers` and :func:`fit`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hillfront.datasets import load_dataset
    from hillfront.fits.compare import compare_curves
    from hillfront.fits.fitting import fit, prepare
    from hillfront.fits.frontier_fit import FrontierFit
    from hillfront.fits.simulation import simulate
    from hillfront.frontiers.table import Frontiers
    from hillfront.plots import (
        plot_checks,
        plot_families,
        plot_frontiers,
        plot_gain_profile,
        plot_improvement,
        plot_prior,
    )
    from hillfront.readers.saebench import read_saebench

__all__ = [
    "FrontierFit",
    "Frontiers",
    "compare_curves",
    "fit",
    "load_dataset",
    "plot_checks",
    "plot_families",
    "plot_frontiers",
    "plot_gain_profile",
    "plot_improvement",
    "plot_prior",
    "prepare",
    "read_saebench",
    "simulate",
]

__version__ = "0.1.0"

# Public names load their module on first use: PyMC alone takes seconds, and `hillfront --help` needs none.
_HOME = {
    "FrontierFit": "hillfront.fits.frontier_fit",
    "Frontiers": "hillfront.frontiers.table",
    "compare_curves": "hillfront.fits.compare",
    "fit": "hillfront.fits.fitting",
    "load_dataset": "hillfront.datasets",
    "plot_checks": "hillfront.plots",
    "plot_families": "hillfront.plots",
    "plot_frontiers": "hillfront.plots",
    "plot_gain_profile": "hillfront.plots",
    "plot_improvement": "hillfront.plots",
    "plot_prior": "hillfront.plots",
    "prepare": "hillfront.fits.fitting",
    "read_saebench": "hillfront.readers.saebench",
    "simulate": "hillfront.fits.simulation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'hillfront' has no attribute {name!r}; public names: {', '.join(__all__)}"
        )
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

"""The choice of a sampler for a design."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.sampling.compiled.layout import layout_of
from hillfront.sampling.nutpie_run import Sampler, nutpie_misfit

__all__ = ["sampler_of"]


def sampler_of(frontiers: Frontiers, design: Design, priors: Mapping[str, Any]) -> Sampler:
    """Make a design ready to be sampled.

    Both samplers have the same posterior; the compiled density starts in a fraction of the time. Where the
    installed nutpie may not be able to take it, a warning says so, and the PyMC model is compiled.

    Parameters
    ----------
    frontiers : Frontiers
        A table of the design.
    design : Design
    priors : mapping of str to Distribution, Prior or float
        As from :func:`hillfront.model.priors.resolve_priors`.
    """
    layout = layout_of(design, priors)
    misfit = "" if layout is None else nutpie_misfit()
    if misfit:
        warnings.warn(
            f"hillfront's compiled density is not used with nutpie {version('nutpie')}: {misfit}. PyMC "
            f"{version('pymc')} compiles the model, with the same posterior, and sampling starts later.",
            RuntimeWarning,
            stacklevel=2,
        )
    elif layout is not None:
        from hillfront.sampling.compiled.sampler import DensitySampler

        return DensitySampler.of(layout, priors)
    from hillfront.sampling.pymc_sampler import GraphSampler

    return GraphSampler.of(frontiers, design, priors)

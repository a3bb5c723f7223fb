"""Which sampler a design gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.sampling.compiled.layout import layout_of
from hillfront.sampling.nutpie_run import Sampler

__all__ = ["sampler_of"]


def sampler_of(frontiers: Frontiers, design: Design, priors: Mapping[str, Any]) -> Sampler:
    """Make a design ready to be sampled.

    Both samplers have the same posterior; the compiled density starts in a fraction of the time.

    Parameters
    ----------
    frontiers : Frontiers
        A table of the design.
    design : Design
    priors : mapping of str to Distribution, Prior or float
        As from :func:`hillfront.model.priors.resolve_priors`.
    """
    layout = layout_of(design, priors)
    if layout is not None:
        from hillfront.sampling.compiled.sampler import DensitySampler

        return DensitySampler.of(layout, priors)
    from hillfront.sampling.pymc_sampler import GraphSampler

    return GraphSampler.of(frontiers, design, priors)

"""The sparsity gain as a function of the hit: draw by draw, with the range that both frontiers observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hillfront.estimands.draws import curve_draws
from hillfront.estimands.ratios import Parameters, sparsity_gain
from hillfront.frontiers.ranges import NOWHERE, Range, observed_ranges, shared_range
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design

Floats = NDArray[np.float64]

__all__ = ["Comparison", "average_gains", "comparisons_of", "gains_at", "observed_by_all"]


@dataclass(frozen=True)
class Comparison:
    """A variant and the baseline in one setting, as far as their gain along the hit goes.

    Attributes
    ----------
    variant, setting : str
    curves : (mapping, mapping)
        Draws of the natural parameters of the variant and of the baseline.
    own : Range
        Hits of the two frontiers together: from the lowest of either to the highest of either.
    shared : Range
        Hits that both observed; without inside if there are none.
    """

    variant: str
    setting: str
    curves: tuple[Parameters, Parameters]
    own: Range
    shared: Range


def comparisons_of(
    posterior: xr.Dataset, frontiers: Frontiers, design: Design
) -> dict[tuple[str, str], Comparison]:
    """Every variant beside the baseline, by (variant, setting), where both have data."""
    curves = curve_draws(posterior, design)
    ranges = observed_ranges(frontiers)
    found: dict[tuple[str, str], Comparison] = {}
    for g, setting in enumerate(design.settings):
        for v, variant in enumerate(design.variants[1:], start=1):
            if (variant, setting) not in ranges or (design.baseline, setting) not in ranges:
                continue
            hits = [ranges[name, setting]["hit"] for name in (variant, design.baseline)]
            found[variant, setting] = Comparison(
                variant,
                setting,
                curves=(
                    {name: values[g, v] for name, values in curves.items()},
                    {name: values[g, 0] for name, values in curves.items()},
                ),
                own=Range(min(h.low for h in hits), max(h.high for h in hits)),
                shared=shared_range(
                    ranges, variant=variant, baseline=design.baseline, setting=setting, of="hit"
                ),
            )
    return found


def gains_at(hit: Floats, comparison: Comparison, design: Design) -> Floats:
    """Sparsity gain of each draw at each hit, shape (hit, sample)."""
    variant, baseline = comparison.curves
    scale = design.scales[design.settings.index(comparison.setting)]
    return sparsity_gain(design.family, variant, baseline, hit[:, None], scale=scale)


def average_gains(hit: Floats, comparisons: Mapping[str, Comparison], design: Design) -> Floats:
    """Geometric mean of the gain over settings, shape (hit, sample).

    Parameters
    ----------
    hit : array, shape (hit,)
    comparisons : mapping of str to Comparison
        One variant's comparisons by setting, at least one.
    design : Design
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [np.log(gains_at(hit, comparison, design)) for comparison in comparisons.values()]
        return np.asarray(np.exp(np.mean(logs, axis=0)))


def observed_by_all(comparisons: Mapping[str, Comparison]) -> Range:
    """Hits inside the shared range of every setting, where the table calls an average observed."""
    observed = reduce(and_, (comparison.shared for comparison in comparisons.values()))
    return observed if observed else NOWHERE

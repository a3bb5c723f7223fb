"""The quantities that compare two curves: how each is computed, and on what it rests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hillfront.curves.family import CurveFamily
from hillfront.estimands.comparisons import AVERAGE, Comparison
from hillfront.estimands.ratios import (
    hit_reduction,
    mean_hit_reduction,
    mean_sparsity_gain,
    parameter_ratio,
    sparsity_gain,
)
from hillfront.frontiers.ranges import NOWHERE, Range

Floats = NDArray[np.float64]
Ranges = Mapping[str, Range]

__all__ = ["AT_DIMS", "DEFAULT_AT_HIT", "DEFAULT_AT_L0", "Quantity", "quantities_of", "reported"]

DEFAULT_AT_HIT: Final = (0.02, 0.05, 0.1)
DEFAULT_AT_L0: Final = (20.0, 50.0, 100.0)

AT_DIMS: Final = {"sparsity_gain": "hit", "sparsity_gain_nats": "nats", "hit_reduction": "l0"}
"""Dimension of what a quantity is taken at, of those that are."""


@dataclass(frozen=True)
class Quantity:
    """One quantity.

    Attributes
    ----------
    name : str
    at : float
        The hit, L0 or loss difference at which it is taken; NaN for those that have none.
    compute : callable
        From a comparison in a setting to draws of the quantity.
    support : callable
        From a comparison in a setting to ``observed``, ``extrapolated`` or ``none``.
    """

    name: str
    at: float
    compute: Callable[[Comparison], Floats]
    support: Callable[[Comparison], str]

    def of(self, comparison: Comparison) -> tuple[str, Floats]:
        """Support and draws in a setting or a new one; draws are NaN where the support is ``none``."""
        support = self.support(comparison)
        if support == "none":
            return support, np.full_like(next(iter(comparison.curves[0].values())), np.nan)
        # No data of a new setting exists, so nothing about it is observed.
        return "extrapolated" if comparison.parts else support, self.compute(comparison)


def reported(quantity: Quantity, compared: Sequence[Comparison]) -> dict[str, tuple[str, Floats]]:
    """Support and draws of a quantity in every scope of one variant, by the label along ``setting``.

    The average is the geometric mean over the settings that have a value; without any, there is neither an
    average nor a new setting.
    """
    own = {comparison.setting: quantity.of(comparison) for comparison in compared if not comparison.parts}
    usable = [values for support, values in own.values() if support != "none"]
    above = {}
    for comparison in compared:
        if not comparison.parts or not usable:
            continue
        if comparison.scope != AVERAGE:
            above[comparison.setting] = quantity.of(comparison)
            continue
        supports = {support for support, _ in own.values() if support != "none"}
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.exp(np.mean([np.log(values) for values in usable], axis=0))
        above[comparison.setting] = ("observed" if supports == {"observed"} else "extrapolated", mean)
    return above | own


def quantities_of(
    family: CurveFamily, *, at_hit: Sequence[float], at_l0: Sequence[float], at_nats: Sequence[float]
) -> Iterator[Quantity]:
    """Yield every quantity of a family, the headline means first."""
    yield Quantity("mean_sparsity_gain", np.nan, _mean_gain, lambda pair: _mean_support(pair.hits))
    yield Quantity("mean_hit_reduction", np.nan, _mean_reduction, lambda pair: _mean_support(pair.sparsities))
    for hit in at_hit:
        yield Quantity("sparsity_gain", hit, _gain_at(hit), _inside_hits(hit))
    for nats in at_nats:
        yield Quantity("sparsity_gain_nats", nats, _gain_at_nats(nats), _nats_support(nats))
    for l0 in at_l0:
        yield Quantity("hit_reduction", l0, _reduction_at(l0), _inside_sparsities(1.0 / l0))
    for name, (parameter, sign) in family.ratios.items():
        # x_half is the sparsity at a hit of one half, so that is the place its ratio is read at.
        support = _inside_hits(0.5) if parameter == "x_half" else _slopes_support
        yield Quantity(name, np.nan, _ratio_of(parameter, sign), support)


def _mean_gain(pair: Comparison) -> Floats:
    return mean_sparsity_gain(pair.family, *pair.curves, pair.hits.low, pair.hits.high, scale=pair.scale)


def _mean_reduction(pair: Comparison) -> Floats:
    ends = pair.sparsities
    return mean_hit_reduction(pair.family, *pair.curves, ends.low, ends.high, scale=pair.scale)


def _gain_at(hit: float) -> Callable[[Comparison], Floats]:
    return lambda pair: sparsity_gain(pair.family, *pair.curves, hit, scale=pair.scale)


def _gain_at_nats(nats: float) -> Callable[[Comparison], Floats]:
    """Gain at one loss difference, which is a hit of its own for each curve's loss of the ablated model."""

    def compute(pair: Comparison) -> Floats:
        hit, baseline_hit = (nats / loss for loss in pair.losses)
        return sparsity_gain(pair.family, *pair.curves, hit, scale=pair.scale, baseline_hit=baseline_hit)

    return compute


def _reduction_at(l0: float) -> Callable[[Comparison], Floats]:
    return lambda pair: hit_reduction(pair.family, *pair.curves, 1.0 / l0, scale=pair.scale)


def _ratio_of(name: str, sign: int) -> Callable[[Comparison], Floats]:
    return lambda pair: parameter_ratio(*pair.curves, name=name, sign=sign)


def _mean_support(shared: Range) -> str:
    return "observed" if shared else "none"


def _inside_hits(hit: float) -> Callable[[Comparison], str]:
    return lambda pair: "observed" if hit in pair.hits else "extrapolated"


def _inside_sparsities(reciprocal_l0: float) -> Callable[[Comparison], str]:
    def support(pair: Comparison) -> str:
        if reciprocal_l0 <= pair.scale.offset:
            return "none"  # at the dense limit both hits vanish
        return "observed" if reciprocal_l0 in pair.sparsities else "extrapolated"

    return support


def _nats_support(nats: float) -> Callable[[Comparison], str]:
    def support(pair: Comparison) -> str:
        hits = [nats / loss for loss in pair.losses]
        bounded = pair.family.bounded
        if not all(np.isfinite(hit) and (hit < 1.0 or not bounded) for hit in hits):
            return "none"
        own = [ranges.get("hit", NOWHERE) for ranges in pair.own]
        inside = all(hit in range_ for hit, range_ in zip(hits, own, strict=True))
        return "observed" if inside else "extrapolated"

    return support


def _slopes_support(pair: Comparison) -> str:
    """A ratio of slopes rests on data where both curves have two distinct L0 values."""
    seen = all(bool(ranges.get("sparsity", NOWHERE)) for ranges in pair.own)
    return "observed" if seen else "extrapolated"

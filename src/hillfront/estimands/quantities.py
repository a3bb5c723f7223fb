"""The quantities that compare two curves: how each is computed, and on what it rests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hillfront.curves.family import CurveFamily
from hillfront.curves.sparsity import SparsityScale
from hillfront.estimands.ratios import (
    Parameters,
    hit_reduction,
    mean_hit_reduction,
    mean_sparsity_gain,
    parameter_ratio,
    sparsity_gain,
)
from hillfront.frontiers.ranges import NOWHERE, Range

Floats = NDArray[np.float64]
Ranges = Mapping[str, Range]

__all__ = ["DEFAULT_AT_HIT", "DEFAULT_AT_L0", "Pair", "Quantity", "quantities_of"]

DEFAULT_AT_HIT: Final = (0.02, 0.05, 0.1)
DEFAULT_AT_L0: Final = (20.0, 50.0, 100.0)


@dataclass(frozen=True)
class Pair:
    """A variant and the baseline in one setting, observed or not.

    Attributes
    ----------
    family : CurveFamily
    variant, baseline : mapping of str to array
        Draws of the natural parameters.
    hits, sparsities : Range
        Hits, and values of 1/L0, that both observed; without inside if there are none.
    own : (mapping, mapping)
        Ranges of ``hit`` and ``sparsity`` of the variant and of the baseline; empty for a setting without
        data.
    scale : SparsityScale
    losses : (float, float)
        Loss of the ablated model above the base model, in nats, by which the hits of the variant and of the
        baseline are divided; NaN where unknown.
    """

    family: CurveFamily
    variant: Parameters
    baseline: Parameters
    hits: Range
    sparsities: Range
    own: tuple[Ranges, Ranges]
    scale: SparsityScale
    losses: tuple[float, float]


@dataclass(frozen=True)
class Quantity:
    """One quantity.

    Attributes
    ----------
    name : str
    at : float
        The hit, L0 or loss difference where it is taken; NaN for those without a place.
    compute : callable
        From a pair to draws of the quantity.
    support : callable
        From a pair to ``observed``, ``extrapolated`` or ``none``.
    """

    name: str
    at: float
    compute: Callable[[Pair], Floats]
    support: Callable[[Pair], str]


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


def _mean_gain(pair: Pair) -> Floats:
    return mean_sparsity_gain(
        pair.family, pair.variant, pair.baseline, pair.hits.low, pair.hits.high, scale=pair.scale
    )


def _mean_reduction(pair: Pair) -> Floats:
    ends = pair.sparsities
    return mean_hit_reduction(pair.family, pair.variant, pair.baseline, ends.low, ends.high, scale=pair.scale)


def _gain_at(hit: float) -> Callable[[Pair], Floats]:
    return lambda pair: sparsity_gain(pair.family, pair.variant, pair.baseline, hit, scale=pair.scale)


def _gain_at_nats(nats: float) -> Callable[[Pair], Floats]:
    """Gain at one loss difference, which is a hit of its own for each curve's loss of the ablated model."""

    def compute(pair: Pair) -> Floats:
        hit, baseline_hit = (nats / loss for loss in pair.losses)
        return sparsity_gain(
            pair.family, pair.variant, pair.baseline, hit, scale=pair.scale, baseline_hit=baseline_hit
        )

    return compute


def _reduction_at(l0: float) -> Callable[[Pair], Floats]:
    return lambda pair: hit_reduction(pair.family, pair.variant, pair.baseline, 1.0 / l0, scale=pair.scale)


def _ratio_of(name: str, sign: int) -> Callable[[Pair], Floats]:
    return lambda pair: parameter_ratio(pair.variant, pair.baseline, name=name, sign=sign)


def _mean_support(shared: Range) -> str:
    return "observed" if shared else "none"


def _inside_hits(hit: float) -> Callable[[Pair], str]:
    return lambda pair: "observed" if hit in pair.hits else "extrapolated"


def _inside_sparsities(reciprocal_l0: float) -> Callable[[Pair], str]:
    def support(pair: Pair) -> str:
        if reciprocal_l0 <= pair.scale.offset:
            return "none"  # at the dense limit both hits vanish
        return "observed" if reciprocal_l0 in pair.sparsities else "extrapolated"

    return support


def _nats_support(nats: float) -> Callable[[Pair], str]:
    def support(pair: Pair) -> str:
        hits = [nats / loss for loss in pair.losses]
        bounded = pair.family.bounded
        if not all(np.isfinite(hit) and (hit < 1.0 or not bounded) for hit in hits):
            return "none"
        own = [ranges.get("hit", NOWHERE) for ranges in pair.own]
        inside = all(hit in range_ for hit, range_ in zip(hits, own, strict=True))
        return "observed" if inside else "extrapolated"

    return support


def _slopes_support(pair: Pair) -> str:
    """A ratio of slopes rests on data where both curves have two distinct L0 values."""
    seen = all(bool(ranges.get("sparsity", NOWHERE)) for ranges in pair.own)
    return "observed" if seen else "extrapolated"

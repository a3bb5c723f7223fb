"""Ratios of two curves of one family, draw by draw.

Each function takes the natural parameters of the variant and of the baseline as arrays that broadcast, and
returns the quantity for each. Nothing here is a difference of summaries. Curves are functions of the sparsity
in their setting's :class:`SparsityScale`; gains are ratios of L0, whatever that scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hillfront.curves.family import CurveFamily
from hillfront.curves.sparsity import SparsityScale

Floats = NDArray[np.float64]
FloatLike = Floats | np.float64 | float
Parameters = Mapping[str, Floats]

_PLAIN = SparsityScale()

__all__ = [
    "crossing_l0",
    "hit_reduction",
    "link_gap",
    "mean_hit_reduction",
    "mean_log_over",
    "mean_sparsity_gain",
    "parameter_ratio",
    "sparsity_gain",
]

# Gauss-Legendre nodes on (-1, 1): the integrands are smooth, and 32 nodes leave an error far below 1e-10.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)


def mean_log_over(function: Callable[[Floats], Floats], low: FloatLike, high: FloatLike) -> Floats:
    """Mean of ``log function(t)`` over log t from low to high, by fixed quadrature.

    Examples
    --------
    >>> round(float(mean_log_over(lambda t: t**2, np.asarray(1.0), np.asarray(np.e))), 12)
    1.0
    """
    middle, half = 0.5 * (np.log(low) + np.log(high)), 0.5 * (np.log(high) - np.log(low))
    total = np.zeros(np.broadcast_shapes(np.shape(middle)))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        with np.errstate(divide="ignore"):
            total = total + 0.5 * weight * np.log(function(np.exp(middle + half * node)))
    return np.asarray(total)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Ratio of two quantities that a straight line may take to zero and below, where they count as zero.

    A line that never comes down to a hit needs infinitely many active latents for it: the gain is then 0, or
    infinite where only the baseline fails, and undefined (NaN) where both do.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.maximum(top, 0.0) / np.maximum(bottom, 0.0))


def _latents_saved(scale: SparsityScale, x: Floats) -> Floats:
    """1/L0 at x; 0, infinitely many latents, where a straight line would reach the hit at negative x only."""
    return np.where(np.less(x, 0.0), 0.0, scale.reciprocal(x))


def sparsity_gain(
    family: CurveFamily,
    variant: Parameters,
    baseline: Parameters,
    hit: FloatLike,
    *,
    scale: SparsityScale = _PLAIN,
    baseline_hit: FloatLike | None = None,
) -> Floats:
    r"""Compute how many times fewer active latents the variant needs for the same hit.

    ``L0_b(y) / L0_v(y)``; without a dense limit ``x_v(y) / x_b(y)``, in the Hill family
    ``(x_half_v / x_half_b) exp(logit(y) (1 / k_v - 1 / k_b))``.

    Parameters
    ----------
    family : CurveFamily
    variant, baseline : mapping of str to array
        Natural parameters of the two curves.
    hit : array
        Performance hit at which to compare.
    scale : SparsityScale
        The sparsity in which the curves were fitted.
    baseline_hit : array, optional
        The baseline's hit where the two are measured on different scales, such as a loss difference under
        mean and under zero ablation.

    Examples
    --------
    >>> from hillfront.curves.families import HILL
    >>> float(sparsity_gain(HILL, {"x_half": 4.0, "k": 0.8}, {"x_half": 2.0, "k": 0.8}, 0.5))
    2.0
    """
    x_variant = family.inverse(hit, **variant)
    x_baseline = family.inverse(hit if baseline_hit is None else baseline_hit, **baseline)
    return _ratio(_latents_saved(scale, x_variant), _latents_saved(scale, x_baseline))


def hit_reduction(
    family: CurveFamily,
    variant: Parameters,
    baseline: Parameters,
    reciprocal_l0: FloatLike,
    *,
    scale: SparsityScale = _PLAIN,
) -> Floats:
    """Compute how many times smaller the variant's hit is at the same 1/L0, ``f_b(x) / f_v(x)``."""
    x = scale.from_reciprocal(reciprocal_l0)
    return _ratio(family.value(x, **baseline), family.value(x, **variant))


def mean_sparsity_gain(
    family: CurveFamily,
    variant: Parameters,
    baseline: Parameters,
    low: FloatLike,
    high: FloatLike,
    *,
    scale: SparsityScale = _PLAIN,
) -> Floats:
    """Geometric mean of the sparsity gain over log hit, from low to high.

    The analogue of Bjontegaard's delta rate (G. Bjontegaard, 2001, Calculation of average PSNR differences
    between RD-curves, ITU-T VCEG-M33), with the curves in place of interpolation.
    """
    if family.mean_log_inverse is not None and scale.dense is None:
        difference = family.mean_log_inverse(low, high, **variant) - family.mean_log_inverse(
            low, high, **baseline
        )
        return np.asarray(np.exp(difference))
    gain = partial(sparsity_gain, family, variant, baseline, scale=scale)
    return np.exp(mean_log_over(gain, low, high))


def mean_hit_reduction(
    family: CurveFamily,
    variant: Parameters,
    baseline: Parameters,
    low: FloatLike,
    high: FloatLike,
    *,
    scale: SparsityScale = _PLAIN,
) -> Floats:
    """Geometric mean of the hit reduction over log 1/L0, from low to high."""
    if family.mean_log_value is not None and scale.dense is None:
        ends = (scale.unit * low, scale.unit * high)
        difference = family.mean_log_value(*ends, **baseline) - family.mean_log_value(*ends, **variant)
        return np.asarray(np.exp(difference))
    reduction = partial(hit_reduction, family, variant, baseline, scale=scale)
    return np.exp(mean_log_over(reduction, low, high))


def parameter_ratio(variant: Parameters, baseline: Parameters, *, name: str, sign: int) -> Floats:
    """Ratio of one natural parameter: variant over baseline for sign +1, baseline over variant for -1."""
    ratio = np.asarray(variant[name] / baseline[name])
    return ratio if sign > 0 else 1.0 / ratio


def link_gap(
    family: CurveFamily,
    variant: Parameters,
    baseline: Parameters,
    reciprocal_l0: FloatLike,
    *,
    margin: float = 1.0,
    scale: SparsityScale = _PLAIN,
) -> Floats:
    """Compute how far the variant's curve lies below the baseline's at 1/L0, on the link scale.

    Positive is better. With a margin m, the variant is read at ``m / L0``: it is better only where it
    reaches the baseline's hit with m times fewer active latents. In each family the curves are straight lines
    of the link against the coordinate, and so is their gap: its sign over a range is decided at the two ends.
    (With a dense limit and a margin besides, the two are read at sparsities whose ratio changes, and the gap
    may bend.)
    """
    with np.errstate(divide="ignore"):
        at_variant = family.line(scale.from_reciprocal(margin * reciprocal_l0), **variant)
    return np.asarray(family.line(scale.from_reciprocal(reciprocal_l0), **baseline) - at_variant)


def crossing_l0(
    family: CurveFamily,
    low: float,
    high: float,
    gap_low: FloatLike,
    gap_high: FloatLike,
    *,
    scale: SparsityScale = _PLAIN,
) -> Floats:
    """L0 at which the gap is zero, from its values at two ends in 1/L0; NaN where they share a sign."""
    crosses = np.sign(gap_low) != np.sign(gap_high)
    start, end = (family.coordinate(scale.from_reciprocal(end)) for end in (low, high))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(crosses, gap_low / (gap_low - gap_high), np.nan)
    return np.asarray(scale.l0(family.from_coordinate(start + (end - start) * share)))

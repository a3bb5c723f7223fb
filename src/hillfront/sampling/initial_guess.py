"""Robust least-squares fits of single curves, for initial values and centring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hillfront.curves.sparsity import REFERENCE_SPARSITY
from hillfront.model.design import Design
from hillfront.utils.robust_least_squares import robust_jacobian, solve_robust

Floats = NDArray[np.float64]

__all__ = ["CurveGuesses", "curve_guesses"]

_EDGE = 0.002
"""Distance of hits from 0 and 1, so that they have a logit; for guesses only."""

_USUAL_SCATTER = 0.1
"""Scatter on the logit scale where there are too few SAEs to estimate it."""

_CAUTION = 1.5
"""Factor on the errors: over simulated sets, true parameters lie 1.4 standard errors away."""


@dataclass(frozen=True)
class CurveGuesses:
    """Least-squares guesses of every curve.

    Attributes
    ----------
    theta, variance : array, shape (parameter, setting, variant)
        Sampled parameters and their squared standard errors; NaN for curves without data.
    """

    theta: Floats
    variance: Floats


def curve_guesses(data: Mapping[str, NDArray[Any]], design: Design) -> CurveGuesses:
    """Guess the sampled parameters of every curve by robust least squares, held by the prior."""
    family = design.family
    centre = np.array([parameter.centre for parameter in family.sampled])
    spread = np.array([parameter.spread for parameter in family.sampled])
    if design.relative_sparsity:
        unit = np.log(design.reference.sparsity / REFERENCE_SPARSITY)
        centre = centre + unit * np.array([parameter.per_sparsity for parameter in family.sampled])
    x = data["sparsity"]
    target = _on_link(data["observed"], bounded=family.bounded)
    floor = _floor_on_link(target, bounded=family.bounded)
    scale = np.sqrt(0.3**2 + floor**2)

    def residuals(theta: Floats) -> Floats:
        with np.errstate(all="ignore"):
            value = family.value(x, **design.natural(*theta))
        return np.asarray((target - _on_link(np.nan_to_num(value), bounded=family.bounded)) / scale)

    shape = (len(design.settings), len(design.variants))
    # Curves with data only, numbered from 0.
    present, curve = np.unique(data["curve_index"], return_inverse=True)
    found = solve_robust(residuals, curve, centre, spread)
    scatter = _scatter(scale * residuals(found[:, curve]), n_parameters=found.size)
    error = _CAUTION * np.hypot(scatter, floor)
    weighted = robust_jacobian(residuals, curve, found) * scale / error
    precision = np.array(
        [[np.bincount(curve, one * other, minlength=len(present)) for other in weighted] for one in weighted]
    )
    inverse = np.linalg.inv(precision.T + np.diag(spread**-2.0))
    theta = np.full((len(centre), int(np.prod(shape))), np.nan)
    variance = np.full_like(theta, np.nan)
    theta[:, present] = found
    variance[:, present] = np.diagonal(inverse, axis1=1, axis2=2).T
    return CurveGuesses(theta.reshape(-1, *shape), variance.reshape(-1, *shape))


def _on_link(y: Floats, *, bounded: bool) -> Floats:
    if bounded:
        return np.asarray(special.logit(np.clip(y, _EDGE, 1 - _EDGE)))
    return np.asarray(np.log(np.maximum(y, 1e-12)))


def _floor_on_link(target: Floats, *, bounded: bool) -> Floats:
    """Return the error on the link scale of a hit that was moved by the edge."""
    if not bounded:
        return np.zeros_like(target)
    h = special.expit(target)
    return np.asarray(_EDGE / (h * (1.0 - h)))


def _scatter(residuals: Floats, *, n_parameters: int) -> float:
    """Estimate the scatter of all residuals robustly, for the degrees of freedom that are left."""
    dof = residuals.size - n_parameters
    if dof <= 0:
        return _USUAL_SCATTER
    scatter = 1.4826 * float(np.median(np.abs(residuals))) * np.sqrt(residuals.size / dof)
    return float(np.clip(scatter, 0.003, 1.0))

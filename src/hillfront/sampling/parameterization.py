"""Initial values of the chains and centring of the effects, both from least-squares guesses.

Neither changes the posterior. Chains start near each curve's own robust fit: from the centre of the prior, a
chain may enter a region where a curve treats some of its SAEs as outliers, which heavy tails allow, and stay
there, although it holds almost none of the posterior mass. Initial values are spread far wider than the
posterior, so that the agreement of the chains is evidence. Setting effects are centred as far as the data
determine them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hillfront.curves.sparsity import REFERENCE_SPARSITY
from hillfront.model.design import Design
from hillfront.model.pymc_model import effect_columns
from hillfront.model.zero_sum import zero_sum_basis
from hillfront.utils.robust_least_squares import robust_jacobian, solve_robust

__all__ = ["CurveGuesses", "Parameterization", "curve_guesses", "parameterization_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Parameterization:
    """Initial values and centring for one table.

    Attributes
    ----------
    initial_values : mapping of str to array
        Initial values of the variables that the guesses determine, by name.
    centring : array, shape (column,)
        From 0, non-centred, to 1, centred, for each column of effect coefficients; empty without settings.
    """

    initial_values: Mapping[str, Floats]
    centring: Floats


def parameterization_of(data: Mapping[str, NDArray[Any]], design: Design) -> Parameterization:
    """Choose initial values and centring for a table of the design."""
    guesses = curve_guesses(data, design)
    columns = effect_columns(design)
    if not np.isfinite(guesses.theta).any():
        return Parameterization({}, np.full(len(columns), 0.5))
    initial: dict[str, Floats] = {}
    coefficients, centring = [], []
    for guess, variance, parameter in zip(
        guesses.theta, guesses.variance, design.family.sampled, strict=True
    ):
        how, name = design.pooling[parameter.natural], parameter.name
        if isinstance(how, float):
            continue
        filled = _filled(guess)
        if how == "none":
            initial[name] = filled
            continue
        level = filled.mean(axis=0)
        if how == "common":
            level = np.full(len(design.variants), level.mean())
        initial[f"{name}_mean"] = np.asarray(level[0])
        initial[f"{name}_contrast"] = level[1:] - level[0]
        if not any(own == name for own, _ in columns):
            continue
        noise = float(np.nanmean(variance))
        for kind, part, usual in _effects(filled - level, parameter.setting, parameter.interaction):
            # The average over the variants is known better than a single curve.
            own_noise = noise / len(design.variants) if kind == "setting" else noise
            scale, centred = _scale_and_centring(part, own_noise, usual)
            initial[f"{name}_{kind}_sd"] = np.asarray(scale)
            coefficients.append(part / scale ** (1.0 - centred))
            centring += [centred] * part.shape[1]
    if coefficients:
        initial["effect_coefficients"] = np.hstack(coefficients)
    return Parameterization(initial, np.array(centring))


def _effects(deviations: Floats, setting: float, interaction: float) -> list[tuple[str, Floats, float]]:
    """Return the coefficients of setting and interaction effects, and the usual size of each."""
    n_settings, n_variants = deviations.shape
    over_settings = zero_sum_basis(n_settings).T @ deviations
    kinds = [("setting", over_settings.mean(axis=1, keepdims=True), setting)]
    if n_variants > 1:
        kinds.append(("interaction", over_settings @ zero_sum_basis(n_variants), interaction))
    return kinds


def _scale_and_centring(coefficients: Floats, noise: float, usual: float) -> tuple[float, float]:
    """Return the initial value of a standard deviation, and how far to centre its effects.

    Normal effects with standard deviation s, each seen with a squared error e, are uncorrelated a posteriori
    at c = s^2 / (s^2 + e) (O. Papaspiliopoulos, G. O. Roberts and M. Skoeld, 2007, A general
    framework for the parametrization of hierarchical models, Statistical Science 22,
    doi:10.1214/088342307000000014).
    """
    seen = float(np.mean(coefficients**2))
    variance = max(seen - noise, 0.0)
    scale = max(float(np.sqrt(seen)), usual / 4)
    return scale, variance / (variance + noise)


def _filled(guess: Floats) -> Floats:
    """Fill in curves without data: their variant's average over the settings, or that of all curves."""
    variant = np.array(
        [column[np.isfinite(column)].mean() if np.isfinite(column).any() else np.nan for column in guess.T]
    )
    variant = np.where(np.isnan(variant), np.nanmean(guess), variant)
    return np.where(np.isnan(guess), variant, guess)


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

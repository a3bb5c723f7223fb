"""The coordinates that a posterior is sampled in, and where its chains start, both from least squares.

Neither changes what is sampled. Chains start near each curve's own robust fit: from the centre of the
prior, a chain may fall into a corner where a curve gives up some of its SAEs as outliers, which heavy tails
allow, and stay in it, though it holds next to nothing of the posterior. Starts are spread far wider than
the posterior, so that chains which then agree have something to say. And group effects are centred as far
as the data fix them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from hillfront.design import Design
from hillfront.model import effect_columns, zero_sum_basis
from hillfront.sparsity import REFERENCE_SPARSITY

Floats = NDArray[np.float64]

__all__ = ["Coordinates", "CurveGuesses", "coordinates_of", "curve_guesses"]

_EDGE = 0.002
"""Hits are kept this far inside (0, 1) to have a logit; for guesses only."""

_USUAL_SCATTER = 0.1
"""Scatter on the logit scale where there are too few SAEs to see any."""


_CAUTION = 1.5
"""Squared errors are small samples' own: over simulated sets, true parameters lie 1.4 times as far off."""


@dataclass(frozen=True)
class CurveGuesses:
    """Least-squares guesses of every curve.

    Attributes
    ----------
    theta, variance : array, shape (parameter, group, variant)
        Sampled parameters and their squared standard errors; NaN for curves without data.
    """

    theta: Floats
    variance: Floats


@dataclass(frozen=True)
class Coordinates:
    """How to sample.

    Attributes
    ----------
    starts : mapping of str to array
        Start values of the variables that the guesses determine, by name.
    centring : array, shape (column,)
        From 0, non-centred, to 1, centred, for each column of effect coefficients; empty without groups.
    """

    starts: Mapping[str, Floats]
    centring: Floats


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

    def off(theta: Floats, own: NDArray[np.bool_]) -> Floats:
        with np.errstate(all="ignore"):
            value = family.value(x[own], **design.natural(*theta))
        return target[own] - _on_link(np.nan_to_num(value), bounded=family.bounded)

    floor = _floor_on_link(target, bounded=family.bounded)
    scale = np.sqrt(0.3**2 + floor**2)

    def residuals(theta: Floats, own: NDArray[np.bool_]) -> Floats:
        return np.concatenate([off(theta, own) / scale[own], (theta - centre) / spread])

    shape = (len(design.groups), len(design.variants))
    theta = np.full((len(centre), int(np.prod(shape))), np.nan)
    variance = np.full_like(theta, np.nan)
    left, jacobians = [], {}
    for curve in np.unique(data["cell"]):
        own = data["cell"] == curve
        found = optimize.least_squares(residuals, centre, loss="soft_l1", args=(own,), max_nfev=60)
        theta[:, curve] = found.x
        left.append(off(found.x, own))
        jacobians[curve] = scale[own, None] * found.jac[: own.sum()]
    scatter = _scatter(left, n_parameters=theta[:, list(jacobians)].size)
    for curve, jacobian in jacobians.items():
        error = _CAUTION * np.hypot(scatter, floor[data["cell"] == curve])
        weighted = jacobian / error[:, None]
        precision = weighted.T @ weighted + np.diag(spread**-2.0)
        variance[:, curve] = np.diag(np.linalg.inv(precision))
    return CurveGuesses(theta.reshape(-1, *shape), variance.reshape(-1, *shape))


def _on_link(y: Floats, *, bounded: bool) -> Floats:
    if bounded:
        return np.asarray(special.logit(np.clip(y, _EDGE, 1 - _EDGE)))
    return np.asarray(np.log(np.maximum(y, 1e-12)))


def _floor_on_link(target: Floats, *, bounded: bool) -> Floats:
    """What the additive floor of the scatter, or being moved to the edge, comes to on the link scale."""
    if not bounded:
        return np.zeros_like(target)
    h = special.expit(target)
    return np.asarray(_EDGE / (h * (1.0 - h)))


def _scatter(residuals: list[Floats], *, n_parameters: int) -> float:
    """Robust scatter of all residuals, for the degrees of freedom that are left."""
    values = np.concatenate(residuals) if residuals else np.empty(0)
    dof = values.size - n_parameters
    if dof <= 0:
        return _USUAL_SCATTER
    scatter = 1.4826 * float(np.median(np.abs(values))) * np.sqrt(values.size / dof)
    return float(np.clip(scatter, 0.003, 1.0))


def coordinates_of(data: Mapping[str, NDArray[Any]], design: Design) -> Coordinates:
    """Choose starts and centring for a table of the design."""
    guesses = curve_guesses(data, design)
    columns = effect_columns(design)
    if not np.isfinite(guesses.theta).any():
        return Coordinates({}, np.full(len(columns), 0.5))
    starts: dict[str, Floats] = {}
    coefficients, centring = [], []
    for guess, variance, parameter in zip(
        guesses.theta, guesses.variance, design.family.sampled, strict=True
    ):
        how, name = design.pooling[parameter.natural], parameter.name
        if isinstance(how, float):
            continue
        filled = _filled(guess)
        if how == "none":
            starts[f"{name}_curve"] = filled
            continue
        level = filled.mean(axis=0)
        if how == "common":
            level = np.full(len(design.variants), level.mean())
        starts[f"{name}_mean"] = np.asarray(level[0])
        starts[f"{name}_contrast"] = level[1:] - level[0]
        if not any(own == name for own, _ in columns):
            continue
        noise = float(np.nanmean(variance))
        for kind, part, usual in _effects(filled - level, parameter.group, parameter.interaction):
            # The average over the variants is known better than a single curve.
            own_noise = noise / len(design.variants) if kind == "group" else noise
            scale, centred = _scale_and_centring(part, own_noise, usual)
            starts[f"{name}_{kind}_sd"] = np.asarray(scale)
            coefficients.append(part / scale ** (1.0 - centred))
            centring += [centred] * part.shape[1]
    if coefficients:
        starts["effect_coefficients"] = np.hstack(coefficients)
    return Coordinates(starts, np.array(centring))


def _effects(deviations: Floats, group: float, interaction: float) -> list[tuple[str, Floats, float]]:
    """Coefficients of group and interaction effects, and the usual size of each."""
    n_groups, n_variants = deviations.shape
    over_groups = zero_sum_basis(n_groups).T @ deviations
    kinds = [("group", over_groups.mean(axis=1, keepdims=True), group)]
    if n_variants > 1:
        kinds.append(("interaction", over_groups @ zero_sum_basis(n_variants), interaction))
    return kinds


def _scale_and_centring(coefficients: Floats, noise: float, usual: float) -> tuple[float, float]:
    """Start value of a standard deviation, and how far to centre its effects.

    Normal effects with standard deviation s, each seen with a squared error e, have uncorrelated
    coordinates at c = s^2 / (s^2 + e) (O. Papaspiliopoulos, G. O. Roberts and M. Skoeld, 2007, A general
    framework for the parametrization of hierarchical models, Statistical Science 22,
    doi:10.1214/088342307000000014).
    """
    seen = float(np.mean(coefficients**2))
    variance = max(seen - noise, 0.0)
    scale = max(float(np.sqrt(seen)), usual / 4)
    return scale, variance / (variance + noise)


def _filled(guess: Floats) -> Floats:
    """Curves without data take their variant's average over the groups, or that of all curves."""
    variant = np.array(
        [column[np.isfinite(column)].mean() if np.isfinite(column).any() else np.nan for column in guess.T]
    )
    variant = np.where(np.isnan(variant), np.nanmean(guess), variant)
    return np.where(np.isnan(guess), variant, guess)

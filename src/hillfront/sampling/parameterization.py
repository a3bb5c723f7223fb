"""The coordinates that a posterior is sampled in, and where its chains start, both from least squares.

Neither changes what is sampled. Chains start near each curve's own robust fit: from the centre of the
prior, a chain may fall into a corner where a curve gives up some of its SAEs as outliers, which heavy tails
allow, and stay in it, though it holds next to nothing of the posterior. Starts are spread far wider than
the posterior, so that chains which then agree have something to say. And setting effects are centred as far
as the data fix them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hillfront.model.design import Design
from hillfront.model.pymc_model import effect_columns
from hillfront.model.zero_sum import zero_sum_basis
from hillfront.sampling.initial_guess import curve_guesses

Floats = NDArray[np.float64]

__all__ = ["Coordinates", "coordinates_of"]


@dataclass(frozen=True)
class Coordinates:
    """How to sample.

    Attributes
    ----------
    starts : mapping of str to array
        Start values of the variables that the guesses determine, by name.
    centring : array, shape (column,)
        From 0, non-centred, to 1, centred, for each column of effect coefficients; empty without settings.
    """

    starts: Mapping[str, Floats]
    centring: Floats


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
        for kind, part, usual in _effects(filled - level, parameter.setting, parameter.interaction):
            # The average over the variants is known better than a single curve.
            own_noise = noise / len(design.variants) if kind == "setting" else noise
            scale, centred = _scale_and_centring(part, own_noise, usual)
            starts[f"{name}_{kind}_sd"] = np.asarray(scale)
            coefficients.append(part / scale ** (1.0 - centred))
            centring += [centred] * part.shape[1]
    if coefficients:
        starts["effect_coefficients"] = np.hstack(coefficients)
    return Coordinates(starts, np.array(centring))


def _effects(deviations: Floats, setting: float, interaction: float) -> list[tuple[str, Floats, float]]:
    """Coefficients of setting and interaction effects, and the usual size of each."""
    n_settings, n_variants = deviations.shape
    over_settings = zero_sum_basis(n_settings).T @ deviations
    kinds = [("setting", over_settings.mean(axis=1, keepdims=True), setting)]
    if n_variants > 1:
        kinds.append(("interaction", over_settings @ zero_sum_basis(n_variants), interaction))
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
    """Curves without data take their variant's average over the settings, or that of all curves."""
    variant = np.array(
        [column[np.isfinite(column)].mean() if np.isfinite(column).any() else np.nan for column in guess.T]
    )
    variant = np.where(np.isnan(variant), np.nanmean(guess), variant)
    return np.where(np.isnan(guess), variant, guess)

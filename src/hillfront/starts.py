"""Where chains start: near each curve's own least squares, spread out.

The default start of a sampler is the centre of the prior. From there a chain may fall into a corner where a
curve gives up some of its SAEs as outliers, which heavy tails allow, and stay in it, though it holds next
to nothing of the posterior. Starts are spread far wider than the posterior, so that chains which then agree
have something to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from hillfront.design import Design
from hillfront.model import CENTRING, zero_sum_basis

if TYPE_CHECKING:
    import pymc as pm

Floats = NDArray[np.float64]

__all__ = ["curve_guesses", "start_values"]

_EDGE = 0.002
"""Hits are kept this far inside (0, 1) to have a logit; for starts only."""


def curve_guesses(data: Mapping[str, NDArray[Any]], design: Design) -> Floats:
    """Guess the sampled parameters of every curve by robust least squares, held by the prior.

    Returns
    -------
    array, shape (parameter, group, variant)
        NaN for curves without data.
    """
    family = design.family
    n_curves = len(design.groups) * len(design.variants)
    centre = np.array([parameter.centre for parameter in family.sampled])
    spread = np.array([parameter.spread for parameter in family.sampled])
    if design.relative_sparsity:
        unit = np.log(design.reference.sparsity / 0.02)
        centre = centre + unit * np.array([parameter.per_sparsity for parameter in family.sampled])
    x, y = data["sparsity"], data["observed"]
    target = _on_link(y, bounded=family.bounded)

    def residuals(theta: Floats, own: NDArray[np.bool_]) -> Floats:
        with np.errstate(all="ignore"):
            natural = design.natural(*theta)
            value = family.value(x[own], **natural)
        off = target[own] - _on_link(np.nan_to_num(value), bounded=family.bounded)
        return np.concatenate([off / 0.3, (theta - centre) / spread])

    guesses = np.full((len(family.sampled), n_curves), np.nan)
    for curve in np.unique(data["cell"]):
        own = data["cell"] == curve
        guesses[:, curve] = optimize.least_squares(
            residuals, centre, loss="soft_l1", args=(own,), max_nfev=60
        ).x
    return guesses.reshape(-1, len(design.groups), len(design.variants))


def _on_link(y: Floats, *, bounded: bool) -> Floats:
    if bounded:
        return np.asarray(special.logit(np.clip(y, _EDGE, 1 - _EDGE)))
    return np.asarray(np.log(np.maximum(y, 1e-12)))


def start_values(
    data: Mapping[str, NDArray[Any]], design: Design, model: pm.Model
) -> dict[str, tuple[Floats, bool]]:
    """Start values of the model's variables, by name, and whether they are sampled by their log.

    Only those that the curves' guesses determine; the others start where the sampler likes.
    """
    guesses = curve_guesses(data, design)
    if not np.isfinite(guesses).any():
        return {}
    values: dict[str, tuple[Floats, bool]] = {}
    parts, scales, centred = [], [], []
    n_groups, n_variants = len(design.groups), len(design.variants)
    over_groups, over_variants = zero_sum_basis(n_groups), zero_sum_basis(n_variants)
    for guess, parameter in zip(guesses, design.family.sampled, strict=True):
        how, name = design.pooling[parameter.natural], parameter.name
        if isinstance(how, float):
            continue
        filled = _filled(guess)
        if how == "none":
            values[f"{name}_curve"] = filled, False
            continue
        level = filled.mean(axis=0)
        if how == "common":
            level = np.full(n_variants, level.mean())
        values[f"{name}_mean"] = level[0], False
        values[f"{name}_contrast"] = level[1:] - level[0], False
        if how != "partial" or n_groups < 2:
            continue
        effects = over_groups.T @ (filled - level)
        kinds = [(effects.mean(axis=1, keepdims=True), "group", parameter.group)]
        if n_variants > 1:
            kinds.append((effects @ over_variants, "interaction", parameter.interaction))
        for coefficients, kind, usual in kinds:
            scale = max(float(np.sqrt(np.mean(coefficients**2))), usual / 4)
            values[f"{name}_{kind}_sd"] = np.asarray(scale), True
            parts.append(coefficients)
            scales.append(scale)
            centred.append(CENTRING[kind])
    if parts:
        values["effect_coefficients"] = (
            np.hstack(
                [part / scale ** (1.0 - c) for part, scale, c in zip(parts, scales, centred, strict=True)]
            ),
            False,
        )
    return values


def _filled(guess: Floats) -> Floats:
    """Curves without data take their variant's average over the groups, or that of all curves."""
    variant = np.array(
        [column[np.isfinite(column)].mean() if np.isfinite(column).any() else np.nan for column in guess.T]
    )
    variant = np.where(np.isnan(variant), np.nanmean(guess), variant)
    return np.where(np.isnan(guess), variant, guess)

"""Implications of draws of the curves' coordinates, at a hit and an L0 that no data choose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hillfront.estimands.draws import curve_draws, sample_axis_last
from hillfront.estimands.ratios import sparsity_gain
from hillfront.model.design import Design

Floats = NDArray[np.float64]

__all__ = ["Implied", "coordinate_of", "implied_of"]


@dataclass(frozen=True)
class Implied:
    """One quantity of every curve, or of every variant beside the baseline.

    Attributes
    ----------
    label : str
        What it is, for an axis.
    values : array, shape (setting, variant, sample)
        Of the variants apart from the baseline alone, where it compares.
    stated : bool
        Whether the prior is stated for it; it follows from stated ones if not.
    positive : bool
        Whether it belongs on a log scale.
    compares : bool
    """

    label: str
    values: Floats
    stated: bool
    positive: bool = True
    compares: bool = False


def coordinate_of(name: str, theta: Floats, design: Design, *, metric_label: str) -> tuple[str, Floats]:
    """Put a sampled coordinate, (setting, ...), into units that people read: its label, and its values."""
    parameter = next(own for own in design.family.sampled if own.name == name)
    label = parameter.coordinate.format(
        hit=design.hit_ref, metric=metric_label, reference=_reference_in_words(design)
    )
    values = np.exp(theta)
    if parameter.is_position:
        values = np.stack([scale.l0(own) for scale, own in zip(design.scales, values, strict=True)])
    return label, values


def _reference_in_words(design: Design) -> str:
    x_ref = design.reference.sparsity
    plain = all(scale.unit == 1.0 and scale.dense is None for scale in design.scales)
    return f"at an L0 of {1 / x_ref:g}" if plain else f"at a sparsity of {x_ref:g}"


def implied_of(draws: xr.Dataset, design: Design, *, metric_label: str) -> Iterator[Implied]:
    """Yield the position, the natural parameters, and the comparison with the baseline at the reference.

    Curves that reach any hit have their position at ``hit_ref``, and are compared by the sparsity gain there;
    straight lines, and costs, have it at the reference sparsity (an L0 of 50), and are compared by how many
    times smaller the hit is there. Neither depends on the data.
    """
    curves, family = curve_draws(draws, design), design.family
    first = family.sampled[0]
    at_hit = first.is_position
    hit, x_ref = design.hit_ref, design.reference.sparsity
    theta = sample_axis_last(draws[first.name], "setting", "variant")
    label, position = coordinate_of(first.name, theta, design, metric_label=metric_label)
    yield Implied(label, position, stated=True)
    for parameter in family.sampled:
        if not (at_hit and design.hit_ref == 0.5 and parameter.natural == "x_half"):
            yield Implied(
                parameter.words,
                curves[parameter.natural],
                stated=parameter.is_log_of_natural,
                positive=parameter.positive,
            )
    if len(design.variants) < 2:
        return
    variant = {name: values[:, 1:] for name, values in curves.items()}
    baseline = {name: values[:, :1] for name, values in curves.items()}
    if at_hit:
        label = f"sparsity gain over {design.baseline} at a hit of {hit:g}"
        gains = []
        for g, scale in enumerate(design.scales):
            own, other = ({name: values[g] for name, values in each.items()} for each in (variant, baseline))
            gains.append(sparsity_gain(family, own, other, hit, scale=scale))
        factor = np.stack(gains)
    else:
        label = f"times smaller {metric_label} {_reference_in_words(design)} than {design.baseline}"
        factor = family.value(x_ref, **baseline) / family.value(x_ref, **variant)
    yield Implied(label, factor, stated=False, compares=True)

"""A design and its data as the one array that the compiled density reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import lgamma, log, pi
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hillfront.curves.functions import MARGIN_AT_0, MARGIN_AT_1
from hillfront.model.design import Design
from hillfront.model.distributions import Distribution
from hillfront.model.zero_sum import over_variants
from hillfront.sampling.compiled import density
from hillfront.sampling.compiled.layout import CURVES, Layout

Floats = NDArray[np.float64]

__all__ = ["packed"]


def packed(layout: Layout, rows: Mapping[str, NDArray[Any]], centring: Floats) -> Floats:
    """Write everything that a density depends on into one array.

    Parameters
    ----------
    layout : Layout
    rows : mapping of str to array
        As from :func:`hillfront.model.data.row_data`.
    centring : array, shape (column,)
    """
    design = layout.design
    n_variants, n_rows = len(design.variants), rows["observed"].size
    curve, offset = _curve(design)
    names = [parameter.name for parameter in design.family.sampled]
    # A family with one coordinate has 0 in place of the second, as has a difference that is not there.
    fixed = [*(np.ravel(values) for values in layout.fixed.values()), np.zeros(1)]
    none = layout.n_free + sum(values.size for values in fixed) - 1
    header = np.zeros(density.HEADER)
    header[1:7] = (
        layout.n_free,
        none + 1 - layout.n_free,
        len(design.settings),
        n_variants,
        len(layout.columns),
        n_rows,
    )
    header[7:11] = curve, _spread(design), "nu" in design.likelihood.parameters, offset
    header[11:13] = MARGIN_AT_0, MARGIN_AT_1
    header[13:16] = [
        none if layout.place(name) < 0 else layout.place(name) for name in ("sigma", "tau", "nu")
    ]
    for index in range(2):
        places: tuple[float, ...] = (0.0, float(none), -1.0, -1.0)
        if index < len(names):
            places = _places(layout, names[index])
        header[16 + 4 * index : 20 + 4 * index] = places
    parts = [
        header,
        *(np.tile(_prior(block.prior), block.size) for block in layout.blocks),
        *fixed,
        over_variants(n_variants).ravel(),
        np.array([layout.place(f"{name}_{kind}_sd") for name, kind in layout.columns], dtype=np.float64),
        centring,
        rows["curve_index"],
        np.log(rows["sparsity"]),
        rows["observed"],
        np.broadcast_to(np.square(rows.get("se", 0.0)), n_rows),
    ]
    data = np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])
    data[0] = data.size
    return data


def _places(layout: Layout, name: str) -> tuple[float, ...]:
    """Of one coordinate: whether each curve has its own, first value, contrasts, first column of effects."""
    own = layout.place(f"{name}_curve")
    if own >= 0:
        return 1.0, own, -1.0, -1.0
    columns = [j for j, (column, _) in enumerate(layout.columns) if column == name]
    return 0.0, layout.place(f"{name}_mean"), layout.place(f"{name}_contrast"), columns[0] if columns else -1


def _curve(design: Design) -> tuple[int, float]:
    """Kind of the curve, and the number that it needs of the reference."""
    reference = design.reference
    kind = getattr(density, CURVES[design.family.value, design.family.natural])
    offsets = {
        density.HILL: log(reference.hit / (1.0 - reference.hit)),
        density.POWER: log(reference.hit),
        density.POWER_LEVEL: log(reference.sparsity),
        density.LINEAR: log(reference.sparsity),
    }
    return kind, offsets[kind]


def _spread(design: Design) -> int:
    if not design.family.bounded:
        return density.COST
    return density.SATURATING if design.family.saturates else density.INSIDE


def _prior(prior: Distribution) -> Floats:
    """Kind and numbers of a prior, its bound, and the constant of its density."""
    powers = density.POWER_AND_EXPONENTIAL
    known: dict[str, Callable[..., tuple[int, float, float, float, float]]] = {
        "Normal": lambda mu, sigma: (density.NORMAL, mu, sigma, 0.0, _PER_SIGMA - log(sigma)),
        "HalfNormal": lambda sigma: (density.NORMAL, 0.0, sigma, 0.0, log(2.0) + _PER_SIGMA - log(sigma)),
        "LogNormal": lambda mu, sigma: (density.LOG_NORMAL, mu, sigma, 0.0, _PER_SIGMA - log(sigma)),
        "Gamma": lambda alpha, beta: (powers, alpha - 1.0, beta, 0.0, alpha * log(beta) - lgamma(alpha)),
        "InverseGamma": lambda alpha, beta: (
            powers,
            -alpha - 1.0,
            0.0,
            beta,
            alpha * log(beta) - lgamma(alpha),
        ),
        "Exponential": lambda lam: (powers, 0.0, lam, 0.0, log(lam)),
        "HalfCauchy": lambda beta: (density.HALF_CAUCHY, beta, 0.0, 0.0, log(2.0 / (pi * beta))),
        "Pareto": lambda alpha, m: (powers, -alpha - 1.0, 0.0, 0.0, log(alpha) + alpha * log(m)),
    }
    *numbers, constant = known[prior.name](*prior.parameters)
    return np.array([*numbers, -np.inf if prior.bound is None else prior.bound, constant])


_PER_SIGMA: Final = -0.5 * log(2.0 * pi)

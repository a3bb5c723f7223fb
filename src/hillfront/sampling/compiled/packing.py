"""A design and its data as the one array that the compiled density reads."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hillfront.curves.functions import MARGIN_AT_0, MARGIN_AT_1
from hillfront.model.design import Design
from hillfront.model.distributions import Distribution
from hillfront.model.zero_sum import over_variants
from hillfront.sampling.compiled import density
from hillfront.sampling.compiled import rows as row_density
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
    # One 0 more stands for what a design lacks: the second coordinate of a curve, or the tails of a normal.
    fixed = [*(np.ravel(values) for values in layout.fixed.values()), np.zeros(1)]
    none = layout.n_free + sum(values.size for values in fixed) - 1
    header = np.zeros(1, density.HEADER)
    header["n_free"], header["n_fixed"] = layout.n_free, none + 1 - layout.n_free
    header["n_settings"], header["n_variants"] = len(design.settings), n_variants
    header["n_columns"], header["n_rows"] = len(layout.columns), n_rows
    header["curve"], header["offset"] = curve, offset
    header["spread"], header["tails"] = _spread(design), "nu" in design.likelihood.parameters
    header["margin_at_0"], header["margin_at_1"] = MARGIN_AT_0, MARGIN_AT_1
    for name in ("sigma", "tau", "nu"):
        header[name] = none if layout.index(name) < 0 else layout.index(name)
    coordinates = np.array([(False, none, -1, -1)] * 2, density.COORDINATE)
    for index, name in enumerate(names):
        coordinates[index] = _coordinate(layout, name)
    columns = np.zeros(len(layout.columns), density.COLUMN)
    columns["sd"] = [layout.index(f"{name}_{kind}_sd") for name, kind in layout.columns]
    columns["centring"] = centring
    parts = [
        header,
        coordinates,
        np.array([_prior(block.prior) for block in layout.blocks for _ in range(block.size)], density.PRIOR),
        *fixed,
        over_variants(n_variants).ravel(),
        columns,
        np.asarray(rows["curve_index"], np.int64),
        np.log(rows["sparsity"]),
        np.asarray(rows["observed"], np.float64),
        np.broadcast_to(np.square(rows.get("se", 0.0)), n_rows).astype(np.float64),
    ]
    header["length"] = sum(part.nbytes for part in parts) // 8
    return np.concatenate([np.ascontiguousarray(part).view(np.float64) for part in parts])


def _coordinate(layout: Layout, name: str) -> tuple[bool, int, int, int]:
    """Return one coordinate of the curves as a ``COORDINATE``."""
    own = layout.index(name)
    if own >= 0:
        return True, own, -1, -1
    columns = [j for j, (column, _) in enumerate(layout.columns) if column == name]
    first, contrast = layout.index(f"{name}_mean"), layout.index(f"{name}_contrast")
    return False, first, contrast, columns[0] if columns else -1


def _curve(design: Design) -> tuple[int, float]:
    """Return the kind of the curve, and the number that it needs of the reference."""
    reference = design.reference
    kind = getattr(row_density, CURVES[design.family.value, design.family.natural])
    offsets = {
        row_density.HILL: log(reference.hit / (1.0 - reference.hit)),
        row_density.POWER: log(reference.hit),
        row_density.POWER_LEVEL: log(reference.sparsity),
        row_density.LINEAR: log(reference.sparsity),
    }
    return kind, offsets[kind]


def _spread(design: Design) -> int:
    if not design.family.bounded:
        return row_density.COST
    return row_density.SATURATING if design.family.saturates else row_density.INSIDE


def _prior(prior: Distribution) -> tuple[float, ...]:
    """Return a prior as a ``PRIOR``."""
    kind, a, b, c, constant = prior.kind.form(*prior.parameters)
    return getattr(density, kind), a, b, c, -np.inf if prior.bound is None else prior.bound, constant

"""The model's log density and its gradient, compiled by Numba once and kept on disk.

This states :mod:`hillfront.model.pymc_model` again, for the designs that :func:`.layout.layout_of` supports:
the same variables, priors and likelihood, with a gradient derived by hand. Compiling the PyTensor graph takes
several seconds in every process; this takes them once on a machine.

A density depends on one array alone, ``data``, so that one compiled function serves every design;
:func:`.sampler.packed` writes it and :func:`sections` reads it. In their order it holds a ``HEADER``, a
``COORDINATE`` for each of the two coordinates of a curve, a ``PRIOR`` for each free value, the fixed values,
the matrix from effects to variants, a ``COLUMN`` for each column of effects, and of the rows the index of
their curve, log sparsity, y and known variance.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numba
import numpy as np

from hillfront.sampling.compiled.cache import compiled, compiled_callback
from hillfront.sampling.compiled.rows import likelihood

__all__ = [
    "COLUMN",
    "COORDINATE",
    "HEADER",
    "PRIOR",
    "copy_point",
    "log_density",
    "nutpie_density",
    "prior_density",
    "sections",
]

Floats = Any  # arrays, inside compiled functions
Record = Any

# Every field takes eight bytes, as a number of ``data`` does. "Index" is that of a value, free or fixed.
_COUNTS = ("length", "n_free", "n_fixed", "n_settings", "n_variants", "n_columns", "n_rows")
HEADER: Final = np.dtype(
    [(name, np.int64) for name in _COUNTS]
    + [(name, np.int64) for name in ("curve", "spread", "tails")]  # kinds; 1 for Student t, 0 for normal
    # Log or logit of the reference hit, or log of the reference sparsity; see ``_curve_values``.
    + [("offset", np.float64)]
    + [(name, np.float64) for name in ("margin_at_0", "margin_at_1")]  # widths of the bends of ``_spread``
    + [(name, np.int64) for name in ("sigma", "tau", "nu")]  # indices
)
# Whether every curve has a value of its own; index of the first value; index of the first contrast, or -1;
# first column of effects, or -1.
COORDINATE: Final = np.dtype([(name, np.int64) for name in ("unpooled", "first", "contrast", "column")])
PRIOR: Final = np.dtype(
    [("kind", np.int64)] + [(name, np.float64) for name in ("a", "b", "c", "bound", "constant")]
)
COLUMN: Final = np.dtype([("sd", np.int64), ("centring", np.float64)])  # index; 0 non-centred, 1 centred
_HEADER, _COORDINATE, _PRIOR, _COLUMN = (own.itemsize // 8 for own in (HEADER, COORDINATE, PRIOR, COLUMN))

# Kinds of prior density, known by name to :mod:`hillfront.model.distributions`.
NORMAL, LOG_NORMAL, POWER_EXPONENTIAL, HALF_CAUCHY = range(4)

_HALF_LOG_2PI: Final = 0.5 * math.log(2.0 * math.pi)


@compiled()
def prior_density(kind: int, a: float, b: float, c: float, value: float) -> tuple[float, float]:
    """Return the log density of a prior, without its constant, and its derivative."""
    if kind == NORMAL:
        z = (value - a) / b
        return -0.5 * z * z, -z / b
    if kind == LOG_NORMAL:
        z = (math.log(value) - a) / b
        return -0.5 * z * z - math.log(value), -(z / b + 1.0) / value
    if kind == POWER_EXPONENTIAL:
        return a * math.log(value) - b * value - c / value, a / value - b + c / (value * value)
    z = value / a
    return -math.log1p(z * z), -2.0 * z / (a * (1.0 + z * z))


@compiled()
def sections(data: Floats) -> tuple[Record, Floats, Floats, Floats, Floats, Floats, Floats, Floats]:
    """Cut the data up: header, coordinates, priors, fixed values, matrix, columns, index of curves, rows."""
    headers = data[:_HEADER].view(HEADER)
    header = headers[0]
    n_variants, n_rows = header["n_variants"], header["n_rows"]
    begin, end = _HEADER, _HEADER + 2 * _COORDINATE
    coordinates = data[begin:end].view(COORDINATE)
    begin, end = end, end + header["n_free"] * _PRIOR
    priors = data[begin:end].view(PRIOR)
    begin, end = end, end + header["n_fixed"]
    fixed = data[begin:end]
    begin, end = end, end + n_variants * n_variants
    over_variants = data[begin:end].reshape((n_variants, n_variants))
    begin, end = end, end + header["n_columns"] * _COLUMN
    columns = data[begin:end].view(COLUMN)
    begin, end = end, end + n_rows
    curve_index = data[begin:end].view(np.int64)
    rows = data[end : end + 3 * n_rows].reshape((3, n_rows))
    return headers, coordinates, priors, fixed, over_variants, columns, curve_index, rows


@compiled()
def _add_priors(
    total: float, point: Floats, priors: Floats, values: Floats, slopes: Floats, gradient: Floats
) -> float:
    """Add the priors' log densities: each value by its log above a bound, or as it is.

    Writes the values, their derivatives by the point (``slopes``), and the priors' part of the gradient.
    """
    for i in range(len(priors)):
        prior = priors[i]
        values[i], slopes[i], jacobian = point[i], 1.0, 0.0
        if prior["bound"] > -np.inf:
            slopes[i] = math.exp(point[i])
            values[i] = prior["bound"] + slopes[i]
            total += point[i]
            jacobian = 1.0
        density, by_value = prior_density(prior["kind"], prior["a"], prior["b"], prior["c"], values[i])
        total += density + prior["constant"]
        gradient[i] = jacobian + by_value * slopes[i]
    return total


@compiled()
def zero_sum(effects: Floats) -> None:
    """Make n effects that sum to zero of the n - 1 coefficients in their first rows, column by column.

    As :func:`hillfront.model.zero_sum.zero_sum`, in place.
    """
    last = len(effects) - 1
    root = math.sqrt(last + 1)
    for j in range(effects.shape[1]):
        total = 0.0
        for g in range(last):
            total += effects[g, j]
        for g in range(last):
            effects[g, j] -= total / (root + last + 1)
        effects[last, j] = -total / root


@compiled()
def zero_sum_adjoint(by_effects: Floats) -> None:
    """Turn derivatives by effects into those by coefficients, in their first rows."""
    last = len(by_effects) - 1
    root = math.sqrt(last + 1)
    for j in range(by_effects.shape[1]):
        total = 0.0
        for g in range(last):
            total += by_effects[g, j]
        common = total / (root + last + 1) + by_effects[last, j] / root
        for g in range(last):
            by_effects[g, j] -= common


@compiled()
def _add_effects(
    total: float, coefficients: Floats, columns: Floats, values: Floats, scales: Floats, effects: Floats
) -> float:
    """Add the log density of the coefficients, Normal(0, sd^c), and write the effects, sd^(1 - c) times them.

    ``scales`` holds the factor sd^(1 - c) of each column, and then the precision sd^(-2c).
    """
    n_free_settings = len(coefficients)
    for j in range(len(columns)):
        log_sd, centring = math.log(values[columns[j]["sd"]]), columns[j]["centring"]
        scales[0, j] = math.exp((1.0 - centring) * log_sd)
        scales[1, j] = math.exp(-2.0 * centring * log_sd)
        total -= n_free_settings * (centring * log_sd + _HALF_LOG_2PI)
        for g in range(n_free_settings):
            coefficient = coefficients[g, j]
            total -= 0.5 * coefficient * coefficient * scales[1, j]
            effects[g, j] = coefficient * scales[0, j]
    zero_sum(effects)
    return total


@compiled()
def _effects_back(
    coefficients: Floats,
    columns: Floats,
    values: Floats,
    scales: Floats,
    by_effects: Floats,
    by_values: Floats,
    by_coefficients: Floats,
) -> None:
    """Go back from derivatives by the effects to those by coefficients and standard deviations."""
    zero_sum_adjoint(by_effects)
    for j in range(len(columns)):
        sd, centring = columns[j]["sd"], columns[j]["centring"]
        by_log_sd = -len(coefficients) * centring
        for g in range(len(coefficients)):
            coefficient, by_effect = coefficients[g, j], by_effects[g, j]
            by_coefficients[g, j] = by_effect * scales[0, j] - coefficient * scales[1, j]
            by_log_sd += (1.0 - centring) * by_effect * coefficient * scales[0, j]
            by_log_sd += centring * coefficient * coefficient * scales[1, j]
        by_values[sd] += by_log_sd / values[sd]


@compiled()
def _curve_coordinates(
    coordinate: Record, values: Floats, effects: Floats, over_variants: Floats, theta: Floats
) -> None:
    """Write one coordinate of every curve, (setting, variant): its own value, or level and effects."""
    n_settings, n_variants = theta.shape
    first, contrast, column = coordinate["first"], coordinate["contrast"], coordinate["column"]
    if coordinate["unpooled"]:
        theta[:] = values[first : first + theta.size].reshape(theta.shape)
        return
    for v in range(n_variants):
        level = values[first]
        if contrast >= 0 and v > 0:
            level += values[contrast + v - 1]
        for g in range(n_settings):
            effect = 0.0
            if column >= 0:
                for k in range(n_variants):
                    effect += effects[g, column + k] * over_variants[v, k]
            theta[g, v] = level + effect


@compiled()
def _curve_coordinates_back(
    coordinate: Record, by_theta: Floats, over_variants: Floats, by_effects: Floats, by_values: Floats
) -> None:
    """Go back from derivatives by one coordinate of every curve to those by values and effects."""
    n_settings, n_variants = by_theta.shape
    first, contrast, column = coordinate["first"], coordinate["contrast"], coordinate["column"]
    if coordinate["unpooled"]:
        by_values[first : first + by_theta.size] += by_theta.ravel()
        return
    for v in range(n_variants):
        by_level = 0.0
        for g in range(n_settings):
            by_level += by_theta[g, v]
            if column >= 0:
                for k in range(n_variants):
                    by_effects[g, column + k] += by_theta[g, v] * over_variants[v, k]
        by_values[first] += by_level
        if contrast >= 0 and v > 0:
            by_values[contrast + v - 1] += by_level


@compiled()
def log_density(point: Floats, gradient: Floats, data: Floats) -> float:
    """Return the log density of an unconstrained point, and write its gradient into ``gradient``.

    Parameters
    ----------
    point, gradient : array, shape (n,)
        The free values, in the order of the layout, and then the effects' coefficients, (setting - 1,
        column), row by row.
    data : array
        As from :func:`hillfront.sampling.compiled.sampler.packed`.
    """
    headers, coordinates, priors, fixed, over_variants, columns, curve_index, rows = sections(data)
    header = headers[0]
    n_free, n_columns = header["n_free"], header["n_columns"]
    n_settings, n_variants = header["n_settings"], header["n_variants"]
    of_values = np.zeros((3, n_free + header["n_fixed"]))
    values, by_values, slopes = of_values[0], of_values[1], of_values[2]
    of_effects, scales = np.zeros((2, n_settings, n_columns)), np.empty((2, n_columns))
    of_curves = np.zeros((2, 2, n_settings, n_variants))
    theta, by_theta = of_curves[0], of_curves[1]
    by_curve = of_curves.reshape((2, 2, n_settings * n_variants))  # the same, setting by setting
    coefficients = point[n_free:].reshape((n_settings - 1, n_columns))
    by_coefficients = gradient[n_free:].reshape((n_settings - 1, n_columns))

    values[n_free:] = fixed
    total: float = _add_priors(0.0, point, priors, values, slopes, gradient)
    total = _add_effects(total, coefficients, columns, values, scales, of_effects[0])
    for p in range(2):
        _curve_coordinates(coordinates[p], values, of_effects[0], over_variants, theta[p])
    total += likelihood(header, curve_index, rows, by_curve[0], values, by_curve[1], by_values)
    # And back, from the curves to what they are made of.
    for p in range(2):
        _curve_coordinates_back(coordinates[p], by_theta[p], over_variants, of_effects[1], by_values)
    _effects_back(coefficients, columns, values, scales, of_effects[1], by_values, by_coefficients)
    for i in range(n_free):
        gradient[i] += by_values[i] * slopes[i]
    return total


_DOUBLES = numba.types.CPointer(numba.types.double)  # type: ignore[no-untyped-call]
_array = numba.carray  # type: ignore[attr-defined]


@compiled_callback(numba.types.int64(numba.types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, numba.types.voidptr))
def nutpie_density(size: int, point: Any, gradient: Any, density: Any, data: Any) -> int:
    """Compute the density for nutpie: 0 if all is finite, a positive number where a step must be refused."""
    length = _array(data, (1,), HEADER)[0]["length"]
    by_point = _array(gradient, (size,))
    value = log_density(_array(point, (size,)), by_point, _array(data, (length,), np.float64))
    _array(density, (1,))[0] = value
    if not np.isfinite(value):
        return 4
    for derivative in by_point:
        if not np.isfinite(derivative):
            return 3
    return 0


@compiled_callback(
    numba.types.int64(numba.types.uint64, numba.types.uint64, _DOUBLES, _DOUBLES, numba.types.voidptr)
)
def copy_point(size: int, n_expanded: int, point: Any, out: Any, data: Any) -> int:
    """Keep the point itself of a draw, as NumPy makes the variables of all draws at once."""
    _array(out, (size,))[:] = _array(point, (size,))
    return 0

"""The model's log density and gradient by hand, compiled by Numba once and kept on disk.

This is what :mod:`hillfront.model.pymc_model` states, for the designs that :mod:`.layout` can place: the same
variables, priors and likelihood. The tests hold both to the same numbers. Compiling the PyTensor graph takes
several seconds in every process; this takes them once on a machine.

All that a density depends on is one array, ``data``, so that one compiled function serves every design;
:func:`hillfront.sampling.compiled.packing.packed` writes it. Its header holds

====== =====================================================================================
place  number
====== =====================================================================================
0      length of the array
1 - 6  how many: free values, fixed values, settings, variants, columns of effects, rows
7, 8   kind of curve, kind of spread
9      1 for Student t scatter, 0 for normal scatter
10     the curve's reference: log or logit of the reference hit, or log of the reference sparsity
11, 12 widths of the bends at a hit of 0 and of 1
13-15  places of sigma, tau and nu among the values
16-19  of the first coordinate: 1 if every curve has its own value; the place of the first value;
       of the first contrast, or -1; its first column of effects, or -1
20-23  the same of the second coordinate
====== =====================================================================================

and then follow: the priors of the free values (kind, three numbers, bound, constant of the density), the
fixed values, the matrix that spreads effects over variants, for each column of effects the place of its
standard deviation, their centring, and of each row its curve, log sparsity, y and known variance.

Everything compiled stands in this file: Numba keeps a compiled function as long as the file of its source is
unchanged, and looks at no other.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numba
import numpy as np

__all__ = [
    "COST",
    "HALF_CAUCHY",
    "HEADER",
    "HILL",
    "INSIDE",
    "LINEAR",
    "LOG_NORMAL",
    "NORMAL",
    "POWER",
    "POWER_AND_EXPONENTIAL",
    "POWER_LEVEL",
    "PRIOR_FIELDS",
    "SATURATING",
    "copy_point",
    "log_density",
    "nutpie_density",
    "prior_density",
]

Floats = Any  # arrays, inside compiled functions

HEADER: Final = 24
PRIOR_FIELDS: Final = 6

# Kinds of prior density.
NORMAL: Final = 0
LOG_NORMAL: Final = 1
POWER_AND_EXPONENTIAL: Final = 2
HALF_CAUCHY: Final = 3

# Kinds of curve.
HILL: Final = 0
POWER: Final = 1
POWER_LEVEL: Final = 2
LINEAR: Final = 3

# Kinds of spread.
SATURATING: Final = 0
INSIDE: Final = 1
COST: Final = 2

_HALF_LOG_2PI: Final = 0.5 * math.log(2.0 * math.pi)
_HALF_LOG_PI: Final = 0.5 * math.log(math.pi)
_LOG2_E: Final = 1.0 / math.log(2.0)
_LN_2_HIGH: Final = 0.693145751953125  # few digits, so that its multiples are exact
_LN_2_LOW: Final = 1.42860682030941723212e-6
_SMALL: Final = 1e-150
_LARGE: Final = 1e150

_compiled = numba.njit(cache=True, error_model="numpy")
# Sums in any order, so that several rows are taken at once; NaN and infinity keep their meaning.
_over_rows = numba.njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})


@_compiled
def prior_density(kind: int, a: float, b: float, c: float, value: float) -> tuple[float, float]:
    """Log density of a prior, without its constant, and its derivative."""
    if kind == NORMAL:
        z = (value - a) / b
        return -0.5 * z * z, -z / b
    if kind == LOG_NORMAL:
        z = (math.log(value) - a) / b
        return -0.5 * z * z - math.log(value), -(z / b + 1.0) / value
    if kind == POWER_AND_EXPONENTIAL:
        return a * math.log(value) - b * value - c / value, a / value - b + c / (value * value)
    z = value / a
    return -math.log1p(z * z), -2.0 * z / (a * (1.0 + z * z))


@_compiled
def _digamma(x: float) -> float:
    """Derivative of the log gamma function, by recurrence up to 6 and Stirling's series from there."""
    total = 0.0
    while x < 6.0:
        total -= 1.0 / x
        x += 1.0
    square = 1.0 / (x * x)
    series = square * (
        1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * (1 / 132))))
    )
    return total + math.log(x) - 0.5 / x - series


@_compiled
def _softplus(t: float) -> tuple[float, float]:
    """Softplus and its derivative."""
    if t > 0.0:
        small = math.exp(-t)
        return t + math.log1p(small), 1.0 / (1.0 + small)
    small = math.exp(t)
    return math.log1p(small), small / (1.0 + small)


@_compiled
def _spread(kind: int, f: float, margins: Floats) -> tuple[float, float]:
    """Change of y per unit of scatter where a curve does not saturate, and its derivative by f."""
    if kind == COST:
        return abs(f), math.copysign(1.0, f)
    above, slope_at_0 = _softplus(f / margins[0])
    bend, slope_at_1 = _softplus((1.0 - margins[0] * above) / margins[1])
    h = 1.0 - margins[1] * bend
    return h * (1.0 - h), (1.0 - 2.0 * h) * slope_at_0 * slope_at_1


@_over_rows
def _exp_of_less(t: Floats, out: Floats) -> None:
    """Exponential of -|t|, for several values at once, which no library call does; ``t`` is overwritten.

    As usual: 2^n e^r with a whole n and a small r (W. J. Cody and W. Waite, 1980, Software manual for the
    elementary functions), e^r by its Taylor series, to two units in the last place; no less than e^-700.
    """
    bits = out.view(np.int64)
    for i in range(len(t)):
        value = max(-abs(t[i]), -700.0)
        n = math.floor(value * _LOG2_E + 0.5)
        r = (value - n * _LN_2_HIGH) - n * _LN_2_LOW
        series = 1.0 / 6227020800.0
        series = series * r + 1.0 / 479001600.0
        series = series * r + 1.0 / 39916800.0
        series = series * r + 1.0 / 3628800.0
        series = series * r + 1.0 / 362880.0
        series = series * r + 1.0 / 40320.0
        series = series * r + 1.0 / 5040.0
        series = series * r + 1.0 / 720.0
        series = series * r + 1.0 / 120.0
        series = series * r + 1.0 / 24.0
        series = series * r + 1.0 / 6.0
        t[i] = (series * r + 0.5) * r * r + r + 1.0
        # A floating-point number's exponent stands above its 52 bits of digits.
        bits[i] = (np.int64(n) + 1023) << 52
    for i in range(len(t)):
        out[i] *= t[i]


@_over_rows
def _curve_values(
    kind: int, offset: float, cells: Floats, log_x: Floats, theta: Floats, shapes: Floats, out: Floats
) -> None:
    """Of each row: the curve's value f, 1 - f without loss of digits, and the derivatives of f by theta."""
    f, rest, by_first, by_second = out[0], out[1], out[2], out[3]
    n_rows = len(cells)
    if kind == HILL:
        # One loop a step, so that the processor takes several rows at once.
        for row in range(n_rows):
            cell = int(cells[row])
            by_first[row] = -shapes[cell]
            by_second[row] = shapes[cell] * (log_x[row] - theta[0, cell])
            rest[row] = by_second[row] + offset
        _exp_of_less(rest, f)
        for row in range(n_rows):
            e, below = f[row], by_second[row] + offset < 0.0
            larger = 1.0 / (1.0 + e)
            smaller = e * larger
            f[row] = smaller if below else larger
            rest[row] = larger if below else smaller
            by_first[row] *= smaller * larger
            by_second[row] *= smaller * larger
        return
    for row in range(n_rows):
        cell = int(cells[row])
        position, k = theta[0, cell], shapes[cell]
        if kind == POWER:
            t = k * (log_x[row] - position)
            f[row] = math.exp(t + offset)
            by_first[row], by_second[row] = -k * f[row], t * f[row]
        elif kind == POWER_LEVEL:
            t = k * (log_x[row] - offset)
            f[row] = math.exp(position + t)
            by_first[row], by_second[row] = f[row], t * f[row]
        else:
            level = math.exp(position)
            more = level * k * math.expm1(log_x[row] - offset)
            f[row] = level + more
            by_first[row], by_second[row] = f[row], more
        rest[row] = 1.0 - f[row]


@_over_rows
def _spreads(kind: int, margins: Floats, values: Floats, out: Floats) -> None:
    """Change of y per unit of scatter, and its derivative by f, of each row."""
    f, rest = values[0], values[1]
    if kind == SATURATING:
        for row in range(len(f)):
            out[0, row] = f[row] * rest[row]
            out[1, row] = rest[row] - f[row]
        return
    for row in range(len(f)):
        out[0, row], out[1, row] = _spread(kind, f[row], margins)


@_over_rows
def _scattered(
    y: Floats,
    known: Floats,
    f: Floats,
    spreads: Floats,
    sigma: float,
    floor: float,
    nu: float,
    widening: float,
    out: Floats,
) -> tuple[float, float, float]:
    """Of each row: the derivative of its log density by f, and what its logs are taken of.

    Returns the sums over the rows of the derivatives by sigma / 2 and by the variance, and of the shares of
    the squared residuals, or, for normal scatter (``nu`` infinite), of the squared residuals in variances.
    """
    by_f, wide, w = out[0], out[1], out[2]
    by_sigma, by_tau, shares = 0.0, 0.0, 0.0
    if nu < np.inf:
        for row in range(len(y)):
            scatter = sigma * spreads[0, row]
            variance = scatter * scatter + floor + known[row]
            residual = y[row] - f[row]
            wide[row] = variance * widening
            w[row] = wide[row] + residual * residual
            inverse = (nu + 1.0) / w[row]
            share = wide[row] * inverse
            by_variance = 0.5 * (nu - share) / variance
            by_f[row] = residual * inverse + by_variance * 2.0 * sigma * scatter * spreads[1, row]
            by_sigma += by_variance * scatter * spreads[0, row]
            by_tau += by_variance
            shares += share
        return by_sigma, by_tau, shares
    for row in range(len(y)):
        scatter = sigma * spreads[0, row]
        wide[row] = scatter * scatter + floor + known[row]
        residual = y[row] - f[row]
        inverse = 1.0 / wide[row]
        share = residual * residual * inverse
        by_variance = 0.5 * (share - 1.0) * inverse
        by_f[row] = residual * inverse + by_variance * 2.0 * sigma * scatter * spreads[1, row]
        by_sigma += by_variance * scatter * spreads[0, row]
        by_tau += by_variance
        shares += share
    return by_sigma, by_tau, shares


@_compiled
def _sum_of_logs(values: Floats) -> float:
    """Sum of logs, taken of products over many rows: a log costs more than all the rest of a row."""
    total, product = 0.0, 1.0
    for value in values:
        product *= value
        if not _SMALL < product < _LARGE:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@_compiled
def log_density(point: Floats, gradient: Floats, data: Floats) -> float:
    """Log density of an unconstrained point; its gradient is written into ``gradient``.

    Parameters
    ----------
    point, gradient : array, shape (n,)
        The free values, in the order of the layout, and then the effects' coefficients, (setting - 1,
        column), row by row.
    data : array
        As from :func:`hillfront.sampling.compiled.packing.packed`.
    """
    n_free, n_fixed, n_settings = int(data[1]), int(data[2]), int(data[3])
    n_variants, n_columns, n_rows = int(data[4]), int(data[5]), int(data[6])
    curve, spread_kind, tails = int(data[7]), int(data[8]), data[9] > 0.0
    offset, margins = data[10], data[11:13]
    sigma_at, tau_at, nu_at = int(data[13]), int(data[14]), int(data[15])
    n_cells = n_settings * n_variants
    at = HEADER
    priors = data[at : at + n_free * PRIOR_FIELDS].reshape((n_free, PRIOR_FIELDS))
    at += n_free * PRIOR_FIELDS
    fixed = data[at : at + n_fixed]
    at += n_fixed
    over_variants = data[at : at + n_variants * n_variants].reshape((n_variants, n_variants))
    at += n_variants * n_variants
    column_sd, centring = data[at : at + n_columns], data[at + n_columns : at + 2 * n_columns]
    at += 2 * n_columns
    cells, log_x = data[at : at + n_rows], data[at + n_rows : at + 2 * n_rows]
    y, known = data[at + 2 * n_rows : at + 3 * n_rows], data[at + 3 * n_rows : at + 4 * n_rows]

    # The variables that have priors of their own, each by its log above a bound, or as it is.
    # Few arrays, each cut up: making one costs as much as ten rows.
    of_values = np.zeros((3, n_free + n_fixed))
    values, by_values, slopes = of_values[0], of_values[1], of_values[2]
    total = 0.0
    for i in range(n_free):
        a, b, c, bound = priors[i, 1], priors[i, 2], priors[i, 3], priors[i, 4]
        values[i], slopes[i], jacobian = point[i], 1.0, 0.0
        if bound > -np.inf:
            slopes[i] = math.exp(point[i])
            values[i] = bound + slopes[i]
            total += point[i]
            jacobian = 1.0
        density, by_value = prior_density(int(priors[i, 0]), a, b, c, values[i])
        total += density + priors[i, 5]
        gradient[i] = jacobian + by_value * slopes[i]
    values[n_free:] = fixed

    # Effects: scaled coefficients, one more row so that each column sums to zero, spread over the variants.
    root = math.sqrt(n_settings)
    of_effects, of_columns = np.zeros((2, n_settings, n_columns)), np.empty((2, n_columns))
    effects, by_effects, scales, precisions = of_effects[0], of_effects[1], of_columns[0], of_columns[1]
    for j in range(n_columns):
        log_sd = math.log(values[int(column_sd[j])])
        scales[j] = math.exp((1.0 - centring[j]) * log_sd)
        precisions[j] = math.exp(-2.0 * centring[j] * log_sd)
        total -= (n_settings - 1) * (centring[j] * log_sd + _HALF_LOG_2PI)
        column_total = 0.0
        for g in range(n_settings - 1):
            coefficient = point[n_free + g * n_columns + j]
            total -= 0.5 * coefficient * coefficient * precisions[j]
            effects[g, j] = coefficient * scales[j]
            column_total += effects[g, j]
        for g in range(n_settings - 1):
            effects[g, j] -= column_total / (root + n_settings)
        effects[n_settings - 1, j] = -column_total / root

    # The two coordinates of every curve.
    of_curves = np.zeros((5, n_cells))
    theta, by_theta, shapes = of_curves[:2], of_curves[2:4], of_curves[4]
    for p in range(2):
        own, first = int(data[16 + 4 * p]), int(data[17 + 4 * p])
        contrast, column = int(data[18 + 4 * p]), int(data[19 + 4 * p])
        if own:
            theta[p] = values[first : first + n_cells]
            continue
        for v in range(n_variants):
            level = values[first]
            if contrast >= 0 and v > 0:
                level += values[contrast + v - 1]
            for g in range(n_settings):
                effect = 0.0
                if column >= 0:
                    for k in range(n_variants):
                        effect += effects[g, column + k] * over_variants[v, k]
                theta[p, g * n_variants + v] = level + effect

    sigma, tau = values[sigma_at], values[tau_at]
    nu, quantile, by_quantile = np.inf, 1.0, 0.0
    if tails:
        nu = values[nu_at]
        quantile = 1.0 + 0.5 / nu + 0.337 / (nu * nu)
        by_quantile = -0.5 / (nu * nu) - 0.674 / (nu * nu * nu)
    widening = nu / (quantile * quantile)
    for c in range(n_cells):
        shapes[c] = math.exp(theta[1, c])
    of_rows = np.empty((9, n_rows))
    values_of_rows, spreads, out = of_rows[:4], of_rows[4:6], of_rows[6:]
    f, by_first, by_second = values_of_rows[0], values_of_rows[2], values_of_rows[3]
    _curve_values(curve, offset, cells, log_x, theta, shapes, values_of_rows)
    _spreads(spread_kind, margins, values_of_rows, spreads)
    by_sigma, by_tau, shares = _scattered(y, known, f, spreads, sigma, tau * tau, nu, widening, out)
    for row in range(n_rows):
        cell = int(cells[row])
        by_theta[0, cell] += out[0, row] * by_first[row]
        by_theta[1, cell] += out[0, row] * by_second[row]
    log_variances = _sum_of_logs(out[1])
    if tails:
        log_sums = _sum_of_logs(out[2])
        half = 0.5 * (nu + 1.0)
        constant = math.lgamma(half) - math.lgamma(0.5 * nu) - _HALF_LOG_PI
        total += n_rows * constant + 0.5 * nu * log_variances - half * log_sums
        # nu stands in the constant, in both powers, and in the width nu / quantile^2 of every row.
        by_log_width = 0.5 * (n_rows * nu - shares)
        by_nu = 0.5 * (n_rows * (_digamma(half) - _digamma(0.5 * nu)) + log_variances - log_sums)
        by_values[nu_at] += by_nu + by_log_width * (1.0 / nu - 2.0 * by_quantile / quantile)
    else:
        total -= n_rows * _HALF_LOG_2PI + 0.5 * log_variances + 0.5 * shares
    by_values[sigma_at] += 2.0 * by_sigma
    by_values[tau_at] += 2.0 * tau * by_tau

    # And back: from the curves to what they are made of.
    for p in range(2):
        own, first = int(data[16 + 4 * p]), int(data[17 + 4 * p])
        contrast, column = int(data[18 + 4 * p]), int(data[19 + 4 * p])
        if own:
            by_values[first : first + n_cells] += by_theta[p]
            continue
        for v in range(n_variants):
            by_level = 0.0
            for g in range(n_settings):
                by_curve = by_theta[p, g * n_variants + v]
                by_level += by_curve
                if column >= 0:
                    for k in range(n_variants):
                        by_effects[g, column + k] += by_curve * over_variants[v, k]
            by_values[first] += by_level
            if contrast >= 0 and v > 0:
                by_values[contrast + v - 1] += by_level
    for j in range(n_columns):
        column_total = 0.0
        for g in range(n_settings - 1):
            column_total += by_effects[g, j]
        common = column_total / (root + n_settings) + by_effects[n_settings - 1, j] / root
        by_log_sd = -(n_settings - 1) * centring[j]
        for g in range(n_settings - 1):
            index = n_free + g * n_columns + j
            coefficient, by_effect = point[index], by_effects[g, j] - common
            gradient[index] = by_effect * scales[j] - coefficient * precisions[j]
            by_log_sd += (1.0 - centring[j]) * by_effect * coefficient * scales[j]
            by_log_sd += centring[j] * coefficient * coefficient * precisions[j]
        by_values[int(column_sd[j])] += by_log_sd / values[int(column_sd[j])]
    for i in range(n_free):
        gradient[i] += by_values[i] * slopes[i]
    return total


_DOUBLES = numba.types.CPointer(numba.types.double)  # type: ignore[no-untyped-call]
_array = numba.carray  # type: ignore[attr-defined]


@numba.cfunc(
    numba.types.int64(numba.types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, numba.types.voidptr),
    cache=True,
    error_model="numpy",
)
def nutpie_density(size: int, point: Any, gradient: Any, density: Any, data: Any) -> int:
    """The density as nutpie calls it: 0 if all is finite, a positive number where a step must be refused."""
    length = int(_array(data, (1,), np.float64)[0])
    by_point = _array(gradient, (size,))
    value = log_density(_array(point, (size,)), by_point, _array(data, (length,), np.float64))
    _array(density, (1,))[0] = value
    if not np.isfinite(value):
        return 4
    for derivative in by_point:
        if not np.isfinite(derivative):
            return 3
    return 0


@numba.cfunc(
    numba.types.int64(numba.types.uint64, numba.types.uint64, _DOUBLES, _DOUBLES, numba.types.voidptr),
    cache=True,
)
def copy_point(size: int, n_expanded: int, point: Any, out: Any, data: Any) -> int:
    """What nutpie keeps of a draw: the point itself, from which NumPy makes all draws' variables at once."""
    _array(out, (size,))[:] = _array(point, (size,))
    return 0

"""The log density of the rows given their curves, and its derivatives, for the compiled density."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from hillfront.sampling.compiled.cache import compiled

__all__ = ["COST", "HILL", "INSIDE", "LINEAR", "POWER", "POWER_LEVEL", "SATURATING", "likelihood"]

Floats = Any  # arrays, inside compiled functions
Record = Any

# Kinds of curve, and of spread.
HILL, POWER, POWER_LEVEL, LINEAR = range(4)
SATURATING, INSIDE, COST = range(3)

_HALF_LOG_2PI: Final = 0.5 * math.log(2.0 * math.pi)
_HALF_LOG_PI: Final = 0.5 * math.log(math.pi)
_LOG2_E: Final = 1.0 / math.log(2.0)
_LN_2_HIGH: Final = 0.693145751953125  # few digits, so that its multiples are exact
_LN_2_LOW: Final = 1.42860682030941723212e-6
_SMALL: Final = 1e-150
_LARGE: Final = 1e150

# Sums in any order, so that several rows are taken at once; NaN and infinity keep their meaning.
_over_rows = compiled(fastmath={"reassoc", "contract"})


@compiled()
def _digamma(x: float) -> float:
    """Differentiate the log gamma function, by recurrence up to 6 and Stirling's series from there."""
    total = 0.0
    while x < 6.0:
        total -= 1.0 / x
        x += 1.0
    square = 1.0 / (x * x)
    series = square * (
        1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * (1 / 132))))
    )
    return total + math.log(x) - 0.5 / x - series


@_over_rows
def _softplus(t: float) -> tuple[float, float]:
    """Return softplus and its derivative."""
    if t > 0.0:
        small = math.exp(-t)
        return t + math.log1p(small), 1.0 / (1.0 + small)
    small = math.exp(t)
    return math.log1p(small), small / (1.0 + small)


@_over_rows
def _spread(kind: int, f: float, at_0: float, at_1: float) -> tuple[float, float]:
    """Return the change of y per unit of scatter where a curve does not saturate, and its derivative by f."""
    if kind == COST:
        return abs(f), math.copysign(1.0, f)
    above, slope_at_0 = _softplus(f / at_0)
    bend, slope_at_1 = _softplus((1.0 - at_0 * above) / at_1)
    h = 1.0 - at_1 * bend
    return h * (1.0 - h), (1.0 - 2.0 * h) * slope_at_0 * slope_at_1


@_over_rows
def _exp_of_less(t: Floats, out: Floats) -> None:
    """Compute exp(-|t|) for several values at once, which no library call does; ``t`` is overwritten.

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
    kind: int, offset: float, curve_index: Floats, log_x: Floats, theta: Floats, shapes: Floats, out: Floats
) -> None:
    """Compute of each row the curve's value f, 1 - f to all digits, and the derivatives of f by theta."""
    f, rest, by_first, by_second = out[0], out[1], out[2], out[3]
    n_rows = len(curve_index)
    if kind == HILL:
        # One loop a step, so that the processor takes several rows at once.
        for row in range(n_rows):
            own = curve_index[row]
            by_first[row] = -shapes[own]
            by_second[row] = shapes[own] * (log_x[row] - theta[0, own])
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
        own = curve_index[row]
        position, k = theta[0, own], shapes[own]
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
def _spreads(kind: int, at_0: float, at_1: float, values: Floats, out: Floats) -> None:
    """Compute the change of y per unit of scatter, and its derivative by f, of each row."""
    f, rest = values[0], values[1]
    if kind == SATURATING:
        for row in range(len(f)):
            out[0, row] = f[row] * rest[row]
            out[1, row] = rest[row] - f[row]
        return
    for row in range(len(f)):
        out[0, row], out[1, row] = _spread(kind, f[row], at_0, at_1)


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
    """Compute of each row the derivative of its log density by f, and what its logs are taken of.

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


@compiled()
def _sum_of_logs(values: Floats) -> float:
    """Sum logs, taken of products over many rows: a log costs more than all the rest of a row."""
    total, product = 0.0, 1.0
    for value in values:
        product *= value
        if not _SMALL < product < _LARGE:
            total += math.log(product)
            product = 1.0
    return total + math.log(product)


@compiled()
def likelihood(
    header: Record,
    curve_index: Floats,
    rows: Floats,
    theta: Floats,
    values: Floats,
    by_theta: Floats,
    by_values: Floats,
) -> float:
    """Return the log density of the rows; add to derivatives by coordinates of curves, sigma, tau and nu."""
    n_rows, tails = len(curve_index), header["tails"] > 0
    sigma, tau, nu = values[header["sigma"]], values[header["tau"]], np.inf
    quantile, by_quantile = 1.0, 0.0
    if tails:
        nu = values[header["nu"]]
        quantile = 1.0 + 0.5 / nu + 0.337 / (nu * nu)
        by_quantile = -0.5 / (nu * nu) - 0.674 / (nu * nu * nu)
    # Few arrays, each cut up: making one costs as much as ten rows.
    of_rows = np.empty((9, n_rows))
    curves, spreads, out = of_rows[:4], of_rows[4:6], of_rows[6:]
    _curve_values(header["curve"], header["offset"], curve_index, rows[0], theta, np.exp(theta[1]), curves)
    _spreads(header["spread"], header["margin_at_0"], header["margin_at_1"], curves, spreads)
    widening = nu / (quantile * quantile)
    by_sigma, by_tau, shares = _scattered(
        rows[1], rows[2], curves[0], spreads, sigma, tau * tau, nu, widening, out
    )
    for row in range(n_rows):
        by_theta[0, curve_index[row]] += out[0, row] * curves[2, row]
        by_theta[1, curve_index[row]] += out[0, row] * curves[3, row]
    by_values[header["sigma"]] += 2.0 * by_sigma
    by_values[header["tau"]] += 2.0 * tau * by_tau
    log_variances = _sum_of_logs(out[1])
    if not tails:
        return -float(n_rows * _HALF_LOG_2PI + 0.5 * log_variances + 0.5 * shares)
    log_sums = _sum_of_logs(out[2])
    half = 0.5 * (nu + 1.0)
    constant = math.lgamma(half) - math.lgamma(0.5 * nu) - _HALF_LOG_PI
    # nu stands in the constant, in both powers, and in the width nu / quantile^2 of every row.
    by_log_width = 0.5 * (n_rows * nu - shares)
    by_nu = 0.5 * (n_rows * (_digamma(half) - _digamma(0.5 * nu)) + log_variances - log_sums)
    by_values[header["nu"]] += by_nu + by_log_width * (1.0 / nu - 2.0 * by_quantile / quantile)
    return float(n_rows * constant + 0.5 * nu * log_variances - half * log_sums)

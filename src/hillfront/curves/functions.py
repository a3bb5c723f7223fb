"""Curves as plain functions of arrays: value, inverse, parameters and closed-form means.

Every function takes NumPy arrays or PyTensor variables and returns the same kind, so that the model, the
estimands and the figures share one definition of each curve.

Functions that end in ``_natural`` lead from the coordinates in which a family is sampled to the parameters
that papers report. A Hill curve or a power law of hits has its position where it reaches a reference hit.
Straight lines need not come down to it, and costs have units of their own: there the level at a reference
sparsity is the position.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from hillfront.curves.sparsity import Reference

Array = Any  # NumPy array, float or PyTensor variable: the functions here do not care which.

_NUMPY = SimpleNamespace(
    exp=np.exp,
    log=np.log,
    sigmoid=special.expit,
    logit=special.logit,
    softplus=lambda t: np.logaddexp(0.0, t),
    maximum=np.maximum,
    where=np.where,
)


def backend(*arrays: Array) -> ModuleType | SimpleNamespace:
    """Return the namespace of functions that fits the arrays: PyTensor's if any is symbolic."""
    if any(type(array).__module__.partition(".")[0] == "pytensor" for array in arrays):
        import pytensor.tensor as pt

        return SimpleNamespace(
            exp=pt.exp,
            log=pt.log,
            sigmoid=pt.sigmoid,
            logit=_symbolic_logit,
            softplus=pt.softplus,
            maximum=pt.maximum,
            where=pt.where,
        )
    return _NUMPY


def _symbolic_logit(y: Array) -> Array:
    import pytensor.tensor as pt

    return pt.log(y) - pt.log1p(-y)


def hill(x: Array, x_half: Array, k: Array = 1.0) -> Array:
    r"""Compute the Hill curve, ``y = x**k / (x**k + x_half**k)``.

    Parameters
    ----------
    x : array
        Sparsity, ``1 / L0``, positive. Any shape that broadcasts with the parameters.
    x_half : array
        Sparsity at which the performance hit is exactly one half.
    k : array
        Hill coefficient: the slope of logit y against log x.

    Returns
    -------
    array
        Performance hit, in (0, 1).

    Notes
    -----
    Computed as ``sigmoid(k * (log x - log x_half))``, which neither overflows nor cancels for x from
    1e-6 to 1e3 and k from 0.05 to 10.

    References
    ----------
    A. V. Hill (1910), The possible effects of the aggregation of the molecules of haemoglobin on its
    dissociation curves. J. Physiol. 40, iv-vii.

    Examples
    --------
    >>> float(hill(2.0, x_half=2.0, k=0.8))
    0.5
    """
    return backend(x, x_half, k).sigmoid(hill_line(x, x_half, k))


def hill_inverse(y: Array, x_half: Array, k: Array = 1.0) -> Array:
    r"""Compute the sparsity at which the Hill curve reaches y: ``x = x_half * (y / (1 - y))**(1 / k)``.

    Examples
    --------
    >>> round(float(hill_inverse(hill(0.01, x_half=2.0, k=0.8), x_half=2.0, k=0.8)), 12)
    0.01
    """
    xp = backend(y, x_half, k)
    return xp.exp(xp.log(x_half) + xp.logit(y) / k)


def hill_line(x: Array, x_half: Array, k: Array = 1.0) -> Array:
    """Compute the logit of the Hill curve, ``k (log x - log x_half)``, exact at any height."""
    xp = backend(x, x_half, k)
    return k * (xp.log(x) - xp.log(x_half))


def hill_slope(x: Array, x_half: Array, k: Array = 1.0) -> Array:
    """Compute the derivative of the Hill curve, ``dy/dx = k y (1 - y) / x``."""
    y = hill(x, x_half, k)
    return k * y * (1.0 - y) / x


def _mean_between(
    function: Callable[[Array], Array],
    primitive: Callable[[Array], Array],
    start: Array,
    end: Array,
    *,
    narrow: float,
) -> Array:
    """Compute the mean of a function from start to end, by its primitive.

    Over ranges narrower than ``narrow`` the difference of primitives would cancel, and three Gauss-Legendre
    nodes are exact to rounding there.
    """
    width, middle = end - start, 0.5 * (start + end)
    is_narrow = np.abs(width) < narrow
    step = math.sqrt(0.15) * width
    at_nodes = (5.0 * (function(middle - step) + function(middle + step)) + 8.0 * function(middle)) / 18.0
    by_primitive = (primitive(end) - primitive(start)) / np.where(is_narrow, 1.0, width)
    return np.where(is_narrow, at_nodes, by_primitive)


def hill_mean_log_inverse(low: Array, high: Array, x_half: Array, k: Array = 1.0) -> Array:
    """Compute the mean of log x over log y from low to high, in closed form.

    With x = x_half (y/(1-y))^(1/k), the integral of logit y over log y is (log y)^2/2 + Li2(y), and
    SciPy's ``spence(1 - y)`` is the dilogarithm Li2(y).
    """
    mean_logit = _mean_between(
        lambda u: special.logit(np.exp(u)),
        lambda u: 0.5 * np.square(u) + special.spence(-np.expm1(u)),
        np.log(low),
        np.log(high),
        narrow=1e-4,  # logit y bends sharply near y = 1, where wider ranges would need more nodes
    )
    return np.log(x_half) + mean_logit / k


def _dilogarithm_of_negative_exp(t: Array) -> Array:
    """Compute Li2(-exp(t)) without overflow: the inversion formula brings positive t back to negative."""
    tail = special.spence(1.0 + np.exp(-np.abs(t)))
    return np.where(t > 0, -(np.pi**2) / 6.0 - 0.5 * np.square(t) - tail, tail)


def hill_mean_log_value(low: Array, high: Array, x_half: Array, k: Array = 1.0) -> Array:
    """Compute the mean of log y over log x: the integral of log sigmoid(t) is -Li2(-exp(-t))."""
    start, end = (hill_line(x, x_half, k) for x in (low, high))
    return _mean_between(
        special.log_expit, lambda t: -_dilogarithm_of_negative_exp(-t), start, end, narrow=1e-2
    )


def power(x: Array, a: Array, k: Array) -> Array:
    """Compute the power law, ``y = a x**k``: a line of log y against log x, without saturation.

    Examples
    --------
    >>> float(power(4.0, a=0.5, k=0.5))
    1.0
    """
    return backend(x, a, k).exp(power_line(x, a, k))


def power_inverse(y: Array, a: Array, k: Array) -> Array:
    """Compute the sparsity at which the power law reaches y, ``x = (y / a)**(1 / k)``."""
    xp = backend(y, a, k)
    return xp.exp((xp.log(y) - xp.log(a)) / k)


def power_line(x: Array, a: Array, k: Array) -> Array:
    """Compute the log of the power law, ``log a + k log x``."""
    xp = backend(x, a, k)
    return xp.log(a) + k * xp.log(x)


def power_slope(x: Array, a: Array, k: Array) -> Array:
    """Compute the derivative of the power law, ``dy/dx = k y / x``."""
    return k * power(x, a, k) / x


def linear(x: Array, m: Array, c: Array = 0.0) -> Array:
    """Compute the straight line, ``y = m x + c``; with c = 0, a line through the origin.

    Examples
    --------
    >>> linear(0.5, m=2.0, c=0.25)
    1.25
    """
    return m * x + c


def linear_inverse(y: Array, m: Array, c: Array = 0.0) -> Array:
    """Compute the sparsity at which the straight line reaches y, ``x = (y - c) / m``.

    Negative where the line lies above y at every sparsity.
    """
    return (y - c) / m


def linear_slope(x: Array, m: Array, c: Array = 0.0) -> Array:
    """Compute the derivative of the straight line, ``m``."""
    return m + 0.0 * x


def power_mean_log_inverse(low: Array, high: Array, a: Array, k: Array) -> Array:
    """Compute the mean of log x over log y, which is log x at the middle."""
    return np.log(power_inverse(np.sqrt(low * high), a, k))


def power_mean_log_value(low: Array, high: Array, a: Array, k: Array) -> Array:
    """Compute the mean of log y over log x, which is log y at the middle."""
    return np.log(power(np.sqrt(low * high), a, k))


def hill_natural(log_x_ref: Array, log_k: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``x_half`` and ``k`` from the position and the log slope."""
    xp = backend(log_x_ref, log_k)
    k = xp.exp(log_k)
    return {"x_half": xp.exp(log_x_ref - math.log(reference.hit / (1.0 - reference.hit)) / k), "k": k}


def hill1_natural(log_x_ref: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``x_half`` from the position."""
    return {"x_half": hill_natural(log_x_ref, 0.0 * log_x_ref, reference=reference)["x_half"]}


def power_natural(log_x_ref: Array, log_k: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``a`` and ``k`` from the position and the log slope."""
    xp = backend(log_x_ref, log_k)
    k = xp.exp(log_k)
    return {"a": xp.exp(math.log(reference.hit) - k * log_x_ref), "k": k}


def power_level_natural(log_y_ref: Array, log_k: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``a`` and ``k`` from the log cost at the reference sparsity and the log slope."""
    xp = backend(log_y_ref, log_k)
    k = xp.exp(log_k)
    return {"a": xp.exp(log_y_ref - k * math.log(reference.sparsity)), "k": k}


def proportional_natural(log_y_ref: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``m`` from the log of y at the reference sparsity."""
    return {"m": backend(log_y_ref).exp(log_y_ref) / reference.sparsity}


def linear_natural(log_y_ref: Array, log_share: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``m`` and ``c`` from the log of y at the reference sparsity, and m's share of it."""
    xp = backend(log_y_ref, log_share)
    level, share = xp.exp(log_y_ref), xp.exp(log_share)
    return {"m": level * share / reference.sparsity, "c": level * (1.0 - share)}


# Widths of the two bends. Published hits reach down to 0.001; towards 1 a sharper bend would be a wall that
# the sampler of a straight line diverges at.
MARGIN_AT_0 = 1e-3
MARGIN_AT_1 = 2e-2


def inside_unit(f: Array) -> Array:
    """Keep f smoothly inside (0, 1), for the scatter only.

    Two softplus bends, of width 0.001 at 0 and 0.02 at 1; f itself from 0.005 to 0.75 to within 1e-5.

    Examples
    --------
    >>> [round(float(inside_unit(f)), 4) for f in (-0.1, 0.3, 1.2)]
    [0.0, 0.3, 1.0]
    """
    xp = backend(f)
    above = MARGIN_AT_0 * xp.softplus(f / MARGIN_AT_0)
    return 1.0 - MARGIN_AT_1 * xp.softplus((1.0 - above) / MARGIN_AT_1)


def logit_inside_unit(f: Array) -> Array:
    """Compute the logit of f kept smoothly inside (0, 1), finite however far f lies outside.

    Examples
    --------
    >>> round(float(logit_inside_unit(0.3)), 4), round(float(logit_inside_unit(-0.1)), 1)
    (-0.8473, -106.9)
    """
    xp = backend(f)
    rest = (1.0 - MARGIN_AT_0 * xp.softplus(f / MARGIN_AT_0)) / MARGIN_AT_1
    offset = math.log(MARGIN_AT_0 / MARGIN_AT_1)
    return _log_softplus(f / MARGIN_AT_0) - _log_softplus(rest) + offset


def _log_softplus(t: Array) -> Array:
    """Compute the log of softplus, which is t itself far to the left, where softplus underflows."""
    xp = backend(t)
    bent = xp.log(xp.softplus(xp.maximum(t, -30.0)))
    return xp.where(t < -30.0, t, bent)

"""Curve families: value, inverse and coordinates, as plain functions of arrays.

Every function here takes NumPy arrays or PyTensor variables and returns the same kind, so that the
model, the estimands and the figures share one definition of each curve.

A curve is sampled by its *position*, the log of the sparsity at a fixed reference hit (``hit_ref``),
and, where the family has one, by a shape. The natural parameters that papers report (``x_half`` and
``k`` for the Hill curve) are functions of these two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

__all__ = ["FAMILIES", "CurveFamily", "SampledParameter", "family_named", "hill", "hill_inverse"]

Array = Any  # NumPy array, float or PyTensor variable: the functions here do not care which.

_NUMPY = SimpleNamespace(
    exp=np.exp,
    log=np.log,
    sigmoid=special.expit,
    logit=special.logit,
    softplus=lambda t: np.logaddexp(0.0, t),
)


def backend(*arrays: Array) -> ModuleType | SimpleNamespace:
    """Return the namespace of functions that fits the arrays: PyTensor's if any is symbolic."""
    if any(type(array).__module__.partition(".")[0] == "pytensor" for array in arrays):
        import pytensor.tensor as pt

        return SimpleNamespace(
            exp=pt.exp, log=pt.log, sigmoid=pt.sigmoid, logit=_symbolic_logit, softplus=pt.softplus
        )
    return _NUMPY


def _symbolic_logit(y: Array) -> Array:
    import pytensor.tensor as pt

    return pt.log(y) - pt.log1p(-y)


def hill(x: Array, x_half: Array, k: Array) -> Array:
    r"""Hill curve, ``y = x**k / (x**k + x_half**k)``.

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
    xp = backend(x, x_half, k)
    return xp.sigmoid(k * (xp.log(x) - xp.log(x_half)))


def hill_inverse(y: Array, x_half: Array, k: Array) -> Array:
    r"""Sparsity at which the Hill curve reaches y: ``x = x_half * (y / (1 - y))**(1 / k)``.

    Examples
    --------
    >>> round(float(hill_inverse(hill(0.01, x_half=2.0, k=0.8), x_half=2.0, k=0.8)), 12)
    0.01
    """
    xp = backend(y, x_half, k)
    return xp.exp(xp.log(x_half) + xp.logit(y) / k)


def _hill_natural(log_x_ref: Array, log_k: Array, *, hit_ref: float) -> dict[str, Array]:
    xp = backend(log_x_ref, log_k)
    k = xp.exp(log_k)
    return {"x_half": xp.exp(log_x_ref - math.log(hit_ref / (1.0 - hit_ref)) / k), "k": k}


def _mean_between(
    function: Callable[[Array], Array],
    primitive: Callable[[Array], Array],
    start: Array,
    end: Array,
    *,
    narrow: float,
) -> Array:
    """Mean of a function from start to end, by its primitive.

    Over ranges narrower than ``narrow`` the difference of primitives would cancel, and three Gauss-Legendre
    nodes are exact to rounding there.
    """
    width, middle = end - start, 0.5 * (start + end)
    is_narrow = np.abs(width) < narrow
    step = math.sqrt(0.15) * width
    at_nodes = (5.0 * (function(middle - step) + function(middle + step)) + 8.0 * function(middle)) / 18.0
    by_primitive = (primitive(end) - primitive(start)) / np.where(is_narrow, 1.0, width)
    return np.where(is_narrow, at_nodes, by_primitive)


def _hill_mean_log_inverse(low: Array, high: Array, x_half: Array, k: Array) -> Array:
    """Mean of log x over log y from low to high, in closed form.

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
    """Li2(-exp(t)), without overflow: the inversion formula brings positive t back to negative."""
    tail = special.spence(1.0 + np.exp(-np.abs(t)))
    return np.where(t > 0, -(np.pi**2) / 6.0 - 0.5 * np.square(t) - tail, tail)


def _hill_mean_log_value(low: Array, high: Array, x_half: Array, k: Array) -> Array:
    """Mean of log y over log x from low to high: the integral of log sigmoid(t) is -Li2(-exp(-t))."""
    start, end = (k * (np.log(x) - np.log(x_half)) for x in (low, high))
    return _mean_between(
        special.log_expit, lambda t: -_dilogarithm_of_negative_exp(-t), start, end, narrow=1e-2
    )


@dataclass(frozen=True)
class SampledParameter:
    """One coordinate in which a family is sampled.

    Attributes
    ----------
    name : str
        Name in the model and the posterior, such as ``log_k``.
    natural : str
        The natural parameter that it stands for, as named by users in ``pool`` and ``priors``.
    to_sampled : callable
        From a fixed natural value to the sampled one (used by ``pool={"k": 1.0}``).
    """

    name: str
    natural: str
    to_sampled: Callable[[float], float]


@dataclass(frozen=True)
class CurveFamily:
    """A curve family: everything that the model, the estimands and the figures need of it.

    Attributes
    ----------
    name, equation : str
        The name given to ``fit(curve=...)``, and the equation in plain text.
    sampled : tuple of SampledParameter
        Position first (log sparsity at the reference hit), then the shape, if any.
    natural : callable
        ``natural(*sampled, hit_ref=...)`` gives the natural parameters by name.
    value, inverse : callable
        ``value(x, **natural)`` and ``inverse(y, **natural)``.
    coordinate, link : callable
        The curve is a straight line of ``link(y)`` against ``coordinate(x)``; two curves of the
        family therefore cross at most once.
    from_coordinate : callable
        Inverse of ``coordinate``.
    ratios : mapping
        Ratios of natural parameters reported for the family: name -> (parameter, sign), where sign +1
        is variant over baseline and -1 baseline over variant.
    saturates : bool
        Whether the value stays inside (0, 1).
    mean_log_inverse, mean_log_value : callable or None
        Closed forms of the mean of log x over log y, and of log y over log x; quadrature if None.
    """

    name: str
    equation: str
    sampled: tuple[SampledParameter, ...]
    natural: Callable[..., dict[str, Array]]
    value: Callable[..., Array]
    inverse: Callable[..., Array]
    coordinate: Callable[[Array], Array]
    from_coordinate: Callable[[Array], Array]
    link: Callable[[Array], Array]
    ratios: Mapping[str, tuple[str, int]]
    saturates: bool
    mean_log_inverse: Callable[..., Array] | None = None
    mean_log_value: Callable[..., Array] | None = None

    def __post_init__(self) -> None:
        if not self.sampled or self.sampled[0].name != "log_x_ref":
            raise ValueError(
                f"The first sampled parameter of family {self.name!r} is its position, 'log_x_ref'; "
                f"given: {[p.name for p in self.sampled]}."
            )

    @property
    def natural_names(self) -> tuple[str, ...]:
        """Names of the natural parameters, in the order of the sampled ones."""
        return tuple(parameter.natural for parameter in self.sampled)


HILL = CurveFamily(
    name="hill",
    equation="y = x^k / (x^k + x_half^k)",
    sampled=(
        SampledParameter("log_x_ref", "x_half", math.log),
        SampledParameter("log_k", "k", math.log),
    ),
    natural=_hill_natural,
    value=hill,
    inverse=hill_inverse,
    coordinate=np.log,
    from_coordinate=np.exp,
    link=special.logit,
    ratios={"x_half_ratio": ("x_half", 1), "k_ratio": ("k", -1)},
    saturates=True,
    mean_log_inverse=_hill_mean_log_inverse,
    mean_log_value=_hill_mean_log_value,
)

FAMILIES: dict[str, CurveFamily] = {HILL.name: HILL}


def family_named(name: str) -> CurveFamily:
    """Return the curve family of that name.

    Raises
    ------
    ValueError
        If there is no such family; the message lists those there are.

    Examples
    --------
    >>> family_named("hill").natural_names
    ('x_half', 'k')
    """
    try:
        return FAMILIES[name]
    except KeyError:
        raise ValueError(
            f"Unknown curve family {name!r}. Allowed: {', '.join(FAMILIES)}. Pass one of these as curve=."
        ) from None

"""Curve families: what the model, the estimands and the figures need to know of each.

A curve is sampled by its *position*, the log of the sparsity at a fixed reference hit (``hit_ref``), and,
where the family has one, by a shape; straight lines are sampled by their slope and intercept, as they need
not reach the reference hit. The natural parameters that papers report (``x_half`` and ``k`` for the Hill
curve) are functions of these.

Adding a family means adding one :class:`CurveFamily` to ``FAMILIES`` in this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special

from hillfront.shapes import (
    hill,
    hill1,
    hill1_inverse,
    hill1_natural,
    hill_inverse,
    hill_mean_log_inverse,
    hill_mean_log_value,
    hill_natural,
    inside_unit,
    linear,
    linear_inverse,
    linear_natural,
    power,
    power_inverse,
    power_mean_log_inverse,
    power_mean_log_value,
    power_natural,
    proportional_natural,
)

__all__ = ["FAMILIES", "CurveFamily", "SampledParameter", "family_named"]

Array = Any  # NumPy array, float or PyTensor variable: a family does not care which.


def _identity(value: Array) -> Array:
    return value


@dataclass(frozen=True)
class SampledParameter:
    """One coordinate in which a family is sampled, with the numbers of its default priors.

    Attributes
    ----------
    name : str
        Name in the model and the posterior, such as ``log_k``.
    natural : str
        The natural parameter that it stands for, as named by users in ``pool``.
    centre, spread : float
        Mean and standard deviation of the normal prior of its average.
    contrast : float
        Standard deviation of the prior of a variant's contrast with the baseline.
    group, interaction : float
        Prior means of the standard deviations of group and variant-by-group effects.
    to_sampled : callable or None
        From a fixed natural value to the sampled one (used by ``pool={"k": 1.0}``); None where it depends on
        another parameter, so that it can't be fixed.
    positive : bool
        Whether the natural value must be positive.
    """

    name: str
    natural: str
    centre: float
    spread: float
    contrast: float
    group: float
    interaction: float
    to_sampled: Callable[[float], float] | None
    positive: bool = True


@dataclass(frozen=True)
class CurveFamily:
    """A curve family: everything that the model, the estimands and the figures need of it.

    Attributes
    ----------
    name, equation : str
        The name given to ``fit(curve=...)``, and the equation in plain text.
    sampled : tuple of SampledParameter
        What places the curve first (its position or slope), then its shape, if any.
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
        if not self.sampled:
            raise ValueError(f"Family {self.name!r} has no sampled parameter: it needs one or more.")

    def scale_hit(self, f: Array) -> Array:
        """Hit that sets the scale of the scatter: f, or f kept inside (0, 1) if the family leaves it."""
        return f if self.saturates else inside_unit(f)

    @property
    def natural_names(self) -> tuple[str, ...]:
        """Names of the natural parameters, in the order of the sampled ones."""
        return tuple(parameter.natural for parameter in self.sampled)


# Position: a hit of 5% at an L0 of 50, from 1 to 2,500 within 95%; k from 0.3 to 2.1.
_X_HALF = SampledParameter("log_x_ref", "x_half", math.log(0.02), 2.0, 1.0, 1.0, 0.3, math.log)
_A = replace(_X_HALF, natural="a", to_sampled=None)
_K = SampledParameter("log_k", "k", math.log(0.8), 0.5, 0.3, 0.2, 0.1, math.log)
# The same position as a slope: a hit of 5% at an L0 of 50 is m = 2.5.
_M = SampledParameter("log_m", "m", math.log(2.5), 2.0, 1.0, 1.0, 0.3, math.log)
_C = SampledParameter("c", "c", 0.0, 0.2, 0.1, 0.1, 0.05, float, positive=False)

HILL = CurveFamily(
    name="hill",
    equation="y = x^k / (x^k + x_half^k)",
    sampled=(_X_HALF, _K),
    natural=hill_natural,
    value=hill,
    inverse=hill_inverse,
    coordinate=np.log,
    from_coordinate=np.exp,
    link=special.logit,
    ratios={"x_half_ratio": ("x_half", 1), "k_ratio": ("k", -1)},
    saturates=True,
    mean_log_inverse=hill_mean_log_inverse,
    mean_log_value=hill_mean_log_value,
)

HILL1 = replace(
    HILL,
    name="hill1",
    equation="y = x / (x + x_half)",
    sampled=(_X_HALF,),
    natural=hill1_natural,
    value=hill1,
    inverse=hill1_inverse,
    ratios={"x_half_ratio": ("x_half", 1)},
    mean_log_inverse=lambda low, high, x_half: hill_mean_log_inverse(low, high, x_half, 1.0),
    mean_log_value=lambda low, high, x_half: hill_mean_log_value(low, high, x_half, 1.0),
)

POWER = CurveFamily(
    name="power",
    equation="y = a x^k",
    sampled=(_A, _K),
    natural=power_natural,
    value=power,
    inverse=power_inverse,
    coordinate=np.log,
    from_coordinate=np.exp,
    link=np.log,
    ratios={"k_ratio": ("k", -1)},
    saturates=False,
    mean_log_inverse=power_mean_log_inverse,
    mean_log_value=power_mean_log_value,
)

LINEAR = CurveFamily(
    name="linear",
    equation="y = m x + c",
    sampled=(_M, _C),
    natural=linear_natural,
    value=linear,
    inverse=linear_inverse,
    coordinate=_identity,
    from_coordinate=_identity,
    link=_identity,
    ratios={"slope_ratio": ("m", -1)},
    saturates=False,
)

PROPORTIONAL = replace(
    LINEAR, name="proportional", equation="y = m x", sampled=(_M,), natural=proportional_natural
)

FAMILIES: dict[str, CurveFamily] = {
    family.name: family for family in (HILL, HILL1, POWER, PROPORTIONAL, LINEAR)
}


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

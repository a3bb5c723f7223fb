"""Curve families: what the model, the estimands and the figures need to know of each.

A curve is sampled by its *position*, the log of the sparsity at a fixed reference hit (``hit_ref``), and,
where the family has one, by a shape; straight lines are sampled by their slope and intercept, as they need
not reach the reference hit. The natural parameters that papers report (``x_half`` and ``k`` for the Hill
curve) are functions of these.

Adding a family means adding one :class:`CurveFamily` to ``FAMILIES`` in this file.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from hillfront.curves.family import CurveFamily, SampledParameter
from hillfront.curves.functions import (
    hill,
    hill1,
    hill1_inverse,
    hill_inverse,
    hill_line,
    hill_mean_log_inverse,
    hill_mean_log_value,
    hill_slope,
    linear,
    linear_inverse,
    linear_slope,
    power,
    power_inverse,
    power_line,
    power_mean_log_inverse,
    power_mean_log_value,
    power_slope,
)
from hillfront.curves.parameters import (
    hill1_natural,
    hill_natural,
    linear_natural,
    power_level_natural,
    power_natural,
    proportional_natural,
)

__all__ = ["FAMILIES", "CurveFamily", "SampledParameter", "family_named"]

Array = Any  # NumPy array, float or PyTensor variable: a family does not care which.


def _identity(value: Array) -> Array:
    return value


# Position: a hit of 5% at an L0 of 50, from 1 to 2,500 within 95%; k from 0.3 to 2.1.
_X_HALF = SampledParameter(
    "log_x_ref", "x_half", math.log(0.02), 2.0, 1.0, 1.0, 0.3, math.log, per_sparsity=1
)
_A = replace(_X_HALF, natural="a", to_sampled=None)
_K = SampledParameter("log_k", "k", math.log(0.8), 0.5, 0.3, 0.2, 0.1, math.log)
# Straight lines need not come down to a hit, so their position is their hit at an L0 of 50: the same 5%.
# Their shape is the share of it that falls with L0, which is their log-log slope there, with the prior of k.
_LEVEL = SampledParameter("log_y_ref", "m", math.log(0.05), 2.0, 1.0, 1.0, 0.3, None)
_SHARE = replace(_K, name="log_share", natural="c", to_sampled=None)

# Costs have units of their own: at an L0 of 50 anything from 5e-6 to 2e3. They fall more slowly with L0 than
# hits, k from 0.13 to 2.
_LEVEL_COST = replace(_LEVEL, centre=math.log(0.1), spread=5.0, setting=1.5)
_K_COST = replace(_K, centre=math.log(0.5), spread=0.7)
_SHARE_COST = replace(_SHARE, centre=math.log(0.5), spread=0.7)

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
    line=hill_line,
    slope=hill_slope,
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
    line=power_line,
    slope=power_slope,
    ratios={"k_ratio": ("k", -1)},
    saturates=False,
    mean_log_inverse=power_mean_log_inverse,
    mean_log_value=power_mean_log_value,
)
POWER = replace(
    POWER,
    unbounded=replace(
        POWER,
        sampled=(replace(_LEVEL_COST, natural="a"), _K_COST),
        natural=power_level_natural,
        bounded=False,
    ),
)

LINEAR = CurveFamily(
    name="linear",
    equation="y = m x + c",
    sampled=(_LEVEL, _SHARE),
    natural=linear_natural,
    value=linear,
    inverse=linear_inverse,
    coordinate=_identity,
    from_coordinate=_identity,
    link=_identity,
    line=linear,
    slope=linear_slope,
    ratios={"slope_ratio": ("m", -1)},
    saturates=False,
)
LINEAR = replace(
    LINEAR,
    unbounded=replace(LINEAR, sampled=(_LEVEL_COST, _SHARE_COST), bounded=False),
)

PROPORTIONAL = replace(
    LINEAR, name="proportional", equation="y = m x", sampled=(_LEVEL,), natural=proportional_natural
)
PROPORTIONAL = replace(
    PROPORTIONAL,
    unbounded=replace(
        PROPORTIONAL,
        sampled=(_LEVEL_COST,),
        bounded=False,
        unbounded=None,
    ),
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

"""Curve families: what the model, the estimands and the figures need to know of each.

A curve is sampled by its *position*, the log of the sparsity at a fixed reference hit (``hit_ref``), and,
where the family has one, by a shape; straight lines are sampled by their slope and intercept, as they need
not reach the reference hit. The natural parameters that papers report (``x_half`` and ``k`` for the Hill
curve) are functions of these.

A new family of the package is one :class:`CurveFamily` in this file; users give theirs to
:func:`register_family`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from hillfront.curves import functions
from hillfront.curves.family import CurveFamily, SampledParameter
from hillfront.curves.sparsity import Reference
from hillfront.utils.wording import matching, meant

__all__ = [
    "FAMILIES",
    "HILL",
    "CurveFamily",
    "Reference",
    "SampledParameter",
    "family_named",
    "register_family",
]

Array = Any  # NumPy array, float or PyTensor variable: a family does not care which.


def _identity(value: Array) -> Array:
    return value


# Position: a hit of 5% at an L0 of 50, from 1 to 2,500 within 95%; k from 0.3 to 2.1.
_X_HALF = SampledParameter(
    "log_x_ref",
    "x_half",
    centre=math.log(0.02),
    spread=2.0,
    contrast=1.0,
    setting=1.0,
    interaction=0.3,
    to_sampled=math.log,
    per_sparsity=1,
    words="x_half, sparsity at a hit of 1/2",
)
_A = replace(_X_HALF, natural="a", to_sampled=None, words="a, factor")
_K = SampledParameter(
    "log_k",
    "k",
    centre=math.log(0.8),
    spread=0.5,
    contrast=0.3,
    setting=0.2,
    interaction=0.1,
    to_sampled=math.log,
    words="k, slope",
)
# Straight lines need not come down to a hit, so their position is their hit at an L0 of 50: the same 5%.
# Their shape is the share of it that falls with L0, which is their log-log slope there, with the prior of k.
_LEVEL = replace(
    _A,
    name="log_y_ref",
    natural="m",
    centre=math.log(0.05),
    per_sparsity=0,
    words="m, slope",
    coordinate="{metric} {reference}",
)
_SHARE = replace(
    _K,
    name="log_share",
    natural="c",
    to_sampled=None,
    positive=False,
    words="c, intercept",
    coordinate="share of the {metric} that falls with L0",
)

# Costs have units of their own: at an L0 of 50 anything from 5e-6 to 2e3. They fall more slowly with L0 than
# hits, k from 0.13 to 2.
_LEVEL_COST = replace(_LEVEL, centre=math.log(0.1), spread=5.0, setting=1.5)
_K_COST = replace(_K, centre=math.log(0.5), spread=0.7)
_SHARE_COST = replace(_SHARE, centre=math.log(0.5), spread=0.7)


def _with_costs(
    family: CurveFamily, *sampled: SampledParameter, natural: Callable[..., dict[str, Array]]
) -> CurveFamily:
    """Add to a family the same curve, sampled for costs without an upper bound."""
    return replace(family, unbounded=replace(family, sampled=sampled, natural=natural, bounded=False))


HILL = CurveFamily(
    name="hill",
    equation="y = x^k / (x^k + x_half^k)",
    words="a Hill curve",
    latex="f(x) = x^{k} / (x^{k} + x_{1/2}^{k})",
    sampled=(_X_HALF, _K),
    natural=functions.hill_natural,
    value=functions.hill,
    inverse=functions.hill_inverse,
    coordinate=np.log,
    from_coordinate=np.exp,
    link=special.logit,
    line=functions.hill_line,
    slope=functions.hill_slope,
    ratios={"x_half_ratio": ("x_half", 1), "k_ratio": ("k", -1)},
    saturates=True,
    mean_log_inverse=functions.hill_mean_log_inverse,
    mean_log_value=functions.hill_mean_log_value,
)

HILL1 = replace(
    HILL,
    name="hill1",
    equation="y = x / (x + x_half)",
    words="a Hill curve of slope 1",
    latex="f(x) = x / (x + x_{1/2})",
    sampled=(_X_HALF,),
    natural=functions.hill1_natural,
    ratios={"x_half_ratio": ("x_half", 1)},
)

POWER = CurveFamily(
    name="power",
    equation="y = a x^k",
    words="a power law",
    latex="f(x) = a x^{k}",
    sampled=(_A, _K),
    natural=functions.power_natural,
    value=functions.power,
    inverse=functions.power_inverse,
    coordinate=np.log,
    from_coordinate=np.exp,
    link=np.log,
    line=functions.power_line,
    slope=functions.power_slope,
    ratios={"k_ratio": ("k", -1)},
    saturates=False,
    mean_log_inverse=functions.power_mean_log_inverse,
    mean_log_value=functions.power_mean_log_value,
)
POWER = _with_costs(
    POWER,
    replace(_LEVEL_COST, natural="a", words=_A.words),
    _K_COST,
    natural=functions.power_level_natural,
)

LINEAR = CurveFamily(
    name="linear",
    equation="y = m x + c",
    words="a straight line",
    latex="f(x) = m x + c",
    sampled=(_LEVEL, _SHARE),
    natural=functions.linear_natural,
    value=functions.linear,
    inverse=functions.linear_inverse,
    coordinate=_identity,
    from_coordinate=_identity,
    link=_identity,
    line=functions.linear,
    slope=functions.linear_slope,
    ratios={"slope_ratio": ("m", -1)},
    saturates=False,
)
LINEAR = _with_costs(LINEAR, _LEVEL_COST, _SHARE_COST, natural=LINEAR.natural)

PROPORTIONAL = replace(
    LINEAR,
    name="proportional",
    equation="y = m x",
    words="a straight line through the origin",
    latex="f(x) = m x",
    sampled=(_LEVEL,),
    natural=functions.proportional_natural,
    unbounded=None,
)
PROPORTIONAL = _with_costs(PROPORTIONAL, _LEVEL_COST, natural=PROPORTIONAL.natural)

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
    found = matching(name, FAMILIES)
    if found is None:
        raise ValueError(
            f"Unknown curve family {name!r}. Allowed: {', '.join(FAMILIES)}.{meant(name, FAMILIES)}"
        )
    return FAMILIES[found]


def register_family(family: CurveFamily, *, replace_existing: bool = False) -> CurveFamily:
    """Make a family known by its name, so that it is fitted, compared, drawn and written like the others.

    A saved fit holds the name alone: register the family again before loading one.

    Parameters
    ----------
    family : CurveFamily
    replace_existing : bool
        Whether a family of the same name may be replaced.

    Returns
    -------
    CurveFamily
        The same.

    Raises
    ------
    ValueError
        If the name is taken, or if the words are those of another family.

    Examples
    --------
    >>> register_family(replace(HILL, words="another Hill curve"))
    Traceback (most recent call last):
    ...
    ValueError: There is a curve family 'hill' already. Give another name, or replace_existing=True.
    """
    if family.name in FAMILIES and not replace_existing:
        raise ValueError(
            f"There is a curve family {family.name!r} already. Give another name, or replace_existing=True."
        )
    for other in FAMILIES.values():
        if other.name != family.name and other.words == family.words:
            raise ValueError(
                f"Family {family.name!r} has the words of {other.name!r}: give words= and latex= of its own, "
                "or empty ones."
            )
    FAMILIES[family.name] = family
    return family

"""What users would otherwise do: least squares of y on each curve, with Wald intervals.

Here for comparison only; the studies show what these intervals are worth at four points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from hillfront.curves.family import CurveFamily
from hillfront.curves.sparsity import Reference
from hillfront.utils.intervals import DEFAULT_PROB

Floats = NDArray[np.float64]

__all__ = ["REFERENCE", "LeastSquares", "least_squares", "log_ratio", "log_ratio_interval"]

REFERENCE = Reference(hit=0.05)


@dataclass(frozen=True)
class LeastSquares:
    """One curve by least squares.

    Attributes
    ----------
    theta : array, shape (parameter,)
        Sampled coordinates of the family.
    covariance : array, shape (parameter, parameter)
        Wald covariance of theta, infinite where the data do not determine it.
    natural : mapping of str to float
    residual_variance : float
        NaN where there are no more points than parameters.
    dof : int
    """

    theta: Floats
    covariance: Floats
    natural: Mapping[str, float]
    residual_variance: float
    dof: int


def least_squares(x: Floats, y: Floats, family: CurveFamily) -> LeastSquares:
    """Minimise the squared distance of y from the curve, as published fits do.

    Parameters
    ----------
    x, y : array, shape (n,)
        Sparsity and performance hit.
    family : CurveFamily

    Returns
    -------
    LeastSquares
        The best of several starts.

    Examples
    --------
    >>> from hillfront.curves.families import HILL
    >>> x = np.geomspace(0.01, 1.0, 6)
    >>> found = least_squares(x, HILL.value(x, x_half=2.0, k=0.8), HILL)
    >>> round(found.natural["x_half"], 4), round(found.natural["k"], 4)
    (2.0, 0.8)
    """

    def residuals(theta: Floats) -> Floats:
        with np.errstate(all="ignore"):
            value = family.value(x, **family.natural(*theta, reference=REFERENCE))
        return np.asarray(np.nan_to_num(y - value, nan=1e3, posinf=1e3, neginf=-1e3))

    centre = np.array([parameter.centre for parameter in family.sampled])
    spread = np.array([parameter.spread for parameter in family.sampled])
    fits = [optimize.least_squares(residuals, centre + shift * spread) for shift in (-1.0, -0.3, 0.3, 1.0)]
    best = min(fits, key=lambda fit: float(fit.cost))
    dof = len(x) - len(centre)
    variance = float(2.0 * best.cost / dof) if dof > 0 else np.nan
    information = best.jac.T @ best.jac
    determined = np.linalg.matrix_rank(information) == len(centre) and dof > 0
    covariance = variance * np.linalg.inv(information) if determined else np.full(information.shape, np.inf)
    with np.errstate(over="ignore"):  # a curve that hardly rises reaches one half beyond any float
        natural = {name: float(v) for name, v in family.natural(*best.x, reference=REFERENCE).items()}
    return LeastSquares(best.x, covariance, natural, variance, dof)


def log_ratio(
    variant: LeastSquares, baseline: LeastSquares, log_quantity: Callable[[Floats, Floats], float]
) -> tuple[float, float]:
    """Log of a ratio of two curves and its variance, by the delta method.

    Parameters
    ----------
    log_quantity : callable
        From the two curves' theta to the log of the quantity.

    Returns
    -------
    estimate, variance : float
        The variance is infinite where the data do not determine a curve.
    """
    estimate = log_quantity(variant.theta, baseline.theta)
    if not all(np.isfinite(fit.covariance).all() for fit in (variant, baseline)):
        return estimate, np.inf
    variance = 0.0
    for which, fit in enumerate((variant, baseline)):
        thetas = [variant.theta, baseline.theta]
        gradient = np.zeros(len(fit.theta))
        for i in range(len(fit.theta)):
            ends = []
            for step in (-1e-5, 1e-5):
                moved = list(thetas)
                moved[which] = fit.theta + step * (np.arange(len(fit.theta)) == i)
                ends.append(log_quantity(*moved))
            gradient[i] = (ends[1] - ends[0]) / 2e-5
        variance += float(gradient @ fit.covariance @ gradient)
    return estimate, variance


def log_ratio_interval(
    variant: LeastSquares,
    baseline: LeastSquares,
    log_quantity: Callable[[Floats, Floats], float],
    *,
    prob: float = DEFAULT_PROB,
) -> tuple[float, float, float]:
    """Wald interval of a ratio of two curves, by the delta method on its log; see :func:`log_ratio`.

    Returns
    -------
    lower, estimate, upper : float
        From 0 to infinity where the data do not determine a curve.
    """
    middle, variance = log_ratio(variant, baseline, log_quantity)
    half = special.ndtri(0.5 + 0.5 * prob) * np.sqrt(variance)
    return float(np.exp(middle - half)), float(np.exp(middle)), float(np.exp(middle + half))

"""The observation model: one for all curve families, so that LOO compares like with like.

``y_i ~ StudentT(nu, f(x_i), s_i)`` with ``s_i^2 = (sigma h_i (1 - h_i))^2 + tau^2 + se_i^2``: sigma is the
scatter between trainings on the logit scale, tau an additive floor (rounding, evaluation noise) and se_i
an optional known standard error of y. It is defined for y <= 0 and y >= 1, which real data contain, so no
value is clipped or dropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = Any
Floats = NDArray[np.float64]

__all__ = ["noise_variance", "student_t_draws", "student_t_logpdf"]


def noise_variance(f: Array, sigma: Array, tau: Array, se: Array = 0.0) -> Array:
    """Squared scale of the observation model, ``(sigma f (1 - f))^2 + tau^2 + se^2``.

    Parameters
    ----------
    f : array
        Expected performance hit, in (0, 1).
    sigma : array
        Scatter on the logit scale.
    tau : array
        Additive floor, in units of y.
    se : array, default 0
        Known standard error of y.

    Examples
    --------
    >>> float(noise_variance(0.5, sigma=0.4, tau=0.0)) ** 0.5
    0.1
    """
    return (sigma * f * (1.0 - f)) ** 2 + tau**2 + se**2


def student_t_logpdf(y: Floats, f: Floats, scale: Floats, nu: float | Floats) -> Floats:
    """Log density of y under ``StudentT(nu, f, scale)``; all arguments broadcast.

    Examples
    --------
    >>> float(np.round(student_t_logpdf(0.0, 0.0, 1.0, 4.0), 6))
    -0.980829
    """
    z = (y - f) / scale
    constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu * np.pi)
    return np.asarray(constant - np.log(scale) - 0.5 * (nu + 1) * np.log1p(z**2 / nu))


def student_t_draws(
    rng: np.random.Generator, f: Floats, scale: Floats, nu: float | Floats
) -> NDArray[np.float64]:
    """Draw one y for each f, ``f + scale * t`` with t from a Student t of nu degrees of freedom."""
    return np.asarray(f + scale * rng.standard_t(nu, size=np.shape(f)))

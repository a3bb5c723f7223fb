"""Likelihoods: how SAEs scatter about their curve.

One serves all families, so that LOO compares like with like.

``student-t``, the default: ``y_i ~ StudentT(nu, f(x_i), s_i)`` with ``s_i = sqrt((sigma spread_i)^2 + tau^2
+ known_i^2) / q(nu)``, where the spread is ``h (1 - h)``, so that sigma is the scatter between trainings on
the logit scale; tau is an additive floor (rounding, evaluation noise) and known_i a known standard error of
y. It is defined for y <= 0 and y >= 1, which real data contain, so no value is clipped or dropped. q(nu) is
the 84% point of the standard Student t, 1 for a normal, so that sigma means the same at every nu: two
thirds of the SAEs lie within sigma of their curve.

``normal`` is its limit for large nu. ``logit-normal`` has ``logit y ~ Normal(logit f, sqrt(sigma^2 + (known /
spread)^2))``, without a floor, and is for hits inside (0, 1) only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hillfront.utils.wording import matching, meant

Array = Any
Floats = NDArray[np.float64]
Parameters = Mapping[str, Array]

__all__ = ["DEFAULT_NOISE", "LIKELIHOODS", "Expected", "Likelihood", "likelihood_named", "tail_quantile"]

DEFAULT_NOISE: Final = "student-t"


def tail_quantile(nu: Array) -> Array:
    """Compute the 84.13% point of a Student t of nu degrees of freedom, ``1 + 0.5/nu + 0.337/nu^2``.

    Within 2% of the exact quantile from nu = 1 up, which is as close as the meaning of sigma needs.

    Examples
    --------
    >>> round(float(tail_quantile(4.0)), 3), round(float(special.stdtrit(4.0, 0.8413447)), 3)
    (1.146, 1.142)
    """
    return 1.0 + 0.5 / nu + 0.337 / nu**2


@dataclass(frozen=True)
class Expected:
    """Expectations of the curves for each SAE; arrays of one shape, or PyTensor variables.

    Attributes
    ----------
    f, logit : array
        Expected hit (or cost) as it would be measured, and its logit, kept inside (0, 1).
    spread : array
        Change of y per unit of scatter: ``h (1 - h)`` for a hit, ``|f|`` for a cost.
    known_variance : array or float
        Square of the known standard error of y, that of the L0 included by the slope of the curve.
    """

    f: Array
    logit: Array
    spread: Array
    known_variance: Array


@dataclass(frozen=True)
class Likelihood:
    """A likelihood.

    Attributes
    ----------
    name : str
        The name given to ``fit(noise=...)``.
    parameters : tuple of str
        Its parameters: of sigma, tau and nu, those it has.
    location, variance : callable
        ``location(expected)`` and ``variance(expected, parameters)`` of y, or of logit y.
    on_logit : bool
        Whether they are of logit y.
    latex : str
        What it is, in LaTeX, in the methods paragraph; ``{scale}`` is what sigma is measured on.
    latex_of_hits : str
        What is added for hits.
    """

    name: str
    parameters: tuple[str, ...]
    location: Callable[[Expected], Array]
    variance: Callable[[Expected, Parameters], Array]
    on_logit: bool = False
    latex: str = "scatter around the curve"
    latex_of_hits: str = ""

    def scale(self, expected: Expected, parameters: Parameters) -> Array:
        """Scale of the distribution about its location.

        Examples
        --------
        >>> half = Expected(f=0.5, logit=0.0, spread=0.25, known_variance=0.0)
        >>> round(float(LIKELIHOODS["student-t"].scale(half, {"sigma": 0.4, "tau": 0.0, "nu": 1e9})), 6)
        0.1
        """
        # x**0.5 rather than sqrt: the same expression serves NumPy and PyTensor.
        scale = self.variance(expected, parameters) ** 0.5
        return scale / tail_quantile(parameters["nu"]) if "nu" in parameters else scale

    def residual(self, y: Floats, expected: Expected, parameters: Parameters) -> Floats:
        """Distance of y from its location, in scales."""
        observed = special.logit(y) if self.on_logit else y
        return np.asarray((observed - self.location(expected)) / self.scale(expected, parameters))

    def logpdf(self, y: Floats, expected: Expected, parameters: Parameters) -> Floats:
        """Log density of y itself, so that likelihoods can be compared; all arguments broadcast.

        Examples
        --------
        >>> at_zero = Expected(f=0.0, logit=-np.inf, spread=0.0, known_variance=1.0)
        >>> float(np.round(LIKELIHOODS["normal"].logpdf(0.0, at_zero, {"sigma": 0.1, "tau": 0.0}), 6))
        -0.918939
        """
        z = self.residual(y, expected, parameters)
        density = -np.log(self.scale(expected, parameters))
        if "nu" in parameters:
            nu = parameters["nu"]
            constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu * np.pi)
            density = density + constant - 0.5 * (nu + 1) * np.log1p(z**2 / nu)
        else:
            density = density - 0.5 * np.log(2 * np.pi) - 0.5 * z**2
        return np.asarray(density - np.log(y * (1.0 - y)) if self.on_logit else density)

    def standard_draws(self, rng: np.random.Generator, parameters: Parameters, shape: Any) -> Floats:
        """Draw residuals, in scales."""
        if "nu" in parameters:
            return np.asarray(rng.standard_t(parameters["nu"], size=shape))
        return np.asarray(rng.standard_normal(shape))

    def tail_bound(self, parameters: Parameters, *, prob: float) -> Array:
        """Residual that is exceeded, to either side, with probability ``1 - prob``."""
        p = 0.5 + 0.5 * prob
        return special.stdtrit(parameters["nu"], p) if "nu" in parameters else special.ndtri(p)

    def draws(self, rng: np.random.Generator, expected: Expected, parameters: Parameters) -> Floats:
        """Draw one y for each expectation."""
        shape = np.shape(expected.f)
        z = self.standard_draws(rng, parameters, shape)
        values = self.location(expected) + self.scale(expected, parameters) * z
        return np.asarray(special.expit(values) if self.on_logit else values)


def _additive(expected: Expected, parameters: Parameters) -> Array:
    return (parameters["sigma"] * expected.spread) ** 2 + parameters["tau"] ** 2 + expected.known_variance


def _on_logit(expected: Expected, parameters: Parameters) -> Array:
    if isinstance(expected.known_variance, float) and expected.known_variance == 0.0:
        return parameters["sigma"] ** 2  # the spread may round to 0, where the curve saturates
    return parameters["sigma"] ** 2 + expected.known_variance / expected.spread**2


LIKELIHOODS: Final[dict[str, Likelihood]] = {
    noise.name: noise
    for noise in (
        Likelihood(
            DEFAULT_NOISE,
            ("sigma", "tau", "nu"),
            lambda expected: expected.f,
            _additive,
            latex=r"Student-$t$ scatter around the curve, with $\sigma$ {scale} and an additive floor $\tau$",
            latex_of_hits=", so that no value was clipped or dropped for lying outside $(0, 1)$",
        ),
        Likelihood(
            "normal",
            ("sigma", "tau"),
            lambda expected: expected.f,
            _additive,
            latex=r"normal scatter around the curve, with $\sigma$ {scale} and an additive floor $\tau$",
        ),
        Likelihood(
            "logit-normal",
            ("sigma",),
            lambda expected: expected.logit,
            _on_logit,
            on_logit=True,
            latex="normal scatter of the logit around that of the curve",
        ),
    )
}


def likelihood_named(name: str) -> Likelihood:
    """Return the likelihood of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.

    Examples
    --------
    >>> likelihood_named("normal").parameters
    ('sigma', 'tau')
    """
    found = matching(name, LIKELIHOODS)
    if found is None:
        raise ValueError(
            f"Unknown noise {name!r}. Allowed: {', '.join(LIKELIHOODS)}.{meant(name, LIKELIHOODS)}"
        )
    return LIKELIHOODS[found]

"""Distributions of priors as plain data: a name and its numbers, usable without PyMC.

Each has a twin ``pymc_extras.prior.Prior``: users give priors as those, PyMC models state them so, and files
hold what both are written as. A prior that is not in the table (nested, transformed, of another distribution)
stays a ``Prior``. What needs no PyMC spares a fit the seconds of its import.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma, log, pi
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

if TYPE_CHECKING:
    from pymc_extras.prior import Prior

Floats = NDArray[np.float64]
Form = tuple[str, float, float, float, float]

__all__ = ["DISTRIBUTIONS", "Distribution", "DistributionKind", "distribution_of"]


@dataclass(frozen=True)
class DistributionKind:
    """A distribution, as functions of its parameters.

    Attributes
    ----------
    parameters : tuple of str
        In PyMC's names and order.
    scipy : callable
        From ``scipy.stats`` and the parameters to SciPy's frozen distribution.
    median : callable
        By scipy.special, as a usual fit samples before scipy.stats has been imported.
    form : callable
        Kind of density, its numbers a, b and c, and the constant of the log density, as
        :func:`hillfront.sampling.compiled.density.prior_density` takes them.
    bound : callable
        Least value, above which it is sampled by its log; None for a distribution over all numbers.
    """

    parameters: tuple[str, ...]
    scipy: Callable[..., Any]
    median: Callable[..., float]
    form: Callable[..., Form]
    bound: Callable[..., float | None] = lambda *_: 0.0


_PER_SIGMA: Final = -0.5 * log(2.0 * pi)

DISTRIBUTIONS: Final[dict[str, DistributionKind]] = {
    "Exponential": DistributionKind(
        ("lam",),
        scipy=lambda stats, lam: stats.expon(scale=1.0 / lam),
        median=lambda lam: log(2.0) / lam,
        form=lambda lam: ("POWER_EXPONENTIAL", 0.0, lam, 0.0, log(lam)),
    ),
    "Gamma": DistributionKind(
        ("alpha", "beta"),
        scipy=lambda stats, alpha, beta: stats.gamma(alpha, scale=1.0 / beta),
        median=lambda alpha, beta: special.gammaincinv(alpha, 0.5) / beta,
        form=lambda alpha, beta: (
            *("POWER_EXPONENTIAL", alpha - 1.0, beta, 0.0),
            alpha * log(beta) - lgamma(alpha),
        ),
    ),
    "HalfCauchy": DistributionKind(
        ("beta",),
        scipy=lambda stats, beta: stats.halfcauchy(scale=beta),
        median=lambda beta: beta,
        form=lambda beta: ("HALF_CAUCHY", beta, 0.0, 0.0, log(2.0 / (pi * beta))),
    ),
    "HalfNormal": DistributionKind(
        ("sigma",),
        scipy=lambda stats, sigma: stats.halfnorm(scale=sigma),
        median=lambda sigma: sigma * special.ndtri(0.75),
        form=lambda sigma: ("NORMAL", 0.0, sigma, 0.0, log(2.0) + _PER_SIGMA - log(sigma)),
    ),
    "InverseGamma": DistributionKind(
        ("alpha", "beta"),
        scipy=lambda stats, alpha, beta: stats.invgamma(alpha, scale=beta),
        median=lambda alpha, beta: beta / special.gammainccinv(alpha, 0.5),
        form=lambda alpha, beta: (
            *("POWER_EXPONENTIAL", -alpha - 1.0, 0.0, beta),
            alpha * log(beta) - lgamma(alpha),
        ),
    ),
    "LogNormal": DistributionKind(
        ("mu", "sigma"),
        scipy=lambda stats, mu, sigma: stats.lognorm(sigma, scale=math.exp(mu)),
        median=lambda mu, _: math.exp(mu),
        form=lambda mu, sigma: ("LOG_NORMAL", mu, sigma, 0.0, _PER_SIGMA - log(sigma)),
    ),
    "Normal": DistributionKind(
        ("mu", "sigma"),
        scipy=lambda stats, mu, sigma: stats.norm(mu, sigma),
        median=lambda mu, _: mu,
        form=lambda mu, sigma: ("NORMAL", mu, sigma, 0.0, _PER_SIGMA - log(sigma)),
        bound=lambda *_: None,
    ),
    "Pareto": DistributionKind(
        ("alpha", "m"),
        scipy=lambda stats, alpha, m: stats.pareto(alpha, scale=m),
        median=lambda alpha, m: m * 2.0 ** (1.0 / alpha),
        form=lambda alpha, m: (
            *("POWER_EXPONENTIAL", -alpha - 1.0, 0.0, 0.0),
            log(alpha) + alpha * log(m),
        ),
        bound=lambda _, m: m,
    ),
}


@dataclass(frozen=True)
class Distribution:
    """A distribution with numbers for its parameters.

    Attributes
    ----------
    name : str
        PyMC's name of it.
    parameters : tuple of float
        In PyMC's order.
    dims : tuple of str
        Dims of the variable, whose entries are independent.

    Examples
    --------
    >>> Distribution("Normal", (0.0, 1.0)).to_dict()
    {'dist': 'Normal', 'kwargs': {'mu': 0.0, 'sigma': 1.0}}
    """

    name: str
    parameters: tuple[float, ...]
    dims: tuple[str, ...] = ()

    @property
    def kind(self) -> DistributionKind:
        """Its entry in the table of distributions."""
        return DISTRIBUTIONS[self.name]

    @property
    def kwargs(self) -> dict[str, float]:
        """Parameters by PyMC's names."""
        return dict(zip(self.kind.parameters, self.parameters, strict=True))

    @property
    def bound(self) -> float | None:
        """Least value, above which it is sampled by its log; None for a distribution over all numbers."""
        return self.kind.bound(*self.parameters)

    @property
    def median(self) -> float:
        """Median."""
        return float(self.kind.median(*self.parameters))

    @property
    def _scipy(self) -> Any:
        from scipy import stats

        return self.kind.scipy(stats, *self.parameters)

    def log_density(self, values: Floats) -> Floats:
        """Return the log density of each value, -inf outside the support."""
        return np.asarray(self._scipy.logpdf(values))

    def draws(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Draw independent values."""
        return np.asarray(self._scipy.rvs(size=shape, random_state=rng))

    def to_prior(self) -> Prior:
        """Return the same as pymc_extras has it."""
        from pymc_extras.prior import Prior

        return Prior(self.name, dims=self.dims or None, **self.kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain data, as pymc_extras writes and reads it."""
        plain: dict[str, Any] = {"dist": self.name, "kwargs": self.kwargs}
        return plain | ({"dims": self.dims} if self.dims else {})


def distribution_of(prior: Prior) -> Distribution | None:
    """Return the distribution that a prior is, or None if the table has none such.

    Examples
    --------
    >>> from pymc_extras.prior import Prior
    >>> distribution_of(Prior("Gamma", alpha=2, beta=4))
    Distribution(name='Gamma', parameters=(2.0, 4.0), dims=())
    >>> distribution_of(Prior("Gamma", mu=2, sigma=4)) is None
    True
    """
    kind, given = DISTRIBUTIONS.get(prior.distribution), prior.parameters
    if kind is None or set(given) != set(kind.parameters):
        return None
    if prior.transform is not None or not getattr(prior, "centered", True):
        return None
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in given.values()):
        return None
    parameters = tuple(float(given[name]) for name in kind.parameters)
    return Distribution(prior.distribution, parameters, tuple(prior.dims or ()))

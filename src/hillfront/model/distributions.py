"""Distributions of priors as plain data: a name and its numbers, usable without PyMC.

Each has a twin ``pymc_extras.prior.Prior``: users give priors as those, PyMC models state them so, and files
hold what both are written as. A prior that has no place here (nested, transformed, of another distribution)
stays a ``Prior``. What needs no PyMC spares a fit the seconds of its import.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

if TYPE_CHECKING:
    from pymc_extras.prior import Prior

Floats = NDArray[np.float64]

__all__ = ["Distribution", "distribution_of"]

# In PyMC's names and order of parameters.
_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "Exponential": ("lam",),
    "Gamma": ("alpha", "beta"),
    "HalfCauchy": ("beta",),
    "HalfNormal": ("sigma",),
    "InverseGamma": ("alpha", "beta"),
    "LogNormal": ("mu", "sigma"),
    "Normal": ("mu", "sigma"),
    "Pareto": ("alpha", "m"),
}


def _as_scipy(name: str, parameters: tuple[float, ...]) -> Any:
    """SciPy's frozen distribution."""
    from scipy import stats

    made: dict[str, Callable[..., Any]] = {
        "Exponential": lambda lam: stats.expon(scale=1.0 / lam),
        "Gamma": lambda alpha, beta: stats.gamma(alpha, scale=1.0 / beta),
        "HalfCauchy": lambda beta: stats.halfcauchy(scale=beta),
        "HalfNormal": lambda sigma: stats.halfnorm(scale=sigma),
        "InverseGamma": lambda alpha, beta: stats.invgamma(alpha, scale=beta),
        "LogNormal": lambda mu, sigma: stats.lognorm(sigma, scale=math.exp(mu)),
        "Normal": stats.norm,
        "Pareto": lambda alpha, m: stats.pareto(alpha, scale=m),
    }
    return made[name](*parameters)


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
    def kwargs(self) -> dict[str, float]:
        """Parameters by PyMC's names."""
        return dict(zip(_PARAMETERS[self.name], self.parameters, strict=True))

    @property
    def bound(self) -> float | None:
        """Least value, above which it is sampled by its log; None for a distribution over all numbers."""
        if self.name == "Normal":
            return None
        return self.kwargs["m"] if self.name == "Pareto" else 0.0

    @property
    def median(self) -> float:
        """Median."""
        # By scipy.special, as a usual fit samples before scipy.stats has been imported.
        known: dict[str, Callable[..., float]] = {
            "Exponential": lambda lam: math.log(2.0) / lam,
            "Gamma": lambda alpha, beta: special.gammaincinv(alpha, 0.5) / beta,
            "HalfCauchy": lambda beta: beta,
            "HalfNormal": lambda sigma: sigma * special.ndtri(0.75),
            "InverseGamma": lambda alpha, beta: beta / special.gammainccinv(alpha, 0.5),
            "LogNormal": lambda mu, _: math.exp(mu),
            "Normal": lambda mu, _: mu,
            "Pareto": lambda alpha, m: m * 2.0 ** (1.0 / alpha),
        }
        return float(known[self.name](*self.parameters))

    def log_density(self, values: Floats) -> Floats:
        """Log density of each value, -inf outside the support."""
        return np.asarray(_as_scipy(self.name, self.parameters).logpdf(values))

    def draws(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Independent draws."""
        return np.asarray(_as_scipy(self.name, self.parameters).rvs(size=shape, random_state=rng))

    def to_prior(self) -> Prior:
        """The same as pymc_extras has it."""
        from pymc_extras.prior import Prior

        return Prior(self.name, dims=self.dims or None, **self.kwargs)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, as pymc_extras writes and reads it."""
        plain: dict[str, Any] = {"dist": self.name, "kwargs": self.kwargs}
        return plain | ({"dims": self.dims} if self.dims else {})


def distribution_of(prior: Prior) -> Distribution | None:
    """The distribution that a prior is, or None if it has no place here.

    Examples
    --------
    >>> from pymc_extras.prior import Prior
    >>> distribution_of(Prior("Gamma", alpha=2, beta=4))
    Distribution(name='Gamma', parameters=(2.0, 4.0), dims=())
    >>> distribution_of(Prior("Gamma", mu=2, sigma=4)) is None
    True
    """
    names = _PARAMETERS.get(prior.distribution)
    given = prior.parameters
    plain = names is not None and set(given) == set(names)
    if not plain or prior.transform is not None or not getattr(prior, "centered", True):
        return None
    assert names is not None
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in given.values()):
        return None
    return Distribution(
        prior.distribution, tuple(float(given[name]) for name in names), tuple(prior.dims or ())
    )

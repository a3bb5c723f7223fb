"""What a curve family is: what the model, the estimands and the figures need to know of a curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scipy import special

from hillfront.curves.functions import inside_unit, logit_inside_unit

__all__ = ["CurveFamily", "SampledParameter"]

Array = Any  # NumPy array, float or PyTensor variable: a family does not care which.


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
    setting, interaction : float
        Prior means of the standard deviations of setting and variant-by-setting effects.
    to_sampled : callable or None
        From a fixed natural value to the sampled one (used by ``pool={"k": 1.0}``); None where it depends on
        another parameter, so that it can't be fixed.
    positive : bool
        Whether the natural value must be positive.
    per_sparsity : int
        Power of the unit of sparsity in the exponential of the sampled value: 1 for a position, -1 for a
        slope, 0 for shapes and levels. Priors shift by it where sparsity is relative.
    """

    name: str
    natural: str
    centre: float
    spread: float
    contrast: float
    setting: float
    interaction: float
    to_sampled: Callable[[float], float] | None
    positive: bool = True
    per_sparsity: int = 0


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
        ``natural(*sampled, reference=...)`` gives the natural parameters by name.
    value, inverse : callable
        ``value(x, **natural)`` and ``inverse(y, **natural)``.
    coordinate, link : callable
        The curve is a straight line of ``link(y)`` against ``coordinate(x)``; two curves of the
        family therefore cross at most once.
    line, slope : callable
        ``line(x, **natural)`` is ``link(value(x))`` without its loss of digits, ``slope(x, **natural)``
        dy/dx.
    from_coordinate : callable
        Inverse of ``coordinate``.
    ratios : mapping
        Ratios of natural parameters reported for the family: name -> (parameter, sign), where sign +1
        is variant over baseline and -1 baseline over variant.
    saturates : bool
        Whether the value stays inside (0, 1).
    bounded : bool
        Whether y is a performance hit, whose scatter vanishes at 0 and 1; that of a cost is relative.
    unbounded : CurveFamily or None
        The same curve, sampled for costs without an upper bound; None where it saturates at 1.
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
    line: Callable[..., Array]
    slope: Callable[..., Array]
    ratios: Mapping[str, tuple[str, int]]
    saturates: bool
    bounded: bool = True
    unbounded: CurveFamily | None = None
    mean_log_inverse: Callable[..., Array] | None = None
    mean_log_value: Callable[..., Array] | None = None

    def __post_init__(self) -> None:
        if not self.sampled:
            raise ValueError(f"Family {self.name!r} has no sampled parameter: it needs one or more.")

    def spread(self, f: Array) -> Array:
        """Change of y per unit of scatter: ``h (1 - h)``, h being f kept inside (0, 1); a cost's ``|f|``."""
        if not self.bounded:
            return abs(f)
        h = f if self.saturates else inside_unit(f)
        return h * (1.0 - h)

    def logit(self, x: Array, **natural: Array) -> Array:
        """Logit of the value, kept inside (0, 1) where the family leaves it."""
        if self.link is special.logit:
            return self.line(x, **natural)
        return logit_inside_unit(self.value(x, **natural))

    @property
    def natural_names(self) -> tuple[str, ...]:
        """Names of the natural parameters, in the order of the sampled ones."""
        return tuple(parameter.natural for parameter in self.sampled)

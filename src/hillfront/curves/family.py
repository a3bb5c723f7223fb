"""A curve family: all that the model, the estimands and the figures need of it, with its words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from hillfront.curves.functions import inside_unit, logit_inside_unit
from hillfront.curves.sparsity import Reference

__all__ = ["CurveFamily", "SampledParameter", "set_default"]

Array = Any  # NumPy array, float or PyTensor variable: a family does not care which.


@dataclass(frozen=True)
class SampledParameter:
    """One coordinate in which a family is sampled, its default priors, and its words.

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
        Whether the natural value must be positive; axes are then logarithmic.
    per_sparsity : int
        Power of the unit of sparsity in the exponential of the sampled value: 1 for a position, -1 for a
        slope, 0 for shapes and levels. Priors shift by it where sparsity is relative.
    words : str
        Axis label of the natural parameter, such as ``k, slope``; its name if left out.
    coordinate : str
        Axis label of the exponential of the sampled value, in which ``{hit:g}`` is the reference hit,
        ``{metric}`` the metric and ``{reference}`` the reference sparsity in words. If left out, a position
        is read as an L0, and anything else as the natural parameter.

    Raises
    ------
    ValueError
        For a prior that is not a number, or has no width.
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
    words: str = ""
    coordinate: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.centre):
            raise ValueError(f"Parameter {self.name!r}: centre={self.centre!r} must be a finite number.")
        for prior in ("spread", "contrast", "setting", "interaction"):
            width = getattr(self, prior)
            if not (math.isfinite(width) and width > 0.0):
                raise ValueError(f"Parameter {self.name!r}: {prior}={width!r} must be a positive number.")
        set_default(self, words=self.natural)
        set_default(self, coordinate="L0 at a hit of {hit:g}" if self.is_position else self.words)

    @property
    def is_position(self) -> bool:
        """True for the log of the sparsity at the reference hit."""
        return self.per_sparsity == 1

    @property
    def is_log_of_natural(self) -> bool:
        """True if the natural parameter is the exponential of the sampled value, whatever the reference."""
        return self.to_sampled is math.log and not self.is_position


@dataclass(frozen=True)
class CurveFamily:
    """A curve family: everything that the model, the estimands, the figures and the texts need of it.

    Attributes
    ----------
    name : str
        The name given to ``fit(curve=...)``.
    equation : str
        The equation in plain text.
    sampled : tuple of SampledParameter
        The position or the level of the curve first, then its shape, if any.
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
        is variant over baseline and -1 baseline over variant. Each is a quantity of the improvement table.
    saturates : bool
        Whether the value stays inside (0, 1).
    bounded : bool
        Whether y is a performance hit, whose scatter vanishes at 0 and 1; that of a cost is relative.
    unbounded : CurveFamily or None
        The same curve, sampled for costs without an upper bound; None where it saturates at 1.
    mean_log_inverse, mean_log_value : callable or None
        Closed forms of the mean of log x over log y, and of log y over log x; quadrature if None.
    words : str
        What one curve is, with its article, in the methods paragraph: ``a Hill curve``. Derived from the name
        if left out.
    latex : str
        The equation as LaTeX mathematics; the plain one is printed if left out.

    Raises
    ------
    ValueError
        Where the parts contradict each other: no or repeated parameters, ratios of parameters that the family
        does not have, ``natural`` without one of them, or an inverse that does not undo the value.
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
    words: str = ""
    latex: str = ""

    def __post_init__(self) -> None:
        if not self.sampled:
            raise ValueError(f"Family {self.name!r} has no sampled parameter: it needs one or more.")
        names = self.natural_names
        if len({p.name for p in self.sampled}) < len(names) or len(set(names)) < len(names):
            raise ValueError(f"Family {self.name!r} has two parameters of one name among {', '.join(names)}.")
        for ratio, (parameter, _) in self.ratios.items():
            if parameter not in names:
                raise ValueError(
                    f"Family {self.name!r} has a ratio {ratio!r} of {parameter!r}, which is none of its "
                    f"parameters: {', '.join(names)}."
                )
        self._validate_functions()
        set_default(self, words=f"a {self.name} curve")

    def _validate_functions(self) -> None:
        """Try the functions once, at the centre of the priors."""
        centres = [np.float64(parameter.centre) for parameter in self.sampled]
        natural = self.natural(*centres, reference=Reference(0.05))
        if tuple(natural) != self.natural_names:
            raise ValueError(
                f"Family {self.name!r}: natural() returns {', '.join(natural)}, and the sampled parameters "
                f"stand for {', '.join(self.natural_names)}."
            )
        x = np.float64(0.02)
        found = self.inverse(self.value(x, **natural), **natural)
        if not math.isclose(found, x, rel_tol=1e-6):
            raise ValueError(
                f"Family {self.name!r}: at the centre of its priors, inverse(value({x:g})) is {found:g} and "
                f"should be {x:g}."
            )

    def spread(self, f: Array) -> Array:
        """Compute the change of y per unit of scatter.

        ``h (1 - h)`` for a hit, h being f kept inside (0, 1); ``|f|`` for a cost.
        """
        if not self.bounded:
            return abs(f)
        h = f if self.saturates else inside_unit(f)
        return h * (1.0 - h)

    def logit(self, x: Array, **natural: Array) -> Array:
        """Compute the logit of the value, kept inside (0, 1) where the family leaves it."""
        if self.link is special.logit:
            return self.line(x, **natural)
        return logit_inside_unit(self.value(x, **natural))

    @property
    def natural_names(self) -> tuple[str, ...]:
        """Names of the natural parameters, in the order of the sampled ones."""
        return tuple(parameter.natural for parameter in self.sampled)


def set_default(frozen: object, **values: str) -> None:
    """Fill the fields of a frozen dataclass that were left empty; for its ``__post_init__`` only."""
    for name, value in values.items():
        if not getattr(frozen, name):
            object.__setattr__(frozen, name, value)

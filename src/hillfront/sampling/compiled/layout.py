"""The order of a design's variables in the vector that the compiled density reads.

The vector holds the *free values*, which have priors of their own, block by block, each by its log where it
has a least value; then the coefficients of the settings' effects. :class:`Layout` knows the index of each,
:func:`.sampler.packed` writes the data that the density reads, and :meth:`Layout.variables` goes back from
points to the variables that a posterior reports.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hillfront.curves import functions
from hillfront.model.design import Design
from hillfront.model.distributions import Distribution
from hillfront.model.pymc_model import effect_columns
from hillfront.model.zero_sum import over_variants, zero_sum

Floats = NDArray[np.float64]

__all__ = ["CURVES", "Block", "Layout", "layout_of"]

# A curve is known by its functions, not by its name: users may register families of their own.
CURVES: Final[dict[tuple[Callable[..., Any], Callable[..., Any]], str]] = {
    (functions.hill, functions.hill_natural): "HILL",
    (functions.hill, functions.hill1_natural): "HILL",
    (functions.power, functions.power_natural): "POWER",
    (functions.power, functions.power_level_natural): "POWER_LEVEL",
    (functions.linear, functions.linear_natural): "LINEAR",
    (functions.linear, functions.proportional_natural): "LINEAR",
}


@dataclass(frozen=True)
class Block:
    """Values with one prior.

    Attributes
    ----------
    name : str
    prior : Distribution
    shape : tuple of int
    begin : int
        Index of the first one.
    """

    name: str
    prior: Distribution
    shape: tuple[int, ...]
    begin: int

    @property
    def size(self) -> int:
        """Their number."""
        return math.prod(self.shape)

    @property
    def segment(self) -> slice:
        """Their part of the vector."""
        return slice(self.begin, self.begin + self.size)


@dataclass(frozen=True)
class Layout:
    """Indices of a design's variables.

    Attributes
    ----------
    design : Design
    blocks : tuple of Block
        The free values, in their order.
    fixed : mapping of str to array
        Values that a number fixes, in the order in which they follow the free ones.
    columns : tuple of (str, str)
        Parameter and kind of each column of the effects' coefficients.
    """

    design: Design
    blocks: tuple[Block, ...]
    fixed: Mapping[str, Floats]
    columns: tuple[tuple[str, str], ...]

    @property
    def n_free(self) -> int:
        """Number of free values."""
        return sum(block.size for block in self.blocks)

    @property
    def effects_shape(self) -> tuple[int, int]:
        """Shape of the effects' coefficients."""
        return len(self.design.settings) - 1, len(self.columns)

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.n_free + math.prod(self.effects_shape)

    def index(self, name: str) -> int:
        """Return the index of a variable among the free and fixed values, -1 if there is none."""
        for block in self.blocks:
            if block.name == name:
                return block.begin
        begin = self.n_free
        for fixed, values in self.fixed.items():
            if fixed == name:
                return begin
            begin += values.size
        return -1

    def initial_point(self, random_seed: int, values: Mapping[str, Floats], *, spread: float) -> Floats:
        """Draw a point uniformly about given values, or more widely about the priors' medians."""
        rng = np.random.default_rng(random_seed)
        point = rng.uniform(-1.0, 1.0, self.size)
        for block in self.blocks:
            point[block.segment] += _unconstrained(np.asarray(block.prior.median), block.prior.bound)
            if block.name in values:
                near = np.ravel(_unconstrained(values[block.name], block.prior.bound))
                point[block.segment] = near + rng.uniform(-spread, spread, block.size)
        if "effect_coefficients" in values:
            near = np.ravel(values["effect_coefficients"])
            point[self.n_free :] = near + rng.uniform(-spread, spread, near.size)
        return point

    def variables(self, points: Floats, centring: Floats) -> dict[str, Floats]:
        """Return all variables at points, (..., size), by name; curves are (..., setting, variant)."""
        lead = points.shape[:-1]
        values = dict(self.fixed)
        for block in self.blocks:
            own = points[..., block.segment]
            bound = block.prior.bound
            values[block.name] = (own if bound is None else bound + np.exp(own)).reshape(
                (*lead, *block.shape)
            )
        coefficients = points[..., self.n_free :].reshape((*lead, *self.effects_shape))
        return values | self._curves(values, coefficients, centring)

    def prior_draws(self, draws: int, *, random_seed: int) -> dict[str, Floats]:
        """Draw all variables from the prior; arrays of shape (draw, ...)."""
        rng = np.random.default_rng(random_seed)
        values = {name: np.broadcast_to(own, (draws, *own.shape)) for name, own in self.fixed.items()}
        for block in self.blocks:
            values[block.name] = block.prior.draws(rng, (draws, *block.shape))
        # Non-centred: standard normal coefficients, scaled in full.
        coefficients = rng.standard_normal((draws, *self.effects_shape))
        return values | self._curves(values, coefficients, np.zeros(len(self.columns)))

    def _curves(
        self, values: Mapping[str, Floats], coefficients: Floats, centring: Floats
    ) -> dict[str, Floats]:
        """Compute the sampled parameters of every curve, (..., setting, variant)."""
        n_settings, n_variants = len(self.design.settings), len(self.design.variants)
        shape = (*coefficients.shape[:-2], n_settings, n_variants)
        spread = over_variants(n_variants)
        scales = [values[f"{name}_{kind}_sd"] for name, kind in self.columns]
        effects = coefficients
        if scales:
            scale = np.stack(np.broadcast_arrays(*scales), axis=-1) ** (1.0 - centring)
            effects = zero_sum(coefficients * scale[..., None, :])
        curves = {}
        for parameter in self.design.family.sampled:
            name, how = parameter.name, self.design.pooling[parameter.natural]
            if how == "none":
                # A fixed prior of the mean fixes them all, for every draw.
                curves[name] = np.broadcast_to(values[name], shape)
                continue
            level = np.asarray(values[f"{name}_mean"])[..., None]
            if f"{name}_contrast" in values:
                contrast = values[f"{name}_contrast"]
                level = level + np.concatenate([np.zeros((*contrast.shape[:-1], 1)), contrast], axis=-1)
            own = [j for j, (column, _) in enumerate(self.columns) if column == name]
            shift = effects[..., own] @ spread.T if own else 0.0
            curves[name] = np.broadcast_to(level[..., None, :] + shift, shape)
        return curves


def _unconstrained(values: Floats, bound: float | None) -> Floats:
    return np.asarray(values if bound is None else np.log(values - bound))


def layout_of(design: Design, priors: Mapping[str, Any]) -> Layout | None:
    """Lay out a design, or return None if the compiled density does not support it.

    It supports the families of this package, of hits and of costs, with Student t or normal scatter, known
    standard errors of y, any pooling, and priors that are numbers or plain
    :class:`hillfront.model.distributions.Distribution`. PyMC samples the rest: families that a user added,
    logit-normal noise, errors of L0, errors of losses that SAEs share, SAEs that were trained but not kept,
    and other priors.
    """
    likelihood = design.likelihood
    if likelihood.on_logit or design.selected or design.shared_errors or "se_l0" in design.known_errors:
        return None
    if (design.family.value, design.family.natural) not in CURVES:
        return None
    n_settings, n_variants = len(design.settings), len(design.variants)
    columns = tuple(effect_columns(design))
    wanted: list[tuple[str, str, tuple[int, ...]]] = []  # name, name of its prior, shape
    fixed: dict[str, Floats] = {}
    for parameter in design.family.sampled:
        name, how = parameter.name, design.pooling[parameter.natural]
        if isinstance(how, float):
            if parameter.to_sampled is None:
                return None
            fixed[f"{name}_mean"] = np.array(parameter.to_sampled(how))
        elif how == "none":
            wanted.append((name, f"{name}_mean", (n_settings, n_variants)))
        else:
            wanted.append((f"{name}_mean", f"{name}_mean", ()))
            if how == "partial" and n_variants > 1:
                wanted.append((f"{name}_contrast", f"{name}_contrast", (n_variants - 1,)))
    wanted += [(f"{name}_{kind}_sd", f"{name}_{kind}_sd", ()) for name, kind in dict.fromkeys(columns)]
    wanted += [(name, name, ()) for name in likelihood.parameters]
    blocks: list[Block] = []
    begin = 0
    for name, prior_name, shape in wanted:
        prior = priors[prior_name]
        if isinstance(prior, float):
            fixed[name] = np.full(shape, prior)
        elif isinstance(prior, Distribution) and prior.dims == (("contrast",) if "_contrast" in name else ()):
            blocks.append(Block(name, prior, shape, begin))
            begin += blocks[-1].size
        else:
            return None
    return Layout(design, tuple(blocks), fixed, columns)

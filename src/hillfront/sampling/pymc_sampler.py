"""The sampler of the PyMC model: by nutpie, for every design, at the cost of compiling its graph."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from hillfront.frontiers.table import Frontiers
from hillfront.model.data import in_logs, row_data
from hillfront.model.design import Design
from hillfront.model.pymc_model import build_model, effect_columns, reported_variables, variable_of
from hillfront.model.selection import hidden_data
from hillfront.model.zero_sum import over_variants, zero_sum
from hillfront.sampling.nutpie_run import (
    INITIAL_SPREAD,
    SamplerOptions,
    labelled_draws,
    prior_coords,
    run_nutpie,
    sample_coords,
)

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel
    from pytensor.tensor.variable import TensorVariable

    from hillfront.sampling.parameterization import Parameterization

__all__ = [
    "GraphSampler",
    "Segment",
    "compile_model",
    "draw_prior",
    "partially_centred",
    "segments_of",
    "with_initial_values",
]


@dataclass(frozen=True)
class GraphSampler:
    """A PyMC model, compiled for nutpie, and the names of the variables that are reported."""

    design: Design
    model: pm.Model
    compiled: CompiledPyMCModel
    var_names: tuple[str, ...]

    @classmethod
    def of(cls, frontiers: Frontiers, design: Design, priors: Mapping[str, Any]) -> Self:
        """Build and compile the model of a design on a table."""
        model = build_model(frontiers, design, priors, effects=partially_centred)
        # A prior with random variables of its own has more of them than the design knows.
        free = [variable.name for variable in model.free_RVs if variable.name != _COEFFICIENTS]
        names = tuple(dict.fromkeys((*reported_variables(design, priors), *free)))
        return cls(design, model, compile_model(model, var_names=names), names)

    @cached_property
    def _segments(self) -> dict[str, Segment]:
        return segments_of(self.model)

    def posterior(
        self,
        frontiers: Frontiers,
        parameterization: Parameterization,
        sampler_options: SamplerOptions,
        *,
        progressbar: bool,
        cores: int | None,
    ) -> tuple[xr.Dataset, xr.Dataset]:
        """Draw the reported variables, with the statistics of the sampler; dims (chain, draw, ...)."""
        data = in_logs(row_data(frontiers, self.design) | hidden_data(frontiers, self.design))
        centring = {"centring": parameterization.centring} if parameterization.centring.size else {}
        compiled = with_initial_values(
            self.compiled.with_data(**data, **centring), self._segments, parameterization.initial_values
        )
        draws, stats = run_nutpie(lambda: compiled, sampler_options, progressbar=progressbar, cores=cores)
        return _dataset(
            self.model, {name: draws[name] for name in self.var_names}, sample_coords(sampler_options)
        ), stats

    def prior(self, *, draws: int, random_seed: int) -> xr.Dataset:
        """Draw the reported variables from the prior, in one chain."""
        return draw_prior(self.model, var_names=self.var_names, draws=draws, random_seed=random_seed)


_COEFFICIENTS: Final = "effect_coefficients"


def partially_centred(design: Design, priors: Mapping[str, Any]) -> dict[str, TensorVariable[Any, Any]]:
    """Add the effects of :func:`hillfront.model.pymc_model.zero_sum_effects` by coefficients that suit NUTS.

    Each is sampled as ``sd**(1 - c) z`` with ``z ~ Normal(0, sd**c)``: c = 1 is the centred form, 0 the
    non-centred one, and the prior is the same for all. Which is best depends on how well the data fix the
    effects, so c, the data ``centring``, is chosen for the data that are fitted
    (:mod:`hillfront.sampling.parameterization`).

    All of them come from one matrix of coefficients, one column for each kind of effect: the left basis makes
    every column sum to zero over settings, the right one spreads the columns over the variants.
    """
    import pymc as pm
    import pytensor.tensor as pt

    n_settings, n_variants = len(design.settings), len(design.variants)
    columns = effect_columns(design)
    if not columns:
        return {}
    centring = pm.Data("centring", np.full(len(columns), 0.5))
    kinds = list(dict.fromkeys(columns))
    scales = [variable_of(f"{name}_{kind}_sd", priors) for name, kind in kinds]
    log_scale = pt.log(pt.stack(scales))[np.array([kinds.index(column) for column in columns])]
    coefficients = pm.Normal(
        _COEFFICIENTS, 0.0, pt.exp(centring * log_scale), shape=(n_settings - 1, len(columns))
    )
    names = list(dict.fromkeys(name for name, _ in columns))
    spread = np.kron(np.eye(len(names)), over_variants(n_variants).T)
    effects = pt.dot(zero_sum(coefficients * pt.exp((1.0 - centring) * log_scale)), spread)
    return {
        name: effects[:, index * n_variants : (index + 1) * n_variants] for index, name in enumerate(names)
    }


def compile_model(model: pm.Model, *, var_names: Sequence[str]) -> CompiledPyMCModel:
    """Compile log density, gradient and the named variables for nutpie, and no other variables.

    Without fast-math, so that the same seed gives the same draws in every process: it lets the compiler
    reorder sums by what it has inlined, which differs between code compiled afresh and code read from
    PyTensor's cache.
    """
    import nutpie
    import pytensor

    with pytensor.config.change_flags(numba__fastmath=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cannot cache compiled function")
        return nutpie.compile_pymc_model(model, var_names=list(var_names))


@dataclass(frozen=True)
class Segment:
    """Part of the sampler's flat vector that holds a variable.

    Attributes
    ----------
    begin, size : int
    by_log : bool or None
        True if it is sampled by its log, False if without a transform; None for any other transform.
    """

    begin: int
    size: int
    by_log: bool | None


def segments_of(model: pm.Model) -> dict[str, Segment]:
    """Return the segment of every free variable of a model, by name, in nutpie's order."""
    from pymc.distributions.transforms import LogTransform

    point = model.initial_point()
    segments, begin = {}, 0
    for variable in model.free_RVs:
        size = point[model.rvs_to_values[variable].name].size
        transform = model.rvs_to_transforms[variable]
        by_log = False if transform is None else True if isinstance(transform, LogTransform) else None
        segments[variable.name] = Segment(begin, size, by_log)
        begin += size
    return segments


def with_initial_values(
    compiled: CompiledPyMCModel, segments: Mapping[str, Segment], values: Mapping[str, NDArray[np.float64]]
) -> CompiledPyMCModel:
    """Let chains start uniformly within half a unit of these values, or of their logs."""
    default = compiled.initial_point_func
    near = {
        segments[name].begin: np.ravel(np.log(value) if segments[name].by_log else value)
        for name, value in values.items()
        if name in segments and segments[name].by_log is not None
    }

    def start(random_seed: Any = None) -> NDArray[np.float64]:
        point: NDArray[np.float64] = default(random_seed)
        rng = np.random.default_rng(random_seed)
        for begin, value in near.items():
            point[begin : begin + value.size] = value + rng.uniform(
                -INITIAL_SPREAD, INITIAL_SPREAD, value.size
            )
        return point

    return replace(compiled, initial_point_func=start)


def draw_prior(model: pm.Model, *, var_names: Sequence[str], draws: int, random_seed: int) -> xr.Dataset:
    """Draw the named variables from the prior, with dims (chain, draw, ...)."""
    import pymc as pm

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*rng", category=UserWarning)
        values = pm.draw(
            [model[name] for name in var_names], draws=draws, random_seed=random_seed, mode="FAST_COMPILE"
        )
    drawn = {name: np.asarray(value)[None] for name, value in zip(var_names, values, strict=True)}
    return _dataset(model, drawn, prior_coords(draws))


def _dataset(
    model: pm.Model, values: Mapping[str, NDArray[Any]], coords: Mapping[str, NDArray[Any]]
) -> xr.Dataset:
    dims = {name: tuple(map(str, model.named_vars_to_dims.get(name) or ())) for name in values}
    return labelled_draws(values, dims, model.coords, coords)

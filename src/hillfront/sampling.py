"""Compile a model once, sample it, and refit it to other data of the same design."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

__all__ = [
    "Place",
    "SamplerSettings",
    "compile_model",
    "default_target_accept",
    "draw_posterior",
    "draw_prior",
    "places_of",
    "started_near",
]


@dataclass(frozen=True)
class SamplerSettings:
    """How to sample.

    Attributes
    ----------
    draws, tune, chains : int
        Kept and discarded iterations of each chain, and the number of chains.
    target_accept : float
        Mean acceptance that sets the step size.
    seed : int
        Seed of everything random in the fit.
    thin : int
        Keep every so-many-th of the draws: memory and files shrink with it, and so does what they can tell.
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    target_accept: float = 0.98
    seed: int = 1
    thin: int = 1

    def __post_init__(self) -> None:
        for name in ("draws", "tune", "chains", "seed", "thin"):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), int):
                raise TypeError(f"{name}={getattr(self, name)!r} must be an integer.")
        if self.draws < 4 or self.chains < 1 or self.tune < 1:
            raise ValueError(
                f"draws={self.draws}, tune={self.tune}, chains={self.chains}: give at least 4 draws, 1 "
                "tuning iteration and 1 chain (4 chains of 1000 are the default)."
            )
        if not 1 <= self.thin <= self.draws // 4:
            raise ValueError(
                f"thin={self.thin} of {self.draws} draws a chain: give 1, which keeps all, or more, as long "
                "as 4 draws are kept."
            )
        if not 0.5 <= self.target_accept < 1.0:
            raise ValueError(
                f"target_accept={self.target_accept!r} must lie in [0.5, 1); 0.98 is the default."
            )
        if self.seed < 0:
            raise ValueError(f"seed={self.seed!r} must be a non-negative integer.")


def default_target_accept(curves: int) -> float:
    """Target acceptance for so many curves: the usual one guards small designs, whose groups make a funnel.

    From 100 curves on a smaller one gives more effective draws a second, without divergences (docs/model.md).
    """
    return 0.95 if curves >= 100 else SamplerSettings.target_accept


@contextlib.contextmanager
def _strict_floats() -> Iterator[None]:
    """Compile without fast-math, so that the same seed gives the same draws in every process.

    Fast-math lets the compiler reorder sums by what it has inlined, which differs between code compiled
    afresh and code read from PyTensor's cache.
    """
    import pytensor

    with pytensor.config.change_flags(numba__fastmath=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cannot cache compiled function")
        yield


def compile_model(model: pm.Model, *, var_names: Sequence[str]) -> CompiledPyMCModel:
    """Compile log density, gradient and the named variables for nutpie.

    Parameters
    ----------
    model : pymc.Model
    var_names : sequence of str
        Variables to keep; all others are left out of the compiled code.
    """
    import nutpie

    with _strict_floats():
        return nutpie.compile_pymc_model(model, var_names=list(var_names))


_START_SPREAD = 0.5


@dataclass(frozen=True)
class Place:
    """Where a variable stands in the sampler's flat vector.

    Attributes
    ----------
    begin, size : int
    by_log : bool or None
        Whether it is sampled by its log, or as it is (False); None for any other transform.
    """

    begin: int
    size: int
    by_log: bool | None


def places_of(model: pm.Model) -> dict[str, Place]:
    """Place of every free variable of a model, by name, in nutpie's order."""
    from pymc.distributions.transforms import LogTransform

    point = model.initial_point()
    places, begin = {}, 0
    for variable in model.free_RVs:
        size = point[model.rvs_to_values[variable].name].size
        transform = model.rvs_to_transforms[variable]
        by_log = False if transform is None else True if isinstance(transform, LogTransform) else None
        places[variable.name] = Place(begin, size, by_log)
        begin += size
    return places


def started_near(
    compiled: CompiledPyMCModel, places: Mapping[str, Place], values: Mapping[str, NDArray[np.float64]]
) -> CompiledPyMCModel:
    """Let chains start uniformly within half a unit of these values, or of their logs."""
    default = compiled.initial_point_func
    near = {
        places[name].begin: np.ravel(np.log(value) if places[name].by_log else value)
        for name, value in values.items()
        if name in places and places[name].by_log is not None
    }

    def start(seed: Any = None) -> NDArray[np.float64]:
        point: NDArray[np.float64] = default(seed)
        rng = np.random.default_rng(seed)
        for begin, value in near.items():
            point[begin : begin + value.size] = value + rng.uniform(-_START_SPREAD, _START_SPREAD, value.size)
        return point

    return replace(compiled, initial_point_func=start)


def draw_posterior(
    compiled: CompiledPyMCModel,
    *,
    places: Mapping[str, Place],
    starts: Mapping[str, NDArray[np.float64]],
    data: Mapping[str, NDArray[Any]],
    var_names: Sequence[str],
    settings: SamplerSettings,
    progress: bool,
    cores: int | None = None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Sample the posterior of a compiled model on the given data.

    Returns
    -------
    posterior, sample_stats : xarray.Dataset
        The posterior has just the named variables, without the sampler's private copies.

    Raises
    ------
    KeyboardInterrupt
        When interrupted; nothing of the run is returned.
    """
    import nutpie

    sampler = nutpie.sample(
        started_near(compiled.with_data(**data), places, starts),
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        seed=settings.seed,
        target_accept=settings.target_accept,
        save_warmup=False,
        progress_bar=progress,
        blocking=False,
    )
    try:
        tree = sampler.wait()
    except BaseException:
        # nutpie's own handling would return the draws so far as if they were a result.
        sampler.cancel()
        raise
    kept_draws = slice(settings.thin - 1, None, settings.thin)
    posterior = tree["posterior"].to_dataset()[list(var_names)].isel(draw=kept_draws)
    stats = tree["sample_stats"].to_dataset()
    kept = {
        "diverging": "diverging",
        "energy": "energy",
        "depth": "tree_depth",
        "maxdepth_reached": "reached_max_treedepth",
        "n_steps": "n_steps",
        "step_size": "step_size",
        "logp": "lp",
    }
    return posterior, stats[list(kept)].rename(kept)


def draw_prior(model: pm.Model, *, var_names: Sequence[str], draws: int, seed: int) -> xr.Dataset:
    """Draw the named variables from the prior, with dims (chain, draw, ...)."""
    import pymc as pm
    import xarray as xr

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*rng", category=UserWarning)
        values = pm.draw(
            [model[name] for name in var_names], draws=draws, random_seed=seed, mode="FAST_COMPILE"
        )
    dims = model.named_vars_to_dims
    return xr.Dataset(
        {
            name: (("chain", "draw", *(dims.get(name) or ())), np.asarray(value)[None])
            for name, value in zip(var_names, values, strict=True)
        },
        coords={
            "chain": [0],
            "draw": np.arange(draws),
            **{d: np.asarray(v) for d, v in model.coords.items() if v is not None and len(v)},
        },
    )

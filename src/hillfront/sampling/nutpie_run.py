"""Options of the sampler, the choice between the two samplers, and the run of nutpie that they share."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.sampling.arviz_later import arviz_later
from hillfront.utils.interface import argument

if TYPE_CHECKING:
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

    from hillfront.sampling.compiled.sampler import DensitySampler
    from hillfront.sampling.pymc_sampler import GraphSampler

    type Sampler = DensitySampler | GraphSampler

__all__ = [
    "INITIAL_SPREAD",
    "NUTPIE_VERSIONS",
    "SamplerOptions",
    "default_target_accept",
    "labelled_draws",
    "nutpie_misfit",
    "nutpie_model_class",
    "prior_coords",
    "run_nutpie",
    "sample_coords",
    "sampler_of",
]

INITIAL_SPREAD: Final = 0.5
"""Half-width of the uniform initial values about the guesses, in the sampler's units."""


@dataclass(frozen=True)
class SamplerOptions:
    """Options of the sampler.

    Attributes
    ----------
    draws, tune, chains : int
        Kept and discarded iterations of each chain, and the number of chains.
    target_accept : float
        Mean acceptance that sets the step size.
    random_seed : int
        Seed of everything random in the fit.
    thin : int
        Keep every so-many-th of the draws, to save memory and disk at the price of precision.
    draws_chosen : bool
        Whether ``draws`` was chosen by the checks of R-hat and ESS, and not given.
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    target_accept: float = 0.98
    random_seed: int = 1
    thin: int = 1
    draws_chosen: bool = False

    def __post_init__(self) -> None:
        for name in ("draws", "tune", "chains", "random_seed", "thin"):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), int):
                raise TypeError(f"{argument(name, getattr(self, name))} must be an integer.")
        if self.draws < 4 or self.chains < 1 or self.tune < 1:
            raise ValueError(
                f"{argument('draws', self.draws)}, {argument('tune', self.tune)}, "
                f"{argument('chains', self.chains)}: give at least 4 draws, 1 tuning iteration and 1 chain "
                "(4 chains of 1000 are the default)."
            )
        if not 1 <= self.thin <= self.draws // 4:
            raise ValueError(
                f"{argument('thin', self.thin)} of {self.draws} draws a chain: give 1, which keeps all, or "
                "more, as long as 4 draws are kept."
            )
        if not 0.5 <= self.target_accept < 1.0:
            raise ValueError(
                f"{argument('target_accept', self.target_accept)} must lie in [0.5, 1); 0.98 is the default."
            )
        if self.random_seed < 0:
            raise ValueError(f"{argument('random_seed', self.random_seed)} must be a non-negative integer.")


def default_target_accept(settings: int) -> float:
    """Return the target acceptance for a number of settings.

    0.98 guards designs whose few settings make a funnel; from 10 settings on, 0.95 gives more effective draws
    a second without divergences (docs/model.md).
    """
    return 0.95 if settings >= 10 else SamplerOptions.target_accept


NUTPIE_VERSIONS: Final = ((0, 16, 11), (0, 17))
"""First version of nutpie that takes the compiled density, and the first that may not (pyproject.toml)."""

_TRIED_NUTPIE: Final = "0.16.11"
"""The version whose fields the tests compare, so that nothing is imported to compare them again."""

_MODEL_FIELDS: Final = (
    "dims reparameterized_names compiled_logp_func compiled_expand_func initial_point_func shared_data "
    "shared_var_keys user_data n_expanded shape_info logp_func expand_func _n_dim _shapes _coords "
    "_transform_adapt_args"
)


def nutpie_model_class() -> type[CompiledPyMCModel]:
    """Return nutpie's class of compiled models, if its fields are those that are known.

    Its function pointers are called without any check of their signature.

    Raises
    ------
    TypeError
        If the fields are others.
    """
    from nutpie.compile_pymc import CompiledPyMCModel

    found = {field.name for field in fields(CompiledPyMCModel)}
    if differing := found ^ set(_MODEL_FIELDS.split()):
        raise TypeError(f"its compiled models differ in {', '.join(sorted(differing))}")
    fitting: type[CompiledPyMCModel] = CompiledPyMCModel
    return fitting


def nutpie_misfit() -> str:
    """Say why the installed nutpie cannot take the compiled density; nothing where it can."""
    installed = version("nutpie")
    if installed == _TRIED_NUTPIE:
        return ""
    first, last = NUTPIE_VERSIONS
    if not first <= tuple(int(part) for part in re.findall(r"\d+", installed)[:3]) < last:
        return f"it lies outside {'.'.join(map(str, first))} to {'.'.join(map(str, last))}"
    try:
        nutpie_model_class()
    except (TypeError, ImportError) as error:
        return str(error)
    return ""


def run_nutpie(
    compiled: Callable[[], CompiledPyMCModel],
    sampler_options: SamplerOptions,
    *,
    progressbar: bool,
    cores: int | None,
) -> tuple[dict[str, NDArray[Any]], xr.Dataset]:
    """Sample the compiled model that a function returns.

    Returns
    -------
    draws : dict of str to array, shape (chain, draw, ...)
        Thinned draws of every compiled variable, by name.
    sample_stats : xarray.Dataset, dims (chain, draw)
        Statistics of every draw, thinned or not.

    Raises
    ------
    KeyboardInterrupt
        When interrupted; nothing of the run is returned.
    """
    import xarray as xr

    began, sampler = time.perf_counter(), None
    try:
        with arviz_later():
            import nutpie

            sampler = nutpie.sample(
                compiled(),
                draws=sampler_options.draws,
                tune=sampler_options.tune,
                chains=sampler_options.chains,
                cores=cores,
                seed=sampler_options.random_seed,
                target_accept=sampler_options.target_accept,
                progress_bar=progressbar,
                return_raw_trace=True,
                blocking=False,
            )
        # Beside the chains, too: as xarray makes its first coordinates, it imports Dask if that is there.
        of_samples = xr.Dataset(coords=sample_coords(replace(sampler_options, thin=1)))
        points, stats = sampler.wait().get_arrow_trace()
    except BaseException:
        # nutpie's own handling would return the draws so far as if they were a result.
        if sampler is not None:
            sampler.cancel()
        raise
    kept = [~_values(batch, "tuning") for batch in stats]
    draws = {name: _after_tuning(points, name, kept) for name in points[0].column_names}
    thinned = slice(sampler_options.thin - 1, None, sampler_options.thin)
    return {name: values[:, thinned] for name, values in draws.items()}, of_samples.assign(
        {ours: (("chain", "draw"), _after_tuning(stats, name, kept)) for name, ours in _STATISTICS.items()}
    ).assign_attrs(sampling_time=time.perf_counter() - began, tuning_steps=sampler_options.tune)


def labelled_draws(
    values: Mapping[str, NDArray[Any]],
    dims: Mapping[str, tuple[str, ...]],
    labels: Mapping[str, Sequence[Any]],
    coords: Mapping[str, NDArray[Any]],
) -> xr.Dataset:
    """Label draws of variables, (chain, draw, ...), by the dims of each, and the labels of those dims."""
    import xarray as xr

    used = dict.fromkeys(dim for name in values for dim in dims[name])
    return xr.Dataset(
        {name: (("chain", "draw", *dims[name]), own) for name, own in values.items()},
        coords={**{dim: np.asarray(labels[dim]) for dim in used}, **coords},
    )


def prior_coords(draws: int) -> dict[str, NDArray[np.int64]]:
    """Return the numbers of the one chain of the prior, and of its draws."""
    return {"chain": np.arange(1), "draw": np.arange(draws)}


def sample_coords(sampler_options: SamplerOptions) -> dict[str, NDArray[np.int64]]:
    """Return the numbers of the chains, and of the draws that are kept."""
    draws = np.arange(sampler_options.thin - 1, sampler_options.draws, sampler_options.thin)
    return {"chain": np.arange(sampler_options.chains), "draw": draws}


_STATISTICS: Final = {
    "diverging": "diverging",
    "energy": "energy",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "logp": "lp",
    "mean_tree_accept": "acceptance_rate",
}
"""Statistics that are kept: ArviZ's name by nutpie's."""


def _values(batch: Any, name: str) -> NDArray[Any]:
    """Read a column of one chain, shape (draw, ...)."""
    import pyarrow as pa

    column = batch.column(name)
    shape = [int(size) for size in column.field.metadata.get(b"shape", b"").split(b",") if size]
    values = pa.array(column)
    if shape:
        values = values.flatten()
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(-1, *shape)


def _after_tuning(batches: Sequence[Any], name: str, keep: Sequence[NDArray[np.bool_]]) -> NDArray[Any]:
    """Read a column of all chains without their tuning, shape (chain, draw, ...)."""
    return np.stack([_values(batch, name)[own] for batch, own in zip(batches, keep, strict=True)])


def sampler_of(frontiers: Frontiers, design: Design, priors: Mapping[str, Any]) -> Sampler:
    """Make a design ready to be sampled.

    Both samplers have the same posterior; the compiled density starts in a fraction of the time. Where the
    installed nutpie may not be able to take it, a warning says so, and the PyMC model is compiled.
    """
    from hillfront.sampling.compiled.layout import layout_of

    layout = layout_of(design, priors)
    misfit = "" if layout is None else nutpie_misfit()
    if layout is not None and not misfit:
        try:
            from hillfront.sampling.compiled.sampler import DensitySampler
        except (ImportError, AttributeError, TypeError, RuntimeError) as error:
            # Its cache uses parts of Numba that are not public, and Numba may find no place to keep it.
            misfit = f"Numba {version('numba')} could not load it ({error})"
    if misfit:
        warnings.warn(
            f"hillfront's compiled density is not used with nutpie {version('nutpie')}: {misfit}. PyMC "
            f"{version('pymc')} compiles the model, with the same posterior, and sampling starts later.",
            RuntimeWarning,
            skip_file_prefixes=(str(Path(__file__).parents[1]),),
        )
    elif layout is not None:
        return DensitySampler.of(layout, priors)
    from hillfront.sampling.pymc_sampler import GraphSampler

    return GraphSampler.of(frontiers, design, priors)

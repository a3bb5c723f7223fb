"""Sampling the compiled density, by nutpie: without PyMC, and without compiling anything anew.

The density is compiled, or read from disk, when this module is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from hillfront.frontiers.table import Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import Design
from hillfront.model.pymc_model import reported_variables
from hillfront.sampling.compiled.density import copy_point, nutpie_density
from hillfront.sampling.compiled.layout import Layout
from hillfront.sampling.compiled.packing import packed
from hillfront.sampling.nutpie_run import (
    INITIAL_SPREAD,
    SamplerOptions,
    nutpie_model_class,
    run_nutpie,
    sample_coords,
)

if TYPE_CHECKING:
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

    from hillfront.sampling.parameterization import Parameterization

Floats = NDArray[np.float64]

__all__ = ["DensitySampler", "compiled_density"]


@dataclass(frozen=True)
class DensitySampler:
    """A design that the compiled density supports.

    Attributes
    ----------
    layout : Layout
    var_names : tuple of str
        Variables that are reported.
    """

    layout: Layout
    var_names: tuple[str, ...]

    @classmethod
    def of(cls, layout: Layout, priors: Mapping[str, Any]) -> Self:
        """Sampler of a layout that was made with these priors."""
        return cls(layout, tuple(reported_variables(layout.design, priors)))

    @property
    def design(self) -> Design:
        """The design that it was made for."""
        return self.layout.design

    def posterior(
        self,
        frontiers: Frontiers,
        parameterization: Parameterization,
        sampler_options: SamplerOptions,
        *,
        progressbar: bool,
        cores: int | None,
    ) -> tuple[xr.Dataset, xr.Dataset]:
        """Draws of the reported variables, and the statistics of the sampler; dims (chain, draw, ...)."""
        data = packed(self.layout, row_data(frontiers, self.layout.design), parameterization.centring)
        compiled = partial(compiled_density, self.layout, data, parameterization.initial_values)
        draws, stats = run_nutpie(compiled, sampler_options, progressbar=progressbar, cores=cores)
        variables = self.layout.variables(draws[_POINT], parameterization.centring)
        return self._dataset(variables, sample_coords(sampler_options)), stats

    def prior(self, *, draws: int, random_seed: int) -> xr.Dataset:
        """Draws of the reported variables from the prior, in one chain."""
        variables = self.layout.prior_draws(draws, random_seed=random_seed)
        return self._dataset(
            {name: values[None] for name, values in variables.items()},
            {"chain": np.arange(1), "draw": np.arange(draws)},
        )

    def _dataset(self, variables: Mapping[str, Floats], coords: Mapping[str, NDArray[Any]]) -> xr.Dataset:
        import xarray as xr

        design = self.layout.design
        names = {"setting": design.settings, "variant": design.variants, "contrast": design.variants[1:]}
        dims = {parameter.name: ("setting", "variant") for parameter in design.family.sampled}
        out = xr.Dataset(coords=dict(coords))
        for name in self.var_names:
            own = dims.get(name, ("contrast",) if name.endswith("_contrast") else ())
            out = out.assign_coords({dim: list(names[dim]) for dim in own if dim not in out.coords})
            out[name] = (("chain", "draw", *own), np.ascontiguousarray(variables[name]))
        return out


_POINT = "point"


def compiled_density(layout: Layout, data: Floats, initial_values: Mapping[str, Floats]) -> CompiledPyMCModel:
    """Make what nutpie samples: the compiled density with its data and the initial points of its chains."""

    def initial_point(random_seed: Any = None) -> Floats:
        return layout.initial_point(random_seed, initial_values, spread=INITIAL_SPREAD)

    return nutpie_model_class()(
        dims={},
        compiled_logp_func=nutpie_density,
        compiled_expand_func=copy_point,
        initial_point_func=initial_point,
        shared_data={},
        shared_var_keys={},
        user_data=data,
        n_expanded=layout.size,
        shape_info=([_POINT], [slice(0, layout.size)], [(layout.size,)]),
        logp_func=None,
        expand_func=None,
        _n_dim=layout.size,
        _shapes={_POINT: (layout.size,)},
        _coords={},
        reparameterized_names=[],
    )

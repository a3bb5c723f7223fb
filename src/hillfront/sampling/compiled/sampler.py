"""Sampling the compiled density, by nutpie: without PyMC, and without compiling anything anew.

A design and its data go to the density as one array. The density is compiled, or read from disk, when this
module is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import log
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from hillfront.curves.functions import MARGIN_AT_0, MARGIN_AT_1
from hillfront.frontiers.table import Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import Design
from hillfront.model.distributions import Distribution
from hillfront.model.pymc_model import reported_variables
from hillfront.model.zero_sum import over_variants
from hillfront.sampling.compiled import density
from hillfront.sampling.compiled import rows as row_density
from hillfront.sampling.compiled.layout import CURVES, Layout
from hillfront.sampling.nutpie_run import (
    INITIAL_SPREAD,
    SamplerOptions,
    labelled_draws,
    nutpie_model_class,
    prior_coords,
    run_nutpie,
    sample_coords,
)

if TYPE_CHECKING:
    import xarray as xr
    from nutpie.compile_pymc import CompiledPyMCModel

    from hillfront.sampling.parameterization import Parameterization

Floats = NDArray[np.float64]

__all__ = ["DensitySampler", "compiled_density", "packed"]


@dataclass(frozen=True)
class DensitySampler:
    """A design that the compiled density supports, and the names of the variables that it reports."""

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
            prior_coords(draws),
        )

    def _dataset(self, variables: Mapping[str, Floats], coords: Mapping[str, NDArray[Any]]) -> xr.Dataset:
        design = self.layout.design
        labels = {"setting": design.settings, "variant": design.variants, "contrast": design.variants[1:]}
        dims: dict[str, tuple[str, ...]] = {
            name: ("contrast",) if name.endswith("_contrast") else () for name in self.var_names
        }
        dims |= {parameter.name: ("setting", "variant") for parameter in design.family.sampled}
        values = {name: np.ascontiguousarray(variables[name]) for name in self.var_names}
        return labelled_draws(values, dims, labels, coords)


_POINT = "point"


def compiled_density(layout: Layout, data: Floats, initial_values: Mapping[str, Floats]) -> CompiledPyMCModel:
    """Make what nutpie samples: the compiled density with its data and the initial points of its chains."""

    def initial_point(random_seed: Any = None) -> Floats:
        return layout.initial_point(random_seed, initial_values, spread=INITIAL_SPREAD)

    return nutpie_model_class()(
        dims={},
        compiled_logp_func=density.nutpie_density,
        compiled_expand_func=density.copy_point,
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


def packed(layout: Layout, rows: Mapping[str, NDArray[Any]], centring: Floats) -> Floats:
    """Write everything that a density depends on, with :func:`.row_data`'s rows, into one array."""
    design = layout.design
    n_variants, n_rows = len(design.variants), rows["observed"].size
    curve, offset = _curve(design)
    names = [parameter.name for parameter in design.family.sampled]
    # One 0 more stands for what a design lacks: the second coordinate of a curve, or the tails of a normal.
    fixed = [*(np.ravel(values) for values in layout.fixed.values()), np.zeros(1)]
    none = layout.n_free + sum(values.size for values in fixed) - 1
    header = np.zeros(1, density.HEADER)
    header["n_free"], header["n_fixed"] = layout.n_free, none + 1 - layout.n_free
    header["n_settings"], header["n_variants"] = len(design.settings), n_variants
    header["n_columns"], header["n_rows"] = len(layout.columns), n_rows
    header["curve"], header["offset"] = curve, offset
    header["spread"], header["tails"] = _spread(design), "nu" in design.likelihood.parameters
    header["margin_at_0"], header["margin_at_1"] = MARGIN_AT_0, MARGIN_AT_1
    for name in ("sigma", "tau", "nu"):
        header[name] = none if layout.index(name) < 0 else layout.index(name)
    coordinates = np.array([(False, none, -1, -1)] * 2, density.COORDINATE)
    for index, name in enumerate(names):
        coordinates[index] = _coordinate(layout, name)
    columns = np.zeros(len(layout.columns), density.COLUMN)
    columns["sd"] = [layout.index(f"{name}_{kind}_sd") for name, kind in layout.columns]
    columns["centring"] = centring
    parts = [
        header,
        coordinates,
        np.array([_prior(block.prior) for block in layout.blocks for _ in range(block.size)], density.PRIOR),
        *fixed,
        over_variants(n_variants).ravel(),
        columns,
        np.asarray(rows["curve_index"], np.int64),
        np.log(rows["sparsity"]),
        np.asarray(rows["observed"], np.float64),
        np.broadcast_to(np.square(rows.get("se", 0.0)), n_rows).astype(np.float64),
    ]
    header["length"] = sum(part.nbytes for part in parts) // 8
    return np.concatenate([np.ascontiguousarray(part).view(np.float64) for part in parts])


def _coordinate(layout: Layout, name: str) -> tuple[bool, int, int, int]:
    """Return one coordinate of the curves as a ``COORDINATE``."""
    own = layout.index(name)
    if own >= 0:
        return True, own, -1, -1
    columns = [j for j, (column, _) in enumerate(layout.columns) if column == name]
    first, contrast = layout.index(f"{name}_mean"), layout.index(f"{name}_contrast")
    return False, first, contrast, columns[0] if columns else -1


def _curve(design: Design) -> tuple[int, float]:
    """Return the kind of the curve, and the number that it needs of the reference."""
    reference = design.reference
    kind = getattr(row_density, CURVES[design.family.value, design.family.natural])
    offsets = {
        row_density.HILL: log(reference.hit / (1.0 - reference.hit)),
        row_density.POWER: log(reference.hit),
        row_density.POWER_LEVEL: log(reference.sparsity),
        row_density.LINEAR: log(reference.sparsity),
    }
    return kind, offsets[kind]


def _spread(design: Design) -> int:
    if not design.family.bounded:
        return row_density.COST
    return row_density.SATURATING if design.family.saturates else row_density.INSIDE


def _prior(prior: Distribution) -> tuple[float, ...]:
    """Return a prior as a ``PRIOR``."""
    kind, a, b, c, constant = prior.kind.form(*prior.parameters)
    return getattr(density, kind), a, b, c, -np.inf if prior.bound is None else prior.bound, constant

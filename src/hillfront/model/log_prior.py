"""Log densities of the top-level priors at posterior draws, which prior sensitivity rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hillfront.model.design import Design
from hillfront.model.distributions import Distribution
from hillfront.model.pymc_model import reported_variables

if TYPE_CHECKING:
    from pytensor.tensor.variable import TensorVariable

    type Tensor = TensorVariable[Any, Any]

Floats = NDArray[np.float64]

__all__ = ["LogPriors", "log_priors_of"]


@dataclass(frozen=True)
class LogPriors:
    """Log densities of the top-level priors, as functions of draws.

    Attributes
    ----------
    functions : mapping of str to (str, callable)
        For each prior, the variable of the posterior that it is the prior of, and a function from draws of
        that variable, (sample, ...), to log densities, (sample,).
    """

    functions: Mapping[str, tuple[str, Callable[[Floats], Floats]]]

    def at(self, posterior: xr.Dataset) -> xr.Dataset:
        """Evaluate every prior at every draw; one variable a prior, dims (chain, draw)."""
        sizes = {dim: posterior.sizes[dim] for dim in ("chain", "draw")}
        densities = {}
        for prior, (variable, function) in self.functions.items():
            values = posterior[variable].transpose("chain", "draw", ...).to_numpy()
            density = function(values.reshape(-1, *values.shape[2:]))
            densities[prior] = (tuple(sizes), density.reshape(tuple(sizes.values())))
        return xr.Dataset(densities, coords={dim: posterior[dim].to_numpy() for dim in sizes})


def log_priors_of(design: Design, priors: Mapping[str, Any]) -> LogPriors:
    """Log densities of the priors that a user can set.

    These are the priors of means, contrasts, standard deviations of setting and interaction effects, sigma,
    tau and nu. The effects given their standard deviations have none here: their distribution is part of the
    model, as the noise is. Each setting adds one such term, so their sum would swamp the priors that a user
    can choose; and scaling it asks what happens if settings are pooled more, which the data themselves answer
    through the standard deviations. For hierarchical models, Kallioinen et al. (2023,
    doi:10.1007/s11222-023-10366-5) scale the priors of the top level.

    Curves that are not pooled each have the prior of the mean. Fixed parameters have no prior. One that is
    itself made of random variables (a nested or transformed ``Prior``) is left out: its density cannot be
    read from its own draws alone.

    Examples
    --------
    >>> import pandas as pd, warnings
    >>> from hillfront.model.design import design_of
    >>> from hillfront.frontiers.table import Frontiers
    >>> from hillfront.model.priors import resolve_priors
    >>> rows = pd.DataFrame({"variant": ["a", "b"], "l0": [10, 11], "performance_hit": [0.2, 0.15]})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     design = design_of(Frontiers.from_frame(rows), baseline="b")
    >>> list(log_priors_of(design, resolve_priors(design.family, None)).functions)
    ['log_x_ref_mean', 'log_x_ref_contrast', 'log_k_mean', 'log_k_contrast', 'sigma', 'tau', 'nu']
    """
    functions: dict[str, tuple[str, Callable[[Floats], Floats]]] = {}
    for name, variable in _top_level(design, priors).items():
        prior = priors[name]
        if isinstance(prior, Distribution):
            made: Callable[[Floats], Floats] | None = partial(_summed, prior)
        else:
            made = _compiled(name, prior, ("setting", "variant") if variable != name else prior.dims, design)
        if made is not None:
            functions[name] = variable, made
    return LogPriors(functions)


def _summed(prior: Distribution, values: Floats) -> Floats:
    """Log density of each sample, all of whose entries are independent."""
    return np.asarray(prior.log_density(values).reshape(len(values), -1).sum(axis=1))


def _top_level(design: Design, priors: Mapping[str, Any]) -> dict[str, str]:
    """Names of the priors in use, and of the posterior's variable that each is the prior of."""
    found = {name: name for name in reported_variables(design, priors) if name in priors}
    for parameter in design.family.sampled:
        name = f"{parameter.name}_mean"
        if design.pooling[parameter.natural] == "none" and not isinstance(priors.get(name, 0.0), float):
            found[name] = parameter.name
    return found


def _compiled(name: str, prior: Any, dims: Any, design: Design) -> Callable[[Floats], Floats] | None:
    """From draws of one parameter to their log density, by PyMC; None if it is not its own."""
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt

    own = prior.deepcopy()
    own.dims = dims
    coords = {
        "contrast": list(design.variants[1:]),
        "setting": list(design.settings),
        "variant": list(design.variants),
    }
    with pm.Model(coords=coords) as model:
        variable = own.create_variable(name)
    if model.free_RVs != [variable]:
        return None
    draws: Tensor = pt.tensor(f"{name}_draws", dtype="float64", shape=(None,) * (variable.ndim + 1))
    density = pm.logp(variable, draws)
    summed = density.sum(axis=tuple(range(1, density.ndim))) if density.ndim > 1 else density
    # Evaluated once a fit: compiling for speed would take longer than what it saves.
    return cast("Callable[[Floats], Floats]", pytensor.function([draws], summed, mode="FAST_COMPILE"))

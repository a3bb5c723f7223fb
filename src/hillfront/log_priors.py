"""Log densities of the top-level priors at posterior draws, which prior sensitivity rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hillfront.design import Design
from hillfront.model import reported_variables

if TYPE_CHECKING:
    from pytensor.tensor.variable import TensorVariable

    type Tensor = TensorVariable[Any, Any]

__all__ = ["LogPriors", "log_priors_of"]


@dataclass(frozen=True)
class LogPriors:
    """A compiled function from draws to the log densities of the top-level priors.

    Attributes
    ----------
    names : mapping of str to str
        For each prior, the variable of the posterior that it is the prior of.
    function : callable
        From their draws, each of shape (sample, ...), to arrays (sample,).
    """

    names: Mapping[str, str]
    function: Callable[..., list[NDArray[np.float64]]]

    def at(self, posterior: xr.Dataset) -> xr.Dataset:
        """Evaluate every prior at every draw; one variable a prior, dims (chain, draw)."""
        sizes = {dim: posterior.sizes[dim] for dim in ("chain", "draw")}
        stacked = []
        for name in self.names.values():
            values = posterior[name].transpose("chain", "draw", ...).to_numpy()
            stacked.append(values.reshape(-1, *values.shape[2:]))
        densities = self.function(*stacked) if stacked else []
        return xr.Dataset(
            {
                name: (tuple(sizes), values.reshape(tuple(sizes.values())))
                for name, values in zip(self.names, densities, strict=True)
            },
            coords={dim: posterior[dim].to_numpy() for dim in sizes},
        )


def log_priors_of(design: Design, priors: Mapping[str, Any]) -> LogPriors:
    """Compile the log densities of the priors that a user can set.

    These are the priors of means, contrasts, standard deviations of group and interaction effects, sigma, tau
    and nu. The effects given their standard deviations have none here: their distribution is part of the
    model, as the noise is. Each group adds one such term, so their sum would swamp the priors that a user can
    choose; and scaling it asks what happens if groups are pooled more, which the data themselves answer
    through the standard deviations. For hierarchical models, Kallioinen et al. (2023,
    doi:10.1007/s11222-023-10366-5) scale the priors of the top level.

    Curves that are not pooled each have the prior of the mean. Fixed parameters have no prior. One that is
    itself made of random variables (a nested or transformed ``Prior``) is left out: its density cannot be
    read from its own draws alone.

    Parameters
    ----------
    design : Design
    priors : mapping of str to Prior or float

    Examples
    --------
    >>> import pandas as pd, warnings
    >>> from hillfront.design import design_of
    >>> from hillfront.frontiers import Frontiers
    >>> from hillfront.priors import resolve_priors
    >>> rows = pd.DataFrame({"variant": ["a", "b"], "l0": [10, 11], "performance_hit": [0.2, 0.15]})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     design = design_of(Frontiers.from_frame(rows), baseline="b")
    >>> list(log_priors_of(design, resolve_priors(design.family, None)).names)
    ['log_x_ref_mean', 'log_x_ref_contrast', 'log_k_mean', 'log_k_contrast', 'sigma', 'tau', 'nu']
    """
    import pytensor

    names: dict[str, str] = {}
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []
    for prior, variable in _top_level(design, priors).items():
        dims = ("group", "variant") if variable != prior else priors[prior].dims
        made = _log_density(prior, priors[prior], dims, design)
        if made is not None:
            names[prior] = variable
            inputs.append(made[0])
            outputs.append(made[1])
    # Evaluated once a fit: compiling for speed would take longer than what it saves.
    return LogPriors(names, pytensor.function(inputs, outputs, mode="FAST_COMPILE"))


def _top_level(design: Design, priors: Mapping[str, Any]) -> dict[str, str]:
    """Names of the priors in use, and of the posterior's variable that each is the prior of."""
    found = {name: name for name in reported_variables(design, priors) if name in priors}
    for parameter in design.family.sampled:
        name = f"{parameter.name}_mean"
        if design.pooling[parameter.natural] == "none" and not isinstance(priors.get(name, 0.0), float):
            found[name] = parameter.name
    return found


def _log_density(name: str, prior: Any, dims: Any, design: Design) -> tuple[Tensor, Tensor] | None:
    """Draws of one parameter, (sample, ...), and their log density, (sample,); None if it is not its own."""
    import pymc as pm
    import pytensor.tensor as pt

    own = prior.deepcopy()
    own.dims = dims
    coords = {
        "contrast": list(design.variants[1:]),
        "group": list(design.groups),
        "variant": list(design.variants),
    }
    with pm.Model(coords=coords) as model:
        variable = own.create_variable(name)
    if model.free_RVs != [variable]:
        return None
    draws: Tensor = pt.tensor(f"{name}_draws", dtype="float64", shape=(None,) * (variable.ndim + 1))
    density = pm.logp(variable, draws)
    return draws, density.sum(axis=tuple(range(1, density.ndim))) if density.ndim > 1 else density

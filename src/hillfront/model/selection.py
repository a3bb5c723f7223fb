r"""The likelihood of SAEs that were trained but not kept, because others of their curve beat them.

Tables often hold the Pareto-optimal SAEs only. If n were trained along a curve and m are kept, the other n -
m are known to lie above the staircase of the kept ones: each has, at its own L0, a hit no lower than the best
kept hit at that L0 or below. So the kept hits have their usual densities, and the n - m hidden SAEs add

``(n - m) log P``, with ``P = integral g(u) Pr(y > s(u) | u) du``,

where s(u) is the staircase and g spreads the training runs evenly in log L0 over the range of the kept ones.
That is exact for runs that are independent and spread so, and selected by nothing but dominance within their
curve. n - m and the staircase are data; P depends on the curve and on the scatter, so that many hidden SAEs
push the curve up and the scatter out, as much as the selection had pulled them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from hillfront.frontiers.table import Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import Design
from hillfront.model.likelihood import Expected, Likelihood

if TYPE_CHECKING:
    from pytensor.tensor.variable import TensorVariable

    type Tensor = TensorVariable[Any, Any]

Array = Any
Floats = NDArray[np.float64]

__all__ = ["NODES", "TINY", "add_hidden", "hidden_curve_index", "hidden_data", "survival"]

NODES: Final = 32
"""L0 values at which a staircase is read, evenly spaced in log L0 over the range of a curve."""

TINY: Final = 1e-300


def hidden_data(frontiers: Frontiers, design: Design) -> dict[str, NDArray[Any]]:
    """Arrays that the hidden SAEs' likelihood reads; empty for a design that knows nothing of any.

    Returns
    -------
    dict
        ``hidden``, shape (curve,), the number of hidden SAEs of each curve in the flattened grid; and, shape
        (curve, node) but flat, ``hidden_sparsity``, ``hidden_bound`` (the staircase) and the known errors of
        an SAE there, which are the average ones of its curve.
    """
    if not design.selected:
        return {}
    rows = row_data(frontiers, design)
    curve_index, l0 = rows["curve_index"], frontiers.table["l0"].to_numpy(np.float64)
    trained = frontiers.table["n_trained"].to_numpy(np.float64)
    n_curves = len(design.settings) * len(design.variants)
    nodes = {name: np.zeros((n_curves, NODES)) for name in rows if name not in ("curve_index", "observed")}
    # Curves without rows hide nothing, but what their nodes compute must be finite.
    bound, hidden = np.full((n_curves, NODES), rows["observed"].mean()), np.zeros(n_curves)
    nodes["sparsity"][:] = rows["sparsity"].mean()
    for curve in np.unique(curve_index):
        own = curve_index == curve
        at = np.exp(_midpoints(np.log(l0[own].min()), np.log(l0[own].max())))
        hidden[curve] = 0.0 if np.isnan(trained[own][0]) else trained[own][0] - own.sum()
        bound[curve] = _staircase(at, l0[own], rows["observed"][own])
        nodes["sparsity"][curve] = design.scales[curve // len(design.variants)].sparsity(at)
        for name in nodes:
            if name != "sparsity":
                values = rows[name][own]
                nodes[name][curve] = np.sqrt(np.mean(values**2)) if name.endswith("se") else values.mean()
    arrays = {f"hidden_{name}": values.ravel() for name, values in (nodes | {"bound": bound}).items()}
    return {"hidden": hidden} | arrays


def _midpoints(low: float, high: float) -> Floats:
    return np.asarray(low + (high - low) * (np.arange(NODES) + 0.5) / NODES)


def _staircase(at: Floats, l0: Floats, y: Floats) -> Floats:
    """Best kept hit at these L0 values or below them."""
    order = np.argsort(l0)
    best = np.minimum.accumulate(y[order])
    index = np.searchsorted(l0[order], at * (1 + 1e-12), side="right") - 1
    return np.asarray(best[np.maximum(index, 0)])


def hidden_curve_index(design: Design) -> NDArray[np.int64]:
    """Curve of each node."""
    return np.repeat(np.arange(len(design.settings) * len(design.variants)), NODES)


def add_hidden(
    likelihood: Likelihood, expected: Expected, data: Mapping[str, Tensor], parameters: Mapping[str, Tensor]
) -> None:
    """Add the hidden SAEs to the PyMC model in context, from what the curves expect at the nodes."""
    import pymc as pm
    import pytensor.tensor as pt

    above = survival(
        likelihood, data["hidden_bound"], expected, parameters, erfc=pt.erfc, log=pt.log, log1p=pt.log1p
    )
    average = above.reshape((-1, NODES)).mean(axis=1)
    pm.Potential("hidden_saes", (data["hidden"] * pt.log(average + TINY)).sum())


def survival(
    likelihood: Likelihood,
    bound: Array,
    expected: Expected,
    parameters: Mapping[str, Array],
    *,
    erfc: Callable[[Array], Array] = special.erfc,
    log: Callable[[Array], Array] = np.log,
    log1p: Callable[[Array], Array] = np.log1p,
) -> Array:
    """Probability that an SAE's hit lies above a bound.

    Student t probabilities are those of a normal at ``z (8 nu + 1) / (8 nu + 3) sqrt(log(1 + w) / w)``, ``w =
    z^2 / nu`` (D. L. Wallace, 1959, Annals of Mathematical Statistics 30, 1121-1130), within 0.006 from nu =
    3 up.

    Examples
    --------
    >>> from hillfront.model.likelihood import LIKELIHOODS
    >>> half = Expected(f=0.5, logit=0.0, spread=0.25, known_variance=0.0)
    >>> likelihood, parameters = LIKELIHOODS["student-t"], {"sigma": 0.4, "tau": 0.0, "nu": 4.0}
    >>> exact = special.stdtr(4.0, (0.5 - 0.6) / likelihood.scale(half, parameters))
    >>> bool(abs(survival(likelihood, 0.6, half, parameters) - exact) < 0.006)
    True
    """
    if likelihood.on_logit:
        bound = log(bound) - log1p(-bound)
    z = (bound - likelihood.location(expected)) / likelihood.scale(expected, parameters)
    if "nu" in parameters:
        nu = parameters["nu"]
        w = z**2 / nu + 1e-12
        z = z * (8.0 * nu + 1.0) / (8.0 * nu + 3.0) * (log1p(w) / w) ** 0.5
    return 0.5 * erfc(z / 2**0.5)

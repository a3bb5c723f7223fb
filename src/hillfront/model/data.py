"""The arrays that the model reads, one entry a row, and the expectation of the curves there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hillfront.curves.family import CurveFamily
from hillfront.curves.functions import logit_inside_unit
from hillfront.frontiers.measurement_error import known_errors
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design
from hillfront.model.likelihood import Expected

Array = Any
Floats = NDArray[np.float64]

__all__ = ["expected_at", "in_logs", "row_data"]


def row_data(frontiers: Frontiers, design: Design) -> dict[str, NDArray[Any]]:
    """Arrays of one entry a row, by name; a compiled model is refitted by replacing them.

    Returns
    -------
    dict
        ``sparsity``, ``observed``, ``curve_index`` (of the row's curve in the flattened grid); where the
        table has them ``se`` (known standard error of y), ``sparsity_se`` (that of the sparsity, from
        ``se_l0``); and where SAEs share errors of the losses, ``base_error`` and ``ablated_error``,
        relative to the loss scale.
    """
    table = frontiers.table
    data: dict[str, NDArray[Any]] = {
        "sparsity": design.sparsities(frontiers),
        "observed": frontiers.y.to_numpy(np.float64),
        "curve_index": design.curve_index(frontiers),
    }
    errors = known_errors(frontiers, design.shared_settings)
    if "se" in design.known_errors or "se" in table:
        data["se"] = errors["se"].to_numpy(np.float64)
    if "se_l0" in design.known_errors:
        unit = table["setting"].map({g: s.unit for g, s in zip(design.settings, design.scales, strict=True)})
        data["sparsity_se"] = (unit * table["se_l0"] / table["l0"] ** 2).to_numpy(np.float64)
    for name in design.shared_errors:
        data[f"{name}_error"] = errors[name].to_numpy(np.float64)
    return data


def in_logs(data: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Sparsities by their logs, ``log_sparsity`` for ``sparsity``, as the compiled model has them.

    Most curves are functions of log x, which needs no computing at each step then; all else stays.

    Examples
    --------
    >>> {name: values.tolist() for name, values in in_logs({"sparsity": np.ones(2)}).items()}
    {'log_sparsity': [0.0, 0.0]}
    """
    names = {"sparsity": "log_sparsity", "hidden_sparsity": "hidden_log_sparsity"}
    return {names.get(name, name): np.log(own) if name in names else own for name, own in data.items()}


def expected_at(
    family: CurveFamily,
    x: Array,
    natural: Mapping[str, Array],
    *,
    se: Array = 0.0,
    sparsity_se: Array | None = None,
    base_error: Array | None = None,
    ablated_error: Array | None = None,
) -> Expected:
    r"""Compute what the curves expect at sparsities x, as it would be measured.

    An error of the loss of the base model that all SAEs of a setting share shifts what they recover, one of
    the ablated loss stretches their hits: ``f - u (1 - f) - w f``, to first order in the relative errors u
    and w.

    Parameters
    ----------
    family : CurveFamily
    x : array
    natural : mapping of str to array
        Natural parameters at each x.
    se : array
        Known standard error of y.
    sparsity_se : array, optional
        Standard error of x, which the slope of the curve turns into one of y.
    base_error, ablated_error : array, optional
        The errors u and w; for a cost, that is a difference of losses, u is in its units and w absent.
    """
    f = family.value(x, **natural)
    measured = f
    if base_error is not None:
        measured = measured - (base_error * (1.0 - f) if family.bounded else base_error)
    if ablated_error is not None:
        measured = measured - ablated_error * f
    known = se**2
    if sparsity_se is not None:
        known = known + (family.slope(x, **natural) * sparsity_se) ** 2
    as_measured = measured is not f
    logit = logit_inside_unit(measured) if as_measured else family.logit(x, **natural)
    return Expected(f=measured, logit=logit, spread=family.spread(measured), known_variance=known)

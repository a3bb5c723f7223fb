"""From the coordinates in which a family is sampled to the parameters that papers report.

A Hill curve or a power law of hits has its position where it reaches a reference hit. Straight lines need
not come down to it, and costs have units of their own: there the level at a reference sparsity is the
position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hillfront.curves.functions import backend
from hillfront.curves.sparsity import REFERENCE_SPARSITY

__all__ = [
    "Reference",
    "hill1_natural",
    "hill_natural",
    "linear_natural",
    "power_level_natural",
    "power_natural",
    "proportional_natural",
]

Array = Any  # NumPy array, float or PyTensor variable.


@dataclass(frozen=True)
class Reference:
    """Where positions are measured.

    Attributes
    ----------
    hit : float
        Hit whose sparsity is the position of curves that reach it.
    sparsity : float
        Sparsity whose hit, or cost, is the position of the others: an L0 of 50.
    """

    hit: float
    sparsity: float = REFERENCE_SPARSITY


def hill_natural(log_x_ref: Array, log_k: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``x_half`` and ``k`` from the position and the log slope."""
    xp = backend(log_x_ref, log_k)
    k = xp.exp(log_k)
    return {"x_half": xp.exp(log_x_ref - math.log(reference.hit / (1.0 - reference.hit)) / k), "k": k}


def hill1_natural(log_x_ref: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``x_half`` from the position."""
    return {"x_half": hill_natural(log_x_ref, 0.0 * log_x_ref, reference=reference)["x_half"]}


def power_natural(log_x_ref: Array, log_k: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``a`` and ``k`` from the position and the log slope."""
    xp = backend(log_x_ref, log_k)
    k = xp.exp(log_k)
    return {"a": xp.exp(math.log(reference.hit) - k * log_x_ref), "k": k}


def power_level_natural(log_y_ref: Array, log_k: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``a`` and ``k`` from the log cost at the reference sparsity and the log slope."""
    xp = backend(log_y_ref, log_k)
    k = xp.exp(log_k)
    return {"a": xp.exp(log_y_ref - k * math.log(reference.sparsity)), "k": k}


def proportional_natural(log_y_ref: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``m`` from the log of y at the reference sparsity."""
    return {"m": backend(log_y_ref).exp(log_y_ref) / reference.sparsity}


def linear_natural(log_y_ref: Array, log_share: Array, *, reference: Reference) -> dict[str, Array]:
    """Return ``m`` and ``c`` from the log of y at the reference sparsity, and m's share of it."""
    xp = backend(log_y_ref, log_share)
    level, share = xp.exp(log_y_ref), xp.exp(log_share)
    return {"m": level * share / reference.sparsity, "c": level * (1.0 - share)}

"""From the coordinates in which a family is sampled to the parameters that papers report.

A hit has its position where the curve reaches a reference hit. A cost without an upper bound has no hit that
lies inside everyone's data, so there the level at a reference sparsity is sampled instead.
"""

from __future__ import annotations

import math
from typing import Any

from hillfront.shapes import backend

__all__ = [
    "hill1_natural",
    "hill_natural",
    "linear_level_natural",
    "linear_natural",
    "power_level_natural",
    "power_natural",
    "proportional_level_natural",
    "proportional_natural",
]

Array = Any  # NumPy array, float or PyTensor variable.


def hill_natural(log_x_ref: Array, log_k: Array, *, hit_ref: float) -> dict[str, Array]:
    """Return ``x_half`` and ``k`` from the position and the log slope."""
    xp = backend(log_x_ref, log_k)
    k = xp.exp(log_k)
    return {"x_half": xp.exp(log_x_ref - math.log(hit_ref / (1.0 - hit_ref)) / k), "k": k}


def hill1_natural(log_x_ref: Array, *, hit_ref: float) -> dict[str, Array]:
    """Return ``x_half`` from the position."""
    return {"x_half": hill_natural(log_x_ref, 0.0 * log_x_ref, hit_ref=hit_ref)["x_half"]}


def power_natural(log_x_ref: Array, log_k: Array, *, hit_ref: float) -> dict[str, Array]:
    """Return ``a`` and ``k`` from the position and the log slope."""
    xp = backend(log_x_ref, log_k)
    k = xp.exp(log_k)
    return {"a": xp.exp(math.log(hit_ref) - k * log_x_ref), "k": k}


def proportional_natural(log_m: Array, *, hit_ref: float) -> dict[str, Array]:
    """Return ``m`` from its log."""
    return {"m": backend(log_m).exp(log_m)}


def linear_natural(log_m: Array, c: Array, *, hit_ref: float) -> dict[str, Array]:
    """Return ``m`` and ``c`` from log m and c."""
    return {"m": backend(log_m).exp(log_m), "c": c}


def power_level_natural(log_y_ref: Array, log_k: Array, *, sparsity_ref: float) -> dict[str, Array]:
    """Return ``a`` and ``k`` from the log cost at the reference sparsity and the log slope."""
    xp = backend(log_y_ref, log_k)
    k = xp.exp(log_k)
    return {"a": xp.exp(log_y_ref - k * math.log(sparsity_ref)), "k": k}


def proportional_level_natural(log_y_ref: Array, *, sparsity_ref: float) -> dict[str, Array]:
    """Return ``m`` from the log cost at the reference sparsity."""
    return {"m": backend(log_y_ref).exp(log_y_ref) / sparsity_ref}


def linear_level_natural(log_y_ref: Array, log_share: Array, *, sparsity_ref: float) -> dict[str, Array]:
    """Return ``m`` and ``c`` from the log cost at the reference sparsity, and m's share of it."""
    xp = backend(log_y_ref, log_share)
    level, share = xp.exp(log_y_ref), xp.exp(log_share)
    return {"m": level * share / sparsity_ref, "c": level * (1.0 - share)}

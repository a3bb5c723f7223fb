"""Names that a shell completes. They stand here too, because completion must not wait for the libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

__all__ = [
    "CURVES",
    "NOISES",
    "QUANTITIES",
    "complete_curve",
    "complete_limit",
    "complete_noise",
    "complete_pool",
    "complete_quantity",
]

CURVES: Final = ("hill", "hill1", "power", "proportional", "linear")
NOISES: Final = ("student-t", "normal", "logit-normal")
QUANTITIES: Final = (
    "mean_sparsity_gain",
    "mean_hit_reduction",
    "sparsity_gain",
    "sparsity_gain_nats",
    "hit_reduction",
    "x_half_ratio",
    "k_ratio",
    "slope_ratio",
)


def _one_of(*names: str) -> Callable[[str], list[str]]:
    """Complete a word to those of these names that begin with it."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return complete


complete_curve = _one_of(*CURVES)
complete_noise = _one_of(*NOISES)
complete_limit = _one_of("d_model")
complete_pool = _one_of(
    *(f"{name}={how}" for name in ("k", "x_half") for how in ("partial", "common", "none"))
)
complete_quantity = _one_of(*QUANTITIES)

"""The sparsity in which curves are fitted, and its way back to L0.

Curves are fitted in ``x = 1/L0``, or, with a dense limit, in ``x = 1/L0 - 1/L_dense``: an SAE with as many
active latents as its activation has dimensions can be lossless, and its hit vanishes there. Relative sparsity
measures L0 in shares of d_model, ``x = d_model (1/L0 - 1/L_dense)``, so that models of different width can
share a prior on positions. Gains stay ratios of L0 in every case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

__all__ = ["REFERENCE_D_MODEL", "REFERENCE_SPARSITY", "DenseLimit", "SparsityScale", "average_scale"]

Array = Any
type DenseLimit = Literal["d_model"] | float | None

REFERENCE_SPARSITY: Final = 0.02
"""Sparsity about which priors are stated, an L0 of 50: inside most published sweeps."""

REFERENCE_D_MODEL: Final = 2048.0
"""Width of the model that the priors of a relative sparsity are stated for."""


@dataclass(frozen=True)
class SparsityScale:
    """From L0 to the sparsity that a setting's curves are fitted in, ``x = unit (1/L0 - 1/dense)``, and back.

    Attributes
    ----------
    unit : float
        1, or the setting's d_model for a relative sparsity.
    dense : float or None
        L0 at which the hit vanishes; None for no dense limit.

    Examples
    --------
    >>> scale = SparsityScale(dense=768.0)
    >>> float(scale.sparsity(768.0)), round(float(scale.l0(scale.sparsity(50.0))), 9)
    (0.0, 50.0)
    """

    unit: float = 1.0
    dense: float | None = None

    @property
    def offset(self) -> float:
        """The dense limit's share of 1/L0, 0 without one."""
        return 0.0 if self.dense is None else 1.0 / self.dense

    def sparsity(self, l0: Array) -> Array:
        """Sparsity of an SAE with so many active latents; 0 at the dense limit."""
        return self.from_reciprocal(1.0 / l0)

    def from_reciprocal(self, reciprocal_l0: Array) -> Array:
        """Sparsity at a value of 1/L0, 0 from the dense limit on."""
        return self.unit * np.maximum(reciprocal_l0 - self.offset, 0.0)

    def reciprocal(self, x: Array) -> Array:
        """1/L0 at a sparsity x."""
        return x / self.unit + self.offset

    def l0(self, x: Array) -> Array:
        """Active latents at a sparsity x."""
        return 1.0 / self.reciprocal(x)


def average_scale(scales: tuple[SparsityScale, ...]) -> SparsityScale:
    """Scale of a setting that was not observed: geometric means of those that were.

    Examples
    --------
    >>> average_scale((SparsityScale(dense=500.0), SparsityScale(dense=2000.0))).dense
    1000.0
    """
    unit = float(np.exp(np.mean([np.log(scale.unit) for scale in scales])))
    limits = [scale.dense for scale in scales if scale.dense is not None]
    dense = round(float(np.exp(np.mean(np.log(limits)))), 9) if limits else None
    return SparsityScale(unit, dense)

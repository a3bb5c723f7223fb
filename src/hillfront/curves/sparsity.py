"""The sparsity in which curves are fitted, and its way back to L0.

Curves are fitted in ``x = 1/L0``, or, with a dense limit, in ``x = 1/L0 - 1/L_dense``: an SAE with as many
active latents as its activation has dimensions can be lossless, and its hit vanishes there. Relative sparsity
measures L0 in shares of d_model, ``x = d_model (1/L0 - 1/L_dense)``, so that models of different width can
share a prior on positions. Gains stay ratios of L0 in every case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from hillfront.utils.interface import argument

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "REFERENCE_D_MODEL",
    "REFERENCE_SPARSITY",
    "DenseLimit",
    "Reference",
    "SparsityScale",
    "average_scale",
    "scales_by_setting",
]

Array = Any
type DenseLimit = Literal["d_model"] | float | None

REFERENCE_SPARSITY: Final = 0.02
"""Sparsity about which priors are stated, an L0 of 50: inside most published sweeps."""

REFERENCE_D_MODEL: Final = 2048.0
"""Width of the model that the priors of a relative sparsity are stated for."""


@dataclass(frozen=True)
class Reference:
    """The hit and the sparsity at which the positions of curves are measured.

    Attributes
    ----------
    hit : float
        Hit whose sparsity is the position of curves that reach it.
    sparsity : float
        Sparsity whose hit, or cost, is the position of the others: an L0 of 50.
    """

    hit: float
    sparsity: float = REFERENCE_SPARSITY


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
        """Return the sparsity of an SAE with so many active latents; 0 at the dense limit."""
        return self.from_reciprocal(1.0 / l0)

    def from_reciprocal(self, reciprocal_l0: Array) -> Array:
        """Return the sparsity at a value of 1/L0, 0 from the dense limit on."""
        return self.unit * np.maximum(reciprocal_l0 - self.offset, 0.0)

    def reciprocal(self, x: Array) -> Array:
        """Return 1/L0 at a sparsity x."""
        return x / self.unit + self.offset

    def l0(self, x: Array) -> Array:
        """Return the active latents at a sparsity x."""
        return 1.0 / self.reciprocal(x)


def average_scale(scales: tuple[SparsityScale, ...]) -> SparsityScale:
    """Return the scale of a setting that was not observed: geometric means of those that were.

    Examples
    --------
    >>> average_scale((SparsityScale(dense=500.0), SparsityScale(dense=2000.0))).dense
    1000.0
    """
    unit = float(np.exp(np.mean([np.log(scale.unit) for scale in scales])))
    limits = [scale.dense for scale in scales if scale.dense is not None]
    dense = round(float(np.exp(np.mean(np.log(limits)))), 9) if limits else None
    return SparsityScale(unit, dense)


def scales_by_setting(
    table: pd.DataFrame, settings: tuple[str, ...], *, dense_limit: DenseLimit, relative: bool
) -> tuple[SparsityScale, ...]:
    """Return the scale of each setting of a table, free of faults, in the order of ``settings``.

    Raises
    ------
    ValueError
        If d_model is needed and is not there, or is not the same for all SAEs of a setting.
    """
    needs_width = relative or dense_limit == "d_model"
    if not needs_width:
        dense = None if dense_limit is None else float(dense_limit)
        return (SparsityScale(dense=dense),) * len(settings)
    option = argument("relative_sparsity", True) if relative else argument("dense_limit", "d_model")
    if "d_model" not in table or table["d_model"].isna().any():
        raise ValueError(
            f"{option} needs the width of the model: a column 'd_model' with a number in every row. Add it, "
            "or leave the option out."
        )
    widths = table.groupby("setting", sort=False)["d_model"].agg(["min", "max"])
    mixed = widths.index[widths["min"] < widths["max"]]
    if len(mixed):
        first = widths.loc[mixed[0]]
        raise ValueError(
            f"{option}: d_model is {first['min']:g} to {first['max']:g} in setting {mixed[0]!r}, and must be "
            "one number in each setting. Make the model, or what changes the width, a group column."
        )
    scales = []
    for setting in settings:
        width = float(widths["min"][setting])
        dense = width if dense_limit == "d_model" else None if dense_limit is None else float(dense_limit)
        scales.append(SparsityScale(unit=width if relative else 1.0, dense=dense))
    return tuple(scales)

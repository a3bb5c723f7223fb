"""What every rival reads: the SAEs of a CSV as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["BASELINE", "Table", "read_table"]

BASELINE = "baseline"


@dataclass(frozen=True)
class Table:
    """The SAEs, with the curve that each belongs to.

    Attributes
    ----------
    variants : tuple of str
        The baseline first.
    settings : tuple of str
    variant, setting : array of int, shape (sae,)
    x, y : array, shape (sae,)
        Sparsity 1/L0 and performance hit.
    """

    variants: tuple[str, ...]
    settings: tuple[str, ...]
    variant: NDArray[np.int64]
    setting: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def curve(self, setting: int, variant: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Sparsities and hits of one curve."""
        own = (self.setting == setting) & (self.variant == variant)
        return self.x[own], self.y[own]


def read_table(path: Path) -> Table:
    """Read the columns variant, setting, l0 and performance_hit.

    Raises
    ------
    ValueError
        If there is no variant ``baseline``.
    """
    rows = pd.read_csv(path, dtype={"variant": str, "setting": str})
    found = list(dict.fromkeys(rows["variant"]))
    if BASELINE not in found:
        raise ValueError(f"{path} has the variants {', '.join(found)}; name one of them {BASELINE!r}.")
    variants = (BASELINE, *(name for name in found if name != BASELINE))
    settings = tuple(dict.fromkeys(rows["setting"]))
    return Table(
        variants,
        settings,
        rows["variant"].map({name: i for i, name in enumerate(variants)}).to_numpy(np.int64),
        rows["setting"].map({name: i for i, name in enumerate(settings)}).to_numpy(np.int64),
        1.0 / rows["l0"].to_numpy(np.float64),
        rows["performance_hit"].to_numpy(np.float64),
    )

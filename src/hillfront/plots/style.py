"""Colours, markers and lines that stay apart for colour-blind readers and in grey."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = [
    "BASELINE_STYLE",
    "FAMILY_STYLES",
    "VARIANT_STYLES",
    "FamilyStyle",
    "VariantStyle",
    "axes_for",
    "styles_for",
]


@dataclass(frozen=True)
class VariantStyle:
    """How one variant is drawn."""

    colour: str
    marker: str


@dataclass(frozen=True)
class FamilyStyle:
    """How one curve family is drawn."""

    colour: str
    dashes: tuple[float, tuple[float, ...]]


# Okabe and Ito's palette (2008, Color Universal Design), ordered so that neighbours differ in lightness.
BASELINE_STYLE = VariantStyle("#4d4d4d", "s")
VARIANT_STYLES = (
    VariantStyle("#d55e00", "o"),
    VariantStyle("#0072b2", "^"),
    VariantStyle("#009e73", "D"),
    VariantStyle("#cc79a7", "v"),
    VariantStyle("#e69f00", "P"),
    VariantStyle("#56b4e9", "X"),
)


FAMILY_STYLES = (
    FamilyStyle("#d55e00", (0, ())),
    FamilyStyle("#0072b2", (0, (6, 2))),
    FamilyStyle("#009e73", (0, (3, 1.5))),
    FamilyStyle("#cc79a7", (0, (5, 1.5, 1, 1.5))),
    FamilyStyle("#e69f00", (0, (1, 1.2))),
    FamilyStyle("#56b4e9", (0, (5, 1.5, 1, 1.5, 1, 1.5))),
)


def styles_for(variants: Sequence[str]) -> dict[str, VariantStyle]:
    """Return a style for each variant, the first being the baseline."""
    styles = {variants[0]: BASELINE_STYLE}
    for index, name in enumerate(variants[1:]):
        styles[name] = VARIANT_STYLES[index % len(VARIANT_STYLES)]
    return styles


def axes_for(
    n: int,
    ax: Axes | Sequence[Axes] | NDArray[np.object_] | None,
    *,
    columns: int = 4,
    size: tuple[float, float] = (3.1, 2.8),
) -> tuple[Figure, list[Axes]]:
    """Return n axes: those given, or a new grid of them.

    Raises
    ------
    ValueError
        If axes are given but not n of them.
    """
    import matplotlib.pyplot as plt

    if ax is not None:
        given: list[Axes] = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, dtype=object)))
        if len(given) != n:
            raise ValueError(
                f"ax holds {len(given)} axes, and there are {n} panels to draw. Give {n} axes, choose fewer "
                "panels, or leave ax out."
            )
        figure = given[0].get_figure(root=True)
        if figure is None:
            raise ValueError("The given axes belong to no figure.")
        return figure, given
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    # A single panel has room for its legend inside, so it is drawn larger.
    width, height = (5.0, 3.9) if n == 1 else size
    figure, grid = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), squeeze=False, layout="constrained"
    )
    flat = list(grid.ravel())
    for spare in flat[n:]:
        spare.remove()
    return figure, flat[:n]

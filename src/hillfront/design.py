"""The design of a comparison: its variants, groups and settings, apart from any data.

Two tables with the same design share one compiled model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hillfront.curves import CurveFamily, SampledParameter, family_named
from hillfront.frontiers import Frontiers
from hillfront.priors import DEFAULT_HIT_REF

__all__ = ["POOLINGS", "Design", "design_of"]

POOLINGS = ("partial", "common", "none")
"""How the curves share a parameter; a number in their place fixes it."""


@dataclass(frozen=True)
class Design:
    """What shapes a model: the levels, the curve family, and how parameters are pooled.

    Attributes
    ----------
    variants : tuple of str
        The baseline first, the others in order of appearance.
    groups : tuple of str
    curve : str
        Name of the curve family.
    pool : tuple of (str, str or float)
        For each natural parameter of the family, one of ``"partial"``, ``"common"``, ``"none"`` or the
        value at which it is fixed.
    hit_ref : float
        Performance hit at which a curve's position is measured.
    """

    variants: tuple[str, ...]
    groups: tuple[str, ...]
    curve: str
    pool: tuple[tuple[str, str | float], ...]
    hit_ref: float

    @property
    def baseline(self) -> str:
        """The variant that the others are compared with."""
        return self.variants[0]

    @property
    def family(self) -> CurveFamily:
        """The curve family."""
        return family_named(self.curve)

    @property
    def pooling(self) -> dict[str, str | float]:
        """Pooling by natural parameter."""
        return dict(self.pool)

    def cells(self, frontiers: Frontiers) -> NDArray[np.int64]:
        """Index of each row's curve in the flattened (group, variant) grid."""
        group = {name: i for i, name in enumerate(self.groups)}
        variant = {name: i for i, name in enumerate(self.variants)}
        table = frontiers.table
        return (
            table["group"].map(group).to_numpy(np.int64) * len(self.variants)
            + table["variant"].map(variant).to_numpy(np.int64)
        )  # fmt: skip


def design_of(
    frontiers: Frontiers,
    *,
    baseline: str,
    curve: str = "hill",
    pool: Mapping[str, str | float] | None = None,
    hit_ref: float = DEFAULT_HIT_REF,
) -> Design:
    """Derive the design of a table of frontiers.

    Raises
    ------
    ValueError
        For an unknown baseline, curve or pooling, or a reference hit outside (0, 1).

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"variant": ["a", "a", "b", "b"], "l0": [10, 50, 11, 52],
    ...                      "performance_hit": [0.2, 0.05, 0.15, 0.04]})
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     design = design_of(Frontiers.from_frame(rows), baseline="b")
    >>> design.variants, design.groups
    (('b', 'a'), ('all',))
    """
    family = family_named(curve)
    variants = frontiers.variants
    if baseline not in variants:
        raise ValueError(
            f"baseline={baseline!r} is not a variant of these frontiers. Allowed: {', '.join(variants)}. "
            "Pass one of these as baseline=."
        )
    if not 0.0 < hit_ref < 1.0:
        raise ValueError(f"hit_ref={hit_ref!r}: the reference hit must lie between 0 and 1, such as 0.05.")
    parameters = {parameter.natural: parameter for parameter in family.sampled}
    pooling: dict[str, str | float] = dict.fromkeys(parameters, "partial")
    for name, how in (pool or {}).items():
        if name not in pooling:
            raise ValueError(
                f"pool has {name!r}, which is not a parameter of the {curve!r} family. "
                f"Allowed: {', '.join(pooling)}."
            )
        pooling[name] = _checked_pooling(parameters[name], how)
    if isinstance(pooling.get("x_half"), float):
        # A fixed x_half pins the curve at y = 1/2, so that is where its position is measured.
        hit_ref = 0.5
    others = tuple(v for v in variants if v != baseline)
    return Design((baseline, *others), frontiers.groups, curve, tuple(pooling.items()), hit_ref)


def _checked_pooling(parameter: SampledParameter, how: str | float) -> str | float:
    if isinstance(how, str) and how in POOLINGS:
        return how
    number = isinstance(how, (int, float)) and not isinstance(how, bool) and np.isfinite(how)
    if number and parameter.to_sampled is not None and (how > 0 or not parameter.positive):  # type: ignore[operator]
        return float(how)
    fixed = "positive number" if parameter.positive else "number"
    allowed = "" if parameter.to_sampled is None else f", or a {fixed} to fix the parameter"
    raise ValueError(
        f"pool[{parameter.natural!r}] is {how!r}. Allowed: {', '.join(map(repr, POOLINGS))}{allowed}."
    )

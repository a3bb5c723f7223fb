"""Comparisons of two curves: a variant and a reference in each setting, on average, and in a new setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import and_
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from hillfront.curves.family import CurveFamily
from hillfront.curves.sparsity import SparsityScale, average_scale
from hillfront.estimands.draws import curve_draws, new_setting_draws
from hillfront.estimands.ratios import Parameters, sparsity_gain
from hillfront.estimands.scopes import AVERAGE, NEW_SETTING, SETTING
from hillfront.frontiers.cells import SEPARATOR
from hillfront.frontiers.measurement_error import curve_losses
from hillfront.frontiers.ranges import NOWHERE, Range, average_range, observed_ranges, shared
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design

Floats = NDArray[np.float64]
Ranges = Mapping[str, Range]

LABELS: Final = ("quantity", "variant", "setting", "at")
"""Key of one quantity among the draws of a table."""

__all__ = [
    "LABELS",
    "Comparison",
    "arranged",
    "compared_curves",
    "comparisons",
    "gains_at",
    "labelled_values",
    "setting_coords",
    "setting_labels",
    "with_group_columns",
]


@dataclass(frozen=True)
class Comparison:
    """A variant beside a reference in one setting, in a new one, or on average over several.

    Attributes
    ----------
    variant, reference : str
    setting : str
        Label of the setting; ``average`` and ``new_setting`` for the scopes above the settings.
    family : CurveFamily
    curves : (mapping, mapping)
        Draws of the natural parameters of the variant and of the reference; empty for an average, which is
        taken over the quantities of its ``parts``.
    hits, sparsities : Range
        Hits, and values of 1/L0, that both observed; without inside if there are none, or only a narrow range
        of L0 (:func:`~hillfront.frontiers.ranges.shared`). For a new setting and an average, the average of
        the settings' ranges, those without one left out.
    own : (mapping, mapping)
        Ranges of ``hit`` and ``sparsity`` of the variant and of the reference; empty above the settings.
    scale : SparsityScale
    losses : (float, float)
        Loss of the ablated model above the base model, in nats, by which the hits of the variant and of the
        reference are divided; NaN where unknown.
    parts : tuple of Comparison
        The comparisons in the settings that an average is taken over, or a new setting predicted from.
    """

    variant: str
    reference: str
    setting: str
    family: CurveFamily
    curves: tuple[Parameters, Parameters]
    hits: Range
    sparsities: Range
    own: tuple[Ranges, Ranges]
    scale: SparsityScale
    losses: tuple[float, float]
    parts: tuple[Comparison, ...] = ()

    @property
    def scope(self) -> str:
        """The scope: ``average``, ``new_setting`` or ``setting``."""
        return self.setting if self.parts else SETTING

    @property
    def observed_hits(self) -> Range:
        """Hits that both observed, in every setting of an average."""
        if not self.parts:
            return self.hits
        observed = reduce(and_, (part.hits for part in self.parts))
        return observed if observed else NOWHERE

    @property
    def hits_of_either(self) -> Range:
        """Hits from the lowest to the highest of either frontier, in any setting."""
        ranges = [part.own[i]["hit"] for part in self.parts or (self,) for i in (0, 1)]
        return Range(min(own.low for own in ranges), max(own.high for own in ranges))


def comparisons(
    posterior: xr.Dataset,
    frontiers: Frontiers,
    design: Design,
    *,
    reference: str | None = None,
    random_seed: int | None = None,
) -> Iterator[Comparison]:
    """Yield every comparison with a reference: each variant's settings, their average, and a new setting.

    Of the settings in which both have SAEs; a variant that has none of them is left out altogether. The
    reference is the design's baseline by default. ``random_seed`` is that of the draws of a new setting,
    which is left out without one.
    """
    unseen = None if random_seed is None else new_setting_draws(posterior, design, random_seed=random_seed)
    return compared_curves(
        curve_draws(posterior, design), frontiers, design, reference=reference, unseen=unseen
    )


def compared_curves(
    curves: Parameters,
    frontiers: Frontiers,
    design: Design,
    *,
    reference: str | None = None,
    unseen: Parameters | None = None,
) -> Iterator[Comparison]:
    """Yield every comparison of given curves; see :func:`comparisons`.

    ``curves`` holds natural parameters by name, (setting, variant, sample), and ``unseen`` those in a new
    setting, (variant, sample).
    """
    reference = design.baseline if reference is None else reference
    ranges, losses = observed_ranges(frontiers), curve_losses(frontiers)
    base = design.variants.index(reference)
    for index, variant in enumerate(design.variants):
        if index == base:
            continue
        pair = (index, base)
        parts = []
        for s, setting in enumerate(design.settings):
            keys = ((variant, setting), (reference, setting))
            if not all(key in ranges for key in keys):
                continue
            own = (ranges[keys[0]], ranges[keys[1]])
            parts.append(
                Comparison(
                    variant,
                    reference,
                    setting,
                    design.family,
                    curves=_pair({name: values[s] for name, values in curves.items()}, pair),
                    hits=shared(*own, of="hit"),
                    sparsities=shared(*own, of="sparsity"),
                    own=own,
                    scale=design.scales[s],
                    losses=(losses.get(keys[0], np.nan), losses.get(keys[1], np.nan)),
                )
            )
        yield from parts
        if parts:
            yield _above(AVERAGE, parts, ({}, {}), design)
        if parts and unseen is not None:
            yield _above(NEW_SETTING, parts, _pair(unseen, pair), design)


def _pair(curves: Parameters, pair: tuple[int, int]) -> tuple[Parameters, Parameters]:
    variant, reference = ({name: values[i] for name, values in curves.items()} for i in pair)
    return variant, reference


def _above(
    setting: str, parts: Sequence[Comparison], curves: tuple[Parameters, Parameters], design: Design
) -> Comparison:
    """Compare above the settings: over their average range, in their average sparsity scale and losses."""
    first = parts[0]
    return Comparison(
        first.variant,
        first.reference,
        setting,
        first.family,
        curves,
        hits=average_range([part.hits for part in parts]),
        sparsities=average_range([part.sparsities for part in parts]),
        own=({}, {}),
        # Of the settings that make the average range, whose ends then lie below the average dense limit.
        scale=average_scale(tuple(part.scale for part in parts if part.sparsities) or design.scales),
        losses=(_mean_loss(parts, 0), _mean_loss(parts, 1)),
        parts=tuple(parts),
    )


def _mean_loss(parts: Sequence[Comparison], which: int) -> float:
    """Geometric mean of the known losses of the variant (0) or of the reference (1)."""
    known = [part.losses[which] for part in parts if np.isfinite(part.losses[which])]
    return float(np.exp(np.mean(np.log(known)))) if known else np.nan


def gains_at(hit: Floats, comparison: Comparison) -> Floats:
    """Sparsity gain of each draw at each hit, shape (hit, sample); a geometric mean for an average."""
    if comparison.scope == AVERAGE:
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = [np.log(gains_at(hit, part)) for part in comparison.parts]
            return np.asarray(np.exp(np.mean(logs, axis=0)))
    return sparsity_gain(comparison.family, *comparison.curves, hit[:, None], scale=comparison.scale)


# ---------------------------------------------------------------- labels


def setting_coords(
    found: Sequence[Comparison], posterior: xr.Dataset, frontiers: Frontiers, design: Design
) -> dict[str, Any]:
    """Coordinates of a Dataset of comparisons: chain, draw, variant, setting, and what is known of each.

    The dimension ``setting`` holds ``average`` and ``new_setting`` where they exist, then the settings of the
    table. Along it lie ``scope`` and the group columns, blank above the settings.
    """
    reference = found[0].reference if found else design.baseline
    above = {comparison.setting for comparison in found if comparison.parts}
    scopes = [name for name in (AVERAGE, NEW_SETTING) if name in above]
    settings = [*scopes, *design.settings]
    coords: dict[str, Any] = {
        "chain": posterior["chain"].to_numpy(),
        "draw": posterior["draw"].to_numpy(),
        "variant": [name for name in design.variants if name != reference],
        "setting": settings,
        "scope": ("setting", [*scopes, *(SETTING for _ in design.settings)]),
    }
    groups = frontiers.setting_table.reindex(settings).fillna("").astype(str)
    from hillfront.estimands.quantities import quantities_of

    gaps = ("gap_low_l0", "gap_high_l0", "crossing_l0")  # variables of the verdicts' draws
    taken = {*coords, *quantities_of(design.family), *gaps, "hit", "l0", "nats"}
    return coords | {
        str(name): ("setting", groups[name].to_numpy(dtype=object)) for name in groups if name not in taken
    }


def with_group_columns(rows: pd.DataFrame, frontiers: Frontiers) -> pd.DataFrame:
    """Put the group columns, blank above the settings, and the scope in the place of ``setting``."""
    at = list(rows.columns).index("setting")
    groups = frontiers.setting_table.reindex(rows["setting"]).fillna("").astype(str).reset_index(drop=True)
    scope = rows["setting"].where(rows["setting"].isin([AVERAGE, NEW_SETTING]), SETTING).rename("scope")
    return pd.concat([rows.iloc[:, :at], groups, scope, rows.iloc[:, at + 1 :]], axis=1)


def setting_labels(table: pd.DataFrame) -> pd.Series:
    """Label along the dimension ``setting`` of every row of an improvement or Pareto table."""
    columns = list(table.columns)
    groups = table.iloc[:, columns.index("variant") + 1 : columns.index("scope")]
    joined = [SEPARATOR.join(map(str, values)) or "all" for values in groups.to_numpy()]
    return pd.Series(joined, index=table.index, dtype=object).where(table["scope"] == SETTING, table["scope"])


def arranged(
    labels: pd.DataFrame, values: NDArray[Any], coords: Mapping[str, Sequence[Any]], *, blank: object
) -> xr.Variable:
    """Arrange values, (row,) or (row, chain, draw), along the dims that the rows' labels name.

    ``labels`` has a column for each dim of ``coords``; entries without a row are blank.
    """
    block = np.full((*map(len, coords.values()), *values.shape[1:]), blank, dtype=values.dtype)
    block[tuple(pd.Index(own).get_indexer(pd.Index(labels[dim])) for dim, own in coords.items())] = values
    samples = ("chain", "draw")[: values.ndim - 1]
    return xr.Variable((*coords, *samples), block).transpose(*samples, *coords)


def labelled_values(draws: xr.Dataset) -> tuple[pd.MultiIndex, Floats]:
    """List what a Dataset holds: labels (quantity, variant, setting, at), and values (label, chain, draw)."""
    labels: list[tuple[object, ...]] = []
    values = [np.empty((0, draws.sizes["chain"], draws.sizes["draw"]))]
    for name, array in draws.data_vars.items():
        own = array.transpose(..., "chain", "draw")
        dims = [str(dim) for dim in own.dims[:-2]]
        for place in product(*(own[dim].to_numpy() for dim in dims)):
            known = dict(zip(dims, place, strict=True))
            at = [value for dim, value in known.items() if dim not in LABELS]
            labels.append((name, known.get("variant", ""), known.get("setting", ""), *(at or [np.nan])))
        values.append(own.to_numpy().reshape(-1, *own.shape[-2:]))
    index = pd.DataFrame(labels, columns=list(LABELS)).astype({"at": np.float64})
    return pd.MultiIndex.from_frame(index), np.concatenate(values)

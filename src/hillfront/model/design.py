"""The design of a comparison: its variants, settings and options, apart from any data.

Two tables with the same design share one compiled model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.curves.families import FAMILIES, CurveFamily, SampledParameter, family_named
from hillfront.curves.sparsity import (
    REFERENCE_D_MODEL,
    REFERENCE_SPARSITY,
    DenseLimit,
    Reference,
    SparsityScale,
    scales_by_setting,
)
from hillfront.frontiers.column_names import match_name
from hillfront.frontiers.fault import Fault
from hillfront.frontiers.measurement_error import known_errors, sharing_settings
from hillfront.frontiers.number_faults import dense_limit_faults
from hillfront.frontiers.table import FrontierDataError, Frontiers
from hillfront.model.likelihood import DEFAULT_NOISE, LIKELIHOODS, Likelihood, likelihood_named
from hillfront.model.priors import DEFAULT_HIT_REF
from hillfront.utils.wording import shorten

__all__ = ["POOLINGS", "Design", "design_of", "errors_named", "widths_named"]

Array = Any

POOLINGS = ("partial", "common", "none")
"""Ways in which curves share a parameter; a number instead fixes it."""


@dataclass(frozen=True)
class Design:
    """The shape of a model: its levels, its curve family, and the pooling of parameters.

    Attributes
    ----------
    variants : tuple of str
        The baseline first, the others in order of appearance.
    settings : tuple of str
    curve : str
        Name of the curve family.
    pool : tuple of (str, str or float)
        For each natural parameter of the family, one of ``"partial"``, ``"common"``, ``"none"`` or the
        value at which it is fixed.
    hit_ref : float
        Performance hit at which a curve's position is measured.
    noise : str
        Name of the likelihood.
    metric : str
        What is fitted: ``performance_hit``, or ``cost`` for a fidelity metric without an upper bound.
    dense_limit : "d_model", float or None
        L0 at which the hit vanishes.
    relative_sparsity : bool
        Whether L0 counts in shares of d_model.
    scales : tuple of SparsityScale
        What these two come to in each setting.
    known_errors : tuple of str
        Which standard errors are known of each SAE: ``se`` of y, and ``se_l0``.
    shared_errors : tuple of str
        ``base``, ``ablated`` or both: the losses with known errors that the SAEs of a setting share.
    shared_settings : tuple of str
        The settings whose SAEs share them.
    selected : bool
        Whether the table says how many SAEs were trained for the Pareto-optimal ones that it holds.
    """

    variants: tuple[str, ...]
    settings: tuple[str, ...]
    curve: str
    pool: tuple[tuple[str, str | float], ...]
    hit_ref: float
    noise: str = DEFAULT_NOISE
    metric: str = "performance_hit"
    dense_limit: DenseLimit = None
    relative_sparsity: bool = False
    scales: tuple[SparsityScale, ...] = ()
    known_errors: tuple[str, ...] = ()
    shared_errors: tuple[str, ...] = ()
    shared_settings: tuple[str, ...] = ()
    selected: bool = False

    def __post_init__(self) -> None:
        if not self.scales:
            object.__setattr__(self, "scales", (SparsityScale(),) * len(self.settings))

    @property
    def baseline(self) -> str:
        """The variant that the others are compared with."""
        return self.variants[0]

    @property
    def family(self) -> CurveFamily:
        """The curve family, in the coordinates that suit the metric."""
        family = family_named(self.curve)
        return family if self.metric == "performance_hit" or family.unbounded is None else family.unbounded

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood of an SAE, given its curve."""
        return likelihood_named(self.noise)

    @property
    def reference(self) -> Reference:
        """The hit and the sparsity at which positions are measured."""
        unit = REFERENCE_D_MODEL if self.relative_sparsity else 1.0
        return Reference(self.hit_ref, REFERENCE_SPARSITY * unit)

    @property
    def pooling(self) -> dict[str, str | float]:
        """Pooling by natural parameter."""
        return dict(self.pool)

    def natural(self, *sampled: Array) -> dict[str, Array]:
        """Natural parameters from the sampled ones, in the order of the family's."""
        return self.family.natural(*sampled, reference=self.reference)

    def sparsities(self, frontiers: Frontiers) -> NDArray[np.float64]:
        """Sparsity of each row in the scale of its setting."""
        scale = frontiers.table["setting"].map(dict(zip(self.settings, self.scales, strict=True)))
        l0 = frontiers.table["l0"].to_numpy(np.float64)
        return np.array([own.sparsity(value) for own, value in zip(scale, l0, strict=True)])

    def to_json(self) -> str:
        """Write the design as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote, also in versions that knew fewer options."""
        stored = json.loads(text)
        for name in ("variants", "settings", "known_errors", "shared_errors", "shared_settings"):
            stored[name] = tuple(stored.get(name, ()))
        stored["pool"] = tuple((name, how) for name, how in stored["pool"])
        stored["scales"] = tuple(SparsityScale(**scale) for scale in stored.get("scales", ()))
        return cls(**stored)

    def curve_index(self, frontiers: Frontiers) -> NDArray[np.int64]:
        """Index of each row's curve in the flattened (setting, variant) grid."""
        setting = {name: i for i, name in enumerate(self.settings)}
        variant = {name: i for i, name in enumerate(self.variants)}
        table = frontiers.table
        return table["setting"].map(setting).to_numpy(np.int64) * len(self.variants) + table["variant"].map(
            variant
        ).to_numpy(np.int64)


def design_of(
    frontiers: Frontiers,
    *,
    baseline: str,
    curve: str = "hill",
    pool: Mapping[str, str | float] | None = None,
    hit_ref: float = DEFAULT_HIT_REF,
    noise: str = DEFAULT_NOISE,
    dense_limit: DenseLimit = None,
    relative_sparsity: bool = False,
) -> Design:
    """Derive the design of a table of frontiers; see :func:`hillfront.prepare`.

    Raises
    ------
    ValueError
        For an unknown baseline, curve, pooling or noise, a reference hit outside (0, 1), or options that do
        not go together.
    FrontierDataError
        For rows that the options have no place for: an L0 at the dense limit or above, hits outside (0, 1)
        under logit-normal noise.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"variant": ["a", "a", "b", "b"], "l0": [10, 50, 11, 52],
    ...                      "performance_hit": [0.2, 0.05, 0.15, 0.04]})
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     design = design_of(Frontiers.from_frame(rows), baseline="b")
    >>> design.variants, design.settings
    (('b', 'a'), ('all',))
    """
    family = family_named(curve)
    variants = frontiers.variants
    baseline = match_name(baseline, variants) or baseline
    if baseline not in variants:
        raise ValueError(
            f"baseline={baseline!r} is not a variant of these frontiers. Allowed: {', '.join(variants)}. "
            "Pass one of these as baseline=."
        )
    if not 0.0 < hit_ref < 1.0:
        raise ValueError(f"hit_ref={hit_ref!r}: the reference hit must lie between 0 and 1, such as 0.05.")
    _validate_metric(frontiers, family, noise=noise, hit_ref=hit_ref)
    _validate_rows(frontiers, noise=noise, dense_limit=dense_limit)
    if frontiers.metric == "cost" and family.unbounded is not None:
        family = family.unbounded
    parameters = {parameter.natural: parameter for parameter in family.sampled}
    pooling: dict[str, str | float] = dict.fromkeys(parameters, "partial")
    for name, how in (pool or {}).items():
        if name not in pooling:
            raise ValueError(
                f"pool has {name!r}, which is not a parameter of the {curve!r} family. "
                f"Allowed: {', '.join(pooling)}."
            )
        pooling[name] = _validated_pooling(parameters[name], how)
    if isinstance(pooling.get("x_half"), float):
        # A fixed x_half pins the curve at y = 1/2, so that is where its position is measured.
        hit_ref = 0.5
    others = tuple(v for v in variants if v != baseline)
    shared_settings = sharing_settings(frontiers)
    errors = known_errors(frontiers, shared_settings)
    table = frontiers.table
    known = {"se": "se" in table or bool(errors["se"].any()), "se_l0": "se_l0" in table}
    return Design(
        (baseline, *others),
        frontiers.settings,
        curve,
        tuple(pooling.items()),
        hit_ref,
        noise=likelihood_named(noise).name,
        metric=frontiers.metric,
        dense_limit=dense_limit,
        relative_sparsity=relative_sparsity,
        scales=scales_by_setting(
            table, frontiers.settings, dense_limit=dense_limit, relative=relative_sparsity
        ),
        known_errors=tuple(name for name, there in known.items() if there),
        shared_errors=tuple(name for name in ("base", "ablated") if errors[name].any()),
        shared_settings=shared_settings,
        selected="n_trained" in table,
    )


def _validated_pooling(parameter: SampledParameter, how: str | float) -> str | float:
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


def _validate_metric(frontiers: Frontiers, family: CurveFamily, *, noise: str, hit_ref: float) -> None:
    """Refuse what a cost without an upper bound cannot have."""
    if frontiers.bounded:
        return
    if family.unbounded is None:
        able = ", ".join(name for name, other in FAMILIES.items() if other.unbounded is not None)
        raise ValueError(
            f"curve={family.name!r} saturates at 1, and {frontiers.metric_label!r} is a cost without an "
            f"upper bound. Allowed: {able}. Pass one of these as curve=, or read a performance hit with y=."
        )
    if likelihood_named(noise).on_logit:
        able = ", ".join(name for name, other in LIKELIHOODS.items() if not other.on_logit)
        raise ValueError(
            f"noise={noise!r} is for performance hits inside (0, 1), and {frontiers.metric_label!r} is a "
            f"cost. Allowed: {able}. Pass one of these as noise=."
        )
    if hit_ref != DEFAULT_HIT_REF:
        raise ValueError(
            f"hit_ref={hit_ref!r}: the position of a cost is its level at an L0 of 50, without a reference "
            "hit. Leave hit_ref out."
        )


def _validate_rows(frontiers: Frontiers, *, noise: str, dense_limit: DenseLimit) -> None:
    """Refuse rows that the options have no place for, all in one error."""
    faults = [*dense_limit_faults(frontiers.table, dense_limit)]
    if likelihood_named(noise).on_logit:
        faults += _outside_unit_interval(frontiers.table)
    if faults:
        raise FrontierDataError(faults)


def _outside_unit_interval(table: pd.DataFrame) -> Iterator[Fault]:
    """Find hits that have no logit."""
    hit = table["performance_hit"]
    bad = (hit <= 0) | (hit >= 1)
    if bad.any():
        rows = tuple(table.loc[bad, "row"].tolist())
        step = "Use noise='student-t', which is defined there, or leave these rows out of the table."
        yield Fault(
            "performance hit without a logit",
            rows,
            shorten(f"{value:g}" for value in hit[bad]),
            "hits between 0 and 1 with noise='logit-normal'",
            step,
        )


def errors_named(design: Design) -> set[str]:
    """Name the known errors of a design, for a message."""
    shared = (
        f"error of ce_{name} shared in {setting}"
        for name in design.shared_errors
        for setting in design.shared_settings
    )
    return {*design.known_errors, *shared}


def widths_named(design: Design) -> set[str]:
    """Name the widths that the scales rest on, by setting, for a message."""
    return {
        f"{scale.unit if design.relative_sparsity else scale.dense or 0.0:g} in {setting}"
        for setting, scale in zip(design.settings, design.scales, strict=True)
    }

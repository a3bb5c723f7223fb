"""What a design refuses of a table: options that its metric or its rows have no place for."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from hillfront.curves.families import FAMILIES, CurveFamily
from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.fault import Fault
from hillfront.frontiers.number_faults import dense_limit_faults
from hillfront.frontiers.table import FrontierDataError, Frontiers
from hillfront.model.likelihood import LIKELIHOODS, likelihood_named
from hillfront.model.priors import DEFAULT_HIT_REF
from hillfront.utils.wording import shorten

__all__ = ["check_metric", "check_rows"]


def check_metric(frontiers: Frontiers, family: CurveFamily, *, noise: str, hit_ref: float) -> None:
    """Refuse what a cost without an upper bound cannot have.

    Raises
    ------
    ValueError
        For a family that saturates, noise on the logit scale, or a reference hit.
    """
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


def check_rows(frontiers: Frontiers, *, noise: str, dense_limit: DenseLimit) -> None:
    """Refuse rows that the options have no place for, all in one error.

    Raises
    ------
    FrontierDataError
        For an L0 at the dense limit or above, or a hit outside (0, 1) under noise on the logit scale.
    """
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

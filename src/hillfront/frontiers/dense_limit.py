"""The dense limit: an L0 that an SAE has to stay below where the hit vanishes at it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.cells import is_blank
from hillfront.frontiers.fault import Fault
from hillfront.frontiers.parsing import Draft
from hillfront.utils.wording import shorten


def check_dense_limit(dense_limit: object) -> None:
    """Refuse what cannot be a dense limit.

    Parameters
    ----------
    dense_limit : object
        What the user gave.

    Raises
    ------
    ValueError
        If it is neither ``"d_model"`` nor a finite number above 0 nor None.

    Examples
    --------
    >>> check_dense_limit(-1)
    Traceback (most recent call last):
    ...
    ValueError: dense_limit must be 'd_model', a finite number above 0 (an L0) or None, not -1
    """
    if dense_limit is None or (isinstance(dense_limit, str) and dense_limit == "d_model"):
        return
    is_number = isinstance(dense_limit, int | float | np.integer | np.floating) and dense_limit is not True
    if is_number and 0 < dense_limit < math.inf:  # type: ignore[operator]  # a number, as just checked
        return
    raise ValueError(
        f"dense_limit must be 'd_model', a finite number above 0 (an L0) or None, not {dense_limit!r}"
    )


def dense_limit_faults(table: pd.DataFrame, dense_limit: DenseLimit) -> Iterator[Fault]:
    """Find what a canonical table lacks for a dense limit, and the rows whose L0 is not below it.

    Parameters
    ----------
    table : pandas.DataFrame
        A table with ``row``, ``l0`` and, where it is the limit, ``d_model``.
    dense_limit : "d_model", float or None
        The L0 at which the hit must vanish: that of each row's ``d_model``, or one for all rows. With None
        there is no limit and no fault.

    Yields
    ------
    Fault
        A missing ``d_model``, the rows where it is empty, and the rows whose L0 is not below the limit.

    Raises
    ------
    ValueError
        If the limit is none of these, or not a finite number above 0.

    Examples
    --------
    >>> table = pd.DataFrame({"row": [0, 1], "l0": [64.0, 800.0], "d_model": [768.0, 768.0]})
    >>> [fault] = dense_limit_faults(table, "d_model")
    >>> fault.kind, fault.rows, fault.seen
    ('L0 not below the dense limit', (1,), '800 >= 768')
    """
    check_dense_limit(dense_limit)
    if dense_limit is None:
        return
    if dense_limit == "d_model" and "d_model" not in table:
        allowed = "a table with the column 'd_model'"
        step = "Add it, or pass a number as dense_limit."
        yield Fault("missing column 'd_model'", (), "no such column", allowed, step)
        return
    limit = table["d_model"] if dense_limit == "d_model" else pd.Series(float(dense_limit), index=table.index)
    leave_out = f'Frontiers.from_frame(..., dense_limit={dense_limit!r}, on_fault="drop")'
    if limit.isna().any():
        rows = tuple(table.loc[limit.isna(), "row"].tolist())
        step = f"Fill in d_model, pass a number as dense_limit, or leave these rows out: {leave_out}."
        drops = tuple((row, "empty") for row in rows)
        seen = shorten(value for _, value in drops)
        yield Fault("'d_model' empty", rows, seen, "a finite number above 0", step, drops)
    bad = table["l0"] >= limit
    if bad.any():
        pairs = zip(table.loc[bad, "l0"], limit[bad], strict=True)
        drops = tuple(
            zip(table.loc[bad, "row"].tolist(), (f"{l0:g} >= {top:g}" for l0, top in pairs), strict=True)
        )
        step = (
            "A curve with this limit ends there: correct L0, choose another limit or none, or leave these "
            f"rows out: {leave_out}."
        )
        rows = tuple(row for row, _ in drops)
        seen = shorten(value for _, value in drops)
        yield Fault("L0 not below the dense limit", rows, seen, "an L0 below the limit", step, drops)


def below_dense_limit(draft: Draft) -> Iterator[Fault]:
    """Find rows whose L0 is not below the dense limit, among those where both can be read.

    A missing column, text and values out of range are faults of their own.
    """
    if not draft.has("l0") or (draft.dense_limit == "d_model" and not draft.has("d_model")):
        return
    readable = np.isfinite(draft.table["l0"]) & (draft.table["l0"] > 0)
    if draft.dense_limit == "d_model":
        d_model = draft.table["d_model"]
        readable &= is_blank(draft.cells["d_model"]) | (np.isfinite(d_model) & (d_model > 0))
    yield from dense_limit_faults(draft.table[readable], draft.dense_limit)

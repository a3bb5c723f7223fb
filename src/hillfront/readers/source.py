"""A table as a reader gives it, with the columns that its format names, on its way to `Frontiers`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.checking import FrontierDataError
from hillfront.frontiers.table import Frontiers

__all__ = ["SourceTable", "to_frontiers"]


@dataclass(frozen=True)
class SourceTable:
    """A table, and where its format keeps what `Frontiers.from_frame` asks for.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row an evaluated SAE.
    variant, l0 : str
    group : tuple of str
    y : str or None
        As in `Frontiers.from_frame`.
    places : tuple of str
        For each row the file that it comes from; empty where all rows come from one table.
    """

    frame: pd.DataFrame
    variant: str = "variant"
    group: tuple[str, ...] = ()
    l0: str = "l0"
    y: str | None = None
    places: tuple[str, ...] = ()

    def using(
        self, *, variant: str | None, group: Sequence[str] | None, l0: str | None, y: str | None
    ) -> SourceTable:
        """Return the same table with the columns that a user names in place of the format's."""
        return replace(
            self,
            variant=variant or self.variant,
            group=tuple(group) if group else self.group,
            l0=l0 or self.l0,
            y=y or self.y,
        )


def to_frontiers(
    source: SourceTable,
    *,
    cost: str | None = None,
    dense_limit: DenseLimit = None,
    baseline: str | None = None,
    on_fault: Literal["raise", "drop"] = "raise",
) -> Frontiers:
    """Check the table; faults of rows name the files of these rows.

    Raises
    ------
    FrontierDataError
        As `Frontiers.from_frame` does.
    """
    try:
        return Frontiers.from_frame(
            source.frame,
            variant=source.variant,
            group=source.group,
            l0=source.l0,
            y=None if cost is not None else source.y,
            cost=cost,
            dense_limit=dense_limit,
            baseline=baseline,
            on_fault=on_fault,
        )
    except FrontierDataError as error:
        if not source.places:
            raise
        raise FrontierDataError(error.faults, places=source.places) from None

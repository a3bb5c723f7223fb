"""Which SAEs of a curve no other one beats."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hillfront.frontiers.columns import metric_of
from hillfront.frontiers.parsing import CURVE


def pareto_optimal(table: pd.DataFrame) -> pd.Series[bool]:
    """Mark the rows that no other row of their curve dominates.

    Parameters
    ----------
    table : pandas.DataFrame
        A table with ``variant``, ``setting``, ``l0`` and ``performance_hit`` or ``cost``.

    Returns
    -------
    pandas.Series
        True where no row of the curve has L0 and y both as low or lower, one of them strictly.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"variant": "a", "setting": "all", "l0": [10, 20, 20], "performance_hit": [0.2, 0.1, 0.15]}
    ... )
    >>> pareto_optimal(table).tolist()
    [True, True, False]
    """
    metric = metric_of(table)
    best = table.groupby([*CURVE, "l0"])[metric].min()  # sorted by L0 within each curve
    best_at_lower_l0 = best.groupby(level=CURVE).cummin().groupby(level=CURVE).shift(1, fill_value=np.inf)
    optimal = best[best < best_at_lower_l0].rename("optimal_y")
    return table.join(optimal, on=[*CURVE, "l0"])["optimal_y"] == table[metric]

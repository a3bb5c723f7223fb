"""The sparsity scale of each setting of a table."""

from __future__ import annotations

import pandas as pd

from hillfront.curves.sparsity import DenseLimit, SparsityScale

__all__ = ["scales_by_setting"]


def scales_by_setting(
    table: pd.DataFrame, settings: tuple[str, ...], *, dense_limit: DenseLimit, relative: bool
) -> tuple[SparsityScale, ...]:
    """Scale of each setting of a table, free of faults, in the order of ``settings``.

    Raises
    ------
    ValueError
        If d_model is needed and is not there, or is not the same for all SAEs of a setting.
    """
    needs_width = relative or dense_limit == "d_model"
    if not needs_width:
        dense = None if dense_limit is None else float(dense_limit)
        return (SparsityScale(dense=dense),) * len(settings)
    option = "relative_sparsity=True" if relative else "dense_limit='d_model'"
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

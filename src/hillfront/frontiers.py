"""The validated table of sparsity-fidelity points that every fit starts from."""

from __future__ import annotations

import hashlib
import html
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hillfront.faults import (
    CURVE,
    LOSSES,
    Draft,
    Fault,
    Scale,
    curves_without_hit,
    find_faults,
    find_warnings,
    is_blank,
    name_rows,
    shorten,
)

if TYPE_CHECKING:
    import xarray as xr

SEPARATOR: Final = " / "
OPTIONAL_NUMBERS: Final = ("se", "se_l0", "d_model", *LOSSES)
OPTIONAL: Final = ("se", "se_l0", "d_model", "n_tokens", "seed", "label", "width", "ablation", *LOSSES)
RESERVED: Final = frozenset({"row", "variant", "l0", "sparsity", "performance_hit", *OPTIONAL_NUMBERS})
DROPPED: Final = ("row", "variant", "group", "fault", "value")
HIT_WORD: Final = re.compile(r"(?<![A-Za-z])(?i:hits?)(?![A-Za-z])|(?<=[a-z])Hits?(?![a-z])")


class FrontierDataError(ValueError):
    """A table that cannot be fitted; the message lists every fault.

    Parameters
    ----------
    faults : sequence of Fault
        What is wrong with the table.

    Attributes
    ----------
    faults : tuple of Fault
        The same, for code that handles them.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(tuple(faults))
        self.faults: tuple[Fault, ...] = tuple(faults)

    def __str__(self) -> str:
        n = len(self.faults)
        lines = [f"The table has {n} fault{'s' if n != 1 else ''}:"]
        lines += [f"{i}. {fault}" for i, fault in enumerate(self.faults, start=1)]
        if any(fault.rows for fault in self.faults):
            lines.append("Rows are positions in the table: row 0 is the first one below the header.")
        if any(fault.drops for fault in self.faults):
            lines.append("on_fault='drop' drops the faulty rows and keeps a record of them.")
        return "\n".join(lines)


class FrontierDataWarning(UserWarning):
    """Something that a user should know about a table, though it can be fitted."""


@runtime_checkable
class SupportsArrow(Protocol):
    """A table with the Arrow PyCapsule interface (polars, pyarrow, DuckDB and others)."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the table as a stream of Arrow arrays."""
        ...


@runtime_checkable
class SupportsInterchange(Protocol):
    """A table with the older dataframe interchange protocol."""

    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> object:
        """Export the table as an interchange object."""
        ...


def no_drops() -> pd.DataFrame:
    """Return an empty record of dropped rows."""
    return pd.DataFrame({name: pd.Series([], dtype="int64" if name == "row" else "str") for name in DROPPED})


@dataclass(frozen=True, eq=False, repr=False)
class Frontiers:
    """Sparsity-fidelity points of one or more variants, checked and ready to fit.

    Build it with `from_frame`; the constructor itself checks nothing.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per SAE in the user's order. Columns: ``row``, the position in the user's frame (from 0,
        header not counted); ``variant``; the group columns as text; ``group``, their values joined by ``" /
        "``, or ``all`` if there are none; ``l0``; ``sparsity``, which is 1/L0; ``performance_hit``; then
        those found of ``se``, ``se_l0``, ``d_model``, ``n_tokens``, ``seed``, ``label``, ``width``,
        ``ablation``, ``ce_sae``, ``ce_base`` and ``ce_ablated``.
    group_columns : tuple of str
        The columns that make a group.
    metric : str
        Name of the column that is fitted, ``performance_hit``.
    warnings : tuple of str
        What a user should know, though the table can be fitted.
    dropped : pandas.DataFrame
        A record of each faulty row that was left out: ``row``, ``variant``, ``group``, ``fault``, ``value``.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame(
    ...     {
    ...         "variant": ["baseline"] * 4 + ["gated"] * 4,
    ...         "layer": 20,
    ...         "l0": [10, 20, 40, 80, 12, 24, 48, 96],
    ...         "loss_recovered": [0.80, 0.88, 0.93, 0.96, 0.90, 0.94, 0.97, 0.98],
    ...     }
    ... )
    >>> frontiers = Frontiers.from_frame(frame, group="layer")
    >>> frontiers
    Frontiers: 8 SAEs, 2 curves
      variants: baseline, gated
      groups (layer): 20
      L0 10 to 96, performance hit 0.02 to 0.2
    """

    table: pd.DataFrame
    group_columns: tuple[str, ...] = ()
    metric: str = "performance_hit"
    warnings: tuple[str, ...] = ()
    dropped: pd.DataFrame = field(default_factory=no_drops)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame | SupportsArrow | SupportsInterchange,
        *,
        variant: str = "variant",
        group: str | Sequence[str] = (),
        l0: str = "l0",
        y: str | None = None,
        baseline: str | None = None,
        on_fault: Literal["raise", "drop"] = "raise",
    ) -> Self:
        """Read a long-format table with one row per SAE.

        Parameters
        ----------
        frame : pandas.DataFrame or table with the Arrow PyCapsule or the interchange interface
            The table. Optional columns are found by their names (see `Frontiers`); one that is empty
            throughout counts as not there. Blanks around text are removed.
        variant : str, default "variant"
            Column that holds what is compared.
        group : str or sequence of str, optional
            Columns that make the setting in which variants are compared. The names of number columns (``l0``,
            ``se``, ``d_model`` and so on) cannot be used, and ``group`` only on its own.
        l0 : str, default "l0"
            Column that holds the mean number of active latents per token.
        y : str, optional
            Where the performance hit comes from: ``"loss_recovered"``, ``"performance_hit"`` or ``"ce"``
            (the three losses ``ce_sae``, ``ce_base``, ``ce_ablated``). By default the first of these that
            is there. Any other column is taken to hold loss recovered, unless ``hit`` is a word of its name
            (``val_hit``, ``normHit``, but not ``white_recovered``): then it holds the hit itself.
        baseline : str, optional
            Variant that others will be compared with; checked to be there.
        on_fault : {"raise", "drop"}, default "raise"
            What to do with faulty rows. ``"drop"`` leaves them out and records them in ``dropped``; faults
            that are not about rows raise all the same.

        Returns
        -------
        Frontiers
            The checked table.

        Raises
        ------
        FrontierDataError
            If the table has faults. One message lists all of them.

        Warns
        -----
        FrontierDataWarning
            Once for each entry of ``warnings``.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"variant": ["topk", "topk"], "l0": [0, 32], "loss_recovered": [0.9, None]})
        >>> Frontiers.from_frame(frame)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        hillfront.frontiers.FrontierDataError: The table has 2 faults:
        1. L0 not positive (row 0): saw 0; allowed: a finite number above 0. Next step: ...
        """
        if on_fault not in ("raise", "drop"):
            raise ValueError(f"on_fault must be 'raise' or 'drop', not {on_fault!r}")
        draft = read(frame, variant=variant, group=group, l0=l0, y=y, baseline=baseline)
        records = [no_drops()]
        while faults := find_faults(draft):
            stops = [fault for fault in faults if on_fault == "raise" or not fault.drops]
            if stops:
                raise FrontierDataError(stops)
            records.append(record_drops(draft, faults))
            draft = draft.without(row for fault in faults for row, _ in fault.drops)
        table = draft.table.reset_index(drop=True)
        dropped = pd.concat(records, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)
        found = find_warnings(table)
        for text in found:
            warnings.warn(text, FrontierDataWarning, stacklevel=2)
        return cls(table, draft.group_columns, warnings=found, dropped=dropped)

    def pareto_only(self) -> Self:
        """Keep the Pareto-optimal SAEs of each curve.

        A row is kept if no other row of its curve has an L0 and a hit that are both as low or lower, one of
        them strictly. Such a selection understates the scatter and favours variants with more runs, so the
        result says so in ``warnings`` (nothing is issued: it was asked for).

        Returns
        -------
        Frontiers
            The selected rows, with the warnings found again.

        Raises
        ------
        FrontierDataError
            If a curve is left without a positive hit, because a row with a hit of 0 or less beats all others.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame(
        ...     {
        ...         "variant": "topk",
        ...         "l0": [10, 20, 30, 40, 80],
        ...         "performance_hit": [0.2, 0.1, 0.11, 0.05, 0.02],
        ...     }
        ... )
        >>> Frontiers.from_frame(frame).pareto_only().table["l0"].tolist()
        [10.0, 20.0, 40.0, 80.0]
        """
        table = self.table[pareto_optimal(self.table)].reset_index(drop=True)
        gone = len(self.table) - len(table)
        if not gone and any(text.startswith("Pareto-filtered") for text in self.warnings):
            return self
        if faults := tuple(curves_without_hit(table)):
            raise FrontierDataError(faults)
        filtered = (
            f"Pareto-filtered by the user: pareto_only() took away {gone} of {len(self.table)} SAEs. Keeping "
            "the best runs understates the scatter and favours variants with more runs."
        )
        found = find_warnings(table, filtered=filtered)
        return type(self)(table, self.group_columns, self.metric, found, self.dropped)

    @property
    def variants(self) -> tuple[str, ...]:
        """Variants in order of first appearance."""
        return tuple(self.table["variant"].unique())

    @property
    def groups(self) -> tuple[str, ...]:
        """Labels of the groups in order of first appearance."""
        return tuple(self.table["group"].unique())

    @property
    def group_table(self) -> pd.DataFrame:
        """The group columns, one row per group, indexed by the group's label."""
        first = self.table.drop_duplicates("group")
        return first[list(self.group_columns)].set_axis(pd.Index(first["group"], name="group"), axis=0)

    @property
    def n_curves(self) -> int:
        """Number of curves: pairs of variant and group that are there."""
        return len(self.table[CURVE].drop_duplicates())

    def curves(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """Yield variant, group and rows of each curve, in order of first appearance."""
        for (variant, group), rows in self.table.groupby(CURVE, sort=False):
            yield str(variant), str(group), rows

    @property
    def data_hash(self) -> str:
        """SHA-256 of the canonical columns, the same in every process."""
        digest = hashlib.sha256()
        for name, column in self.table.items():
            values = [value.hex() for value in column] if column.dtype == float else encode(column).tolist()
            digest.update(json.dumps([name, values]).encode())
        return digest.hexdigest()

    def to_dataset(self) -> xr.Dataset:
        """Convert to an xarray dataset that `from_dataset` reads back exactly, also through NetCDF.

        Returns
        -------
        xarray.Dataset
            A variable per column along ``obs`` (group columns as ``group_column_0`` and so on, since their
            names may not be valid in NetCDF), the record of dropped rows along ``dropped_row``, the rest as
            attributes. Empty text stands for a missing value.

        Examples
        --------
        >>> import pandas as pd
        >>> hits = [0.2, 0.1, 0.05, 0.02]
        >>> frame = pd.DataFrame({"variant": "topk", "l0": [10, 20, 40, 80], "performance_hit": hits})
        >>> frontiers = Frontiers.from_frame(frame)
        >>> Frontiers.from_dataset(frontiers.to_dataset()).table.equals(frontiers.table)
        True
        """
        import xarray as xr

        stored = {name: f"group_column_{i}" for i, name in enumerate(self.group_columns) if name != "group"}
        data = {
            stored.get(str(name), str(name)): ("obs", encode(column)) for name, column in self.table.items()
        }
        data |= {f"dropped_{name}": ("dropped_row", encode(column)) for name, column in self.dropped.items()}
        attrs = {
            "hillfront_type": "Frontiers",
            "metric": self.metric,
            "group_columns": json.dumps(self.group_columns),
            "warnings": json.dumps(self.warnings),
        }
        return xr.Dataset(data, attrs=attrs)

    @classmethod
    def from_dataset(cls, ds: xr.Dataset) -> Self:
        """Read back what `to_dataset` wrote; warnings are kept, not issued again.

        Parameters
        ----------
        ds : xarray.Dataset
            A dataset from `to_dataset`.

        Returns
        -------
        Frontiers
            The same frontiers.
        """
        if ds.attrs.get("hillfront_type") != "Frontiers":
            raise ValueError(
                "this dataset does not hold Frontiers; pass one that Frontiers.to_dataset() made"
            )
        group_columns = tuple(json.loads(ds.attrs["group_columns"]))
        stored = {name: f"group_column_{i}" for i, name in enumerate(group_columns) if name != "group"}
        names = [name for name in column_order(group_columns) if stored.get(name, name) in ds]
        table = pd.DataFrame({name: decode(ds[stored.get(name, name)].to_numpy()) for name in names})
        dropped = pd.DataFrame({name: decode(ds[f"dropped_{name}"].to_numpy()) for name in DROPPED})
        return cls(table, group_columns, ds.attrs["metric"], tuple(json.loads(ds.attrs["warnings"])), dropped)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return "\n  ".join(self._lines())

    def _repr_html_(self) -> str:
        head, *lines = map(html.escape, self._lines())
        return f"<strong>{head}</strong><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"

    def _lines(self) -> list[str]:
        n, n_curves = len(self), self.n_curves
        lines = [
            f"Frontiers: {n} SAE{'s' if n != 1 else ''}, {n_curves} curve{'s' if n_curves != 1 else ''}",
            f"variants: {shorten(self.variants)}",
        ]
        if self.group_columns:
            lines.append(f"groups ({', '.join(self.group_columns)}): {shorten(self.groups)}")
        l0, hit = self.table["l0"], self.table["performance_hit"]
        lines.append(f"L0 {l0.min():g} to {l0.max():g}, performance hit {hit.min():g} to {hit.max():g}")
        if len(self.dropped):
            lines.append(f"dropped: {name_rows(list(self.dropped['row'].unique()))}")
        return lines + [f"warning: {text}" for text in self.warnings]


def pareto_optimal(table: pd.DataFrame) -> pd.Series[bool]:
    """Mark the rows that no other row of their curve dominates.

    Parameters
    ----------
    table : pandas.DataFrame
        A table with ``variant``, ``group``, ``l0`` and ``performance_hit``.

    Returns
    -------
    pandas.Series
        True where no row of the curve has L0 and hit both as low or lower, one of them strictly.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"variant": "a", "group": "all", "l0": [10, 20, 20, 40], "performance_hit": [0.2, 0.1, 0.15, 0.1]}
    ... )
    >>> pareto_optimal(table).tolist()
    [True, True, False, False]
    """
    best = table.groupby([*CURVE, "l0"])["performance_hit"].min()  # sorted by L0 within each curve
    best_at_lower_l0 = best.groupby(level=CURVE).cummin().groupby(level=CURVE).shift(1, fill_value=np.inf)
    optimal = best[best < best_at_lower_l0].rename("optimal_hit").reset_index()
    kept = table.merge(optimal, on=[*CURVE, "l0"], how="left")["optimal_hit"].set_axis(table.index, axis=0)
    return kept == table["performance_hit"]


# ---------------------------------------------------------------- reading


def read(
    frame: pd.DataFrame | SupportsArrow | SupportsInterchange,
    *,
    variant: str,
    group: str | Sequence[str],
    l0: str,
    y: str | None,
    baseline: str | None,
) -> Draft:
    """Read a frame as far as it can be read; `hillfront.faults.find_faults` says what is wrong with it.

    Parameters
    ----------
    frame, variant, group, l0, y, baseline
        As in `Frontiers.from_frame`.

    Returns
    -------
    Draft
        The user's cells and the canonical columns that could be made of them.
    """
    cells, conflicting = unique_columns(to_pandas(frame))
    group_columns = tuple(dict.fromkeys((group,) if isinstance(group, str) else group))
    names = [str(name) for name in cells]
    filled = [name for name in names if cells.empty or not is_blank(cells[name]).all()]
    source, scale = find_source(y, filled) or find_source(y, names) or (("loss_recovered",), "loss_recovered")
    taken = RESERVED | {variant, l0, *source}
    clashes = tuple(
        name for name in group_columns if name in taken or (name == "group" and len(group_columns) > 1)
    )
    group_columns = tuple(name for name in group_columns if name not in clashes)
    optional = [name for name in OPTIONAL if name in filled and name not in (variant, l0, *group_columns)]

    wanted = [("variant", variant), *(("group", name) for name in group_columns), ("l0", l0)]
    wanted += [("ce" if scale == "ce" else "y" if y else "any y", name) for name in source]
    used = [name for _, name in wanted] + optional
    numeric = dict.fromkeys([l0, *source, *(name for name in optional if name in OPTIONAL_NUMBERS)])
    numbers = pd.DataFrame(
        {name: to_numbers(cells[name]) for name in numeric if name in cells}, index=cells.index
    )
    labels = {name: to_text(cells[name]) for name in group_columns if name in cells}

    columns: dict[str, pd.Series | str] = {"row": pd.Series(range(len(cells)), dtype="int64")}
    if variant in cells:
        columns["variant"] = to_text(cells[variant])
    columns |= {name: label for name, label in labels.items() if name != "group"}
    if len(labels) == len(group_columns):
        columns["group"] = join_labels(list(labels.values()), cells.index)
    if l0 in numbers:
        columns["l0"] = numbers[l0]
        columns["sparsity"] = 1 / numbers[l0].where(numbers[l0] != 0)
    if set(source) <= set(numbers):
        columns["performance_hit"] = to_hit(numbers[list(source)], scale)
    columns |= {name: numbers[name] if name in numbers else to_text(cells[name]) for name in optional}

    return Draft(
        cells=cells,
        numbers=numbers,
        table=pd.DataFrame(columns, index=cells.index),
        group_columns=group_columns,
        variant=variant,
        l0=l0,
        source=source,
        scale=scale,
        baseline=None if baseline is None else as_text(baseline),
        missing=tuple((argument, name) for argument, name in wanted if name not in cells),
        clashes=clashes,
        conflicting=tuple(name for name in conflicting if name in used),
        n_given=len(cells),
    )


def to_pandas(frame: pd.DataFrame | SupportsArrow | SupportsInterchange) -> pd.DataFrame:
    """Convert a table of another library to pandas."""
    if isinstance(frame, pd.DataFrame):
        return frame
    if isinstance(frame, SupportsArrow) and not isinstance(frame, pd.Series):
        converted: pd.DataFrame = pd.DataFrame.from_arrow(frame)  # type: ignore[attr-defined]  # not in the stubs
        return converted
    if isinstance(frame, SupportsInterchange):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the choice of the user's library
            return pd.api.interchange.from_dataframe(frame)
    raise TypeError(
        f"frame must be a pandas DataFrame or a table with the Arrow PyCapsule interface, not "
        f"{type(frame).__name__}; try pandas.DataFrame(frame)"
    )


def unique_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Keep the first column of each name; name those of which a later one differs."""
    names = pd.Index([str(name) for name in frame.columns])
    cells = frame.reset_index(drop=True).set_axis(names, axis=1)
    repeated = names[names.duplicated()].unique()
    conflicting = [name for name in repeated if not all_equal(cells.loc[:, names == name])]
    return cells.loc[:, ~names.duplicated()], tuple(conflicting)


def all_equal(copies: pd.DataFrame) -> bool:
    """Whether all columns hold the same values, missing ones included."""
    first, *others = (copies.iloc[:, i].astype(object) for i in range(copies.shape[1]))
    return all(((first == other) | (first.isna() & other.isna())).all() for other in others)


def find_source(y: str | None, columns: Sequence[str]) -> tuple[tuple[str, ...], Scale] | None:
    """Find the columns that the hit comes from and what they hold; None if there is no choice."""
    if y is None:
        losses = "ce" if set(LOSSES) & set(columns) else None
        y = next((name for name in ("loss_recovered", "performance_hit") if name in columns), losses)
    if y is None:
        return None
    if y == "ce":
        return LOSSES, "ce"
    return (y,), "performance_hit" if HIT_WORD.search(y) else "loss_recovered"


def to_hit(numbers: pd.DataFrame, scale: Scale) -> pd.Series[float]:
    """Compute the performance hit; NaN where the losses leave nothing to recover."""
    if scale == "ce":
        sae, base, ablated = (numbers[name] for name in LOSSES)
        return (sae - base) / (ablated - base).where(ablated > base)
    values = numbers.iloc[:, 0]
    return values if scale == "performance_hit" else 1 - values


def to_numbers(cells: pd.Series) -> pd.Series[float]:
    """Read cells of any dtype as floats; NaN where there is none."""
    types = pd.api.types
    if types.is_numeric_dtype(cells.dtype) and cells.dtype.kind in "iuf":
        values: NDArray[np.float64] = cells.to_numpy(dtype="float64", na_value=np.nan)
    else:
        values = np.array([as_number(cell) for cell in cells], dtype="float64")
    return pd.Series(values, index=cells.index)


def as_number(cell: object) -> float:
    """Read one cell as a float; NaN for text that is no number, true/false, dates and anything else."""
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, str | Real | Decimal):
        return np.nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return np.nan


def to_text(cells: pd.Series) -> pd.Series[str]:
    """Read cells of any dtype as text; missing where blank."""
    texts = [None if blank else as_text(cell) for cell, blank in zip(cells, is_blank(cells), strict=True)]
    return pd.Series(texts, index=cells.index, dtype="str")


def as_text(cell: object) -> str:
    """Write one cell as text without blanks around it, whole numbers without a point.

    Examples
    --------
    >>> as_text(20.0), as_text(20), as_text(0.5), as_text(" resid ")
    ('20', '20', '0.5', 'resid')
    """
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()


def join_labels(labels: Sequence[pd.Series[str]], index: pd.Index) -> pd.Series[str]:
    """Join the values of the group columns to one label, missing where one of them is."""
    if not labels:
        return pd.Series("all", index=index, dtype="str")
    return labels[0].str.cat(pd.concat(labels[1:], axis=1), sep=SEPARATOR) if len(labels) > 1 else labels[0]


def record_drops(draft: Draft, faults: Sequence[Fault]) -> pd.DataFrame:
    """Record the rows that the faults drop, each once, with its variant, its group and all its faults."""
    drops = [(row, fault.kind, value) for fault in faults for row, value in fault.drops]
    by_row = pd.DataFrame(drops, columns=["row", "fault", "value"]).groupby("row", as_index=False)
    record = by_row.agg("; ".join).astype({"fault": "str", "value": "str"})
    return record.merge(draft.table[["row", *CURVE]], on="row", how="left")[list(DROPPED)]


# ---------------------------------------------------------------- storing


def column_order(group_columns: Sequence[str]) -> list[str]:
    """List every canonical column in its order, found or not."""
    groups = [name for name in group_columns if name != "group"]
    optional = [name for name in OPTIONAL if name not in groups]
    return ["row", "variant", *groups, "group", "l0", "sparsity", "performance_hit", *optional]


def encode(column: pd.Series) -> NDArray[np.generic]:
    """Return numbers as they are and text as fixed-width strings, empty where missing."""
    if column.dtype.kind in "if":
        return column.to_numpy()
    return np.array(column.fillna("").tolist(), dtype=np.str_)


def decode(values: NDArray[np.generic]) -> pd.Series:
    """Undo `encode`."""
    if values.dtype.kind in "if":
        return pd.Series(values)
    return pd.Series([str(value) or None for value in values], dtype="str")

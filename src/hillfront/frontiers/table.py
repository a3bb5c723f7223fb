"""The validated table of sparsity-fidelity points that every fit starts from."""

from __future__ import annotations

import html
import warnings
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

import pandas as pd

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers import netcdf
from hillfront.frontiers.cautions import find_draft_warnings, find_warnings, wrong_direction
from hillfront.frontiers.cells import Table
from hillfront.frontiers.fault import FrontierDataError as FrontierDataError  # where users look for it
from hillfront.frontiers.fault_finders import no_drops, raise_or_drop
from hillfront.frontiers.number_faults import curves_without_positive_y, validate_dense_limit
from hillfront.frontiers.parsing import CURVE, FROM_LOSSES, HIT_LABEL, WORDS, read
from hillfront.frontiers.ranges import pareto_optimal
from hillfront.utils.interface import argument
from hillfront.utils.wording import count, name_rows, shorten

if TYPE_CHECKING:
    import xarray as xr


class FrontierDataWarning(UserWarning):
    """Something that a user should know about a table, though it can be fitted."""


@dataclass(frozen=True, eq=False, repr=False)
class Frontiers:
    """Sparsity-fidelity points of one or more variants, validated and ready to fit.

    Build it with `from_frame`; the constructor itself validates nothing.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per SAE in the user's order. Columns: ``row``, the position in the user's frame (from 0,
        header not counted); ``variant``; the group columns as text; ``setting``, their values joined by ``" /
        "``, or ``all`` if there are none; ``l0``; ``sparsity``, which is 1/L0; ``performance_hit``, or
        ``cost`` in its place; then those found of ``se``, ``se_l0``, ``d_model``, ``n_tokens``, ``n_trained``
        (how many SAEs were trained for a curve that holds only the Pareto-optimal ones), ``seed``, ``label``,
        ``width``, ``ablation``, the losses in nats ``ce_sae``, ``ce_base`` and ``ce_ablated``, and
        their standard errors ``se_ce_sae``, ``se_ce_base`` and ``se_ce_ablated``.
    group_columns : tuple of str
        The columns that make a setting.
    metric : str
        Name of the column that is fitted: ``performance_hit``, or ``cost`` for a cost without upper bound.
    warnings : tuple of str
        What a user should know, though the table can be fitted.
    dropped : pandas.DataFrame
        A record of each faulty row that was dropped: ``row``, ``variant``, ``setting``, ``fault``,
        ``value``.
    metric_label : str
        What is fitted, for axes: ``performance hit``, or the user's name of the cost.
    from_losses : bool
        Whether it was computed from the losses, so that their errors are its errors (see
        `hillfront.frontiers.measurement_error.hit_errors`).
    read_as : mapping of str to str
        What was read as what: the user's column by that of ``table``, or by ``loss_recovered`` and
        ``explained_variance`` where y was computed from these.
    unused : tuple of str
        The user's columns that nothing was read from.

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
      settings (layer): 20
      L0 10 to 96, performance hit 0.02 to 0.2
    """

    table: pd.DataFrame
    group_columns: tuple[str, ...] = ()
    metric: str = "performance_hit"
    warnings: tuple[str, ...] = ()
    dropped: pd.DataFrame = field(default_factory=no_drops)
    metric_label: str = HIT_LABEL
    from_losses: bool = False
    read_as: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    @classmethod
    def from_frame(
        cls,
        frame: Table,
        *,
        variant: Hashable | None = None,
        group: Hashable | Sequence[Hashable] = (),
        l0: Hashable | None = None,
        y: Hashable | None = None,
        cost: Hashable | None = None,
        dense_limit: DenseLimit = None,
        baseline: Hashable | None = None,
        on_fault: Literal["raise", "drop"] = "raise",
    ) -> Self:
        """Read a long-format table with one row per SAE.

        Parameters
        ----------
        frame : pandas.DataFrame or table with the Arrow PyCapsule or the interchange interface
            The table. Levels of the index that have a name are columns too, and the levels of column names
            are joined by slashes. Optional columns are found by their names (see `Frontiers`); one that is
            empty throughout, or holds only such texts as ``n/a``, counts as not there. Blanks around text
            are removed.
        variant : hashable, optional
            Column that holds what is compared. A column that is named counts if it differs in letter case,
            blanks, dashes or underscores alone, and no other does. One that is not named is found by the
            usual names, in any letter case and also as the last part of a name (``arch``, ``SAE type``,
            ``config.architecture``; :mod:`hillfront.frontiers.column_names` lists them). `reading` says what
            was found.
        group : hashable or sequence of hashables, optional
            Columns that make the setting in which variants are compared. The names of number columns (``l0``,
            ``se``, ``d_model`` and so on) cannot be used, and ``setting`` only on its own.
        l0 : hashable, optional
            Column that holds the mean number of active latents per token; found as ``variant`` is.
        y : hashable, optional
            Where the performance hit comes from: ``"loss_recovered"``, ``"performance_hit"`` or ``"ce"``
            (the three losses ``ce_sae``, ``ce_base``, ``ce_ablated``). By default the first of these that
            is there, by any of its usual names. Any other column is taken to hold loss recovered, unless
            ``hit`` is a word of its name (``val_hit``, ``normHit``, but not ``white_recovered``): then it
            holds the hit itself. The name of a cost (``mse``, ``fvu``, ``kl``) is a fault, and so is
            explained variance.
        cost : hashable, optional
            Column with a cost without upper bound that is fitted in place of the performance hit: normalised
            mean squared error, KL divergence or loss difference in nats, say. If there are no such columns,
            ``"fvu"`` is 1 - ``explained_variance``, and ``"loss_difference"`` is ``ce_sae`` - ``ce_base``.
            Not together with ``y``.
        dense_limit : {"d_model"} or float, optional
            The L0 at which nothing is lost, for a fit with this limit: the ``d_model`` of each row, or one
            number. Rows with an L0 that is not below it are faults.
        baseline : hashable, optional
            Variant that others will be compared with; it must be one of the table's, letter case, blanks and
            dashes aside.
        on_fault : {"raise", "drop"}, default "raise"
            What to do with faulty rows. ``"drop"`` drops them and records them in ``dropped``; faults that
            are not about rows raise all the same.

        Returns
        -------
        Frontiers
            The validated table.

        Raises
        ------
        FrontierDataError
            If the table has faults. One message lists all of them.
        ValueError
            If both ``y`` and ``cost`` are given, or an argument has a value that is not allowed.

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
        hillfront.frontiers.fault.FrontierDataError: The table has 2 faults:
        1. L0 not positive (row 0): saw 0; allowed: a finite number above 0. Next step: ...
        """
        if on_fault not in ("raise", "drop"):
            raise ValueError(f"on_fault must be 'raise' or 'drop', not {on_fault!r}")
        if y is not None and cost is not None:
            raise ValueError(
                f"pass y or cost, not both: {argument('y', y)} asks for a performance hit, and "
                f"{argument('cost', cost)} for a cost in its place"
            )
        validate_dense_limit(dense_limit)
        draft = read(
            frame,
            variant=variant,
            group=group,
            l0=l0,
            y=y,
            cost=cost,
            dense_limit=dense_limit,
            baseline=baseline,
        )
        draft, dropped = raise_or_drop(draft, on_fault)
        table = draft.table.reset_index(drop=True)
        from_losses = draft.reading in FROM_LOSSES
        rising = wrong_direction(draft)
        found = find_draft_warnings(draft) + find_warnings(table, rising=rising, from_losses=from_losses)
        for text in found:
            warnings.warn(text, FrontierDataWarning, stacklevel=2)
        return cls(
            table,
            draft.group_columns,
            draft.metric,
            found,
            dropped,
            metric_label=HIT_LABEL if draft.cost is None else draft.cost,
            from_losses=from_losses,
            read_as=dict(draft.read_as),
            unused=draft.unused,
        )

    def pareto_only(self) -> Self:
        """Keep the Pareto-optimal SAEs of each curve.

        A row is kept if no other row of its curve has an L0 and a hit (or a cost) that are both as low or
        lower, one of them strictly. Such a selection understates the scatter and favours variants with more
        runs, so the result says so in ``warnings`` (nothing is issued: it was asked for).

        Returns
        -------
        Frontiers
            The selected rows, with the warnings found again.

        Raises
        ------
        FrontierDataError
            If a curve is left without a positive hit or cost, because a row with 0 or less beats all others.

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
        if faults := tuple(curves_without_positive_y(table)):
            raise FrontierDataError(faults)
        filtered = (
            f"Pareto-filtered by the user: pareto_only() took away {gone} of {len(self.table)} SAEs. Keeping "
            "the best runs understates the scatter and favours variants with more runs."
        )
        found = find_warnings(table, filtered=filtered, from_losses=self.from_losses)
        # What was said of columns that the table has no more stays.
        before = find_warnings(self.table, from_losses=self.from_losses)
        kept = (
            text for text in self.warnings if text not in before and not text.startswith("Pareto-filtered")
        )
        return replace(self, table=table, warnings=(*kept, *found))

    @property
    def y(self) -> pd.Series[float]:
        """Column of the metric, which is fitted."""
        return self.table[self.metric]

    @property
    def bounded(self) -> bool:
        """True if 1 is the worst to be expected: for the performance hit, not for a cost."""
        return self.metric == "performance_hit"

    @property
    def variants(self) -> tuple[str, ...]:
        """Variants in order of first appearance."""
        return tuple(self.table["variant"].unique())

    @property
    def settings(self) -> tuple[str, ...]:
        """Labels of the settings in order of first appearance."""
        return tuple(self.table["setting"].unique())

    @property
    def setting_table(self) -> pd.DataFrame:
        """Group columns, one row per setting, indexed by the setting's label."""
        first = self.table.drop_duplicates("setting")
        return first[list(self.group_columns)].set_axis(pd.Index(first["setting"], name="setting"), axis=0)

    @property
    def n_curves(self) -> int:
        """Number of curves: pairs of variant and setting that are there."""
        return self.table.groupby(CURVE).ngroups

    def curves(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """Yield variant, setting and rows of each curve, in order of first appearance."""
        for (variant, setting), rows in self.table.groupby(CURVE, sort=False):
            yield str(variant), str(setting), rows

    @property
    def data_hash(self) -> str:
        """SHA-256 of the canonical columns, the same in every process."""
        return netcdf.hash_table(self.table)

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
        return netcdf.to_dataset(self)

    @classmethod
    def from_dataset(cls, ds: xr.Dataset) -> Self:
        """Read back the same frontiers from what `to_dataset` returned; no warning is issued again."""
        return cls(**netcdf.from_dataset(ds))

    @property
    def reading(self) -> str:
        """Say what was read from columns of other names, and which columns were not used.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"Arch": "topk", "avg_l0": [10, 20, 40, 80], "run": 1})
        >>> Frontiers.from_frame(frame.assign(**{"CE score": [0.8, 0.9, 0.95, 0.97]})).reading
        "Read variant from 'Arch', L0 from 'avg_l0', loss recovered from 'CE score'. Not used: 'run'."
        """
        told = {role: name for role, name in self.read_as.items() if role != name}
        parts = [f"{WORDS.get(role, role)} from {name!r}" for role, name in told.items()]
        texts = [f"Read {', '.join(parts)}."] if parts else []
        texts += [f"Not used: {shorten(map(repr, self.unused))}."] if self.unused else []
        return " ".join(texts)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return "\n  ".join(self._lines())

    def _repr_html_(self) -> str:
        head, *lines = map(html.escape, self._lines())
        return f"<strong>{head}</strong><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"

    def _lines(self) -> list[str]:
        lines = [
            f"Frontiers: {count(len(self), 'SAE')}, {count(self.n_curves, 'curve')}",
            f"variants: {shorten(self.variants)}",
        ]
        if self.group_columns:
            lines.append(f"settings ({', '.join(self.group_columns)}): {shorten(self.settings)}")
        l0, y = self.table["l0"], self.y
        lines.append(f"L0 {l0.min():g} to {l0.max():g}, {self.metric_label} {y.min():g} to {y.max():g}")
        if self.unused or any(role != name for role, name in self.read_as.items()):
            lines.append(self.reading)
        if "n_trained" in self.table:
            trained = self.table.drop_duplicates(CURVE)["n_trained"]
            unknown = int(trained.isna().sum())
            lines.append(
                f"Pareto-optimal ones of {trained.sum():g} trained SAEs"
                + (f"; not known for {count(unknown, 'curve')}" if unknown else "")
            )
        if len(self.dropped):
            lines.append(f"dropped: {name_rows(list(self.dropped['row'].unique()))}")
        return lines + [f"warning: {text}" for text in self.warnings]

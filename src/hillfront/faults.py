"""Faults that stop a fit before sampling, and warnings that it goes on with.

A fault finder takes a `Draft` (the user's frame as read, not yet trusted) and yields `Fault` objects.
A warning finder takes the canonical table, which is free of faults, and returns one sentence or ``None``.
To add one, write a function and list it in `FAULT_FINDERS` or in `WARNING_FINDERS`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

type Scale = Literal["loss_recovered", "performance_hit", "ce"]

CURVE: Final = ["variant", "group"]
LOSSES: Final = ("ce_sae", "ce_base", "ce_ablated")
MIN_POINTS: Final = 4
PERCENT_ABOVE: Final = 2.0
FOLDED_ABOVE: Final = -0.5
FILTERED_BELOW: Final = 0.05
N_SHOWN: Final = 3


@dataclass(frozen=True)
class Fault:
    """Something in the user's table that must be put right before a fit.

    Parameters
    ----------
    kind : str
        What is wrong, in a few words.
    rows : tuple of int
        Positions of the rows concerned, 0 for the first row below the header. Empty if not about rows.
    seen : str
        The values found, shortened where there are many.
    allowed : str
        What would have been accepted.
    next_step : str
        What to do about it.
    drops : tuple of (int, str), optional
        Row and value of each row that ``on_fault="drop"`` takes out. Empty if dropping rows is no remedy.

    Examples
    --------
    >>> print(Fault("L0 not positive", (3,), "-12.5", "a finite number above 0", "Correct the value."))
    L0 not positive (row 3): saw -12.5; allowed: a finite number above 0. Next step: Correct the value.
    """

    kind: str
    rows: tuple[int, ...]
    seen: str
    allowed: str
    next_step: str
    drops: tuple[tuple[int, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        where = f" ({name_rows(self.rows)})" if self.rows else ""
        return f"{self.kind}{where}: saw {self.seen}; allowed: {self.allowed}. Next step: {self.next_step}"


@dataclass(frozen=True)
class Draft:
    """A user's frame as read, before it is trusted.

    Parameters
    ----------
    cells : pandas.DataFrame
        The user's cells under the user's column names.
    numbers : pandas.DataFrame
        The number columns among them as floats; NaN where a cell is not a number.
    table : pandas.DataFrame
        The canonical columns that could be read.
    group_columns : tuple of str
        The columns that make a group.
    variant, l0 : str
        The user's names of these columns.
    source : tuple of str
        The user's columns that the performance hit comes from.
    scale : {"loss_recovered", "performance_hit", "ce"}
        What these columns hold.
    baseline : str or None
        The variant that others will be compared with, if the user named one.
    missing : tuple of (str, str)
        Argument and column name of each column that was asked for and is not there.
    clashes : tuple of str
        Group columns whose name has another meaning in the canonical table.
    conflicting : tuple of str
        Columns that the frame holds twice, with different values.
    n_given : int
        Number of rows in the user's frame.
    """

    cells: pd.DataFrame
    numbers: pd.DataFrame
    table: pd.DataFrame
    group_columns: tuple[str, ...]
    variant: str
    l0: str
    source: tuple[str, ...]
    scale: Scale
    baseline: str | None
    missing: tuple[tuple[str, str], ...]
    clashes: tuple[str, ...]
    conflicting: tuple[str, ...]
    n_given: int

    def has(self, *columns: str) -> bool:
        """Whether all these canonical columns could be read."""
        return set(columns) <= set(self.table.columns)

    def without(self, rows: Iterable[int]) -> Draft:
        """Return the draft without these rows; the others keep their positions."""
        keep = ~self.table["row"].isin(list(rows)).to_numpy()
        return replace(self, cells=self.cells[keep], numbers=self.numbers[keep], table=self.table[keep])


def find_faults(draft: Draft) -> tuple[Fault, ...]:
    """Find every fault of a draft, in the order of `FAULT_FINDERS`.

    Parameters
    ----------
    draft : Draft
        The table as read.

    Returns
    -------
    tuple of Fault
        Empty if the table can be fitted.
    """
    return tuple(fault for finder in FAULT_FINDERS for fault in finder(draft))


def find_warnings(table: pd.DataFrame, *, filtered: str | None = None) -> tuple[str, ...]:
    """Find what a user should know about a table that can be fitted.

    Parameters
    ----------
    table : pandas.DataFrame
        The canonical table, free of faults.
    filtered : str, optional
        What is known of Pareto filtering. It takes the place of the check that infers it from the data.

    Returns
    -------
    tuple of str
        One sentence or two for each warning, in the order of `WARNING_FINDERS`.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "row": range(4),
    ...         "variant": "gated",
    ...         "group": "all",
    ...         "l0": [10.0, 20.0, 40.0, 80.0],
    ...         "performance_hit": [0.1, 0.05, 0.02, 0.01],
    ...     }
    ... )
    >>> find_warnings(table)
    ()
    >>> find_warnings(table.head(2))
    ("Fewer than 4 points in curve 'gated' (2): the prior and other curves will decide much.",)
    """
    found: list[str | None] = []
    for finder in WARNING_FINDERS:
        known = filtered if finder is looks_filtered else None
        found.append(known or finder(table))
    return tuple(text for text in found if text)


# ---------------------------------------------------------------- words


def shorten(items: Iterable[object]) -> str:
    """Join items with commas, the tail of a long list only counted.

    Examples
    --------
    >>> shorten(range(4)), shorten(range(12))
    ('0, 1, 2, 3', '0, 1, 2 and 9 more')
    """
    texts = [str(item) for item in items]
    if len(texts) <= N_SHOWN + 1:
        return ", ".join(texts)
    return f"{', '.join(texts[:N_SHOWN])} and {len(texts) - N_SHOWN} more"


def name_rows(rows: Sequence[int]) -> str:
    """Name rows by their positions, as in ``rows 3, 8``."""
    return f"row{'s' if len(rows) != 1 else ''} {shorten(rows)}"


def name_curve(variant: str, group: str) -> str:
    """Name a curve by its variant and, where there are groups, its group."""
    return repr(variant) if group == "all" else f"{variant!r} in {group!r}"


def name_curves(curves: Iterable[str]) -> str:
    """Name several curves, as in ``curves 'a', 'b'``."""
    names = list(curves)
    return f"curve{'s' if len(names) != 1 else ''} {shorten(names)}"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name most like `name`, letter case aside.

    Examples
    --------
    >>> nearest("l0", ["L0", "loss_recovered"])
    'L0'
    """
    by_lower = {other.lower(): other for other in reversed(list(names))}
    matches = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def show(value: object) -> str:
    """Show one cell: text in quotes, numbers bare, nothing as ``empty``."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:37]}...") if value.strip() else "empty"
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return "empty"
    return f"{value}"[:40]


# ---------------------------------------------------------------- faults


def at_rows(
    draft: Draft, bad: NDArray[np.bool_], seen: Sequence[str], kind: str, allowed: str, next_step: str
) -> Iterator[Fault]:
    """Yield one fault for the rows marked `bad`, if any; `seen` has an entry for each of them."""
    if not bad.any():
        return
    rows = tuple(int(row) for row in draft.table["row"].to_numpy()[bad])
    yield Fault(kind, rows, shorten(seen), allowed, next_step, tuple(zip(rows, seen, strict=True)))


def shown(draft: Draft, column: str, bad: NDArray[np.bool_]) -> list[str]:
    """Show the user's cells of a column in the rows marked `bad`."""
    return [show(cell) for cell in draft.cells[column][bad]]


def missing_columns(draft: Draft) -> Iterator[Fault]:
    """Find columns that were asked for and are not there; name the nearest match."""
    in_use = {draft.variant, draft.l0, *draft.source, *draft.group_columns}
    free = [str(name) for name in draft.cells if name not in in_use]
    for argument, name in draft.missing:
        near = nearest(name, free)
        seen = f"the nearest column {near!r}" if near else "no column like it"
        if argument == "any y":
            allowed = f"'loss_recovered', 'performance_hit', or {', '.join(map(repr, LOSSES))}"
            step = f"Pass y={near!r} if that holds it." if near else "Add one of these, or pass y=COLUMN."
        elif argument == "ce":
            allowed = f"the three losses {', '.join(map(repr, LOSSES))}"
            step = (
                f"Rename {near!r} to {name!r}." if near else "Add it, or pass y=COLUMN to use another column."
            )
        elif argument == "group":
            allowed = f"a table with the column {name!r}"
            step = (
                f"Name {near!r} in group, or leave {name!r} out."
                if near
                else "Add it, or leave it out of group."
            )
        else:
            allowed = f"a table with the column {name!r}"
            step = f"Pass {argument}={near!r}." if near else f"Add it, or pass {argument}=COLUMN."
        yield Fault(f"missing column {name!r}", (), seen, allowed, step)


def name_clashes(draft: Draft) -> Iterator[Fault]:
    """Find group columns whose name has another meaning in the canonical table."""
    for name in draft.clashes:
        allowed = "a group column that is not the variant, L0, a loss or another number that the model reads"
        if name == "group":
            allowed = "'group' as the only group column, because the label of a group has this name"
        yield Fault(
            "group column not usable", (), repr(name), allowed, f"Rename {name!r} or leave it out of group."
        )


def conflicting_columns(draft: Draft) -> Iterator[Fault]:
    """Find columns in use that the frame holds twice, with different values."""
    for name in draft.conflicting:
        step = f"Keep one of the columns called {name!r} and rename or delete the others."
        yield Fault(
            "column given twice", (), f"{name!r} with different values", "one column of each name", step
        )


def no_rows(draft: Draft) -> Iterator[Fault]:
    """Find a table without rows, as given or because all were dropped."""
    if len(draft.table):
        return
    seen, step = "0 rows", "Check the file and the filters before this call."
    if draft.n_given:
        seen, step = (
            f"0 of {draft.n_given} rows left",
            "Use on_fault='raise' to see why each row was dropped.",
        )
    yield Fault("no rows", (), seen, "one row or more", step)


def empty_labels(draft: Draft) -> Iterator[Fault]:
    """Find rows whose variant or group is missing or blank."""
    for name in dict.fromkeys(("variant", *draft.group_columns)):
        if not draft.has(name):
            continue
        column = draft.variant if name == "variant" else name
        kind = "variant empty" if name == "variant" else f"group column {column!r} empty"
        bad = draft.table[name].isna().to_numpy()
        step = f"Fill in {column!r}, or leave these rows out."
        yield from at_rows(draft, bad, ["empty"] * int(bad.sum()), kind, "a name or a number", step)


def ambiguous_groups(draft: Draft) -> Iterator[Fault]:
    """Find different groups that share a label because their values contain the separator."""
    if len(draft.group_columns) < 2 or not draft.has("group", *draft.group_columns):
        return
    groups = draft.table[[*draft.group_columns, "group"]].drop_duplicates()
    labels = groups.loc[groups["group"].duplicated(), "group"].dropna().unique()
    if len(labels):
        rows = tuple(int(row) for row in draft.table.loc[draft.table["group"].isin(labels), "row"])
        step = "Replace ' / ' in these values by another sign."
        yield Fault(
            "different groups, one label", rows, shorten(map(repr, labels)), "values without ' / '", step
        )


def is_blank(cells: pd.Series) -> NDArray[np.bool_]:
    """Mark the cells that are missing or hold blanks only."""
    missing: NDArray[np.bool_] = cells.isna().to_numpy(dtype=np.bool_)
    if cells.dtype.kind in "biufcmM":
        return missing
    spaces = np.array([isinstance(cell, str) and not cell.strip() for cell in cells], dtype=np.bool_)
    return np.logical_or(missing, spaces)


def is_text(draft: Draft, column: str) -> NDArray[np.bool_]:
    """Mark the cells that hold something, but not a number."""
    no_number = np.isnan(draft.numbers[column].to_numpy(dtype=np.float64))
    text: NDArray[np.bool_] = no_number & ~is_blank(draft.cells[column])
    return text


def text_in_numbers(draft: Draft) -> Iterator[Fault]:
    """Find text, dates and true/false where a number belongs."""
    for column in map(str, draft.numbers):
        bad = is_text(draft, column)
        step = "Write plain numbers: 1024.5, not '1,024.5' or '95%'."
        yield from at_rows(
            draft, bad, shown(draft, column, bad), f"not a number in {column!r}", "numbers", step
        )


def bad_l0(draft: Draft) -> Iterator[Fault]:
    """Find L0 that is not finite or not positive."""
    if not draft.has("l0"):
        return
    l0 = draft.table["l0"].to_numpy()
    bad = ~(np.isfinite(l0) & (l0 > 0)) & ~is_text(draft, draft.l0)
    step = (
        "L0 is the mean number of active latents per token: correct it at the source, or leave the row out."
    )
    yield from at_rows(
        draft, bad, shown(draft, draft.l0, bad), "L0 not positive", "a finite number above 0", step
    )


def bad_hit(draft: Draft) -> Iterator[Fault]:
    """Find values that the performance hit comes from and that are not finite."""
    for column in draft.source:
        if column not in draft.numbers:
            continue
        bad = ~np.isfinite(draft.numbers[column].to_numpy()) & ~is_text(draft, column)
        step = "Evaluate this SAE again, or leave the row out."
        yield from at_rows(
            draft, bad, shown(draft, column, bad), f"{column!r} not finite", "a finite number", step
        )


def bad_extras(draft: Draft) -> Iterator[Fault]:
    """Find standard errors that are negative or not finite, and a d_model that is not positive."""
    for column in ("se", "se_l0", "d_model"):
        if not draft.has(column):
            continue
        values = draft.table[column].to_numpy()
        ok = np.isfinite(values) & (values >= 0)
        allowed = "a finite number, 0 or above"
        if column == "d_model":
            ok, allowed = (
                np.isnan(values) | (np.isfinite(values) & (values > 0)),
                "a finite number above 0, or empty",
            )
        bad = ~ok & ~is_text(draft, column)
        step = f"Correct these cells, or leave the column {column!r} out."
        yield from at_rows(draft, bad, shown(draft, column, bad), f"{column!r} not usable", allowed, step)


def ablated_not_above_base(draft: Draft) -> Iterator[Fault]:
    """Find rows where ablating does not hurt the model, so that loss recovered has no meaning."""
    if not draft.has("ce_base", "ce_ablated"):
        return
    base, ablated = (draft.table[name].to_numpy() for name in ("ce_base", "ce_ablated"))
    bad = np.isfinite(base) & np.isfinite(ablated) & (ablated <= base)
    seen = [f"{a:g} against {b:g}" for a, b in zip(ablated[bad], base[bad], strict=True)]
    step = "Check that the columns are not swapped; without a loss to recover, leave the row out."
    yield from at_rows(draft, bad, seen, "ce_ablated not above ce_base", "ce_ablated > ce_base", step)


def looks_like_percent(draft: Draft) -> Iterator[Fault]:
    """Find a column in percent (median above 2), or a few rows of loss recovered in percent (above 2)."""
    column = draft.source[0] if draft.source else ""
    if draft.scale == "ce" or column not in draft.numbers:
        return
    values = draft.numbers[column].where(np.isfinite(draft.numbers[column]))
    median = float(values.median()) if values.notna().any() else 0.0
    kind, allowed = f"{column!r} looks like percent", "fractions, where 1 is the whole loss"
    if median > PERCENT_ABOVE:
        yield Fault(kind, (), f"a median of {median:g}", allowed, f"Divide {column!r} by 100.")
    elif draft.scale == "loss_recovered":
        bad = (values > PERCENT_ABOVE).to_numpy()
        step = "Divide these values by 100 if the others are fractions already."
        yield from at_rows(draft, bad, shown(draft, column, bad), kind, allowed, step)


def duplicate_rows(draft: Draft) -> Iterator[Fault]:
    """Find rows equal to an earlier row in every column that the user gave."""
    if not draft.cells.shape[1]:
        return
    cells = draft.cells.apply(lambda column: column.map(repr) if column.dtype == object else column)
    copies = cells[cells.duplicated(keep=False)]
    if copies.empty:
        return
    row = draft.table["row"][copies.index]
    first = row.groupby([copies[name] for name in copies], dropna=False, sort=False).transform("min")
    later = (row != first).to_numpy()
    pairs = [(int(copy), int(original)) for copy, original in zip(row[later], first[later], strict=True)]
    drops = tuple((copy, f"same as row {original}") for copy, original in pairs)
    seen = shorten(f"row {copy} repeats row {original}" for copy, original in pairs)
    step = "Keep one of each, or add the column (seed, say) that tells them apart."
    yield Fault("exact duplicate rows", tuple(int(r) for r in row), seen, "each SAE once", step, drops)


def unknown_baseline(draft: Draft) -> Iterator[Fault]:
    """Find a baseline that is not one of the variants; list the variants."""
    if draft.baseline is None or not draft.has("variant"):
        return
    variants = [str(variant) for variant in draft.table["variant"].dropna().unique()]
    if variants and draft.baseline not in variants:
        near = nearest(draft.baseline, variants)
        step = f"Pass baseline={near!r}." if near else "Pass one of these as baseline."
        allowed = "one of the variants " + ", ".join(map(repr, variants))
        yield Fault("unknown baseline", (), repr(draft.baseline), allowed, step)


def no_positive_hit(draft: Draft) -> Iterator[Fault]:
    """Find curves without any positive hit, unless the whole column is in percent."""
    percent = any(not fault.drops for fault in looks_like_percent(draft))
    if draft.has(*CURVE, "performance_hit") and not percent:
        yield from curves_without_hit(draft.table)


def curves_without_hit(table: pd.DataFrame) -> Iterator[Fault]:
    """Find curves where the SAE beats the base model at every point, so that there is nothing to fit."""
    hit = table["performance_hit"].where(np.isfinite(table["performance_hit"]))
    best = hit.groupby([table[name] for name in CURVE], sort=False).transform("max")
    bad = table.assign(best=best)[best <= 0]
    if bad.empty:
        return
    curves = bad.drop_duplicates(CURVE)
    seen = shorten(
        f"curve {name_curve(variant, group)} with a highest hit of {highest:g}"
        for variant, group, highest in zip(curves["variant"], curves["group"], curves["best"], strict=True)
    )
    rows = tuple(int(row) for row in bad["row"])
    drops = tuple(zip(rows, (f"{value:g}" for value in bad["performance_hit"]), strict=True))
    step = (
        "Check the losses, or leave the curve out: its SAEs beat the base model, so there is no hit to fit."
    )
    yield Fault(
        "curve with no positive hit", rows, seen, "a performance hit above 0 in one row or more", step, drops
    )


FAULT_FINDERS: Final[tuple[Callable[[Draft], Iterator[Fault]], ...]] = (
    missing_columns,
    name_clashes,
    conflicting_columns,
    no_rows,
    empty_labels,
    ambiguous_groups,
    text_in_numbers,
    bad_l0,
    bad_hit,
    bad_extras,
    ablated_not_above_base,
    looks_like_percent,
    duplicate_rows,
    unknown_baseline,
    no_positive_hit,
)


# ---------------------------------------------------------------- warnings


def curve_names(table: pd.DataFrame) -> list[str]:
    """Name the curves of a table or of a summary with one row a curve, each once."""
    pairs = table[CURVE].drop_duplicates()
    return [
        name_curve(variant, group) for variant, group in zip(pairs["variant"], pairs["group"], strict=True)
    ]


def hit_outside_unit_interval(table: pd.DataFrame) -> str | None:
    """Warn of a hit of 0 or less, or of 1 or more."""
    bad = table[(table["performance_hit"] <= 0) | (table["performance_hit"] >= 1)]
    if bad.empty:
        return None
    values = shorten(f"{hit:g}" for hit in bad["performance_hit"])
    return (
        f"Performance hit outside (0, 1) in {name_rows(list(bad['row']))} ({values}): at 0 or below "
        "an SAE beats the base model, at 1 or above it is no better than the ablation. All rows are fitted."
    )


def few_points(table: pd.DataFrame) -> str | None:
    """Warn of curves with fewer than 4 points (those with a single L0 have a warning of their own)."""
    by_curve = table.groupby(CURVE, sort=False)["l0"].agg(["size", "nunique"]).reset_index()
    few = by_curve[(by_curve["size"] < MIN_POINTS) & (by_curve["nunique"] > 1)]
    if few.empty:
        return None
    names = name_curves(f"{name} ({n})" for name, n in zip(curve_names(few), few["size"], strict=True))
    return f"Fewer than {MIN_POINTS} points in {names}: the prior and other curves will decide much."


def single_l0(table: pd.DataFrame) -> str | None:
    """Warn of curves with one point or one distinct L0."""
    by_curve = table.groupby(CURVE, sort=False)["l0"].agg(["size", "nunique"]).reset_index()
    single = by_curve[by_curve["nunique"] == 1]
    if single.empty:
        return None
    what = (
        f"one point in {n}" if s == 1 else f"one L0 in {n}"
        for n, s in zip(curve_names(single), single["size"], strict=True)
    )
    return f"Only {shorten(what)}: the slope there comes from the other curves and the prior."


def far_from_monotone(table: pd.DataFrame) -> str | None:
    """Warn of curves of 4 points or more whose hit does not fall with L0.

    The rule is Spearman's rank correlation of hit and L0 above -0.5; a hit that does not change counts as 0.
    Ranks make it blind to units, curvature and a single stray point.
    """
    keys = [table[name] for name in CURVE]
    by_curve = table.groupby(CURVE, sort=False)
    ranks = by_curve[["l0", "performance_hit"]].rank()
    ranks = ranks - ranks.groupby(keys, sort=False).transform("mean")
    products = pd.DataFrame(
        {
            "both": ranks["l0"] * ranks["performance_hit"],
            "l0": ranks["l0"] ** 2,
            "hit": ranks["performance_hit"] ** 2,
        }
    )
    sums = products.groupby(keys, sort=False).sum()
    scale = (sums["l0"] * sums["hit"]) ** 0.5
    rho = (sums["both"] / scale.where(scale > 0)).fillna(0.0)
    folded = rho[(rho > FOLDED_ABOVE) & (by_curve.size() >= MIN_POINTS) & (sums["l0"] > 0)].reset_index(
        name="rho"
    )
    if folded.empty:
        return None
    names = name_curves(
        f"{name} ({r:+.2f})" for name, r in zip(curve_names(folded), folded["rho"], strict=True)
    )
    return (
        f"The hit does not fall as L0 grows in {names} (rank correlation in brackets): the frontier folds "
        "back or is far from monotone. Check for swapped rows and failed runs; no curve will fit it well."
    )


def looks_filtered(table: pd.DataFrame) -> str | None:
    """Warn of data from which dominated SAEs seem to be gone.

    Every curve must be strictly monotone, and that must be improbable for unfiltered runs. In (log L0, log
    hit), the scatter of a curve with 4 points or more is estimated from the distance of each inner point to
    the line through its neighbours, and its steps from its overall slope. The probability that unfiltered
    runs fall at every step of every curve is the product of Phi(step / (scatter sqrt 2)); below 0.05 the
    warning comes. So a sweep with wide steps and little scatter is not suspected, and filtering that took
    little away is not seen.
    """
    points = table.sort_values([*CURVE, "l0", "performance_hit"])
    steps = points.groupby(CURVE)[["l0", "performance_hit"]].diff()
    if ((steps["l0"] <= 0) | (steps["performance_hit"] >= 0)).any():
        return None
    points = points[points["performance_hit"] > 0]
    points = points[points.groupby(CURVE)["l0"].transform("size") >= MIN_POINTS]
    chance = math.exp(log_chance_of_monotone(points))
    if chance >= FILTERED_BELOW:
        return None
    return (
        "The data look Pareto-filtered: the hit falls with L0 at every step of every curve, and with scatter "
        f"as large as theirs that has a probability of {chance:.1g}. Keeping the best runs understates the "
        "scatter and favours variants with more runs: fit all trained SAEs if you have them."
    )


def log_chance_of_monotone(points: pd.DataFrame) -> float:
    """Log probability that curves sorted by L0, each of 3 points or more, are monotone by chance."""
    keys = [points[name] for name in CURVE]
    logs = pd.DataFrame({"x": np.log(points["l0"]), "z": np.log(points["performance_hit"])})
    by_curve = logs.groupby(keys)
    before, after = by_curve.shift(1), by_curve.shift(-1)
    weight = (after["x"] - logs["x"]) / (after["x"] - before["x"])
    error = logs["z"] - weight * before["z"] - (1 - weight) * after["z"]
    variance = (error**2 / (1 + weight**2 + (1 - weight) ** 2)).groupby(keys).transform("mean")
    centred = logs["x"] - by_curve["x"].transform("mean")
    slope = (centred * logs["z"]).groupby(keys).transform("sum") / (centred**2).groupby(keys).transform("sum")
    fall = -slope * (logs["x"] - before["x"])
    smooth = np.maximum(np.sqrt(variance), 1e-12)
    return sum(math.log(0.5 * math.erfc(-ratio / 2)) for ratio in (fall / smooth).dropna())


def l0_reaches_d_model(table: pd.DataFrame) -> str | None:
    """Warn of SAEs with as many active latents as the model has dimensions, or more."""
    if "d_model" not in table:
        return None
    bad = table[table["l0"] >= table["d_model"]]
    if bad.empty:
        return None
    values = shorten(f"{l0:g} >= {d:g}" for l0, d in zip(bad["l0"], bad["d_model"], strict=True))
    return (
        f"L0 reaches d_model in {name_rows(list(bad['row']))} ({values}): such an SAE need not be sparse, "
        "and a fit with dense_limit refuses these rows."
    )


def no_shared_range(table: pd.DataFrame) -> str | None:
    """Warn of pairs of variants whose L0 ranges do not meet in a group."""
    spans = (
        table.groupby(CURVE, sort=False)["l0"].agg(["min", "max"]).reset_index().reset_index(names="curve")
    )
    pairs = spans.merge(spans, on="group", suffixes=("", "_other"))
    pairs = pairs[pairs["curve"] < pairs["curve_other"]]
    apart = pairs[(pairs["min"] > pairs["max_other"]) | (pairs["min_other"] > pairs["max"])]
    if apart.empty:
        return None
    names = shorten(
        f"{a!r} and {b!r}" + ("" if g == "all" else f" in {g!r}")
        for a, b, g in zip(apart["variant"], apart["variant_other"], apart["group"], strict=True)
    )
    return f"No shared L0 range: {names}. Any comparison there is an extrapolation."


def is_group_column(table: pd.DataFrame, column: str) -> bool:
    """Whether this is a group column: only these stand before the label of the group."""
    columns = list(table.columns)
    return column in columns[: columns.index("group")]


def mixed_ablations(table: pd.DataFrame) -> str | None:
    """Warn of more than one kind of ablation, above all inside one group."""
    if "ablation" not in table or table["ablation"].nunique() < 2:
        return None
    kinds = shorten(map(repr, table["ablation"].dropna().unique()))
    n_kinds = table.groupby("group", sort=False)["ablation"].nunique()
    groups = n_kinds.index[n_kinds > 1]
    if groups.empty and is_group_column(table, "ablation"):
        return None
    if groups.empty:
        return f"Mixed ablations across groups ({kinds}): hits of different groups are on different scales."
    where = "" if list(groups) == ["all"] else f" in {shorten(map(repr, groups))}"
    return (
        f"Mixed ablations{where} ({kinds}): hits on different scales cannot be compared. "
        "Make ablation a group column."
    )


def mixed_inside_curve(table: pd.DataFrame, column: str) -> str | None:
    """Warn of curves that join SAEs with different values of a column."""
    if column not in table:
        return None
    values = table.groupby(CURVE, sort=False)[column].nunique()
    mixed = values[values > 1].reset_index()
    if mixed.empty:
        return None
    names = name_curves(f"{name} ({n})" for name, n in zip(curve_names(mixed), mixed[column], strict=True))
    return (
        f"Mixed {column}s inside {names}: one curve is fitted through all of them. "
        f"Make {column} a group column if it matters."
    )


def mixed_seeds(table: pd.DataFrame) -> str | None:
    """Warn of curves that join several seeds."""
    return mixed_inside_curve(table, "seed")


def mixed_widths(table: pd.DataFrame) -> str | None:
    """Warn of curves that join several widths."""
    return mixed_inside_curve(table, "width")


WARNING_FINDERS: Final[tuple[Callable[[pd.DataFrame], str | None], ...]] = (
    hit_outside_unit_interval,
    few_points,
    single_l0,
    far_from_monotone,
    looks_filtered,
    l0_reaches_d_model,
    no_shared_range,
    mixed_ablations,
    mixed_seeds,
    mixed_widths,
)

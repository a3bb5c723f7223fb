"""Warnings of what a user should know about a table that can be fitted.

A finder takes the canonical table, which is free of faults, or the draft that it is from, and returns one
warning or ``None``. To add one, write a function and list it in `WARNING_FINDERS` or `DRAFT_FINDERS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from hillfront.frontiers.conditions import DRAFT_CONDITIONS
from hillfront.frontiers.duplicates import DRAFT_DUPLICATES
from hillfront.frontiers.measurement_error import SHARED_WITHIN, hit_errors, shares_denominator
from hillfront.frontiers.parsing import CURVE, LOSS_ERRORS, SHORT_NAMES, Draft, metric_of
from hillfront.frontiers.ranges import Range
from hillfront.utils.interface import argument, in_python
from hillfront.utils.wording import count, name_curve, name_curves, name_rows, shorten

type TableFinder = Callable[[pd.DataFrame], str | None]

MIN_POINTS: Final = 4
FOLDED_ABOVE: Final = -0.5
FILTERED_BELOW: Final = 0.05
RISES_ABOVE: Final = 0.5
LOGARITHMS_BELOW: Final = 5.0


@in_python()  # kept with the data; hillfront.utils.interface.as_shown writes them for where they are read
def find_warnings(
    table: pd.DataFrame, *, filtered: str | None = None, rising: str | None = None, from_losses: bool = False
) -> tuple[str, ...]:
    """Find what a user should know about a table that can be fitted.

    Parameters
    ----------
    table : pandas.DataFrame
        The canonical table, free of faults.
    filtered : str, optional
        What is known of Pareto filtering. It replaces the warning that infers it from the data.
    rising : str, optional
        What is known of a y that rises with L0. It replaces the warning of curves far from monotone.
    from_losses : bool, default False
        Whether the hit or the cost was computed from the losses, so that errors of the losses are its errors.

    Returns
    -------
    tuple of str
        One sentence or two for each warning, in the order of `WARNING_FINDERS`, errors of the losses last.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "row": range(4),
    ...         "variant": "gated",
    ...         "setting": "all",
    ...         "l0": [10.0, 20.0, 40.0, 80.0],
    ...         "performance_hit": [0.1, 0.05, 0.02, 0.01],
    ...     }
    ... )
    >>> find_warnings(table)
    ()
    >>> find_warnings(table.head(2))
    ("Fewer than 4 points in curve 'gated' (2): the prior and other curves will decide much.",)
    """
    known: dict[TableFinder, str | None] = {looks_filtered: filtered, far_from_monotone: rising}
    found = [known.get(finder) or finder(table) for finder in WARNING_FINDERS]
    found.append(different_denominators(table) if from_losses else unused_loss_errors(table))
    return tuple(text for text in found if text)


def find_draft_warnings(draft: Draft) -> tuple[str, ...]:
    """Find what a user should know of the columns and rows that a table was read from."""
    return tuple(text for finder in DRAFT_FINDERS if (text := finder(draft)) is not None)


def baseline_read(draft: Draft) -> str | None:
    """Say that the baseline is a variant with a name that differs in letter case, blanks or dashes."""
    if draft.baseline == draft.baseline_given:
        return None
    return f"The baseline {draft.baseline_given!r} is read as the variant {draft.baseline!r}."


def text_without_need(draft: Draft) -> str | None:
    """Warn of text in number columns that nothing needs."""
    if not draft.skipped:
        return None
    what = shorten(f"{column!r} ({name_rows(rows)})" for column, rows in draft.skipped.items())
    return f"Text in number columns counts as empty, because nothing needs them here: {what}."


def wrong_direction(draft: Draft) -> str | None:
    """Warn of a y that rises with L0 in most curves, so that its column is likely to hold something else."""
    rho = rank_correlations(draft.table)
    if rho.empty or (rises := int((rho > RISES_ABOVE).sum())) < max(len(rho) / 2, min(2, len(rho))):
        return None
    column = draft.y_columns[0]
    power = argument("curve", "power")
    what, step = {
        "loss_recovered": (
            "loss recovered",
            f"If it is a cost, pass {argument('cost', column)}, with {power} in the fit; if it is a "
            "performance hit, give it a name with the word hit.",
        ),
        "performance_hit": (
            "a performance hit",
            "If it is loss recovered, give it a name without the word hit.",
        ),
        "ce": ("loss with the SAE", "Check that the three losses are not swapped."),
        "loss_difference": ("loss with the SAE", "Check that the two losses are not swapped."),
        "cost": ("a cost", f"If it is loss recovered, pass {argument('y', column)}."),
        "fvu": ("explained variance", "Check what this column holds."),
    }[draft.reading]
    return (
        f"The {SHORT_NAMES[draft.metric]} rises with L0 in {rises} of {count(len(rho), 'curve')}: "
        f"{column!r}, read as {what}, probably runs in the other direction. {step}"
    )


def y_out_of_range(table: pd.DataFrame) -> str | None:
    """Warn of a hit or a cost of 0 or less, and of a hit of 1 or more; a cost has no upper bound."""
    metric = metric_of(table)
    y = table[metric]
    bad = table[(y <= 0) | (y >= (math.inf if metric == "cost" else 1))]
    if bad.empty:
        return None
    where = f"in {name_rows(list(bad['row']))} ({shorten(f'{value:g}' for value in bad[metric])})"
    if metric == "cost":
        return f"Cost of 0 or below {where}: there the SAE seems to lose nothing at all. All rows are fitted."
    return (
        f"Performance hit outside (0, 1) {where}: at 0 or below an SAE beats the base model, at 1 or above "
        "it is no better than the ablation. All rows are fitted."
    )


def with_values(values: pd.Series, spec: str = "") -> str:
    """Name the curves that index `values`, each with its value in brackets."""
    curves = zip(values.index, values, strict=True)
    return name_curves(f"{name_curve(*curve)} ({value:{spec}})" for curve, value in curves)


def in_settings(settings: Iterable[str]) -> str:
    """Name settings, as in `` in 'resid'``; empty where there are no group columns."""
    names = list(settings)
    return "" if names == ["all"] else f" in {shorten(map(repr, names))}"


def points_per_curve(table: pd.DataFrame) -> pd.DataFrame:
    """Count the points (``size``) and the distinct L0 (``nunique``) of each curve, with its ends of L0.

    L0 within a factor of ``NARROW`` are one L0.
    """
    found = table.groupby(CURVE, sort=False)["l0"].agg(["size", "nunique", "min", "max"])
    one = [Range(*ends).narrow for ends in zip(found["min"], found["max"], strict=True)]
    return found.assign(nunique=np.where(one, 1, found["nunique"]))


def few_points(table: pd.DataFrame) -> str | None:
    """Warn of curves with fewer than 4 points (those with a single L0 have a warning of their own)."""
    by_curve = points_per_curve(table)
    few = by_curve.loc[(by_curve["size"] < MIN_POINTS) & (by_curve["nunique"] > 1), "size"]
    if few.empty:
        return None
    return (
        f"Fewer than {MIN_POINTS} points in {with_values(few)}: the prior and other curves will decide much."
    )


def single_l0(table: pd.DataFrame) -> str | None:
    """Warn of curves with one point or one L0, but for jitter."""
    by_curve = points_per_curve(table)
    single = by_curve[by_curve["nunique"] == 1]
    if single.empty:
        return None
    what = shorten(
        f"one {'point' if size == 1 else 'L0'} in {name_curve(*curve)}"
        + (f" ({low:.6g} to {high:.6g})" if high > low else "")
        for curve, size, low, high in zip(
            single.index, single["size"], single["min"], single["max"], strict=True
        )
    )
    return f"Only {what}: the slope there comes from the other curves and the prior."


def far_from_monotone(table: pd.DataFrame) -> str | None:
    """Warn of curves of 4 points or more whose hit or cost does not fall with L0.

    The rule is Spearman's rank correlation of y and L0 above -0.5; a y that does not change counts as 0.
    Ranks make it blind to units, curvature and a single stray point.
    """
    metric = metric_of(table)
    rho = rank_correlations(table)
    folded = rho[rho > FOLDED_ABOVE]
    if folded.empty:
        return None
    return (
        f"The {SHORT_NAMES[metric]} does not fall as L0 grows in {with_values(folded, '+.2f')} (rank "
        "correlation in brackets): the frontier folds back or is far from monotone. Check for swapped rows "
        "and failed runs; no curve will fit it well."
    )


def rank_correlations(table: pd.DataFrame) -> pd.Series:
    """Compute the rank correlation of y and L0 in curves of 4 points or more; 0 if y does not change."""
    metric = metric_of(table)
    matrices = table.groupby(CURVE, sort=False)[["l0", metric]].corr("spearman")
    rho = matrices[metric].xs("l0", level=-1).fillna(0.0)
    by_curve = points_per_curve(table)
    return rho[(by_curve["size"] >= MIN_POINTS) & (by_curve["nunique"] > 1)]


def l0_like_logarithms(table: pd.DataFrame) -> str | None:
    """Warn of an L0 that looks like a logarithm: below 5 throughout, with some spread."""
    l0 = table["l0"]
    small = len(l0) >= MIN_POINTS and l0.max() < LOGARITHMS_BELOW and l0.max() - l0.min() > 0.3
    if not small or (l0 % 1 == 0).all():
        return None
    return (
        f"L0 is {l0.min():g} to {l0.max():g} throughout, fewer latents a token than SAEs usually have. If "
        "the column holds log10 of L0, add one with the count, and read that."
    )


def looks_filtered(table: pd.DataFrame) -> str | None:
    """Warn of data from which dominated SAEs seem to be gone.

    Every curve must be strictly monotone, and that must be improbable for unfiltered runs. In (log L0, log
    y), the scatter of a curve with 4 points or more is estimated from the distance of each inner point to
    the line through its neighbours, and its steps from its overall slope. The probability that unfiltered
    runs fall at every step of every curve is the product of Phi(step / (scatter sqrt 2)); below 0.05 the
    warning comes. So a sweep with wide steps and little scatter is not suspected, and filtering that took
    little away is not seen.
    """
    metric = metric_of(table)
    if "n_trained" in table and table["n_trained"].notna().all():
        return None  # it is known how many, and the fit reckons with them
    points = table.sort_values([*CURVE, "l0", metric])
    steps = points.groupby(CURVE)[["l0", metric]].diff()
    if ((steps["l0"] <= 0) | (steps[metric] >= 0)).any():
        return None
    points = points[points[metric] > 0]
    points = points[points.groupby(CURVE)["l0"].transform("size") >= MIN_POINTS]
    chance = math.exp(log_chance_of_monotone(points))
    if chance >= FILTERED_BELOW:
        return None
    return (
        f"The data look Pareto-filtered: the {SHORT_NAMES[metric]} falls with L0 at every step of every "
        f"curve, and with scatter as large as theirs that has a probability of {chance:.1g}. "
        "Keeping the best runs understates the scatter and favours variants with more runs: "
        "fit all trained SAEs if you have them, or give how many were trained in a column n_trained."
    )


def log_chance_of_monotone(points: pd.DataFrame) -> float:
    """Compute the log probability that curves sorted by L0, of 3 points or more, are monotone by chance."""
    keys = [points[name] for name in CURVE]
    logs = pd.DataFrame({"x": np.log(points["l0"]), "z": np.log(points[metric_of(points)])})
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
    """Warn of pairs of variants that share no range of L0 in a setting, or a narrow one."""
    spans = points_per_curve(table).reset_index().reset_index(names="curve")
    spans["wide"] = spans["nunique"] > 1
    pairs = spans.merge(spans, on="setting", suffixes=("", "_other"))
    pairs = pairs[pairs["curve"] < pairs["curve_other"]]
    low, high = pairs[["min", "min_other"]].max(axis=1), pairs[["max", "max_other"]].min(axis=1)
    # Curves that have a single L0 themselves have a warning of their own.
    narrow = np.array([Range(*ends).narrow for ends in zip(low, high, strict=True)], dtype=bool)
    apart = pairs[(low > high) | (pairs["wide"] & pairs["wide_other"] & narrow)]
    if apart.empty:
        return None
    names = shorten(
        f"{a!r} and {b!r}" + ("" if g == "all" else f" in {g!r}")
        for a, b, g in zip(apart["variant"], apart["variant_other"], apart["setting"], strict=True)
    )
    return f"No shared L0 range: {names}. Any comparison there is an extrapolation."


def mixed_ablations(table: pd.DataFrame) -> str | None:
    """Warn of more than one kind of ablation, above all inside one setting; a cost depends on none."""
    if metric_of(table) == "cost" or "ablation" not in table or table["ablation"].nunique() < 2:
        return None
    kinds = shorten(map(repr, table["ablation"].dropna().unique()))
    n_kinds = table.groupby("setting", sort=False)["ablation"].nunique()
    settings = n_kinds.index[n_kinds > 1]
    if settings.empty:
        columns = list(table)
        if columns.index("ablation") < columns.index("setting"):  # as group columns are, and no others
            return None
        return (
            f"Mixed ablations across settings ({kinds}): hits of different settings are on different scales."
        )
    where = in_settings(settings)
    return (
        f"Mixed ablations{where} ({kinds}): hits on different scales cannot be compared. "
        "Make ablation a group column."
    )


def mixed_inside_curve(table: pd.DataFrame, column: str) -> str | None:
    """Warn of curves that join SAEs with different values of a column."""
    if column not in table:
        return None
    values = table.groupby(CURVE, sort=False)[column].nunique()
    mixed = values[values > 1]
    if mixed.empty:
        return None
    return (
        f"Mixed {column}s inside {with_values(mixed)}: one curve is fitted through all of them. "
        f"Make {column} a group column if it matters."
    )


def different_denominators(table: pd.DataFrame) -> str | None:
    """Warn of settings whose rows do not share the losses by which hits are made, where these have errors."""
    errors = hit_errors(table)
    apart = ~shares_denominator(table) & ((errors["se_base"] > 0) | (errors["se_ablated"] > 0))
    settings = table.loc[apart, "setting"].unique()
    if not len(settings):
        return None
    where = in_settings(settings)
    what = (
        f"Different base losses{where}: ce_base differs by more than {SHARED_WITHIN:.0%} of the largest cost"
        if metric_of(table) == "cost"
        else f"Different denominators{where}: ce_base or ce_ablated differ by more than {SHARED_WITHIN:.0%} "
        "of ce_ablated - ce_base"
    )
    return (
        f"{what}. Their errors are treated as independent from row to row there, not as shared by the "
        "setting. Make what tells the rows apart a group column."
    )


def unused_loss_errors(table: pd.DataFrame) -> str | None:
    """Warn of standard errors of losses where y was not computed from the losses."""
    unused = [name for name in LOSS_ERRORS if name in table]
    if not unused:
        return None
    return (
        f"Not used: {', '.join(unused)}, because the {SHORT_NAMES[metric_of(table)]} was not computed from "
        f"the losses. Pass {argument('y', 'ce')} or {argument('cost', 'loss_difference')} for that, or give "
        "its own error as se."
    )


WARNING_FINDERS: Final[tuple[TableFinder, ...]] = (
    y_out_of_range,
    few_points,
    single_l0,
    far_from_monotone,
    looks_filtered,
    l0_reaches_d_model,
    no_shared_range,
    mixed_ablations,
    partial(mixed_inside_curve, column="seed"),
    l0_like_logarithms,
)
DRAFT_FINDERS: Final[tuple[Callable[[Draft], str | None], ...]] = (
    baseline_read,
    text_without_need,
    *DRAFT_CONDITIONS,
    *DRAFT_DUPLICATES,
)

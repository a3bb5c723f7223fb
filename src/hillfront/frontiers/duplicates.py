"""Rows that hold one SAE more than once: equal rows, copies, rounded copies, and repeated evaluations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from hillfront.frontiers.column_names import columns_for, last_part
from hillfront.frontiers.conditions import condition_of, free_columns, is_evaluation, is_step, texts_of
from hillfront.frontiers.fault import Fault
from hillfront.frontiers.parsing import CURVE, LOSSES, Draft
from hillfront.utils.wording import name_rows, shorten

__all__ = ["DRAFT_DUPLICATES", "duplicate_rows", "same_sae_twice"]

_TRAINING: Final = re.compile(
    r".*seed.*|k|top_?k|.*l1.*|.*(?:coef|coeff|coefficient|penalty|lambda|alpha|beta|bandwidth|temperature)"
    r"|(?:target_|desired_).*|.*_target|.*(?:sparsity|threshold|warmup|decay|batch_size|optimi[sz]er|init).*"
)
_ID: Final = re.compile(
    r"(?:unique_|sae_|hf_|run_|model_)?(?:id|uid|uuid|path|name|label|dir|file|folder|repo|checkpoint_path)"
    r"|sae|run|release|url|link"
)
_METRICS: Final = ("loss_recovered", "performance_hit", "explained_variance", "fvu", *LOSSES)
"""Other measures of an SAE: where one differs, there are two SAEs."""
_MIN_DIGITS: Final = 3
_PRECISE: Final = 4
_MANY: Final = 3
_SAME_L0: Final = 1.5


def duplicate_rows(draft: Draft) -> Iterator[Fault]:
    """Find rows equal to an earlier row in every column that the user gave."""
    if draft.cells.empty:
        return
    cells = draft.cells.apply(lambda column: column.map(repr) if column.dtype == object else column)
    copies = cells[cells.duplicated(keep=False)]
    if copies.empty:
        return
    row = draft.table["row"][copies.index]
    first = row.groupby([copies[name] for name in copies], dropna=False, sort=False).transform("min")
    pairs = [(copy, original) for copy, original in zip(row, first, strict=True) if copy != original]
    drops = tuple((copy, f"same as row {original}") for copy, original in pairs)
    seen = shorten(f"row {copy} repeats row {original}" for copy, original in pairs)
    step = "Keep one of each, or add the column (seed, say) that tells them apart."
    yield Fault("exact duplicate rows", tuple(row.tolist()), seen, "each SAE once", step, drops)


def tells_apart(column: str) -> bool:
    """Return whether a column holds what makes two SAEs two: a seed, a hyperparameter, a condition, a step.

    Examples
    --------
    >>> [tells_apart(name) for name in ("seed", "l1_coefficient", "lr", "k", "step", "run_id", "mse")]
    [True, True, True, True, True, False, False]
    """
    return (
        _TRAINING.fullmatch(last_part(column)) is not None
        or condition_of(column) is not None
        or is_step(column)
        or is_evaluation(column)
    )


def _ties(draft: Draft) -> pd.DataFrame:
    """Find the rows with the variant, setting, L0, y and losses of an earlier row that are no exact copies.

    Columns: ``row``, ``first``, the row that it repeats, and ``apart``, the columns that tell them apart.
    """
    names = [*CURVE, "l0", draft.metric]
    empty = pd.DataFrame({"row": [], "first": [], "apart": []})
    if not draft.has(*names) or draft.table.empty:
        return empty
    free = free_columns(draft)
    found = dict.fromkeys(column for role in _METRICS for column in columns_for(role, free))
    measured = {f"measured {column}": texts_of(draft, column) for column in found}
    table = draft.table[["row", *names]].assign(**measured)
    keys = [*names, *measured]
    table = table[table[names].notna().all(axis=1)]
    table = table[np.isfinite(table[["l0", draft.metric]]).all(axis=1)]
    tied = table[table.duplicated(keys, keep=False)]
    if tied.empty:
        return empty
    cells = draft.cells.loc[tied.index]
    exact = cells.astype(str).duplicated(keep="first")
    tied = tied[~exact]
    first = tied["row"].groupby([tied[name] for name in keys], dropna=False, sort=False).transform("min")
    later = tied.assign(first=first)[tied["row"] != first]
    columns = {name: texts_of(draft, name).fillna("") for name in free if tells_apart(name)}
    apart = [
        tuple(name for name, text in columns.items() if text[row] != text[start])
        for row, start in zip(later["row"], later["first"], strict=True)
    ]
    return pd.DataFrame({"row": later["row"], "first": later["first"], "apart": apart}, index=later.index)


def _by_chance(draft: Draft, ties: pd.DataFrame) -> pd.Series[bool]:
    """Mark ties that different SAEs may have: with an L0 that was set, and a y of few digits.

    Copies repeat row after row. Seeds of a TopK SAE share their L0, and only some of them a rounded y: so, in
    variants where most rows of one L0 also have one y, and there are a few of them, ties are no chance.
    """
    table = draft.table
    y = draft.numbers[draft.y_columns[0]]
    coarse = pd.Series(
        [
            float(l0).is_integer() and _digits(value)[0] < _PRECISE
            for l0, value in zip(table.loc[ties.index, "l0"], y[ties.index], strict=True)
        ],
        index=ties.index,
        dtype=bool,
    )
    later = table.duplicated([*CURVE, "l0"], keep="first")
    repeats = later.groupby(table["variant"]).sum()
    tied = pd.Series(1, index=ties.index).groupby(table.loc[ties.index, "variant"]).sum()
    copied = tied.index[(tied >= _MANY) & (tied >= 0.9 * repeats[tied.index])]
    by_chance: pd.Series[bool] = coarse & ~table.loc[ties.index, "variant"].isin(copied)
    return by_chance


def _pairs(ties: pd.DataFrame) -> str:
    return shorten(
        f"row {row} repeats row {first}" for row, first in zip(ties["row"], ties["first"], strict=True)
    )


def same_sae_twice(draft: Draft) -> Iterator[Fault]:
    """Find rows with the numbers of an earlier row of their curve and nothing that tells them apart."""
    ties = _ties(draft)
    if not ties.empty:
        ties = ties[~_by_chance(draft, ties) & (ties["apart"].map(len) == 0)]
    if ties.empty:
        return
    drops = tuple(
        (int(row), f"same as row {first}") for row, first in zip(ties["row"], ties["first"], strict=True)
    )
    rows = tuple(sorted({*ties["row"].astype(int), *ties["first"].astype(int)}))
    allowed = "each SAE once"
    step = (
        "Variant, setting, L0 and y are the same: keep one of each, or add the column (seed, say) that tells "
        "them apart."
    )
    yield Fault("same SAE in several rows", rows, _pairs(ties), allowed, step, drops)


def equal_numbers(draft: Draft) -> str | None:
    """Warn of rows with equal numbers that a column tells apart, or that may be equal by chance."""
    ties = _ties(draft)
    if ties.empty:
        return None
    chance = _by_chance(draft, ties)
    later = draft.table.duplicated([*CURVE, "l0"], keep="first")
    if chance.all() and len(ties) <= later.sum() / 2:
        return None  # seeds of an L0 that was set, with a rounded y
    columns = dict.fromkeys(name for names in ties["apart"] for name in names)
    differ = (
        f", though {shorten(map(repr, columns))} tell{'s' if len(columns) == 1 else ''} them apart"
        if columns
        else ""
    )
    return (
        f"Same variant, setting, L0 and y{differ}: {_pairs(ties)}. If they are one SAE, keep one row of it: "
        "an SAE in two rows counts twice."
    )


def _digits(value: float) -> tuple[int, int]:
    """Return how many significant digits and how many decimals a number is written with.

    Examples
    --------
    >>> _digits(0.0951), _digits(128.0), _digits(30.25)
    ((3, 4), (3, 0), (4, 2))
    """
    number = Decimal(repr(float(value)))
    if number == number.to_integral_value():
        number = number.to_integral_value()
    _, digits, exponent = number.as_tuple()
    return len(digits), max(0, -int(exponent))


def rounded_copies(draft: Draft) -> str | None:
    """Warn of rows whose L0 and y are those of another row of their curve, rounded to fewer digits.

    Two digits or more must be lost in all, so that zeros at the ends of numbers do not look like it.
    """
    column = draft.y_columns[0]
    apart = [texts_of(draft, name) for name in free_columns(draft) if tells_apart(name)]
    found = []
    for _, curve in draft.table.sort_values("l0", kind="stable").groupby(CURVE, sort=False):
        ys = draft.numbers.loc[curve.index, column]
        values = list(zip(curve["l0"].tolist(), ys.tolist(), curve.index.tolist(), strict=True))
        digits = {i: (_digits(l0), _digits(y)) for l0, y, i in values}
        for position, (l0, y, i) in enumerate(values):
            for other_l0, other_y, j in values[position + 1 :]:
                if other_l0 > l0 * 1.01:
                    break
                fine, coarse = ((l0, y, i), (other_l0, other_y, j))
                if sum(n for _, n in digits[i]) < sum(n for _, n in digits[j]):
                    fine, coarse = coarse, fine
                if _rounds_to(fine, coarse, digits) and all(text[i] == text[j] for text in apart):
                    found.append((coarse[2], fine[2]))
    if not found:
        return None
    pairs = shorten(f"row {coarse} is row {fine} rounded" for coarse, fine in sorted(found))
    return (
        f"Rounded copies: {pairs}, in the same curve. If they are one SAE, keep the row with more digits: "
        "an SAE in two rows counts twice."
    )


type _Point = tuple[float, float, int]


def _rounds_to(
    fine: _Point, coarse: _Point, digits: dict[int, tuple[tuple[int, int], tuple[int, int]]]
) -> bool:
    """Return whether L0 and y of one row, rounded to the decimals of the other, give those of the other."""
    lost = 0
    for value, rounded, (_, many), (significant, few) in zip(
        fine[:2], coarse[:2], digits[fine[2]], digits[coarse[2]], strict=True
    ):
        if many < few or significant < _MIN_DIGITS or abs(round(value, few) - rounded) > 1e-9 * abs(rounded):
            return False
        lost += many - few
    return lost >= 2


def evaluated_twice(draft: Draft) -> str | None:
    """Warn of a label, id or path that stands more than once in a curve, with different numbers.

    It must be that of an SAE: most rows have one of their own, or all rows with the same have about one L0.
    """
    equal = draft.table.duplicated([*CURVE, "l0", draft.metric], keep="first")  # warned of as such
    table = draft.table[~equal]
    for column in free_columns(draft):
        if not _ID.fullmatch(last_part(column)):
            continue
        texts = texts_of(draft, column)[table.index]
        by_label = table.groupby([*(table[name] for name in CURVE), texts], sort=False)
        repeated = [same for _, same in by_label if len(same) > 1]
        n_more = sum(len(same) - 1 for same in repeated)
        if repeated and (n_more <= len(table) / 4 or all(_close(same["l0"]) for same in repeated)):
            where = shorten(f"{name_rows(list(same['row']))} ({texts[same.index[0]]!r})" for same in repeated)
            return (
                f"The same {column!r} more than once in a curve, with different numbers: {where}. If it is "
                "one SAE that was evaluated again, keep one evaluation of it."
            )
    return None


def _close(l0: Iterable[float]) -> bool:
    return all(after <= before * _SAME_L0 for before, after in pairwise(sorted(l0)))


DRAFT_DUPLICATES: Final[tuple[Callable[[Draft], str | None], ...]] = (
    equal_numbers,
    rounded_copies,
    evaluated_twice,
)
"""Finders of warnings about the rows of a draft without faults."""

"""Cautions from columns that are not read: unfinished runs, and conditions that vary inside a curve.

A curve joins the SAEs of one variant in one setting. Conditions, checkpoints and ways of evaluation that
differ inside it are no property of the variant, so a finder of this module names the columns and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from hillfront.frontiers.cells import NA_TEXTS, to_numbers, to_text
from hillfront.frontiers.column_names import SYNONYMS, fold, last_part
from hillfront.frontiers.fault import Fault
from hillfront.frontiers.number_faults import bad_rows
from hillfront.frontiers.parsing import CURVE, RESERVED, Draft
from hillfront.utils.interface import argument
from hillfront.utils.wording import count, name_curve, name_curves, shorten, show

__all__ = ["CONDITIONS", "DRAFT_CONDITIONS", "is_evaluation", "is_step", "unfinished_runs"]

_STATES: Final = frozenset(("state", "status", "run_state", "run_status", "job_state", "job_status"))
_ENDED: Final = frozenset(("finished", "completed", "complete", "done", "is_finished", "is_done", "success"))
_UNFINISHED: Final = frozenset(
    (
        *("crashed", "crash", "failed", "fail", "failure", "running", "killed", "preempted", "preempting"),
        *("pending", "queued", "aborted", "cancelled", "canceled", "interrupted", "stopped", "timeout"),
        *("error", "diverged", "unfinished", "incomplete", "in_progress", "started", "oom"),
    )
)
_NO: Final = frozenset(("false", "no", "0", "n", "f"))

CONDITIONS: Final = (
    *(role for role in ("layer", "site", "width", "model", "d_model")),
    *("hook", "dataset", "expansion_factor", "learning_rate"),
)
"""Conditions in which SAEs are trained, those first that a user is most likely to have meant as a group."""

_CONDITION_NAMES: Final = {
    "hook": r"hook(?!.*eval).*|submodule|component",
    "model": r"(?:language_|base_|target_)?(?:model|lm|llm)(?:_name|_size|_family)?",
    "dataset": r"(?:train(?:ing)?_)?(?:dataset|data|corpus)(?:_name|_path|_id)?",
    "expansion_factor": r"expansion(?:_factor|_ratio)?|exp_factor",
    "learning_rate": r"lr|learning_rate",
}
_STEP: Final = re.compile(
    r"(?:n_|num_|global_|train(?:ing|ed)?_|current_|total_)*(?:steps?|iter(?:ation)?s?|epochs?|checkpoint|ckpt)"
    r"|(?:checkpoint|ckpt)_(?:step|idx|index|number|num)"
    r"|(?:n_|num_|total_)?(?:train(?:ing|ed)?_(?:tokens|samples|examples|batches)|tokens_(?:seen|trained))"
    r"|tokens|tokens_(?:m|b|in_millions)|n_tokens_(?:seen|trained)"
)
_EVALUATION: Final = re.compile(
    r"(?:eval(?:uation)?_)?(?:context_(?:size|len|length)|ctx(?:_len|_length|_size)?|seq(?:uence)?_len(?:gth)?)"
    r"|(?:n_|num_)?(?:eval(?:uation)?_)?(?:n_|num_)?batches|n_eval\w*_batches|(?:n_|num_)?eval\w*_batch_size"
    r"|eval(?:uation)?_(?:dataset|data|split|corpus)(?:_name|_path)?|split"
    r"|(?:(?:eval(?:uation)?|sae_?bench|sae_?lens|code|library)_)?(?:version|commit(?:_hash)?)"
)
_STEP_IN_LABEL: Final = re.compile(
    r"(?:^|[^a-z])(?:(?:training_)?steps?|checkpoint|ckpt|epoch|iter(?:ation)?)[_=\- ]?(\d+)(?!\d)",
    re.IGNORECASE,
)
_ANY_CHANGE: Final = 1.1
_MORE_TOKENS: Final = 2.0


def is_step(column: str) -> bool:
    """Return whether a column tells how far a training has come, by its name."""
    return _STEP.fullmatch(last_part(column)) is not None


def is_evaluation(column: str) -> bool:
    """Return whether a column tells how SAEs were evaluated, by its name."""
    return _EVALUATION.fullmatch(last_part(column)) is not None


def condition_of(column: str) -> str | None:
    """Return the condition that a column holds by its name, if any.

    Examples
    --------
    >>> condition_of("cfg.hook_layer"), condition_of("Hook_Name"), condition_of("LR"), condition_of("k")
    ('layer', 'site', 'learning_rate', None)
    """
    name = last_part(column)
    for condition in CONDITIONS:
        if name in SYNONYMS.get(condition, ()) or re.fullmatch(_CONDITION_NAMES.get(condition, "$"), name):
            return condition
    return None


def unfinished_runs(draft: Draft) -> Iterator[Fault]:
    """Find rows that a column calls crashed, running, or otherwise not finished."""
    used = set(draft.read_as.values())
    known = np.zeros(len(draft.cells), dtype=bool)
    for column in map(str, draft.cells):
        name = last_part(column)
        if column in used or name not in _STATES | _ENDED:
            continue
        texts = to_text(draft.cells[column]).str.lower().str.replace(r"[\s-]+", "_", regex=True)
        words = _UNFINISHED | _NO if name in _ENDED else _UNFINISHED
        bad = texts.isin(words).to_numpy(dtype=bool) & ~known
        known |= bad
        seen = (f"{show(cell)} in {column!r}" for cell in draft.cells.loc[bad, column])
        step = "Leave out runs that did not finish: they are not trained SAEs."
        yield from bad_rows(draft.table, bad, seen, "run not finished", "finished runs", step)


def curves_with_several(draft: Draft, values: pd.Series) -> pd.Series:
    """Count the values of each curve that has more than one; empty cells do not count."""
    number = values.groupby([draft.table[name] for name in CURVE], sort=False).nunique()
    return number[number > 1]


def texts_of(draft: Draft, column: str) -> pd.Series:
    """Return the cells of a column as text, those that hold nothing missing."""
    texts = to_text(draft.cells[column])
    return texts.where(~texts.str.lower().isin(NA_TEXTS))


def ratios_in_curves(draft: Draft, column: str) -> pd.Series:
    """Return the largest value of each curve by its smallest; infinite for what is no positive number."""
    numbers = to_numbers(draft.cells[column])
    texts = texts_of(draft, column)
    if numbers.isna().to_numpy()[texts.notna().to_numpy()].any() or (numbers <= 0).any():
        return curves_with_several(draft, texts) * np.inf
    by_curve = numbers.groupby([draft.table[name] for name in CURVE], sort=False)
    return (by_curve.max() / by_curve.min()).dropna()


def free_columns(draft: Draft) -> list[str]:
    """Return the user's columns that neither name variant or setting nor hold what is fitted."""
    taken = {draft.variant, draft.l0, *draft.y_columns, *map(draft.own, draft.group_columns)}
    return [str(column) for column in draft.cells if column not in taken]


def in_curves(curves: Iterable[tuple[str, str]]) -> str:
    """Name curves, as in ``curves 'a' in '3', 'b' in '3'``."""
    return name_curves(name_curve(*curve) for curve in curves)


def to_group(draft: Draft, columns: Sequence[str]) -> str:
    """Say that these columns belong to the group as well, or what else to do where they cannot."""
    usable = [name for name in columns if name not in RESERVED]
    return f"add {argument('group', *draft.group_columns, *usable)}" if usable else "keep those of one kind"


def conditions_inside_curves(draft: Draft) -> str | None:
    """Warn of curves that join SAEs of different conditions, such as several layers."""
    found: dict[str, tuple[str, pd.Series]] = {}
    for column in free_columns(draft):
        condition = condition_of(column)
        if condition is None or (condition == "learning_rate" and not rate_matters(draft, column)):
            continue
        curves = curves_with_several(draft, texts_of(draft, column))
        if not curves.empty:
            found[column] = (condition, curves)
    if not found:
        return None
    ordered = sorted(found, key=lambda column: CONDITIONS.index(found[column][0]))
    where = dict.fromkeys(curve for column in found for curve in found[column][1].index)
    chosen: list[str] = []
    for column in ordered:  # those only that still vary where the earlier ones do not
        keys = [*(draft.table[name] for name in CURVE), *(texts_of(draft, name) for name in chosen)]
        per_curve = texts_of(draft, column).groupby(keys, dropna=False).nunique()
        if per_curve.max() > 1:
            chosen.append(column)
    names = shorten(f"{column!r} ({count(int(found[column][1].max()), 'value')})" for column in ordered)
    vary = "vary" if len(ordered) > 1 else "varies"
    return (
        f"{names} {vary} inside {in_curves(where)}: one curve is fitted through SAEs of different "
        "conditions. "
        f"To compare variants under the same conditions, {to_group(draft, chosen)}."
    )


def rate_matters(draft: Draft, column: str) -> bool:
    """Return whether SAEs of different learning rates lie on different curves, as far as can be told.

    Rates are tuned along a frontier, and that alone is no condition. They are judged by the scatter of log y
    about a line in log L0: if a level for each rate takes more than half of the variance away, they matter.
    """
    rates = texts_of(draft, column)
    curves = curves_with_several(draft, rates)
    left, used = np.zeros(2), np.zeros(2)
    for variant, setting in curves.index:
        rows = (draft.table["variant"] == variant) & (draft.table["setting"] == setting)
        rows &= rates.notna() & (draft.table[draft.metric] > 0)
        y, x = (np.log(draft.table.loc[rows, name].to_numpy()) for name in (draft.metric, "l0"))
        levels = pd.get_dummies(rates[rows]).to_numpy(dtype=float)
        if len(y) <= levels.shape[1] + 1:
            continue
        for i, design in enumerate((np.column_stack([np.ones_like(x), x]), np.column_stack([levels, x]))):
            solution = np.linalg.lstsq(design, y)[0]
            left[i] += np.sum((y - design @ solution) ** 2)
            used[i] += len(y) - design.shape[1]
    if used[1] == 0:
        # With a rate for each SAE there is nothing to group by.
        sizes = draft.table.groupby(CURVE, sort=False).size()
        return bool((curves < sizes.reindex(curves.index)).any())
    return bool(left[1] / used[1] < 0.5 * left[0] / used[0])


def checkpoints_inside_curves(draft: Draft) -> str | None:
    """Warn of curves that join checkpoints of one training, by a column or by the ends of labels."""
    for column in filter(is_step, free_columns(draft)):
        ratios = ratios_in_curves(draft, column)
        curves = ratios[ratios > _ANY_CHANGE]
        if not curves.empty:
            return (
                f"{column!r} varies inside {in_curves(curves.index)}: checkpoints of one training are not "
                f"separate SAEs of one frontier. Keep the last of each, or {to_group(draft, [column])}."
            )
    for column in free_columns(draft):
        texts = texts_of(draft, column)
        steps = texts.str.extract(_STEP_IN_LABEL, expand=False)
        if steps.isna().all():
            continue
        # Among labels with a step, one without is that of the end.
        curves = curves_with_several(draft, steps.where(steps.notna() | texts.isna(), "end"))
        if not curves.empty:
            example = texts[steps.notna()].iloc[0]
            return (
                f"{column!r} names several training steps ({example!r}, say) inside "
                f"{in_curves(curves.index)}: checkpoints of one training are not separate SAEs of one "
                f"frontier. Keep the last of each, or put the step into a column and "
                f"{to_group(draft, ['step'])}."
            )
    return None


def evaluations_inside_curves(draft: Draft) -> str | None:
    """Warn of curves that join SAEs that were evaluated in different ways."""
    found: dict[str, pd.Series] = {}
    for column in free_columns(draft):
        if column == draft.own("n_tokens") and draft.has("n_tokens"):
            ratios = ratios_in_curves(draft, column)
            curves = ratios[ratios > _MORE_TOKENS]
        elif is_evaluation(column):
            curves = curves_with_several(draft, texts_of(draft, column))
        else:
            continue
        if not curves.empty:
            found[column] = curves
    if not found:
        return None
    where = dict.fromkeys(curve for own in found.values() for curve in own.index)
    return (
        f"Evaluated in different ways ({shorten(map(repr, found))}) inside {in_curves(where)}: what differs "
        "there is not the SAEs alone. Evaluate all of them alike, or "
        f"{to_group(draft, list(found))}."
    )


def names_alike(draft: Draft) -> str | None:
    """Warn of variants, or values of a group column, that differ in letter case, blanks or dashes alone."""
    found = []
    for column in ("variant", *draft.group_columns):
        by_fold: dict[str, list[str]] = {}
        for name in draft.table[column].dropna().unique():
            by_fold.setdefault(fold(name) or name, []).append(name)
        found += [names for names in by_fold.values() if len(names) > 1]
    if not found:
        return None
    pairs = shorten(" and ".join(map(repr, names)) for names in found)
    return (
        f"Taken for different, though they differ in letter case or dashes alone: {pairs}. Write them alike."
    )


DRAFT_CONDITIONS: Final[tuple[Callable[[Draft], str | None], ...]] = (
    names_alike,
    conditions_inside_curves,
    checkpoints_inside_curves,
    evaluations_inside_curves,
)
"""Finders of warnings about the columns of a draft without faults."""

"""Weights & Biases: the CSV export of a table of runs, one row per run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from hillfront.readers.tables import FileTable, read_csv
from hillfront.utils.wording import nearest

__all__ = ["wandb_table"]

# What the last part of a column's name may be, by what it holds: "metrics/l0" and "eval.sparsity.l0" are l0.
_NAMES: Final = {
    "l0": ("l0", "mean_l0", "l0_mean"),
    "variant": ("variant", "architecture", "arch", "sae_type"),
    "ce_sae": ("ce_sae", "ce_loss_with_sae"),
    "ce_base": ("ce_base", "ce_loss_without_sae"),
    "ce_ablated": ("ce_ablated", "ce_loss_with_ablation"),
    "loss_recovered": (
        *("loss_recovered", "ce_loss_score", "ce_score", "frac_recovered", "fraction_recovered"),
        "frac_loss_recovered",
    ),
    "performance_hit": ("performance_hit",),
    "model": ("model", "model_name"),
    "site": ("site", "hook_name", "hook_point"),
    "layer": ("layer", "hook_layer"),
    "width": ("width", "d_sae", "dict_size"),
    "d_model": ("d_model", "d_in", "activation_dim"),
    "seed": ("seed",),
    "label": ("name",),
}
_LOSSES: Final = ("ce_sae", "ce_base", "ce_ablated")
_GROUP: Final = ("model", "site", "layer", "width")
_OPTIONS: Final = {"l0": "--l0", "variant": "--variant", "loss_recovered": "--y", "performance_hit": "--y"}
_PARTS: Final = re.compile(r"[/.]")


def wandb_table(
    path: Path,
    *,
    variant: str | None = None,
    group: Sequence[str] | None = None,
    l0: str | None = None,
    y: str | None = None,
    cost: str | None = None,
) -> FileTable:
    """Read a table of runs, its columns found by the usual names unless the user names them.

    A name counts if it is the last part of a column's, between slashes and dots, in any letter case. The
    group is made of those found of model, site, layer and width.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file; if it is the export of a chart; if a column that is needed cannot be found,
        with the nearest; or if there is more than one, with all of them.
    """
    frame = read_csv(path)
    _refuse_chart(path, frame)
    columns = [str(name) for name in frame.columns]
    found = {role: _candidates(role, columns) for role in _NAMES}
    wanted = [] if variant else ["variant"]
    wanted += [] if l0 else ["l0"]
    reading = None
    if y is None and cost is None:
        reading = _hit_of(found)
        wanted += [*_LOSSES] if reading == "ce" else [reading or "loss_recovered"]
    # One column of each of these is needed; of the others it would be nice to have.
    problems = [text for role in wanted if (text := _problem(role, found[role], columns))]
    loose = [
        role
        for role in (*_GROUP, "d_model", "seed")
        if len(found[role]) > 1 and not (group and role in _GROUP)
    ]
    problems += [_ambiguous(role, found[role]) for role in loose if role not in found[role]]
    if problems:
        raise ValueError("\n".join([f"{path} does not fit as a table of runs:", *problems]))
    roles = [*wanted, *(role for role in ("d_model", "seed", "label") if len(found[role]) == 1)]
    roles += [role for role in (*_GROUP, "d_model", "seed") if found[role] and role not in roles]
    taken = {variant, l0, y, cost, *(group or ())}
    renamed = {}
    for role in roles:
        column = role if role in found[role] else found[role][0]
        # A column that the user names keeps its name, and so does one that would take another's.
        if column not in taken and (role == column or role not in columns):
            renamed[column] = role
    columns = [role for role in _GROUP if role in renamed.values()] if not group else list(group)
    return FileTable(
        frame.rename(columns=renamed), variant or "variant", tuple(columns), l0 or "l0", y or reading
    )


def _last(column: str) -> str:
    return _PARTS.split(column)[-1].strip().lower()


def _candidates(role: str, columns: Sequence[str]) -> list[str]:
    return [name for name in columns if _last(name) in _NAMES[role]]


def _hit_of(found: dict[str, list[str]]) -> str | None:
    """Find what the hit comes from: all three losses, or else the first of the two numbers that is there."""
    if all(found[name] for name in _LOSSES):
        return "ce"
    return next((name for name in ("loss_recovered", "performance_hit") if found[name]), None)


def _problem(role: str, candidates: list[str], columns: Sequence[str]) -> str | None:
    if len(candidates) == 1 or role in candidates:
        return None
    if candidates:
        return _ambiguous(role, candidates)
    lasts = {_last(name): name for name in reversed(columns)}
    holding = [column for last, column in lasts.items() if any(name in last for name in _NAMES[role])]
    alike = [lasts[n] for other in _NAMES[role] if (n := nearest(other, lasts)) is not None]
    near = dict.fromkeys([*holding, *alike])
    option = f", or name the column by {_OPTIONS[role]}" if role in _OPTIONS else ""
    seen = f"the nearest are {', '.join(map(repr, near))}" if near else "no column is like it"
    ends = " or ".join(_NAMES[role])
    return f"- no column for {role}: expected one that ends in {ends}; {seen}. Add it{option}."


def _ambiguous(role: str, candidates: Sequence[str]) -> str:
    step = f"Name one by {_OPTIONS[role]}" if role in _OPTIONS else "Delete or rename all but one"
    if role in _GROUP:
        step = "Name the columns of the setting by --group"
    return f"- more than one column for {role}: {', '.join(map(repr, candidates))}. {step}."


def _refuse_chart(path: Path, frame: pd.DataFrame) -> None:
    """Refuse the export of a chart, which has a column a run and a row a step."""
    if any(str(name).endswith(("__MIN", "__MAX")) for name in frame.columns):
        raise ValueError(
            f"{path} is the export of a chart, with one column a run. Export the table of runs, with one "
            "row a run: in the project's Table view, Export as CSV."
        )

"""Weights & Biases: the CSV export of a table of runs, each of one SAE or of several trainers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.frontiers.cells import unique_columns
from hillfront.frontiers.column_names import SYNONYMS, columns_for, last_part
from hillfront.readers.dictionary_learning import class_name
from hillfront.readers.evaluations import l0_of_topk, layer_in
from hillfront.readers.separated import read_csv
from hillfront.readers.tables import FileTable
from hillfront.utils.interface import alternatives, argument
from hillfront.utils.wording import nearest, shorten

__all__ = ["wandb_table"]

_LOSSES: Final = ("ce_sae", "ce_base", "ce_ablated")
_HITS: Final = ("loss_recovered", "performance_hit")
_GROUP: Final = ("model", "site", "layer", "width")
_OPTIONS: Final = {"l0": "l0", "variant": "variant", "loss_recovered": "y", "performance_hit": "y"}
_CLASSES: Final = ("trainer_class", "trainer", "dict_class", "wandb_name", "trainer_name")
# "TopK-0/l0" and "TopK-0.dict_size": the trainer, and what it logged or was configured by.
_TRAINER: Final = re.compile(r"(?P<trainer>.+-\d+)[/.](?P<rest>.+)")
_SEPARATOR: Final = re.compile(r"[/.]")


def wandb_table(
    path: Path,
    *,
    variant: str | None = None,
    group: Sequence[str] | None = None,
    l0: str | None = None,
    y: str | None = None,
    cost: str | None = None,
) -> FileTable:
    """Read a table of runs, its columns found by the names of `column_names` unless the user names them.

    Runs with several trainers, whose columns begin with ``NAME-0/`` or ``NAME-0.``, give a row a trainer. The
    group is made of those found of model, site, layer and width. Of several columns for the L0, that of the
    evaluation which the hit comes from is taken.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file; if it is the export of a chart; if a column that is needed cannot be found,
        with the nearest; or if there is more than one, with all of them.
    """
    read, notes = read_csv(path)
    _refuse_chart(path, read)
    read, conflicting = unique_columns(read)
    if conflicting:
        raise ValueError(
            f"{path}: the column {conflicting[0]!r} stands twice in its header, with other values. Delete or "
            "rename one."
        )
    frame, origin = _by_trainer(path, read)
    found = {role: _candidates(role, frame) for role in SYNONYMS}
    given = {"variant": variant, "l0": l0, **dict.fromkeys(_GROUP, ", ".join(group or ()) or None)}
    wanted = [role for role in ("variant", "l0") if not given[role]]
    chosen = {role: names[0] for role, names in found.items() if len(names) == 1}
    reading = None
    if y is None and cost is None:
        reading, evaluation = _hit_of(found)
        chosen |= evaluation
        wanted += [*_LOSSES] if reading == "ce" else [reading or "loss_recovered"]
    if not l0 and len(found["l0"]) > 1:
        beside = y or cost or chosen.get("ce_sae" if reading == "ce" else reading or "")
        if beside and (own := _of_evaluation(found["l0"], beside)):
            others = shorten(repr(name) for name in found["l0"] if name != own)
            chosen["l0"] = own
            notes = (*notes, f"L0 was read from {own!r}, of the same evaluation as {beside!r}, not {others}.")
    # One column of each of these is needed; of the others it would be nice to have.
    columns = [str(name) for name in frame.columns]
    problems = [_problem(role, found[role], columns) for role in wanted if role not in chosen]
    problems += [_ambiguous(role, found[role]) for role in _GROUP if len(found[role]) > 1 and not given[role]]
    if problems:
        raise ValueError("\n".join([f"{path} does not fit as a table of runs:", *problems]))
    taken = {variant, l0, y, cost, *(group or ())}
    renamed = {
        chosen[role]: role
        for role in (*wanted, *_GROUP, "d_model", "seed", "label")
        # A column that the user names keeps its name, and so does one that would take another's.
        if role in chosen and chosen[role] not in taken and (role == chosen[role] or role not in columns)
    }
    frame = frame.rename(columns=renamed)
    if not variant and last_part(chosen["variant"]) in _CLASSES:
        frame["variant"] = frame["variant"].map(class_name, na_action="ignore")
    if not l0 and len(of_k := [name for name in frame.columns if last_part(name) == "k"]) == 1:
        labels = frame["label"] if "label" in frame else frame.index.to_series().map("row {}".format)
        taken_l0, said = l0_of_topk(frame["l0"], frame[of_k[0]], frame[variant or "variant"], labels)
        frame, notes = frame.assign(l0=taken_l0), (*notes, *said)
    if not group and "site" in renamed.values() and "layer" not in frame:
        layers = frame["site"].map(lambda hook: layer_in(str(hook)))
        frame = frame.assign(layer=layers) if layers.notna().all() else frame
    settings = tuple(group or (role for role in _GROUP if role in frame and frame[role].notna().any()))
    return FileTable(
        frame,
        variant or "variant",
        settings,
        l0 or "l0",
        y or reading,
        origin,
        {role: column for column, role in renamed.items()},
        notes,
    )


def _by_trainer(path: Path, runs: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Give a row to each trainer of each run, with what the run's other columns say, and name its origin.

    A run without any value of a trainer keeps a row. A table of runs without trainers stays as it is.
    """
    trainers: dict[str, dict[str, list[str]]] = {}
    for name in map(str, runs.columns):
        if (match := _TRAINER.fullmatch(name)) is not None:
            trainers.setdefault(match["trainer"], {}).setdefault(match["rest"], []).append(name)
    roles = ("l0", *_HITS, *_LOSSES)
    trainers = {
        trainer: rests
        for trainer, rests in trainers.items()
        if any(columns_for(role, rests) for role in roles)
    }
    if not trainers:
        return runs, ()
    own = {name for rests in trainers.values() for names in rests.values() for name in names}
    rows: list[dict[str, Any]] = []
    origin = []
    for run in runs.to_dict("records"):
        shared = {str(name): value for name, value in run.items() if name not in own}
        name = str(shared.get("Name", f"row {len(rows)}"))
        filled = {}
        for trainer, rests in trainers.items():
            cells = {rest: [run[column] for column in names] for rest, names in rests.items()}
            values = {
                rest: next((v for v in several if pd.notna(v)), None) for rest, several in cells.items()
            }
            if any(value is not None for value in values.values()):
                filled[trainer] = values
        for trainer, values in (filled or {"": {}}).items():
            names = (
                {"label": f"{name}/{trainer}", "trainer_name": trainer.rpartition("-")[0]} if trainer else {}
            )
            rows.append({**shared, **values, **(names or {"label": name})})
            origin.append(f"run {name!r}, trainer {trainer!r}" if trainer else f"run {name!r}")
    return pd.DataFrame(rows), tuple(f"{path}, {text}" for text in origin)


def _candidates(role: str, frame: pd.DataFrame) -> list[str]:
    """Find the columns that may hold something; of those with the same values, the first."""
    filled = [str(name) for name in frame.columns if frame[name].notna().any()]
    found = columns_for(role, filled) or columns_for(role, map(str, frame.columns))
    if role == "variant" and (not found or last_part(found[0]) in _CLASSES):
        # Several trainers may train one class of dictionary, so that the trainer tells more.
        of_class = ([name for name in filled if last_part(name) == one] for one in _CLASSES)
        found = next((names for names in of_class if names), found)
    return found[:1] if all(frame[name].equals(frame[found[0]]) for name in found) else found


def _parent(column: str) -> str:
    """Return a column's name without its last part."""
    return column[: len(column) - len(_SEPARATOR.split(column)[-1])]


def _hit_of(found: Mapping[str, list[str]]) -> tuple[str | None, dict[str, str]]:
    """Find what the hit comes from: three losses of one evaluation, or else the first number there is."""
    parents = [{_parent(name): name for name in found[role]} for role in _LOSSES]
    shared = [parent for parent in parents[0] if all(parent in others for others in parents)]
    if len(shared) == 1:
        losses = {role: names[shared[0]] for role, names in zip(_LOSSES, parents, strict=True)}
        return "ce", losses
    if all(len(found[role]) == 1 for role in _LOSSES):
        return "ce", {}
    return next((name for name in _HITS if found[name]), None), {}


def _of_evaluation(candidates: Sequence[str], beside: str) -> str | None:
    """Choose the L0 that stands beside the hit, or in the group of the same evaluation by SAELens."""
    parent = _parent(beside)
    places = {parent, parent.replace("model_performance_preservation", "sparsity")}
    found = [name for name in candidates if _parent(name) in places]
    return found[0] if len(found) == 1 else None


def _problem(role: str, candidates: list[str], columns: Sequence[str]) -> str:
    if candidates:
        return _ambiguous(role, candidates)
    lasts = {last_part(name): name for name in reversed(columns)}
    names = SYNONYMS[role]
    holding = [column for last, column in lasts.items() if any(name in last for name in names[:4])]
    alike = [lasts[n] for other in names if (n := nearest(other, lasts)) is not None]
    near = list(dict.fromkeys([*holding, *alike]))[:3]
    option = _OPTIONS.get(role)
    step = "Add it"
    if option is not None:
        step += f", or pass {alternatives(option, near)}" if near else f", or name it by {argument(option)}"
    seen = f"the nearest are {', '.join(map(repr, near))}" if near else "no column is like it"
    return f"- no column for {role}: expected one that ends in {' or '.join(names[:3])}; {seen}. {step}."


def _ambiguous(role: str, candidates: Sequence[str]) -> str:
    step = f"Pass {alternatives(_OPTIONS[role], candidates)}" if role in _OPTIONS else "Delete all but one"
    if role in _GROUP:
        step = f"Name the columns of the setting by {argument('group')}"
    return f"- more than one column for {role}: {', '.join(map(repr, candidates))}. {step}."


def _refuse_chart(path: Path, frame: pd.DataFrame) -> None:
    """Refuse the export of a chart, which has a column a run and a row a step."""
    if any(str(name).endswith(("__MIN", "__MAX")) for name in frame.columns):
        raise ValueError(
            f"{path} is the export of a chart, with one column a run. Export the table of runs, with one "
            "row a run: in the project's Table view, Export as CSV."
        )

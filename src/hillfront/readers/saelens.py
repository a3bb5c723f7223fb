"""SAELens: the results of its evaluations, as JSON files of one SAE or of all, or as a CSV file of all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hillfront.readers.evaluations import READ_AS, Row, row_of, table_of, text_at
from hillfront.readers.json_files import (
    JSON_SUFFIXES,
    ReadError,
    UnfitError,
    find_json,
    load_json,
    read_each,
    seen_in,
)
from hillfront.readers.separated import read_csv
from hillfront.readers.tables import FileTable
from hillfront.utils.interface import argument

__all__ = ["saelens_table"]

EXPECTED: Final = (
    "SAELens evaluation results, with unique_id, eval_cfg, sae_cfg, metrics.sparsity.l0 and "
    "metrics.model_performance_preservation (or sae_id and metrics/l0, as older versions wrote them)"
)
# "my-release-blocks.4.hook_resid_pre" and "my-release/layer_4/width_16k" begin with a release.
_RELEASE: Final = re.compile(r"(?P<release>.+?)[/-](?=blocks\.|layers?[._-]\d|[^/]*$)")


def saelens_table(path: Path, *, variant: str | None = None) -> FileTable:
    """Read a path: JSON files of one evaluation or a list of them each, or the CSV file of all.

    SAELens writes every evaluation twice into one folder, to its own file and to that of all; the same
    evaluation counts once.

    Raises
    ------
    FileNotFoundError, ReadError
        If there is no such file, or files do not fit.
    """
    needed = None if variant == "architecture" else variant
    if path.is_file() and not set(path.suffixes) & JSON_SUFFIXES:
        return _from_csv(path, needed)
    found = read_each(find_json(path), lambda file: _read(file, needed), expected=EXPECTED)
    first: dict[str, tuple[Path, Row]] = {}
    for path, (key, row) in found:
        first.setdefault(key, (path, row))
    return table_of([row for _, row in first.values()], [path for path, _ in first.values()], read_as=READ_AS)


def _from_csv(path: Path, variant: str | None) -> FileTable:
    """Read the CSV file of all evaluations, whose columns are paths with dots.

    That of older versions knows no architecture; if no name does either, its releases are compared.
    """
    frame, notes = read_csv(path)
    old = not any(str(name).startswith(("metrics.", "sae_cfg")) for name in frame.columns)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ReadError([(str(path), f"the column {twice!r} stands twice in its header")], EXPECTED, 1)
    rows: list[Row] = []
    faults = []
    for number, cells in enumerate(frame.to_dict("records")):
        filled = {str(name): value for name, value in cells.items() if value == value}  # NaN is not itself
        try:
            rows.append(_old_row(filled) if old else _row(_nested(filled), variant))
        except UnfitError as error:
            faults.append((f"{path}, row {number}", str(error)))
    unknown = [i for i, row in enumerate(rows) if row["architecture"] is None]
    if variant is None and 0 < len(unknown) < len(rows):
        said = "no architecture in its sae_id, where others name one"
        faults += [(f"{path}, row {i}", said) for i in unknown]
    if faults or not rows:
        raise ReadError(faults or [(str(path), "no rows")], EXPECTED, max(len(frame), 1))
    table = table_of(rows, [f"{path}, row {i}" for i in range(len(rows))], read_as=READ_AS, notes=notes)
    if variant is not None or not unknown:
        return table
    releases = (
        "The file knows no architecture, so the variant is the release, which each sae_id begins with. For "
        f"another column pass {argument('variant')}."
    )
    return replace(table, variant="release", notes=(*table.notes, releases))


def _read(path: Path, variant: str | None) -> list[tuple[str, Row]]:
    document = load_json(path)
    many = isinstance(document, list)
    records = document if isinstance(document, list) else [document]
    if not records:
        raise UnfitError("an empty list where evaluations were expected")
    rows = []
    for number, record in enumerate(records):
        try:
            if not isinstance(record, Mapping):
                raise UnfitError("not a JSON object")
            rows.append((json.dumps(record, sort_keys=True), _row(record, variant)))
        except UnfitError as error:
            raise UnfitError(f"evaluation {number}: {error}" if many else str(error)) from None
    return rows


def _row(record: Mapping[str, Any], variant: str | None) -> Row:
    if not isinstance(record.get("metrics"), Mapping):
        raise UnfitError(f"no object at metrics, so no SAELens evaluation: it holds {seen_in(record)}")
    config, evaluation = (
        dict(value) if isinstance(value := record.get(name), Mapping) else {}
        for name in ("sae_cfg", "eval_cfg")
    )
    return row_of(
        metrics=record["metrics"],
        metrics_at="metrics",
        config=config,
        architecture_at="sae_cfg.architecture",
        release=text_at(record, "sae_set") or "",
        sae_id=text_at(record, "sae_id", "unique_id") or "",
        evaluation=evaluation,
        eval_version=text_at(evaluation, "library_version", "git_hash"),
        variant=variant,
    )


def _old_row(record: Mapping[str, Any]) -> Row:
    """Make the row of an evaluation by an older version, which knows little but names and metrics."""
    name = text_at(record, "sae_id") or ""
    release = text_at(record, "sae_set") or ((found := _RELEASE.match(name)) and found["release"]) or name
    row = row_of(
        metrics=record,
        metrics_at="metrics",
        config=record,
        architecture_at="sae_id",
        release=release,
        sae_id=name.removeprefix(release).lstrip("/-"),
        evaluation=record,
        eval_version=text_at(record, "library_version"),
        variant="release",
    )
    return row


def _nested(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Nest the cells whose column names are paths.

    Examples
    --------
    >>> _nested({"sae_id": "a", "metrics.sparsity.l0": 3.0})
    {'sae_id': 'a', 'metrics': {'sparsity': {'l0': 3.0}}}
    """
    nested: dict[str, Any] = {}
    for name, value in cells.items():
        *path, last = name.split(".")
        inside = nested
        for part in path:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise UnfitError(f"the column {name!r} lies inside one that holds a value")
        inside[last] = value
    return nested

"""SAELens: what its evaluations write, as JSON files of one SAE or of all, or as a CSV file of all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hillfront.readers.evaluations import Row, row_of, table_of, text_at
from hillfront.readers.json_files import ReadError, UnfitError, find_json, load_json, read_each
from hillfront.readers.tables import FileTable, read_csv

__all__ = ["saelens_table"]

EXPECTED = (
    "SAELens evaluation results, with unique_id, eval_cfg, sae_cfg, metrics.sparsity.l0 and "
    "metrics.model_performance_preservation"
)


def saelens_table(path: Path) -> FileTable:
    """Read a path: JSON files of one evaluation or a list of them each, or the CSV file of all.

    SAELens writes every evaluation twice into one folder, to its own file and to that of all; the same
    evaluation counts once.

    Raises
    ------
    FileNotFoundError, ReadError
        If there is no such file, or files do not fit.
    """
    if path.suffix.lower() == ".csv":
        return _from_csv(path)
    found = read_each(find_json(path), _read, expected=EXPECTED)
    first: dict[str, tuple[Path, Row]] = {}
    for path, (key, row) in found:
        first.setdefault(key, (path, row))
    return table_of([row for _, row in first.values()], [path for path, _ in first.values()])


def _from_csv(path: Path) -> FileTable:
    """Read the CSV file of all evaluations, whose columns are paths with dots."""
    frame = read_csv(path)
    rows, faults = [], []
    for number, cells in enumerate(frame.to_dict("records")):
        filled = {str(name): value for name, value in cells.items() if value == value}  # NaN is not itself
        try:
            rows.append(_row(_nested(filled)))
        except UnfitError as error:
            faults.append((f"{path}, row {number}", str(error)))
    if faults or not rows:
        raise ReadError(faults or [(str(path), "no rows")], EXPECTED, max(len(frame), 1))
    return table_of(rows, [path] * len(rows))


def _read(path: Path) -> list[tuple[str, Row]]:
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
            rows.append((json.dumps(record, sort_keys=True), _row(record)))
        except UnfitError as error:
            raise UnfitError(f"evaluation {number}: {error}" if many else str(error)) from None
    return rows


def _row(record: Mapping[str, Any]) -> Row:
    if not isinstance(record.get("metrics"), Mapping):
        keys = ", ".join(map(repr, list(record)[:4])) or "none"
        raise UnfitError(f"no object at metrics, so no SAELens evaluation (its keys: {keys})")
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
        model=None,
        dataset=text_at(evaluation, "dataset"),
        context_size=text_at(evaluation, "context_size"),
    )


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

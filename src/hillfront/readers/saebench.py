"""SAEBench: ``core`` results, one JSON file an SAE, or a list of the results of all evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.table import Frontiers
from hillfront.readers.evaluations import READ_AS, Row, row_of, table_of, text_at
from hillfront.readers.json_files import ReadError, UnfitError, find_json, load_json, read_each
from hillfront.readers.tables import FileTable
from hillfront.utils.interface import argument
from hillfront.utils.wording import count, shorten

__all__ = ["read_saebench", "saebench_table"]

_IDS = ("sourceId", "sae_lens_id", "saeId", "sae_id", "id")
EXPECTED = (
    "SAEBench results of the 'core' evaluation, with eval_result_metrics.sparsity.l0 and "
    "eval_result_metrics.model_performance_preservation"
)


def read_saebench(
    path: Path | str | Iterable[Path | str],
    *,
    variant: str = "architecture",
    group: str | Sequence[str] | None = None,
    y: str | None = None,
    cost: str | None = None,
    dense_limit: DenseLimit = None,
    baseline: str | None = None,
    on_fault: Literal["raise", "drop"] = "raise",
) -> Frontiers:
    """Read SAEBench ``core`` results.

    Each file gives one SAE, with the columns ``architecture``, ``release``, ``label`` (release and SAE id),
    ``model``, ``site``, ``layer``, ``width``, ``d_model``, ``l0``, ``ce_sae``, ``ce_base``, ``ce_ablated``,
    ``loss_recovered`` (the ``ce_loss_score``), ``n_tokens``, ``ablation`` (``zero``), ``dataset``,
    ``context_size``, ``n_batches`` (of the reconstruction), ``eval_version``, ``step`` (of a checkpoint of
    training, from ``_step_N`` in its name), ``training_tokens``, and for ``cost``: ``mse``,
    ``explained_variance``, ``kl_div_with_sae``. Numbers of -1 where SAEBench computed nothing
    count as missing.

    Parameters
    ----------
    path : path or iterable of paths
        A folder, searched with all folders in it for ``*.json``; one file; or several of either.
    variant : str, default "architecture"
        Column that holds what is compared. The architecture is that of the SAE's configuration
        (``sae_cfg_dict.architecture``). Where that is missing, or says ``standard``, as the configurations of
        some releases do for all their SAEs, it is what the SAE's id and release name.
    group : str or sequence of str, optional
        Columns that make the setting in which variants are compared. By default those known of ``model``,
        ``site``, ``layer`` and ``width``, with ``dataset`` and ``context_size`` where they differ.
    y : str, optional
        As in `Frontiers.from_frame`. By default the three losses (``"ce"``); if a file lacks them, the loss
        recovered of every file.
    cost, dense_limit, baseline, on_fault
        As in `Frontiers.from_frame`. Files that do not fit raise also under ``on_fault="drop"``.

    Returns
    -------
    Frontiers
        The checked table.

    Raises
    ------
    ReadError
        If files are empty, truncated, of another evaluation, or lack a number; one message lists each file
        and what was expected in it.
    FrontierDataError
        If numbers cannot be fitted; the message names the files of the rows.
    FileNotFoundError
        If there is no such path, or a folder without JSON files.
    ValueError
        If both ``y`` and ``cost`` are given.

    Examples
    --------
    >>> read_saebench("results/core", baseline="standard")  # doctest: +SKIP
    Frontiers: 126 SAEs, 21 curves
    """
    if y is not None and cost is not None:
        raise ValueError(f"pass y or cost, not both: {argument('y', y)} and {argument('cost', cost)}")
    columns = (group,) if isinstance(group, str) else group
    table = saebench_table(path, variant=variant).using(variant=variant, group=columns, l0=None, y=y)
    return table.to_frontiers(cost=cost, dense_limit=dense_limit, baseline=baseline, on_fault=on_fault)


def saebench_table(path: Path | str | Iterable[Path | str], *, variant: str | None = None) -> FileTable:
    """Read the result files of a path, as `read_saebench` does, without judging their numbers.

    A list of results, with names such as ``core||sparsity||l0``, is read as well; a record in it without any
    result of the ``core`` evaluation is left out, and a note says so.
    """
    needed = None if variant == "architecture" else variant
    left_out: list[str] = []
    found = read_each(find_json(path), lambda file: _read(file, needed, left_out), expected=EXPECTED)
    if not found:
        raise ReadError([(str(path), "no result of the core evaluation")], EXPECTED, 1)
    note = f"{count(len(left_out), 'record')} without core results left out: {shorten(left_out)}."
    return table_of(
        [row for _, row in found],
        [file for file, _ in found],
        read_as=READ_AS,
        notes=[note] if left_out else [],
    )


def _read(path: Path, variant: str | None, left_out: list[str]) -> list[Row]:
    document = load_json(path)
    if isinstance(document, list) and document and all(_is_flat(record) for record in document):
        rows = []
        for number, record in enumerate(document):
            if any(str(name).startswith("core||") and value is not None for name, value in record.items()):
                try:
                    rows.append(_flat_row(record, variant))
                except UnfitError as error:
                    raise UnfitError(f"record {number}: {error}") from None
            else:
                left_out.append(text_at(record, *_IDS) or f"record {number}")
        return rows
    if not isinstance(document, dict):
        raise UnfitError(f"a JSON {_kind(document)} where an object with eval_type_id 'core' was expected")
    if _is_flat(document):
        return [_flat_row(document, variant)]
    if "eval_type_id" not in document:
        keys = ", ".join(map(repr, list(document)[:4])) or "none"
        raise UnfitError(f"no eval_type_id, so no SAEBench result (its keys: {keys})")
    if document["eval_type_id"] != "core":
        raise UnfitError(f"eval_type_id is {document['eval_type_id']!r} where 'core' was expected")
    metrics = document.get("eval_result_metrics")
    if not isinstance(metrics, Mapping):
        raise UnfitError("no object at eval_result_metrics")
    return [
        row_of(
            metrics=metrics,
            metrics_at="eval_result_metrics",
            config=_mapping(document.get("sae_cfg_dict")),
            architecture_at="sae_cfg_dict.architecture",
            release=text_at(document, "sae_lens_release_id") or "",
            sae_id=text_at(document, "sae_lens_id") or path.stem,
            evaluation=_mapping(document.get("eval_config")),
            eval_version=text_at(document, "sae_bench_commit_hash", "sae_lens_version"),
            variant=variant,
            file=path.stem,
        )
    ]


def _is_flat(record: object) -> bool:
    """Return whether a record joins the names of its evaluation and its metrics by double bars."""
    return isinstance(record, Mapping) and any("||" in str(name) for name in record)


def _flat_row(record: Mapping[str, Any], variant: str | None) -> Row:
    metrics: dict[str, dict[str, Any]] = {}
    for name, value in record.items():
        evaluation, *path = str(name).split("||")
        if evaluation == "core" and path:
            metrics.setdefault(path[0] if len(path) > 1 else "", {})[path[-1]] = value
    own = {
        "architecture": ("saeClass", "architecture"),
        "model_name": ("modelId", "model_name", "model"),
        "hook_layer": ("layer", "hook_layer"),
        "d_sae": ("dSae", "d_sae", "width"),
        "hook_name": ("hook_name", "hookName"),
    }
    config: dict[str, Any] = {name: text_at(record, *theirs) for name, theirs in own.items()}
    tokens = (record.get(name) for name in ("training_tokens", "trainTokens", "trainingTokens"))
    return row_of(
        metrics=metrics | metrics.get("", {}),
        metrics_at="core",
        config=config | {"training_tokens": next((n for n in tokens if n is not None), None)},
        architecture_at="saeClass",
        release=text_at(record, "release", "releaseId", "sae_lens_release_id") or "",
        sae_id=text_at(record, *_IDS) or "",
        evaluation={},
        eval_version=None,
        variant=variant,
    )


def _mapping(value: object) -> dict[str, Any]:
    """Read an object that a file may lack, or hold null in place of."""
    return dict(value) if isinstance(value, Mapping) else {}


def _kind(value: object) -> str:
    return {list: "list", str: "text", type(None): "null", bool: "true or false"}.get(type(value), "number")

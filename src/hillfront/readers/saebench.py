"""SAEBench: folders of ``core`` result files, one JSON file an SAE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from hillfront.curves.sparsity import DenseLimit
from hillfront.frontiers.table import Frontiers
from hillfront.readers.evaluations import Row, row_of, table_of, text_at
from hillfront.readers.json_files import UnfitError, find_json, load_json, read_each
from hillfront.readers.tables import FileTable

__all__ = ["read_saebench", "saebench_table"]

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
    ``context_size``, and for ``cost``: ``mse``, ``explained_variance``, ``kl_div_with_sae``. Numbers of -1
    where SAEBench computed nothing count as missing.

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
        raise ValueError(f"pass y or cost, not both: y={y!r} and cost={cost!r}")
    columns = (group,) if isinstance(group, str) else group
    table = saebench_table(path).using(variant=variant, group=columns, l0=None, y=y)
    return table.to_frontiers(cost=cost, dense_limit=dense_limit, baseline=baseline, on_fault=on_fault)


def saebench_table(path: Path | str | Iterable[Path | str]) -> FileTable:
    """Read the result files of a path, as `read_saebench` does, without judging their numbers."""
    found = read_each(find_json(path), _read, expected=EXPECTED)
    return table_of([row for _, row in found], [path for path, _ in found])


def _read(path: Path) -> list[Row]:
    document = load_json(path)
    if not isinstance(document, dict):
        raise UnfitError(f"a JSON {_kind(document)} where an object with eval_type_id 'core' was expected")
    if "eval_type_id" not in document:
        keys = ", ".join(map(repr, list(document)[:4])) or "none"
        raise UnfitError(f"no eval_type_id, so no SAEBench result (its keys: {keys})")
    if document["eval_type_id"] != "core":
        raise UnfitError(f"eval_type_id is {document['eval_type_id']!r} where 'core' was expected")
    metrics = document.get("eval_result_metrics")
    if not isinstance(metrics, Mapping):
        raise UnfitError("no object at eval_result_metrics")
    evaluation = _mapping(document.get("eval_config"))
    return [
        row_of(
            metrics=metrics,
            metrics_at="eval_result_metrics",
            config=_mapping(document.get("sae_cfg_dict")),
            architecture_at="sae_cfg_dict.architecture",
            release=text_at(document, "sae_lens_release_id") or "",
            sae_id=text_at(document, "sae_lens_id") or path.stem,
            model=text_at(evaluation, "model_name"),
            dataset=text_at(evaluation, "dataset"),
            context_size=text_at(evaluation, "context_size"),
        )
    ]


def _mapping(value: object) -> dict[str, Any]:
    """Read an object that a file may lack, or hold null in place of."""
    return dict(value) if isinstance(value, Mapping) else {}


def _kind(value: object) -> str:
    return {list: "list", str: "text", type(None): "null", bool: "true or false"}.get(type(value), "number")

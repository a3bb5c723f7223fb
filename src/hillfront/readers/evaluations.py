"""One row of an evaluated SAE from the metrics, configuration and names that SAELens and SAEBench share."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.frontiers.table import FrontierDataWarning
from hillfront.readers.json_files import UnfitError
from hillfront.readers.tables import FileTable

__all__ = ["architecture_in", "layer_in", "row_of", "site_in", "table_of", "text_at", "width_in"]

Row = dict[str, Any]
GROUP: Final = ("model", "site", "layer", "width")
CONDITIONS: Final = ("dataset", "context_size")
_PERFORMANCE: Final = "model_performance_preservation"
_LOSSES: Final = {
    "ce_sae": "ce_loss_with_sae",
    "ce_base": "ce_loss_without_sae",
    "ce_ablated": "ce_loss_with_ablation",
}
# For cost=; none of them is needed. All are 0 or more, except the explained variance.
_COSTS: Final = {
    "mse": ("reconstruction_quality", "mse"),
    "explained_variance": ("reconstruction_quality", "explained_variance"),
    "kl_div_with_sae": ("model_behavior_preservation", "kl_div_with_sae"),
}

_ROUNDING: Final = 1e-3
"""A score further than this from what its losses give is another number, not the same one rounded."""

# Longest first: "matryoshka_batch_topk" holds "batch_topk", which holds "topk".
_ARCHITECTURES: Final = {
    "matryoshka_batch_topk": r"mat(?:ryo|roy)shka[_-]?batch[_-]?top[_-]?k",
    "batch_topk": r"batch[_-]?top[_-]?k",
    "topk": r"top[_-]?k",
    "jumprelu": r"jump[_-]?relu",
    "gated_anneal": r"gated[_-]?anneal",
    "p_anneal": r"p[_-]?anneal",
    "gated": r"gated(?:sae)?",
    "standard": r"standard(?:sae)?",
}
# Names are parts between separators, or words in CamelCase before them: "GatedSAE_pythia", "sweep_gated_ctx".
_WORD: Final = re.compile(
    rf"(?<![a-z0-9])(?:{'|'.join(f'(?P<{name}>{text})' for name, text in _ARCHITECTURES.items())})"
    r"(?:trainer|_?april[_-]?update)?(?![a-z0-9])",
    re.IGNORECASE,
)
_LAYER: Final = re.compile(r"(?:blocks|layers?)[._-](\d+)", re.IGNORECASE)
_SITE: Final = re.compile(
    r"(?<![a-z])(?:hook_)?(resid_(?:pre|mid|post)|mlp_out|attn_out|hook_z|mlp\.hook_post)(?![a-z])",
    re.IGNORECASE,
)
_WIDTH: Final = re.compile(r"width[_-](?:2pow(?P<power>\d+)|(?P<text>\d+[km]?))(?![a-z0-9])", re.IGNORECASE)


def text_at(mapping: Mapping[str, Any], *names: str) -> str | None:
    """Return the first of these entries that holds something, as text."""
    values = (mapping.get(name) for name in names)
    found = next((value for value in values if value is not None and str(value).strip()), None)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return None if found is None else str(found).strip()


def row_of(
    *,
    metrics: Mapping[str, Any],
    metrics_at: str,
    config: Mapping[str, Any],
    architecture_at: str,
    release: str,
    sae_id: str,
    model: str | None,
    dataset: str | None,
    context_size: str | None,
) -> Row:
    """Make the row of one SAE from what a file holds of it.

    Parameters
    ----------
    metrics : mapping
        Numbers by group and name, or by name alone, as older versions wrote them.
    metrics_at, architecture_at : str
        The paths of the metrics and of the architecture inside the file, for messages.
    config : mapping
        The SAE's configuration, perhaps with ``metadata`` inside; empty where the file has none.
    release, sae_id : str
    model, dataset, context_size : str or None

    Raises
    ------
    UnfitError
        If it has no L0, neither the three losses nor the loss recovered, or no architecture.
    """
    metadata = config.get("metadata")
    config = (dict(metadata) if isinstance(metadata, Mapping) else {}) | dict(config)
    names = (sae_id, release)
    hook = text_at(config, "hook_name", "hook_point") or ""
    row: Row = {
        "architecture": _architecture(config, architecture_at, release, sae_id),
        "release": release,
        "label": "/".join(filter(None, (release, sae_id))),
        "model": text_at(config, "model_name") or model,
        "site": site_in(hook, *names) or hook or None,
        "layer": text_at(config, "hook_layer", "hook_point_layer") or layer_in(hook, *names),
        "width": text_at(config, "d_sae") or width_in(*names),
        "d_model": _number(config.get("d_in")),
        "l0": _metric(metrics, "sparsity", "l0"),
        "loss_recovered": _metric(metrics, _PERFORMANCE, "ce_loss_score"),
        "n_tokens": _metric(metrics, "token_stats", "total_tokens_eval_reconstruction"),
        "ablation": "zero",  # both libraries ablate by zeros
        "dataset": dataset,
        "context_size": context_size,
    }
    row |= {name: _metric(metrics, _PERFORMANCE, theirs) for name, theirs in _LOSSES.items()}
    row |= {name: _metric(metrics, *path) for name, path in _COSTS.items()}
    _not_computed_is_missing(row)
    missing = [f"{metrics_at}.sparsity.l0"] if row["l0"] is None else []
    if row["loss_recovered"] is None and any(row[name] is None for name in _LOSSES):
        theirs = ", ".join(_LOSSES.values())
        missing.append(f"{metrics_at}.{_PERFORMANCE}.ce_loss_score (or {theirs} beside it)")
    if missing:
        raise UnfitError(f"no number at {' and at '.join(missing)}")
    return row


def table_of(rows: Sequence[Row], files: Iterable[Path]) -> FileTable:
    """Put all rows into one table, with the group columns that are known.

    The hit comes from the three losses if every SAE has them and they agree with the score that is published
    beside them, otherwise from that score throughout: one frontier must not mix two ways to compute it.

    Warns
    -----
    FrontierDataWarning
        If the losses of an SAE do not give its score.
    """
    frame = pd.DataFrame(rows)
    losses = list(_LOSSES)
    numbers = ["loss_recovered", *losses]
    frame[numbers] = frame[numbers].astype(float)  # where none of them is known, too
    computed = (frame["ce_ablated"] - frame["ce_sae"]) / (frame["ce_ablated"] - frame["ce_base"])
    apart = (frame["loss_recovered"] - computed).abs() > _ROUNDING
    if apart.any():
        first = frame[apart].iloc[0]
        warnings.warn(
            f"The losses of {apart.sum()} of {len(frame)} SAEs do not give the ce_loss_score beside them "
            f"(first in {first['label']!r}: {first['loss_recovered']:.4g}, where the losses give "
            f"{computed[apart].iloc[0]:.4g}). The scores are used, and the losses left out.",
            FrontierDataWarning,
            stacklevel=2,
        )
    y = "ce"
    if frame[losses].isna().any(axis=None) or apart.any():
        y = "loss_recovered"
        frame["loss_recovered"] = frame["loss_recovered"].fillna(computed)
        frame = frame.drop(columns=losses)
    group = [name for name in GROUP if frame[name].notna().any()]
    group += [name for name in CONDITIONS if len(frame[name].unique()) > 1]
    # What no file knows is no column.
    frame = frame.loc[:, frame.notna().any()]
    return FileTable(frame, "architecture", tuple(group), "l0", y, tuple(map(str, files)))


def _architecture(config: Mapping[str, Any], architecture_at: str, release: str, sae_id: str) -> str:
    """Find the architecture in the configuration, or in the names where that does not know it.

    The converted configurations of some releases say ``standard`` for all their SAEs, so that a name that
    says something else is believed.
    """
    configured = text_at(config, "architecture")
    if configured is not None and configured.lower() != "standard":
        return configured
    named = architecture_in(sae_id, release)
    if len(named) == 1:
        return named[0]
    if configured is not None:
        return configured
    said = f"more than one ({', '.join(named)})" if named else "none"
    raise UnfitError(
        f"no architecture at {architecture_at}, and the release {release!r} and the SAE {sae_id!r} "
        f"name {said}"
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return float(value)


def _metric(metrics: Mapping[str, Any], group: str, name: str) -> float | None:
    """Read one metric, in its group or, as older versions wrote it, outside of any."""
    inside = metrics.get(group)
    nested = inside.get(name) if isinstance(inside, Mapping) else None
    return _number(
        next((v for v in (nested, metrics.get(name), metrics.get(f"metrics/{name}")) if v is not None), None)
    )


def _not_computed_is_missing(row: Row) -> None:
    """Read -1, which both libraries write for what was not computed, as missing."""
    for name in ("l0", "n_tokens", "mse", "kl_div_with_sae", *_LOSSES):
        if row[name] == -1.0:
            row[name] = None
    if row["explained_variance"] == -1.0 and row["mse"] is None:
        row["explained_variance"] = None
    if row["loss_recovered"] == -1.0 and row["ce_sae"] is None:
        row["loss_recovered"] = None


def architecture_in(*names: str) -> tuple[str, ...]:
    """Find the architectures in names of a release or an SAE, each once.

    Examples
    --------
    >>> architecture_in("sae_bench_pythia70m_sweep_gated_ctx128_0730")
    ('gated',)
    >>> architecture_in("MatryoshkaBatchTopK_pythia-160m-deduped__0108")
    ('matryoshka_batch_topk',)
    >>> architecture_in("gemma-scope-2b-pt-res")
    ()
    """
    found = [str(match.lastgroup) for name in names for match in _WORD.finditer(name)]
    return tuple(dict.fromkeys(found))


def layer_in(*names: str) -> int | None:
    """Find the layer in the first of these names that has one.

    Examples
    --------
    >>> layer_in("blocks.3.hook_resid_post__trainer_5"), layer_in("resid_post_layer_8_trainer_0")
    (3, 8)
    """
    found = next((match for name in names if (match := _LAYER.search(name))), None)
    return int(found[1]) if found else None


def site_in(*names: str) -> str | None:
    """Find the site of the activations, such as ``resid_post``, in names.

    Examples
    --------
    >>> site_in("blocks.3.hook_resid_post__trainer_5"), site_in("blocks.0.attn.hook_z")
    ('resid_post', 'hook_z')
    """
    found = next((match for name in names if (match := _SITE.search(name))), None)
    return found[1] if found else None


def width_in(*names: str) -> str | None:
    """Find the width in names: the number of latents, or an abbreviation of it as it stands.

    Examples
    --------
    >>> width_in("saebench_gemma-2-2b_width-2pow14_date-0108"), width_in("layer_12/width_16k/average_l0_82")
    ('16384', '16k')
    """
    found = next((match for name in names if (match := _WIDTH.search(name))), None)
    if found is None:
        return None
    return str(2 ** int(found["power"])) if found["power"] else found["text"]

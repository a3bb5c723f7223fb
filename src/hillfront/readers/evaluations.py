"""One row of an evaluated SAE from the metrics, configuration and names that evaluations have in common."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hillfront.readers.json_files import UnfitError
from hillfront.readers.tables import FileTable
from hillfront.utils.interface import argument
from hillfront.utils.wording import shorten

__all__ = [
    *(
        "READ_AS",
        "architecture_in",
        "l0_of_topk",
        "layer_in",
        "number_at",
        "row_of",
        "site_in",
        "step_in",
        "table_of",
    ),
    *("text_at", "width_in"),
]

Row = dict[str, Any]
GROUP: Final = ("model", "site", "layer", "width")
CONDITIONS: Final = ("dataset", "context_size")
_PERFORMANCE: Final = "model_performance_preservation"
_LOSSES: Final = {
    "ce_sae": "ce_loss_with_sae",
    "ce_base": "ce_loss_without_sae",
    "ce_ablated": "ce_loss_with_ablation",
}
READ_AS: Final = {"l0": "sparsity.l0", "loss_recovered": "ce_loss_score", **_LOSSES}
# For cost=; none of them is needed. All are 0 or more, except the explained variance.
_COSTS: Final = {
    "mse": ("reconstruction_quality", "mse"),
    "explained_variance": ("reconstruction_quality", "explained_variance"),
    "kl_div_with_sae": ("model_behavior_preservation", "kl_div_with_sae"),
}

_NEAR_K: Final = 0.1
"""A logged L0 this close to k, as a share of it, is k."""

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
_STEP: Final = re.compile(r"(?:^|[/_-])step_(\d+)(?![a-z0-9])", re.IGNORECASE)
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
    evaluation: Mapping[str, Any],
    eval_version: str | None,
    variant: str | None,
    file: str = "",
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
    evaluation : mapping
        The evaluation's configuration.
    eval_version : str or None
        The version of the program that evaluated.
    variant : str or None
        The column that a user compares. Only the architecture is needed where it is None.
    file : str
        The name of the file, which may name what nothing else does.

    Raises
    ------
    UnfitError
        If it has no L0, neither the three losses nor the loss recovered, or no architecture where that is
        needed.
    """
    metadata = config.get("metadata")
    config = (dict(metadata) if isinstance(metadata, Mapping) else {}) | dict(config)
    names = (sae_id, release, file)
    hook = text_at(config, "hook_name", "hook_point") or ""
    step = step_in(sae_id, release, file)
    row: Row = {
        "architecture": _architecture(config, architecture_at, release, sae_id, needed=variant is None),
        "release": release,
        "label": "/".join(filter(None, (release, sae_id))),
        "model": text_at(config, "model_name") or text_at(evaluation, "model_name"),
        "site": site_in(hook, *names) or hook or None,
        "layer": text_at(config, "hook_layer", "hook_point_layer") or layer_in(hook, *names),
        "width": text_at(config, "d_sae") or width_in(*names),
        "d_model": _number(config.get("d_in")),
        "l0": number_at(metrics, "sparsity", "l0"),
        "loss_recovered": number_at(metrics, _PERFORMANCE, "ce_loss_score"),
        "n_tokens": number_at(metrics, "token_stats", "total_tokens_eval_reconstruction"),
        "ablation": "zero",  # both libraries ablate by zeros
        "dataset": text_at(evaluation, "dataset"),
        "context_size": text_at(evaluation, "context_size"),
        "n_batches": text_at(evaluation, "n_eval_reconstruction_batches"),
        "eval_version": eval_version,
        "step": None if step is None else str(step),
        "training_tokens": _number(config.get("training_tokens")),
    }
    row |= {name: number_at(metrics, _PERFORMANCE, theirs) for name, theirs in _LOSSES.items()}
    row |= {name: number_at(metrics, *path) for name, path in _COSTS.items()}
    _not_computed_is_missing(row)
    missing = [f"{metrics_at}.sparsity.l0"] if row["l0"] is None else []
    if row["loss_recovered"] is None and any(row[name] is None for name in _LOSSES):
        theirs = ", ".join(_LOSSES.values())
        missing.append(f"{metrics_at}.{_PERFORMANCE}.ce_loss_score (or {theirs} beside it)")
    if missing:
        raise UnfitError(f"no number at {' and at '.join(missing)}")
    return row


def table_of(
    rows: Sequence[Row],
    files: Iterable[Path | str],
    *,
    score: str = "ce_loss_score",
    read_as: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> FileTable:
    """Put all rows into one table, with the group columns that are known.

    The hit comes from the three losses if every SAE has them and they agree with the score that is published
    beside them, otherwise from that score throughout: one frontier must not mix two ways to compute it. What
    only some files say of a condition, all others alike, is taken for the rest. Notes say so.
    """
    frame = pd.DataFrame(rows)
    notes = [*notes, *_fill_conditions(frame)]
    losses = list(_LOSSES)
    numbers = ["loss_recovered", *losses]
    frame[numbers] = frame[numbers].astype(float)  # where none of them is known, too
    computed = (frame["ce_ablated"] - frame["ce_sae"]) / (frame["ce_ablated"] - frame["ce_base"])
    apart = (frame["loss_recovered"] - computed).abs() > _ROUNDING
    if apart.any():
        first = frame[apart].iloc[0]
        notes.append(
            f"The losses of {apart.sum()} of {len(frame)} SAEs do not give the {score} beside them "
            f"(first in {first['label']!r}: {first['loss_recovered']:.4g}, where the losses give "
            f"{computed[apart].iloc[0]:.4g}). The scores are used, and the losses left out."
        )
    y = "ce"
    if frame[losses].isna().any(axis=None) or apart.any():
        y = "loss_recovered"
        frame["loss_recovered"] = frame["loss_recovered"].fillna(computed)
        frame = frame.drop(columns=losses)
    group = [name for name in GROUP if frame[name].notna().any()]
    group += [name for name in CONDITIONS if len(frame[name].unique()) > 1]
    if frame["step"].notna().any():
        frame["step"] = frame["step"].fillna("final")  # SAEs beside checkpoints of training
    # What no file knows is no column.
    frame = frame.loc[:, frame.notna().any()]
    found = {name: own for name, own in (read_as or {}).items() if name in frame}
    return FileTable(
        frame,
        "architecture",
        tuple(group),
        "l0",
        y,
        files=tuple(map(str, files)),
        read_as=found,
        notes=tuple(notes),
        own_columns=True,
    )


def _fill_conditions(frame: pd.DataFrame) -> Iterable[str]:
    """Fill what only some rows know of a condition, where all that know it agree; say so."""
    for name in (*GROUP, *CONDITIONS):
        unknown = frame[name].isna()
        values = frame.loc[~unknown, name].map(str).unique()
        if unknown.any() and len(values) == 1:
            frame[name] = frame[name].map(str).where(~unknown, values[0])
            yield (
                f"The {name.replace('_', ' ')} is not known of {unknown.sum()} of {len(frame)} SAEs "
                f"({shorten(map(repr, frame.loc[unknown, 'label']))}). It was taken to be {values[0]!r}, as "
                "in all others."
            )


def l0_of_topk(
    l0: pd.Series, k: pd.Series, variants: pd.Series, labels: pd.Series
) -> tuple[pd.Series, list[str]]:
    """Take the k of TopK SAEs for their L0, and say where a logged L0 is further than a tenth from it.

    The k of BatchTopK is a mean over the tokens of training, so that the L0 of an evaluation may well be
    another: there, and where the variant says nothing of a k, the logged L0 stays.

    Returns
    -------
    tuple of (Series, list of str)
        L0, and notes.
    """
    logged, k = pd.to_numeric(l0, errors="coerce"), pd.to_numeric(k, errors="coerce")
    names = variants.astype(str).str.replace(r"[\W_]", "", regex=True).str.lower()
    fixed = k.notna() & (k > 0) & names.str.contains("topk") & ~names.str.contains("batch")
    apart = k.notna() & (k > 0) & logged.notna() & ((logged / k - 1).abs() > _NEAR_K)

    def told(rows: pd.Series) -> str:
        one_by_one = zip(labels[rows], k[rows], logged[rows], strict=True)
        return shorten(f"{label!r} (k {ours:g}, logged {theirs:g})" for label, ours, theirs in one_by_one)

    notes = []
    if (rows := fixed & apart).any():
        notes.append(f"The logged L0 is not k in {told(rows)}. For TopK, k is taken as L0.")
    if (rows := ~fixed & apart).any():
        notes.append(
            f"The logged L0 is not k in {told(rows)}. The logged one is taken; for k pass "
            f"{argument('l0', 'k')}."
        )
    if (rows := fixed & logged.isna()).any():
        notes.append(f"No L0 was logged in {shorten(map(repr, labels[rows]))}. For TopK, k is taken as L0.")
    changed = fixed & (apart | logged.isna())
    return (l0.where(~changed, k) if changed.any() else l0), notes


def _architecture(
    config: Mapping[str, Any], architecture_at: str, release: str, sae_id: str, *, needed: bool
) -> str | None:
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
    if configured is not None or not needed:
        return configured
    said = f"more than one ({', '.join(named)})" if named else "none"
    raise UnfitError(
        f"no architecture at {architecture_at}, and the release {release!r} and the SAE {sae_id!r} "
        f"name {said}; to compare releases, pass {argument('variant', 'release')}"
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return float(value)


def number_at(metrics: Mapping[str, Any], group: str, name: str) -> float | None:
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


def step_in(*names: str) -> int | None:
    """Find the step of training that a checkpoint was saved at, in names.

    Examples
    --------
    >>> step_in("blocks.3.hook_resid_post__trainer_2_step_1000"), step_in("trainer_2")
    (1000, None)
    """
    found = next((match for name in names if (match := _STEP.search(name))), None)
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

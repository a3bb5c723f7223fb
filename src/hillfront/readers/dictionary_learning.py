"""dictionary_learning: folders of trainers, each with its ``config.json`` and ``eval_results.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hillfront.readers.evaluations import (
    Row,
    l0_of_topk,
    layer_in,
    number_at,
    site_in,
    step_in,
    table_of,
    text_at,
)
from hillfront.readers.json_files import UnfitError, load_json, read_each
from hillfront.readers.tables import FileTable
from hillfront.utils.wording import count, shorten

__all__ = ["class_name", "dictionary_learning_table"]

EXPECTED: Final = (
    "dictionary_learning results: an eval_results.json with l0 and frac_recovered, and beside it a "
    "config.json whose trainer has a trainer_class or dict_class"
)
_RESULTS: Final = "eval_results.json"
_READ_AS: Final = {
    "l0": "l0",
    "loss_recovered": "frac_recovered",
    "ce_sae": "loss_reconstructed",
    "ce_base": "loss_original",
    "ce_ablated": "loss_zero",
    "explained_variance": "frac_variance_explained",
}


def dictionary_learning_table(path: Path, *, variant: str | None = None, l0: str | None = None) -> FileTable:
    """Read every folder below a path that holds results with a configuration: one SAE each.

    Raises
    ------
    FileNotFoundError, ReadError
        If there are no results, or files do not fit.
    """
    files = [path] if path.is_file() else sorted(path.rglob(_RESULTS))
    if not files:
        raise FileNotFoundError(
            f"{path} holds no {_RESULTS}, nor do the folders in it. Expected: {EXPECTED}."
        )
    top = path.parent if path.is_file() else path
    needed = None if variant == "architecture" else variant
    found = read_each(files, lambda file: [_read(file, top, needed)], expected=EXPECTED)
    rows = [row for _, row in found]
    table = table_of(rows, [file for file, _ in found], score="frac_recovered", read_as=_READ_AS)
    notes = list(table.notes)
    configured = [] if path.is_file() else [file.parent for file in sorted(path.rglob("config.json"))]
    unevaluated = [str(folder.relative_to(top)) for folder in configured if not (folder / _RESULTS).is_file()]
    if unevaluated:
        folders = count(len(unevaluated), "folder")
        notes.append(f"{folders} with a config.json but no {_RESULTS} left out: {shorten(unevaluated)}.")
    frame = table.frame
    if l0 is None and {"k", "architecture"} <= set(frame.columns):
        taken, of_k = l0_of_topk(frame["l0"], frame["k"], frame["architecture"], frame["label"])
        frame, notes = frame.assign(l0=taken), [*notes, *of_k]
    known = ("trainer_class", "dict_class", "wandb_name")
    own = {"architecture": next((name for name in known if any(name in row for row in rows)), "variant")}
    return replace(table, frame=frame, notes=tuple(notes), read_as={**table.read_as, **own})


def _read(path: Path, top: Path, variant: str | None) -> Row:
    config_file = path.with_name("config.json")
    if not config_file.is_file():
        raise UnfitError("no config.json beside it")
    results = load_json(path)
    try:
        config = load_json(config_file)
    except UnfitError as error:
        raise UnfitError(f"config.json beside it: {error}") from None
    trainer = config.get("trainer") if isinstance(config, Mapping) else None
    if not isinstance(results, Mapping) or not isinstance(trainer, Mapping):
        raise UnfitError("no object, or no object at trainer of the config.json beside it")
    classes = {
        name: class_name(text)
        for name in ("trainer_class", "dict_class", "wandb_name")
        if (text := text_at(trainer, name)) is not None
    }
    if variant is None and not classes:
        raise UnfitError("no trainer_class, dict_class or wandb_name in the config.json beside it")
    numbers = {name: number_at(results, "", theirs) for name, theirs in _READ_AS.items()}
    losses = [numbers[name] for name in ("ce_sae", "ce_base", "ce_ablated")]
    hit = numbers["loss_recovered"] is not None or None not in losses
    if (numbers["l0"] is None and number_at(trainer, "", "k") is None) or not (
        hit or numbers["explained_variance"] is not None
    ):
        raise UnfitError("no number at l0, or none at frac_recovered (or at the three losses)")
    folder = path.parent
    label = folder.relative_to(top).as_posix() if folder != top else folder.name
    names = (text_at(trainer, "submodule_name") or "", folder.as_posix())
    evaluation, buffer = (
        value if isinstance(value, Mapping) else {}
        for value in (results.get("hyperparameters"), config.get("buffer"))
    )
    step = step_in(label)
    return {
        "architecture": next(iter(classes.values()), None),
        "release": None,
        "label": label,
        "model": text_at(trainer, "lm_name"),
        "site": site_in(*names) or names[0] or None,
        "layer": text_at(trainer, "layer") or layer_in(*names),
        "width": text_at(trainer, "dict_size"),
        "d_model": number_at(trainer, "", "activation_dim"),
        "ablation": "zero",
        "dataset": text_at(evaluation, "dataset"),
        "context_size": text_at(evaluation, "context_length", "max_len") or text_at(buffer, "ctx_len"),
        "n_batches": text_at(evaluation, "n_batches", "n_inputs"),
        "step": None if step is None else str(step),
        "k": number_at(trainer, "", "k"),
        "lr": number_at(trainer, "", "lr"),
        "seed": text_at(trainer, "seed"),
        "steps": text_at(trainer, "steps"),
        **classes,
        **numbers,
    }


def class_name(text: Any) -> str:
    """Return the name of a class without the modules it lies in.

    Examples
    --------
    >>> class_name("dictionary_learning.trainers.top_k.TopKTrainer"), class_name("<class 'a.Gated'>")
    ('TopKTrainer', 'Gated')
    """
    return str(text).strip().removeprefix("<class '").removesuffix("'>").split(".")[-1]

"""Mutants of the files of evaluations, with a plain reading of the numbers that each library writes."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from mutants import (
    LOSSES,
    STRANGE,
    Mutant,
    Row,
    Writing,
    change_text,
    edited,
    number,
    rows_at,
    text_mutant,
)

type Document = dict[str, Any]

PERFORMANCE = "model_performance_preservation"
THEIRS = {
    "score": "ce_loss_score",
    "ce_sae": "ce_loss_with_sae",
    "ce_base": "ce_loss_without_sae",
    "ce_ablated": "ce_loss_with_ablation",
}


def numbers(i: int, rng: Random) -> dict[str, float]:
    """Invented numbers of one SAE."""
    l0 = round(9.75 * 2 ** (i % 5) * (1 + rng.uniform(-0.05, 0.05)), 3)
    hit = (1.3 if i < 5 else 0.9) * l0**-0.6
    return {"l0": l0, "score": 1 - hit, "ce_sae": 3 + 8 * hit, "ce_base": 3.0, "ce_ablated": 11.0}


def number_in(document: Any, path: Sequence[str]) -> float:
    """The number at a path; NaN where there is none, or -1, which both libraries write for nothing."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    if isinstance(document, bool) or not isinstance(document, int | float) or document == -1:
        return math.nan
    return float(document)


def by_losses_or_score(rows: Sequence[tuple[str, dict[str, float]]]) -> list[Row]:
    """Take the hit from the losses where all rows have them and they agree with the score, else from that."""

    def of_losses(values: dict[str, float]) -> float:
        scale = values["ce_ablated"] - values["ce_base"]
        return (values["ce_sae"] - values["ce_base"]) / scale if scale else math.nan

    known = all(not math.isnan(values[name]) for _, values in rows for name in LOSSES)
    agree = all(
        math.isnan(values["score"]) or abs(1 - values["score"] - of_losses(values)) <= 1e-3
        for _, values in rows
    )
    if known and agree:
        return [(variant, values["l0"], of_losses(values)) for variant, values in rows]
    hits = [of_losses(v) if math.isnan(v["score"]) else 1 - v["score"] for _, v in rows]
    return [(variant, values["l0"], hit) for (variant, values), hit in zip(rows, hits, strict=True)]


# ---------------------------------------------------------------- changes of documents


def paths_in(document: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values of a document."""
    items = document.items() if isinstance(document, dict) else ()
    found = [(*before, name) for name, _ in items]
    return found + [path for name, value in items for path in paths_in(value, (*before, name))]


def change_document(document: Document, rng: Random) -> str:
    path = rng.choice(paths_in(document))
    inside: Any = document
    for name in path[:-1]:
        inside = inside[name]
    how = rng.choice(["dropped", "renamed", "strange", "strange", "scaled"])
    value = inside.pop(path[-1])
    if how == "renamed":
        inside[edited(path[-1], rng)] = value
    elif how == "strange":
        inside[path[-1]] = rng.choice(STRANGE)
    elif how == "scaled":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        inside[path[-1]] = value * rng.choice([1.2, 10, -1]) if is_number else value
    return f"{'.'.join(path)} {how}"


def changed(documents: list[Document], rng: Random) -> tuple[list[Document], list[str]]:
    """Documents with none to three changes."""
    documents, said = copy.deepcopy(documents), []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        i = rng.randrange(len(documents))
        how = rng.choice(["change", "change", "change", "drop", "double", "every"])
        if how == "drop" and len(documents) > 1:
            del documents[i]
        elif how == "double":
            documents.append(copy.deepcopy(documents[i]))
        elif how == "every":
            seed = rng.random()
            for document in documents:
                how = f"every: {change_document(document, Random(seed))}"
        else:
            how = change_document(documents[i], rng)
        said.append(f"{i}: {how}")
    return documents, said


def save_json(path: Path, document: Any, rng: Random, said: list[str], *, often: float) -> None:
    text = json.dumps(document, indent=rng.choice([None, 2]))
    if rng.random() < often:
        text, what = change_text(text, rng)
        said.append(f"{path.name}: {what}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=rng.choice(["utf-8"] * 6 + ["utf-8-sig", "utf-16"]))


def load(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"))


def text_of(value: Any) -> str:
    return str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()


# ---------------------------------------------------------------- SAEBench


def saebench_mutant(folder: Path, rng: Random) -> Mutant:
    """A folder of results, one file each."""
    documents: list[Document] = []
    for i in range(10):
        own = numbers(i, rng)
        performance = {theirs: own[name] for name, theirs in THEIRS.items()}
        metrics = {"sparsity": {"l0": own["l0"], "l1": 9.0}, PERFORMANCE: performance}
        documents.append(
            {
                "eval_type_id": "core",
                "eval_config": {"model_name": "toy", "dataset": "text", "context_size": 128},
                "eval_result_metrics": metrics,
                "sae_lens_id": f"blocks.3.hook_resid_post__trainer_{i}",
                "sae_lens_release_id": "mine",
                "sae_cfg_dict": {"architecture": "relu" if i < 5 else "gated", "d_sae": 512, "hook_layer": 3},
            }
        )
    documents, said = changed(documents, rng)
    top = folder / "core"
    for i, document in enumerate(documents):
        save_json(top / f"r{i:02}.json", document, rng, said, often=0.03)

    def plainly() -> list[Row]:
        rows = []
        for path in sorted(top.glob("*.json")):
            document = load(path)
            metrics = document["eval_result_metrics"]
            values = {name: number_in(metrics, (PERFORMANCE, theirs)) for name, theirs in THEIRS.items()}
            values["l0"] = number_in(metrics, ("sparsity", "l0"))
            rows.append((text_of(document["sae_cfg_dict"]["architecture"]), values))
        return by_losses_or_score(rows)

    return Mutant(top, said, plainly)


def saebench_list_mutant(folder: Path, rng: Random) -> Mutant:
    """A list of results, with names joined by double bars."""
    records: list[Document] = []
    for i in range(10):
        own = numbers(i, rng)
        flat = {f"core||{PERFORMANCE}||{theirs}": own[name] for name, theirs in THEIRS.items()}
        records.append(
            {"modelId": "toy", "layer": 3, "dSae": 512, "saeClass": "relu" if i < 5 else "gated"}
            | {"sourceId": f"3-sae_{i}", "core||sparsity||l0": own["l0"], "scr||score": 0.3}
            | flat
        )
    records, said = changed(records, rng)
    path = folder / "data.json"
    save_json(path, records, rng, said, often=0.2)

    def plainly() -> list[Row]:
        rows = []
        for record in load(path):
            if not any(name.startswith("core||") and value is not None for name, value in record.items()):
                continue
            values = {n: number_in(record, (f"core||{PERFORMANCE}||{own}",)) for n, own in THEIRS.items()}
            values["l0"] = number_in(record, ("core||sparsity||l0",))
            rows.append((text_of(record["saeClass"]), values))
        return by_losses_or_score(rows)

    return Mutant(path, said, plainly)


# ---------------------------------------------------------------- SAELens


def saelens_mutant(folder: Path, rng: Random) -> Mutant:
    """Evaluations as JSON: all in one file, or a folder of one file each."""
    documents: list[Document] = []
    for i in range(10):
        own = numbers(i, rng)
        performance = {theirs: own[name] for name, theirs in THEIRS.items()}
        documents.append(
            {
                "unique_id": f"set-{i}",
                "sae_set": "set",
                "sae_id": f"blocks.4.hook_resid_pre/{i}",
                "eval_cfg": {"dataset": "text", "context_size": 128},
                "sae_cfg": {"architecture": "relu" if i < 5 else "gated", "d_in": 64, "d_sae": 512},
                "metrics": {"sparsity": {"l0": own["l0"]}, PERFORMANCE: performance},
            }
        )
    documents, said = changed(documents, rng)
    path = folder / "evals"
    if rng.random() < 0.5:
        path = folder / "all.json"
        save_json(path, documents, rng, said, often=0.2)
    else:
        for i, document in enumerate(documents):
            save_json(path / f"r{i:02}.json", document, rng, said, often=0.03)

    def plainly() -> list[Row]:
        found = load(path) if path.is_file() else [load(file) for file in sorted(path.glob("*.json"))]
        once = {json.dumps(document, sort_keys=True): document for document in found}
        rows = []
        for document in once.values():
            metrics = document["metrics"]
            values = {name: number_in(metrics, (PERFORMANCE, theirs)) for name, theirs in THEIRS.items()}
            values["l0"] = number_in(metrics, ("sparsity", "l0"))
            rows.append((text_of(document["sae_cfg"]["architecture"]), values))
        return by_losses_or_score(rows)

    return Mutant(path, said, plainly)


SAELENS = {
    **{"label": "unique_id", "release": "sae_set", "number": "sae_id", "variant": "sae_cfg.architecture"},
    **{"l0": "metrics.sparsity.l0"},
    **{name: f"metrics.{PERFORMANCE}.{theirs}" for name, theirs in THEIRS.items()},
}
OLD_SAELENS = {"id": "sae_id", "l0": "metrics/l0", "score": "metrics/ce_loss_score", "created": "dataset"}


def saelens_csv_mutant(folder: Path, rng: Random) -> Mutant:
    """The table of all evaluations, whose columns are paths."""

    def reading(cells: pd.DataFrame, places: dict[str, int], _: str) -> list[Row]:
        rows = []
        for row in cells.itertuples(index=False):
            found = {
                role: number(row[places[role]]) if role in places else math.nan for role in ("l0", *THEIRS)
            }
            values = {role: math.nan if value == -1 else value for role, value in found.items()}
            rows.append((str(row[places["variant"]]).strip(), values))
        return by_losses_or_score(rows)

    return text_mutant(folder, rng, SAELENS, Writing(), "all.csv", reading)


def old_saelens_csv_mutant(folder: Path, rng: Random) -> Mutant:
    """The table of an older version, which knows an SAE by its id alone."""

    def reading(cells: pd.DataFrame, places: dict[str, int], decimal: str) -> list[Row]:
        ids = cells.assign(
            variant=[next(w for w in ("gated", "topk") if w in id) for id in cells[places["id"]]]
        )
        return rows_at(ids, places | {"variant": len(cells.columns)}, decimal)

    return text_mutant(folder, rng, OLD_SAELENS, Writing(), "all.csv", reading)


# ---------------------------------------------------------------- dictionary_learning


def dictionary_learning_mutant(folder: Path, rng: Random) -> Mutant:
    """A folder of trainers, with a configuration and results each."""
    pairs: list[Document] = []
    for i in range(10):
        own = numbers(i, rng)
        kind = "Standard" if i < 5 else "TopK"
        trainer = {"trainer_class": f"lib.{kind}Trainer", "activation_dim": 64, "dict_size": 512, "layer": 3}
        results = {"l0": own["l0"], "frac_recovered": own["score"], "loss_original": own["ce_base"]}
        results |= {"loss_reconstructed": own["ce_sae"], "loss_zero": own["ce_ablated"]}
        of_k = {"k": round(own["l0"])} if kind == "TopK" else {}
        pairs.append({"config": {"trainer": trainer | of_k}, "results": results})
    pairs, said = changed(pairs, rng)
    top = folder / "trained"
    for i, pair in enumerate(pairs):
        for name, file in (("config", "config.json"), ("results", "eval_results.json")):
            if name in pair:
                save_json(top / f"trainer_{i:02}" / file, pair[name], rng, said, often=0.03)
    if not top.is_dir():
        top.mkdir()

    def plainly() -> list[Row]:
        rows = []
        for path in sorted(top.glob("*/eval_results.json")):
            results, trainer = load(path), load(path.with_name("config.json"))["trainer"]
            theirs = {"score": "frac_recovered", "ce_sae": "loss_reconstructed", "ce_base": "loss_original"}
            theirs |= {"ce_ablated": "loss_zero", "l0": "l0"}
            values = {name: number_in(results, (own,)) for name, own in theirs.items()}
            variant = text_of(trainer["trainer_class"]).split(".")[-1]
            k = number_in(trainer, ("k",))
            far = math.isnan(values["l0"]) or abs(values["l0"] / k - 1) > 0.1
            if "topk" in variant.lower() and k > 0 and far:
                values["l0"] = k
            rows.append((variant, values))
        return by_losses_or_score(rows)

    return Mutant(top, said, plainly)


# ---------------------------------------------------------------- Weights & Biases


def trainers_mutant(folder: Path, rng: Random) -> Mutant:
    """An export of runs with two trainers each."""
    names = ("Standard-0", "TopK-1")
    rows: list[Document] = []
    for i in range(5):
        row: Document = {"Name": f"run-{i}", "State": "finished", "Created": f"2025-03-0{i + 1}"}
        for j, name in enumerate(names):
            own = numbers(i + 5 * j, rng)
            row |= {f"{name}.trainer_class": name[:-2], f"{name}/l0": own["l0"]}
            row |= {f"{name}/frac_recovered": round(own["score"], 6)}
        rows.append(row)
    rows, said = changed(rows, rng)
    cells = pd.DataFrame(rows)
    path = folder / "runs.csv"
    cells.to_csv(path, index=False)

    def plainly() -> list[Row]:
        found = pd.read_csv(path, keep_default_na=False, na_values=[""])
        rows = []
        for _, row in found.iterrows():
            for name in names:
                own = {
                    key: row[column]
                    for column, key in ((c, c[len(name) + 1 :]) for c in found)
                    if column.startswith(name)
                }
                if any(pd.notna(value) for value in own.values()):
                    l0, score = (float(own[key]) for key in ("l0", "frac_recovered"))
                    rows.append((str(own["trainer_class"]).split(".")[-1], l0, 1 - score))
        return rows

    return Mutant(path, said, plainly)

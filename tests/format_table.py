"""Every form of a table that is read, as a file of the same eight SAEs; the page "my file" lists them.

``python tests/format_table.py`` writes the lists into the page. A new form is a function below, and its row.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from hillfront.frontiers.column_names import SYNONYMS
from hillfront.frontiers.table import Frontiers
from hillfront.readers.formats import find_format, read_path

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "my-csv.md"
SAES = [
    (variant, l0, hit)
    for variant, scale in (("relu", 0.2), ("gated", 0.1))
    for l0, hit in ((10.5, scale), (20.25, scale / 2), (41.0, scale / 4), (80.5, scale / 8))
]
"""Variant, L0, and performance hit; invented."""

PERFORMANCE = "model_performance_preservation"


def losses(hit: float, names: tuple[str, str, str]) -> dict[str, float]:
    """Losses with the SAE, without, and ablated, that give a hit."""
    return dict(zip(names, (3 + 8 * hit, 3.0, 11.0), strict=True))


OF_SAELENS = ("ce_loss_with_sae", "ce_loss_without_sae", "ce_loss_with_ablation")


def scores(hit: float) -> dict[str, float]:
    return {"ce_loss_score": 1 - hit, **losses(hit, OF_SAELENS)}


def frame(*names: str) -> pd.DataFrame:
    """Variant, layer, L0 and loss recovered, under these names."""
    return pd.DataFrame([dict(zip(names, (variant, 6, l0, 1 - y), strict=True)) for variant, l0, y in SAES])


PLAIN = frame("variant", "layer", "l0", "loss_recovered")


def text(name: str, encoding: str = "utf-8", before: str = "", **how: Any) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        content = (before + PLAIN.to_csv(index=False, **how)).encode(encoding)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return folder / name

    return save


def with_columns(name: str, rows: list[dict[str, Any]]) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        pd.DataFrame(rows).to_csv(folder / name, index=False)
        return folder / name

    return save


def documents(**contents: Any) -> Callable[[Path], Path]:
    """Files of JSON below a folder, or one file; text is written as it is."""

    def save(folder: Path) -> Path:
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return folder if len(contents) > 1 else folder / next(iter(contents))

    return save


def excel(folder: Path) -> Path:
    with pd.ExcelWriter(folder / "saes.xlsx") as book:
        pd.DataFrame({"about": ["these SAEs"]}).to_excel(book, sheet_name="notes", index=False)
        PLAIN.to_excel(book, sheet_name="runs", index=False)
    return folder / "saes.xlsx"


def parquet(folder: Path) -> Path:
    PLAIN.to_parquet(folder / "saes.parquet")
    return folder / "saes.parquet"


def feather(folder: Path) -> Path:
    PLAIN.to_feather(folder / "saes.feather")
    return folder / "saes.feather"


def indexed(folder: Path) -> Path:
    PLAIN.to_csv(folder / "saes.csv")
    return folder / "saes.csv"


def western(folder: Path) -> Path:
    PLAIN.rename(columns={"variant": "größe"}).to_csv(folder / "saes.csv", index=False, encoding="latin-1")
    return folder / "saes.csv"


RECORDS = PLAIN.to_dict("records")
RUN = {"State": "finished", "Created": "2025-03-01", "Runtime": 60}
OF_RUNS = [
    {"Name": f"run-{i}", **RUN, "config.arch": variant, "eval/l0": l0, "eval/frac_recovered": 1 - y}
    for i, (variant, l0, y) in enumerate(SAES)
]
OF_TRAINERS = [
    {
        "Name": f"run-{i}",
        **RUN,
        **{
            f"{name}-{j}{rest}": value
            for j, (variant, l0, y) in enumerate(SAES[2 * i : 2 * i + 2])
            for name in [variant]
            for rest, value in ((".trainer_class", f"lib.{name}"), ("/l0", l0), ("/frac_recovered", 1 - y))
        },
    }
    for i in range(4)
]
SAELENS = [
    {
        "unique_id": f"mine-{i}",
        "sae_set": "mine",
        "sae_id": f"blocks.4.hook_resid_pre/{i}",
        "eval_cfg": {"dataset": "some/text"},
        "sae_cfg": {"architecture": variant, "d_sae": 512},
        "metrics": {"sparsity": {"l0": l0}, PERFORMANCE: scores(y)},
    }
    for i, (variant, l0, y) in enumerate(SAES)
]
SAELENS_ROWS = pd.json_normalize(SAELENS).to_dict("records")
SAELENS_OLD = [
    {
        "sae_id": f"{variant.replace('relu', 'standard')}-{i}-blocks.4.hook_resid_pre",
        "metrics/l0": l0,
        "metrics/ce_loss_score": 1 - y,
    }
    for i, (variant, l0, y) in enumerate(SAES)
]


def core(number: int, step: str = "") -> dict[str, Any]:
    variant, l0, y = SAES[number]
    return {
        "eval_type_id": "core",
        "eval_config": {"model_name": "toy"},
        "eval_result_metrics": {"sparsity": {"l0": l0}, PERFORMANCE: scores(y)},
        "sae_lens_id": f"blocks.3.hook_resid_post__trainer_{number}{step}",
        "sae_lens_release_id": "mine",
        "sae_cfg_dict": {"architecture": variant, "d_sae": 512},
    }


def flat(number: int) -> dict[str, Any]:
    variant, l0, y = SAES[number]
    own = {f"core||{PERFORMANCE}||{name}": value for name, value in scores(y).items()}
    return {
        "modelId": "toy",
        "layer": 3,
        "saeClass": variant,
        "sourceId": f"{number}",
        "core||sparsity||l0": l0,
    } | own


def trained(number: int) -> dict[str, Any]:
    """The two files of one trainer."""
    variant, l0, y = SAES[number]
    names = ("loss_reconstructed", "loss_original", "loss_zero")
    here = f"{number // 4}/trainer_{number % 4}"
    trainer = {"trainer_class": f"lib.{variant}", "layer": 3, "dict_size": 512, "lm_name": "toy"}
    return {
        f"{here}/config.json": {"trainer": trainer},
        f"{here}/eval_results.json": {"l0": l0, "frac_recovered": 1 - y, **losses(y, names)},
    }


LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)
NESTED = [
    {"config": {"arch": variant, "layer": 6}, "eval": {"l0": l0, "ce_loss_score": 1 - y}}
    for variant, l0, y in SAES
]


@dataclass(frozen=True)
class Form:
    """A row of the page: what a file is, how to make it, and an example of it."""

    what: str
    format: str
    save: Callable[[Path], Path]
    example: str = ""
    """What the page shows; by default the header of the file."""
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    """The beginning of a note that the reading gives."""


LAYER: dict[str, Any] = {"group": ["layer"]}
HEADER_OF_TRAINERS = "Name,State,Created,Runtime,relu-0.trainer_class,relu-0/l0,relu-0/frac_recovered,…"

FORMS = (
    Form("commas", "csv", text("saes.csv"), options=LAYER),
    Form("semicolons", "csv", text("saes.csv", sep=";"), options=LAYER),
    Form(
        "semicolons, decimal commas",
        "csv",
        text("saes.csv", sep=";", decimal=","),
        "relu;6;10,5;0,8",
        LAYER,
        "Decimal commas were read in 'l0', 'loss_recovered'",
    ),
    Form("tabs", "csv", text("saes.tsv", sep="\t"), options=LAYER),
    Form("vertical bars", "csv", text("saes.txt", sep="|"), options=LAYER),
    Form(
        "a line that names the separator", "csv", text("saes.csv", sep=";", before="sep=;\n"), "sep=;", LAYER
    ),
    Form("comments at the head", "csv", text("saes.csv", before="# May\n"), "# May", LAYER),
    Form("an index of pandas", "csv", indexed, options=LAYER),
    Form("UTF-8 with a byte order mark", "csv", text("saes.csv", "utf-8-sig"), "", LAYER),
    Form("UTF-16", "csv", text("saes.csv", "utf-16"), "", LAYER),
    Form(
        "Windows-1252 (Latin-1)",
        "csv",
        western,
        "größe,layer,l0,loss_recovered",
        {"variant": "größe"},
        "saes.csv: It is not UTF-8",
    ),
    Form("gzip", "csv", text("saes.csv.gz"), "saes.csv.gz", LAYER),
    Form(
        "three losses",
        "csv",
        with_columns("saes.csv", [{"sae_type": v, "L0": l0, **losses(y, OF_SAELENS)} for v, l0, y in SAES]),
    ),
    Form(
        "a performance hit",
        "csv",
        with_columns("saes.csv", [{"arch": v, "avg_l0": l0, "performance_hit": y} for v, l0, y in SAES]),
    ),
    Form(
        "names with a path",
        "csv",
        with_columns(
            "saes.csv",
            [{"config.arch": v, "metrics/l0": l0, "metrics/loss_recovered": 1 - y} for v, l0, y in SAES],
        ),
    ),
    Form(
        "names in capitals, with blanks",
        "csv",
        with_columns(
            "saes.csv", [{"SAE type": v, "Mean L0": l0, "CE loss score": 1 - y} for v, l0, y in SAES]
        ),
    ),
    Form(
        "other names, said by options",
        "csv",
        with_columns("saes.csv", [{"who": v, "active": l0, "quality": 1 - y} for v, l0, y in SAES]),
        options={"variant": "who", "l0": "active", "y": "quality"},
    ),
    Form(
        "Excel: the first sheet with an L0",
        "excel",
        excel,
        "saes.xlsx",
        LAYER,
        "The sheet 'runs' was read. Not read: 'notes'.",
    ),
    Form("Parquet", "parquet", parquet, "saes.parquet", LAYER),
    Form("Feather, Arrow", "arrow", feather, "saes.feather", LAYER),
    Form(
        "JSON, a list of records",
        "json",
        documents(**{"saes.json": RECORDS}),
        '[{"variant": "relu", "layer": 6, "l0": 10.5, …}, …]',
        LAYER,
    ),
    Form(
        "JSON lines",
        "json",
        documents(**{"saes.jsonl": LINES}),
        '{"variant": "relu", "layer": 6, "l0": 10.5, …}',
        LAYER,
    ),
    Form(
        "JSON, an object of columns",
        "json",
        documents(**{"saes.json": PLAIN.to_dict("list")}),
        '{"variant": ["relu", …], "l0": [10.5, …], …}',
        LAYER,
    ),
    Form(
        "JSON as pandas writes it",
        "json",
        documents(**{"saes.json": PLAIN.to_json()}),
        '{"variant": {"0": "relu", …}, "l0": {"0": 10.5, …}, …}',
        LAYER,
    ),
    Form(
        "JSON, nested records in an object",
        "json",
        documents(**{"saes.json": {"runs": NESTED}}),
        '{"runs": [{"config": {"arch": "relu", …}, "eval": {"l0": 10.5, …}}, …]}',
        LAYER,
    ),
    Form(
        "a folder of records",
        "json",
        documents(**{f"{i}.json": record for i, record in enumerate(RECORDS)}),
        "0.json, 1.json, …",
        LAYER,
    ),
    Form("Weights & Biases, an SAE a run", "wandb", with_columns("runs.csv", OF_RUNS)),
    Form(
        "Weights & Biases, several trainers a run",
        "wandb",
        with_columns("runs.csv", OF_TRAINERS),
        HEADER_OF_TRAINERS,
    ),
    Form(
        "SAELens, the CSV of all",
        "saelens",
        with_columns("all.csv", SAELENS_ROWS),
        "unique_id,sae_set,sae_id,eval_cfg.dataset,sae_cfg.architecture,…,metrics.sparsity.l0,…",
    ),
    Form("SAELens, an older CSV", "saelens", with_columns("all.csv", SAELENS_OLD)),
    Form(
        "SAELens, JSON of all",
        "saelens",
        documents(**{"all.json": SAELENS}),
        '[{"unique_id": …, "sae_cfg": …, "metrics": {"sparsity": {"l0": …}, …}}, …]',
    ),
    Form(
        "SAELens, a folder",
        "saelens",
        documents(**{f"{i}.json": one for i, one in enumerate(SAELENS)}),
        "0.json, 1.json, …",
    ),
    Form(
        "SAEBench, a folder of `core` results",
        "saebench",
        documents(**{f"{i // 4}/r{i}.json": core(i) for i in range(8)}),
        '{"eval_type_id": "core", …, "eval_result_metrics": {"sparsity": {"l0": …}, …}, …}',
    ),
    Form(
        "SAEBench, a flat list",
        "saebench",
        documents(**{"data.json": [flat(i) for i in range(8)]}),
        '[{…, "saeClass": "relu", …, "core||sparsity||l0": 10.5, …}, …]',
    ),
    Form(
        "SAEBench, checkpoints of training",
        "saebench",
        documents(**{f"r{i}.json": core(i, f"_step_{1000 * (i + 1)}") for i in range(8)}),
        "…__trainer_0_step_1000",
        {"group": ["step"]},
    ),
    Form(
        "dictionary_learning, a folder",
        "dictionary_learning",
        documents(**{name: one for i in range(8) for name, one in trained(i).items()}),
        "…/trainer_0/config.json, …/trainer_0/eval_results.json",
    ),
)


def read(form: Form, folder: Path) -> tuple[Path, Frontiers]:
    """Make the file of a form, and read it as the command line does."""
    path = form.save(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return path, read_path(path, format=find_format(path), **form.options).to_frontiers()


def options_of(form: Form) -> str:
    given = {name: [value] if isinstance(value, str) else value for name, value in form.options.items()}
    return " ".join(f"--{name} {one}" for name, values in given.items() for one in values)


def code(shown: str) -> str:
    """Write code in a cell of a table."""
    return "`" + shown.replace("\t", "⇥").replace("|", r"\|") + "`"


def row_of(form: Form, path: Path, frontiers: Frontiers) -> str:
    shown = form.example
    if not shown:
        content = path.read_bytes()
        marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        shown = content.decode("utf-16" if marked else "utf-8-sig").splitlines()[0]
    roles = ("variant", "l0", "loss_recovered", "performance_hit", "ce_sae", "ce_base", "ce_ablated")
    read_as = [frontiers.read_as[role] for role in roles if role in frontiers.read_as]
    if "loss_recovered" in frontiers.read_as:
        read_as = [frontiers.read_as[role] for role in roles[:3]]
    elif "performance_hit" not in frontiers.read_as:
        read_as = [frontiers.read_as[role] for role in ("variant", "l0", *roles[4:])]
    names = ", ".join(map(code, read_as))
    options = code(options_of(form)) if form.options else ""
    return f"| {form.what} | {code(shown)} | {names} | {options} |"


def list_of_forms(folder: Path) -> list[str]:
    lines = [
        "| a file with | that begins, or holds | read as variant, L0, and recovery, hit or losses | with |"
    ]
    lines.append("|---|---|---|---|")
    for i, form in enumerate(FORMS):
        (folder / f"{i}").mkdir()
        lines.append(row_of(form, *read(form, folder / f"{i}")))
    return lines


MEANINGS = {
    "variant": "what is compared",
    "l0": "L0",
    "loss_recovered": "loss recovered",
    "performance_hit": "performance hit",
    "ce_sae": "loss with the SAE",
    "ce_base": "loss without it",
    "ce_ablated": "loss with the ablation",
    "explained_variance": "explained variance, for `--cost fvu`",
    "model": "model, for `--group model`",
    "site": "site, for `--group site`",
    "layer": "layer, for `--group layer`",
    "width": "width, for `--group width`",
    "d_model": "width of the activation",
    "seed": "seed",
    "label": "name of the SAE",
    "n_tokens": "tokens of the evaluation",
    "fvu": "fraction of variance unexplained, for `--cost fvu`",
    "loss_difference": "loss difference, for `--cost loss_difference`",
}


def list_of_names() -> list[str]:
    lines = ["| what | names |", "|---|---|"]
    return lines + [
        f"| {MEANINGS[role]} | {', '.join(map(code, names))} |" for role, names in SYNONYMS.items()
    ]


def between(page: str, name: str) -> re.Match[str]:
    found = re.search(rf"(<!-- {name} -->\n)(.*?)(\n<!-- /{name} -->)", page, re.DOTALL)
    assert found is not None, f"the page has no place for {name}"
    return found


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with TemporaryDirectory() as folder:
        for name, lines in (("forms", list_of_forms(Path(folder))), ("names", list_of_names())):
            found = between(page, name)
            page = page[: found.start(2)] + "\n".join(lines) + page[found.end(2) :]
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

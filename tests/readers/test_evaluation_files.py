"""Evaluations of SAEBench, SAELens and dictionary_learning: older schemas, lists, checkpoints and gaps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hillfront as hf
from hillfront.frontiers.table import FrontierDataWarning
from hillfront.readers.formats import find_format, read_path
from hillfront.readers.json_files import ReadError

pytestmark = pytest.mark.filterwarnings(f"ignore::{FrontierDataWarning.__module__}.FrontierDataWarning")

type Document = dict[str, Any]


def core(number: int, *, hook: str | None = "blocks.3.hook_resid_post") -> Document:
    y = 0.2 / (1 + number)
    return {
        "eval_type_id": "core",
        "eval_config": {"model_name": "toy", "dataset": "some/text", "n_eval_reconstruction_batches": 8},
        "eval_result_metrics": {
            "sparsity": {"l0": 10.0 * 2**number},
            "model_performance_preservation": {
                "ce_loss_score": 1 - y,
                "ce_loss_with_ablation": 11.0,
                "ce_loss_without_sae": 3.0,
                "ce_loss_with_sae": 3.0 + 8.0 * y,
            },
        },
        "sae_bench_commit_hash": "abc",
        "sae_lens_release_id": "mine_topk",
        "sae_lens_id": f"trainer_{number}",
        "sae_cfg_dict": {"architecture": "topk", "d_sae": 512, "hook_layer": 3}
        | ({"hook_name": hook} if hook else {}),
    }


def write(folder: Path, documents: list[Document]) -> Path:
    folder.mkdir(exist_ok=True)
    for i, document in enumerate(documents):
        (folder / f"r{i}.json").write_text(json.dumps(document))
    return folder


# ---------------------------------------------------------------- SAEBench


def test_a_site_that_only_some_files_know(tmp_path: Path) -> None:
    documents = [core(i, hook=None if i == 2 else "blocks.3.hook_resid_post") for i in range(4)]
    frontiers = hf.read_saebench(write(tmp_path / "core", documents))
    assert frontiers.settings == ("toy / resid_post / 3 / 512",)
    assert frontiers.warnings[0] == (
        "The site is not known of 1 of 4 SAEs ('mine_topk/trainer_2'). It was taken to be 'resid_post', as "
        "in all others."
    )


def test_sites_that_differ_are_not_taken_for_those_unknown(tmp_path: Path) -> None:
    hooks = [None, "blocks.3.hook_resid_post", "blocks.3.hook_mlp_out", "blocks.3.hook_mlp_out"]
    folder = write(tmp_path / "core", [core(i, hook=hook) for i, hook in enumerate(hooks)])
    with pytest.raises(hf.frontiers.fault.FrontierDataError, match=r"site[^\0]*Row 0 is .*r0\.json"):
        hf.read_saebench(folder)


def test_checkpoints_have_a_step(tmp_path: Path) -> None:
    documents = [core(i) for i in range(4)] + [
        core(i) | {"sae_lens_id": f"trainer_{i}_step_4000"} for i in range(4)
    ]
    documents[4]["sae_cfg_dict"]["training_tokens"] = 8_000
    frame = read_path(write(tmp_path / "core", documents)).frame
    assert frame["step"].tolist() == ["final"] * 4 + ["4000"] * 4
    assert frame["training_tokens"].tolist()[4] == 8_000
    settings = hf.read_saebench(tmp_path / "core", group="step").settings
    assert settings == ("final", "4000")


def test_conditions_of_the_evaluation_are_columns(tmp_path: Path) -> None:
    documents = [core(i) for i in range(4)]
    documents[0]["eval_config"]["n_eval_reconstruction_batches"] = 200
    documents[1]["sae_bench_commit_hash"] = "def"
    frame = read_path(write(tmp_path / "core", documents)).frame
    assert frame["n_batches"].tolist() == ["200", "8", "8", "8"]
    assert frame["eval_version"].tolist() == ["abc", "def", "abc", "abc"]


def test_an_architecture_is_not_needed_where_another_variant_is_named(tmp_path: Path) -> None:
    documents = [core(i) | {"sae_cfg_dict": {}, "sae_lens_release_id": "mine"} for i in range(4)]
    folder = write(tmp_path / "core", documents)
    assert hf.read_saebench(folder, variant="release").variants == ("mine",)
    text = r"r0\.json, .*r3\.json \(4 files\): no architecture at sae_cfg_dict.*, pass variant='release'$"
    with pytest.raises(ReadError, match=rf"(?m){text}"):
        hf.read_saebench(folder)


def test_a_list_of_flat_records(tmp_path: Path) -> None:
    records: list[Document] = [
        {
            "modelId": "toy",
            "layer": 3,
            "dSae": 512,
            "saeClass": "topk",
            "sourceId": f"3-topk__trainer_{i}",
            "core||sparsity||l0": 10.0 * 2**i,
            "core||model_performance_preservation||ce_loss_score": 1 - 0.2 / (1 + i),
            "core||model_performance_preservation||ce_loss_with_sae": -1,
            "scr||scr_metrics||scr_metric_threshold_10": 0.3,
        }
        for i in range(4)
    ]
    records.append({"modelId": "toy", "sourceId": "other", "core||sparsity||l0": None, "scr||x": 1})
    (tmp_path / "data.json").write_text(json.dumps(records))
    assert find_format(tmp_path / "data.json") == "saebench"
    source = read_path(tmp_path / "data.json")
    assert source.notes == ("1 record without core results left out: other.",)
    frontiers = source.to_frontiers()
    assert (frontiers.variants, frontiers.settings) == (("topk",), ("toy / 3 / 512",))
    assert frontiers.table["performance_hit"].to_numpy() == pytest.approx([0.2 / (1 + i) for i in range(4)])
    (tmp_path / "data.json").write_text(json.dumps([records[0] | {"core||sparsity||l0": "many"}]))
    with pytest.raises(ReadError, match=r"record 0: no number at core\.sparsity\.l0"):
        read_path(tmp_path / "data.json")


# ---------------------------------------------------------------- SAELens


def old_csv(folder: Path, ids: list[str]) -> Path:
    frame = pd.DataFrame(
        {
            "sae_id": ids,
            "context_size": 128,
            "dataset": "some/text",
            "metrics/l0": [12.0, 24.0, 48.0, 96.0],
            "metrics/ce_loss_score": [0.8, 0.9, 0.95, 0.975],
            "metrics/explained_variance": [0.5, -1.0, 0.7, 0.8],
        }
    )
    frame.to_csv(folder / "evals.csv", index=False)
    return folder / "evals.csv"


def test_a_table_of_an_older_version(tmp_path: Path) -> None:
    path = old_csv(tmp_path, [f"toy-gated-{i}-blocks.{4 + i % 2}.hook_resid_pre" for i in range(4)])
    assert find_format(path) == "saelens"
    frontiers = read_path(path).to_frontiers()
    assert (frontiers.variants, frontiers.settings) == (("gated",), ("resid_pre / 4", "resid_pre / 5"))
    assert frontiers.table["l0"].tolist() == [12.0, 24.0, 48.0, 96.0]
    assert frontiers.table["performance_hit"].to_numpy() == pytest.approx([0.2, 0.1, 0.05, 0.025])


def test_releases_are_compared_where_no_architecture_is_known(tmp_path: Path) -> None:
    path = old_csv(tmp_path, [f"res-{'ab'[i // 2]}/blocks.4.hook_resid_pre" for i in range(4)])
    source = read_path(path)
    assert source.notes == (
        "The file knows no architecture, so the variant is the release, which each sae_id begins with. For "
        "another column pass variant.",
    )
    assert source.to_frontiers().variants == ("res-a", "res-b")
    mixed = old_csv(tmp_path, ["gated/x", "a/x", "b/x", "c/x"])
    with pytest.raises(ReadError, match=r"row 1, .*row 3 \(3 files\): no architecture in its sae_id"):
        read_path(mixed)


# ---------------------------------------------------------------- dictionary_learning


def trained(folder: Path, number: int, kind: str, **config: object) -> Path:
    here = folder / kind.lower() / "resid_post_layer_3" / f"trainer_{number}"
    here.mkdir(parents=True)
    y = 0.2 / (1 + number)
    trainer = {"trainer_class": f"lib.{kind}Trainer", "dict_class": "AutoEncoder", "activation_dim": 64}
    trainer |= {"dict_size": 512, "layer": 3, "lm_name": "toy", "submodule_name": "resid_post_layer_3"}
    (here / "config.json").write_text(json.dumps({"trainer": trainer | config, "buffer": {"ctx_len": 64}}))
    results = {"l0": 10.0 * 2**number, "frac_recovered": 1 - y, "frac_variance_explained": 0.9}
    results |= {"loss_original": 3.0, "loss_reconstructed": 3.0 + 8.0 * y, "loss_zero": 11.0}
    (here / "eval_results.json").write_text(json.dumps(results))
    return here


def test_a_folder_of_trainers(tmp_path: Path) -> None:
    for kind in ("Standard", "TopK"):
        for i in range(4):
            trained(tmp_path, i, kind, **({"k": 10 * 2**i * (2 if i == 3 else 1)} if kind == "TopK" else {}))
    assert find_format(tmp_path) == "dictionary_learning"
    source = read_path(tmp_path)
    frontiers = source.to_frontiers(baseline="StandardTrainer")
    assert frontiers.variants == ("StandardTrainer", "TopKTrainer")
    assert frontiers.settings == ("toy / resid_post / 3 / 512",)
    assert frontiers.from_losses
    table = frontiers.table
    assert table["l0"].tolist() == [10, 20, 40, 80, 10, 20, 40, 160]
    assert table["performance_hit"].to_numpy() == pytest.approx([0.2 / (1 + i) for i in range(4)] * 2)
    assert table.loc[0, "label"] == "standard/resid_post_layer_3/trainer_0"
    assert source.notes == (
        "The logged L0 is not k in 'topk/resid_post_layer_3/trainer_3' (k 160, logged 80). For TopK, k is "
        "taken as L0.",
    )
    assert (source.read_as["architecture"], source.read_as["ce_sae"]) == (
        "trainer_class",
        "loss_reconstructed",
    )
    assert len(read_path(tmp_path / "topk").frame) == 4
    one = tmp_path / "topk" / "resid_post_layer_3" / "trainer_0" / "eval_results.json"
    assert (find_format(one), len(read_path(one).frame)) == ("dictionary_learning", 1)


def test_trainers_that_were_not_evaluated_are_named(tmp_path: Path) -> None:
    folders = [trained(tmp_path, i, "Standard") for i in range(4)]
    (folders[2] / "eval_results.json").unlink()
    (note,) = read_path(tmp_path).notes
    left_out = "standard/resid_post_layer_3/trainer_2"
    assert note == f"1 folder with a config.json but no eval_results.json left out: {left_out}."


def test_trainers_that_do_not_fit(tmp_path: Path) -> None:
    folders = [trained(tmp_path, i, "Standard") for i in range(4)]
    (folders[0] / "config.json").unlink()
    (folders[1] / "eval_results.json").write_text('{"l0": 3}')
    (folders[2] / "config.json").write_text('{"trainer": {}}')
    text = (
        r"^3 of 4 files cannot be read\. Expected: dictionary_learning results[^\0]*"
        r"no config\.json beside it[^\0]*no number at l0, or none at frac_recovered[^\0]*no trainer_class"
    )
    with pytest.raises(ReadError, match=text):
        read_path(tmp_path)


def test_what_was_read_from_where(tmp_path: Path) -> None:
    for i in range(4):
        trained(tmp_path, i, "Standard")
    frontiers = read_path(tmp_path).to_frontiers()
    assert {role: frontiers.read_as[role] for role in ("variant", "l0", "ce_base")} == {
        "variant": "trainer_class",
        "l0": "l0",
        "ce_base": "loss_original",
    }
    assert frontiers.unused == ()  # the reader's own columns are no news

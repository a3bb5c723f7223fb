"""Formats that people have: each reads into the right columns, and what does not fit is named."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hillfront as hf
from hillfront.frontiers.fault import FrontierDataError
from hillfront.frontiers.table import FrontierDataWarning
from hillfront.readers.evaluations import architecture_in, layer_in, site_in, width_in
from hillfront.readers.formats import FORMATS, find_format, read_path
from hillfront.readers.json_files import ReadError

pytestmark = pytest.mark.filterwarnings(f"ignore::{FrontierDataWarning.__module__}.FrontierDataWarning")

type Document = dict[str, Any]


def performance(ce_sae: float) -> Document:
    """Invented losses, of a base model at 3 and an ablated one at 11."""
    return {
        "ce_loss_score": (11.0 - ce_sae) / 8.0,
        "ce_loss_with_ablation": 11.0,
        "ce_loss_with_sae": ce_sae,
        "ce_loss_without_sae": 3.0,
    }


def core(l0: float, ce_sae: float, *, architecture: str = "gated", number: int = 0) -> Document:
    """A result of SAEBench's core evaluation, with a configuration."""
    return {
        "eval_type_id": "core",
        "eval_config": {"model_name": "toy-1l", "dataset": "some/text", "context_size": 128},
        "eval_id": "0",
        "eval_result_metrics": {
            "model_behavior_preservation": {"kl_div_score": -1.0, "kl_div_with_sae": -1.0},
            "model_performance_preservation": performance(ce_sae),
            "reconstruction_quality": {"explained_variance": 0.9, "mse": 0.01, "cossim": 0.99},
            "sparsity": {"l0": l0, "l1": 99.0},
            "token_stats": {"total_tokens_eval_reconstruction": 5120},
        },
        "eval_result_details": [{"index": 0, "feature_density": 0.0}],
        "sae_lens_id": f"blocks.3.hook_resid_post__trainer_{number}",
        "sae_lens_release_id": "my_release",
        "sae_cfg_dict": {
            "architecture": architecture,
            "d_in": 64,
            "d_sae": 512,
            "hook_name": "blocks.3.hook_resid_post",
            "hook_layer": 3,
            "model_name": "toy-1l",
        },
    }


def without(document: Document, *path: str) -> Document:
    document = copy.deepcopy(document)
    inside = document
    for name in path[:-1]:
        inside = inside[name]
    del inside[path[-1]]
    return document


def put(document: Document, value: object, *path: str) -> Document:
    document = copy.deepcopy(document)
    inside = document
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    return document


def write(folder: Path, **documents: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        text = document if isinstance(document, str) else json.dumps(document, indent=2)
        (folder / f"{name}.json").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve results of two architectures, in a folder each."""
    for shift, architecture in ((0, "gated"), (6, "standard")):
        documents = {
            f"r{i}": core(20.0 * 2**i, 3 + 1.0 / (1 + i + shift), architecture=architecture, number=i)
            for i in range(6)
        }
        write(tmp_path / "core" / architecture, **documents)
    return tmp_path / "core"


# ---------------------------------------------------------------- SAEBench


def test_a_folder_of_saebench_results(folder: Path) -> None:
    frontiers = hf.read_saebench(folder, baseline="standard")
    assert (len(frontiers), frontiers.variants) == (12, ("gated", "standard"))
    assert frontiers.group_columns == ("model", "site", "layer", "width")
    assert frontiers.settings == ("toy-1l / resid_post / 3 / 512",)
    assert frontiers.from_losses
    table = frontiers.table
    assert table["l0"].tolist() == [20.0 * 2**i for i in range(6)] * 2
    assert table["performance_hit"].to_numpy() == pytest.approx([1 / (1 + i) / 8 for i in range(12)])
    assert table.loc[0, "label"] == "my_release/blocks.3.hook_resid_post__trainer_0"
    constant = {
        "d_model": 64.0,
        "n_tokens": 5120.0,
        "ablation": "zero",
        "ce_base": 3.0,
        "ce_ablated": 11.0,
    }
    for name, value in constant.items():
        assert set(table[name]) == {value}, name


def test_one_file_or_a_list_of_files(folder: Path) -> None:
    files = sorted(folder.rglob("*.json"))
    assert len(hf.read_saebench(files[0])) == 1
    assert len(hf.read_saebench([*map(str, files[:3]), files[3]])) == 4
    assert len(hf.read_saebench([folder, files[0]])) == 12  # a file that is named twice counts once
    with pytest.raises(FileNotFoundError, match="No file was given"):
        hf.read_saebench([])


def test_other_columns_and_a_cost(folder: Path) -> None:
    frontiers = hf.read_saebench(folder, variant="release", group="architecture", cost="fvu")
    assert frontiers.variants == ("my_release",)
    assert frontiers.settings == ("gated", "standard")
    assert frontiers.y.to_numpy() == pytest.approx(0.1)
    assert hf.read_saebench(folder, y="loss_recovered").from_losses is False
    with pytest.raises(ValueError, match="pass y or cost, not both"):
        hf.read_saebench(folder, y="ce", cost="mse")
    with pytest.raises(FrontierDataError, match="missing column 'kl_div_with_sae'"):
        hf.read_saebench(folder, cost="kl_div_with_sae")  # -1 throughout: not computed


def test_the_score_of_all_where_one_lacks_losses(folder: Path) -> None:
    lacking = core(15, 3.5, number=9)
    lacking["eval_result_metrics"]["model_performance_preservation"] = {
        "ce_loss_score": 0.9,
        "ce_loss_with_sae": -1.0,
        "ce_loss_without_sae": -1.0,
        "ce_loss_with_ablation": -1.0,
    }
    write(folder, lacking=lacking)
    frontiers = hf.read_saebench(folder)
    assert not frontiers.from_losses
    assert len(frontiers) == 13
    assert frontiers.table["performance_hit"].min() == pytest.approx(1 / 96)
    assert pytest.approx(frontiers.table.query("l0 == 15")["performance_hit"].item()) == 0.1


def test_a_score_that_its_losses_do_not_give(folder: Path) -> None:
    """Neither is dropped in silence: the published score counts, for every SAE."""
    path = "eval_result_metrics", "model_performance_preservation", "ce_loss_score"
    write(folder, other=put(core(15, 3.5, number=9), 0.7, *path))
    text = r"losses of 1 of 13 SAEs do not give .*0\.7, where the losses give 0\.9375\)\. The scores are used"
    with pytest.warns(FrontierDataWarning, match=text):
        frontiers = hf.read_saebench(folder)
    assert not frontiers.from_losses
    assert frontiers.table.query("l0 == 15")["performance_hit"].item() == pytest.approx(0.3)
    assert frontiers.table["performance_hit"].min() == pytest.approx(1 / 96)


def test_an_older_result_without_a_configuration(tmp_path: Path) -> None:
    old = without(core(40, 3.2), "sae_cfg_dict")
    old["sae_lens_release_id"] = "sae_bench_toy_sweep_p_anneal_ctx128"
    frontiers = hf.read_saebench(write(tmp_path, old=old))
    assert frontiers.variants == ("p_anneal",)
    assert frontiers.settings == ("toy-1l / resid_post / 3",)


def test_a_configuration_that_calls_everything_standard(tmp_path: Path) -> None:
    named = put(core(40, 3.2, architecture="standard"), "sweep_topk_ctx128", "sae_lens_release_id")
    assert hf.read_saebench(write(tmp_path, named=named)).variants == ("topk",)


def test_conditions_that_differ_are_settings(folder: Path) -> None:
    write(folder, long=put(core(25, 3.4), 1024, "eval_config", "context_size"))
    frontiers = hf.read_saebench(folder)
    assert frontiers.group_columns == ("model", "site", "layer", "width", "context_size")
    assert frontiers.n_curves == 3


SOUND = core(30, 3.2)
TEXT = json.dumps(SOUND, indent=2)
UNFIT: dict[str, tuple[object, str]] = {
    "empty": ("", r"the file is empty"),
    "blank": (" \n", r"the file is empty"),
    "truncated": (
        TEXT[: TEXT.index('"sparsity"') + 40],
        r"truncated JSON: .* at line \d+, column \d+ \(the file",
    ),
    "truncated text": (
        TEXT[: TEXT.index("some/text") + 3],
        r"truncated JSON: Unterminated string at line 5,",
    ),
    "no JSON": ("l0,ce\n1,2\n", r"not JSON: .* at line 1, column 1"),
    "a list": ([SOUND], r"a JSON list where an object with eval_type_id 'core' was expected"),
    "another evaluation": (
        put(SOUND, "scr", "eval_type_id"),
        r"eval_type_id is 'scr' where 'core' was expected",
    ),
    "another schema": ({"loss": 1}, r"no eval_type_id, so no SAEBench result \(its keys: 'loss'\)"),
    "no metrics": (without(SOUND, "eval_result_metrics"), r"no object at eval_result_metrics"),
    "no L0": (
        without(SOUND, "eval_result_metrics", "sparsity", "l0"),
        r"no number at eval_result_metrics\.sparsity\.l0",
    ),
    "text for L0": (
        put(SOUND, "30", "eval_result_metrics", "sparsity", "l0"),
        r"no number at eval_result_metrics\.sparsity\.l0",
    ),
    "no performance": (
        without(SOUND, "eval_result_metrics", "model_performance_preservation"),
        r"no number at eval_result_metrics\.model_performance_preservation\.ce_loss_score",
    ),
    "no architecture": (
        without(SOUND, "sae_cfg_dict"),
        r"no architecture at sae_cfg_dict\.architecture.* name none",
    ),
    "two architectures": (
        put(without(SOUND, "sae_cfg_dict"), "gated_vs_topk", "sae_lens_release_id"),
        r".* name more than one \(gated, topk\)",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_file_that_does_not_fit_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    content, reason = UNFIT[name]
    bad = write(tmp_path / "alone", bad=content) / "bad.json"
    with pytest.raises(ReadError, match=rf"^{re.escape(str(bad))} cannot be read: {reason}") as alone:
        hf.read_saebench(bad)
    assert "Expected: SAEBench results of the 'core' evaluation" in str(alone.value)
    write(folder / "gated", bad=content)
    with pytest.raises(ReadError, match=r"^1 of 13 files cannot be read\.") as error:
        hf.read_saebench(folder, on_fault="drop")
    assert re.search(
        rf"^1\. {re.escape(str(folder / 'gated' / 'bad.json'))}: {reason}", str(error.value), re.M
    )


def test_all_files_that_do_not_fit_in_one_error(folder: Path) -> None:
    contents = {f"b{i}": content for i, (content, _) in enumerate(UNFIT.values())}
    write(folder / "bad", **contents)
    with pytest.raises(ReadError) as error:
        hf.read_saebench(folder)
    assert len(error.value.faults) == len(UNFIT)
    assert str(error.value).startswith(f"{len(UNFIT)} of {12 + len(UNFIT)} files cannot be read.")
    # One reason is said once: of the files b0 and b1, both empty, and of those without a number for L0.
    assert re.search(r"^1\. \S+b0\.json, \S+b1\.json \(2 files\): the file is empty$", str(error.value), re.M)
    assert str(error.value).count("no number at eval_result_metrics.sparsity.l0") == 1


def test_a_number_that_cannot_be_fitted_names_its_file(folder: Path) -> None:
    bad = write(folder / "standard", bad=core(-5, 3.2)) / "bad.json"
    with pytest.raises(
        FrontierDataError, match=rf"L0 not positive \(row 6\)[^\0]*Row 6 is {re.escape(str(bad))}"
    ):
        hf.read_saebench(folder)
    dropped = hf.read_saebench(folder, on_fault="drop")
    assert (len(dropped), dropped.dropped["value"].tolist()) == (12, ["-5.0"])


def test_no_file_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no file or folder .*nowhere"):
        hf.read_saebench(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"holds no \*\.json file"):
        hf.read_saebench(tmp_path)


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("sae_bench_toy_sweep_gated_ctx128_0730", ("gated",)),
        ("GatedSAE_toy__0108_resid_post_layer_8_trainer_1", ("gated",)),
        ("BatchTopK_toy", ("batch_topk",)),
        ("MatroyshkaBatchTopKTrainer_toy", ("matryoshka_batch_topk",)),
        ("JumpRelu_toy", ("jumprelu",)),
        ("PAnneal_toy", ("p_anneal",)),
        ("topk_and_batch_topk", ("topk", "batch_topk")),
        ("aggregated_nonstandard_toy", ()),
    ],
)
def test_architectures_in_names(name: str, architecture: tuple[str, ...]) -> None:
    assert architecture_in(name) == architecture


def test_places_and_widths_in_names() -> None:
    assert (layer_in("layer_12/width_16k"), layer_in("none", "blocks.4.hook")) == (12, 4)
    assert (site_in("blocks.0.hook_mlp_out"), site_in("x")) == ("mlp_out", None)
    assert (width_in("toy_width-2pow12_date"), width_in("width_65k/x"), width_in("x")) == (
        "4096",
        "65k",
        None,
    )


# ---------------------------------------------------------------- SAELens


def lens(l0: float, ce_sae: float, *, architecture: str = "topk") -> Document:
    """An evaluation as SAELens writes it, its configuration's metadata apart."""
    return {
        "unique_id": f"rel-{architecture}-{l0}",
        "sae_set": "rel",
        "sae_id": f"{architecture}-{l0}",
        "eval_cfg": {"context_size": 128, "dataset": "some/text"},
        "metrics": {
            "model_performance_preservation": performance(ce_sae),
            "sparsity": {"l0": l0, "l1": 5.0},
            "token_stats": {"total_tokens_eval_reconstruction": 640},
        },
        "feature_metrics": {"feature_density": [0.1, 0.2]},
        "sae_cfg": {
            "architecture": architecture,
            "d_in": 64,
            "d_sae": 256,
            "metadata": {"model_name": "toy-1l", "hook_name": "blocks.2.hook_mlp_out"},
        },
    }


LENS = [lens(10.0 * 2**i, 3 + 1 / (1 + i)) for i in range(4)]


def as_files(folder: Path) -> Path:
    return write(folder, all_eval_results=LENS, **{f"e{i}": record for i, record in enumerate(LENS)})


def as_list(folder: Path) -> Path:
    return write(folder, all_eval_results=LENS) / "all_eval_results.json"


def as_csv(folder: Path) -> Path:
    pd.json_normalize(LENS).to_csv(folder / "all_eval_results.csv", index=False)
    return folder / "all_eval_results.csv"


@pytest.mark.parametrize("form", [as_files, as_list, as_csv])
def test_saelens_evaluations(tmp_path: Path, form: Callable[[Path], Path]) -> None:
    """The same from every file that SAELens writes; each evaluation once, though it writes each twice."""
    path = form(tmp_path)
    assert find_format(path) == "saelens"
    frontiers = read_path(path).to_frontiers(baseline="topk")
    assert frontiers.settings == ("toy-1l / mlp_out / 2 / 256",)
    assert frontiers.table["l0"].tolist() == [10, 20, 40, 80]
    assert frontiers.table["performance_hit"].to_numpy() == pytest.approx([1 / (1 + i) / 8 for i in range(4)])
    assert set(frontiers.table["d_model"]) == {64.0}
    assert frontiers.table.loc[0, "label"] == "rel/topk-10.0"


def test_flat_metrics_of_older_versions(tmp_path: Path) -> None:
    old = lens(10, 3.5)
    old["metrics"] = {"metrics/l0": 10.0, "metrics/ce_loss_score": 0.9, "l1": 3.0}
    source = read_path(write(tmp_path, old=old), format="saelens")
    assert source.to_frontiers().table["performance_hit"].item() == pytest.approx(0.1)


def test_saelens_evaluations_that_do_not_fit(tmp_path: Path) -> None:
    bad = [LENS[0], without(LENS[1], "metrics", "sparsity")]
    write(tmp_path, bad=bad)
    with pytest.raises(
        ReadError, match=r"bad\.json cannot be read: evaluation 1: no number at metrics\.sparsity\.l0"
    ):
        read_path(tmp_path)
    pd.json_normalize(bad).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(ReadError, match=r"bad\.csv, row 1: no number at metrics\.sparsity\.l0"):
        read_path(tmp_path / "bad.csv")


# ---------------------------------------------------------------- wandb


def runs(**columns: object) -> pd.DataFrame:
    base: dict[str, object] = {
        "Name": ["a", "b", "c", "d"],
        "State": "finished",
        "sae/architecture": ["relu", "relu", "gated", "gated"],
        "hook_layer": 6,
        "d_in": 64,
        "metrics/l0": [10, 40, 12, 50],
        "metrics/ce_loss_score": [0.8, 0.9, 0.85, 0.95],
    }
    return pd.DataFrame({name: value for name, value in (base | columns).items() if value is not None})


def saved(folder: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(folder / "runs.csv", index=False)
    return folder / "runs.csv"


def test_a_table_of_runs(tmp_path: Path) -> None:
    path = saved(tmp_path, runs())
    assert find_format(path) == "wandb"
    frontiers = read_path(path).to_frontiers(baseline="relu")
    assert (frontiers.variants, frontiers.group_columns, frontiers.settings) == (
        ("relu", "gated"),
        ("layer",),
        ("6",),
    )
    assert frontiers.table["label"].tolist() == ["a", "b", "c", "d"]
    assert frontiers.table["performance_hit"].to_numpy() == pytest.approx([0.2, 0.1, 0.15, 0.05])
    assert set(frontiers.table["d_model"]) == {64.0}


def test_losses_come_before_the_score(tmp_path: Path) -> None:
    losses = {"e.ce_loss_with_sae": 3.8, "e.ce_loss_without_sae": 3.0, "e.ce_loss_with_ablation": 11.0}
    frontiers = read_path(saved(tmp_path, runs(**losses))).to_frontiers()
    assert frontiers.from_losses
    assert frontiers.table["performance_hit"].to_numpy() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (
            {"eval/l0": 3, "metrics/l0": None, "train/l0": 4},
            r"more than one column for l0: 'eval/l0', 'train/l0'\. Pass l0='eval/l0' or l0='train/l0'",
        ),
        (
            {"metrics/l0": None, "metrics/l0_target": 3},
            r"no column for l0: expected one that ends in l0 or mean_l0 or l0_mean; "
            r"the nearest are 'metrics/l0_target'\. Add it, or pass l0='metrics/l0_target'",
        ),
        ({"sae/architecture": None}, r"no column for variant: expected one that ends in variant or arch"),
        ({"metrics/ce_loss_score": None}, r"no column for loss_recovered: .* or (pass y=|name it by y)"),
        (
            {"hook_layer": None, "cfg.layer": 3, "sae.layer": 4},
            r"more than one column for layer: 'cfg\.layer', 'sae\.layer'\. "
            r"Name the columns of the setting by group",
        ),
    ],
)
def test_runs_whose_columns_are_not_told(tmp_path: Path, columns: dict[str, object], text: str) -> None:
    path = saved(tmp_path, runs(**columns))
    with pytest.raises(
        ValueError, match=rf"^{re.escape(str(path))} does not fit as a table of runs:\n- {text}"
    ):
        read_path(path, format="wandb")


def test_columns_that_a_user_names(tmp_path: Path) -> None:
    path = saved(
        tmp_path, runs(**{"eval/l0": [1, 2, 3, 4], "sae/architecture": None, "cfg.layer": 3, "kind": "x"})
    )
    source = read_path(path, variant="kind", l0="eval/l0", group=["cfg.layer"], y="metrics/ce_loss_score")
    frontiers = source.to_frontiers()
    assert (frontiers.variants, frontiers.group_columns) == (("x",), ("cfg.layer",))
    assert frontiers.table["l0"].tolist() == [1, 2, 3, 4]


def test_the_export_of_a_chart_is_refused(tmp_path: Path) -> None:
    chart = pd.DataFrame({"Step": [1], "run - l0": [3], "run - l0__MIN": [3], "run - l0__MAX": [3]})
    with pytest.raises(ValueError, match=r"runs\.csv is the export of a chart.* Export the table of runs"):
        read_path(saved(tmp_path, chart), format="wandb")


# ---------------------------------------------------------------- tables

TABLE = pd.DataFrame(
    {
        "variant": ["NA", "NA", "gated", "gated"],
        "layer": [6, 6, 6, 6],
        "l0": [10.0, 40.0, 12.0, 50.0],
        "performance_hit": [0.2, 0.1, 0.15, 0.05],
    }
)


def write_stream(path: Path) -> None:
    import pyarrow as pa

    table = pa.Table.from_pandas(TABLE)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


TABLES: dict[str, Callable[[Path], object]] = {
    "saes.csv": lambda path: TABLE.to_csv(path, index=False),
    "saes.TSV": lambda path: TABLE.to_csv(path, index=False, sep="\t"),
    "saes.txt": lambda path: TABLE.to_csv(path, index=False),
    "saes.parquet": lambda path: TABLE.to_parquet(path),
    "labelled.parquet": lambda path: TABLE.set_index(["variant", "layer"]).to_parquet(path),
    "saes.feather": lambda path: TABLE.to_feather(path),
    "saes.arrow": write_stream,
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_by_suffix(tmp_path: Path, name: str) -> None:
    if name.endswith((".parquet", ".feather", ".arrow")):
        pytest.importorskip("pyarrow")
    TABLES[name](tmp_path / name)
    frontiers = read_path(tmp_path / name, group=["layer"]).to_frontiers(baseline="NA")
    expected = hf.Frontiers.from_frame(TABLE, group="layer")
    pd.testing.assert_frame_equal(frontiers.table, expected.table)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.parquet", b"", "cannot be read as Parquet: the file is empty"),
        ("a.parquet", b"PAR1 and then nothing", "cannot be read as Parquet: "),
        ("a.feather", b"variant,l0\n", "cannot be read as Feather or Arrow: "),
        ("a.tsv", b"", "cannot be read as TSV: .* Save the table as tab-separated UTF-8"),
        (
            "a.tsv",
            b"a\tb\n1\t2\t\n",
            r"its rows have more cells than its header of 2: line 2 has 3\. Check for tabs",
        ),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, text: str) -> None:
    if name.endswith((".parquet", ".feather")):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^{re.escape(str(tmp_path / name))} .*{text}"):
        read_path(tmp_path / name)


def test_formats(tmp_path: Path, folder: Path) -> None:
    assert find_format(folder) == "saebench"
    assert find_format(next(folder.rglob("*.json"))) == "saebench"
    with pytest.raises(ReadError, match=r"empty\.json cannot be read: the file is empty"):
        find_format(write(tmp_path / "bad", empty=""))
    assert set(FORMATS) == {
        *("csv", "json", "excel", "parquet", "arrow"),
        *("saebench", "saelens", "wandb", "dictionary_learning"),
    }
    with pytest.raises(FileNotFoundError, match=r"There is no file .*no\.csv"):
        find_format(tmp_path / "no.csv")


def test_a_polars_table() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(TABLE.to_dict("list"))
    read = hf.Frontiers.from_frame(frame, group="layer")
    pd.testing.assert_frame_equal(read.table, hf.Frontiers.from_frame(TABLE, group="layer").table)
    missing = frame.with_columns(se=polars.Series([0.01, None, 0.02, 0.01]))
    with pytest.raises(FrontierDataError, match=r"'se' not usable \(row 1\): saw empty"):
        hf.Frontiers.from_frame(missing, group="layer")
    assert np.isfinite(read.table["performance_hit"]).all()

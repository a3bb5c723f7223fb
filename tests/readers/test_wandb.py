"""Exports of runs: several trainers a run, several columns for an L0, and a k that is not the logged L0."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hillfront.frontiers.table import FrontierDataWarning
from hillfront.readers.evaluations import l0_of_topk
from hillfront.readers.formats import find_format, read_path
from hillfront.utils.interface import command_line

pytestmark = pytest.mark.filterwarnings(f"ignore::{FrontierDataWarning.__module__}.FrontierDataWarning")

RUN = {"State": "finished", "Created": "2025-03-01", "Runtime": 60}


def trainer(name: str, *, kind: str, l0: float, y: float, k: float | None = None) -> dict[str, object]:
    """The columns of one trainer, as dictionary_learning configures and logs it."""
    config = {"dict_class": f"lib.trainers.{kind}", "layer": 4, "dict_size": 512, "activation_dim": 64}
    return {f"{name}.{key}": value for key, value in (config | {"k": k, "seed": 0}).items()} | {
        f"{name}/l0": l0,
        f"{name}/frac_recovered": 1 - y,
        f"{name}/loss_original": 3.0,
        f"{name}/loss_reconstructed": 3.0 + 8.0 * y,
        f"{name}/loss_zero": 11.0,
    }


def saved(folder: Path, runs: list[dict[str, object]]) -> Path:
    pd.DataFrame(runs).to_csv(folder / "runs.csv", index=False)
    return folder / "runs.csv"


@pytest.fixture
def trainers(tmp_path: Path) -> Path:
    """Four runs of two trainers each: two runs of TopK, the second with other logged L0, two of Gated."""
    runs: list[dict[str, object]] = []
    for i, (kind, factor) in enumerate([("TopK", 1.0), ("TopK", 1.5), ("Gated", 1.0), ("Gated", 1.0)]):
        run: dict[str, object] = {"Name": f"run-{i}", **RUN}
        for j in range(2):
            k = 8.0 * 2 ** (j + 2 * (i % 2))
            own = {"k": k} if kind == "TopK" else {}
            run |= trainer(f"{kind}-{j}", kind=kind, l0=factor * k, y=1 / (k + 1), **own)
        runs.append(run)
    return saved(tmp_path, runs)


def test_a_row_a_trainer(trainers: Path) -> None:
    assert find_format(trainers) == "wandb"
    source = read_path(trainers)
    frontiers = source.to_frontiers(baseline="Gated")
    assert (len(frontiers), frontiers.variants, frontiers.settings) == (8, ("TopK", "Gated"), ("4 / 512",))
    table = frontiers.table
    assert table["label"].tolist()[:3] == ["run-0/TopK-0", "run-0/TopK-1", "run-1/TopK-0"]
    assert table["performance_hit"].to_numpy() == pytest.approx([1 / (8.0 * 2**i + 1) for i in range(4)] * 2)
    assert set(table["d_model"]) == {64.0}
    assert source.frame["State"].tolist() == ["finished"] * 8
    assert source.files[1].endswith("runs.csv, run 'run-0', trainer 'TopK-1'")
    assert source.read_as["ce_sae"] == "loss_reconstructed"


def test_k_is_taken_and_said_where_the_logged_l0_differs(trainers: Path) -> None:
    frontiers = read_path(trainers).to_frontiers()
    assert frontiers.table["l0"].tolist() == [8, 16, 32, 64] * 2
    assert frontiers.warnings[0] == (
        "The logged L0 is not k in 'run-1/TopK-0' (k 32, logged 48), 'run-1/TopK-1' (k 64, logged 96). For "
        "TopK, k is taken as L0."
    )
    assert read_path(trainers, l0="l0").to_frontiers().table["l0"].tolist()[2] == 48


def test_k_that_is_not_fixed_is_only_said() -> None:
    l0, k = pd.Series([30.0, 20.0, 33.0]), pd.Series([20.0, 20.0, 32.0])
    variants, labels = pd.Series(["BatchTopK", "BatchTopK", "Switch"]), pd.Series(["a", "b", "c"])
    with command_line():
        taken, notes = l0_of_topk(l0, k, variants, labels)
    assert taken.tolist() == [30.0, 20.0, 33.0]
    assert notes == [
        "The logged L0 is not k in 'a' (k 20, logged 30). The logged one is taken; for k pass --l0 k."
    ]


def test_options_that_are_not_needed_do_not_block(tmp_path: Path) -> None:
    run = {"Name": "a", **RUN, "arch": "topk", "l0": 9, "frac_recovered": 0.9}
    twice = {"cfg.d_in": 64, "sae.d_in": 65, "cfg.seed": 1, "sae.seed": 2}
    source = read_path(saved(tmp_path, [run | twice]))
    assert not {"d_model", "seed"} & set(source.frame.columns)
    same = {"cfg.layer": 4, "sae.layer": 4}
    assert read_path(saved(tmp_path, [run | same])).group == ("layer",)


SAELENS = {
    "Name": "a",
    **RUN,
    "sae.architecture": "standard",
    "hook_name": "blocks.5.hook_resid_pre",
    "metrics/l0": 20.2,
    "metrics/explained_variance": 0.7,
    "model_performance_preservation.ce_loss_score": 0.9,
    "model_performance_preservation.ce_loss_with_ablation": 11.0,
    "model_performance_preservation.ce_loss_with_sae": 3.8,
    "model_performance_preservation.ce_loss_without_sae": 3.0,
    "sparsity.l0": 20.0,
}


def test_the_l0_of_the_evaluation_goes_with_its_losses(tmp_path: Path) -> None:
    source = read_path(saved(tmp_path, [SAELENS, SAELENS | {"Name": "b", "sparsity.l0": 40.0}]))
    assert source.notes == (
        "L0 was read from 'sparsity.l0', of the same evaluation as "
        "'model_performance_preservation.ce_loss_with_sae', not 'metrics/l0'.",
    )
    frontiers = source.to_frontiers()
    assert frontiers.table["l0"].tolist() == [20.0, 40.0]
    assert frontiers.settings == ("blocks.5.hook_resid_pre / 5",)
    assert source.read_as["variant"] == "sae.architecture"


def test_losses_of_one_evaluation_of_two(tmp_path: Path) -> None:
    """Three losses of one evaluation are taken; two sets of them are not mixed."""
    partial = SAELENS | {"train/ce_loss_with_sae": 5.0}
    assert read_path(saved(tmp_path, [partial])).to_frontiers().table["ce_sae"].tolist() == [3.8]


def test_a_message_on_the_command_line_names_options(tmp_path: Path) -> None:
    path = saved(tmp_path, [{"Name": "a", **RUN, "arch": "x", "a.l0": 1, "b.l0": 2, "frac_recovered": 0.5}])
    text = r"more than one column for l0: 'a\.l0', 'b\.l0'\. Pass --l0 a\.l0 or --l0 b\.l0"
    with command_line(), pytest.raises(ValueError, match=text):
        read_path(path)


def test_a_run_that_logged_nothing_keeps_a_row(trainers: Path) -> None:
    runs = pd.read_csv(trainers)
    empty = pd.DataFrame([{"Name": "lost", "State": "crashed", "Created": "2025-03-01", "Runtime": 1}])
    pd.concat([runs, empty]).to_csv(trainers, index=False)
    source = read_path(trainers)
    assert (len(source.frame), source.frame["label"].tolist()[-1]) == (9, "lost")
    dropped = source.to_frontiers(on_fault="drop")
    assert (len(dropped), len(dropped.dropped)) == (8, 1)

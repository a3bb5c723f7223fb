"""Rows and columns that would mislead a fit: copies, unfinished runs, mixed conditions, misread numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from hillfront.datasets import load_dataset
from hillfront.frontiers.table import FrontierDataError, FrontierDataWarning, Frontiers
from hillfront.utils.interface import command_line

L0 = [10.3, 20.1, 41.7, 83.2]
RECOVERED = [0.8012, 0.9034, 0.9521, 0.9711]


def frame(**columns: object) -> pd.DataFrame:
    """Make two variants of four SAEs each, with some columns replaced or added."""
    rows = pd.DataFrame(
        {"variant": ["relu"] * 4 + ["topk"] * 4, "l0": L0 * 2, "loss_recovered": RECOVERED * 2}
    )
    rows.loc[4:, "l0"] += 0.4
    return rows.assign(**columns)


def twice(**columns: object) -> pd.DataFrame:
    """Make a table with every row twice."""
    return pd.concat([frame(), frame()], ignore_index=True).assign(**columns)


def fault_of(rows: pd.DataFrame, **options: object) -> str:
    """Return the only fault of a frame."""
    with pytest.raises(FrontierDataError) as caught:
        Frontiers.from_frame(rows, **options)  # type: ignore[arg-type]
    (fault,) = caught.value.faults
    return str(fault)


def warned(rows: pd.DataFrame, **options: object) -> tuple[str, ...]:
    """Return the warnings of a frame without faults."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(rows, **options).warnings  # type: ignore[arg-type]


def warning_of(rows: pd.DataFrame, **options: object) -> str:
    """Return the only warning of a frame."""
    (text,) = warned(rows, **options)
    return text


# ---------------------------------------------------------------- copies


@pytest.mark.parametrize(
    "columns",
    [
        {"Unnamed: 0": range(16)},
        {"sae_id": [f"sae-{i}" for i in range(16)], "path": [f"/x/{i}.pt" for i in range(16)]},
        {"created": pd.date_range("2025", periods=16)},
        {"dead_features": np.arange(16) / 100, "mse": np.arange(16) / 10},
    ],
)
def test_copies_with_another_index_are_a_fault_with_drops(columns: dict[str, object]) -> None:
    text = fault_of(twice(**columns))
    assert text.startswith(
        "same SAE in several rows (rows 0, 1, 2 and 13 more): saw row 8 repeats row 0, row 9 repeats row 1, "
        "row 10 repeats row 2 and 5 more; allowed: each SAE once. Next step: Variant, setting, L0 and y are "
        "the same: keep one of each, or add the column (seed, say)"
    )
    kept = Frontiers.from_frame(twice(**columns), on_fault="drop")
    assert kept.table["row"].tolist() == list(range(8))
    assert kept.dropped["value"].tolist()[0] == "same as row 0"


def test_raw_losses_tell_copies_apart() -> None:
    losses = {"ce_base": 2.0, "ce_ablated": 12.0, "ce_sae": [2.1 + i / 100 for i in range(16)]}
    assert warned(twice(**losses), y="loss_recovered") == ()
    other = twice(
        fvu=0.2 / twice()["l0"] ** 0.4, loss_recovered=[*RECOVERED * 2, *np.array(RECOVERED * 2) - 0.01]
    )
    assert warned(other, cost="fvu") == ()  # L0 and cost alike, and another loss recovered


@pytest.mark.parametrize("column", ["seed", "lr", "l1_coefficient", "sparsity_penalty"])
def test_copies_that_a_column_tells_apart_are_a_warning(column: str) -> None:
    text = warned(twice(**{column: [1] * 8 + [2] * 8, "run": range(16)}))[0]
    assert text.startswith(
        f"Same variant, setting, L0 and y, though {column!r} tells them apart: row 8 repeats row 0, row 9"
    )


def test_one_copy_of_full_digits_is_a_fault() -> None:
    rows = pd.concat([frame(), frame().iloc[[2]]], ignore_index=True).assign(run_id=range(9))
    assert "saw row 8 repeats row 2;" in fault_of(rows)


def topk(seeds: int, **columns: object) -> pd.DataFrame:
    """Make TopK SAEs whose L0 is exactly k and whose loss recovered has two digits, some of them equal."""
    k = np.repeat([16, 32, 64, 128], seeds)
    recovered = np.repeat([0.90, 0.94, 0.96, 0.98], seeds) + np.tile([0.0, 0.01, 0.0][:seeds], 4)
    rows = pd.DataFrame({"variant": "topk", "l0": k, "loss_recovered": recovered.round(2)})
    return rows.assign(run=range(len(k)), **columns)


def test_seeds_of_topk_with_rounded_losses_are_no_copies() -> None:
    assert warned(topk(3)) == ()
    assert [text[:11] for text in warned(topk(3, seed=[1, 2, 3] * 4))] == ["Mixed seeds"]
    alone = pd.concat([topk(2), topk(2).iloc[[0]].assign(run=99)], ignore_index=True)
    assert warned(alone) == ()


def test_a_coarse_tie_alone_is_a_warning() -> None:
    rows = topk(1)
    rows = pd.concat([rows, rows.iloc[[1]].assign(run=99)], ignore_index=True)
    assert warning_of(rows).startswith(
        "Same variant, setting, L0 and y: row 4 repeats row 1. If they are one"
    )


def test_coarse_copies_of_all_rows_are_a_fault() -> None:
    rows = pd.concat([topk(1), topk(1)], ignore_index=True).assign(run=range(8))
    assert fault_of(rows).startswith(
        "same SAE in several rows (rows 0, 1, 2 and 5 more): saw row 4 repeats row 0"
    )


def test_rounded_copies_are_named_in_pairs() -> None:
    rows = frame(l0=lambda rows: rows["l0"] * 10.01)
    rounded = rows.assign(l0=rows["l0"].round(), loss_recovered=rows["loss_recovered"].round(3))
    text = warning_of(pd.concat([rows, rounded], ignore_index=True))
    assert text.startswith(
        "Rounded copies: row 8 is row 0 rounded, row 9 is row 1 rounded, row 10 is row 2 rounded"
    )
    assert text.endswith(
        "If they are one SAE, keep the row with more digits: an SAE in two rows counts twice."
    )
    mixed = pd.concat([rows.assign(seed=1), rounded.assign(seed=2)], ignore_index=True)
    assert [text[:11] for text in warned(mixed)] == ["Mixed seeds"]


def test_the_same_sae_evaluated_twice() -> None:
    rows = frame(sae_id=list("abcdeffg"), l0=[*L0, 10.7, 20.5, 20.9, 83.6])
    text = warning_of(rows)
    assert text.startswith(
        "The same 'sae_id' more than once in a curve, with different numbers: rows 5, 6 ('f'). If it is one"
    )
    assert warned(frame(name="sweep")) == warned(frame(run=list("aabbccdd"))) == ()


# ---------------------------------------------------------------- runs and checkpoints


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("State", ["finished", "crashed", "Running", "finished"]),
        ("run.status", ["ok", "FAILED", "killed", "done"]),
        ("finished", [True, False, "no", 1]),
        ("completed", [1, 0, 0.0, 1]),
    ],
)
def test_unfinished_runs_are_a_fault_with_drops(column: str, values: list[object]) -> None:
    rows = frame(**{column: pd.Series([*values, *[values[0]] * 4], dtype=object)})
    text = fault_of(rows)
    assert text.startswith(f"run not finished (rows 1, 2): saw {values[1]!r} in {column!r}, ")
    assert text.endswith("Next step: Leave out runs that did not finish: they are not trained SAEs.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        kept = Frontiers.from_frame(rows, on_fault="drop")
    assert kept.dropped["row"].tolist() == [1, 2]


def test_a_status_of_0_is_no_failure() -> None:
    assert warned(frame(status=0, state="CA")) == ()


@pytest.mark.parametrize(
    "column", ["step", "training_tokens", "n_steps", "epoch", "tokens", "cfg.checkpoint"]
)
def test_checkpoints_inside_a_curve(column: str) -> None:
    text = warning_of(frame(**{column: [1000, 2000, 4000, 8000] * 2}))
    assert text == (
        f"{column!r} varies inside curves 'relu', 'topk': checkpoints of one training are not separate "
        f"SAEs of one frontier. Keep the last of each, or add group={column!r}."
    )
    assert warned(frame(**{column: [1000, 1001, 1002, 1003] * 2})) == ()
    assert warned(frame(**{column: [1000] * 4 + [2000] * 4})) == ()


@pytest.mark.parametrize(
    "label", ["sae_{i}_step_{n}", "x/step={n}/{i}", "a{i}-checkpoint_{n}", "{i}/ckpt-{n}.pt"]
)
def test_checkpoints_by_the_ends_of_labels(label: str) -> None:
    names = [label.format(i=i // 2, n=n) for i in range(4) for n in (1000, 4000)]
    text = warning_of(frame(sae_id=names))
    assert text.startswith(
        f"'sae_id' names several training steps ({names[0]!r}, say) inside curves 'relu', 'topk':"
    )
    assert "put the step into a column and add group='step'." in text
    assert warned(frame(sae_id=[label.format(i=i, n=1000) for i in range(8)])) == ()


# ---------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    "column",
    [
        *("layer", "cfg.hook_layer", "Site", "hook_name", "model_name", "d_sae", "dict size", "dataset_path"),
        *("expansion_factor", "d_in"),
    ],
)
def test_a_condition_inside_a_curve(column: str) -> None:
    text = warned(frame(**{column: [512, 768] * 4}))[0]
    assert text == (
        f"{column!r} (2 values) varies inside curves 'relu', 'topk': one curve is fitted through SAEs of "
        f"different conditions. To compare variants under the same conditions, add group={column!r}."
    )
    assert warned(frame(**{column: [512] * 4 + [768] * 4})) == ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)  # of few points
        grouped = Frontiers.from_frame(frame(**{column: [512, 768] * 4}), group=column)
    assert not any("varies inside" in text for text in grouped.warnings)


def test_forgetting_the_layer_names_the_option() -> None:
    with command_line():
        assert "add --group layer." in warning_of(frame(layer=[3, 4] * 4))
        assert "add --group site --group layer." in warning_of(
            frame(layer=[3, 4] * 4, site="r"), group="site"
        )


def test_several_conditions_are_one_warning_with_the_fewest_columns() -> None:
    columns = {"hook_name": ["blocks.3", "blocks.4"] * 4, "layer": [3, 4] * 4, "width": [1, 1, 2, 2] * 2}
    text = warning_of(frame(**columns))
    assert text.startswith(
        "'layer' (2 values), 'hook_name' (2 values), 'width' (2 values) vary inside curves"
    )
    assert text.endswith("add group=['layer', 'width'].")


@pytest.mark.parametrize(
    "column", ["l1_coefficient", "sparsity_penalty", "k", "target_l0", "lambda", "alpha", "note"]
)
def test_what_sets_the_sparsity_is_no_condition(column: str) -> None:
    assert warned(frame(**{column: [1, 2, 3, 4] * 2})) == ()


@pytest.mark.parametrize(("gap", "matters"), [(1.0, False), (1.5, True)])
def test_a_learning_rate_matters_where_it_moves_the_curve(gap: float, matters: bool) -> None:
    l0 = np.geomspace(10, 200, 12)
    hit = 0.6 * l0**-0.7 * np.exp(np.random.default_rng(3).normal(0, 0.05, 12)) * ([1.0, gap] * 6)
    rows = pd.DataFrame({"variant": "relu", "l0": l0, "performance_hit": hit, "lr": [1e-4, 3e-4] * 6})
    found = [text for text in warned(rows) if "varies inside" in text]
    assert len(found) == matters
    assert all(text.startswith("'lr' (2 values) varies inside curve 'relu': one curve is") for text in found)
    assert warned(frame(lr=[1e-4, 2e-4, 3e-4, 4e-4] * 2)) == ()  # one for each SAE


def test_the_packaged_tables_are_warned_of_no_learning_rate() -> None:
    texts = warned(load_dataset(model="Gemma-7B"), group=["site", "layer"])
    assert not any("varies inside" in text or "Same variant" in text for text in texts)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("context_size", [128, 1024]),
        ("n_batches", [10, 20]),
        ("eval_dataset", ["a", "b"]),
        ("sae_bench_version", ["0.3", "0.4"]),
        ("eval_config.seq_len", [128, 256]),
        ("n_tokens", [1e5, 3e5]),
    ],
)
def test_ways_of_evaluation_inside_a_curve(column: str, values: list[object]) -> None:
    text = warned(frame(**{column: values * 4}))[0]
    assert text.startswith(
        f"Evaluated in different ways ({column!r}) inside curves 'relu', 'topk': what differs"
    )
    step = "keep those of one kind" if column == "n_tokens" else f"add group={column!r}"
    assert text.endswith(f"Evaluate all of them alike, or {step}.")


def test_numbers_of_tokens_that_hardly_differ_do_not_matter() -> None:
    assert warned(frame(n_tokens=[1e5, 1.9e5] * 4)) == ()


# ---------------------------------------------------------------- L0


def test_shares_of_the_latents_are_no_l0() -> None:
    text = fault_of(frame(l0=lambda rows: rows["l0"] / 4096))
    assert text.startswith(
        "L0 below 1 throughout: saw 0.00251465 to 0.0204102 in 'l0'; allowed: mean numbers of"
    )
    assert text.endswith(
        "Multiply shares of the latents by the number of latents (the width), to have counts."
    )
    some = frame(l0=[0.3, *L0[1:], *L0])
    assert warned(some) == ()


@pytest.mark.parametrize(
    "column", ["log_l0", "log10_l0", "metrics/log10 L0", "ln_l0", "l0_log10", "log10_mean_l0"]
)
def test_logarithms_by_name(column: str) -> None:
    rows = frame(**{column: np.log10(frame()["l0"])}).drop(columns="l0")
    text = fault_of(rows)
    assert text.startswith(
        f"L0 is a logarithm: saw {column!r}; allowed: mean numbers of active latents per token."
    )
    assert text == fault_of(rows, l0=column)


def test_logarithms_by_value() -> None:
    text = warning_of(frame(l0=lambda rows: np.log10(rows["l0"])))
    assert text.startswith(
        "L0 is 1.01284 to 1.92221 throughout, fewer latents a token than SAEs usually have."
    )
    assert "If the column holds log10 of L0, add one with the count" in text


def test_jitter_shows_no_slope() -> None:
    text = warning_of(frame(l0=[31.949, 31.97, 31.98, 32.0, *L0]))
    assert "the slope there comes from the other curves and the prior" in text


# ---------------------------------------------------------------- the metric


@pytest.mark.parametrize("name", ["mse", "eval/NMSE", "l2_loss", "kl_div", "fvu", "delta_ce", "recon_loss"])
def test_a_cost_is_not_loss_recovered(name: str) -> None:
    rows = frame(**{name: 0.1})
    text = fault_of(rows, y=name)
    assert text.startswith(
        f"{name!r} is not loss recovered: saw the name of a cost; allowed: loss recovered, or"
    )
    assert text.endswith(f"Next step: Pass cost={name!r}, with curve='power' in the fit.")
    with command_line():
        assert f"Pass --cost {name}, with --curve power in the fit." in fault_of(rows, y=name)


@pytest.mark.parametrize("name", ["kl_div_score", "mse_recovered", "val_hit_l2"])
def test_scores_by_the_name_of_a_cost_are_no_costs(name: str) -> None:
    values = frame()["loss_recovered"]
    assert warned(frame(**{name: 1 - values if "hit" in name else values}), y=name) == ()


@pytest.mark.parametrize("option", ["y", "cost"])
@pytest.mark.parametrize("name", ["explained_variance", "Variance explained", "eval/ev"])
def test_explained_variance_is_neither_loss_recovered_nor_a_cost(option: str, name: str) -> None:
    text = fault_of(frame(**{name: 0.9}), **{option: name})
    kind = "loss recovered" if option == "y" else "a cost"
    assert text.startswith(f"{name!r} is not {kind}: saw explained variance; allowed: ")
    assert text.endswith("Pass cost='fvu' for the share not explained, with curve='power' in the fit.")


def test_a_loss_in_nats_and_a_score_in_the_wrong_place() -> None:
    text = fault_of(frame(ce_loss_with_sae=1.5), y="ce_loss_with_sae")
    assert "saw a loss in nats;" in text
    assert "Pass y='ce' to compute it from the three losses" in text
    assert fault_of(frame(), cost="loss_recovered").endswith("Next step: Pass y='loss_recovered'.")


def test_a_column_that_runs_in_the_other_direction() -> None:
    rows = frame(lost=lambda rows: 1 - rows["loss_recovered"])
    text = warning_of(rows, y="lost")
    assert text == (
        "The hit rises with L0 in 2 of 2 curves: 'lost', read as loss recovered, probably runs in the other "
        "direction. If it is a cost, pass cost='lost', with curve='power' in the fit; if it is a performance "
        "hit, give it a name with the word hit."
    )
    assert "'kept', read as a cost, probably runs" in warning_of(
        frame(kept=frame()["loss_recovered"]), cost="kept"
    )
    one_of_three = pd.concat(
        [frame(), frame(variant=["gated"] * 4 + ["relu"] * 4).iloc[:4]], ignore_index=True
    )
    one_of_three.loc[8:, "loss_recovered"] = RECOVERED[::-1]
    assert warning_of(one_of_three).startswith("The hit does not fall as L0 grows in curve 'gated' (+1.00)")

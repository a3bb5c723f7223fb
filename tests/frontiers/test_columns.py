"""Columns found by their names, and what is said of them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hillfront.frontiers.column_names import columns_for, columns_named
from hillfront.frontiers.table import FrontierDataError, FrontierDataWarning, Frontiers
from hillfront.model.design import design_of
from hillfront.utils.interface import command_line
from hillfront.utils.wording import matching

L0 = [10.3, 20.1, 41.7, 83.2]
RECOVERED = [0.8012, 0.9034, 0.9521, 0.9711]


def frame(**columns: object) -> pd.DataFrame:
    """Make two variants of four SAEs each, with some columns replaced or added."""
    rows = pd.DataFrame(
        {"variant": ["relu"] * 4 + ["topk"] * 4, "l0": L0 * 2, "loss_recovered": RECOVERED * 2}
    )
    rows.loc[4:, "l0"] += 0.4
    return rows.assign(**columns)


def error(rows: pd.DataFrame, **options: object) -> str:
    """Return the message about a frame that has faults."""
    with pytest.raises(FrontierDataError) as caught:
        Frontiers.from_frame(rows, **options)  # type: ignore[arg-type]
    return str(caught.value)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "names",
    [
        ("Variant", "L0", "Loss recovered"),
        ("arch", "avg_l0", "frac_recovered"),
        ("Architecture", "Mean L0", "CE loss score"),
        ("config.trainer", "metrics/l0", "metrics/ce_loss_score"),
        ("dict_class", "core||sparsity||l0", "core||model_performance_preservation||ce_loss_score"),
        (" SAE type ", "l0-mean", "Fraction Recovered (test)"),
    ],
)
def test_columns_are_found_by_their_usual_names(names: tuple[str, str, str]) -> None:
    frontiers = Frontiers.from_frame(frame().set_axis(list(names), axis=1))
    pd.testing.assert_frame_equal(frontiers.table, Frontiers.from_frame(frame()).table)
    assert dict(frontiers.read_as) == dict(zip(("variant", "l0", "loss_recovered"), names, strict=True))
    assert frontiers.reading == (
        f"Read variant from {names[0]!r}, L0 from {names[1]!r}, loss recovered from {names[2]!r}."
    )


@pytest.mark.parametrize(
    "names",
    [
        ("loss_reconstructed", "loss_original", "loss_zero"),
        ("ce_loss_with_sae", "ce_loss_without_sae", "ce_loss_with_ablation"),
        ("eval/CE with SAE", "eval/CE without SAE", "eval/CE with ablation"),
    ],
)
def test_losses_are_found_by_their_usual_names(names: tuple[str, str, str]) -> None:
    losses = {names[0]: 12 - 10 * np.array(RECOVERED * 2), names[1]: 2.0, names[2]: 12.0}
    frontiers = Frontiers.from_frame(frame(**losses).drop(columns="loss_recovered"))
    assert frontiers.from_losses
    assert frontiers.y.tolist() == pytest.approx([1 - value for value in RECOVERED * 2])
    assert f"ce_sae from {names[0]!r}" in frontiers.reading
    same = Frontiers.from_frame(frame(**losses), cost="loss_difference")
    assert same.y.tolist() == pytest.approx([10 * (1 - value) for value in RECOVERED * 2])


@pytest.mark.parametrize(
    ("column", "cost", "role"),
    [
        ("FVU", "fvu", "cost"),
        ("frac_variance_explained", "fvu", "explained_variance"),
        ("N MSE", "nmse", "cost"),
    ],
)
def test_costs_are_found_by_their_usual_names(column: str, cost: str, role: str) -> None:
    values = np.array([0.8, 0.9, 0.95, 0.97] * 2)
    given = values if role == "explained_variance" else 1 - values
    frontiers = Frontiers.from_frame(frame(**{column: given}), cost=cost)
    assert frontiers.y.tolist() == pytest.approx((1 - values).tolist())
    assert (frontiers.read_as[role], frontiers.metric_label) == (column, cost)


def test_a_column_of_the_exact_name_goes_first() -> None:
    frontiers = Frontiers.from_frame(frame(L0=5.0, Arch="x", CE_score=0.5))
    assert frontiers.table["l0"].tolist() == frame()["l0"].tolist()
    assert frontiers.unused == ("L0", "Arch", "CE_score")
    assert frontiers.reading.endswith("Not used: 'L0', 'Arch', 'CE_score'.")
    assert frontiers.reading in repr(frontiers)


def test_a_named_column_may_differ_in_case_and_blanks() -> None:
    rows = frame().rename(columns={"variant": "My Arch", "l0": "Active Latents", "loss_recovered": "Kept"})
    frontiers = Frontiers.from_frame(
        rows.assign(Layer=3), variant="my_arch", l0="active latents", y="kept", group="layer"
    )
    assert dict(frontiers.read_as) == {
        "variant": "My Arch",
        "layer": "Layer",
        "l0": "Active Latents",
        "loss_recovered": "Kept",
    }
    assert (frontiers.group_columns, frontiers.settings) == (("layer",), ("3",))


def test_the_name_of_a_role_stands_for_the_column_that_holds_it() -> None:
    frontiers = Frontiers.from_frame(frame(**{"cfg.hook_layer": 3}), group="layer")
    assert (frontiers.settings, frontiers.read_as["layer"]) == (("3",), "cfg.hook_layer")


def test_equally_telling_columns_are_a_fault_that_says_how_to_choose() -> None:
    rows = frame(**{"sparsity.l0": 5.0}).rename(columns={"l0": "metrics/l0"})
    text = error(rows)
    assert "more than one column for 'l0': saw 'metrics/l0', 'sparsity.l0'" in text
    assert "Choose: l0='metrics/l0' or l0='sparsity.l0'." in text
    with command_line():
        assert "Choose: --l0 metrics/l0 or --l0 sparsity.l0." in error(rows)
    assert Frontiers.from_frame(rows, l0="metrics/l0").read_as["l0"] == "metrics/l0"
    same = rows.assign(**{"sparsity.l0": rows["metrics/l0"]})
    assert Frontiers.from_frame(same).read_as["l0"] == "metrics/l0"


def test_two_columns_for_something_that_nothing_needs_do_not_matter() -> None:
    rows = frame(**{"a.d_in": 512, "b.d_in": 768})
    assert "d_model" not in Frontiers.from_frame(rows).table
    text = error(rows, dense_limit="d_model")
    assert "more than one column for 'd_model': saw 'a.d_in', 'b.d_in'" in text
    assert "Rename the right one to 'd_model'." in text


def test_the_first_error_has_all_of_them() -> None:
    text = error(
        frame(l0=["about 10", *L0[1:], *L0]), baseline="Gated", y="kept", variant="arch", group="layre"
    )
    kinds = ("missing column 'layre'", "missing column 'kept'", "not a number in 'l0'")
    assert all(kind in text for kind in kinds)
    text = error(frame(loss_recovered=["95%", *RECOVERED[1:], *RECOVERED]), l0="avg", baseline="Gatd")
    assert "The table has 3 faults" in text
    assert all(part in text for part in ("missing column 'avg'", "saw '95%'", "unknown baseline: saw 'Gatd'"))


def test_messages_speak_of_options_on_the_command_line() -> None:
    with command_line():
        text = error(frame(l0=["x", *L0[1:], *L0]).rename(columns={"variant": "v"}))
    assert "Add it, or pass --variant COLUMN." in text
    assert "--on-fault drop drops the faulty rows" in text
    assert "a table with the column 'variant' (architecture, arch, " in text


# ---------------------------------------------------------------- other kinds of names


def test_numbers_as_names_of_columns() -> None:
    rows = frame(layer=3).set_axis([0, 1, 2, 3], axis=1)
    frontiers = Frontiers.from_frame(rows, variant=0, l0=1, y=2, group=3)
    assert (frontiers.group_columns, frontiers.settings) == (("3",), ("3",))
    assert Frontiers.from_frame(rows, variant=0, l0=1, y=2, group=[3]).group_columns == ("3",)


def test_levels_of_an_index_are_columns() -> None:
    expected = Frontiers.from_frame(frame(layer=3), group="layer").table
    one = Frontiers.from_frame(frame(layer=3).set_index("layer"), group="layer").table
    two = Frontiers.from_frame(frame(layer=3).set_index(["variant", "layer"]), group="layer").table
    pd.testing.assert_frame_equal(one, expected)
    pd.testing.assert_frame_equal(two, expected)
    kept = frame().set_index("variant", drop=False)
    assert Frontiers.from_frame(kept).variants == ("relu", "topk")
    other = frame().set_index(pd.Index(range(8), name="l0"))
    assert "column given twice: saw 'l0' with different values" in error(other)


def test_levels_of_column_names_are_joined() -> None:
    columns = pd.MultiIndex.from_tuples([("sae", "variant"), ("metrics", "l0"), ("loss_recovered", "")])
    frontiers = Frontiers.from_frame(frame().set_axis(columns, axis=1))
    assert list(frontiers.read_as.values()) == ["sae/variant", "metrics/l0", "loss_recovered"]
    assert Frontiers.from_frame(frame().set_axis(columns, axis=1), l0=("metrics", "l0")).variants


# ---------------------------------------------------------------- variants


def test_a_baseline_in_other_letters_is_the_variant() -> None:
    with pytest.warns(
        FrontierDataWarning, match="The baseline 'ReLU' is read as the variant 'relu'"
    ) as caught:
        frontiers = Frontiers.from_frame(frame(), baseline="ReLU")
    assert len(caught) == 1
    assert design_of(frontiers, baseline="ReLU").baseline == "relu"
    assert "Pass baseline='relu'." in error(frame(), baseline="reluu")


def test_variants_that_differ_in_letters_alone_are_named() -> None:
    rows = frame(variant=["TopK"] * 4 + ["topk "] * 4)
    with pytest.warns(FrontierDataWarning, match="'TopK' and 'topk'. Write them alike"):
        Frontiers.from_frame(rows)
    with pytest.warns(FrontierDataWarning, match="'Resid' and 'resid'"):
        Frontiers.from_frame(frame(site=["Resid"] * 4 + ["resid"] * 4), group="site")


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("Batch Top-K", ["batch_topk", "topk"], "batch_topk"),
        ("topk", ["TopK", "top-k"], "topk"),
        ("topk+", ["topk"], "topk+"),
        ("-", ["_"], "-"),
    ],
)
def test_names_match_but_for_case_and_dashes(name: str, names: list[str], found: str) -> None:
    assert (matching(name, names) or name) == found


def test_names_of_signs_alone_are_themselves() -> None:
    assert columns_named("?", ["!", "l0"]) == []
    assert columns_for("se", ["l0/se", "loss/se"]) == []


# ---------------------------------------------------------------- storage


def test_what_was_read_is_stored(tmp_path: Path) -> None:
    frontiers = Frontiers.from_frame(frame(lr=1e-3).rename(columns={"l0": "avg_l0"}))
    frontiers.to_dataset().to_netcdf(tmp_path / "frontiers.nc", engine="h5netcdf")
    import xarray as xr

    with xr.open_dataset(tmp_path / "frontiers.nc", engine="h5netcdf") as stored:
        back = Frontiers.from_dataset(stored)
    assert (back.read_as, back.unused, back.reading) == (frontiers.read_as, ("lr",), frontiers.reading)


def test_pareto_only_keeps_what_was_said_of_columns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = Frontiers.from_frame(frame(layer=[3, 4] * 4))
    assert "add group='layer'" in frontiers.warnings[0]
    assert frontiers.pareto_only().warnings[0] == frontiers.warnings[0]

"""Reading a table, the checked table's properties, and storing it."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from hillfront.frontiers.table import FrontierDataError, FrontierDataWarning, Frontiers

L0 = [10.0, 20.0, 40.0, 80.0]
RECOVERED = [0.80, 0.90, 0.95, 0.97]
SAVED = Path(__file__).parents[1] / "saved" / "fit-0.1.0.nc"
ENV = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # for child processes


@pytest.fixture
def frame() -> pd.DataFrame:
    """Make two variants in two settings, the curves shuffled."""
    parts = [
        pd.DataFrame(
            {"variant": v, "site": s, "layer": n, "l0": np.array(L0) + i, "loss_recovered": RECOVERED}
        )
        for i, (v, s, n) in enumerate([("gated", "mlp", 20), ("base", "mlp", 20), ("base", "resid", 6)])
    ]
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=4).reset_index(drop=True)


@pytest.fixture
def faulty(frame: pd.DataFrame) -> pd.DataFrame:
    """Put four faults of different kinds into the frame, two of them in one row."""
    frame = frame.astype({"l0": object})
    frame.loc[2, "l0"] = "n/a"
    frame.loc[5, "l0"] = -12.5
    frame.loc[5, "loss_recovered"] = np.nan
    frame.loc[7, "layer"] = np.nan
    return frame


def from_faulty(frame: pd.DataFrame, **options: object) -> Frontiers:
    """Read a frame whose warnings are not the matter of the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        return Frontiers.from_frame(frame, **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- from_frame


def test_canonical_columns_keep_the_users_order(frame: pd.DataFrame) -> None:
    frontiers = Frontiers.from_frame(frame.assign(seed=0.0, d_model=512), group=["site", "layer"])
    table = frontiers.table
    assert list(table) == [
        *(
            "row",
            "variant",
            "site",
            "layer",
            "setting",
            "l0",
            "sparsity",
            "performance_hit",
            "d_model",
            "seed",
        )
    ]
    assert table["row"].tolist() == list(range(12))
    assert table["l0"].tolist() == frame["l0"].tolist()
    assert table["sparsity"].tolist() == [1 / l0 for l0 in frame["l0"]]
    assert table["performance_hit"].tolist() == [1 - y for y in frame["loss_recovered"]]
    assert set(table["setting"]) == {"mlp / 20", "resid / 6"}
    assert set(table["seed"]) == {"0"}
    assert frontiers.metric == "performance_hit"
    assert frontiers.warnings == ()
    assert frontiers.dropped.empty
    assert list(frontiers.dropped) == ["row", "variant", "setting", "fault", "value"]


def test_the_users_frame_and_index_are_left_alone(frame: pd.DataFrame) -> None:
    indexed = frame.set_axis(list("abcdefghijkl"), axis=0)
    before = indexed.copy()
    assert Frontiers.from_frame(indexed, group="site").table["row"].tolist() == list(range(12))
    assert_frame_equal(indexed, before)


@pytest.mark.parametrize("group", ["layer", ["layer"], ("layer", "layer")])
def test_one_setting_column(frame: pd.DataFrame, group: str | list[str]) -> None:
    frontiers = Frontiers.from_frame(frame, group=group)
    assert frontiers.group_columns == ("layer",)
    assert set(frontiers.settings) == {"20", "6"}


def test_no_setting_columns(frame: pd.DataFrame) -> None:
    frontiers = Frontiers.from_frame(frame[frame["layer"] == 20], group=())
    assert frontiers.settings == ("all",)
    assert frontiers.group_columns == ()
    assert frontiers.setting_table.shape == (1, 0)


def test_setting_column_called_setting(frame: pd.DataFrame) -> None:
    frontiers = Frontiers.from_frame(frame.rename(columns={"layer": "setting"}), group="setting")
    assert list(frontiers.table).count("setting") == 1
    assert set(frontiers.settings) == {"20", "6"}
    assert frontiers.setting_table["setting"].tolist() == list(frontiers.settings)


def test_optional_column_as_setting_column(frame: pd.DataFrame) -> None:
    frontiers = Frontiers.from_frame(frame.assign(width=4096.0), group=["layer", "width"])
    assert list(frontiers.table).count("width") == 1
    assert set(frontiers.settings) == {"20 / 4096", "6 / 4096"}


@pytest.mark.parametrize(
    "dtype", ["int8", "float32", "float64", "Int64", "object", "category", "str", "int64[pyarrow]"]
)
def test_setting_numbers_become_plain_text(frame: pd.DataFrame, dtype: str) -> None:
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    frontiers = Frontiers.from_frame(frame.astype({"layer": dtype}), group="layer")
    assert set(frontiers.settings) == {"20", "6"}
    assert frontiers.table["layer"].dtype == "str"


@pytest.mark.parametrize(
    "dtype", ["float64", "Float64", "object", "category", "str", "string", "double[pyarrow]"]
)
def test_numbers_of_any_dtype(frame: pd.DataFrame, dtype: str) -> None:
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    expected = Frontiers.from_frame(frame, group="layer").table
    columns = {"l0": dtype, "loss_recovered": dtype}
    assert_frame_equal(Frontiers.from_frame(frame.astype(columns), group="layer").table, expected)


@pytest.mark.parametrize("dtype", ["object", "category", "string[python]", "string[pyarrow]"])
def test_text_of_any_dtype(frame: pd.DataFrame, dtype: str) -> None:
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    expected = Frontiers.from_frame(frame, group="site").table
    columns = {"variant": dtype, "site": dtype}
    assert_frame_equal(Frontiers.from_frame(frame.astype(columns), group="site").table, expected)


def test_blanks_around_text_are_removed(frame: pd.DataFrame) -> None:
    frame["variant"] = frame["variant"].where(frame.index % 2 == 0, " " + frame["variant"] + " ")
    assert set(Frontiers.from_frame(frame, group="layer").variants) == {"gated", "base"}


# ---------------------------------------------------------------- sources of the hit


def sources() -> pd.DataFrame:
    """Make a frame whose three sources give three different hits."""
    losses = {"ce_sae": [4.0, 3.0, 2.5, 2.25], "ce_base": 2.0, "ce_ablated": 12.0}
    hit = {"performance_hit": [0.3, 0.2, 0.1, 0.05], "loss_recovered": RECOVERED}
    return pd.DataFrame({"variant": "a", "l0": L0} | hit | losses)


@pytest.mark.parametrize(
    ("drop", "y", "first"),
    [
        ([], None, 1 - 0.80),
        ([], "performance_hit", 0.3),
        ([], "ce", 0.2),
        (["loss_recovered"], None, 0.3),
        (["loss_recovered", "performance_hit"], None, 0.2),
    ],
)
def test_source_of_the_hit(drop: list[str], y: str | None, first: float) -> None:
    frontiers = Frontiers.from_frame(sources().drop(columns=drop), y=y)
    assert frontiers.table["performance_hit"].iloc[0] == first


def test_an_empty_source_is_passed_over() -> None:
    frontiers = Frontiers.from_frame(sources().assign(loss_recovered=np.nan))
    assert frontiers.table["performance_hit"].tolist() == [0.3, 0.2, 0.1, 0.05]


@pytest.mark.parametrize(
    ("name", "is_hit"),
    [
        *[("val_hit", True), ("normHit", True), ("Hit", True), ("hit2", True)],
        *[("recovered", False), ("white_recovered", False), ("architecture_score", False)],
    ],
)
def test_other_column_holds_recovery_unless_hit_is_a_word(name: str, is_hit: bool) -> None:
    values = [0.4, 0.3, 0.2, 0.1] if is_hit else [0.6, 0.7, 0.8, 0.9]
    table = Frontiers.from_frame(pd.DataFrame({"variant": "a", "l0": L0, name: values}), y=name).table
    assert table["performance_hit"].tolist() == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_columns_of_other_names(frame: pd.DataFrame) -> None:
    renamed = frame.rename(columns={"variant": "arch", "l0": "L0", "loss_recovered": "frac"})
    frontiers = Frontiers.from_frame(
        renamed, variant="arch", l0="L0", y="frac", group="layer", baseline="base"
    )
    assert_frame_equal(frontiers.table, Frontiers.from_frame(frame, group="layer").table)


# ---------------------------------------------------------------- costs


def cost_frame() -> pd.DataFrame:
    """Make a frame with a measured cost, and with what the two computed ones come from."""
    measured = {"norm_mse": [3.0, 1.5, 0.8, 0.4], "explained_variance": [0.7, 0.8, 0.9, 0.95]}
    return sources().assign(d_model=512, **measured)


@pytest.mark.parametrize(
    ("cost", "values", "from_losses"),
    [
        ("norm_mse", [3.0, 1.5, 0.8, 0.4], False),
        ("fvu", [1 - 0.7, 1 - 0.8, 1 - 0.9, 1 - 0.95], False),
        ("loss_difference", [2.0, 1.0, 0.5, 0.25], True),
    ],
)
def test_cost_in_place_of_the_hit(cost: str, values: list[float], from_losses: bool) -> None:
    frontiers = Frontiers.from_frame(cost_frame(), cost=cost)
    assert list(frontiers.table)[3:7] == ["l0", "sparsity", "cost", "d_model"]
    assert "performance_hit" not in frontiers.table
    assert frontiers.y.tolist() == frontiers.table["cost"].tolist() == values
    assert (frontiers.metric, frontiers.metric_label, frontiers.bounded) == ("cost", cost, False)
    assert frontiers.from_losses is from_losses
    assert frontiers.warnings == ()
    assert f"L0 10 to 80, {cost} {min(values):g} to {max(values):g}" in repr(frontiers)


@pytest.mark.parametrize(("y", "from_losses"), [("ce", True), ("performance_hit", False), (None, False)])
def test_hits_have_their_own_label(y: str | None, from_losses: bool) -> None:
    frontiers = Frontiers.from_frame(cost_frame(), y=y)
    assert (frontiers.metric, frontiers.metric_label, frontiers.bounded) == (
        "performance_hit",
        "performance hit",
        True,
    )
    assert frontiers.from_losses is from_losses
    assert frontiers.y.equals(frontiers.table["performance_hit"])


@pytest.mark.parametrize("cost", ["fvu", "loss_difference"])
def test_a_cost_that_is_there_is_not_computed(cost: str) -> None:
    frontiers = Frontiers.from_frame(cost_frame().assign(**{cost: [9.0, 8.0, 7.0, 6.0]}), cost=cost)
    assert frontiers.y.tolist() == [9.0, 8.0, 7.0, 6.0]
    assert not frontiers.from_losses


def test_cost_and_y_exclude_each_other() -> None:
    with pytest.raises(
        ValueError, match="pass y or cost, not both: y='ce' asks for a performance hit, and cost="
    ):
        Frontiers.from_frame(cost_frame(), y="ce", cost="norm_mse")


def test_a_missing_cost_is_a_fault_also_if_rows_are_dropped() -> None:
    with pytest.raises(FrontierDataError, match="missing column 'kl'"):
        Frontiers.from_frame(cost_frame(), cost="kl", on_fault="drop")


def test_pareto_only_of_costs_is_that_of_hits() -> None:
    """And keeps what the frontiers know of their metric."""
    hits = [0.2, 0.1, 0.11, 0.05]
    frame = pd.DataFrame({"variant": "a", "l0": L0, "ce_base": 2.0, "ce_sae": [2 + hit for hit in hits]})
    kept = Frontiers.from_frame(frame, cost="loss_difference").pareto_only()
    assert kept.table["l0"].tolist() == [10.0, 20.0, 80.0]
    assert (kept.metric, kept.metric_label, kept.from_losses) == ("cost", "loss_difference", True)
    with pytest.raises(FrontierDataError, match="curve with no positive cost"):
        from_faulty(frame.assign(price=[-0.1, 0.1, 0.05, 0.02]), cost="price").pareto_only()


def test_the_hash_sees_what_is_fitted() -> None:
    frame = cost_frame().assign(cost=lambda frame: frame["performance_hit"])
    as_hit, as_cost = (
        Frontiers.from_frame(frame, y="performance_hit"),
        Frontiers.from_frame(frame, cost="cost"),
    )
    assert as_hit.y.tolist() == as_cost.y.tolist()
    assert as_hit.data_hash != as_cost.data_hash


# ---------------------------------------------------------------- errors of losses


def test_errors_of_losses_are_kept_as_numbers() -> None:
    columns = {
        "se_ce_sae": "0.01",
        "se_ce_base": 0,
        "se_ce_ablated": 0.05,
        "n_tokens": ["1e6", "", None, 6e5],
    }
    table = Frontiers.from_frame(sources().assign(**columns), y="ce").table
    assert list(table)[6:] == ["n_tokens", "ce_sae", "ce_base", "ce_ablated", *list(columns)[:3]]
    assert table["se_ce_sae"].tolist() == [0.01] * 4
    assert table["n_tokens"].fillna(-1).tolist() == [1e6, -1, -1, 6e5]


def test_different_denominators_are_found_in_frontiers_too() -> None:
    frame = sources().assign(ce_base=[2.0, 1.0, 0.5, 0.25], n_tokens=1e6)
    with pytest.warns(FrontierDataWarning, match="Different denominators") as caught:
        frontiers = Frontiers.from_frame(frame, y="ce")
    assert len(caught) == len(frontiers.warnings)
    assert frontiers.pareto_only().warnings[-1] == frontiers.warnings[-1]
    assert not any("denominators" in text for text in from_faulty(frame).warnings)


# ---------------------------------------------------------------- the dense limit


def test_drop_at_the_dense_limit_keeps_a_record(frame: pd.DataFrame) -> None:
    frame["d_model"] = [40.0, np.nan, *[9999.0] * 10]
    frame.loc[0, "l0"] = 41
    with pytest.raises(FrontierDataError, match="The table has 2 faults") as caught:
        Frontiers.from_frame(frame, group="layer", dense_limit="d_model")
    assert [fault.rows for fault in caught.value.faults] == [(1,), (0,)]
    frontiers = from_faulty(frame, group="layer", dense_limit="d_model", on_fault="drop")
    assert frontiers.table["row"].tolist() == list(range(2, 12))
    record = frontiers.dropped[["row", "variant", "setting", "fault", "value"]].to_numpy().tolist()
    assert record == [
        [0, frame.loc[0, "variant"], str(frame.loc[0, "layer"]), "L0 not below the dense limit", "41 >= 40"],
        [1, frame.loc[1, "variant"], str(frame.loc[1, "layer"]), "'d_model' empty", "empty"],
    ]
    again = from_faulty(frame.iloc[2:], group="layer", dense_limit="d_model")
    assert again.dropped.empty


def test_the_dense_limit_is_no_warning_any_more(frame: pd.DataFrame) -> None:
    """Without it, L0 at d_model stays a warning."""
    frame["d_model"] = 50
    with pytest.warns(FrontierDataWarning, match="L0 reaches d_model"):
        assert len(Frontiers.from_frame(frame, group="layer")) == 12
    frontiers = from_faulty(frame, group="layer", dense_limit="d_model", on_fault="drop")
    assert len(frontiers) == 9
    assert not any("d_model" in text for text in frontiers.warnings)


def test_drop_without_a_d_model_raises(frame: pd.DataFrame) -> None:
    with pytest.raises(FrontierDataError, match="missing column 'd_model'"):
        Frontiers.from_frame(frame, group="layer", dense_limit="d_model", on_fault="drop")


@pytest.mark.parametrize("limit", [0, np.nan, "d_models"])
def test_dense_limit_is_checked_before_the_table(limit: object) -> None:
    with pytest.raises(ValueError, match="dense_limit must be 'd_model', a finite number above 0"):
        Frontiers.from_frame(pd.DataFrame(), dense_limit=limit)  # type: ignore[arg-type]


@given(
    l0=st.lists(st.floats(1.0, 1e6), min_size=1, max_size=20, unique=True),
    limit=st.floats(1e-3, 1e6),
)
def test_the_dense_limit_parts_the_rows(l0: list[float], limit: float) -> None:
    frame = pd.DataFrame({"variant": "a", "l0": l0, "performance_hit": 0.5})
    below = [i for i, value in enumerate(l0) if value < limit]
    if not below:
        with pytest.raises(FrontierDataError, match="no rows: saw 0 of"):
            from_faulty(frame, dense_limit=limit, on_fault="drop")
        return
    frontiers = from_faulty(frame, dense_limit=limit, on_fault="drop")
    assert frontiers.table["row"].tolist() == below
    assert sorted([*frontiers.dropped["row"], *below]) == list(range(len(l0)))


# ---------------------------------------------------------------- tables of other libraries


class ArrowOnly:
    """A table of another library, with nothing but the Arrow PyCapsule interface."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._table = pytest.importorskip("pyarrow").Table.from_pandas(frame)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class InterchangeOnly:
    """A table of another library, with nothing but the interchange protocol."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> object:
        return self._frame.__dataframe__(nan_as_null, allow_copy)


@pytest.mark.parametrize("library", [ArrowOnly, InterchangeOnly])
def test_tables_of_other_libraries(frame: pd.DataFrame, library: type[ArrowOnly | InterchangeOnly]) -> None:
    frontiers = Frontiers.from_frame(library(frame), group="layer")
    assert_frame_equal(frontiers.table, Frontiers.from_frame(frame, group="layer").table)


@pytest.mark.parametrize("other", [{"l0": [1]}, [[1]], None, pd.Series([1.0])])
def test_anything_else_is_refused(other: object) -> None:
    with pytest.raises(TypeError, match="frame must be a pandas DataFrame or"):
        Frontiers.from_frame(other)  # type: ignore[arg-type]


# ---------------------------------------------------------------- faults


def test_all_faults_in_one_message(faulty: pd.DataFrame) -> None:
    with pytest.raises(FrontierDataError) as caught:
        Frontiers.from_frame(faulty, group="layer", baseline="topk")
    kinds = [fault.kind for fault in caught.value.faults]
    assert kinds == [
        "group column 'layer' empty",
        "not a number in 'l0'",
        "L0 not positive",
        "'loss_recovered' not finite",
        "unknown baseline",
    ]
    message = str(caught.value)
    assert message.startswith("The table has 5 faults:\n1. group column 'layer' empty (row 7): saw empty;")
    assert "3. L0 not positive (row 5): saw -12.5; allowed: a finite number above 0. Next step: " in message
    assert "row 0 is the first one below the header" in message
    assert "on_fault='drop'" in message


def test_missing_columns_do_not_hide_other_faults(faulty: pd.DataFrame) -> None:
    with pytest.raises(FrontierDataError, match="missing column 'variant'") as caught:
        Frontiers.from_frame(faulty.rename(columns={"variant": "Variants"}))
    assert "2. not a number in 'l0' (row 2): saw 'n/a'" in str(caught.value)


def test_error_can_be_copied_to_another_process(faulty: pd.DataFrame) -> None:
    with pytest.raises(FrontierDataError) as caught:
        Frontiers.from_frame(faulty, group="layer")
    again = copy.copy(caught.value)
    assert (again.faults, str(again)) == (caught.value.faults, str(caught.value))


@pytest.mark.parametrize("on_fault", ["ignore", "", None])
def test_on_fault_is_checked_before_the_table(on_fault: object) -> None:
    with pytest.raises(ValueError, match="on_fault must be 'raise' or 'drop'"):
        Frontiers.from_frame(pd.DataFrame(), on_fault=on_fault)  # type: ignore[arg-type]


def test_drop_keeps_a_record(faulty: pd.DataFrame) -> None:
    frontiers = from_faulty(faulty, group=["site", "layer"], on_fault="drop")
    assert frontiers.table["row"].tolist() == [0, 1, 3, 4, 6, 8, 9, 10, 11]
    assert frontiers.table.index.tolist() == list(range(9))
    dropped = frontiers.dropped.set_index("row")
    assert dropped.index.tolist() == [2, 5, 7]
    assert dropped.loc[2, "fault"] == "not a number in 'l0'"
    assert dropped.loc[2, "value"] == "'n/a'"
    assert dropped.loc[5, "fault"] == "L0 not positive; 'loss_recovered' not finite"
    assert dropped.loc[5, "value"] == "-12.5; empty"
    assert dropped.loc[5, "variant"] == faulty.loc[5, "variant"]
    assert dropped.loc[5, "setting"] == f"{faulty.loc[5, 'site']} / {faulty.loc[5, 'layer']:g}"
    assert pd.isna(dropped.loc[7, "setting"])


def test_drop_of_a_sound_table_changes_nothing(frame: pd.DataFrame) -> None:
    dropping = Frontiers.from_frame(frame, group="layer", on_fault="drop")
    assert_frame_equal(dropping.table, Frontiers.from_frame(frame, group="layer").table)
    assert dropping.dropped.empty


def test_drop_checks_again(frame: pd.DataFrame) -> None:
    curve = (frame["variant"] == "gated").to_numpy()
    rows = np.flatnonzero(curve)
    frame.loc[curve, "loss_recovered"] = [0.9, 1.1, 1.2, 1.3]
    frame.loc[rows[0], "l0"] = -1  # the only row of its curve with a positive hit
    frontiers = from_faulty(frame, group="layer", on_fault="drop")
    assert frontiers.variants == ("base",)
    assert frontiers.dropped["row"].tolist() == sorted(rows)
    kinds = frontiers.dropped.set_index("row")["fault"]
    assert kinds[rows[0]] == "L0 not positive"
    assert set(kinds[rows[1:]]) == {"curve with no positive hit"}


def test_drop_takes_the_later_of_two_copies(frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame.iloc[[3]]])
    frontiers = Frontiers.from_frame(twice, group="layer", on_fault="drop")
    assert len(frontiers) == 12
    assert frontiers.dropped[["row", "value"]].to_numpy().tolist() == [[12, "same as row 3"]]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"l0": "active"}, "missing column 'active'"),
        ({}, {"baseline": "topk"}, "unknown baseline"),
        ({"loss_recovered": 95.0}, {}, "looks like percent"),
        ({"l0": -1.0}, {}, "no rows: saw 0 of 12 rows left"),
        ({"variant": None}, {"baseline": "gated"}, "no rows"),
    ],
)
def test_drop_raises_faults_that_are_not_about_rows(
    frame: pd.DataFrame, change: dict[str, object], options: dict[str, str], message: str
) -> None:
    with pytest.raises(FrontierDataError, match=message):
        Frontiers.from_frame(frame.assign(**change), group="layer", on_fault="drop", **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- warnings


def test_each_warning_is_issued_once_at_the_callers_line(frame: pd.DataFrame) -> None:
    few = frame.drop_duplicates(["variant", "layer"])
    with pytest.warns(FrontierDataWarning) as caught:
        frontiers = Frontiers.from_frame(few.assign(seed=[1, 2, 3], d_model=1), group="layer")
    assert tuple(str(warning.message) for warning in caught) == frontiers.warnings
    assert len(frontiers.warnings) == len(set(frontiers.warnings)) >= 2
    assert {Path(warning.filename).name for warning in caught} == {"test_frontiers.py"}
    assert any(text.startswith("Only one point in ") for text in frontiers.warnings)
    assert any(text.startswith("L0 reaches d_model in rows 0, 1, 2") for text in frontiers.warnings)


# ---------------------------------------------------------------- pareto_only


def dominated(table: pd.DataFrame) -> list[bool]:
    """Mark dominated rows by the definition, row against row."""
    points = list(zip(table["variant"], table["setting"], table["l0"], table["performance_hit"], strict=True))
    return [
        any(a[:2] == b[:2] and b[2] <= a[2] and b[3] <= a[3] and (b[2] < a[2] or b[3] < a[3]) for b in points)
        for a in points
    ]


def test_pareto_only_keeps_what_the_definition_keeps() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "variant": rng.choice(["a", "b"], 300),
            "layer": rng.integers(0, 3, 300),
            "l0": rng.integers(5, 15, 300),
            "performance_hit": rng.integers(1, 9, 300) / 100,
            "label": [f"run {i}" for i in range(300)],
        }
    )
    frontiers = from_faulty(frame, group="layer")
    kept = frontiers.pareto_only()
    expected = frontiers.table[~np.array(dominated(frontiers.table))].reset_index(drop=True)
    assert 0 < len(expected) < 300
    assert expected.duplicated(["variant", "setting", "l0", "performance_hit"]).any()  # ties are kept
    assert_frame_equal(kept.table, expected)


def test_pareto_only_says_so_and_finds_warnings_again(frame: pd.DataFrame) -> None:
    frame.loc[frame["variant"] == "gated", "loss_recovered"] = [0.9, 0.95, 0.95, 0.9]
    frontiers = from_faulty(frame, group="layer", on_fault="drop")
    kept = frontiers.pareto_only()
    gone = len(frontiers) - len(kept)
    assert gone > 0
    (text,) = [text for text in kept.warnings if "Pareto" in text]
    assert text.startswith(f"Pareto-filtered by the user: pareto_only() took away {gone} of 12 SAEs.")
    assert any("Fewer than 4 points" in text or "one point" in text for text in kept.warnings)
    assert kept.pareto_only() is kept
    assert len(frontiers) == 12


def test_pareto_only_takes_the_place_of_the_suspicion() -> None:
    rng = np.random.default_rng(0)
    l0 = np.exp(rng.uniform(2, 6, 200))
    frame = pd.DataFrame(
        {"variant": "a", "l0": l0, "performance_hit": 0.5 / l0 * np.exp(rng.normal(0, 0.2, 200))}
    )
    selected = Frontiers.from_frame(frame).pareto_only().table[["variant", "l0", "performance_hit"]]
    with pytest.warns(FrontierDataWarning, match="The data look Pareto-filtered"):
        suspected = Frontiers.from_frame(selected)
    (text,) = suspected.pareto_only().warnings
    assert text.startswith("Pareto-filtered by the user: pareto_only() took away 0 of")


def test_pareto_only_refuses_a_curve_left_without_a_hit() -> None:
    frame = pd.DataFrame({"variant": "a", "l0": L0, "performance_hit": [-0.1, 0.1, 0.05, 0.02]})
    frontiers = from_faulty(frame)
    with pytest.raises(FrontierDataError, match=r"curve 'a' with a highest hit of -0\.1"):
        frontiers.pareto_only()


# ---------------------------------------------------------------- properties


def test_names_come_in_order_of_appearance(frame: pd.DataFrame) -> None:
    frontiers = Frontiers.from_frame(frame, group=["site", "layer"])
    assert frontiers.variants == tuple(dict.fromkeys(frame["variant"]))
    labels = frame["site"] + " / " + frame["layer"].astype(str)
    assert frontiers.settings == tuple(dict.fromkeys(labels))
    assert frontiers.setting_table.index.tolist() == list(frontiers.settings)
    assert frontiers.setting_table.index.name == "setting"
    assert frontiers.setting_table.loc["resid / 6"].tolist() == ["resid", "6"]


def test_curves(frame: pd.DataFrame) -> None:
    frontiers = Frontiers.from_frame(frame, group="layer")
    found = list(frontiers.curves())
    assert len(found) == frontiers.n_curves == 3
    order = dict.fromkeys(zip(frontiers.table["variant"], frontiers.table["setting"], strict=True))
    assert [(variant, group) for variant, group, _ in found] == list(order)
    assert_frame_equal(pd.concat([rows for *_, rows in found]).sort_index(), frontiers.table)


def test_repr_is_short(faulty: pd.DataFrame) -> None:
    frontiers = from_faulty(faulty.assign(variant="<b>" + faulty["variant"]), group="layer", on_fault="drop")
    lines = repr(frontiers).splitlines()
    assert lines[0] == "Frontiers: 9 SAEs, 3 curves"
    assert "  dropped: rows 2, 5, 7" in lines
    assert len([line for line in lines if line.startswith("  warning: ")]) == len(frontiers.warnings)
    assert "&lt;b&gt;gated" in frontiers._repr_html_()
    assert "<b>gated" not in frontiers._repr_html_()


HASHED = pd.DataFrame(
    {"variant": "a", "layer": 3, "l0": L0, "performance_hit": [0.4, 0.2, 0.1, 0.05], "seed": [1, 1, 1, None]}
)
HASH_PROGRAM = """
import pandas as pd
from hillfront.frontiers.table import Frontiers
frame = pd.DataFrame({"variant": "a", "layer": 3, "l0": [10.0, 20.0, 40.0, 80.0],
                      "performance_hit": [0.4, 0.2, 0.1, 0.05], "seed": [1, 1, 1, None]})
print(Frontiers.from_frame(frame, group="layer").data_hash)
"""


def run_python(program: str, **env: str) -> str:
    """Run a program in a new process and return what it prints."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=ENV | env, check=True, capture_output=True, text=True).stdout.strip()


def test_hash_is_the_same_in_every_process() -> None:
    here = Frontiers.from_frame(HASHED, group="layer").data_hash
    assert {run_python(HASH_PROGRAM, PYTHONHASHSEED=seed) for seed in ("1", "2")} == {here}
    assert len(here) == 64
    assert int(here, 16) > 0


@pytest.mark.parametrize(
    "change",
    [{"l0": [10.0, 20.0, 40.0, np.nextafter(80, 81)]}, {"variant": "b"}, {"layer": 4}, {"seed": "1"}],
)
def test_hash_sees_every_change(change: dict[str, object]) -> None:
    original = Frontiers.from_frame(HASHED, group="layer").data_hash
    assert Frontiers.from_frame(HASHED.assign(**change), group="layer").data_hash != original
    assert Frontiers.from_frame(HASHED.assign(unused=1), group="layer").data_hash == original


def test_import_is_cheap() -> None:
    heavy = "{'xarray', 'pymc', 'scipy', 'matplotlib'}"
    assert run_python(f"import sys, hillfront.frontiers.table; print({heavy} & set(sys.modules))") == "set()"


# ---------------------------------------------------------------- storing


def assert_same(one: Frontiers, other: Frontiers) -> None:
    """Compare everything that frontiers hold, floats bit by bit."""
    assert_frame_equal(one.table, other.table, check_exact=True)
    assert_frame_equal(one.dropped, other.dropped, check_exact=True)
    for name in ("group_columns", "metric", "warnings", "metric_label", "from_losses", "bounded"):
        assert getattr(one, name) == getattr(other, name)
    assert one.y.equals(other.y)
    assert one.data_hash == other.data_hash


def rich(frame: pd.DataFrame, faulty: pd.DataFrame) -> dict[str, Frontiers]:
    """Make frontiers that differ in what there is to store."""
    rng = np.random.default_rng(1)
    extras = frame.assign(
        loss_recovered=rng.uniform(0.1, 0.9, 12),
        se=rng.uniform(0, 0.01, 12),
        d_model=[None, *[768] * 11],
        label=["Ω run", None, *["x"] * 10],
        n_tokens=[None, *[1e6] * 11],
    )
    odd = frame.rename(columns={"site": "a/b c", "layer": "obs"})
    return {
        "plain": Frontiers.from_frame(frame[frame["layer"] == 20]),
        "extras": from_faulty(extras, group=["site", "layer"]),
        "dropped": from_faulty(faulty, group="layer", on_fault="drop"),
        "odd names": Frontiers.from_frame(odd, group=["a/b c", "obs"]),
        "called group": Frontiers.from_frame(frame.rename(columns={"layer": "setting"}), group="setting"),
        "cost": from_faulty(
            extras.assign(**{"KL / nats": rng.uniform(0.1, 9, 12)}), group=["site", "layer"], cost="KL / nats"
        ),
        "losses": from_faulty(
            frame.assign(ce_sae=rng.uniform(3, 4, 12), ce_base=2.0, ce_ablated=9.0, se_ce_sae=0.01),
            group=["site", "layer"],
            y="ce",
        ),
        "width": Frontiers.from_frame(frame.assign(width=4), group=["layer", "width"]),
    }


CASES = ["plain", "extras", "dropped", "odd names", "called group", "cost", "losses", "width"]


@pytest.mark.parametrize("case", CASES)
def test_round_trip_in_memory(frame: pd.DataFrame, faulty: pd.DataFrame, case: str) -> None:
    frontiers = rich(frame, faulty)[case]
    ds = frontiers.to_dataset()
    assert set(ds.sizes) == {"obs", "dropped_row"}
    assert all(variable.dtype.kind in "ifU" for variable in ds.variables.values())
    assert all(isinstance(value, str) for value in ds.attrs.values())
    assert_same(Frontiers.from_dataset(ds), frontiers)


@pytest.mark.parametrize("case", CASES)
def test_round_trip_through_netcdf(
    frame: pd.DataFrame, faulty: pd.DataFrame, case: str, tmp_path: Path
) -> None:
    frontiers = rich(frame, faulty)[case]
    path = tmp_path / "frontiers.nc"
    frontiers.to_dataset().to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as ds:
        assert_same(Frontiers.from_dataset(ds), frontiers)


def test_round_trip_keeps_what_the_cases_claim(frame: pd.DataFrame, faulty: pd.DataFrame) -> None:
    cases = rich(frame, faulty)
    assert cases["extras"].table[["d_model", "label"]].isna().any().all()
    assert cases["extras"].warnings
    assert len(cases["dropped"].dropped) == 3
    assert cases["extras"].table["n_tokens"].isna().sum() == 1
    assert (cases["cost"].metric_label, cases["cost"].table["cost"].max() > 1) == ("KL / nats", True)
    assert cases["losses"].from_losses
    assert "se_ce_sae" in cases["losses"].table


def test_datasets_of_the_first_version_still_load() -> None:
    """They know neither labels nor errors of losses, and may have text in n_tokens."""
    with xr.open_dataset(SAVED, group="frontiers", engine="h5netcdf") as ds:
        assert "metric_label" not in ds.attrs
        frontiers = Frontiers.from_dataset(ds)
    assert (frontiers.metric, frontiers.metric_label, frontiers.from_losses) == (
        "performance_hit",
        "performance hit",
        False,
    )
    assert frontiers.y.between(0, 1).all()
    old = Frontiers.from_frame(HASHED.rename(columns={"layer": "price"}), group="price").to_dataset()
    old = old.assign(n_tokens=("obs", np.array([">1e6"] * 4))).assign_attrs(group_columns='["cost"]')
    del old.attrs["metric_label"], old.attrs["from_losses"]
    table = Frontiers.from_dataset(old).table
    assert table["cost"].tolist() == ["3"] * 4
    assert table["n_tokens"].tolist() == [">1e6"] * 4
    assert "performance hit 0.05 to 0.4" in repr(Frontiers.from_dataset(old))
    assert len(Frontiers.from_dataset(old).pareto_only()) == 4  # by the hit, not by the column called cost


def test_loading_issues_no_warnings(frame: pd.DataFrame) -> None:
    with pytest.warns(FrontierDataWarning):
        frontiers = Frontiers.from_frame(frame.head(2))
    assert Frontiers.from_dataset(frontiers.to_dataset()).warnings == frontiers.warnings


def test_other_datasets_are_refused() -> None:
    with pytest.raises(ValueError, match="does not hold Frontiers"):
        Frontiers.from_dataset(xr.Dataset({"l0": ("obs", L0)}))


@pytest.mark.parametrize("name", ["scope", "quantity", "at", "median", "support", "verdict", "baseline"])
def test_setting_columns_that_results_use_are_refused(name: str) -> None:
    frame = pd.DataFrame(
        {"variant": ["a", "b"], "l0": [10.0, 20.0], "performance_hit": [0.2, 0.1], name: ["x", "x"]}
    )
    with pytest.raises(FrontierDataError, match=name):
        Frontiers.from_frame(frame, group=name)

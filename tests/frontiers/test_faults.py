"""The faults and the warnings, each alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hillfront.estimands.scopes import SCOPES
from hillfront.frontiers.cautions import (
    find_draft_warnings,
    find_warnings,
    log_chance_of_monotone,
    looks_filtered,
    wrong_direction,
)
from hillfront.frontiers.fault import Fault
from hillfront.frontiers.fault_finders import find_faults
from hillfront.frontiers.number_faults import dense_limit_faults, validate_dense_limit
from hillfront.frontiers.parsing import FROM_LOSSES, RESERVED_SETTINGS, read
from hillfront.frontiers.ranges import pareto_optimal
from hillfront.utils.wording import name_rows, nearest, shorten, show

L0 = [10.0, 20.0, 40.0, 80.0]
HIT = [0.2, 0.1, 0.05, 0.025]
AS_READ = {
    "variant": None,
    "group": (),
    "l0": None,
    "y": None,
    "cost": None,
    "dense_limit": None,
    "baseline": None,
}


def table(**columns: object) -> pd.DataFrame:
    """Make a sound table of one curve, with some columns replaced or added."""
    return pd.DataFrame({"variant": "gated", "l0": L0, "performance_hit": HIT} | columns)


def curves(*names: str, **columns: object) -> pd.DataFrame:
    """Make one sound curve for each variant, told apart by tiny shifts of L0."""
    parts = [table(variant=name, **columns).assign(l0=np.array(L0) + i / 10) for i, name in enumerate(names)]
    return pd.concat(parts, ignore_index=True)


def faults(frame: pd.DataFrame, **options: object) -> list[Fault]:
    """Find the faults of a frame read with the usual column names."""
    return list(find_faults(read(frame, **AS_READ | options)))  # type: ignore[arg-type]


def only_fault(frame: pd.DataFrame, **options: object) -> Fault:
    """Find the one fault of a frame."""
    (fault,) = faults(frame, **options)
    return fault


def warned(frame: pd.DataFrame, **options: object) -> tuple[str, ...]:
    """Find the warnings of a frame that has no faults."""
    draft = read(frame, **AS_READ | options)  # type: ignore[arg-type]
    assert find_faults(draft) == ()
    found = find_warnings(
        draft.table, rising=wrong_direction(draft), from_losses=draft.reading in FROM_LOSSES
    )
    return find_draft_warnings(draft) + found


def only_warning(frame: pd.DataFrame, **options: object) -> str:
    """Find the one warning of a frame."""
    (text,) = warned(frame, **options)
    return text


# ---------------------------------------------------------------- words


def test_a_sound_table_has_no_faults_and_no_warnings() -> None:
    assert faults(table()) == []
    assert warned(table()) == ()


def test_fault_reads_as_a_sentence() -> None:
    fault = Fault("L0 not positive", (3, 8), "-1, 0", "a number above 0", "Correct it.")
    assert (
        str(fault)
        == "L0 not positive (rows 3, 8): saw -1, 0; allowed: a number above 0. Next step: Correct it."
    )
    assert str(Fault("no rows", (), "0 rows", "one", "Look.")).startswith("no rows: saw 0 rows;")


def test_long_lists_are_shortened() -> None:
    assert name_rows([3]) == "row 3"
    assert name_rows([3, 8, 12, 13]) == "rows 3, 8, 12, 13"
    assert name_rows([3, 8, 12, *range(20, 29)]) == "rows 3, 8, 12 and 9 more"
    assert shorten([]) == ""


def test_nearest_ignores_case_and_gives_up_on_strangers() -> None:
    assert nearest("l0", ["loss", "L0"]) == "L0"
    assert nearest("variant", ["l0", "y"]) is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [("n/a", "'n/a'"), ("  ", "empty"), (None, "empty"), (pd.NA, "empty"), (np.nan, "empty"), (-2.5, "-2.5")],
)
def test_show(cell: object, text: str) -> None:
    assert show(cell) == text


def test_show_cuts_long_text() -> None:
    assert show("x" * 100) == repr("x" * 37 + "...")


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("given", "column", "next_step"),
    [("Variants", "variant", "Pass variant='Variants'."), ("L00", "l0", "Pass l0='L00'.")],
)
def test_missing_column_names_the_nearest(given: str, column: str, next_step: str) -> None:
    fault = only_fault(table().rename(columns={column: given}))
    assert fault.kind == f"missing column {column!r}"
    assert (fault.rows, fault.drops) == ((), ())
    assert repr(given) in fault.seen
    assert fault.next_step == next_step


def test_missing_setting_column() -> None:
    fault = only_fault(table(layers=3), group=["layer"])
    assert fault.kind == "missing column 'layer'"
    assert fault.next_step == "Name 'layers' in group, or leave 'layer' out."


def test_missing_hit_lists_all_sources() -> None:
    fault = only_fault(table().rename(columns={"performance_hit": "something"}))
    assert all(repr(name) in fault.allowed for name in ("loss_recovered", "performance_hit", "ce_sae"))
    assert fault.seen == "no column like it"
    assert only_fault(table(), y="recovered").next_step == "Add it, or pass y='COLUMN'."


def test_missing_loss_names_the_nearest_that_is_free() -> None:
    frame = table(ce_saes=3.0, ce_base=2.0, ce_ablated=9.0).drop(columns="performance_hit")
    fault = only_fault(frame)
    assert fault.kind == "missing column 'ce_sae'"
    assert fault.next_step == "Rename 'ce_saes' to 'ce_sae'."


@pytest.mark.parametrize(
    "group",
    ["variant", "l0", "se", "performance_hit", "row", "d_model", "cost", "n_tokens", "se_ce_base"],
)
def test_setting_column_with_another_meaning(group: str) -> None:
    fault = only_fault(table(row=1, se=0.01, d_model=512, cost=1, n_tokens=9, se_ce_base=0.1), group=group)
    assert fault.kind == "group column not usable"
    assert fault.seen == repr(group)


def test_setting_column_called_setting_only_on_its_own() -> None:
    frame = table(setting="a", layer=3)
    assert faults(frame, group="setting") == []
    assert only_fault(frame, group=["setting", "layer"]).allowed.startswith(
        "'setting' as the only group column"
    )


def test_column_given_twice() -> None:
    frame = table()
    same = pd.concat([frame, frame[["l0"]]], axis=1)
    assert faults(same) == []
    fault = only_fault(pd.concat([frame, frame[["l0"]] + 1], axis=1))
    assert (fault.kind, fault.seen) == ("column given twice", "'l0' with different values")
    unused = pd.concat([frame.assign(lr=1), frame.assign(lr=2)[["lr"]]], axis=1)
    assert faults(unused) == []


def test_no_rows() -> None:
    fault = only_fault(table().head(0), baseline="gated")
    assert (fault.kind, fault.seen) == ("no rows", "0 rows")


@pytest.mark.parametrize("blank", [None, "", "  ", np.nan, pd.NA])
def test_empty_variant_or_setting(blank: object) -> None:
    fault = only_fault(table(variant=pd.Series(["a", blank, "a", "a"], dtype=object)))
    assert (fault.kind, fault.rows, fault.seen) == ("variant empty", (1,), "empty")
    fault = only_fault(table(layer=pd.Series([3, 3, blank, 3], dtype=object)), group="layer")
    assert (fault.kind, fault.rows) == ("group column 'layer' empty", (2,))


@pytest.mark.parametrize("label", SCOPES)
def test_a_setting_with_a_label_of_the_results(label: str) -> None:
    fault = only_fault(table(layer=[label, label, "6", "6"]), group="layer")
    assert (fault.kind, fault.rows, fault.seen) == ("reserved setting", (0, 1), f"'{label}'")
    assert f"results call {RESERVED_SETTINGS[label]} '{label}'" in fault.next_step


def test_different_settings_with_one_label() -> None:
    frame = table(a=["x / y", "x", "x", "x"], b=["z", "y / z", "z", "z"])
    fault = only_fault(frame, group=["a", "b"])
    assert (fault.rows, fault.seen) == ((0, 1), "'x / y / z'")


@pytest.mark.parametrize("column", ["l0", "performance_hit", "se", "se_l0"])
@pytest.mark.parametrize("text", ["n/a", "about 1"])
def test_text_in_a_number(column: str, text: str) -> None:
    frame = table(**{column: pd.Series([1.2, "1.2", text, 1.2], dtype=object)})
    fault = only_fault(frame)
    assert fault.kind == f"not a number in {column!r}"
    assert (fault.rows, fault.seen, fault.drops) == ((2,), repr(text), ((2, repr(text)),))


@pytest.mark.parametrize("column", ["n_tokens", "se_ce_ablated", "ce_base"])
def test_text_is_a_fault_in_numbers_that_losses_need(column: str) -> None:
    frame = table(ce_sae=2.1, ce_base=2.0, ce_ablated=9.0).assign(ce_sae=[2.9, 2.5, 2.2, 2.1])
    frame[column] = pd.Series([2.0, 2.0, "2,0", 2.0], dtype=object)
    fault = only_fault(frame, y="ce")
    assert (fault.kind, fault.rows) == (f"not a number in {column!r}", (2,))
    assert fault.next_step == (
        "Write '2,0' with a decimal point, as 2.0; pandas.read_csv(..., decimal=',') does so."
    )


@pytest.mark.parametrize("column", ["d_model", "n_tokens", "ce_base", "se_ce_ablated", "Random seed"])
@pytest.mark.parametrize("text", ["NA", "n/a", "-", "None", "null", "nan"])
def test_words_for_nothing_are_empty_where_nothing_needs_them(column: str, text: str) -> None:
    assert warned(table(**{column: text})) == ()
    draft = read(table(**{column: [text, "512", text, ""]}), **AS_READ)  # type: ignore[arg-type]
    assert find_faults(draft) == ()
    assert draft.table.iloc[:, -1].isna().tolist() == [True, False, True, True]


def test_text_in_numbers_that_nothing_needs_is_a_warning() -> None:
    text = only_warning(table(n_tokens=">1e6 held-out", d_model=[512, "512 dims", 512, "n/a"]))
    assert text == (
        "Text in number columns counts as empty, because nothing needs them here: 'd_model' (row 1), "
        "'n_tokens' (rows 0, 1, 2, 3)."
    )


@pytest.mark.parametrize(
    ("cell", "step"),
    [
        ("95%", "Write fractions without a percent sign: divide by 100, and '95%' is no longer text."),
        ("1,024", "Write '1,024' as 1024, or as 1.024 if its comma is a decimal one."),
        ("1,024,000.5", "Write '1,024,000.5' without thousands separators, as 1024000.5."),
        *[
            (cell, "Write plain numbers: 1024.5, not '1,024.5' or '95%'.")
            for cell in ("8_22", "0x10", "1e300", "infinity", "٣٢", "about 32")
        ],
    ],
)
def test_what_people_do_not_write_for_a_number_is_text(cell: str, step: str) -> None:
    fault = only_fault(table(l0=pd.Series([10, 20, 40, cell], dtype=object)))
    assert (fault.kind, fault.rows, fault.next_step) == ("not a number in 'l0'", (3,), step)


def test_numbers_of_no_plausible_size() -> None:
    fault = only_fault(table(l0=[10, 20, 40, 2e9]))
    assert (fault.kind, fault.drops) == ("'l0' not plausible", ((3, "2000000000.0"),))
    fault = only_fault(table(performance_hit=[-2e6, 0.1, 0.05, 0.025]))
    assert (fault.kind, fault.rows) == ("'performance_hit' not plausible", (0,))
    assert faults(costs(mse=[2e7, 1e7, 5e6, 2e6]), cost="mse") == []


@pytest.mark.parametrize("values", [[True] * 4, pd.date_range("2024", periods=4), [1 + 2j] * 4, [[1]] * 4])
def test_other_types_are_not_numbers(values: object) -> None:
    assert only_fault(table(l0=values)).kind == "not a number in 'l0'"


@pytest.mark.parametrize("value", [0.0, -12.5, np.inf, -np.inf, np.nan, None, "inf", 10**400])
def test_l0_not_positive(value: object) -> None:
    fault = only_fault(table(l0=pd.Series([10, 20, 40, value], dtype=object)))
    assert fault.rows == (3,)
    assert fault.kind == ("not a number in 'l0'" if value in ("inf", 10**400) else "L0 not positive")


def test_many_bad_l0_are_one_fault() -> None:
    frame = pd.concat([table(), table(l0=[-1.0, -2.0, -3.0, -4.0]), table(l0=[-5.0, -6.0, -7.0, -8.0])])
    fault = only_fault(frame)
    assert fault.rows == tuple(range(4, 12))
    assert fault.seen == "-1.0, -2.0, -3.0 and 5 more"


@pytest.mark.parametrize("column", ["performance_hit", "loss_recovered", "kept"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_y_not_finite(column: str, value: float) -> None:
    frame = pd.DataFrame({"variant": "a", "l0": L0, column: [0.2, value, 0.3, 0.4]})
    fault = only_fault(frame, y=column)
    assert (fault.kind, fault.rows) == (f"{column!r} not finite", (1,))


def test_loss_not_finite_only_where_losses_are_the_source() -> None:
    frame = table(ce_sae=[3.0, np.nan, 3.0, 3.0], ce_base=2.0, ce_ablated=9.0)
    assert faults(frame) == []
    assert only_fault(frame, y="ce").kind == "'ce_sae' not finite"


@pytest.mark.parametrize("column", ["se", "se_l0", "se_ce_sae", "se_ce_base", "se_ce_ablated"])
@pytest.mark.parametrize("value", [-0.01, np.inf, np.nan])
def test_standard_error_not_usable(column: str, value: float) -> None:
    frame = table(ce_sae=[2.9, 2.5, 2.2, 2.1], ce_base=2.0, ce_ablated=9.0)
    fault = only_fault(frame.assign(**{column: [0.0, 0.01, value, 0.01]}), y="ce")
    assert (fault.kind, fault.rows) == (f"{column!r} not usable", (2,))


@pytest.mark.parametrize("column", ["d_model", "n_tokens"])
def test_d_model_and_n_tokens_may_be_empty_but_not_zero(column: str) -> None:
    assert faults(table(**{column: [512, None, 512, 512]})) == []
    fault = only_fault(table(**{column: [512, 0, -1, np.inf]}))
    assert (fault.kind, fault.rows) == (f"{column!r} not usable", (1, 2, 3))
    assert fault.allowed == "a finite number above 0, or empty"


def test_columns_empty_throughout_are_not_there() -> None:
    frame = table(se=np.nan, se_l0=None, loss_recovered=np.nan)
    draft = read(frame, **AS_READ)  # type: ignore[arg-type]
    assert find_faults(draft) == ()
    assert list(draft.table) == ["row", "variant", "setting", "l0", "sparsity", "performance_hit"]


@pytest.mark.parametrize("ablated", [2.0, 1.0])
def test_ablated_not_above_base(ablated: float) -> None:
    frame = table(ce_sae=3.0, ce_base=2.0, ce_ablated=[9.0, 9.0, ablated, 9.0])
    for y in (None, "ce"):
        fault = next(fault for fault in faults(frame, y=y) if fault.kind.startswith("ce_ablated"))
        assert (fault.rows, fault.seen) == ((2,), f"{ablated:g} against 2")


def test_swapped_losses_are_one_fault() -> None:
    """The hits that they would give are not reported as faults of their own."""
    frame = table(ce_sae=3.0, ce_base=9.0, ce_ablated=2.0).drop(columns="performance_hit")
    fault = only_fault(frame.assign(lr=range(4)))
    assert (fault.kind, fault.rows) == ("ce_ablated not above ce_base", (0, 1, 2, 3))


@pytest.mark.parametrize("column", ["loss_recovered", "performance_hit"])
def test_whole_column_in_percent(column: str) -> None:
    fault = only_fault(pd.DataFrame({"variant": "a", "l0": L0, column: [80.0, 90.0, 95.0, 97.0]}))
    assert fault.kind == f"{column!r} looks like percent"
    assert (fault.rows, fault.drops, fault.seen) == ((), (), "a median of 92.5")


def test_some_rows_in_percent() -> None:
    fault = only_fault(pd.DataFrame({"variant": "a", "l0": L0, "loss_recovered": [0.8, 90.0, 0.95, 0.97]}))
    assert (fault.rows, fault.drops) == ((1,), ((1, "90.0"),))


def test_a_hit_well_above_one_is_no_percent() -> None:
    assert faults(table(performance_hit=[3.0, 0.1, 0.05, 0.02])) == []


def test_exact_duplicates_name_both_rows_and_drop_the_later() -> None:
    frame = pd.concat([table(), table().iloc[[1, 1, 2]]])
    fault = only_fault(frame)
    assert fault.kind == "exact duplicate rows"
    assert fault.rows == (1, 2, 4, 5, 6)
    assert fault.seen == "row 4 repeats row 1, row 5 repeats row 1, row 6 repeats row 2"
    assert [row for row, _ in fault.drops] == [4, 5, 6]


def test_duplicates_are_judged_by_all_given_columns() -> None:
    twice = pd.concat([table(), table()], ignore_index=True)
    assert faults(twice.assign(lr=range(8))) == []
    assert only_fault(twice.assign(note=None, tags=[["x"]] * 8)).kind == "exact duplicate rows"


def test_unknown_baseline_lists_the_variants() -> None:
    fault = only_fault(curves("gated", "topk"), baseline="gatd")
    assert fault.allowed == "one of the variants 'gated', 'topk'"
    assert fault.next_step == "Pass baseline='gated'."
    fault = only_fault(curves("TopK", "top-k"), baseline="topk")
    assert fault.next_step == "Pass baseline='TopK' or baseline='top-k'."
    assert only_fault(curves("gated"), baseline="relu").next_step == "Pass one of these as the baseline."
    assert faults(table(variant=20.0), baseline=20) == []


def test_curve_with_no_positive_hit_is_named() -> None:
    frame = curves("gated", "topk").assign(layer=27)
    frame.loc[frame["variant"] == "topk", "performance_hit"] = [-0.3, -0.2, -0.0021, -0.1]
    fault = only_fault(frame, group="layer")
    assert fault.rows == (4, 5, 6, 7)
    assert fault.seen == "curve 'topk' in '27' with a highest hit of -0.0021"
    assert fault.drops[0] == (4, "-0.3")
    frame.loc[6, "performance_hit"] = 0.0
    assert only_fault(frame, group="layer").rows == (4, 5, 6, 7)
    frame.loc[6, "performance_hit"] = 0.001
    assert faults(frame, group="layer") == []


# ---------------------------------------------------------------- faults of costs


def costs(name: str = "mse", **columns: object) -> pd.DataFrame:
    """Make a sound table of one curve with a cost in place of the hit."""
    frame = pd.DataFrame({"variant": "gated", "l0": L0, name: [300.0, 150.0, 80.0, 40.0]})
    return frame.assign(**columns)


def test_a_sound_table_of_costs_has_no_faults_and_no_warnings() -> None:
    """Values that would be percent or above 1 on the scale of a hit are nothing special here."""
    assert faults(costs(), cost="mse") == []
    assert warned(costs(), cost="mse") == ()


def test_missing_cost_names_the_nearest() -> None:
    fault = only_fault(costs("norm_mse"), cost="normedMSE")
    assert (fault.kind, fault.seen) == ("missing column 'normedMSE'", "the nearest column 'norm_mse'")
    assert fault.next_step == "Pass cost='norm_mse'."
    assert only_fault(costs(), cost="kl").next_step == "Add it, or pass cost='COLUMN'."
    assert faults(costs("norm_mse"), cost="normMSE") == []


def test_missing_explained_variance() -> None:
    fault = only_fault(costs("explained_var"), cost="fvu")
    assert fault.kind == "missing column 'explained_variance'"
    assert fault.allowed == "'fvu', or 'explained_variance' to compute it from"
    assert fault.next_step == "Rename 'explained_var' to 'explained_variance'."
    assert faults(costs("FVU"), cost="fvu") == faults(costs("frac_variance_unexplained"), cost="fvu") == []
    fault = only_fault(costs(), cost="fvu")
    assert fault.next_step == "Add it, or pass cost='COLUMN' to use another column."


def test_missing_losses_of_a_loss_difference() -> None:
    found = faults(costs("ce_saes"), cost="loss_difference")
    assert [fault.kind for fault in found] == ["missing column 'ce_sae'", "missing column 'ce_base'"]
    assert found[0].next_step == "Rename 'ce_saes' to 'ce_sae'."
    fault = only_fault(costs("ce_sae"), cost="loss_difference")
    assert fault.kind == "missing column 'ce_base'"
    assert fault.allowed == "'loss_difference', or 'ce_sae' and 'ce_base' to compute it from"
    assert faults(costs("Loss_Difference"), cost="loss_difference") == []
    near = only_fault(costs("loss_recovered", ce_sae=3.0), cost="loss_difference")
    assert "loss_recovered" not in near.next_step


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("name", "cost"),
    [("mse", "mse"), ("explained_variance", "fvu"), ("ce_base", "loss_difference")],
)
def test_cost_not_finite(name: str, cost: str, value: float) -> None:
    frame = pd.DataFrame({"variant": "a", "l0": L0, "ce_sae": 3.0, name: [0.2, value, 0.3, 0.4]})
    fault = only_fault(frame, cost=cost)
    assert (fault.kind, fault.rows) == (f"{name!r} not finite", (1,))


def test_explained_variance_in_percent() -> None:
    """A cost has no upper bound, but explained variance has."""
    frame = costs("explained_variance", explained_variance=[80.0, 90.0, 95.0, 97.0])
    fault = only_fault(frame, cost="fvu")
    assert fault.kind == "'explained_variance' looks like percent"
    assert fault.allowed == "fractions, where 1 is the whole variance"
    frame["explained_variance"] = [0.8, 90.0, 0.95, 0.97]
    assert only_fault(frame, cost="fvu").drops == ((1, "90.0"),)


def test_curve_with_no_positive_cost() -> None:
    fault = only_fault(costs(mse=[-0.1, -0.2, 0.0, -0.3]), cost="mse")
    assert (fault.kind, fault.rows) == ("curve with no positive cost", (0, 1, 2, 3))
    assert fault.seen == "curve 'gated' with a highest cost of 0"
    assert fault.allowed == "a cost above 0 in one row or more"
    assert "hit" not in fault.next_step
    assert faults(costs(mse=[1e-9, -0.2, 0.0, -0.3]), cost="mse") == []


def test_swapped_losses_are_no_fault_of_a_cost() -> None:
    frame = costs(ce_sae=3.0, ce_base=2.0, ce_ablated=1.0)
    assert faults(frame, cost="mse") == []
    assert faults(frame, y="ce")[0].kind == "ce_ablated not above ce_base"


# ---------------------------------------------------------------- the dense limit


@pytest.mark.parametrize(("limit", "given"), [(40, "40"), (40.0, "40.0")])
def test_l0_not_below_a_number(limit: float, given: str) -> None:
    fault = only_fault(table(), dense_limit=limit)
    assert fault.kind == "L0 not below the dense limit"
    assert fault.drops == ((2, "40 >= 40"), (3, "80 >= 40"))
    assert (fault.rows, fault.seen) == ((2, 3), "40 >= 40, 80 >= 40")
    call = f"Frontiers.from_frame(..., dense_limit={given}, on_fault='drop')"
    assert fault.next_step.endswith(f"or drop these rows: {call}.")
    assert faults(table(), dense_limit=80.5) == []
    assert faults(table(), dense_limit=None) == []


def test_l0_not_below_d_model() -> None:
    frame = table(d_model=[512, 16, 40, 80])
    fault = only_fault(frame, dense_limit="d_model")
    assert fault.drops == ((1, "20 >= 16"), (2, "40 >= 40"), (3, "80 >= 80"))
    assert "dense_limit='d_model', on_fault='drop'" in fault.next_step
    assert faults(frame, dense_limit=100) == faults(frame) == []


def test_dense_limit_without_d_model() -> None:
    fault = only_fault(table(), dense_limit="d_model")
    assert (fault.kind, fault.drops) == ("missing column 'd_model'", ())
    assert fault.next_step == "Add it, or pass a number as dense_limit."
    fault = only_fault(table(dmodel=512), dense_limit="d_model")
    assert fault.seen == "the nearest column 'dmodel'"
    assert fault.next_step == "Rename 'dmodel' to 'd_model', or pass a number as dense_limit."


@pytest.mark.parametrize(("d_model", "rows"), [([99, None, 99, ""], (1, 3)), ([np.nan] * 4, (0, 1, 2, 3))])
def test_empty_d_model_under_the_dense_limit(d_model: list[object], rows: tuple[int, ...]) -> None:
    frame = table(d_model=pd.Series(d_model, dtype=object))
    fault = only_fault(frame, dense_limit="d_model")
    assert (fault.kind, fault.rows) == ("'d_model' empty", rows)
    assert fault.drops == tuple((row, "empty") for row in rows)
    assert fault.next_step.startswith("Fill in d_model, pass a number as dense_limit, or")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"d_model": [9999, "768 dims", 9999, 9999]}, "not a number in 'd_model'"),
        ({"d_model": [9999, -1, 9999, 9999]}, "'d_model' not usable"),
        ({"l0": [10, np.inf, 40, 80]}, "L0 not positive"),
        ({"l0": [10, "n/a", 40, 80]}, "not a number in 'l0'"),
    ],
)
def test_what_cannot_be_read_is_one_fault_under_the_dense_limit(
    change: dict[str, list[object]], kind: str
) -> None:
    columns = {name: pd.Series(values, dtype=object) for name, values in change.items()}
    fault = only_fault(table(**{"d_model": 9999} | columns), dense_limit="d_model")
    assert (fault.kind, fault.rows) == (kind, (1,))


def test_dense_limit_of_a_canonical_table() -> None:
    """The model checks again, with a table that was read without the limit."""
    canonical = read(table(d_model=[512, 512, None, 80]), **AS_READ).table  # type: ignore[arg-type]
    empty, above = dense_limit_faults(canonical, "d_model")
    assert (empty.kind, empty.rows) == ("'d_model' empty", (2,))
    assert (above.rows, above.seen) == ((3,), "80 >= 80")
    later = canonical.iloc[2:].reset_index(drop=True)  # rows are those of the user's frame
    assert [fault.rows for fault in dense_limit_faults(later, 41)] == [(3,)]
    (missing,) = dense_limit_faults(canonical.drop(columns="d_model"), "d_model")
    assert str(missing).startswith("missing column 'd_model': saw no such column; allowed: a table with")
    assert list(dense_limit_faults(canonical, None)) == []


@pytest.mark.parametrize(
    "limit", [0, -1.0, np.nan, np.inf, -np.inf, True, False, "dmodel", "512", [512], pd.Series([512])]
)
def test_dense_limit_is_checked(limit: object) -> None:
    expected = r"dense_limit must be 'd_model', a finite number above 0 \(an L0\) or None, not "
    with pytest.raises(ValueError, match=expected):
        validate_dense_limit(limit)
    with pytest.raises(ValueError, match=expected):
        list(dense_limit_faults(pd.DataFrame({"row": [0], "l0": [1.0]}), limit))  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [1, 0.5, np.float64(768), np.int64(768), "d_model", None])
def test_dense_limits_that_are_allowed(limit: object) -> None:
    validate_dense_limit(limit)


# ---------------------------------------------------------------- warnings


def test_warns_of_hits_outside_the_unit_interval() -> None:
    text = only_warning(table(performance_hit=[1.0, 0.5, 0.1, 0.0]))
    assert text.startswith("Performance hit outside (0, 1) in rows 0, 3 (1, 0)")


def test_warns_of_few_points() -> None:
    frame = pd.concat([curves("gated", "topk"), table(variant="few").head(3)])
    assert only_warning(frame).startswith("Fewer than 4 points in curve 'few' (3):")


def test_warns_of_one_point_and_of_one_l0() -> None:
    one = table(variant="one").head(1)
    same = table(variant="same", l0=10.0)
    jitter = table(variant="jitter", l0=[9.949, 9.96, 9.98, 10.0])
    text = only_warning(pd.concat([table(), one, same, jitter]))
    assert text.startswith(
        "Only one point in 'one', one L0 in 'same', one L0 in 'jitter' (9.949 to 10): the slope there comes "
        "from the other curves"
    )


def test_warns_of_a_frontier_that_folds_back() -> None:
    frame = curves("fine", "rising", "flat")
    frame.loc[frame["variant"] == "rising", "performance_hit"] = HIT[::-1]
    frame.loc[frame["variant"] == "flat", "performance_hit"] = 0.1
    text = only_warning(frame)
    assert text.startswith("The hit does not fall as L0 grows in curves 'rising' (+1.00), 'flat' (+0.00)")
    assert warned(table(performance_hit=[0.2, 0.05, 0.1, 0.025])) == ()


def noisy(n: int, scatter: float, seed: int) -> pd.DataFrame:
    """Simulate two variants of `n` unselected runs each."""
    rng = np.random.default_rng(seed)
    l0 = np.exp(rng.uniform(np.log(10), np.log(300), 2 * n))
    hit = 0.5 / l0**0.75 * np.exp(rng.normal(0, scatter, 2 * n))
    return pd.DataFrame({"variant": ["a", "b"] * n, "setting": "all", "l0": l0, "performance_hit": hit})


@pytest.mark.parametrize("seed", range(5))
def test_suspects_pareto_filtering_only_where_it_took_place(seed: int) -> None:
    runs = noisy(64, 0.2, seed)
    assert looks_filtered(runs) is None
    text = looks_filtered(runs[pareto_optimal(runs)])
    assert text is not None
    assert text.startswith("The data look Pareto-filtered")


def test_a_smooth_sweep_is_not_suspected() -> None:
    sweep = pd.concat([noisy(6, 0.0, seed).assign(group=str(seed)) for seed in range(20)])
    hit = sweep["performance_hit"] * np.exp(np.random.default_rng(1).normal(0, 1e-4, len(sweep)))
    assert looks_filtered(sweep.assign(performance_hit=hit)) is None


def test_chance_of_monotone_is_one_half_a_step_where_noise_rules() -> None:
    l0 = np.array([10.0, 20.0, 40.0, 80.0, 160.0])
    log_hit = np.array([0.0, -1.0, -1.01, -5.0, -5.01])  # a staircase
    points = pd.DataFrame({"variant": "a", "setting": "all", "l0": l0, "performance_hit": np.exp(log_hit)})
    x = np.log(l0)
    fall = -np.polyfit(x, log_hit, 1)[0] * np.log(2)
    inner = log_hit[1:-1] - (log_hit[:-2] + log_hit[2:]) / 2
    scatter = np.sqrt(np.mean(inner**2 / 1.5))
    from scipy.special import log_ndtr

    assert log_chance_of_monotone(points) == pytest.approx(4 * log_ndtr(fall / (scatter * np.sqrt(2))))


def test_known_filtering_takes_the_place_of_the_check() -> None:
    runs = noisy(64, 0.2, 0)
    assert find_warnings(runs.assign(row=range(128)), filtered="It was I.") == ("It was I.",)


def test_warns_of_l0_at_d_model() -> None:
    mixed, text = warned(table(d_model=[512, 512, None, 80]))
    assert mixed.endswith("To compare variants under the same conditions, keep those of one kind.")
    assert text.startswith("L0 reaches d_model in row 3 (80 >= 80)")


def test_warns_of_variants_without_a_shared_range() -> None:
    frame = pd.concat(
        [table(variant="a", layer=3), table(variant="b", layer=3, l0=[90.0, 100.0, 200.0, 300.0])]
    )
    frame = pd.concat([frame, curves("a", "b").assign(layer=4)])
    assert only_warning(frame, group="layer").startswith("No shared L0 range: 'a' and 'b' in '3'.")
    for start, apart in ((80.0, True), (75.0, True), (70.0, False)):  # beside an L0 of up to 80
        touching = pd.concat([table(variant="a"), table(variant="b", l0=[start, 100.0, 200.0, 300.0])])
        assert bool(warned(touching)) is apart, start


def test_warns_of_mixed_ablations() -> None:
    frame = curves("a", "b").assign(layer=[3] * 4 + [4] * 4, ablation=["mean"] * 4 + ["zero"] * 4)
    assert only_warning(frame, group="layer").startswith("Mixed ablations across settings ('mean', 'zero')")
    assert only_warning(frame).startswith("Mixed ablations ('mean', 'zero'): hits on different scales")
    assert warned(frame, group="ablation") == ()
    frame["layer"] = [3, 3, 3, 4, 3, 3, 3, 4]
    assert any(text.startswith("Mixed ablations in '3', '4'") for text in warned(frame, group="layer"))


def test_warns_of_mixed_seeds() -> None:
    frame = curves("a", "b").assign(seed=[1, 1, 2, 3] + [1] * 4)
    assert only_warning(frame).startswith("Mixed seeds inside curve 'a' (3):")
    assert warned(frame.assign(seed=[1] * 4 + [2] * 4)) == ()


# ---------------------------------------------------------------- warnings of costs and of errors of losses


def test_warns_of_costs_that_are_not_positive() -> None:
    text = only_warning(costs(mse=[5.0, 0.5, 0.0, -0.25]), cost="mse")
    assert text.startswith("Cost of 0 or below in rows 2, 3 (0, -0.25): there the SAE seems to lose nothing")


def test_warnings_of_shape_speak_of_the_cost() -> None:
    text = only_warning(costs(mse=[1.0, 2.0, 3.0, 4.0]), cost="mse")
    assert text.startswith("The cost rises with L0 in 1 of 1 curve: 'mse', read as a cost, probably runs in")
    text = only_warning(costs(mse=[1.0, 2.0, 0.5, 1.5]), cost="mse")
    assert text.startswith("The cost does not fall as L0 grows in curve 'gated' (+0.00)")
    runs = noisy(64, 0.2, 0).rename(columns={"performance_hit": "cost"})
    assert looks_filtered(runs) is None
    text = looks_filtered(runs[pareto_optimal(runs)]) or ""
    assert text.startswith("The data look Pareto-filtered: the cost falls with L0 at every step")


def test_mixed_ablations_do_not_matter_to_a_cost() -> None:
    frame = costs(ablation=["mean", "zero"] * 2)
    assert warned(frame, cost="mse") == ()
    assert only_warning(frame.assign(performance_hit=HIT)).startswith("Mixed ablations")


def losses(**columns: object) -> pd.DataFrame:
    """Make two variants in two settings, from losses; the settings have different denominators."""
    frame = curves("a", "b", "a", "b").drop(columns="performance_hit")
    frame["place"] = [6] * 8 + [20] * 8
    frame["ce_base"], frame["ce_ablated"] = 2.5, np.where(frame["place"] == 6, 12.5, 7.5)
    frame["ce_sae"] = 2.5 + np.tile(HIT, 4) * (frame["ce_ablated"] - 2.5)
    return frame.assign(**columns)


def test_warns_of_different_denominators_inside_a_setting() -> None:
    assert warned(losses(n_tokens=1e6), group="place") == ()
    text = only_warning(losses(n_tokens=1e6))
    assert text.startswith(
        "Different denominators: ce_base or ce_ablated differ by more than 1% of ce_ablated"
    )
    assert "treated as independent" in text
    frame = losses(se_ce_base=0.01)
    frame.loc[8, ["ce_base", "ce_ablated", "ce_sae"]] += 0.06  # beyond 1% of 5 nats
    assert only_warning(frame, group="place").startswith("Different denominators in '20': ")
    frame.loc[8, ["ce_base", "ce_ablated", "ce_sae"]] -= 0.02  # within
    assert warned(frame, group="place") == ()


@pytest.mark.parametrize("errors", [{}, {"se_ce_sae": 0.01}, {"se_ce_base": 0.0}])
def test_different_denominators_do_not_matter_without_shared_errors(errors: dict[str, float]) -> None:
    assert warned(losses(**errors)) == ()


def test_warns_of_different_base_losses_of_a_cost() -> None:
    frame = losses(se_ce_base=0.01)
    assert warned(frame, cost="loss_difference") == ()  # ce_ablated is not a part of it
    frame.loc[8, ["ce_base", "ce_sae"]] += 0.03
    text = only_warning(frame, cost="loss_difference")
    assert text.startswith("Different base losses: ce_base differs by more than 1% of the largest cost")


def test_warns_of_errors_of_losses_that_are_not_used() -> None:
    text = only_warning(table(se_ce_sae=0.01, se_ce_base=0.01))
    assert text.startswith(
        "Not used: se_ce_sae, se_ce_base, because the hit was not computed from the losses."
    )
    assert warned(table(n_tokens=1e6)) == ()
    assert only_warning(costs(se_ce_sae=0.01), cost="mse").startswith("Not used: se_ce_sae, because the cost")

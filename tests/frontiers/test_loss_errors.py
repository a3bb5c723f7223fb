"""Errors of hits from errors of losses, against their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from hillfront.frontiers.measurement_error import denominator, hit_errors, shares_denominator
from hillfront.frontiers.parsing import LOSS_ERRORS
from hillfront.frontiers.table import Frontiers

L0 = [10.0, 20.0, 40.0, 80.0]
SAE = [4.5, 3.5, 3.0, 2.75]  # hits of 0.2, 0.1, 0.05 and 0.025


def checked(*, cost: str | None = None, **columns: object) -> pd.DataFrame:
    """Read a table of losses."""
    losses = {"variant": "a", "l0": L0, "ce_sae": SAE, "ce_base": 2.5, "ce_ablated": 12.5}
    y = None if cost else "ce"
    return Frontiers.from_frame(pd.DataFrame(losses | columns), y=y, cost=cost).table


def hit(sae: float, base: float, ablated: float) -> float:
    """Compute the performance hit by its definition."""
    return (sae - base) / (ablated - base)


# ---------------------------------------------------------------- the scale


def test_denominator() -> None:
    assert denominator(checked()).tolist() == [10.0] * 4
    scale = denominator(checked().assign(ce_base=[2.5, np.nan, 0.5, 2.5]))
    assert scale.fillna(-1).tolist() == [10.0, -1.0, 12.0, 10.0]
    assert denominator(checked().drop(columns="ce_ablated")).isna().all()


# ---------------------------------------------------------------- errors as given


def test_errors_of_losses_in_units_of_the_hit() -> None:
    errors = hit_errors(checked(se_ce_sae=[0.01, 0.02, 0.03, 0.04], se_ce_base=0.05, se_ce_ablated=0.2))
    assert list(errors) == ["se_sae", "se_base", "se_ablated"]
    assert errors["se_sae"].tolist() == pytest.approx([0.001, 0.002, 0.003, 0.004])
    assert errors["se_base"].tolist() == pytest.approx([0.005] * 4)
    assert errors["se_ablated"].tolist() == pytest.approx([0.02] * 4)


@pytest.mark.parametrize("name", LOSS_ERRORS)
def test_errors_that_are_not_given_count_as_zero(name: str) -> None:
    """Also where tokens are given: errors as measured come first."""
    errors = hit_errors(checked(**{name: 0.1, "n_tokens": 1e3}))
    expected = {other.replace("_ce", ""): 0.01 if other == name else 0.0 for other in LOSS_ERRORS}
    assert errors.iloc[0].to_dict() == pytest.approx(expected)


def test_no_errors_without_errors_and_tokens() -> None:
    assert hit_errors(checked()).to_numpy().tolist() == [[0.0] * 3] * 4


def test_no_errors_where_the_losses_are_not_there() -> None:
    table = checked(se_ce_sae=0.01, n_tokens=1e6)
    without = table.drop(columns=["ce_sae", "ce_base", "ce_ablated"])
    assert hit_errors(without).to_numpy().tolist() == [[0.0] * 3] * 4
    assert hit_errors(without.drop(columns="se_ce_sae")).to_numpy().tolist() == [[0.0] * 3] * 4


losses_strategy = st.tuples(
    st.floats(0.5, 5.0),  # base
    st.floats(0.5, 15.0),  # D
    st.floats(-0.2, 1.2),  # hit
    st.floats(1e-3, 1.0),  # error, as a fraction of 1e-4 D
)


@given(losses_strategy)
def test_errors_are_those_of_the_definition(values: tuple[float, float, float, float]) -> None:
    """Shift each loss by its error, and see how far the hit moves."""
    base, scale, y, small = values
    sae, ablated, error = base + y * scale, base + scale, 1e-4 * small * scale
    table = pd.DataFrame(
        {"ce_sae": [sae], "ce_base": base, "ce_ablated": ablated, "performance_hit": y}
        | dict.fromkeys(LOSS_ERRORS, error)
    )
    (se_sae, se_base, se_ablated), *_ = hit_errors(table).to_numpy()
    now = hit(sae, base, ablated)
    tolerance = {"rel": 1e-3, "abs": 1e-7 * small}
    assert hit(sae + error, base, ablated) - now == pytest.approx(se_sae, **tolerance)
    assert hit(sae, base + error, ablated) - now == pytest.approx(-(1 - y) * se_base, **tolerance)
    assert hit(sae, base, ablated + error) - now == pytest.approx(-y * se_ablated, **tolerance)


@given(losses_strategy, st.floats(0.01, 100.0))
def test_errors_of_hits_do_not_depend_on_the_unit_of_loss(
    values: tuple[float, float, float, float], unit: float
) -> None:
    base, scale, y, error = values
    losses = pd.DataFrame(
        {"ce_sae": [base + y * scale], "ce_base": base, "ce_ablated": base + scale}
        | dict.fromkeys(LOSS_ERRORS, error)
    )
    errors, in_units = (hit_errors((losses * u).assign(performance_hit=y)) for u in (1.0, unit))
    assert_frame_equal(errors, in_units, rtol=1e-6)


# ---------------------------------------------------------------- errors from the number of tokens


def test_errors_from_tokens() -> None:
    errors = hit_errors(checked(n_tokens=[1e4, 1e4, 2e4, None]))
    assert (10 * errors["se_sae"]).tolist() == pytest.approx(np.sqrt([4e-4, 2e-4, 0.5e-4, 0.0]).tolist())
    assert errors["se_base"].tolist() == [0.0] * 4
    assert errors["se_ablated"].tolist() == pytest.approx(
        [np.sqrt(20e-4) / 10] * 2 + [np.sqrt(10e-4) / 10, 0.0]
    )


def test_an_sae_that_beats_the_base_model_has_an_error_too() -> None:
    errors = hit_errors(checked(n_tokens=1e4).assign(ce_sae=[4.5, 3.5, 2.5, 2.3]))
    assert errors["se_sae"].tolist()[2:] == pytest.approx([0.0, np.sqrt(0.4e-4) / 10])


@pytest.mark.parametrize("seed", range(3))
def test_errors_from_tokens_are_those_of_close_models(seed: int) -> None:
    """Two models over a vocabulary of 50 tokens: the exact variance of the log likelihood ratio."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, 50)
    base = np.exp(logits) / np.exp(logits).sum()
    close = np.exp(logits + rng.normal(0, 0.1, 50))
    close /= close.sum()
    ratio = np.log(base / close)
    delta = base @ ratio
    n_tokens = 5000
    table = pd.DataFrame(
        {
            "ce_sae": [-base @ np.log(close)],
            "ce_base": -base @ np.log(base),
            "ce_ablated": -base @ np.log(base) + 10.0,
            "n_tokens": float(n_tokens),
            "performance_hit": delta / 10,
        }
    )
    exact = np.sqrt((base @ ratio**2 - delta**2) / n_tokens) / 10
    assert hit_errors(table)["se_sae"].item() == pytest.approx(exact, rel=0.1)


# ---------------------------------------------------------------- costs


def test_errors_of_a_loss_difference_are_in_nats() -> None:
    table = checked(cost="loss_difference", se_ce_sae=0.03, se_ce_base=0.01, se_ce_ablated=0.2)
    assert hit_errors(table).to_numpy().tolist() == [[0.03, 0.01, 0.0]] * 4
    table = checked(cost="loss_difference", n_tokens=1e4).drop(columns="ce_ablated")
    errors = hit_errors(table)
    assert errors["se_sae"].tolist() == pytest.approx(np.sqrt([4e-4, 2e-4, 1e-4, 0.5e-4]).tolist())
    assert errors[["se_base", "se_ablated"]].to_numpy().tolist() == [[0.0, 0.0]] * 4


# ---------------------------------------------------------------- shared denominators


@pytest.mark.parametrize("name", ["ce_base", "ce_ablated"])
def test_a_setting_shares_losses_within_one_per_cent(name: str) -> None:
    table = pd.DataFrame(
        {"setting": list("aabb"), "ce_base": 2.5, "ce_ablated": 12.5, "performance_hit": 0.1}
    )
    assert shares_denominator(table).tolist() == [True] * 4
    table.loc[3, name] += 0.09
    assert shares_denominator(table).tolist() == [True] * 4
    table.loc[3, name] += 0.03
    assert shares_denominator(table).tolist() == [True, True, False, False]


def test_settings_may_differ() -> None:
    table = pd.DataFrame(
        {"setting": list("aabb"), "ce_base": [2.0, 2.0, 3.0, 3.0], "ce_ablated": 9.0, "performance_hit": 0.1}
    )
    assert shares_denominator(table).tolist() == [True] * 4
    assert shares_denominator(table.assign(setting="all")).tolist() == [False] * 4


@pytest.mark.parametrize("name", ["ce_base", "ce_ablated"])
def test_losses_that_are_not_given_are_not_shared(name: str) -> None:
    table = pd.DataFrame(
        {"setting": list("aabb"), "ce_base": 2.5, "ce_ablated": 12.5, "performance_hit": 0.1}
    )
    assert shares_denominator(table.drop(columns=name)).tolist() == [False] * 4
    table.loc[0, name] = np.nan
    assert shares_denominator(table).tolist() == [False, False, True, True]


def test_a_cost_shares_its_base_loss_only() -> None:
    table = pd.DataFrame(
        {"setting": "all", "ce_base": [2.5, 2.509], "ce_ablated": [9.0, 12.0], "cost": [1.0, 0.1]}
    )
    assert shares_denominator(table).tolist() == [True, True]
    assert shares_denominator(table.drop(columns="ce_ablated")).tolist() == [True, True]
    assert shares_denominator(table.assign(cost=[0.8, 0.1])).tolist() == [False, False]

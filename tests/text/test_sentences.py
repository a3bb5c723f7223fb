"""Sentences about comparisons: the right way round, with what they rest on, from tables made by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from helpers import fit_of, frontiers_of, points
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.text.sentences import ComparisonSentence, comparison_sentences, do_not_report
from hillfront.utils.wording import interval, percent, probability, significant


@cache
def fit() -> FrontierFit:
    """Two variants in three layers; the hits of the last layer have nothing in common."""
    rows = [
        points(name, l0, x_half=x_half, k=0.8, layer=layer)
        for layer, span in ((6, [10, 20, 40, 80]), (20, [11, 22, 44, 88]), (27, [10, 12, 14, 16]))
        for name, x_half, l0 in (("relu", 2.0, span), ("gated", 40.0 if layer == 27 else 4.0, span))
    ]
    return fit_of(frontiers_of(pd.concat(rows, ignore_index=True), group="layer"), baseline="relu")


def about(
    scope: str,
    setting: str = "",
    *,
    quantity: str = "mean_sparsity_gain",
    failed: tuple[str, ...] = (),
    verdict: dict[str, object] | None = None,
    **cells: object,
) -> ComparisonSentence:
    """Give the sentence of one comparison, with some cells of its row replaced."""
    improvement, pareto = fit().improvement(), fit().pareto()
    summary, verdicts = improvement.summary.copy(), pareto.summary.copy()
    own = (summary["scope"] == scope) & (summary["layer"] == setting) & (summary["quantity"] == quantity)
    for name, value in cells.items():
        summary.loc[own, name] = value
    for name, value in (verdict or {}).items():
        verdicts.loc[(verdicts["scope"] == scope) & (verdicts["layer"] == setting), name] = value
    found = comparison_sentences(
        replace(improvement, summary=summary),
        replace(pareto, summary=verdicts),
        fit().frontiers,
        failed=failed,
        quantities=[quantity],
    )
    (one,) = [s for s in found if (s.scope, s.setting) == (scope, setting)][:1]
    return one


def test_a_gain_in_a_setting() -> None:
    text = about("setting", "6", median=2.613, lower=2.304, upper=2.851, p_gt_1=1.0).gain
    assert text.startswith(
        "In layer 6, gated SAEs need 2.61x [2.30, 2.85] fewer active latents than relu SAEs at equal "
        "performance hit (median and 90% interval; hits "
    )
    assert text.endswith("inside the data of both; probability of a factor above 1 > 0.999).")


def test_the_range_is_that_of_the_data() -> None:
    table = fit().frontiers.table
    here = table[table["setting"] == "6"].groupby("variant")["performance_hit"].agg(["min", "max"])
    low, high = here["min"].max(), here["max"].min()
    assert f"; hits {significant(low)} to {significant(high)};" in about("setting", "6").gain


def test_an_average_names_its_settings() -> None:
    text = about("average", median=2.0, lower=1.5, upper=2.5).gain
    assert text.startswith("On average over the settings, gated SAEs need 2.00x [1.50, 2.50] fewer")
    assert "; 2 of 3 settings: 6, 20; inside the data of both;" in text
    assert "each setting's shared range, together hits " in text


def test_a_new_setting_is_a_prediction() -> None:
    text = about("new_setting", median=2.0, lower=1.5, upper=2.5)
    assert text.gain.startswith(
        "In a setting without data, gated SAEs are predicted to need 2.00x [1.50, 2.50]"
    )
    assert "predicted for a setting without data" in text.gain
    assert text.verdict.startswith("There, by prediction, the ")


def test_below_one_needs_more() -> None:
    text = about("setting", "6", median=0.5, lower=0.4, upper=0.8, p_gt_1=0.0).gain
    assert "gated SAEs need 2.00x [1.25, 2.50] more active latents than relu SAEs" in text
    assert ", a mean sparsity gain of 0.500 [0.400, 0.800] (" in text
    assert "probability of a factor above 1 < 0.001" in text
    hit = about("setting", "6", quantity="mean_hit_reduction", median=0.5, lower=0.4, upper=0.8).gain
    assert "gated SAEs have a 2.00x [1.25, 2.50] larger performance hit than relu SAEs at equal L0" in hit


@pytest.mark.parametrize(("lower", "upper"), [(0.9, 1.4), (1.0, 1.4), (0.6, 1.0)])
def test_an_interval_with_1_claims_nothing(lower: float, upper: float) -> None:
    text = about("setting", "6", median=0.5 * (lower + upper), lower=lower, upper=upper).gain
    assert "it is open whether gated SAEs need fewer active latents than relu SAEs" in text
    assert "an interval that contains 1" in text
    assert "gated SAEs need 1" not in text


def test_support_and_prior_are_said() -> None:
    text = about("setting", "6", support="extrapolated", prior_driven=True).gain
    assert "; extrapolated beyond the data of one or both; driven by the prior as much as by the data" in text
    assert "inside the data" not in text


def test_nothing_shared() -> None:
    text = about("setting", "27")
    assert text.gain == (
        "In layer 27, gated and relu SAEs observed no range of performance hit in common, so there is no "
        "mean sparsity gain to give."
    )
    assert not re.search(r"\d\.\d", text.gain)
    none = about("setting", "6", verdict={"verdict": "no shared range"})
    assert none.verdict == "The two share no range of L0, so there is no Pareto verdict."


def test_undefined_and_infinite_draws() -> None:
    nothing = {"median": np.nan, "lower": np.nan, "upper": np.nan}
    assert (
        "is undefined in too many posterior draws to have a 90% interval"
        in about("setting", "6", **nothing).gain
    )
    assert "need 9.00x [3.00, inf] fewer" in about("setting", "6", median=9.0, lower=3.0, upper=np.inf).gain
    worst = about("setting", "6", median=0.1, lower=0.0, upper=0.5).gain
    assert "need 10.0x [2.00, inf] more" in worst


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (
            {"verdict": "better", "p_better": 0.968},
            "The gated curve lies below the relu curve over the whole shared range (L0 10.0 to 80.0) with "
            "probability 0.968: Pareto-better.",
        ),
        (
            {"verdict": "worse", "p_worse": 1.0},
            "The gated curve lies above the relu curve over the whole shared range (L0 10.0 to 80.0) with "
            "probability > 0.999: Pareto-worse.",
        ),
        (
            {"verdict": "crossing", "p_cross": 0.99, "crossing_l0": 33.33},
            "The two curves cross inside the shared range (L0 10.0 to 80.0) with probability 0.990, at an L0 "
            "of 33.3 (posterior median): neither is Pareto-better.",
        ),
        (
            {"verdict": "undecided", "p_better": 0.6, "p_worse": 0.0, "p_cross": 0.4},
            "The Pareto verdict over the shared range (L0 10.0 to 80.0) is undecided (probability "
            "better = 0.600, worse < 0.001, crossing = 0.400).",
        ),
    ],
)
def test_verdicts(verdict: dict[str, object], text: str) -> None:
    assert about("setting", "6", verdict=verdict).verdict == text


def test_a_failed_diagnostic_comes_first() -> None:
    found = about("average", failed=("divergences", "R-hat"))
    assert str(found).startswith("DO NOT REPORT: diagnostics failed (divergences, R-hat). On average")
    assert do_not_report(()) == ""
    assert not str(about("average")).startswith("DO NOT")


def test_places_and_other_quantities() -> None:
    assert "at a performance hit of 0.02 (" in about("setting", "6", quantity="sparsity_gain").gain
    assert "at an L0 of 20 (" in about("setting", "6", quantity="hit_reduction").gain


def test_a_single_setting_is_said_once() -> None:
    frame = pd.concat([points("relu", [10, 20, 40, 80]), points("gated", [9, 21, 41, 79], x_half=4.0)])
    alone = fit_of(frontiers_of(frame), baseline="relu")
    found = comparison_sentences(alone.improvement(), alone.pareto(), alone.frontiers)
    assert [s.scope for s in found] == ["setting"]
    assert str(found[0]).startswith("gated SAEs need ")


def test_unknown_quantity() -> None:
    with pytest.raises(ValueError, match=r"quantities=\['k_ratio'\]: allowed are mean_sparsity_gain,"):
        comparison_sentences(fit().improvement(), fit().pareto(), fit().frontiers, quantities=["k_ratio"])


@pytest.mark.parametrize(
    "value", [0.0123456, 0.9996, 1.0, 5.978225, 9.995, 23.836, 163.57, 1234.5, 9.9e5, 1e-7]
)
def test_printed_numbers_are_the_rounded_ones(value: float) -> None:
    assert float(significant(value)) == pytest.approx(value, rel=0.0051)


def test_printed_probabilities_and_intervals() -> None:
    assert [probability(p) for p in (0.0, 0.0004, 0.0006, 0.5, 0.9994, 0.9996)] == [
        "< 0.001",
        "< 0.001",
        "= 0.001",
        "= 0.500",
        "= 0.999",
        "> 0.999",
    ]
    assert interval(0.0, np.inf) == "[0, inf]"
    assert (percent(0.9), percent(0.95), percent(0.999)) == ("90%", "95%", "99.9%")

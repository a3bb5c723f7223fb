"""What a user means is taken: one value for a list, numbers and letter case of names, or a word on what "
"to call."""

from __future__ import annotations

import pandas as pd
import pytest

import hillfront as hf
from helpers import fit_of, frontiers_of, points
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import design_of
from hillfront.plots.shrinkage import plot_shrinkage
from hillfront.text.sentences import comparison_sentences

L0 = [10, 20, 40, 80]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    curves = [
        points(v, L0, x_half=x, layer=layer) for layer in (4, 20) for v, x in (("ReLU", 2), ("Gated", 4))
    ]
    return pd.concat(curves, ignore_index=True)


@pytest.fixture(scope="module")
def frontiers(frame: pd.DataFrame) -> Frontiers:
    return frontiers_of(frame, group="layer")


@pytest.fixture(scope="module")
def fit(frontiers: Frontiers) -> FrontierFit:
    return fit_of(frontiers, baseline="ReLU")


def test_one_value_stands_for_a_list(fit: FrontierFit) -> None:
    one = fit.improvement(at_hit=0.05, at_l0=50)
    pd.testing.assert_frame_equal(one.summary, fit.improvement(at_hit=[0.05], at_l0=[50]).summary)
    sentences = comparison_sentences(one, fit.pareto(), fit.frontiers, quantities="hit_reduction")
    assert {sentence.quantity for sentence in sentences} == {"hit_reduction"}
    with pytest.raises(ValueError, match="needs the losses that hits are shares of"):
        fit.improvement(at_nats=0.1)
    predicted = fit.predict(l0=50, variants="Gated", settings="20")
    assert (predicted["variant"].item(), predicted["setting"].item()) == ("Gated", "20")


def test_numbers_and_letter_case_of_names_do_not_matter(fit: FrontierFit) -> None:
    assert fit.predict(settings=[20, 4], variants="gated")["setting"].to_numpy().tolist() == ["20", "4"]
    assert hf.plot_frontiers(fit, settings=20)[0].get_title() == "20"
    assert hf.plot_gain_profile(fit, settings=4, average=False)[0].get_title() == "4"
    claim = fit.check_claim("K_ratio", low=1, setting=20, variant="gated")  # type: ignore[arg-type]
    assert claim == fit.check_claim("k_ratio", low=1, setting="20", variant="Gated")
    with pytest.raises(ValueError, match=r"settings=\['resid'\]: allowed are 4, 20, at least one of them\."):
        fit.predict(settings="resid")


def test_a_design_takes_words_in_any_case(frontiers: Frontiers) -> None:
    usual = design_of(frontiers, baseline="ReLU", curve="hill", noise="student-t", pool={"k": "common"})
    meant = design_of(frontiers, baseline="relu", curve="Hill", noise="Student-T", pool={"K": "Common"})
    assert meant == usual
    assert design_of(frontiers_of(points("20", L0)), baseline=20).baseline == "20"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"baseline": "gate"},
            r"baseline='gate' is not a variant of these frontiers.* Did you mean 'Gated'\?",
        ),
        ({"curve": "hil"}, r"Unknown curve family 'hil'.* Did you mean 'hill'\?"),
        ({"noise": "student"}, r"Unknown noise 'student'.* Did you mean 'student-t'\?"),
        ({"pool": {"x_hlf": 1.0}}, r"pool has 'x_hlf', which is not a parameter.* Did you mean 'x_half'\?"),
    ],
)
def test_other_words_are_suggested(frontiers: Frontiers, options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        design_of(frontiers, **{"baseline": "ReLU", **options})  # type: ignore[arg-type]


FRAME = r"A DataFrame does not tell which columns make a setting.*by hf\.Frontiers\.from_frame\(frame, group="
CSV = r"'saes\.csv' is a path: read it first, by pandas\.read_csv .* hf\.Frontiers\.from_frame\(frame, group="


@pytest.mark.parametrize("call", [hf.fit, hf.prepare, hf.compare_curves, hf.plot_frontiers, hf.plot_checks])
def test_what_is_no_frontiers_is_told_how_to_become_them(call: object, frame: pd.DataFrame) -> None:
    assert callable(call)
    options = {} if call in (hf.plot_frontiers, hf.plot_checks) else {"baseline": "ReLU"}
    for given, said in (
        (frame, FRAME),
        ("saes.csv", CSV),
        ("fit.nc", r"read the fit by hf\.FrontierFit\.load\('fit\.nc'\) first"),
        (Frontiers, r"Frontiers is the class itself: make one by hf\.Frontiers\.from_frame"),
        (3, "int is another type: make Frontiers by"),
    ):
        with pytest.raises(TypeError, match=said):
            call(given, **options)


def test_frontiers_made_by_the_class_are_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(TypeError, match="made by the class itself, which reads and checks nothing"):
        hf.fit(Frontiers(frame), baseline="ReLU")


def test_a_fit_for_frontiers_and_a_method_called_on_the_class(fit: FrontierFit) -> None:
    with pytest.raises(TypeError, match=r"A FrontierFit has those it was made with as its \.frontiers\."):
        hf.fit(fit, baseline="ReLU")  # type: ignore[arg-type]
    for call in (FrontierFit.improvement, FrontierFit.diagnostics):
        said = rf"{call.__qualname__} was called on the class\. Call it on what hf\.fit\(frontiers, baseline="
        with pytest.raises(TypeError, match=said):
            call()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match=said):
            call(fit.frontiers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("draw", "made_by"),
    [
        (hf.plot_checks, r"hf\.fit\(frontiers, baseline=\.\.\.\)"),
        (hf.plot_gain_profile, r"hf\.fit\(frontiers, baseline=\.\.\.\)"),
        (plot_shrinkage, r"hf\.fit\(frontiers, baseline=\.\.\.\)"),
        (hf.plot_improvement, r"hf\.fit\(\.\.\.\)\.improvement\(\)"),
        (hf.plot_families, r"hf\.compare_curves\(frontiers, baseline=\.\.\.\)"),
        (hf.plot_prior, r"hillfront\.prepare\(frontiers, baseline=\.\.\.\)"),
    ],
)
def test_a_figure_of_a_fit_says_what_to_call(draw: object, made_by: str, frontiers: Frontiers) -> None:
    assert callable(draw)
    with pytest.raises(TypeError, match=made_by):
        draw(frontiers)


def test_frontiers_are_drawn_before_a_fit(fit: FrontierFit, frontiers: Frontiers) -> None:
    before, after = hf.plot_frontiers(frontiers), hf.plot_frontiers(fit)
    for axis, fitted in zip(before, after, strict=True):
        assert axis.get_title() == fitted.get_title()
        assert (axis.get_xlim(), axis.get_ylim()) == (fitted.get_xlim(), fitted.get_ylim())
        assert (axis.get_xlabel(), axis.get_ylabel()) == (fitted.get_xlabel(), fitted.get_ylabel())
        marks = [(line.get_color(), line.get_marker(), line.get_xydata().tolist()) for line in axis.lines]
        assert len(marks) == 2
        assert all(
            mark
            in [(line.get_color(), line.get_marker(), line.get_xydata().tolist()) for line in fitted.lines]
            for mark in marks
        )
        assert len(axis.collections) == 0
    (legend,) = before[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["ReLU", "Gated", "shared range"]


def test_the_baseline_of_points_can_be_named(frontiers: Frontiers, fit: FrontierFit) -> None:
    axes = hf.plot_frontiers(frontiers, baseline="gated")
    (legend,) = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["Gated (baseline)", "ReLU"]
    with pytest.raises(ValueError, match=r"baseline=\['Gated'\]: allowed are ReLU, at least"):
        hf.plot_frontiers(fit, baseline="Gated")

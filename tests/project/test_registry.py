"""A family and a quantity that a user adds appear, in their own words, in every output."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

import hillfront as hf
from hillfront.cli.json_output import claim_document, comparison_document, fit_document, to_json
from hillfront.curves import FAMILIES, HILL, CurveFamily, SampledParameter, register_family
from hillfront.curves.functions import backend
from hillfront.estimands.quantities import QUANTITIES, Effect, Quantity
from hillfront.estimands.ratios import sparsity_gain
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.paper import figures, write_paper
from hillfront.plots import plot_k_against_x_half, plot_shrinkage
from hillfront.report.page import report_html
from hillfront.text.outputs import write_outputs
from hillfront.text.sentences import comparison_sentences
from hillfront.text.summary import summary_table

LOG_2 = np.log(2.0)


def weibull(x: Any, half: Any, steepness: Any) -> Any:
    return 1.0 - backend(x, half, steepness).exp(-LOG_2 * (x / half) ** steepness)


def weibull_natural(log_x_ref: Any, log_k: Any, *, reference: Any) -> dict[str, Any]:
    xp = backend(log_x_ref, log_k)
    steepness = xp.exp(log_k)
    at_reference = np.log(-np.log1p(-reference.hit) / LOG_2)
    return {"half": xp.exp(log_x_ref - at_reference / steepness), "steepness": steepness}


def weibull_line(x: Any, half: Any, steepness: Any) -> Any:
    xp = backend(x, half, steepness)
    return np.log(LOG_2) + steepness * (xp.log(x) - xp.log(half))


POSITION, SHAPE = HILL.sampled
WEIBULL = CurveFamily(
    name="weibull",
    equation="y = 1 - 2^(-(x / half)^steepness)",
    sampled=(
        replace(POSITION, natural="half", to_sampled=None, words="half, sparsity of Weibull's middle"),
        replace(SHAPE, natural="steepness", words="steepness of Weibull", coordinate="steepness of Weibull"),
    ),
    natural=weibull_natural,
    value=weibull,
    inverse=lambda y, half, steepness: half * (-np.log1p(-y) / LOG_2) ** (1.0 / steepness),
    coordinate=np.log,
    from_coordinate=np.exp,
    link=lambda y: np.log(-np.log1p(-y)),
    line=weibull_line,
    slope=lambda x, half, steepness: (
        steepness / x * LOG_2 * (x / half) ** steepness * (1.0 - weibull(x, half, steepness))
    ),
    ratios={"steepness_ratio": ("steepness", -1)},
    saturates=True,
    words="a Weibull curve",
    latex=r"f(x) = 1 - 2^{-(x / h)^{s}}",
)

THRIFT = Quantity(
    "thrift",
    lambda pair, _: sparsity_gain(pair.family, *pair.curves, 0.1, scale=pair.scale),
    lambda pair, _: "observed" if 0.1 in pair.hits else "extrapolated",
    effect=Effect("wake", "wakes", "{factor}fewer sleepers", "{factor}more sleepers"),
    headline=True,
    words="thrift at a tenth",
    axis="times fewer sleepers (thrift)",
    where="at a tenth of the {metric}",
    claim="{variant} wakes {bounds} times fewer sleepers than {baseline}",
    caption="how many times fewer sleepers each variant wakes than {baseline}",
    definition="the ratio of the sleepers at a tenth of the {metric}",
    macro="Thriftiness",
    format=".4f",
)


@contextmanager
def registered(quantity: Quantity = THRIFT) -> Iterator[None]:
    with patch.dict(FAMILIES), patch.dict(QUANTITIES, {quantity.name: quantity}):
        register_family(WEIBULL)
        yield


def outputs(folder: Path) -> dict[str, str]:
    """Every output of a fit of the family, as text, under its name."""
    simulation = hf.simulate(curve="weibull", settings=2, points=6, random_seed=4)
    options: dict[str, Any] = {"draws": 250, "chains": 4, "tune": 10, "progressbar": False}
    fit = hf.fit(simulation.frontiers, baseline="baseline", curve="weibull", **options)
    comparison = hf.compare_curves(
        simulation.frontiers, baseline="baseline", families=["hill", "weibull"], exact=False, **options
    )
    improvement = fit.improvement()
    sentences = comparison_sentences(
        improvement, fit.pareto(), fit.frontiers, quantities=["thrift", "mean_sparsity_gain"]
    )
    terminal = StringIO()
    Console(file=terminal, width=200).print(summary_table(fit))
    write_outputs(fit, folder / "fit")
    write_paper(fit, folder / "paper")
    loaded = FrontierFit.load(folder / "fit" / "fit.nc")
    claims = [
        loaded.check_claim("thrift", low=1.5),
        loaded.check_claim("steepness_ratio", low=0.9, high=1.1, setting="new_setting"),
    ]
    found = {
        "truth": simulation.truth.to_string() + simulation.curves.to_string(),
        "improvement": str(improvement),
        "draws": str(improvement.draws),
        "loaded": str(loaded.improvement()),
        "compared": comparison.summary.to_string() + comparison.gains.to_string(),
        "sentences": "\n".join(map(str, sentences)),
        "terminal": terminal.getvalue(),
        "claims": "\n".join(map(str, claims)),
        "json of fit": to_json(fit_document("fit", fit, folder, asked_at={})),
        "json of comparison": to_json(comparison_document(comparison, fit.frontiers, None)),
        "json of claim": to_json(claim_document(claims[0], fit)),
        "report": report_html(fit),
        "plot_improvement": labels(hf.plot_improvement(improvement, quantity="thrift")),
        "plot_improvement of ratio": labels(hf.plot_improvement(improvement, quantity="steepness_ratio")),
        "plot_prior": labels(*hf.plot_prior(fit)),
        "plot_shrinkage": labels(*plot_shrinkage(fit)),
        "plot_families": labels(*hf.plot_families(comparison)),
        "plot_frontiers": labels(*hf.plot_frontiers(fit)),
        "plot_gain_profile": labels(*hf.plot_gain_profile(fit)),
        "plot_checks": labels(*hf.plot_checks(fit)),
    }
    return found | {
        path.name: path.read_text("utf-8") for path in folder.glob("*/*") if path.suffix in (".tex", ".csv")
    }


def labels(*axes: Axes) -> str:
    """Text of axes and of the legends about them."""
    texts = []
    for axis in axes:
        figure = axis.get_figure(root=True)
        assert isinstance(figure, Figure)
        legends = [*figure.legends, *([axis.get_legend()] if axis.get_legend() else [])]
        texts += [
            axis.get_title(),
            axis.get_xlabel(),
            axis.get_ylabel(),
            *(text.get_text() for text in axis.texts),
        ]
        texts += [text.get_text() for legend in legends for text in legend.get_texts()]
    return "\n".join(texts)


EXPECTED = {
    "truth": ("thrift", "steepness_ratio", "half"),
    "improvement": ("thrift", "steepness_ratio"),
    "draws": ("thrift", "steepness_ratio"),
    "loaded": ("thrift", "steepness_ratio"),
    "compared": ("weibull", "thrift"),
    "sentences": (
        "On average over the settings, variant SAEs wake ",
        "x [",
        "fewer sleepers than baseline SAEs at a tenth of the performance hit (median and 90% interval; all 2",
        "variant SAEs are predicted to wake ",
    ),
    "terminal": ("thrift at a tenth", "mean sparsity gain"),
    "claims": (
        "variant wakes at least 1.5 times fewer sleepers than baseline, on average over the settings (median",
        "steepness falls by a factor of 0.9 to 1.1 from baseline to variant, in a new setting (median",
    ),
    "json of fit": ('"quantity": "thrift"', '"quantity": "steepness_ratio"'),
    "json of comparison": ('"curve": "weibull"', '"quantity": "thrift"'),
    "json of claim": ("variant wakes at least 1.5 times fewer sleepers",),
    "report": (
        "thrift at a tenth",
        "Thrift at a tenth",
        "fewer sleepers than baseline SAEs",
        "times fewer sleepers",
        "weibull",
        "y = 1 - 2^(-(x / half)^steepness)",
        "steepness ratio",
    ),
    "plot_improvement": ("times fewer sleepers (thrift)",),
    "plot_improvement of ratio": ("steepness ratio",),
    "plot_prior": ("half, sparsity of Weibull's middle", "steepness of Weibull", "L0 at a hit of 0.05"),
    "plot_shrinkage": ("L0 at a hit of 0.05", "steepness of Weibull"),
    "plot_families": ("weibull, weight",),
    "plot_frontiers": ("variant",),
    "plot_gain_profile": ("sparsity gain",),
    "plot_checks": ("Mean sparsity gain",),
    "improvement.csv": ("thrift", "steepness_ratio"),
    "pareto.csv": ("better",),
    "gains.tex": (
        "Thrift at a tenth",
        "how many times fewer sleepers each variant wakes than baseline (thrift at a tenth)",
    ),
    "macros.tex": (r"\hfVariantBaselineAverageThriftinessInterval}", "SteepnessRatioProb}"),
    "sentences.tex": ("fewer sleepers than baseline SAEs",),
    "methods.tex": (
        r"Each frontier is a Weibull curve~\cite{hf-post}, $f(x) = 1 - 2^{-(x / h)^{s}}$.",
        "the thrift at a tenth is the ratio of the sleepers at a tenth of the performance hit. All are",
        "half partially pooled over settings; steepness partially pooled",
    ),
}


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write no pixels: they take the time, and hold no text that can be read back."""
    drawn = Figure.savefig

    def savefig(figure: Figure, target: object, **options: Any) -> None:
        if isinstance(target, Path):
            target.touch()
        else:  # the vector graphics of the report
            drawn(figure, target, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    monkeypatch.setattr(figures, "write_figures", lambda *_: [])


@pytest.mark.usefixtures("undrawn", "sampler")
def test_a_new_family_and_a_new_quantity_are_in_every_output(tmp_path: Path) -> None:
    with registered(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto")
        found = outputs(tmp_path)
    missing = {name: [text for text in texts if text not in found[name]] for name, texts in EXPECTED.items()}
    assert {name: texts for name, texts in missing.items() if texts} == {}
    assert "thrift" not in QUANTITIES
    assert "weibull" not in FAMILIES


@pytest.mark.usefixtures("sampler")
def test_what_a_registered_family_is_refused(tmp_path: Path) -> None:
    with registered():
        frontiers = hf.simulate(curve="weibull", points=5, random_seed=1).frontiers
        fit = hf.fit(frontiers, baseline="baseline", curve="weibull", draws=100, progressbar=False)
        fit.save(tmp_path / "fit.nc")
        with pytest.raises(ValueError, match="'weibull' family have half and steepness, not x_half and k"):
            plot_k_against_x_half(fit)
        with pytest.raises(ValueError, match="There is a curve family 'weibull' already"):
            register_family(WEIBULL)
    with pytest.raises(ValueError, match=r"Unknown curve family 'weibull'\. Allowed: hill, "):
        FrontierFit.load(tmp_path / "fit.nc").improvement()


def test_words_that_are_left_out_follow_from_the_name() -> None:
    family = replace(WEIBULL, words="", latex="")
    assert (family.words, family.latex) == ("a weibull curve", "")
    parameter = SampledParameter("log_b", "b", 0.0, 1.0, 1.0, 1.0, 1.0, np.log)
    assert (parameter.words, parameter.coordinate) == ("b", "b")
    quantity = Quantity("half_life", THRIFT.compute, THRIFT.support)
    assert (quantity.words, quantity.axis, quantity.macro) == ("half life", "half life", "HalfLife")
    assert quantity.claim == "the half life of {variant} over {baseline} is {bounds}"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ratios": {"q_ratio": ("q", 1)}}, "has a ratio 'q_ratio' of 'q', which is none of its parameters"),
        (
            {"sampled": (POSITION, SHAPE), "ratios": {}},
            r"returns half, steepness, and .* for x_half, k",
        ),
        ({"sampled": (WEIBULL.sampled[0],) * 2}, "has two parameters of one name among half, half"),
        (
            {"inverse": lambda y, half, steepness: y},
            r"is 0.05\d* and should be 0.02",
        ),
        ({"sampled": ()}, "has no sampled parameter"),
    ],
)
def test_a_family_that_contradicts_itself_is_refused_when_made(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        replace(WEIBULL, **change)


@pytest.mark.parametrize("field", ["centre", "spread", "contrast", "setting", "interaction"])
def test_a_missing_prior_is_refused_when_made(field: str) -> None:
    with pytest.raises(ValueError, match=f"Parameter 'log_k': {field}=nan must be a"):
        replace(SHAPE, **{field: np.nan})


def test_a_copy_of_a_family_needs_words_of_its_own() -> None:
    with patch.dict(FAMILIES), pytest.raises(ValueError, match="'mine' has the words of 'hill'"):
        register_family(replace(HILL, name="mine"))

"""Number of draws of a fit: as many as R-hat and ESS need, 8,000 a chain at most, or the number given."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import hillfront as hf
from hillfront.cli.app import app
from hillfront.diagnostics.run import convergence_of
from hillfront.fits import fitting
from hillfront.fits.fitting import PreparedModel
from hillfront.report.provenance import code_of


@pytest.fixture(scope="module")
def pair() -> PreparedModel:
    """One baseline and one variant, four points each, in one setting."""
    return hf.prepare(hf.simulate(random_seed=0).frontiers, baseline="baseline")


@pytest.fixture
def passing_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the checks fail below so many draws a chain, and pass from there on."""

    def until(enough: int) -> None:
        def checks(posterior: xr.Dataset, *args: Any, **options: Any) -> Any:
            n = posterior.sizes["draw"]
            return (hf_check("ESS bulk", n, passed=n >= enough),)

        monkeypatch.setattr(fitting, "convergence_of", checks)

    return until


def hf_check(name: str, value: float, *, passed: bool) -> Any:
    from hillfront.diagnostics.model_checks import Check

    return Check(name, value, "", passed, f"smallest {value:.0f}, of sigma", "")


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "hillfront"]


def test_the_draws_that_are_chosen_are_those_of_that_number(
    pair: PreparedModel, passing_at: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    """What is saved repeats the fit to the last bit, and the code of the report says it."""
    caplog.set_level(logging.INFO, logger="hillfront")
    passing_at(2000)
    chosen = pair.fit(random_seed=2, tune=100, progressbar=False)
    assert messages(caplog) == [
        "ESS bulk: smallest 1000, of sigma, after 1,000 draws a chain; sampling on to 2,000."
    ]
    assert chosen.sampler_options["draws"] == 2000
    assert chosen.sampler_options["draws_chosen"] is True
    fixed = pair.fit(random_seed=2, tune=100, draws=2000, progressbar=False)
    assert fixed.sampler_options == chosen.sampler_options | {"draws_chosen": False}
    for name in ("posterior", "sample_stats", "posterior_predictive"):
        xr.testing.assert_identical(
            fixed.data[name].to_dataset().drop_attrs(), chosen.data[name].to_dataset().drop_attrs()
        )
    assert "    draws=2000,\n" in code_of(chosen)
    assert "draws_chosen" not in code_of(chosen)
    assert not [note for note in chosen.notes if "1,000" in note]


def test_more_draws_begin_with_the_same(pair: PreparedModel) -> None:
    few, many = (
        pair.fit(random_seed=2, tune=100, draws=draws, progressbar=False).data["posterior"]["k"]
        for draws in (100, 300)
    )
    np.testing.assert_array_equal(many[:, :100], few)


def test_a_fit_that_passes_at_once_stops_there(sampler: Any, caplog: pytest.LogCaptureFixture) -> None:
    """And its diagnostics are the checks that let it stop."""
    caplog.set_level(logging.INFO, logger="hillfront")
    frontiers = hf.simulate(points=4, random_seed=1).frontiers
    fit = hf.fit(frontiers, baseline="baseline", progressbar=False)
    assert fit.sampler_options["draws"] == 1000
    assert not messages(caplog)
    kept = fit.diagnostics().checks
    posterior = fit.data["posterior"].to_dataset()
    again = convergence_of(posterior, fit.frontiers, fit.design, random_seed=1)
    assert [check for check in kept if check.name in ("R-hat", "ESS bulk", "ESS tail")] == list(again)


def test_two_modes_fail_at_the_most_draws(
    sampler: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Chains that stay in modes of their own never agree."""
    caplog.set_level(logging.INFO, logger="hillfront")
    sample = PreparedModel.sample

    def in_two_modes(*args: Any, **options: Any) -> tuple[xr.Dataset, xr.Dataset]:
        posterior, stats = sample(*args, **options)
        odd = posterior["chain"] % 2
        return posterior.assign(k=posterior["k"] * np.exp(odd), log_k=posterior["log_k"] + odd), stats

    monkeypatch.setattr(PreparedModel, "sample", in_two_modes)
    fit = hf.fit(hf.simulate(points=4, random_seed=1).frontiers, baseline="baseline", progressbar=False)
    assert fit.sampler_options["draws"] == 8000
    assert [text.rpartition(" ")[2] for text in messages(caplog)] == ["2,000.", "4,000.", "8,000."]
    assert "R-hat" in [check.name for check in fit.diagnostics().failed]
    assert any(note.startswith("DIAGNOSTIC FAILED: R-hat") for note in fit.notes)


def test_a_number_of_draws_is_kept_to(pair: PreparedModel, passing_at: Callable[[int], None]) -> None:
    passing_at(2000)
    fit = pair.fit(draws=40, tune=20, progressbar=False)
    assert fit.sampler_options["draws"] == 40
    assert fit.sampler_options["draws_chosen"] is False


def test_a_comparison_samples_each_family_on(
    sampler: Any,
    monkeypatch: pytest.MonkeyPatch,
    passing_at: Callable[[int], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until its checks pass; a fit without one of the curves has as many draws as the fit with all."""
    caplog.set_level(logging.INFO, logger="hillfront")
    passing_at(2000)
    frontiers = hf.simulate(points=4, random_seed=1).frontiers
    seen: list[tuple[int, int]] = []
    sample = PreparedModel.sample

    def noted(model: PreparedModel, table: hf.Frontiers, options: Any, **others: Any) -> Any:
        seen.append((len(table), options.draws))
        return sample(model, table, options, **others)

    monkeypatch.setattr(PreparedModel, "sample", noted)
    options = {"families": ["hill", "hill1"], "exact": False, "leave_curves_out": True, "tune": 20}
    found = hf.compare_curves(frontiers, baseline="baseline", progressbar=False, **options)  # type: ignore[arg-type]
    assert seen == [(8, 1000), (8, 2000), (4, 2000), (4, 2000)] * 2
    for fit in found.fits.values():
        assert (fit.sampler_options["draws"], fit.sampler_options["draws_chosen"]) == (2000, True)
        assert fit.posterior.sizes["draw"] == 2000
    assert len(messages(caplog)) == 2
    seen.clear()
    fixed = hf.compare_curves(frontiers, baseline="baseline", progressbar=False, draws=500, **options)  # type: ignore[arg-type]
    assert seen == [(8, 500), (4, 500), (4, 500)] * 2
    assert {fit.sampler_options["draws_chosen"] for fit in fixed.fits.values()} == {False}
    assert len(messages(caplog)) == 2


@pytest.mark.parametrize(
    ("options", "said"), [([], True), (["--quiet"], False), (["--draws", "1000"], False)]
)
def test_the_command_line_says_that_it_samples_on(
    sampler: Any,
    monkeypatch: pytest.MonkeyPatch,
    passing_at: Callable[[int], None],
    tmp_path: Path,
    options: list[str],
    said: bool,
) -> None:
    passing_at(2000)
    monkeypatch.setattr("hillfront.text.outputs.write_outputs", lambda *args, **options: None)
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "out"), *options])
    line = "ESS bulk: smallest 1000, of sigma, after 1,000 draws a chain; sampling on to 2,000."
    assert (line in done.stderr) == said
    assert line not in done.stdout
    assert not logging.getLogger("hillfront").handlers


def test_a_thin_that_can_never_pass_is_refused() -> None:
    frontiers = hf.simulate(points=4, random_seed=1).frontiers
    with pytest.raises(ValueError, match=r"thin=100 keeps 80 of at most 8,000 draws a chain, fewer than"):
        hf.fit(frontiers, baseline="baseline", thin=100, progressbar=False)


def test_a_group_column_named_like_a_quantity_is_no_coordinate_of_the_draws() -> None:
    table = hf.simulate(points=4, random_seed=1).frontiers.table[["variant", "l0", "performance_hit"]]
    frontiers = hf.Frontiers.from_frame(table.assign(k_ratio="a", site="b"), group=["k_ratio", "site"])
    fit = hf.fit(frontiers, baseline="baseline", draws=50, tune=100, chains=2, progressbar=False)
    draws = fit.improvement().draws
    assert "k_ratio" in draws.data_vars
    assert draws["site"].dims == ("setting",)

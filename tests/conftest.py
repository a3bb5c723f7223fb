"""Settings of the whole test suite."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import pytest
import xarray as xr
from hypothesis import settings
from matplotlib.figure import Figure

import hillfront as hf
from helpers import guess, posterior_of, stats_of
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.data import row_data
from hillfront.model.design import Design
from hillfront.model.pymc_model import reported_variables
from seeds import OFFSET, add_to_seeds

matplotlib.use("Agg")
if OFFSET:
    add_to_seeds(OFFSET)

# The same examples in every run, and no time limit on a single one: machines are shared. Look for new
# examples with `pytest --hypothesis-profile=search`.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def gemma() -> FrontierFit:
    """Acceptance case: all usable rows of Gemma-7B."""
    rows = hf.load_dataset("gated_sae", model="Gemma-7B", seq_len=1024)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        frontiers = hf.Frontiers.from_frame(rows, group=["site", "layer"], y="loss_recovered")
    return hf.fit(frontiers, baseline="baseline", progressbar=False)


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stand in for compilation and sampling: draws around least-squares curves.

    Set ``diverging`` to let so many draws diverge, and ``error`` to raise it in the middle of sampling.
    """
    how = SimpleNamespace(diverging=0, error=None, calls=[])

    class Guesses:
        def __init__(self, frontiers: Frontiers, design: Design, priors: Mapping[str, Any]) -> None:
            self.design, self.names = design, reported_variables(design, priors)

        def posterior(
            self, frontiers: Frontiers, parameterization: Any, sampler_options: Any, **options: Any
        ) -> tuple[xr.Dataset, xr.Dataset]:
            how.calls.append(options)
            if how.error is not None:
                raise how.error
            data = row_data(frontiers, self.design)
            shape = len(self.design.settings), len(self.design.variants)
            curves = guess(data["sparsity"], data["observed"], data["curve_index"], shape)
            size = {
                "chains": sampler_options.chains,
                "draws": sampler_options.draws,
                "random_seed": sampler_options.random_seed,
            }
            posterior = posterior_of(self.design, *curves, hyper={"nu": 10.0}, **size)
            return posterior[self.names], stats_of(**size, diverging=how.diverging)

        def prior(self, *, draws: int, random_seed: int) -> xr.Dataset:
            prior = posterior_of(
                self.design,
                -4.0,
                -0.2,
                sd=0.5,
                chains=1,
                draws=draws,
                random_seed=random_seed,
                hyper={"nu": 10.0},
            )
            return prior[self.names]

    monkeypatch.setattr("hillfront.fits.fitting.sampler_of", Guesses)
    return how


@pytest.fixture
def titles(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Titles of the figures by file name, in place of their pixels."""
    found = {}

    def savefig(figure: Figure, path: Path, **_: object) -> None:
        found[Path(path).name] = figure.get_suptitle()
        Path(path).touch()

    monkeypatch.setattr(Figure, "savefig", savefig)
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, titles: dict[str, str]) -> dict[str, str]:
    """The same, and fit.nc empty: writing takes longer than all the rest."""
    monkeypatch.setattr(FrontierFit, "save", lambda fit, path: path.touch())
    return titles

"""Settings of the whole test suite."""

from __future__ import annotations

import warnings

import matplotlib
import pytest
from hypothesis import settings

import hillfront as hf
from hillfront.frontier_fit import FrontierFit
from hillfront.frontiers import FrontierDataWarning

matplotlib.use("Agg")

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
    return hf.fit(frontiers, baseline="baseline", progress=False)

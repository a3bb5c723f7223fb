"""The choice of a sampler: the compiled density only where the installed nutpie is known to take it."""

from __future__ import annotations

import re
import sys
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from numba.core.errors import TypingError
from nutpie.compile_pymc import CompiledPyMCModel

import hillfront as hf
from hillfront.sampling import compiled, nutpie_run
from hillfront.sampling.compiled.sampler import DensitySampler
from hillfront.sampling.nutpie_run import NUTPIE_VERSIONS, nutpie_misfit, nutpie_model_class
from hillfront.sampling.pymc_sampler import GraphSampler

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@dataclass(frozen=True)
class OtherModel:
    """A class of nutpie's whose fields have changed."""

    compiled_logp_func: object


def test_the_fields_of_nutpies_model_are_those_that_are_filled() -> None:
    """With one more or one less, the function pointers could reach another argument."""
    assert nutpie_model_class() is CompiledPyMCModel
    assert {field.name for field in fields(CompiledPyMCModel)} == set(nutpie_run._MODEL_FIELDS.split())
    assert nutpie_misfit() == ""


def test_the_range_of_versions_is_that_of_the_project() -> None:
    wanted = next(text for text in PROJECT["dependencies"] if text.startswith("nutpie"))
    first, last = (".".join(map(str, parts)) for parts in NUTPIE_VERSIONS)
    assert wanted == f"nutpie>={first},<{last}"
    assert re.search(
        r"numba>=[\d.]+,<[\d.]+$", next(t for t in PROJECT["dependencies"] if t.startswith("numba"))
    )


@pytest.mark.parametrize("installed", ["0.16.10", "0.17.0", "1.0", "0.17.0rc1"])
def test_another_version_of_nutpie_gets_the_pymc_model(
    monkeypatch: pytest.MonkeyPatch, installed: str
) -> None:
    monkeypatch.setattr(nutpie_run, "version", lambda name: installed)
    monkeypatch.setattr(GraphSampler, "of", lambda *args: "the PyMC model")
    frontiers = hf.simulate(points=4, random_seed=1).frontiers
    with pytest.warns(RuntimeWarning, match=r"nutpie .*: it lies outside 0\.16\.11 to 0\.17\. PyMC") as found:
        prepared = hf.prepare(frontiers, baseline="baseline")
    assert len(found) == 1
    assert prepared.sampler == "the PyMC model"


def test_other_fields_get_the_pymc_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the range of versions, too."""
    monkeypatch.setattr(nutpie_run, "version", lambda name: "0.16.12")
    monkeypatch.setattr("nutpie.compile_pymc.CompiledPyMCModel", OtherModel)
    monkeypatch.setattr(GraphSampler, "of", lambda *args: "the PyMC model")
    frontiers = hf.simulate(points=4, random_seed=1).frontiers
    with pytest.warns(RuntimeWarning, match="compiled models differ in .*user_data"):
        prepared = hf.prepare(frontiers, baseline="baseline")
    assert prepared.sampler == "the PyMC model"


def test_no_function_pointer_reaches_other_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the version says that all is well."""
    prepared = hf.prepare(hf.simulate(points=4, random_seed=1).frontiers, baseline="baseline")
    assert isinstance(prepared.sampler, DensitySampler)
    monkeypatch.setattr("nutpie.compile_pymc.CompiledPyMCModel", OtherModel)
    with pytest.raises(TypeError, match="compiled models differ in"):
        prepared.fit(draws=10, tune=10, progressbar=False)


def test_a_later_version_with_the_same_fields_gets_the_density(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nutpie_run, "version", lambda name: "0.16.12")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        prepared = hf.prepare(hf.simulate(points=4, random_seed=1).frontiers, baseline="baseline")
    assert isinstance(prepared.sampler, DensitySampler)


@pytest.fixture
def unread_density(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not imported the density yet, and a PyMC model that takes no time."""
    package = f"{compiled.__name__}."
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(compiled, name.removeprefix(package))
    monkeypatch.setattr(GraphSampler, "of", lambda *args: "the PyMC model")


def refuse(error: Exception) -> Callable[..., None]:
    def fail(*args: Any, **options: Any) -> None:
        raise error

    return fail


NUMBA_FAULTS = {
    "the parts of its cache have moved": ("numba.core.caching.IndexDataCacheFile", None),
    "it finds no place for its cache": (
        "numba.core.caching.FunctionCache.__init__",
        RuntimeError("cannot cache function 'hill': no locator available"),
    ),
    "its cache takes other arguments": (
        "numba.core.caching.FunctionCache.__init__",
        TypeError("missing 1 required positional argument"),
    ),
    "it cannot compile the density": ("numba.core.ccallback.CFunc.compile", TypingError("cannot unify")),
}


@pytest.mark.parametrize("fault", NUMBA_FAULTS)
def test_a_numba_that_cannot_load_the_density_gets_the_pymc_model(
    unread_density: None, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """With one warning, which stands where the user's code called hillfront."""
    part, error = NUMBA_FAULTS[fault]
    if error is None:
        monkeypatch.delattr(part)
    else:
        monkeypatch.setattr(part, refuse(error))
    words = "cannot import name 'IndexDataCacheFile'" if error is None else re.escape(str(error))
    frontiers = hf.simulate(points=4, random_seed=1).frontiers
    with pytest.warns(RuntimeWarning, match=rf"Numba .* could not load it \(.*{words}") as found:
        prepared = hf.prepare(frontiers, baseline="baseline")
    assert [warning.filename for warning in found] == [__file__]
    assert prepared.sampler == "the PyMC model"

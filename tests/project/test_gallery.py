"""The gallery: every script draws its figure, here of a fit that was made by hand."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import hillfront
from helpers import fit_of, frontiers_of, points
from hillfront.fits.compare import CurveComparison
from hillfront.fits.frontier_fit import FrontierFit

GALLERY = Path(__file__).resolve().parents[2] / "docs" / "gallery"
HELPERS = {"demonstration", "run_all"}
NAMES = sorted(path.stem for path in GALLERY.glob("*.py") if path.stem not in HELPERS)

pytestmark = pytest.mark.skipif(not GALLERY.is_dir(), reason="needs a checkout")


@pytest.fixture(scope="module")
def stand_in() -> FrontierFit:
    rng = np.random.default_rng(1)
    parts = [
        points(v, [10, 20, 40, 80], x_half=x_half, site="resid", layer=layer)
        for layer in ("6", "13", "20", "27")
        for v, x_half in (("baseline", 2.0), ("gated", 4.0))
    ]
    data = pd.concat(parts, ignore_index=True)
    data["performance_hit"] *= np.exp(0.05 * rng.standard_normal(len(data)))
    return fit_of(frontiers_of(data, group=["site", "layer"]), baseline="baseline")


@pytest.fixture
def demonstration(monkeypatch: pytest.MonkeyPatch, stand_in: FrontierFit) -> Iterator[ModuleType]:
    """The gallery's own helper, without a sampler behind it."""
    monkeypatch.syspath_prepend(str(GALLERY))
    module = importlib.import_module("demonstration")
    monkeypatch.setattr(module, "frontiers", lambda: stand_in.frontiers)
    monkeypatch.setattr(module, "fit", lambda: stand_in)
    plt.close("all")
    yield module
    plt.close("all")
    for name in (*NAMES, *HELPERS):
        sys.modules.pop(name, None)


def test_every_figure_is_run_by_run_all(demonstration: ModuleType) -> None:
    assert sorted(importlib.import_module("run_all").NAMES) == NAMES


def test_every_figure_of_the_package_is_there() -> None:
    from hillfront import plots

    source = "".join((GALLERY / f"{name}.py").read_text(encoding="utf-8") for name in NAMES)
    assert [name for name in plots.__all__ if f"{name}(" not in source] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_script_draws_its_figure(
    name: str,
    demonstration: ModuleType,
    stand_in: FrontierFit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hillfront.plots import shrinkage

    # What would be fitted besides: other families, and curves without pooling.
    summary = pd.DataFrame({"curve": ["hill"], "weight": [1.0]})
    comparison = CurveComparison(summary, pd.DataFrame(), pd.DataFrame(), {"hill": stand_in})
    monkeypatch.setattr(hillfront, "compare_curves", lambda *_, **__: comparison, raising=False)
    monkeypatch.setattr(hillfront, "fit", lambda *_, **__: stand_in, raising=False)
    monkeypatch.setattr(shrinkage, "_pooled_coordinates", lambda *_: ["log_x_ref", "log_k"])
    script = importlib.import_module(name)
    assert Path(str(script.__file__)).parent == GALLERY
    text = ast.get_docstring(ast.parse((GALLERY / f"{name}.py").read_text(encoding="utf-8")))
    assert text is not None
    assert len([line for line in text.splitlines() if line]) == 2
    figure = script.draw()
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == [figure.number]  # type: ignore[attr-defined]


def test_a_script_writes_where_it_is_told(
    demonstration: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "figure.png"
    monkeypatch.setattr(sys, "argv", ["figure.py", "--out", str(out)])
    demonstration.main(plt.figure, "figure.py")
    assert out.read_bytes()[:4] == b"\x89PNG"


def test_an_unknown_name_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, str(GALLERY / "run_all.py"), "forest"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no figure forest. Allowed: anatomy, frontiers" in done.stderr

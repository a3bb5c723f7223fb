"""What the pages show runs: Python with a stand-in for the sampler, commands up to their options."""

from __future__ import annotations

import importlib.util
import inspect
import re
import shlex
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import matplotlib.pyplot as plt
import pytest
import typer

import hillfront as hf
import hillfront.fits.compare
import hillfront.fits.fitting
from helpers import fit_of
from hillfront import plots
from hillfront.fits.compare import CurveComparison
from hillfront.fits.fitting import PreparedModel
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.model.design import design_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]
NOT_RUN = "<!-- not run:"


def blocks(page: Path, language: str) -> Iterator[str]:
    """Fenced blocks of a language, without those that say that they are not run."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        before = text[: match.start()].rstrip().splitlines()
        if not (before and before[-1].startswith(NOT_RUN)):
            yield match[1]


def with_block(language: str) -> list[Any]:
    return [
        pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if any(blocks(page, language))
    ]


_DESIGN = inspect.signature(design_of).parameters


def stand_in(frontiers: Frontiers, **options: Any) -> hf.FrontierFit:
    """Options are checked as a fit checks them; the posterior is made by hand."""
    design_of(frontiers, **{name: value for name, value in options.items() if name in _DESIGN})
    baseline = options["baseline"]
    flat = Frontiers(frontiers.table, frontiers.group_columns)
    if not frontiers.bounded:
        flat = Frontiers(frontiers.table.rename(columns={"cost": "performance_hit"}), frontiers.group_columns)
    return fit_of(flat, baseline=baseline, chains=4)


def checking(real: Callable[..., Any], fake: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse arguments that the real function has no place for."""

    def call(*args: Any, **options: Any) -> Any:
        inspect.signature(real).bind(*args, **options)
        return fake(*args, **options)

    return call


class Prepared:
    """In place of a compiled model."""

    def __init__(self, frontiers: Frontiers, **options: Any) -> None:
        self.frontiers, self.options = frontiers, options

    def fit(self, frontiers: Frontiers | None = None, **sampler_options: Any) -> hf.FrontierFit:
        inspect.signature(PreparedModel.fit).bind(self, frontiers, **sampler_options)
        return stand_in(frontiers or self.frontiers, **self.options)


def compared(frontiers: Frontiers, *, baseline: str, families: list[str], **_: Any) -> CurveComparison:
    fits = {name: stand_in(frontiers, baseline=baseline, curve=name) for name in families}
    summary = fits[families[0]].diagnostics().summary.head(len(families)).assign(curve=families, weight=0.5)
    return CurveComparison(summary, summary, summary.head(0), fits)


@pytest.fixture
def no_sampling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with the files that the pages name, and no sampler."""
    monkeypatch.setattr(hillfront.fits.fitting, "fit", checking(hillfront.fits.fitting.fit, stand_in))
    monkeypatch.setattr(hillfront.fits.fitting, "prepare", checking(hillfront.fits.fitting.prepare, Prepared))
    monkeypatch.setattr(
        hillfront.fits.compare, "compare_curves", checking(hillfront.fits.compare.compare_curves, compared)
    )
    monkeypatch.chdir(tmp_path)
    rows = hf.load_dataset("gated_sae", model="Gemma-7B").query("site == 'resid'")
    rows["variant"] = rows["variant"].replace({"baseline": "relu"})
    rows[["variant", "layer", "l0", "loss_recovered"]].to_csv("saes.csv", index=False)


@pytest.mark.parametrize("page", with_block("python"))
@pytest.mark.usefixtures("no_sampling")
def test_python_of_the_pages_runs(page: Path) -> None:
    """The blocks of a page one after another, as a reader would."""
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        if page.name == "latex.md":
            frontiers = hf.simulate(settings=2).frontiers
            stand_in(frontiers, baseline="baseline").save("fit.nc")
        for code in blocks(page, "python"):
            exec(compile(code, page.name, "exec"), names)
    plt.close("all")


def commands() -> Iterator[Any]:
    for page in PAGES:
        for block in blocks(page, "sh"):
            lines = [line.split("#")[0].strip() for line in block.splitlines()]
            for line in lines:
                if line.startswith("hillfront "):
                    yield pytest.param(line, id=f"{page.name}: {line}")


def parse(line: str) -> None:
    """Read a command line as the shell would give it, without running it."""
    from hillfront.cli.app import app

    command: click.Command = typer.main.get_command(app)
    name, *arguments = shlex.split(line)
    while hasattr(command, "get_command"):
        name, *arguments = arguments
        command = command.get_command(None, name)
    command.make_context(name, arguments)


@pytest.mark.parametrize("line", list(commands()))
@pytest.mark.usefixtures("no_sampling")
def test_commands_of_the_pages_exist(line: str) -> None:
    parse(line)


def test_a_wrong_option_is_found() -> None:
    with pytest.raises(Exception, match="--no-such"):
        parse("hillfront fit saes.csv --baseline relu --out results --no-such 1")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_links_to_are_there(page: Path) -> None:
    """Links to other sites are not followed: tests need no network."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """What writes the reference while the pages are built."""
    path = ROOT / "docs" / "_ext" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_is_in_the_reference(reference: ModuleType) -> None:
    names = {name for found in reference.public_names().values() for name in found}
    assert {f"hillfront.{name}" for name in hf.__all__} <= names
    assert {name.rpartition(".")[2] for name in names} >= {*plots.__all__, "Improvement", "Pareto", "Check"}


def test_the_reference_describes_every_folder(reference: ModuleType, tmp_path: Path) -> None:
    reference.write_pages(SimpleNamespace(srcdir=tmp_path))
    index = (tmp_path / "api" / "index.rst").read_text(encoding="utf-8")
    for folder, docstring in reference.folders().items():
        assert docstring, f"src/hillfront/{folder}/__init__.py says nothing"
        assert folder in index
        assert " ".join(docstring.partition("\n\n")[0].split()) in index
    assert ".. autofunction:: hillfront.fit\n" in (tmp_path / "api" / "fits.rst").read_text(encoding="utf-8")

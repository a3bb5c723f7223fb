"""The layout of the package: sixteen folders in an order that the linter checks, and short modules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "hillfront"
MODULES = sorted(PACKAGE.rglob("*.py"))
(CONTRACT,) = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
LAYERS = [layer.removeprefix("hillfront.") for layer in CONTRACT["layers"]]
FOLDERS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def test_the_linter_orders_every_folder() -> None:
    assert len(LAYERS) == len(set(LAYERS)) == 16
    assert set(LAYERS) == FOLDERS


def test_contributors_are_told_the_same_order() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"\n{', '.join(reversed(LAYERS))}\n" in text


def test_folders_name_modules_that_exist() -> None:
    for folder in FOLDERS:
        text = (PACKAGE / folder / "__init__.py").read_text(encoding="utf-8")
        for name in re.findall(r":mod:`~?hillfront\.([\w.]+)`", text):
            path = PACKAGE / name.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").is_file(), f"{folder} names {name}"


def test_tests_mirror_the_folders() -> None:
    tested = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert tested - {"project"} <= FOLDERS
    assert FOLDERS - tested <= {"utils"}  # tested by the examples of its docstrings


def test_modules_are_few_and_short() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 4
    assert len(MODULES) <= 140
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > 400} == {}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the copy of the package in a folder."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("utils/tables.py", "from hillfront.frontiers.table import Frontiers"),
        ("estimands/pareto.py", "def figure():\n    import hillfront.plots"),
    ],
)
def test_an_import_against_the_order_is_found(importer: str, line: str, tmp_path: Path) -> None:
    copy = tmp_path / "hillfront"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.csv"))
    before = lint(tmp_path)
    assert before.returncode == 0, before.stdout
    with (copy / importer).open("a", encoding="utf-8") as file:
        file.write(f"\n\n{line}\n")
    after = lint(tmp_path)
    assert after.returncode == 1
    assert f"hillfront.{importer.removesuffix('.py').replace('/', '.')} -> hillfront." in after.stdout

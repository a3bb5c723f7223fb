"""The notebooks as they are kept: complete, in order, small, of no machine. `make notebooks` runs them."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import hillfront
from machine_paths import MACHINE_PATH

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
NAMES = [
    "01_four_points",
    "02_layers_together",
    "03_is_gated_better",
    "04_what_can_go_wrong",
    "05_planning",
]
MIB = 1024 * 1024

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs a checkout")
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def source(path: Path) -> str:
    return "\n\n".join("".join(cell["source"]) for cell in code_cells(path))


def outputs(path: Path) -> list[dict[str, Any]]:
    return [output for cell in code_cells(path) for output in cell["outputs"]]


@pytest.fixture
def runner() -> ModuleType:
    """The script itself, which has no suffix."""
    where = str(ROOT / "scripts" / "run_notebooks")
    loader = importlib.machinery.SourceFileLoader("run_notebooks", where)
    spec = importlib.util.spec_from_loader("run_notebooks", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_there_are_five() -> None:
    assert [path.stem for path in PATHS] == NAMES


@each
def test_format_is_valid(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="comes with the docs extra")
    nbformat.validate(nbformat.read(path, as_version=4))


@each
def test_was_run_from_top_to_bottom_and_kept_what_it_showed(path: Path) -> None:
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert sum("image/png" in output.get("data", {}) for output in outputs(path)) >= 3
    assert not [o for o in outputs(path) if o["output_type"] == "error"]
    assert not [o for o in outputs(path) if o.get("name") == "stderr"]
    # Python's own, not the notes of a fit, which start with "Warning:" and are meant to be read.
    printed = "\n".join("".join(o.get("text", "")) for o in outputs(path))
    assert not re.search(r":\d+: \w*Warning: ", printed)


@each
def test_pictures_come_first(path: Path) -> None:
    first = code_cells(path)[0]["outputs"]
    second = code_cells(path)[1]["outputs"]
    assert any("image/png" in output.get("data", {}) for output in [*first, *second])


@each
def test_tells_nothing_of_the_machine_or_the_moment(path: Path) -> None:
    notebook = read(path)
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert [cell["metadata"] for cell in notebook["cells"]] == [{}] * len(notebook["cells"])
    assert [cell["id"] for cell in notebook["cells"]] == [
        f"cell-{i:02d}" for i in range(len(notebook["cells"]))
    ]
    shown = json.dumps([{k: v for k, v in o.items() if k != "data"} for o in outputs(path)]) + json.dumps(
        [{k: v for k, v in o.get("data", {}).items() if k != "image/png"} for o in outputs(path)]
    )
    assert not MACHINE_PATH.search(shown)
    assert " at 0x" not in shown


@each
def test_is_small(path: Path) -> None:
    assert path.stat().st_size < 0.6 * MIB
    assert sum(each.stat().st_size for each in PATHS) < 2 * MIB


@each
def test_only_public_names(path: Path) -> None:
    tree = ast.parse(source(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hf":
            assert node.attr in hillfront.__all__
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_")
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hillfront"):
            module = importlib.import_module(str(node.module))
            public = getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]
            assert {alias.name for alias in node.names} <= set(public)


@each
def test_every_fit_has_a_seed_and_no_progress_bar(path: Path) -> None:
    tree = ast.parse(source(path))
    constants = {
        target.id: ast.unparse(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in {"fit", "simulate"}:
            given = ast.unparse(node)
            for name, value in constants.items():
                given = re.sub(rf"\*\*{name}\b", value, given)
            assert "random_seed" in given, given
            if called.attr == "fit":
                assert re.search(r"progressbar'?(=|: )False", given), given


@each
def test_links_lead_somewhere(path: Path) -> None:
    prose = "".join(
        "".join(cell["source"]) for cell in read(path)["cells"] if cell["cell_type"] == "markdown"
    )
    links = re.findall(r"\]\(([^)#]+)", prose)
    assert links
    for link in links:
        assert (FOLDER / link).is_file(), link


def test_a_warning_is_a_complaint(runner: ModuleType) -> None:
    def cell(name: str, text: str) -> dict[str, Any]:
        return {"outputs": [SimpleNamespace(output_type="stream", name=name, get=lambda *_: text)]}

    warned = cell("stdout", "a.py:3: UserWarning: take care\n")
    cells = [cell("stdout", "fine: 3\n"), cell("stderr", "oh\n"), warned]
    complaints = list(runner.complaints(SimpleNamespace(cells=cells)))
    assert complaints == ["cell 1 wrote: oh", "cell 2 wrote: a.py:3: UserWarning: take care"]


def test_a_run_refuses_what_is_not_there(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("sys.argv", ["run_notebooks", "notebooks/06_nothing.ipynb"])
    with pytest.raises(SystemExit, match="2"):
        runner.main()
    assert "no such notebook: notebooks/06_nothing.ipynb" in capsys.readouterr().err


def test_a_cell_that_raises_fails_its_notebook(runner: ModuleType, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="comes with the docs extra")
    pytest.importorskip("nbclient", reason="comes with the docs extra")
    cells = [nbformat.v4.new_code_cell(text) for text in ("print(6 * 7)", "1 / 0")]
    path = tmp_path / "notebooks" / "failing.ipynb"
    path.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    notebook, problems = runner.run(path, limit=60)
    assert notebook.cells[0].outputs[0].text == "42\n"
    assert len(problems) == 1
    assert "ZeroDivisionError: division by zero" in problems[0]

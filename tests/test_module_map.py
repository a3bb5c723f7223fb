"""The module map of the design notes is the tree, and imports follow its layers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTES = ROOT / "docs" / "design-notes.md"
PACKAGE = ROOT / "src" / "hillfront"


def modules() -> dict[str, Path]:
    """Files of the package by the names that the map uses: without the package's own."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = [*path.relative_to(PACKAGE).with_suffix("").parts]
        if parts[-1] == "__init__":
            parts.pop()
        found[".".join(parts) or "hillfront"] = path
    return found


def layers(text: str) -> list[list[str]]:
    """Modules of each layer, in the order of the page."""
    page = text[text.index("## Module map") :]
    return [
        re.findall(r"^\| `([\w.]+)` \| \S", part, flags=re.MULTILINE) for part in page.split("\n### ")[1:]
    ]


def imports(path: Path, known: set[str]) -> set[str]:
    """Modules of the package that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "hillfront":
            inside = (node.module or "").removeprefix("hillfront").lstrip(".")
            for alias in node.names:
                whole = f"{inside}.{alias.name}".lstrip(".")
                found.add(whole if whole in known else inside or "hillfront")
        elif isinstance(node, ast.Import):
            names = (alias.name for alias in node.names)
            found |= {n.removeprefix("hillfront.") for n in names if n.split(".")[0] == "hillfront"}
    return found


def against_the_arrows(order: list[list[str]], imported: dict[str, set[str]]) -> list[str]:
    """Imports of a later layer."""
    level = {name: index for index, layer in enumerate(order) for name in layer}
    return [
        f"{name} (layer {level[name] + 1}) imports {other} (layer {level[other] + 1})"
        for name, others in sorted(imported.items())
        for other in sorted(others)
        if level[other] > level[name]
    ]


def test_every_module_is_listed_once_and_none_that_is_gone() -> None:
    listed = [name for layer in layers(NOTES.read_text(encoding="utf-8")) for name in layer]
    assert sorted(listed) == sorted(modules())


def test_imports_follow_the_arrows() -> None:
    order, files = layers(NOTES.read_text(encoding="utf-8")), modules()
    imported = {name: imports(path, set(files)) for name, path in files.items()}
    assert against_the_arrows(order, imported) == []
    # Not because nothing was found.
    assert {"design", "sampling"} <= imported["fitting"]
    assert "plots" in imported["outputs"]


def test_an_import_of_a_later_layer_is_found() -> None:
    order = [["curves"], ["model"], ["plots.frontier"]]
    imported = {"curves": {"model"}, "model": {"curves"}, "plots.frontier": {"model", "curves"}}
    assert against_the_arrows(order, imported) == ["curves (layer 1) imports model (layer 2)"]

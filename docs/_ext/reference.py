"""The reference, written from the package while the pages are built: its folders, and their public names.

Public is what `hillfront` and its folders list in ``__all__``, every class that such a function, method or
property returns, and every function or class that their docstrings, or a folder's, refer to.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

import hillfront

if TYPE_CHECKING:
    from docutils.nodes import Element
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).parents[2]
INTRODUCTION = """\
The package has {count} folders. **Each imports only from folders above it in this table**; ``make lint``
checks this. A folder with a page of its own has public names: those that its ``__all__`` lists, and what
these return and refer to. Those of ``hillfront`` itself are imported by ``import hillfront as hf``.
"""


def folders() -> dict[str, str]:
    """Return the docstring of each folder of the package, in the order in which they import each other."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    names = [layer.removeprefix("hillfront.") for layer in reversed(contract["layers"])]
    return {name: _docstring(name) for name in names}


def public_names() -> dict[str, list[str]]:
    """Return the dotted public names, by folder; those of `hillfront` by the folder that they come from."""
    for module in pkgutil.walk_packages(hillfront.__path__, "hillfront."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    packages = [hillfront, *(importlib.import_module(f"hillfront.{name}") for name in folders())]
    named = _named()
    found: dict[object, str] = {}
    for package in packages:
        for name in getattr(package, "__all__", ()):
            item = getattr(package, name)
            if isinstance(item, type | FunctionType):
                found.setdefault(item, f"{package.__name__}.{name}")
    todo = [*found, *packages]
    while todo:
        for word in _mentioned(todo.pop()):
            if (item := named.get(word)) is not None and item not in found:
                found[item] = f"{item.__module__}.{item.__name__}"
                todo.append(item)
    by_folder: dict[str, list[str]] = {name: [] for name in folders()}
    for item, name in found.items():
        by_folder[item.__module__.split(".")[1]].append(name)
    return by_folder


def write_pages(app: Sphinx) -> None:
    """Write the pages of the reference into the folder ``api`` of the sources."""
    out = Path(app.srcdir) / "api"
    out.mkdir(exist_ok=True)
    names = {folder: found for folder, found in public_names().items() if found}
    table = [".. list-table::", "   :header-rows: 1", "   :widths: 15 35 50", ""]
    rows = [("folder", "what it is for", "what to know before a change")]
    for folder, text in folders().items():
        first, _, rest = text.partition("\n\n")
        shown = f":doc:`{folder} <{folder}>`" if folder in names else f"``{folder}``"
        rows.append((shown, " ".join(first.split()), " ".join(rest.split())))
    for row in rows:
        table += [f"   {'*' if i == 0 else ' '} - {text}".rstrip() for i, text in enumerate(row)]
    lines = ["Reference", "=========", "", INTRODUCTION.format(count=len(rows) - 1), *table, ""]
    lines += [".. toctree::", "   :hidden:", "", *(f"   {folder}" for folder in names)]
    _write(out / "index.rst", lines)
    for folder, found in names.items():
        lines = [folder, "=" * len(folder), "", folders()[folder], "", ".. currentmodule:: hillfront"]
        for name in found:
            lines += ["", f".. {_directive(name)}:: {name}"]
            lines += ["   :members:"] if _directive(name) == "autoclass" else []
        _write(out / f"{folder}.rst", lines)


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Element) -> Element | None:
    """Find a class or function that is documented under another path than the one that refers to it."""
    if node["reftype"] not in ("class", "func", "exc"):
        return None
    last = node["reftarget"].rpartition(".")[2]
    for name in _documented():
        if name.rpartition(".")[2] == last:
            domain = env.get_domain("py")
            return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], name, node, content)
    return None


@cache
def _documented() -> tuple[str, ...]:
    return tuple(name for found in public_names().values() for name in found)


def _write(path: Path, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _docstring(folder: str) -> str:
    source = (ROOT / "src" / "hillfront" / folder / "__init__.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


def _named() -> dict[str, type | FunctionType]:
    """Return the classes of the package by name, and its classes and functions by dotted name."""
    named: dict[str, type | FunctionType] = {}
    for module in [module for name, module in sorted(sys.modules.items()) if name.startswith("hillfront.")]:
        for name, item in vars(module).items():
            if (
                isinstance(item, type | FunctionType)
                and item.__module__ == module.__name__
                and name[0] != "_"
            ):
                named[f"{module.__name__}.{name}"] = item
                if isinstance(item, type):
                    named[name] = item
    return named


def _mentioned(item: object) -> Iterator[str]:
    """Yield what a function, or a class's methods, return by their annotations, and what they refer to."""
    members = [item]
    if isinstance(item, type):
        members += [value for name, value in vars(item).items() if name[0] != "_"]
    for member in members:
        function = getattr(member, "__func__", member)
        if isinstance(member, property):
            function = member.fget
        elif isinstance(member, cached_property):
            function = member.func
        yield from re.findall(r"\w+", str(getattr(function, "__annotations__", {}).get("return", "")))
        docstring = getattr(member, "__doc__", None) or ""
        yield from re.findall(r":(?:func|class):`~?(hillfront[.\w]+)`", docstring)


def _directive(name: str) -> str:
    module, _, last = name.rpartition(".")
    item = getattr(importlib.import_module(module), last)
    if not isinstance(item, type):
        return "autofunction"
    return "autoexception" if issubclass(item, Exception) else "autoclass"


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write_pages)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""A process that only asks for help, or only imports the package, waits for no library."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import hillfront

HEAVY = (
    "arviz", "arviz_base", "arviz_stats", "joblib", "matplotlib", "numpy", "nutpie", "pandas", "pymc",
    "pytensor", "scipy", "xarray",
)  # fmt: skip

AFTER_IMPORT = "import hillfront"
AFTER_DIR = "import hillfront; dir(hillfront); hillfront.__all__; hillfront.__version__"
AFTER_COMMAND = """
import hillfront.cli
sys.argv = {arguments!r}
try:
    hillfront.cli.main()
except SystemExit as left:
    assert not left.code, left.code
"""


def loaded_after(code: str) -> set[str]:
    """Top-level modules of a new process that has run this code."""
    code = f"import sys\n{code}\nprint('\\n' + ' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "code",
    [
        AFTER_IMPORT,
        AFTER_DIR,
        *(
            AFTER_COMMAND.format(arguments=["hillfront", *arguments])
            for arguments in (["--help"], ["--version"], ["compare", "--help"], ["study", "--help"])
        ),
    ],
)
def test_no_library_is_waited_for(code: str) -> None:
    loaded = loaded_after(code)
    assert "hillfront" in loaded
    assert not loaded & set(HEAVY)


def test_reading_a_table_waits_for_no_sampler() -> None:
    loaded = loaded_after("from hillfront import Frontiers")
    assert "pandas" in loaded
    assert not loaded & {
        "arviz",
        "arviz_stats",
        "matplotlib",
        "nutpie",
        "pymc",
        "pytensor",
        "scipy",
        "xarray",
    }


# ---------------------------------------------------------------- what lazy names must not change


@pytest.mark.parametrize("name", hillfront.__all__)
def test_public_names_are_the_objects_of_their_modules(name: str) -> None:
    value = getattr(hillfront, name)
    assert value is getattr(importlib.import_module(value.__module__), name)
    assert value is getattr(hillfront, name)


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    tree = ast.parse(Path(str(hillfront.__file__)).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == hillfront._HOME
    assert sorted(seen) == sorted(hillfront.__all__)


def test_dir_and_unknown_names() -> None:
    assert set(hillfront.__all__) <= set(dir(hillfront))
    assert "__version__" in dir(hillfront)
    with pytest.raises(AttributeError, match=r"no attribute 'fitt'; public names: FrontierFit, Frontiers,"):
        hillfront.fitt  # noqa: B018

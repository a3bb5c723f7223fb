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
    "arviz",
    "arviz_base",
    "arviz_stats",
    "joblib",
    "matplotlib",
    "numpy",
    "nutpie",
    "pandas",
    "pymc",
    "pytensor",
    "scipy",
    "xarray",
)

AFTER_IMPORT = "import hillfront"
AFTER_DIR = "import hillfront; dir(hillfront); hillfront.__all__; hillfront.__version__"
AFTER_COMMAND = """
import hillfront.cli.app
sys.argv = {arguments!r}
try:
    hillfront.cli.app.main()
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


# ---------------------------------------------------------------- sampling starts before ArviZ is there

IN_THE_BLOCK = """
from hillfront.sampling.arviz_later import allow_arviz_later, arviz_later
finders = list(sys.meta_path)
try:
    with allow_arviz_later(), arviz_later():
        import nutpie
        assert 'arviz_base' not in sys.modules
        {then}
except KeyError:
    pass
assert sys.meta_path == finders
assert 'arviz_plots' in sys.modules
import arviz
import arviz_stats
assert nutpie.sample.__globals__['arviz'] is arviz
import arviz_base
assert arviz.from_dict is arviz_base.from_dict
"""


@pytest.mark.parametrize("then", ["pass", "raise KeyError"])
def test_arviz_comes_after_the_block_and_is_itself(then: str) -> None:
    assert "arviz" in loaded_after(IN_THE_BLOCK.format(then=then))


def test_an_interrupted_import_leaves_nothing_broken() -> None:
    code = """
from hillfront.sampling.arviz_later import allow_arviz_later, arviz_later
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "arviz_plots":
            raise KeyboardInterrupt
interrupts = Interrupts()
sys.meta_path.insert(0, interrupts)
try:
    with allow_arviz_later(), arviz_later():
        import nutpie
except KeyboardInterrupt:
    print("interrupted")
else:
    raise AssertionError
sys.meta_path.remove(interrupts)
import arviz
import nutpie
assert arviz.plot_dist
assert nutpie.sample.__globals__["arviz"] is arviz
"""
    assert "arviz" in loaded_after(code)


def test_a_block_without_nutpie_imports_nothing() -> None:
    assert "arviz" not in loaded_after(
        "from hillfront.sampling.arviz_later import allow_arviz_later, arviz_later\n"
        "with allow_arviz_later(), arviz_later():\n    import json"
    )


A_FIT = """
import warnings, numpy as np, pandas as pd
import hillfront
l0 = np.array([10.0, 30.0, 60.0, 90.0, 12.0, 33.0, 61.0, 95.0])
hits = 1.0 / (1.0 + 0.02 * l0) * np.repeat([1.0, 0.9], 4)
rows = pd.DataFrame({"variant": np.repeat(["a", "b"], 4), "l0": l0, "performance_hit": hits})
def fit():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frontiers = hillfront.Frontiers.from_frame(rows)
        fit = hillfront.fit(frontiers, baseline="a", draws=50, tune=50, progressbar=False)
    assert fit.data["posterior"].sizes["draw"] == 50
"""


def test_chains_of_the_command_line_run_before_arviz_is_imported() -> None:
    code = (
        A_FIT
        + """
from hillfront.sampling import arviz_later as module, nutpie_run as sampling
later = sampling.arviz_later
import contextlib
@contextlib.contextmanager
def watched():
    with later():
        yield
        import nutpie
        assert 'arviz_base' not in sys.modules
        seen.append('sampling')
seen = []
sampling.arviz_later = watched
with module.allow_arviz_later():
    fit()
assert seen == ['sampling']
"""
    )
    assert "arviz" in loaded_after(code)


def test_a_fit_in_the_readers_process_leaves_its_imports_alone() -> None:
    """No finder is put in, and no module is made to wait: neither before the fit, in it, nor after."""
    code = (
        A_FIT
        + """
class Watched(list):
    def insert(self, *args):
        raise AssertionError("a finder was put in")
sys.meta_path = Watched(sys.meta_path)
from importlib.util import LazyLoader
def refuse(*args):
    raise AssertionError("a module was made to wait")
LazyLoader.__init__ = refuse
fit()
"""
    )
    assert "arviz" in loaded_after(code)


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

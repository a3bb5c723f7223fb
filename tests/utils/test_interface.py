"""Words of the interface in use: options on the command line, arguments in Python; names as meant."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from typer.main import get_command

import hillfront
from hillfront.cli.app import app
from hillfront.utils.interface import (
    _OPTIONS,
    alternatives,
    argument,
    as_shown,
    by_interface,
    chosen_names,
    command_line,
    in_python,
    listed,
)
from hillfront.utils.wording import matching

SOURCE: Final = Path(hillfront.__file__).parent

WORDED: Final = {"alternatives", "argument", "by_interface", "for_objects", "require_drawable"}
"""Functions that write an argument for the interface in use, or whose words only Python shows."""
PYTHON_ONLY: Final[dict[str, set[str]]] = {
    "cli/options.py": {"k="},  # a value of --pool, which is NAME=HOW
    "readers/separated.py": {"sep="},  # of a file's first line
    "frontiers/number_faults.py": {"decimal="},  # of pandas
    "curves/families.py": {"latex=", "replace_existing=", "words="},
    "curves/family.py": {"centre="},
    "estimands/pareto.py": {"margin="},
    "model/design.py": {"group=", "hit_ref="},
    "paper/write.py": {"width="},  # LaTeX
    "plots/forest.py": {"at=", "quantity="},
    "plots/frontier.py": {"band=", "scale="},
    "plots/k_x_half.py": {"curve="},
    "plots/prior.py": {"baseline="},
    "plots/shrinkage.py": {"pool=", "unpooled="},
    "report/provenance.py": {"cost=", "group="},  # code that repeats a fit
    "studies/model_choice.py": {"dense_limit="},  # text of a page
}
"""Arguments that no command passes on, by module."""
SIMULATE: Final = "fits/simulation.py"
"""Its arguments are checked by the studies that pass on options."""
WITHOUT_OPTION: Final = {"target_accept": "only Python can give it a value", "out": "named for any command"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def assignments(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of every ``name=`` in a string that is no docstring and not from `argument`."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        inside = called(node) in WORDED or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )
        if inside:
            skipped |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            for found in re.finditer(r"\b[a-z]\w*=", node.value):
                yield node.lineno, found[0]


def test_no_message_of_a_command_speaks_of_arguments() -> None:
    found = {
        f"{name}:{line}: {text}"
        for name, tree in modules()
        if name != SIMULATE
        for line, text in assignments(tree)
        if text not in PYTHON_ONLY.get(name, ())
        # Calls that a Python user is shown, such as hf.fit(frontiers, baseline=...), are of no command.
    }
    assert not found, "write these by hillfront.utils.interface.argument"


def test_no_argument_is_excepted_in_vain() -> None:
    trees = dict(modules())
    for name, words in PYTHON_ONLY.items():
        assert words <= {text for _, text in assignments(trees[name])}, name


def options() -> set[str]:
    found: set[str] = set()

    def collect(command: object) -> None:
        for parameter in getattr(command, "params", ()):
            found.update(parameter.opts)
        if hasattr(command, "list_commands"):
            for name in command.list_commands(None):
                collect(command.get_command(None, name))

    collect(get_command(app))
    return found


def test_every_argument_that_messages_name_has_an_option() -> None:
    named = {
        (name, node.args[0].value)
        for name, tree in modules()
        for node in ast.walk(tree)
        if called(node) in ("argument", "alternatives")
        and isinstance(node, ast.Call)
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    known = options()
    lacking = {
        (name, word)
        for name, word in named
        if word not in WITHOUT_OPTION and f"--{_OPTIONS.get(word, word).replace('_', '-')}" not in known
    }
    assert len(named) > 40
    assert not lacking


def test_words_of_both_interfaces() -> None:
    def words() -> tuple[str, ...]:
        return (
            argument("random_seed", 3),
            argument("families", "hill", "power"),
            argument("relative_sparsity", True),
            argument("variant", "a b"),
            alternatives("baseline", ["relu", "topk"]),
            by_interface("Give priors.", "Pool more."),
        )

    assert words() == (
        "random_seed=3",
        "families=['hill', 'power']",
        "relative_sparsity=True",
        "variant='a b'",
        "baseline='relu' or baseline='topk'",
        "Give priors.",
    )
    with command_line():
        assert words() == (
            "--seed 3",
            "--curve hill --curve power",
            "--relative-sparsity",
            "--variant 'a b'",
            "--baseline relu or --baseline topk",
            "Pool more.",
        )
        with in_python():
            assert argument("y", "ce") == "y='ce'"
        assert argument("y", "ce") == "--y ce"


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("add group='layer'", "add --group layer"),
        ("add group=['site', 'layer'].", "add --group site --group layer."),
        ('baseline="it\'s"', "baseline --baseline 'it'\"'\"'s'"[9:]),
        ("Pass y='ce' or cost='loss_difference'.", "Pass --y ce or --cost loss_difference."),
        ("dense_limit=768 or relative_sparsity=True", "--dense-limit 768 or --relative-sparsity"),
        ("'a=1' in setting x=2", "'a=1' in setting x=2"),
    ],
)
def test_a_note_kept_in_one_interface_is_shown_in_the_other(kept: str, shown: str) -> None:
    assert as_shown(kept) == kept
    with command_line():
        assert as_shown(kept) == shown


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        (20, ["4", "20"], "20"),
        (20.0, ["4", "20"], "20"),
        (np.int64(4), ["4", "20"], "4"),
        (0.5, ["0.5"], "0.5"),
        ("Hill", ["hill", "hill1"], "hill"),
        ("Student T", ["student-t", "normal"], "student-t"),
        ("ReLU", ["relu", "topk"], "relu"),
        ("relu", ["ReLU", "relu"], "relu"),
        ("RELU", ["ReLU", "relu"], None),
        (True, ["1"], None),
        ("gate", ["gated"], None),
    ],
)
def test_matching_names(name: object, names: list[str], found: str | None) -> None:
    assert matching(name, names) == found


def test_one_value_is_a_list_of_one() -> None:
    assert listed(50) == listed(np.float64(50)) == listed([50]) == (50,)
    assert listed("layer") == ("layer",)
    assert listed(np.array(0.5)) == (0.5,)
    assert listed(np.array([1.0, 2.0])) == listed(iter((1.0, 2.0))) == (1.0, 2.0)


def test_an_unknown_choice_says_what_there_is() -> None:
    with pytest.raises(
        ValueError, match=r"settings=\['resid 2'\]: allowed are resid / 20, at .* Did you mean"
    ):
        chosen_names("resid 2", ["resid / 20"], "settings")

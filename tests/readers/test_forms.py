"""The page "my file": each of its rows is a file that is read so, and its messages are those of the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hillfront
from format_table import FORMS, MEANINGS, PAGE, SAES, Form, between, list_of_names, read, row_of
from hillfront.frontiers.cautions import DRAFT_FINDERS, WARNING_FINDERS
from hillfront.frontiers.column_names import SYNONYMS, columns_for
from hillfront.frontiers.fault_finders import FAULT_FINDERS
from hillfront.frontiers.table import FrontierDataWarning
from hillfront.readers.formats import FORMATS, find_format, read_path

pytestmark = pytest.mark.filterwarnings(f"ignore::{FrontierDataWarning.__module__}.FrontierDataWarning")

TEXT = PAGE.read_text(encoding="utf-8")
WRITE = "python tests/format_table.py writes it"


def on_the_page(name: str) -> list[str]:
    return between(TEXT, name)[2].splitlines()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.what)
def test_a_form_is_read_as_the_page_says(form: Form, tmp_path: Path) -> None:
    if form.format == "excel":
        pytest.importorskip("openpyxl")
    path, frontiers = read(form, tmp_path)
    assert find_format(path) == form.format
    table = frontiers.table
    assert table["l0"].tolist() == [l0 for _, l0, _ in SAES]
    assert table["performance_hit"].to_numpy() == pytest.approx([hit for *_, hit in SAES])
    assert (
        table["variant"].map({name: i for i, name in enumerate(frontiers.variants)}).tolist()
        == [0] * 4 + [1] * 4
    )
    assert any(text.startswith(form.note) for text in frontiers.warnings) or not form.note
    assert row_of(form, path, frontiers) in on_the_page("forms"), WRITE
    files = sorted(file for file in tmp_path.rglob("*") if file.is_file())
    names = ",".join(file.relative_to(tmp_path).as_posix() for file in files)
    held = "".join((names + "".join(file.read_text("latin-1") for file in files[:4])).split())
    for part in form.example.split("…"):
        assert "".join(part.split()) in held
    # What else the page shows is the first line of the file.


def test_the_page_has_no_other_forms() -> None:
    named = [line.split(" | ")[0].removeprefix("| ") for line in on_the_page("forms")[2:]]
    assert named == [form.what for form in FORMS], WRITE
    assert {form.format for form in FORMS} == set(FORMATS)


def test_the_page_has_the_names_of_columns() -> None:
    assert on_the_page("names") == list_of_names(), WRITE
    assert MEANINGS.keys() == SYNONYMS.keys()


@pytest.mark.parametrize("role", SYNONYMS)
def test_the_names_of_a_role_are_read_from_a_file(role: str, tmp_path: Path) -> None:
    """A file with the last name, with all else as the validated table has it; the others are found alike."""
    for name in SYNONYMS[role]:
        assert columns_for(role, ["other", name]) == columns_for(role, [name, "other"]) == [name]
    options: dict[str, Any] = {"group": [role]} if role in ("model", "site", "layer", "width") else {}
    costs = {"fvu": "fvu", "explained_variance": "fvu", "loss_difference": "loss_difference"}
    of_losses = role in ("ce_sae", "ce_base", "ce_ablated")
    frame = pd.DataFrame(
        [
            {"variant": variant, "l0": l0}
            | ({"ce_sae": 3 + 8 * y, "ce_base": 3.0, "ce_ablated": 11.0} if of_losses else {})
            | ({"performance_hit": y} if role == "performance_hit" else {})
            | ({"loss_recovered": 1 - y} if not of_losses and role != "performance_hit" else {})
            | ({role: 1 - y if role == "explained_variance" else y} if role in costs else {})
            for variant, l0, y in SAES
        ]
    )
    if role not in frame:
        frame[role] = "a name" if role in ("model", "site", "label") else 1000
    name = SYNONYMS[role][-1]
    path = tmp_path / "saes.csv"
    frame.rename(columns={role: name}).to_csv(path, index=False)
    frontiers = read_path(path, **options).to_frontiers(cost=costs.get(role))
    own = "cost" if role in costs and role != "explained_variance" else role
    assert frontiers.read_as[own] == name
    assert frontiers.y.to_numpy() == pytest.approx([y for *_, y in SAES])
    assert set(frontiers.unused) <= {"loss_recovered"}


# ---------------------------------------------------------------- messages


def messages() -> list[str]:
    section = TEXT[TEXT.index("## What stops a fit") : TEXT.index("## A cost instead")]
    first = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return [words for cell in first for words in re.findall(r"`([^`]+)`", cell)]


def joined(source: str) -> str:
    """Source with texts that go over several lines written in one."""
    return re.sub(r"[\"']\s*\n\s*(?:# [^\n]*\n\s*)?f?[\"']", "", source)


def sources() -> str:
    package = Path(hillfront.__file__).parent
    files = [*(package / "frontiers").glob("*.py"), *(package / "readers").glob("*.py")]
    return joined("".join(file.read_text(encoding="utf-8") for file in files))


@pytest.mark.parametrize("words", messages())
def test_the_words_of_a_message_are_those_of_the_code(words: str) -> None:
    assert words in sources()


def finders() -> Iterator[Any]:
    for finder in (*FAULT_FINDERS, *WARNING_FINDERS, *DRAFT_FINDERS):
        function: Callable[..., Any] = finder.func if isinstance(finder, partial) else finder
        yield pytest.param(function, id=function.__name__)


@pytest.mark.parametrize("finder", list(finders()))
def test_every_fault_and_warning_is_on_the_page(finder: Callable[..., Any]) -> None:
    module = inspect.getmodule(finder)
    called = [getattr(module, name, None) for name in finder.__code__.co_names]
    own = [
        function for function in called if inspect.isfunction(function) and "bad_" not in function.__name__
    ]
    source = joined("".join(map(inspect.getsource, [finder, *own])))
    assert any(words in source for words in messages()), finder.__name__

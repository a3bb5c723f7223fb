"""Tables as text and HTML: what a narrow terminal breaks, and what it never hides."""

from __future__ import annotations

import pytest

from hillfront.utils.tables import TextTable

TABLE = TextTable(
    "Gains",
    ("variant", "setting", "median"),
    (("a variant of many words", "resid / 20", "2.61 [2.30, 2.85]"), ("<b>", "all", "no shared range")),
    ("* extrapolated",),
    names=2,
)


@pytest.mark.parametrize("width", [20, 35, 40, 80])
def test_names_are_broken_and_numbers_are_not(width: int) -> None:
    lines = TABLE.text(width).splitlines()
    assert (lines[0], lines[-1]) == ("Gains", "* extrapolated")
    assert sum("2.61 [2.30, 2.85]" in line for line in lines) == 1
    assert max(map(len, lines)) <= max(width, 8 + 2 + 8 + 2 + len("2.61 [2.30, 2.85]"))
    words = [word for line in lines[2:-2] for word in line[: lines[1].index("setting")].split()]
    assert "".join(words) == "avariantofmanywords"


def test_columns_of_numbers_are_aligned_to_the_right() -> None:
    table = TextTable("", ("name", "p"), (("a", "0.5"), ("b", "12.25")), right=frozenset({"p"}))
    assert table.text(80).splitlines() == ["name      p", "a       0.5", "b     12.25"]


def test_html_is_escaped() -> None:
    html = TABLE.html()
    assert "<td>&lt;b&gt;</td>" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 3

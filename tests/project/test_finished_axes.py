"""The paper and the report ask the figures for what they need: neither changes axes that are drawn."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.axis import XAxis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text

import hillfront

SOURCE = Path(hillfront.__file__).parent
ARTISTS = (Axes, XAxis, Figure, Legend, Line2D, Text)
SETTERS = {
    name
    for artist in ARTISTS
    for name in dir(artist)
    if name.startswith(("set_", "sup")) or name in ("legend", "tick_params", "text", "annotate", "remove")
}
MODULES = sorted(path for folder in ("paper", "report") for path in (SOURCE / folder).glob("*.py"))


def setters_called(source: str) -> list[str]:
    """Methods of matplotlib's artists that change them, called in a module."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in SETTERS]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_finished_axes_are_changed(path: Path) -> None:
    # The remove of ElementTree takes metadata out of a graphic that is written.
    # An element of the drawing is taken out there, no artist of a figure.
    allowed = ["remove"] if path.parts[-2:] == ("report", "figures.py") else []
    assert setters_called(path.read_text("utf-8")) == allowed


def test_a_setter_is_seen() -> None:
    assert setters_called("axis.set_xlabel('L0')\nfigure.legend().set_title('x')") == [
        "set_xlabel",
        "set_title",
        "legend",
    ]

"""Figures as vector graphics that a page can hold: without styles, scripts or ids of another figure."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

from hillfront.plots.axes import save_figure

__all__ = ["drawing", "svg_of"]

_NO_METADATA: Final = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_LINKS: Final = re.compile(r"url\(#([^)]+)\)")
# Left to the page's style sheet, or of no effect on what matplotlib draws.
_OF_THE_PAGE: Final = frozenset({"font-family", "font", "white-space"})


@contextmanager
def drawing() -> Iterator[None]:
    """Set how the report's figures are drawn and written."""
    style = matplotlib.rc_context(
        {
            # Text stays text: small, found by a search, and drawn by fonts that know every script.
            "svg.fonttype": "none",
            "svg.hashsalt": "hillfront",
            # A name between dollar signs is a name, not mathematics.
            "text.parse_math": False,
            "savefig.facecolor": "white",
        }
    )
    with style, warnings.catch_warnings():
        # matplotlib's own font lacks many scripts; the reader's have them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield


def svg_of(figure: Figure, *, prefix: str, title: str, description: str) -> str:
    """Write a figure as an ``svg`` element for the body of a page; a screen reader says its description.

    Styles become attributes, because the page's security policy forbids inline styles; ids, and references
    to them, get a prefix such as ``frontiers-3``, because they must not clash with those of another figure.
    """
    written = io.StringIO()
    save_figure(figure, written, format="svg", metadata=_NO_METADATA)
    root = ElementTree.fromstring(written.getvalue())
    _strip(root)
    for element in root.iter():
        _tidy(element, prefix)
    used = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        if element.get("id", "") not in used:
            element.attrib.pop("id", None)
    width = root.attrib.pop("width").removesuffix("pt")
    root.attrib.pop("height", None)
    root.attrib.pop("version", None)
    root.set("width", f"{float(width) * 4 / 3:.0f}")
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-description")
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, id=f"{prefix}-{'title' if tag == 'title' else 'description'}")
        element.text = text
        root.insert(index, element)
    return ElementTree.tostring(root, encoding="unicode")


def _strip(parent: ElementTree.Element) -> None:
    """Take out metadata, and the style element with its rule for everything in the page."""
    for child in list(parent):
        if _local(str(child.tag)) in ("metadata", "style"):
            parent.remove(child)
        else:
            _strip(child)


def _tidy(element: ElementTree.Element, prefix: str) -> None:
    element.tag = _local(str(element.tag))
    # What the style element said of everything.
    found = {"stroke-linejoin": "round", "stroke-linecap": "butt"} if element.tag == "svg" else {}
    for name, value in element.attrib.items():
        name = _local(name)
        if name == "id":
            found["id"] = f"{prefix}-{value}"
        elif name == "href" and value.startswith("#"):
            found["href"] = f"#{prefix}-{value[1:]}"
        elif name == "style":
            for rule in value.split(";"):
                key, colon, what = rule.partition(":")
                if colon and key.strip() not in _OF_THE_PAGE:
                    found[key.strip()] = what.strip()
        else:
            found[name] = _LINKS.sub(rf"url(#{prefix}-\1)", value)
    element.attrib.clear()
    element.attrib.update(found)
    if element.text and not element.text.strip():
        element.text = None
    if element.tail and not element.tail.strip():
        element.tail = None


def _references(element: ElementTree.Element) -> Iterator[str]:
    """Yield the ids that an element refers to."""
    for name, value in element.attrib.items():
        if name == "href":
            yield value.removeprefix("#")
        yield from _LINKS.findall(value)


def _local(name: str) -> str:
    return name.rpartition("}")[2]

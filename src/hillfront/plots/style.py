"""The look of figures: their size and print, and colours, markers and lines that stay apart in grey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from textwrap import wrap
from typing import Any, Final

from matplotlib import rcParams
from matplotlib.font_manager import FontProperties

__all__ = [
    "BASELINE_STYLE",
    "DASHED",
    "FAMILY_STYLES",
    "LETTER",
    "SCREEN",
    "VARIANT_STYLES",
    "FamilyStyle",
    "FigureStyle",
    "VariantStyle",
    "points_of",
    "styles_for",
]

DASHED: Final = (0, (3, 2))
"""Line style of all that is extrapolated."""
LETTER: Final = 0.6
"""Mean width of a letter, in font sizes."""


@dataclass(frozen=True)
class VariantStyle:
    """The look of one variant."""

    colour: str
    marker: str


@dataclass(frozen=True)
class FamilyStyle:
    """The look of one curve family."""

    colour: str
    dashes: tuple[float, tuple[float, ...]]


# Okabe and Ito's palette (2008, Color Universal Design), ordered so that neighbours differ in lightness.
BASELINE_STYLE = VariantStyle("#4d4d4d", "s")
_COLOURS: Final = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES: Final = ((), (6, 2), (3, 1.5), (5, 1.5, 1, 1.5), (1, 1.2), (5, 1.5, 1, 1.5, 1, 1.5))
VARIANT_STYLES = tuple(map(VariantStyle, _COLOURS, "o^DvPX"))
FAMILY_STYLES = tuple(
    FamilyStyle(colour, (0, dashes)) for colour, dashes in zip(_COLOURS, _DASHES, strict=True)
)


def styles_for(variants: Sequence[str]) -> dict[str, VariantStyle]:
    """Return a style for each variant, the first being the baseline."""
    return dict(zip(variants, chain([BASELINE_STYLE], cycle(VARIANT_STYLES)), strict=False))


@dataclass(frozen=True, kw_only=True)
class FigureStyle:
    """The style of a figure for the page that it will stand on.

    Attributes
    ----------
    width : float, optional
        Inches of the whole figure, as of a column of text: its panels are fitted to it, long names are
        broken into lines, panels share their axis labels, and the legend stands above them. Left out, a
        figure is as wide as its panels.
    columns : int
        Panels in a row, at most.
    panel_height : float
        Inches of a row of panels in a figure of given width.
    marks : float
        Factor of the sizes of lines and markers.
    numbers : bool
        Whether a forest has its numbers beside it.
    note : str
        A warning, which stands above the legend of a figure of given width.
    write : callable
        What makes printable text of any text, such as an escape for LaTeX; called line by line.
    """

    width: float | None = None
    columns: int = 4
    panel_height: float = 1.35
    marks: float = 1.0
    numbers: bool = True
    note: str = ""
    write: Callable[[str], str] = str

    def text(self, text: str, *, inches: float | None = None, size: str = "axes.labelsize") -> str:
        """Return text as it is drawn: in lines of so many inches, if the figure has a width."""
        lines = text.split("\n")
        if self.width is not None:
            letters = int((inches or self.width) * 72 / (LETTER * points_of(size)))
            lines = [part for line in lines for part in wrap(line, max(8, letters)) or [line]]
        return "\n".join(self.write(line) for line in lines)


SCREEN: Final = FigureStyle()
"""Figures for a screen, as wide as their panels."""


def points_of(size: str) -> float:
    """Return the points of a font size, given by name or by the name of one of matplotlib's settings."""
    settings: Any = rcParams
    return FontProperties(size=settings.get(size, size)).get_size_in_points()

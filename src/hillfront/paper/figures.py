"""Figures at the widths of one and of two columns, with names that any backend prints.

Text is never taken for mathematics. In PDF files a character that the font lacks stands as its code point; in
PGF files text is escaped for LaTeX, which sets it in the paper's own font.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import batched
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes

from hillfront.paper.latex import UNICODE_MACRO, latex
from hillfront.paper.source import PaperSource
from hillfront.plots import plot_frontiers, plot_improvement
from hillfront.plots.axes import save_figure
from hillfront.plots.style import FigureStyle
from hillfront.text.sentences import do_not_report

__all__ = ["WIDTHS", "has_pdflatex", "write_figures"]

WIDTHS: Final = {"1col": 3.25, "2col": 6.75}
"""Inches."""

_PANELS: Final = {"1col": (2, 6), "2col": (4, 5)}
"""Columns and rows of a page."""
_PREAMBLE: Final = "\n".join([r"\usepackage[T1]{fontenc}", r"\usepackage{textcomp}", UNICODE_MACRO])

_STYLE: Final[Any] = {
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "lines.markersize": 4.0,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.2,
    "ytick.minor.size": 1.2,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    # TrueType, which journals ask for, in place of Type 3.
    "pdf.fonttype": 42,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
    "pgf.texsystem": "pdflatex",
    "pgf.rcfonts": False,
    "pgf.preamble": _PREAMBLE,
}


def has_pdflatex() -> bool:
    """Return whether pdflatex is there, which PGF files are measured with."""
    return shutil.which("pdflatex") is not None


def write_figures(source: PaperSource, folder: Path) -> list[str]:
    """Write frontiers and gains in both widths, as PDF and, where pdflatex is installed, as PGF.

    Returns
    -------
    list of str
        Names of the PDF files, without the ending.
    """
    import matplotlib.pyplot as plt

    kinds: list[tuple[str, Callable[[str], str]]] = [("pdf", _for_font)]
    if has_pdflatex():
        kinds.append(("pgf", latex))
    names: list[str] = []
    mpl.use("Agg")
    with mpl.rc_context(_STYLE):
        for width in WIDTHS:
            for ending, write in kinds:
                for name, axis in _figures(source, width, write):
                    figure = axis.get_figure(root=True)
                    assert figure is not None  # axes that were just drawn on have their figure
                    if ending == "pdf":
                        # The default metadata has the date, and the same fit should give the same file.
                        save_figure(
                            figure, folder / f"{name}.pdf", fixed=True, metadata={"CreationDate": None}
                        )
                        names.append(name)
                    else:
                        # Laid out by the backend itself, because LaTeX has its own widths of letters.
                        figure.savefig(folder / f"{name}.pgf", backend="pgf")
                    plt.close(figure)
    return names


def _figures(source: PaperSource, width: str, write: Callable[[str], str]) -> Iterator[tuple[str, Axes]]:
    """Draw the frontiers of all settings, on as many pages as they need, and the forest of the gains."""
    columns, rows = _PANELS[width]
    style = FigureStyle(
        width=WIDTHS[width],
        columns=columns,
        marks=0.65,
        # A single column has no room for numbers, which the table has.
        numbers=width != "1col",
        note=do_not_report(source.failed),
        write=write,
    )
    pages = list(batched(source.fit.design.settings, columns * rows))
    for number, settings in enumerate(pages, start=1):
        axes = plot_frontiers(source.fit, settings=settings, prob=source.prob, style=style)
        yield f"frontiers_{width}{f'_{number}' if len(pages) > 1 else ''}", axes[0]
    yield f"gains_{width}", plot_improvement(source.improvement, style=style)


def _for_font(text: str) -> str:
    """Replace characters that the font has no glyph for by their code points."""
    font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
    known = font.get_charmap()
    return "".join(c if ord(c) in known and c.isprintable() else f"U+{ord(c):04X}" for c in text)

"""Figures at the widths of one and of two columns, with names that any backend prints.

Text is never taken for mathematics. In PDF files a character that the font lacks stands as its code point; in
PGF files text is escaped for LaTeX, which sets it in the paper's own font.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import batched
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from hillfront.estimands.quantities import headlines
from hillfront.paper.escape import UNICODE_MACRO, latex
from hillfront.paper.source import PaperSource
from hillfront.plots import plot_frontiers, plot_improvement
from hillfront.text.sentences import do_not_report

__all__ = ["WIDTHS", "has_pdflatex", "write_figures"]

WIDTHS: Final = {"1col": 3.25, "2col": 6.75}
"""Inches."""

_PANELS: Final = {"1col": (2, 6), "2col": (4, 5)}
_MAX_HEIGHT: Final = 8.6
_INCHES_A_LETTER: Final = 0.062
"""Mean width of a letter at 8 points, for breaking lines."""
_TICKS: Final = (1.0, 2.0, 5.0)
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
    """Whether pdflatex is there, which PGF files are measured with."""
    return shutil.which("pdflatex") is not None


def write_figures(source: PaperSource, folder: Path) -> list[str]:
    """Write frontiers and gains in both widths, as PDF and, where pdflatex is installed, as PGF.

    Returns
    -------
    list of str
        Names of the PDF files, without the ending.
    """
    kinds: list[tuple[str, Callable[[str], str]]] = [("pdf", _for_font)]
    if has_pdflatex():
        kinds.append(("pgf", latex))
    names: list[str] = []
    mpl.use("Agg")
    with mpl.rc_context(_STYLE):
        for width in WIDTHS:
            for name, figure in (*_frontiers(source, width), _gains(source, width)):
                with _closing(figure):
                    _mark(figure, source)
                    originals = _texts(figure)
                    for ending, change in kinds:
                        for put, text in originals:
                            put(_by_line(text, change))
                        _save(figure, folder / f"{name}.{ending}")
                names.append(name)
    return names


def _save(figure: Figure, path: Path) -> None:
    if path.suffix == ".pdf":
        # The default metadata has the date, and the same fit should give the same file.
        figure.savefig(path, backend="pdf", metadata={"CreationDate": None})
    else:
        figure.savefig(path, backend="pgf")


@contextlib.contextmanager
def _closing(figure: Figure) -> Iterator[None]:
    import matplotlib.pyplot as plt

    try:
        yield
    finally:
        plt.close(figure)


def _frontiers(source: PaperSource, width: str) -> Iterator[tuple[str, Figure]]:
    """Panels of all settings, on as many pages as they need."""
    import matplotlib.pyplot as plt

    fit = source.fit
    columns, rows = _PANELS[width]
    pages = list(batched(fit.design.settings, columns * rows))
    for number, settings in enumerate(pages, start=1):
        across = min(columns, len(settings))
        down = -(-len(settings) // across)
        alone = len(settings) == 1
        titles = [_wrapped(setting, WIDTHS[width] / across - 0.2) for setting in settings]
        lines = max(title.count("\n") for title in titles)
        height = 1.35 * down + 0.12 * lines * down + 0.6
        height = 0.75 * WIDTHS[width] if alone else height
        figure, grid = plt.subplots(
            down,
            across,
            figsize=(WIDTHS[width], min(height, _MAX_HEIGHT)),
            squeeze=False,
            layout="constrained",
        )
        axes = list(grid.ravel())
        for spare in axes[len(settings) :]:
            spare.remove()
        axes = axes[: len(settings)]
        plot_frontiers(fit, settings=settings, prob=source.prob, ax=axes)
        for axis, title in zip(axes, titles, strict=True):
            if axis.get_title():
                axis.set_title(title)
            _thin(axis, across_inches=WIDTHS[width] / across)
            if not alone:
                axis.set_xlabel("")
                axis.set_ylabel("")
                for top in axis.child_axes:
                    top.set_xlabel("")
        if not alone:
            figure.supxlabel("sparsity, 1 / L0\n(along the top: L0, active latents per token)", fontsize=8)
            figure.supylabel(fit.frontiers.metric_label, fontsize=8)
            _legend_above(figure, figure.legends[0], columns=2 if width == "1col" else 6)
        yield f"frontiers_{width}{f'_{number}' if len(pages) > 1 else ''}", figure


def _thin(axis: Axes, *, across_inches: float) -> None:
    """Smaller marks and as many ticks as a small panel has room for."""
    for line in axis.get_lines():
        line.set_markersize(0.65 * line.get_markersize())
        line.set_linewidth(0.65 * line.get_linewidth())
        line.set_markeredgewidth(0.4)
    room = max(2, int(across_inches / 0.5))
    _ticks(axis, "x", room)
    _ticks(axis, "y", 5)
    low, high = axis.get_xlim()
    for top in axis.child_axes:
        # Its own limits follow only when it is drawn.
        _put_ticks(top.xaxis, 1.0 / high, 1.0 / low, room)


def _legend_above(figure: Figure, legend: Legend, *, columns: int) -> None:
    """Put a legend above everything, in so many columns."""
    width = figure.get_figwidth()
    handles = [handle for handle in legend.legend_handles if handle is not None]
    labels = [_wrapped(text.get_text(), width - 0.5) for text in legend.get_texts()]
    longest = max(len(line) for label in labels for line in label.split("\n"))
    columns = max(1, min(columns, len(labels), int(width / (_INCHES_A_LETTER * longest + 0.4))))
    legend.remove()
    figure.legend(
        handles,
        labels,
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        columnspacing=1.0,
        handlelength=1.6,
    )
    lines = max(label.count("\n") for label in labels) + 1
    _grow(figure, 0.15 * lines * -(-len(labels) // columns))


def _grow(figure: Figure, inches: float) -> None:
    """Make room for what stands above the axes."""
    figure.set_figheight(min(figure.get_figheight() + inches, _MAX_HEIGHT))


def _wrapped(text: str, inches: float) -> str:
    """Break text into lines of no more than so many inches."""
    return "\n".join(wrap(text, max(8, int(inches / _INCHES_A_LETTER)))) or text


def _ticks(axis: Axes, which: str, room: int) -> None:
    low, high = axis.get_xlim() if which == "x" else axis.get_ylim()
    if low > 0:
        _put_ticks(axis.xaxis if which == "x" else axis.yaxis, low, high, room)


def _put_ticks(target: Axis, low: float, high: float, room: int) -> None:
    """Ticks at 1, 2 and 5 times powers of ten, thinned to those that have room."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for subs in (_TICKS, (1.0, 3.0), (1.0,)):
        found = [s * 10.0**d for d in decades for s in subs if low * 1.02 <= s * 10.0**d <= high / 1.02]
        if len(found) <= room:
            break
    found = found[:: -(-len(found) // room)] if found else found
    target.set_major_locator(FixedLocator(found))
    target.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    target.set_minor_locator(NullLocator())
    target.set_minor_formatter(NullFormatter())


def _gains(source: PaperSource, width: str) -> tuple[str, Figure]:
    """Forest of the mean sparsity gain."""
    import matplotlib.pyplot as plt

    labels = source.gains.loc[source.gains["quantity"] == headlines()[0], ["variant", "where"]]
    lines, variants = labels["where"].nunique(), labels["variant"].nunique()
    height = min(0.95 + 0.19 * lines * max(1.0, 0.75 * variants), _MAX_HEIGHT)
    figure, axis = plt.subplots(figsize=(WIDTHS[width], height), layout="constrained")
    plot_improvement(source.improvement, ax=axis)
    for line in axis.get_lines():
        line.set_markersize(0.65 * line.get_markersize())
        line.set_linewidth(0.8 * line.get_linewidth())
    _ticks(axis, "x", 6 if width == "1col" else 10)
    names = [_wrapped(label.get_text(), 1.3 if width == "1col" else 2.2) for label in axis.get_yticklabels()]
    axis.set_yticks(axis.get_yticks(), names)
    legend = axis.get_legend()
    if legend is not None:
        _legend_above(figure, legend, columns=2 if width == "1col" else 6)
    if width == "1col":
        # No room for the numbers, which the table has; what they are marked with stays.
        words = "\n".join(line for part in axis.get_xlabel().split("\n") for line in wrap(part, 52))
        axis.set_xlabel("")
        figure.supxlabel(words, fontsize=8)
        for text in list(axis.texts):
            if "[" in text.get_text():
                text.set_text("!" if text.get_text().endswith("!") else "")
            else:
                text.set_x(0.98)
                text.set_horizontalalignment("right")
    return f"gains_{width}", figure


def _mark(figure: Figure, source: PaperSource) -> None:
    if source.failed:
        words = _wrapped(do_not_report(source.failed), 0.8 * figure.get_figwidth())
        look: dict[str, Any] = {"color": "#b00020", "fontweight": "bold", "fontsize": 8}
        if figure.legends:
            # A title of the figure would lie on the legend.
            figure.legends[0].set_title(words)
            figure.legends[0].get_title().set(multialignment="center", **look)
            _grow(figure, 0.15 * (words.count("\n") + 1))
        else:
            figure.suptitle(words, **look)


def _texts(figure: Figure) -> list[tuple[Callable[[str], object], str]]:
    """Every text of a figure that may hold a name, with how to replace it."""
    found: list[tuple[Callable[[str], object], str]] = []
    at_ticks: set[int] = set()
    for axis in figure.axes:
        labels = axis.get_yticklabels()
        if any(label.get_text() and not _is_number(label.get_text()) for label in labels):
            # Names at ticks are kept by a formatter, so they are replaced there.
            names = [label.get_text() for label in labels]
            axis.set_yticks(axis.get_yticks(), names)
            found += [(partial(_put_name, axis, place), name) for place, name in enumerate(names)]
        for one in (axis, *axis.child_axes):
            at_ticks |= {id(t) for t in one.xaxis.findobj(Text)} - {id(one.xaxis.label)}
            at_ticks |= {id(t) for t in one.yaxis.findobj(Text)} - {id(one.yaxis.label)}
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
        if id(text) not in at_ticks and text.get_text():
            found.append((text.set_text, text.get_text()))
    return found


def _put_name(axis: Axes, place: int, name: str) -> None:
    names = [label.get_text() for label in axis.get_yticklabels()]
    names[place] = name
    axis.set_yticks(axis.get_yticks(), names)


def _is_number(text: str) -> bool:
    try:
        float(text.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        return False
    return True


def _by_line(text: str, change: Callable[[str], str]) -> str:
    return "\n".join(change(line) for line in text.split("\n"))


def _for_font(text: str) -> str:
    """Replace characters that the font has no glyph for by their code points."""
    font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
    known = font.get_charmap()
    return "".join(c if ord(c) in known and c.isprintable() else f"U+{ord(c):04X}" for c in text)

"""Axes: what every figure shares of panels, sizes, labels, log ticks and legends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, Literal

import numpy as np
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import Frontiers
from hillfront.model.design import Design, how_to_make_frontiers
from hillfront.plots.style import LETTER, SCREEN, FigureStyle, points_of, styles_for

__all__ = [
    "LogTicks",
    "axes_for",
    "curve_label",
    "figure_of",
    "legend_figure",
    "log_ticks",
    "plain_numbers",
    "put_labels",
    "put_legend",
    "put_titles",
    "require_drawable",
    "save_figure",
    "say_no_data",
    "variant_handles",
]

_KEY: Final = 5.0
"""Width of a legend's key and of the space around it, in font sizes."""
_SERIES: Final = ((1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))
"""Ticks of a decade, from fine to coarse."""
_MOST_TICKS: Final = 8
_MAX_HEIGHT: Final = 8.6
"""Inches; the height of a page."""


def require_drawable(value: object, kind: type, figure: str, made_by: str) -> None:
    """Refuse what a figure cannot draw, and say how to make what it can.

    Parameters
    ----------
    value : object
    kind : type
        The one that the figure draws.
    figure : str
        Name of its function.
    made_by : str
        A call that returns one, from ``frontiers`` or a ``fit``.

    Raises
    ------
    TypeError
    """
    if isinstance(value, kind):
        return
    if isinstance(value, Frontiers):
        seen = "These are Frontiers, which hf.plot_frontiers(frontiers) draws before a fit."
    elif isinstance(value, FrontierFit):
        seen = "This is a fit."
    else:
        seen = how_to_make_frontiers(value)
    raise TypeError(f"{figure} draws what {made_by} returns. {seen}")


def figure_of(axis: Axes) -> Figure:
    """Return the figure that axes belong to."""
    figure = axis.get_figure(root=True)
    if figure is None:
        raise ValueError("The given axes belong to no figure.")
    return figure


# ---------------------------------------------------------------- panels


def axes_for(
    n: int,
    ax: Axes | Sequence[Axes] | NDArray[np.object_] | None,
    *,
    columns: int = 4,
    size: tuple[float, float] = (3.1, 2.8),
    single: tuple[float, float] = (5.0, 3.9),
    style: FigureStyle = SCREEN,
) -> tuple[Figure, list[Axes]]:
    """Return n axes: those given, if they are n, or a new grid with so many columns at most.

    ``size`` holds the inches of one of several panels, and ``single`` those of a panel by itself, which has
    its legend inside; a style's width and columns take their place.
    """
    import matplotlib.pyplot as plt

    if ax is not None:
        given: list[Axes] = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, dtype=object)))
        if len(given) != n:
            raise ValueError(
                f"ax holds {len(given)} axes, and there are {n} panels to draw. Give {n} axes, choose fewer "
                "panels, or leave ax out."
            )
        return figure_of(given[0]), given
    columns = min(columns if style.width is None else style.columns, n)
    rows = math.ceil(n / columns)
    if style.width is None:
        width, height = single if n == 1 else size
        inches = (width * columns, height * rows)
    elif n == 1:
        inches = (style.width, style.width * single[1] / single[0])
    else:
        inches = (style.width, style.panel_height * rows + 0.6)
    figure, grid = plt.subplots(rows, columns, figsize=inches, squeeze=False, layout="constrained")
    flat = list(grid.ravel())
    for spare in flat[n:]:
        spare.remove()
    return figure, flat[:n]


def put_titles(axes: Sequence[Axes], titles: Sequence[str], style: FigureStyle = SCREEN) -> None:
    """Name each panel by its setting; a single panel of all SAEs needs no name."""
    if list(titles) == ["all"]:
        return
    across = min(style.columns, len(axes))
    inches = None if style.width is None else style.width / across - 0.2
    words = [style.text(title, inches=inches, size="axes.titlesize") for title in titles]
    for axis, title in zip(axes, words, strict=True):
        axis.set_title(title, fontsize="medium")
    if style.width is not None:
        _grow(axes[0], 0.12 * max(title.count("\n") for title in words) * math.ceil(len(axes) / across))


def put_labels(axes: Sequence[Axes], x: str, y: str, style: FigureStyle = SCREEN, *, top: str = "") -> None:
    """Label the axes, and those along the tops of panels, if there are any: once for all in a given width."""
    if style.width is not None:
        figure, size = figure_of(axes[0]), rcParams["axes.labelsize"]
        figure.supxlabel(style.text(x + (f"\n(along the top: {top})" if top else "")), fontsize=size)
        if y:
            figure.supylabel(style.text(y), fontsize=size)
        return
    for axis in axes:
        axis.set_xlabel(style.text(x))
        axis.set_ylabel(style.text(y))
        for child in axis.child_axes:
            child.set_xlabel(style.text(top), fontsize="small")


def say_no_data(axis: Axes) -> None:
    """Leave a panel empty, and say why."""
    axis.text(0.5, 0.5, "no data", ha="center", va="center", color="0.4", transform=axis.transAxes)
    axis.set_axis_off()


def _grow(axis: Axes, inches: float) -> None:
    """Make room for what stands above the axes, on a page."""
    figure = figure_of(axis)
    figure.set_figheight(min(figure.get_figheight() + inches, _MAX_HEIGHT))


def save_figure(figure: Figure, file: Path | IO[str], *, fixed: bool = False, **options: Any) -> None:
    """Write a figure that is laid out and drawn once each.

    Matplotlib's own ``savefig``, which takes the options, draws a figure that has a layout twice, the first
    time for its layout alone. Unless its size is fixed, the figure grows to hold titles and legends that a
    layout leaves out, and without a layout it is as large as what it holds.
    """
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)
    if not fixed:
        held = figure.get_tightbbox().padded(0.06)
        options["bbox_inches"] = held if engine is None else Bbox.union([held, figure.bbox_inches])
    figure.savefig(file, **options)


def curve_label(design: Design, setting: int, variant: int) -> str:
    """Name a curve by its setting, where there are several, and its variant."""
    name = design.variants[variant]
    return f"{design.settings[setting]}, {name}" if len(design.settings) > 1 else name


# ---------------------------------------------------------------- ticks


class LogTicks(Locator):
    """Ticks of a log axis: the finest of a few series whose labels have room at the axis' present size.

    The axis runs across the frame, or up it, and has labels of so many points.
    """

    def __init__(self, frame: Axes, *, size: float, across: bool) -> None:
        self.frame, self.size, self.across = frame, size, across

    def __call__(self) -> list[float]:
        """Return the ticks between the axis' present limits."""
        if self.axis is None:
            return []
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Return the ticks between two limits, in either order."""
        low, high = sorted((float(vmin), float(vmax)))
        if not 0 < low < high < np.inf:
            return []
        box = self.frame.bbox
        length = (box.width if self.across else box.height) * 72 / self.frame.figure.dpi
        return _log_ticks(low, high, length, self.size, self.across)


@cache
def _log_ticks(low: float, high: float, length: float, size: float, across: bool) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [[float(f"{factor}e{p}") for p in powers for factor in series] for series in _SERIES]
    every += [[float(f"1e{p}") for p in powers[::step]] for step in range(2, len(powers))]
    inside = [[t for t in ticks if low * (1 - 1e-9) <= t <= high * (1 + 1e-9)] for ticks in every]
    # One number does not make a scale, and far within a decade there is none.
    scales = [ticks for ticks in inside if len(ticks) > 1]
    for ticks in scales:
        at = length * np.log(np.array(ticks) / low) / np.log(high / low)
        letters = np.array([len(f"{tick:g}") for tick in ticks])
        width = size * (LETTER * letters + 0.5 if across else np.full(len(ticks), 1.5))
        if len(ticks) <= _MOST_TICKS and (np.diff(at) >= 0.5 * (width[1:] + width[:-1])).all():
            return ticks
    if scales:
        return [scales[-1][0], scales[-1][-1]]
    return [float(t) for t in MaxNLocator(4).tick_values(low, high) if low <= t <= high]


def log_ticks(axis: Axis, frame: Axes, *, size: str | None = None) -> None:
    """Label a log axis with as many plain numbers as have room along the frame that it belongs to."""
    across = isinstance(axis, XAxis)
    points = points_of(size or ("xtick.labelsize" if across else "ytick.labelsize"))
    axis.set_major_locator(LogTicks(frame, size=points, across=across))
    plain_numbers(axis)


def plain_numbers(axis: Axis) -> None:
    """Write ticks as plain numbers, and none between them."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


# ---------------------------------------------------------------- legends


def variant_handles(
    variants: Sequence[str], every: Sequence[str], *, baseline: str | None = None, **look: Any
) -> list[Line2D]:
    """Return a legend's entries of variants, styled by their order among every one."""
    styles = styles_for(every)
    return [
        Line2D(
            [],
            [],
            color=styles[name].colour,
            marker=styles[name].marker,
            label=f"{name} (baseline)" if name == baseline != "baseline" and len(variants) > 1 else name,
            **look,
        )
        for name in variants
    ]


def put_legend(
    axes: Sequence[Axes],
    handles: Sequence[Artist],
    *,
    style: FigureStyle = SCREEN,
    where: Literal["inside", "beside", "above", "under", "below"] = "below",
    fontsize: str | None = None,
) -> None:
    """Draw a legend in as many columns as have room: in or by the first panel, or below the whole figure.

    In a style with a width it stands above all panels instead, with the note as its title.
    """
    figure = figure_of(axes[0])
    if style.width is not None:
        size = points_of("legend.fontsize")
        inches = style.width - _KEY * size / 72
        labels = [style.text(str(h.get_label()), inches=inches, size="legend.fontsize") for h in handles]
        columns = _columns_of(labels, style.width, size)
        note = style.text(style.note, inches=0.8 * style.width) if style.note else None
        legend = figure.legend(
            handles,
            labels,
            loc="outside upper center",
            ncols=columns,
            frameon=False,
            columnspacing=1.0,
            handlelength=1.6,
            title=note,
            title_fontproperties={"weight": "bold", "size": rcParams["font.size"]},
        )
        legend.get_title().set(color="#b00020", multialignment="center")
        lines = (max(t.count("\n") for t in labels) + 1) * -(-len(labels) // columns)
        _grow(axes[0], 0.15 * (lines + (note.count("\n") + 1 if note else 0)))
        return
    fontsize = fontsize or ("medium" if where == "below" else "small")
    room = axes[0].get_window_extent().width / figure.dpi if where == "under" else figure.get_figwidth()
    room *= 0.75 if where == "above" else 1.0  # it starts where the axes do
    columns = _columns_of([str(h.get_label()) for h in handles], room, points_of(fontsize))
    if where == "below":
        figure.legend(
            handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=fontsize
        )
        return
    at: dict[str, dict[str, Any]] = {
        "inside": {},
        "beside": {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)},
        "above": {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": columns},
        "under": {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": columns},
    }
    axes[0].legend(handles=handles, fontsize=fontsize, frameon=False, **at[where])


def legend_figure(handles: Sequence[Artist], *, width: float) -> Figure:
    """Return a figure of a legend alone."""
    labels = [str(handle.get_label()) for handle in handles]
    figure = Figure(figsize=(width, 0.25 * len(labels) + 0.1))
    columns = _columns_of(labels, width, points_of("medium"))
    figure.legend(handles=handles, loc="center", ncols=columns, frameon=False)
    return figure


def _columns_of(labels: Sequence[str], inches: float, size: float) -> int:
    """Count the columns that labels of so many points may take within a width."""
    lengths = [max(map(len, label.split("\n"))) for label in labels]
    for columns in range(len(labels), 1, -1):
        ems = sum(LETTER * max(part) + _KEY for part in np.array_split(lengths, columns))
        if ems * size / 72 <= inches:
            return columns
    return 1

"""The report's figures: one small vector graphic a panel, so that a phone shows them one below another."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hillfront.estimands.improvement import Improvement
from hillfront.estimands.quantities import QUANTITIES, headlines
from hillfront.estimands.scopes import AVERAGE, SCOPES, where_of
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.plots import plot_checks, plot_frontiers, plot_gain_profile, plot_improvement
from hillfront.plots.axes import legend_figure, save_figure
from hillfront.plots.frontier import frontier_handles
from hillfront.plots.gain_profile import gain_handles
from hillfront.plots.style import FigureStyle
from hillfront.report.tables import label
from hillfront.utils.intervals import DEFAULT_PROB
from hillfront.utils.wording import count, interval

__all__ = ["PANELS_MAX", "FigureSet", "checks_figures", "forest_figures", "frontier_figures", "gain_figures"]

PANELS_MAX: Final = 24
"""Settings that are drawn; the tables hold all of them."""

_PANEL: Final = (3.5, 3.1)
_WIDE: Final = 5.2
"""Inches of a panel that takes the width of the page."""


@dataclass(frozen=True)
class FigureSet:
    """The panels of one figure, and their legend, as vector graphics; the name is their id in the page."""

    name: str
    caption: str
    panels: tuple[str, ...]
    legend: str = ""
    wide: bool = False
    """True if a panel takes the width of the page."""


def frontier_figures(fit: FrontierFit) -> FigureSet:
    """Draw SAEs, curves and bands, one panel a setting."""
    shown = fit.design.settings[:PANELS_MAX]
    panels = []
    with drawing():
        for index, setting in enumerate(shown):
            figure, axis = _panel()
            plot_frontiers(fit, settings=[setting], ax=axis, legend=False)
            title, description = f"Frontiers in {setting}", _describe_points(fit, setting)
            panels.append(svg_of(figure, prefix=f"frontiers-{index}", title=title, description=description))
        legend = _legend(frontier_handles(fit), "frontiers-legend")
    caption = (
        f"Each point is one SAE; lines are posterior medians of the expected {fit.frontiers.metric_label}, "
        f"dashed outside their data; bands hold another SAE with a probability of {DEFAULT_PROB:.0%}. "
        "Verdicts are given over the shared range, in grey."
    )
    return FigureSet("frontiers", caption + _undrawn(fit), tuple(panels), legend)


def forest_figures(improvement: Improvement) -> FigureSet:
    """Draw the headline factors of every setting, as forests."""
    panels = []
    with drawing():
        for quantity in headlines():
            rows = improvement.summary[improvement.summary["quantity"] == quantity]
            n = rows["variant"].nunique()
            figure, axis = _panel((_WIDE, 0.27 * len(rows) / n * max(1.0, 0.75 * n) + 0.9))
            plot_improvement(improvement, quantity=quantity, ax=axis, style=FigureStyle(width=_WIDE))
            prefix, title = f"forest-{quantity.replace('_', '-')}", QUANTITIES[quantity].words.capitalize()
            panels.append(svg_of(figure, prefix=prefix, title=title, description=_describe_forest(rows)))
    caption = (
        f"Median and {DEFAULT_PROB:.0%} interval of each factor; above 1 favours the variant. Hollow markers "
        "are extrapolated, or predicted for a setting without data."
    )
    return FigureSet("forests", caption, tuple(panels), wide=True)


def gain_figures(fit: FrontierFit) -> FigureSet:
    """Draw the sparsity gain against the hit: the average over the settings, then each setting."""
    shown = fit.design.settings[:PANELS_MAX]
    several = len(fit.design.settings) > 1
    names = [*([SCOPES[AVERAGE].label] if several else []), *shown]
    description = (
        f"Times fewer active latents that each variant needs than {fit.baseline}, against the "
        f"{fit.frontiers.metric_label} at which they are compared: posterior median and {DEFAULT_PROB:.0%} "
        "band, solid where both frontiers have data and dashed elsewhere. The table of all factors has the "
        "numbers."
    )
    with drawing():
        figures, axes = zip(*(_panel() for _ in names), strict=True)
        plot_gain_profile(fit, settings=shown, ax=axes, legend=False)
        panels = [
            svg_of(figure, prefix=f"gain-{index}", title=f"Gain profile, {name}", description=description)
            for index, (name, figure) in enumerate(zip(names, figures, strict=True))
        ]
        legend = _legend(gain_handles(fit), "gain-legend")
    caption = (
        f"How many times fewer active latents a variant needs than {fit.baseline} for the same "
        f"{fit.frontiers.metric_label}. Solid inside the data of both, dashed where extrapolated."
    )
    return FigureSet("gain-profiles", caption + _undrawn(fit), tuple(panels), legend)


def checks_figures(fit: FrontierFit) -> FigureSet:
    """Draw what the checks of the fit saw, in four panels."""
    words = {
        "Leave-one-out predictions": "Distribution of the LOO-PIT values less a uniform one, and its band.",
        "Residuals": "Distance of each SAE from its curve, in scales, against L0.",
        "Signs of residuals": "Whether each SAE lies above or below its curve, along each curve.",
        "Prior and posterior": "The mean sparsity gain, averaged over the settings, before and after the "
        "data.",
    }
    rows = min(fit.frontiers.n_curves, 30)
    with drawing():
        # Axes of a fixed size, around which labels take the room that they need.
        figures = [Figure(figsize=(3.3, height)) for height in (2.7, 2.7, max(2.7, 0.14 * rows), 2.7)]
        plot_checks(fit, ax=[figure.add_axes((0.0, 0.0, 1.0, 1.0)) for figure in figures])
        panels = []
        for index, (title, what) in enumerate(words.items()):
            description = f"{what} The table of diagnostics has the numbers."
            panels.append(
                svg_of(figures[index], prefix=f"checks-{index}", title=title, description=description)
            )
    return FigureSet("checks", "What the checks of the fit saw.", tuple(panels), wide=True)


def _panel(size: tuple[float, float] = _PANEL) -> tuple[Figure, Axes]:
    """Return axes on a figure of their own, which pyplot does not know of."""
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots()


def _legend(handles: Sequence[Artist], prefix: str) -> str:
    """Write a legend as a graphic of its own."""
    words = "; ".join(str(handle.get_label()) for handle in handles)
    return svg_of(legend_figure(handles, width=4.5), prefix=prefix, title="Legend", description=words)


def _undrawn(fit: FrontierFit) -> str:
    more = len(fit.design.settings) - PANELS_MAX
    return f" {count(more, 'more setting')} not drawn; the tables hold all." if more > 0 else ""


def _describe_points(fit: FrontierFit, setting: str) -> str:
    table = fit.frontiers.table
    parts = []
    for variant in fit.design.variants:
        rows = table[(table["variant"] == variant) & (table["setting"] == setting)]
        if len(rows):
            y = rows[fit.frontiers.metric]
            parts.append(
                f"{variant}: {count(len(rows), 'SAE')}, L0 {rows['l0'].min():.4g} to "
                f"{rows['l0'].max():.4g}, {fit.frontiers.metric_label} {y.min():.3g} to {y.max():.3g}"
            )
    return "; ".join(parts) + "."


def _describe_forest(rows: pd.DataFrame) -> str:
    said: Sequence[str] = [
        f"{row['variant']}, {where_of(row)}: {label(row['median'])} {interval(row['lower'], row['upper'])}"
        for _, row in rows.iterrows()
        if np.isfinite(row["median"])
    ]
    return "; ".join(said) + "."


# ---------------------------------------------------------------- vector graphics

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

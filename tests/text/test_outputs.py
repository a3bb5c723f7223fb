"""The files of one run: what is drawn of many settings."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers import fit_of
from hillfront.fits.simulation import simulate
from hillfront.text import outputs
from hillfront.text.summary import summary_table


def test_figures_of_many_settings_draw_the_first_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = fit_of(simulate(settings=4, points=4, random_seed=1).frontiers, baseline="baseline")
    seen: dict[str, Figure] = {}
    monkeypatch.setattr(outputs, "SETTINGS_DRAWN", 3)
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: seen.update({Path(path).name: figure}))
    outputs.write_outputs(fit, tmp_path / "out")
    frontiers, forest = seen["frontiers.png"], seen["improvement.png"]
    settings = list(fit.design.settings)
    assert [axis.get_title() for axis in frontiers.axes if axis.get_title()] == settings[:3]
    (axis,) = forest.axes
    labels = [text.get_text() for text in axis.get_yticklabels()]
    assert labels == [*settings[:3], "average of the settings", "a new setting"]
    for figure in (frontiers, forest):
        assert "The first 3 of 4 settings." in figure.get_suptitle()
    table = pd.read_csv(tmp_path / "out" / "improvement.csv")
    assert set(table["setting"].dropna()) == set(settings)


def test_a_fit_shows_the_table_that_the_command_line_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    frontiers = simulate(variants=("baseline", "<b>"), settings=2, points=4, random_seed=1).frontiers
    fit = fit_of(frontiers, baseline="baseline")
    heading, title, _, *lines = repr(fit).splitlines()
    assert heading.startswith("FrontierFit(hill, baseline 'baseline', 2 variants x 2 settings, 16 SAEs")
    table = summary_table(fit)
    assert title == table.title
    cells = list(zip(*(list(column.cells) for column in table.columns), strict=True))
    assert len(cells) == 4
    for line, row in zip(lines, cells, strict=False):
        assert [part.strip() for part in line.split("  ") if part] == list(row)
    html = fit._repr_html_()
    assert "<td>&lt;b&gt;</td>" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 1 + len(cells)

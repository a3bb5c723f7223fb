"""The files of one run: what is drawn of many settings."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers import fit_of
from hillfront.fits.simulation import simulate
from hillfront.text import outputs


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

"""The design study: real fits of small designs, its table, recommendation, figure and command."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commands import command
from hillfront.cli.study_simulated import pair_from
from hillfront.studies import design_study as module
from hillfront.studies.design_study import design_study, design_table, recommend
from hillfront.studies.figures import plot_design
from hillfront.studies.simulated import wilson

WIDE = ((10.0, 200.0),)

# ---------------------------------------------------------------- sets


def test_real_designs_find_a_large_gain_and_not_a_small_one(tmp_path: Path) -> None:
    """Eight SAEs a curve with little scatter see a gain of 2; three with much scatter none of 1.02."""
    sure = design_study(
        gain=2.0, sigma=0.05, points=(8,), settings=(1,), sweeps=WIDE, sets=2, work=tmp_path / "a.jsonl"
    )
    assert (sure["error"] == "").all()
    assert set(sure["verdict"]) == {"better"}
    assert (sure["lower"] < sure["truth"]).all()
    assert (sure["truth"] < sure["upper"]).all()
    unsure = design_study(
        gain=1.02, sigma=0.3, points=(3,), settings=(1,), sweeps=WIDE, sets=2, work=tmp_path / "b.jsonl"
    )
    assert set(unsure["verdict"]) == {"undecided"}
    assert (unsure["upper"] / unsure["lower"]).min() > (sure["upper"] / sure["lower"]).max()
    before = (tmp_path / "a.jsonl").read_text()
    again = design_study(
        gain=2.0, sigma=0.05, points=(8,), settings=(1,), sweeps=WIDE, sets=2, work=tmp_path / "a.jsonl"
    )
    pd.testing.assert_frame_equal(sure, again)
    assert (tmp_path / "a.jsonl").read_text() == before


def test_every_design_is_simulated_as_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    def simulated(**options: Any) -> None:
        seen.append(options)
        raise ValueError("enough seen")

    monkeypatch.setattr(module, "simulate", simulated)
    rows = design_study(
        gain=1.3,
        sigma=0.2,
        points=(3, 4),
        settings=(1, 2),
        sweeps=((10, 50), (20, 100)),
        sets=3,
        k=(0.9, 0.7),
        tau=0.002,
        hit_at_l0=(0.1, 40.0),
        setting_sd=0.3,
        interaction_sd=0.05,
        work=tmp_path / "w.jsonl",
    )
    assert len(seen) == len(rows) == 24
    assert len({options["random_seed"] for options in seen}) == 24
    asked = {(options["points"], options["settings"], options["l0"]) for options in seen}
    assert len(asked) == 8
    assert (3, 2, (20.0, 100.0)) in asked
    common = {
        "gain": 1.3,
        "sigma": 0.2,
        "tau": 0.002,
        "k": {"baseline": 0.9, "variant": 0.7},
        "hit_at_l0": (0.1, 40.0),
        "setting_sd": 0.3,
        "interaction_sd": 0.05,
    }
    for options in seen:
        assert {name: options[name] for name in common} == common


def test_the_truth_varies_with_the_settings_as_the_docstring_says() -> None:
    """Log gain of a setting: sqrt(2) interaction_sd about log(gain)."""
    from hillfront.fits.simulation import simulate

    spread = inspect.signature(design_study).parameters["interaction_sd"].default
    truth = simulate(settings=4000, points=2, gain=1.3, interaction_sd=spread, random_seed=1).truth.query(
        "scope == 'setting' and quantity == 'sparsity_gain'"
    )["value"]
    logs = np.log(truth)
    assert logs.mean() == pytest.approx(np.log(1.3), abs=0.01)
    assert logs.std() == pytest.approx(np.sqrt(2) * 0.1, rel=0.05)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gain": 1.0}, "gain=1.0: there is nothing to find. Give the true gain as a factor above 1"),
        ({"sigma": 0.0}, "sigma=0.0: give the expected scatter on the logit scale"),
        ({"sets": 0}, "sets=0, workers=1: give 1 or more of each"),
        ({"points": (1,)}, "points=1, settings=1: a case has at least 2 SAEs a curve"),
        (
            {"settings": (0,)},
            "points=3, settings=0: a case has at least 2 SAEs a curve, and at least 1 setting",
        ),
        ({"sweeps": ((200.0, 10.0),)}, r"sweep \(200.0, 10.0\): give the lowest and the highest L0"),
    ],
)
def test_designs_that_cannot_be_are_refused(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        design_study(**({"gain": 1.3, "sigma": 0.1, "work": tmp_path / "w.jsonl"} | given))
    assert not (tmp_path / "w.jsonl").exists()


# ---------------------------------------------------------------- table


def made_up() -> pd.DataFrame:
    """Two designs: four sets of one, of which one failed and one shares no range, and two of the other."""
    rows = [
        # points, verdict, lower, upper, divergences, error
        (4, "better", 1.0, 2.0, 0, ""),
        (4, "crossing", 1.5, 12.0, 2, ""),
        (4, "no shared range", np.nan, np.nan, 0, ""),
        (4, np.nan, np.nan, np.nan, np.nan, "ValueError: no luck"),
        (3, "better", 1.2, 2.4, 0, ""),
        (3, "better", 1.0, 1.2, 0, ""),
    ]
    columns = ("points", "verdict", "lower", "upper", "divergences", "error")
    return pd.DataFrame(rows, columns=columns).assign(settings=2, l0_low=10.0, l0_high=200.0, truth=1.4)


def test_designs_are_summarised_set_by_set() -> None:
    table = design_table(made_up())
    assert table["points"].tolist() == [3, 4]
    assert table["saes"].tolist() == [12, 16]
    small, large = table.iloc[0], table.iloc[1]
    assert [large["sets"], large["failed"], small["sets"], small["failed"]] == [3, 1, 2, 0]
    assert large["power"] == pytest.approx(1 / 3)
    assert (large["power_lower"], large["power_upper"]) == pytest.approx(wilson(1, 3))
    assert large["wrong"] == pytest.approx(1 / 3)
    assert large["no_interval"] == pytest.approx(1 / 3)
    assert large["width"] == pytest.approx(4.0)
    assert large["covered"] == pytest.approx(1 / 2)
    assert large["diverged"] == pytest.approx(1 / 3)
    assert small["power"] == 1.0
    assert small["covered"] == pytest.approx(1 / 2)


def designs() -> pd.DataFrame:
    """Power that grows with the SAEs, by luck at 24 already."""
    table = pd.DataFrame(
        {
            "points": [4, 4, 6, 8, 6],
            "settings": [1, 3, 2, 3, 6],
            "power": [0.3, 0.81, 0.84, 0.92, 0.98],
            "power_lower": [0.2, 0.7, 0.74, 0.83, 0.93],
            "power_upper": [0.4, 0.89, 0.9, 0.97, 0.99],
            "width": [3.0, 1.7, 1.8, 1.4, 1.3],
        }
    )
    saes = 2 * table["points"] * table["settings"]
    return table.assign(saes=saes, l0_low=10.0, l0_high=200.0, sets=50)


def test_the_smallest_designs_are_named() -> None:
    found = recommend(designs(), power=0.8)
    # Two designs of 24 SAEs: the more powerful first.
    assert found.cases[["points", "settings"]].to_numpy().tolist() == [[6, 2], [4, 3]]
    assert found.sure[["points", "settings"]].to_numpy().tolist() == [[8, 3]]
    assert found.text.startswith(
        "Fewest SAEs for `better` in 80% of sets: 24 SAEs, as 6 SAEs a curve in 2 settings, L0 10 to 200 "
        "(power 0.84 [0.74, 0.90] of 50 sets, width 1.8), or 4 SAEs a curve in 3 settings"
    )
    assert "Fewest of which the sets are sure: 48 SAEs, as 8 SAEs a curve in 3 settings" in found.text


def test_a_width_counts_as_well() -> None:
    found = recommend(designs(), power=0.8, width=1.35)
    assert found.cases["saes"].tolist() == [72]
    assert found.text == (
        "Fewest SAEs for `better` in 80% of sets and a mean interval width of 1.35 or less: 72 SAEs, as 6 "
        "SAEs a curve in 6 settings, L0 10 to 200 (power 0.98 [0.93, 0.99] of 50 sets, width 1.3)."
    )


def test_targets_out_of_reach_are_told_with_the_closest() -> None:
    found = recommend(designs(), power=0.99)
    assert found.cases.empty
    assert found.text.startswith("No case reaches `better` in 99% of sets. Closest in power: 72 SAEs, as 6")
    assert "more SAEs a curve, more settings or a wider sweep" in found.text
    unsure = recommend(designs().iloc[:3], power=0.8)
    assert unsure.sure.empty
    assert "No case is sure of the power with these sets; more sets would tell." in unsure.text


def test_targets_that_say_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"power=1\.0 must lie between 0 and 1; 0.8 is usual"):
        recommend(designs(), power=1.0)
    with pytest.raises(ValueError, match=r"width=0.5 is the upper over the lower end .* factor above 1"):
        recommend(designs(), width=0.5)


def test_the_figure_has_a_line_for_each_number_of_settings_and_the_targets() -> None:
    table = pd.concat(
        [designs(), designs().assign(l0_high=50.0, power=0.25, power_lower=0.1)], ignore_index=True
    )
    figure = plot_design(table, power=0.8, width=1.5)
    wide, narrow, widths, _ = figure.axes
    assert [axis.get_title() for axis in (wide, narrow)] == ["L0 10 to 200", "L0 10 to 50"]
    # The line of three settings: its two designs, sizes 24 and 48, moved sideways by a little.
    lines = [line for line in wide.lines if len(line.get_xdata()) == 2 and line.get_marker() != "None"]
    (three,) = [line for line in lines if list(line.get_ydata()) == [0.81, 0.92]]
    np.testing.assert_allclose(np.array(three.get_xdata(), float), [24, 48], rtol=0.05)
    assert any(list(line.get_ydata()) == [0.8, 0.8] for line in wide.lines)
    assert any(list(line.get_ydata()) == [1.5, 1.5] for line in widths.lines)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "1 setting",
        "2 settings",
        "3 settings",
        "6 settings",
        "target",
    ]


# ---------------------------------------------------------------- command


def test_the_command_writes_a_table_and_a_figure_and_names_designs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = command(
        monkeypatch,
        capsys,
        "study",
        "design",
        "--out",
        tmp_path / "new",
        "--gain",
        3,
        "--sigma",
        0.05,
        "--points",
        4,
        "--points",
        6,
        "--settings",
        1,
        "--l0",
        "10-200",
        "--sets",
        1,
        "--width",
        2,
    )
    assert done.status == 0, done.err
    out = tmp_path / "new"
    assert {path.name for path in out.iterdir()} == {"design.jsonl", "design.csv", "design.png"}
    assert pd.read_csv(out / "design.csv")["saes"].tolist() == [8, 12]
    assert "Fewest SAEs for `better` in 80% of sets and a mean interval width of 2 or less: 8" in done.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--gain", 1), "--gain 1.0: there is nothing to find."),
        (("--l0", "10"), "--l0 10: give the lowest and the highest L0, such as 10-200."),
        (("--power", 80), "--power 80.0 must lie between 0 and 1"),
        (("--workers", 0), "--sets 50, --workers 0: give 1 or more of each."),
    ],
)
def test_bad_options_leave_nothing_behind(
    options: tuple[object, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    default = {"--gain": 1.3, "--sigma": 0.1, "--out": tmp_path / "new"}
    given = default | dict(zip(options[::2], options[1::2], strict=True))
    flat = [item for pair in given.items() for item in pair]
    done = command(monkeypatch, capsys, "study", "design", *flat)
    assert done.status == 2
    assert message in done.err
    assert not (tmp_path / "new").exists()


def test_failed_fits_are_told_with_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_luck(**_: object) -> None:
        raise ValueError("no luck")

    monkeypatch.setattr(module, "simulate", no_luck)
    done = command(
        monkeypatch,
        capsys,
        "study",
        "design",
        "--out",
        tmp_path,
        "--gain",
        2,
        "--sigma",
        0.1,
        "--points",
        3,
        "--settings",
        1,
        "--l0",
        "10-50",
        "--sets",
        2,
    )
    assert done.status == 1
    assert "2 fits failed, the first by ValueError: no luck" in done.err


def test_sweeps_are_read() -> None:
    assert pair_from("12.5-1e3", float, "two numbers") == (12.5, 1000.0)
    with pytest.raises(ValueError, match="two numbers"):
        pair_from("ten-20", float, "two numbers")

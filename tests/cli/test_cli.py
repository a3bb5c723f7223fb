"""The command line: every fault, every warning, every file and every exit status, without a sampler."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import hillfront
from commands import Done, command
from helpers import frontiers_of, points
from hillfront.cli.app import app
from hillfront.curves.sparsity import SparsityScale
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.fits.simulation import simulate
from hillfront.text.outputs import FAILED_FILE, held
from hillfront.utils.interface import as_shown, command_line

FILES = {
    "fit.nc",
    "improvement.csv",
    "pareto.csv",
    "diagnostics.csv",
    "frontiers.png",
    "improvement.png",
    "checks.png",
    "hillfront.toml",
}


type Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    return partial(command, monkeypatch, capsys)


def sound() -> pd.DataFrame:
    """Two variants in two layers, without fault or warning."""
    rows = [
        points(variant, np.array([10, 20, 40, 80]) + shift, x_half=x_half, k=0.8, layer=layer)
        for layer in (6, 20)
        for variant, shift, x_half in (("relu", 0, 2.0), ("gated", 1, 4.0))
    ]
    return pd.concat(rows, ignore_index=True)


def losses() -> pd.DataFrame:
    """The same, from three cross-entropies."""
    frame = sound()
    frame["ce_sae"] = 2.5 + 10 * frame.pop("performance_hit")
    return frame.assign(ce_base=2.5, ce_ablated=12.5)


def put(frame: pd.DataFrame, row: int, **cells: object) -> pd.DataFrame:
    """Replace cells of one row."""
    frame = frame.astype(dict.fromkeys(cells, object))
    for name, value in cells.items():
        frame.loc[row, name] = value
    return frame


def arguments(tmp_path: Path, frame: pd.DataFrame, *more: object) -> list[object]:
    """Write the table, and give the arguments that fit it."""
    data = tmp_path / "data.csv"
    frame.to_csv(data, index=False)
    usual = ["fit", data, "--out", tmp_path / "out"]
    usual += [] if "--baseline" in more else ["--baseline", "relu"]
    usual += [] if "--group" in more else ["--group", "layer"]
    return [*usual, *more]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# ---------------------------------------------------------------- faults

FAULTS: dict[str, tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]] = {
    "no variant": (
        sound().rename(columns={"variant": "variants"}),
        (),
        ("missing column 'variant'", "Pass --variant variants."),
    ),
    "no L0": (sound().rename(columns={"l0": "l00"}), (), ("missing column 'l0'", "Pass --l0 l00.")),
    "no y": (
        sound().rename(columns={"performance_hit": "quality"}),
        (),
        ("missing column 'loss_recovered'", "'performance_hit'", "'ce_sae'"),
    ),
    "no y of that name": (
        sound(),
        ("--y", "performance_hits"),
        ("missing column 'performance_hits'", "Pass --y performance_hit."),
    ),
    "a loss missing": (losses().drop(columns="ce_base"), (), ("missing column 'ce_base'",)),
    "no group": (
        sound().rename(columns={"layer": "layers"}),
        (),
        ("missing column 'layer'", "Name 'layers' in --group"),
    ),
    "no rows": (sound().head(0), (), ("no rows: saw 0 rows",)),
    "L0 of 0": (put(sound(), 3, l0=0), (), ("L0 not positive (row 3): saw 0",)),
    "L0 negative": (put(sound(), 3, l0=-12.5), (), ("L0 not positive (row 3): saw -12.5",)),
    "L0 infinite": (put(sound(), 3, l0=np.inf), (), ("L0 not positive (row 3): saw inf",)),
    "L0 empty": (put(sound(), 3, l0=None), (), ("L0 not positive (row 3): saw empty",)),
    "y empty": (
        put(sound(), 5, performance_hit=None),
        (),
        ("'performance_hit' not finite (row 5): saw empty",),
    ),
    "y infinite": (
        put(sound(), 5, performance_hit=-np.inf),
        (),
        ("'performance_hit' not finite (row 5): saw -inf",),
    ),
    "a loss not finite": (put(losses(), 5, ce_sae=np.inf), (), ("'ce_sae' not finite (row 5)",)),
    "text in L0": (put(sound(), 2, l0="about 40"), (), ("not a number in 'l0' (row 2): saw 'about 40'",)),
    "text in y": (put(sound(), 2, performance_hit="5%"), (), ("not a number in 'performance_hit' (row 2)",)),
    "percent": (
        sound().assign(loss_recovered=lambda f: 100 * (1 - f.pop("performance_hit"))),
        (),
        ("'loss_recovered' looks like percent", "Divide 'loss_recovered' by 100."),
    ),
    "one row in percent": (
        put(sound().assign(loss_recovered=lambda f: 1 - f.pop("performance_hit")), 7, loss_recovered=97.5),
        (),
        ("'loss_recovered' looks like percent (row 7): saw 97.5",),
    ),
    "ablation that helps": (
        put(losses(), 9, ce_ablated=2.0),
        (),
        ("ce_ablated not above ce_base (row 9): saw 2 against 2.5",),
    ),
    "duplicates": (
        pd.concat([sound(), sound().loc[[4]]]),
        (),
        ("exact duplicate rows (rows 4, 16): saw row 16 repeats row 4",),
    ),
    "unknown baseline": (
        sound(),
        ("--baseline", "gatde"),
        ("unknown baseline: saw 'gatde'", "'relu', 'gated'", "Pass --baseline gated."),
    ),
    "variant empty": (put(sound(), 6, variant=None), (), ("variant empty (row 6)",)),
    "setting empty": (put(sound(), 6, layer=None), (), ("group column 'layer' empty (row 6)",)),
    "no positive y": (
        sound().assign(performance_hit=[-0.01] * 4 + sound()["performance_hit"].tolist()[4:]),
        (),
        ("curve with no positive hit (rows 0, 1, 2, 3)", "curve 'relu' in '6'"),
    ),
    "standard error": (
        put(sound().assign(se=0.01), 1, se=-0.01),
        (),
        ("'se' not usable (row 1): saw -0.01",),
    ),
}


def assert_refused(done: Done, *texts: str) -> None:
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith("hillfront: ")
    assert "Traceback" not in done.err
    for text in texts:
        assert text in done.err


@pytest.mark.parametrize("name", FAULTS)
def test_fault(run: Run, tmp_path: Path, name: str) -> None:
    frame, more, texts = FAULTS[name]
    done = run(*arguments(tmp_path, frame, *more))
    assert_refused(done, "The table has 1 fault:", *texts)
    assert names(tmp_path) == {"data.csv"}


def test_several_faults_in_one_message(run: Run, tmp_path: Path) -> None:
    frame = put(put(put(sound(), 1, l0=-1), 5, performance_hit=None), 9, variant=None)
    frame = pd.concat([put(frame, 11, l0="many"), sound().loc[[12]]])
    done = run(*arguments(tmp_path, frame, "--baseline", "topk"))
    assert_refused(
        done,
        "The table has 6 faults:",
        "variant empty (row 9)",
        "not a number in 'l0' (row 11): saw 'many'",
        "L0 not positive (row 1): saw '-1'",
        "'performance_hit' not finite (row 5): saw empty",
        "exact duplicate rows (rows 12, 16)",
        "unknown baseline: saw 'topk'",
        "row 0 is the first one below the header",
    )
    assert done.err.count("Next step: ") == 6
    assert names(tmp_path) == {"data.csv"}


def test_drop_does_not_help_where_no_row_is_at_fault(run: Run, tmp_path: Path) -> None:
    frame = put(sound(), 1, l0=-1).rename(columns={"variant": "kind"})
    assert_refused(run(*arguments(tmp_path, frame, "--on-fault", "drop")), "missing column 'variant'")
    assert names(tmp_path) == {"data.csv"}


def test_missing_file(run: Run, tmp_path: Path) -> None:
    done = run("fit", tmp_path / "no.csv", "--baseline", "relu", "--out", tmp_path / "out")
    assert_refused(done, f"There is no file {tmp_path / 'no.csv'}.", "Give the path of a CSV file")
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\x00\xff\xfe", b"", b'a,b\n1,2\n1,2,3\n"'],
    ids=["binary", "empty", "ragged"],
)
def test_a_file_that_is_no_csv(run: Run, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    done = run("fit", tmp_path / "data.csv", "--baseline", "relu", "--out", tmp_path / "out")
    assert_refused(done, "cannot be read as CSV", "Save the table as comma-separated UTF-8.")
    assert names(tmp_path) == {"data.csv"}


def test_rows_longer_than_the_header(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("variant,l0,performance_hit\nrelu,10,0.2,\nrelu,20,0.1,\n")
    done = run("fit", tmp_path / "data.csv", "--baseline", "relu", "--out", tmp_path / "out")
    assert_refused(done, "cannot be read as CSV: its rows have more cells than its header")


@pytest.mark.parametrize("option", [["--draws", 0], ["--chains", 0], ["--seed", -1]])
def test_bad_settings(run: Run, tmp_path: Path, option: list[object]) -> None:
    done = run(*arguments(tmp_path, sound(), *option, "--quiet"))
    assert_refused(done, str(option[1]))
    assert names(tmp_path) == {"data.csv"}


@pytest.mark.parametrize(
    "left_out",
    ["--baseline", "--out", "DATA"],
)
def test_usage(run: Run, tmp_path: Path, left_out: str) -> None:
    given = {
        "DATA": [tmp_path / "data.csv"],
        "--baseline": ["--baseline", "relu"],
        "--out": ["--out", "o"],
    }
    done = run("fit", *(part for name, parts in given.items() if name != left_out for part in parts))
    assert done.status == 2
    assert left_out in done.err
    assert "Traceback" not in done.err


def test_unknown_way_to_handle_faults(run: Run, tmp_path: Path) -> None:
    done = run(*arguments(tmp_path, sound(), "--on-fault", "ignore"))
    assert (done.status, done.out) == (2, "")
    assert all(word in done.err for word in ("--on-fault", "ignore", "raise", "drop"))
    assert "Traceback" not in done.err
    assert names(tmp_path) == {"data.csv"}


def test_an_earlier_result_is_kept(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "improvement.csv").write_text("precious")
    done = run(*arguments(tmp_path, sound()))
    assert_refused(done, "holds an earlier result", "--force")
    assert (tmp_path / "out" / "improvement.csv").read_text() == "precious"


def test_force_spares_what_hillfront_did_not_write(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("precious")
    done = run(*arguments(tmp_path, sound(), "--force"))
    assert_refused(done, "thesis.tex", "which hillfront did not write")
    assert (tmp_path / "out" / "thesis.tex").read_text() == "precious"


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_out_that_is_a_file(run: Run, tmp_path: Path, below: str) -> None:
    (tmp_path / "out").write_text("precious")
    done = run(*arguments(tmp_path, sound(), "--out", tmp_path / "out" / below))
    assert_refused(done, "is a file", "Give another --out.")
    assert names(tmp_path) == {"data.csv", "out"}
    assert (tmp_path / "out").read_text() == "precious"


# ---------------------------------------------------------------- a sampler that needs no time


def test_fit_writes_every_file(run: Run, tmp_path: Path, sampler: SimpleNamespace) -> None:
    done = run(*arguments(tmp_path, sound()))
    assert (done.status, "Traceback" in done.err) == (0, False)
    assert names(tmp_path) == {"data.csv", "out"}
    out = tmp_path / "out"
    assert names(out) == FILES
    for name in ("frontiers.png", "improvement.png", "checks.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    improvement, pareto, diagnostics = (
        pd.read_csv(out / f"{name}.csv") for name in ("improvement", "pareto", "diagnostics")
    )
    assert list(improvement) == [
        "baseline",
        "variant",
        "layer",
        "scope",
        "quantity",
        "at",
        "median",
        "lower",
        "upper",
        "prob",
        "p_gt_1",
        "support",
        "prior_driven",
    ]
    assert list(pareto) == [
        "baseline",
        "variant",
        "layer",
        "scope",
        "l0_low",
        "l0_high",
        "p_better",
        "p_worse",
        "p_cross",
        "crossing_l0",
        "verdict",
    ]
    assert list(diagnostics) == ["check", "value", "asked", "passed", "seen", "next_step"]
    assert "failed" not in set(diagnostics["passed"])
    assert set(pareto["verdict"]) == {"better"}
    fit = FrontierFit.load(out / "fit.nc")
    for table, stored in ((fit.improvement().summary, improvement), (fit.pareto().summary, pareto)):
        text = {"layer": "str"}
        pd.testing.assert_frame_equal(
            table.replace({"layer": {"": np.nan}}).astype(text),
            stored.astype({"layer": "Int64"}).astype(text),
            check_dtype=False,
        )
    gain = improvement[
        (improvement["quantity"] == "mean_sparsity_gain") & (improvement["scope"] == "average")
    ]
    assert gain["median"].item() == pytest.approx(2, rel=0.1)
    assert "Results are in" in done.out
    assert str(out) in done.out
    sentence = f"gated needs {gain['median'].item():.2f}x"
    assert sentence in done.out
    assert "better" in done.out
    assert "Sampling 4 curves of 16 SAEs" in done.err


def test_quiet_prints_nothing(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    frame = put(sound(), 1, performance_hit=-0.01)  # a warning, were it not quiet
    done = run(*arguments(tmp_path, frame, "--quiet"))
    assert (done.out, done.err) == ("", "")
    assert names(tmp_path / "out") >= FILES
    assert [options["progressbar"] for options in sampler.calls] == [False]


def test_seed_draws_and_chains_reach_the_sampler(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, titles: dict[str, str]
) -> None:
    run(*arguments(tmp_path, sound(), "--draws", 50, "--tune", 60, "--chains", 2, "--seed", 7))
    fit = FrontierFit.load(tmp_path / "out" / "fit.nc")
    expected = {"draws": 50, "tune": 60, "chains": 2, "random_seed": 7}
    assert {name: fit.sampler_options[name] for name in expected} == expected
    assert (fit.data["posterior"].sizes["chain"], fit.data["posterior"].sizes["draw"]) == (2, 50)


def test_columns_can_have_other_names(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    frame = sound().assign(kept=lambda f: 1 - f.pop("performance_hit"), site="resid")
    frame = frame.rename(columns={"variant": "kind", "l0": "active"})
    done = run(
        *arguments(tmp_path, frame, "--variant", "kind", "--l0", "active", "--y", "kept", "--group", "site"),
        "--group",
        "layer",
    )
    assert done.status == 0
    table = pd.read_csv(tmp_path / "out" / "pareto.csv")
    assert list(table)[:5] == ["baseline", "variant", "site", "layer", "scope"]
    assert set(table["verdict"]) == {"better"}


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_a_failed_diagnostic_marks_everything(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str], quiet: list[str]
) -> None:
    sampler.diverging = 3
    done = run(*arguments(tmp_path, sound(), *quiet))
    out = tmp_path / "out"
    assert done.status == 1
    assert names(out) == FILES | {FAILED_FILE}
    text = (out / FAILED_FILE).read_text()
    assert text.startswith("Do not report these results.")
    assert "divergences: FAILED: 3 of 4000 draws diverged" in text
    table = pd.read_csv(out / "diagnostics.csv").set_index("check")
    assert table.loc["divergences", "passed"] == "failed"
    assert quick == dict.fromkeys(
        ("frontiers.png", "improvement.png", "checks.png"), "DIAGNOSTICS FAILED: divergences"
    )
    assert done.out == "" if quiet else done.out.startswith("DIAGNOSTIC FAILED: divergences")


def test_sound_figures_are_not_marked(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    assert run(*arguments(tmp_path, sound())).status == 0
    assert quick == {"frontiers.png": "", "improvement.png": "", "checks.png": ""}


def test_interrupt_leaves_nothing(run: Run, tmp_path: Path, sampler: SimpleNamespace) -> None:
    sampler.error = KeyboardInterrupt()
    done = run(*arguments(tmp_path, sound(), "--out", tmp_path / "deep" / "out"))
    assert done.status == 130
    assert "interrupted; nothing was written" in done.err
    assert "Traceback" not in done.err
    assert names(tmp_path) == {"data.csv"}


def broken(error: BaseException) -> Callable[..., None]:
    def savefig(*_: object, **__: object) -> None:
        raise error

    return savefig


@pytest.mark.parametrize(("error", "status"), [(OSError("no space left"), 2), (KeyboardInterrupt(), 130)])
def test_nothing_is_half_written(
    run: Run,
    tmp_path: Path,
    sampler: SimpleNamespace,
    quick: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
) -> None:
    monkeypatch.setattr(Figure, "savefig", broken(error))
    done = run(*arguments(tmp_path, sound()))
    assert done.status == status
    assert "Traceback" not in done.err
    assert names(tmp_path) == {"data.csv"}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pareto.csv").write_text("precious")
    assert run(*arguments(tmp_path, sound(), "--force")).status == status
    assert names(tmp_path) == {"data.csv", "out"}
    assert names(tmp_path / "out") == {"pareto.csv"}
    assert (tmp_path / "out" / "pareto.csv").read_text() == "precious"


def test_tables_can_be_read_while_figures_are_drawn(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: seen.append(names(tmp_path / "out")))
    assert run(*arguments(tmp_path, sound())).status == 0
    assert seen == [{"improvement.csv", "pareto.csv", "diagnostics.csv", "hillfront.toml"}] * 3


def test_force_replaces_the_whole_result(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    sampler.diverging = 3
    assert run(*arguments(tmp_path, put(sound(), 1, l0=-1), "--on-fault", "drop")).status == 1
    assert names(tmp_path / "out") == FILES | {FAILED_FILE, "dropped.csv"}
    before = (tmp_path / "out" / "improvement.csv").read_text()
    sampler.diverging = 0
    assert run(*arguments(tmp_path, sound(), "--force")).status == 0
    assert names(tmp_path) == {"data.csv", "out"}
    assert names(tmp_path / "out") == FILES
    assert (tmp_path / "out" / "improvement.csv").read_text() != before


def test_an_empty_folder_is_used(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    (tmp_path / "out").mkdir()
    assert run(*arguments(tmp_path, sound())).status == 0
    assert names(tmp_path / "out") == FILES


def test_dropped_rows_are_recorded(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, titles: dict[str, str]
) -> None:
    frame = put(put(pd.concat([sound(), sound().loc[[4]]], ignore_index=True), 1, l0=-12.5), 9, variant=None)
    done = run(*arguments(tmp_path, frame, "--on-fault", "drop"))
    assert "3 faulty rows were dropped" in done.out
    dropped = pd.read_csv(tmp_path / "out" / "dropped.csv")
    assert list(dropped) == ["row", "variant", "setting", "fault", "value"]
    assert dropped["row"].tolist() == [1, 9, 16]
    assert dropped["fault"].tolist() == ["L0 not positive", "variant empty", "exact duplicate rows"]
    assert dropped["value"][0] == "-12.5"
    assert len(FrontierFit.load(tmp_path / "out" / "fit.nc").frontiers) == 14


def test_nothing_dropped_leaves_no_record(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    done = run(*arguments(tmp_path, sound(), "--on-fault", "drop"))
    assert "were dropped" not in done.out
    assert names(tmp_path / "out") == FILES


def test_a_single_variant_has_nothing_to_compare(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    done = run(*arguments(tmp_path, sound().query("variant == 'relu'")))
    assert done.status == 0
    assert "Only one variant, 'relu'" in done.out
    assert names(tmp_path / "out") == FILES - {"improvement.png"}
    assert list(pd.read_csv(tmp_path / "out" / "improvement.csv"))[:4] == [
        "baseline",
        "variant",
        "layer",
        "scope",
    ]


def test_variants_that_never_meet(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    frame = sound()
    frame = frame[(frame["variant"] == "relu") == (frame["layer"] == 6)]
    done = run(*arguments(tmp_path, frame))
    assert done.status == 0
    assert "No variant has a setting in common with relu" in done.out
    assert pd.read_csv(tmp_path / "out" / "pareto.csv").empty


def test_a_variant_too_good_to_share_a_hit(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    frame = sound().query("layer == 6")
    better = frame["variant"] == "gated"
    frame.loc[better, "performance_hit"] /= 100
    done = run(*arguments(tmp_path, frame))
    assert done.status == 0
    assert "no shared range" in done.out
    assert set(pd.read_csv(tmp_path / "out" / "pareto.csv")["verdict"]) == {"better"}


# ---------------------------------------------------------------- warnings


def staircase() -> pd.DataFrame:
    """Curves that fall at every step, yet by such uneven ones that a choice of runs must have been made."""
    frame = sound().loc[lambda f: f["layer"] == 6]
    fall = np.array([0.0, -0.01, -2.0, -2.01, -4.0, -4.01, -6.0, -6.01])
    l0 = np.geomspace(10, 500, 8)
    rows = [
        pd.DataFrame(
            {"variant": v, "l0": l0 + i, "performance_hit": 0.4 * np.exp(fall - 0.2 * i), "layer": 6}
        )
        for i, v in enumerate(frame["variant"].unique())
    ]
    return pd.concat(rows, ignore_index=True)


def curve_of(frame: pd.DataFrame, **cells: object) -> pd.DataFrame:
    """Replace cells of gated's curve in layer 6, rows 4 to 7."""
    for name, values in cells.items():
        frame.loc[4:7, name] = values
    return frame


WARNINGS: dict[str, tuple[pd.DataFrame, tuple[str, ...]]] = {
    "y below 0": (
        put(sound(), 3, performance_hit=-0.002),
        ("Performance hit outside (0, 1) in row 3 (-0.002)",),
    ),
    "y of 1": (put(sound(), 0, performance_hit=1.0), ("Performance hit outside (0, 1) in row 0 (1)",)),
    "3 points": (sound().drop(index=5), ("Fewer than 4 points in curve 'gated' in '6' (3)",)),
    "1 point": (sound().drop(index=[5, 6, 7]), ("Only one point in 'gated' in '6'",)),
    "1 L0": (curve_of(sound(), l0=20.0), ("Only one L0 in 'gated' in '6'",)),
    "folds back": (
        curve_of(sound(), performance_hit=[0.02, 0.03, 0.05, 0.09]),
        ("The hit does not fall as L0 grows in curve 'gated' in '6'",),
    ),
    "filtered": (staircase(), ("The data look Pareto-filtered",)),
    "L0 of d_model": (sound().assign(d_model=80), ("L0 reaches d_model in rows 3, 7, 11, 15 (80 >= 80",)),
    "nothing shared": (
        curve_of(sound(), l0=[100.0, 200.0, 400.0, 800.0]),
        ("No shared L0 range: 'relu' and 'gated' in '6'",),
    ),
    "ablations": (sound().assign(ablation=["mean", "zero"] * 8), ("Mixed ablations", "'mean', 'zero'")),
    "seeds": (sound().assign(seed=[1, 2] * 8), ("Mixed seeds inside", "'relu' in '6' (2)")),
    "widths": (
        sound().assign(width=[1, 2] * 8),
        ("'width' (2 values) varies inside", "add --group layer --group width"),
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_warning_is_shown_and_the_fit_goes_on(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str], name: str
) -> None:
    frame, texts = WARNINGS[name]
    done = run(*arguments(tmp_path, frame, "--draws", 100))
    assert done.status in (0, 1)  # 100 draws are too few for some diagnostics
    assert names(tmp_path / "out") >= FILES
    # A line each, so that they can be searched for.
    lines = [line for line in done.out.splitlines() if line.startswith("Warning: ")]
    for text in texts:
        assert any(text in line for line in lines), done.out
    with command_line():
        shown = [as_shown(text) for text in frontiers_of(frame, group="layer").warnings]
    assert lines == [f"Warning: {text}" for text in shown]
    assert done.err.count("\n") == 1  # the word about compiling


def test_sound_data_give_no_warning(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    assert "Warning" not in run(*arguments(tmp_path, sound())).out


# ---------------------------------------------------------------- the demo, and processes of their own


def test_demo(run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]) -> None:
    done = run("demo", "--out", tmp_path / "out")
    assert done.status in (0, 1)
    assert names(tmp_path / "out") - {FAILED_FILE} == FILES - {
        "hillfront.toml"
    }  # there is no data file to name
    assert "gated needs" in done.out
    assert run("demo", "--out", tmp_path / "out").status == 2


def test_version(run: Run) -> None:
    done = run("--version")
    assert (done.status, done.out) == (0, f"hillfront {hillfront.__version__}\n")


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from hillfront.cli.app import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_process_with_faults(tmp_path: Path) -> None:
    frame = put(put(sound(), 1, l0=-1), 5, performance_hit=None)
    done = process(*arguments(tmp_path, frame))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hillfront: The table has 2 faults:\n1. L0 not positive (row 1)")
    assert "Traceback" not in done.stderr
    assert names(tmp_path) == {"data.csv"}


def test_process_with_a_missing_file(tmp_path: Path) -> None:
    done = process("fit", tmp_path / "no.csv", "--baseline", "relu", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hillfront: There is no file")
    assert len(done.stderr.splitlines()) == 1
    assert names(tmp_path) == set()


HELP = """
import sys
from hillfront.cli.app import main
sys.argv = ["hillfront", *{arguments!r}]
try:
    main()
except SystemExit as left:
    assert not left.code, left.code
print(sorted(set(name.partition(".")[0] for name in sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"]])
def test_help_waits_for_no_heavy_import(arguments: list[str]) -> None:
    code = HELP.format(arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    *text, modules = done.stdout.splitlines()
    assert "Usage: hillfront" in "\n".join(text)
    assert "'hillfront'" in modules
    for heavy in ("pymc", "pytensor", "nutpie", "arviz", "arviz_stats", "matplotlib", "xarray", "pandas"):
        assert f"'{heavy}'" not in modules


def test_compare_prints_both_tables(tmp_path: Path) -> None:
    """A real comparison of two families through the command line."""
    path = tmp_path / "saes.csv"
    table = simulate(points=6, random_seed=2).frontiers.table
    table[["variant", "l0", "performance_hit"]].to_csv(path, index=False)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "hillfront",
            "compare",
            str(path),
            "--baseline",
            "baseline",
            "--curve",
            "hill",
            "--curve",
            "power",
            "--draws",
            "300",
            "--tune",
            "500",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    for word in ("elpd_loo", "difference_se", "weight", "averaged", "mean_sparsity_gain"):
        assert word in done.stdout
    assert "Traceback" not in done.stderr


def test_a_variant_may_be_called_na(tmp_path: Path) -> None:
    from hillfront.readers.formats import read_path

    path = tmp_path / "saes.csv"
    path.write_text("variant,l0,performance_hit\nNA,10,0.1\nNone,20,0.05\n")
    assert read_path(path).frame["variant"].tolist() == ["NA", "None"]


# ---------------------------------------------------------------- options of the fit


def with_width(frame: pd.DataFrame) -> pd.DataFrame:
    """A model of its own width in each layer."""
    return frame.assign(d_model=np.where(frame["layer"] == 6, 768, 2048))


def saved(tmp_path: Path) -> FrontierFit:
    return FrontierFit.load(tmp_path / "out" / "fit.nc")


OPTIONS: dict[str, tuple[list[object], dict[str, object]]] = {
    "noise": (["--noise", "normal"], {"noise": "normal"}),
    "logit-normal": (["--noise", "logit-normal"], {"noise": "logit-normal"}),
    "pool": (["--pool", "k=1", "--pool", "x_half=none"], {"pooling": {"k": 1.0, "x_half": "none"}}),
    "pool common": (["--pool", "k=common"], {"pooling": {"k": "common", "x_half": "partial"}}),
    "curve": (["--curve", "power"], {"curve": "power"}),
    "dense limit": (
        ["--dense-limit", "d_model"],
        {"scales": (SparsityScale(1.0, 768.0), SparsityScale(1.0, 2048.0))},
    ),
    "dense limit as a number": (
        ["--dense-limit", 768],
        {"dense_limit": 768.0, "scales": (SparsityScale(1.0, 768.0),) * 2},
    ),
    "relative": (["--relative-sparsity"], {"scales": (SparsityScale(768.0), SparsityScale(2048.0))}),
    "both": (
        ["--relative-sparsity", "--dense-limit", "d_model"],
        {"scales": (SparsityScale(768.0, 768.0), SparsityScale(2048.0, 2048.0))},
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_reaches_the_fit(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, titles: dict[str, str], name: str
) -> None:
    options, expected = OPTIONS[name]
    done = run(*arguments(tmp_path, with_width(sound()), *options, "--draws", 150))
    assert done.status in (0, 1), done.err
    design = saved(tmp_path).design
    assert {attribute: getattr(design, attribute) for attribute in expected} == expected
    table = pd.read_csv(tmp_path / "out" / "improvement.csv")
    gain = table[(table["quantity"] == "mean_sparsity_gain") & (table["scope"] == "average")]
    assert gain["median"].item() == pytest.approx(2, rel=0.3)


def test_nu_is_fixed(run: Run, tmp_path: Path, sampler: SimpleNamespace, titles: dict[str, str]) -> None:
    assert run(*arguments(tmp_path, sound(), "--nu", 7)).status == 0
    posterior = saved(tmp_path).data["posterior"].to_dataset()
    assert posterior.attrs["fixed_nu"] == 7.0
    assert "nu" not in posterior


def test_places_reach_the_table(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    places = ["--at-hit", 0.03, "--at-hit", 0.2, "--at-l0", 25, "--at-nats", 0.5, "--at-nats", 1]
    assert run(*arguments(tmp_path, losses(), *places)).status == 0
    table = pd.read_csv(tmp_path / "out" / "improvement.csv")
    found = table[table["scope"] == "average"].groupby("quantity")["at"].apply(list).to_dict()
    assert found["sparsity_gain"] == [0.03, 0.2]
    assert found["hit_reduction"] == [25.0]
    assert found["sparsity_gain_nats"] == [0.5, 1.0]
    rows = table[table["scope"] == "average"].set_index("quantity")
    assert rows.loc["sparsity_gain_nats", "median"].tolist() == pytest.approx([2.0, 2.0], rel=0.1)


def test_places_are_the_usual_ones_if_none_is_asked(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    run(*arguments(tmp_path, sound()))
    table = pd.read_csv(tmp_path / "out" / "improvement.csv")
    found = table[table["scope"] == "average"].groupby("quantity")["at"].apply(list).to_dict()
    assert found["sparsity_gain"] == [0.02, 0.05, 0.1]
    assert found["hit_reduction"] == [20.0, 50.0, 100.0]
    assert "sparsity_gain_nats" not in found


def test_a_cost_is_fitted(run: Run, tmp_path: Path) -> None:
    """A real fit through the command line: in place of the hit, with its own name."""
    frame = sound()[lambda f: f["layer"] == 6]
    frame = frame.assign(nmse=20 * frame["performance_hit"]).drop(columns=["performance_hit", "layer"])
    frame.to_csv(tmp_path / "data.csv", index=False)
    done = run(
        "fit",
        tmp_path / "data.csv",
        "--out",
        tmp_path / "out",
        "--baseline",
        "relu",
        "--cost",
        "nmse",
        "--curve",
        "power",
        "--at-hit",
        1.5,
        "--draws",
        300,
        "--tune",
        400,
    )
    assert done.status in (0, 1), done.err
    fit = saved(tmp_path)
    assert (fit.design.metric, fit.frontiers.metric_label, fit.design.curve) == ("cost", "nmse", "power")
    table = pd.read_csv(tmp_path / "out" / "improvement.csv").query("scope == 'average'")
    assert table.loc[table["quantity"] == "sparsity_gain", "at"].tolist() == [1.5]
    gain = table.loc[table["quantity"] == "mean_sparsity_gain", "median"].item()
    assert gain == pytest.approx(2, rel=0.15)
    assert "for the same nmse" in done.out
    assert "performance hit (" not in done.out


BAD_OPTIONS: dict[str, tuple[list[object], str]] = {
    "noise": (["--noise", "gauss"], "Unknown noise 'gauss'. Allowed: student-t, normal, logit-normal."),
    "curve": (["--curve", "sigmoid"], "Unknown curve family 'sigmoid'. Allowed: hill"),
    "nu of normal": (["--noise", "normal", "--nu", 4], "--nu 4: normal noise has no tails to fix."),
    "nu of 0": (["--nu", 0], "--nu 0: give a positive number of degrees of freedom, such as 4."),
    "nu nan": (["--nu", "nan"], "--nu nan: give a positive number"),
    "pool without =": (["--pool", "k"], "--pool k: write NAME=HOW, such as k=common or k=1."),
    "pool of nothing": (["--pool", "k="], "--pool k=: write NAME=HOW"),
    "pool of an unknown": (["--pool", "slope=common"], "--pool has 'slope', which is not a parameter"),
    "pool how": (["--pool", "k=some"], "--pool k=some. Allowed: 'partial', 'common', 'none', or a pos"),
    "pool negative": (["--pool", "k=-1"], "--pool k=-1.0. Allowed:"),
    "pool nan": (["--pool", "k=nan"], "--pool k=nan. Allowed:"),
    "limit in words": (["--dense-limit", "wide"], "--dense-limit wide: give d_model, or an L0 such as 768."),
    "limit of 0": (["--dense-limit", 0], "dense_limit must be 'd_model', a finite number above 0"),
    "limit too low": (["--dense-limit", 60], "L0 not below the dense limit (rows 3, 7, 11, 15)"),
    "limit without a column": (["--dense-limit", "d_model"], "missing column 'd_model'"),
    "relative without a column": (["--relative-sparsity"], "--relative-sparsity needs the width of the"),
    "y and cost": (["--cost", "performance_hit", "--y", "performance_hit"], "pass --y or --cost, not both"),
    "hill of a cost": (["--cost", "performance_hit"], "--curve hill saturates at 1, and 'performance_hit'"),
    "logit-normal of a cost": (
        ["--cost", "performance_hit", "--curve", "power", "--noise", "logit-normal"],
        "--noise logit-normal is for performance hits inside (0, 1)",
    ),
    "hit of 2": (["--at-hit", 2], "--at-hit has 2.0. Allowed: a performance hit, between 0 and 1"),
    "L0 of 0": (["--at-l0", 0], "--at-l0 has 0.0. Allowed: an L0, a positive number of latents"),
    "nats without losses": (["--at-nats", 0.1], "A gain at a loss difference needs the losses"),
    "draws": (["--draws", 2], "--draws 2"),
    "seed": (["--seed", -1], "--seed"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_an_option_that_cannot_be_met_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    """In one message, before the word about compiling, and without a trace in the folder."""
    options, text = BAD_OPTIONS[name]
    done = run(*arguments(tmp_path, sound(), *options))
    assert_refused(done, text)
    assert "Compiling" not in done.err
    assert names(tmp_path) == {"data.csv"}


def test_logit_normal_refuses_rows(run: Run, tmp_path: Path) -> None:
    done = run(*arguments(tmp_path, put(sound(), 3, performance_hit=-0.01), "--noise", "logit-normal"))
    assert_refused(done, "performance hit without a logit (row 3): saw -0.01", "Use --noise student-t")
    assert names(tmp_path) == {"data.csv"}


def test_mixed_widths_are_refused(run: Run, tmp_path: Path) -> None:
    frame = with_width(sound())
    frame.loc[1, "d_model"] = 1024
    done = run(*arguments(tmp_path, frame, "--relative-sparsity"))
    assert_refused(done, "--relative-sparsity: d_model is 768 to 1024 in setting '6', and must be one number")


# ---------------------------------------------------------------- compare


COMPARISON = {"comparison.csv", "gains.csv", "families.png"}


def compared(tmp_path: Path, frame: pd.DataFrame, *more: object) -> list[object]:
    """Arguments that compare two families of the stand-in sampler on the table."""
    frame.to_csv(tmp_path / "data.csv", index=False)
    usual = ["compare", tmp_path / "data.csv", "--baseline", "relu", "--group", "layer", "--draws", 150]
    return [*usual, "--curve", "hill", "--curve", "power", "--out", tmp_path / "out", *more]


def test_compare_writes_its_tables_and_figure(run: Run, tmp_path: Path, sampler: SimpleNamespace) -> None:
    done = run(*compared(tmp_path, sound()))
    assert done.status in (0, 1), done.err
    out = tmp_path / "out"
    assert names(out) - {FAILED_FILE} == COMPARISON
    summary, gains = (pd.read_csv(out / f"{name}.csv") for name in ("comparison", "gains"))
    assert list(summary) == [
        "curve",
        "elpd_loo",
        "se",
        "difference",
        "difference_se",
        "p_loo",
        "weight",
        "refits",
    ]
    assert set(summary["curve"]) == {"hill", "power"}
    assert summary["weight"].sum() == pytest.approx(1)
    assert list(gains) == [
        "curve",
        "weight",
        "variant",
        "quantity",
        "median",
        "lower",
        "upper",
        "prob",
        "p_gt_1",
    ]
    assert set(gains["curve"]) == {"hill", "power", "averaged"}
    assert (out / "families.png").read_bytes().startswith(b"\x89PNG")
    assert f"Results are in {out}." in done.out
    for word in ("elpd_loo", "averaged"):
        assert word in done.out


def test_compare_with_curves_left_out_writes_them_too(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, titles: dict[str, str]
) -> None:
    done = run(*compared(tmp_path, sound(), "--leave-curves-out"))
    assert done.status in (0, 1), done.err
    assert names(tmp_path / "out") - {FAILED_FILE} == COMPARISON | {"left_out_curves.csv"}
    table = pd.read_csv(tmp_path / "out" / "left_out_curves.csv")
    assert list(table) == ["curve", "variant", "setting", "n", "elpd"]
    assert table.groupby("curve").size().to_dict() == {"hill": 4, "power": 4}
    summary = pd.read_csv(tmp_path / "out" / "comparison.csv").set_index("curve")
    sums = table.groupby("curve")["elpd"].sum()
    for name in ("hill", "power"):
        assert summary.loc[name, "elpd_curves"] == pytest.approx(sums[name])


def test_compare_keeps_an_earlier_result_unless_forced(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, titles: dict[str, str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "gains.csv").write_text("precious")
    done = run(*compared(tmp_path, sound()))
    assert_refused(done, "holds an earlier result", "--force")
    assert (tmp_path / "out" / "gains.csv").read_text() == "precious"
    assert sampler.calls == []
    assert run(*compared(tmp_path, sound(), "--force")).status in (0, 1)
    assert names(tmp_path / "out") - {FAILED_FILE} == COMPARISON
    assert (tmp_path / "out" / "gains.csv").read_text() != "precious"


def test_an_interrupted_comparison_leaves_nothing(run: Run, tmp_path: Path, sampler: SimpleNamespace) -> None:
    sampler.error = KeyboardInterrupt()
    done = run(*compared(tmp_path, sound()))
    assert done.status == 130
    assert "interrupted; nothing was written" in done.err
    assert names(tmp_path) == {"data.csv"}


def test_a_failed_family_marks_the_comparison(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, titles: dict[str, str]
) -> None:
    sampler.diverging = 3
    done = run(*compared(tmp_path, sound()))
    assert done.status == 1
    assert "DIAGNOSTICS FAILED for hill, power: do not report these." in done.err
    text = (tmp_path / "out" / FAILED_FILE).read_text()
    assert text.startswith("Do not report these results.\nhill: divergences: FAILED: 3 of 600 draws diverged")
    assert "\npower: divergences: FAILED" in text
    assert titles == {"families.png": "DIAGNOSTICS FAILED: hill, power"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--curve", "sigmoid"], "Unknown curve family 'sigmoid'"),
        (["--curve", "hill"], "name each curve family once"),
        (["--noise", "gauss"], "Unknown noise 'gauss'"),
        (["--dense-limit", "wide"], "--dense-limit wide: give d_model, or an L0 such as 768."),
        (["--dense-limit", "d_model"], "missing column 'd_model'"),
        (["--relative-sparsity"], "--relative-sparsity needs the width"),
        (["--cost", "performance_hit"], "--curve hill saturates at 1"),
        (["--draws", 10], "--draws 10, --chains 4: leave-one-out predictions need 100 draws or more"),
        (["--baseline", "topk"], "unknown baseline: saw 'topk'"),
    ],
)
def test_compare_refuses_what_cannot_be_compared(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, options: list[object], text: str
) -> None:
    done = run(*compared(tmp_path, sound(), *options))
    assert_refused(done, text)
    assert names(tmp_path) == {"data.csv"}
    assert sampler.calls == []


@pytest.mark.parametrize(("error", "status"), [(OSError("no space left"), 2)])
def test_a_comparison_is_not_half_written(
    run: Run,
    tmp_path: Path,
    sampler: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
) -> None:
    monkeypatch.setattr(Figure, "savefig", broken(error))
    done = run(*compared(tmp_path, sound()))
    assert (done.status, "no space left" in done.err, "Traceback" in done.err) == (status, True, False)
    assert names(tmp_path) == {"data.csv"}


# ---------------------------------------------------------------- one run a folder, and options in messages


def test_a_second_run_with_the_same_out_is_refused(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str]
) -> None:
    with held(tmp_path / "out"):
        done = run(*arguments(tmp_path, sound(), "--force"))
    assert_refused(
        done, f"Another run of hillfront is writing to {tmp_path / 'out'}. Wait until it has ended, or"
    )
    assert not sampler.calls
    assert run(*arguments(tmp_path, sound())).status == 0
    assert names(tmp_path) == {"data.csv", "out"}


def test_a_disk_that_fills_up_while_figures_are_drawn(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, quick: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Figure, "savefig", broken(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    done = run(*arguments(tmp_path, sound(), "--quiet"))
    assert_refused(
        done,
        f"hillfront: {tmp_path / 'out'} cannot be written: the disk is full. Free some space, or write to "
        "another disk by --out. Nothing was written.",
    )
    assert names(tmp_path) == {"data.csv"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seed", -1], "--seed -1 must be a non-negative integer."),
        (["--draws", 3, "--tune", 5], "--draws 3, --tune 5, --chains 4: give at least 4 draws"),
        (["--thin", 500], "--thin 500 of 1000 draws a chain: give 1, which keeps all"),
        (["--pool", "q=1"], "--pool has 'q', which is not a parameter of the 'hill' family."),
        (
            ["--pool", "k=sometimes"],
            "--pool k=sometimes. Allowed: 'partial', 'common', 'none', or a positive",
        ),
        (["--relative-sparsity"], "--relative-sparsity needs the width of the model: a column 'd_model'"),
        (["--at-hit", 2], "--at-hit has 2.0. Allowed: a performance hit, between 0 and 1"),
    ],
)
def test_messages_speak_of_options(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, options: list[object], said: str
) -> None:
    assert_refused(run(*arguments(tmp_path, sound(), *options)), said)


def test_checks_of_a_fit_speak_of_options(
    run: Run, tmp_path: Path, sampler: SimpleNamespace, titles: dict[str, str]
) -> None:
    sampler.diverging = 3
    done = run(*arguments(tmp_path, sound(), "--draws", 200))
    assert "Fit with a larger --tune; if they stay" in done.out
    assert "raise target_accept" not in done.out.lower()
    fit = FrontierFit.load(tmp_path / "out" / "fit.nc")
    assert "Raise target_accept (0.995) and tune; if they stay" in "\n".join(fit.notes)


def test_a_program_that_calls_the_commands_in_process_reads_of_options_too(tmp_path: Path) -> None:
    sound().to_csv(tmp_path / "data.csv", index=False)
    usual = ["fit", str(tmp_path / "data.csv"), "--baseline", "relu", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*usual, "--group", "layer", "--at-l0", "-5"])
    assert "--at-l0 has -5.0" in str(done.exception)

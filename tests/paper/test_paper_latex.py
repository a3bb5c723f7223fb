"""The paper kit: its numbers are those of the tables, and it compiles with any names.

Compiling needs pdflatex and bibtex with booktabs, hyperref, geometry, amsmath, graphicx, pgf and underscore.
On Debian these are in texlive-latex-base, texlive-latex-recommended and texlive-pictures, with the fonts of
texlive-fonts-recommended and lmodern.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commands import command
from helpers import fit_of, frontiers_of, points
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.paper import figures, write_paper
from hillfront.paper.latex import latex, letters, replaced, unique_letters
from hillfront.text.outputs import FAILED_FILE

HOSTILE = r"a_b & 50% #1 {x} \\ ~^$ <β–é 漢"
OTHERS = ("[x]--y", "*$x$ $y_1$", 'Ω≤"ß"|`\u2032')

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None or shutil.which("bibtex") is None,
    reason="pdflatex is not installed (Debian: texlive-latex-base, texlive-latex-recommended, "
    "texlive-pictures, texlive-fonts-recommended and lmodern)",
)


def hostile_fit(*, diverging: int = 0) -> FrontierFit:
    rows = [
        points(name, np.array([10, 20, 40, 80]) + shift, x_half=x_half, k=0.8, **{"layer & site_%": layer})
        for layer in (f"{HOSTILE} / mlp_{OTHERS[1]}", r"\input{x}", "200")
        for name, shift, x_half in (
            (OTHERS[0], 0, 2.0),
            (HOSTILE, 1, 4.0),
            (OTHERS[1], 2, 1.0),
            (OTHERS[2], 3, 2.0),
        )
    ]
    frame = pd.concat(rows, ignore_index=True)
    frame["performance_hit"] *= np.exp(0.08 * np.random.default_rng(1).standard_normal(len(frame)))
    return fit_of(
        frontiers_of(frame, group="layer & site_%"), baseline=OTHERS[0], draws=500, diverging=diverging
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hostile") / "paper"
    source = write_paper(hostile_fit(), out)
    assert source.failed == ()
    return out


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("failed") / "paper"
    write_paper(hostile_fit(diverging=7), out)
    return out


NAMES = ("frontiers_1col", "gains_1col", "frontiers_2col", "gains_2col")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the figures, which take the time, and pdflatex."""
    monkeypatch.setattr(figures, "write_figures", lambda *_: list(NAMES))
    monkeypatch.setattr(figures, "has_pdflatex", lambda: False)


def compile_tex(folder: Path, name: str) -> str:
    """Compile with BibTeX, and give the last log."""
    latex_run = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", name]
    for step in (latex_run, ["bibtex", name], latex_run, latex_run):
        done = subprocess.run(step, cwd=folder, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
    return (folder / f"{name}.log").read_text("utf-8", "replace")


def assert_clean(log: str) -> None:
    for text in ("\n!", "undefined", "Missing character", "multiply defined", "LaTeX Warning"):
        assert text not in log, log[max(0, log.find(text) - 300) : log.find(text) + 300]


@needs_latex
@pytest.mark.slow
@pytest.mark.parametrize("which", ["hostile", "failed"])
def test_hostile_names_compile(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    shutil.copytree(request.getfixturevalue(which), folder)
    assert_clean(compile_tex(folder, "example"))
    assert "\\bibitem" in (folder / "example.bbl").read_text()
    assert (folder / "example.pdf").stat().st_size > 50_000


@needs_latex
@pytest.mark.slow
def test_pgf_figures_compile_too(hostile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "paper"
    shutil.copytree(hostile, folder)
    assert {p.name for p in folder.glob("*.pgf")} == {
        f"{kind}_{width}.pgf" for kind in ("frontiers", "gains") for width in ("1col", "2col")
    }
    inputs = "\n\n".join(rf"\input{{{p.name}}}" for p in sorted(folder.glob("*.pgf")))
    (folder / "pgf.tex").write_text(
        "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage[margin=0.5in]{geometry}\n"
        "\\usepackage{textcomp,pgf}\\usepackage[strings]{underscore}\\def\\mathdefault#1{#1}\n"
        f"\\begin{{document}}\\input{{gains}}{inputs}\\nocite{{hillfront}}\\bibliographystyle{{plain}}"
        "\\bibliography{references}\\end{document}\n"
    )
    text = (folder / "pgf.tex").read_text().replace("textcomp,pgf", "textcomp,booktabs,pgf")
    (folder / "pgf.tex").write_text(text)
    assert_clean(compile_tex(folder, "pgf"))


# ---------------------------------------------------------------- numbers


def printed(text: str) -> str:
    """The number of a LaTeX cell as Python would read it."""
    text = text.removeprefix(r"\ensuremath{").removesuffix("}") if text.startswith(r"\ensuremath") else text
    text = text.replace(r"\infty", "inf").replace(r"\times 10^{", "e").replace("}", "")
    return text


def assert_printed(text: str, value: float) -> None:
    """The text is the number, rounded to the printed digit."""
    if np.isnan(value):
        assert text == "--"
        return
    text = printed(text)
    if text == ">0.999":
        assert value >= 0.9995
    elif text == "<0.001":
        assert value < 0.0005
    elif np.isinf(value):
        assert float(text) == value
    else:
        digit = Decimal(text)
        exact = Decimal(value)
        if "." not in text and abs(digit) >= 1000:
            digit, exact = digit.scaleb(-3), exact.scaleb(-3)
            assert abs(digit - exact) / abs(exact) <= Decimal("0.005")
        else:
            assert digit == exact.quantize(digit, rounding=ROUND_HALF_EVEN), (text, value)


MACRO = re.compile(r"\\newcommand\{\\hf([A-Za-z]+)\}\{(.*)\}% (\w+)\.csv, line (\d+), (.+?): (.*)")


def macros_of(folder: Path) -> Iterator[tuple[str, str, str, int, str]]:
    for line in (folder / "macros.tex").read_text("utf-8").splitlines():
        if (found := MACRO.fullmatch(line)) is not None:
            name, value, table, number, column, _ = found.groups()
            yield name, value, table, int(number), column


def test_every_macro_is_the_number_of_its_line(hostile: Path) -> None:
    tables = {
        name: pd.read_csv(hostile / f"{name}.csv", keep_default_na=False, na_values=[""])
        for name in ("improvement", "pareto", "diagnostics")
    }
    seen = 0
    numbers = set()
    for _, value, table, line, column in macros_of(hostile):
        row = tables[table].iloc[line - 2]
        if column == "median [lower, upper]":
            texts = re.fullmatch(r"(.+) \[(.+), (.+)\]", value)
            cells = [row[name] for name in ("median", "lower", "upper")]
            if texts is None:
                assert (value, np.isnan(cells[0])) == ("--", True)
                continue
            for text, cell in zip(texts.groups(), cells, strict=True):
                assert_printed(text, cell)
        elif column in ("support", "verdict"):
            assert value == latex(row[column])
        elif table == "diagnostics":
            assert float(printed(value).replace("--", "nan")) == pytest.approx(
                row["value"], rel=1e-4, nan_ok=True
            )
        else:
            assert_printed(value, row[column])
            numbers.add((table, line, column))
        seen += 1
    improvement = tables["improvement"]
    columns = ("median", "lower", "upper", "p_gt_1")
    assert {n for n in numbers if n[0] == "improvement"} == {
        ("improvement", line, column) for line in range(2, len(improvement) + 2) for column in columns
    }
    assert seen > 500


def test_macro_names_are_unique_and_of_letters(hostile: Path) -> None:
    names = re.findall(r"\\newcommand\{\\(.*?)\}\{", (hostile / "macros.tex").read_text("utf-8"))
    assert len(names) == len(set(names)) > 500
    assert all(re.fullmatch("[A-Za-z]+", name) for name in names)


def test_tables_have_the_numbers_of_the_csv(hostile: Path) -> None:
    table = pd.read_csv(hostile / "improvement.csv", keep_default_na=False, na_values=[""])
    headline = [table[table["quantity"] == q] for q in ("mean_sparsity_gain", "mean_hit_reduction")]
    lines = [
        line for line in (hostile / "gains.tex").read_text("utf-8").splitlines() if line.endswith(r" \\")
    ]
    body = lines[1:]
    assert len(body) == len(headline[0])
    for line, *rows in zip(body, *(part.to_dict("records") for part in headline), strict=True):
        for cell, row in zip(line.removesuffix(r" \\").rsplit(" & ", 2)[1:], rows, strict=True):
            texts = re.match(r"(\S+) \[(\S+), (\S+)\]", cell)
            assert texts is not None
            for text, column in zip(texts.groups(), ("median", "lower", "upper"), strict=True):
                assert_printed(text, row[column])
            assert (r"\textsuperscript{*}" in cell) == (row["support"] != "observed")


def test_sentences_have_the_numbers_of_the_csv(hostile: Path) -> None:
    table = pd.read_csv(hostile / "improvement.csv", keep_default_na=False, na_values=[""])
    rows = table[table["quantity"] == "mean_sparsity_gain"].to_dict("records")
    texts = (hostile / "sentences.txt").read_text("utf-8").split("\n\n")
    for text, row in zip(texts, rows, strict=False):
        found = re.search(r"(?:gain is|gain of) ([\d.]+)x? \[([\d.]+), ([\d.]+)\]", text)
        found = found or re.search(r"need ([\d.]+)x \[([\d.]+), ([\d.]+)\] fewer", text)
        assert found is not None, text
        for number, column in zip(found.groups(), ("median", "lower", "upper"), strict=True):
            assert_printed(number, row[column])


# ---------------------------------------------------------------- the folder


def test_a_failed_diagnostic_is_visible_everywhere(failed: Path, hostile: Path) -> None:
    for name in ("gains", "verdicts", "diagnostics", "priors", "methods", "example", "sentences", "macros"):
        printed_lines = [
            line
            for line in (failed / f"{name}.tex").read_text("utf-8").splitlines()
            if not line.startswith("%")
        ]
        assert any("DO NOT REPORT" in line for line in printed_lines), name
        assert "DO NOT REPORT" not in (hostile / f"{name}.tex").read_text("utf-8")
    assert (failed / "sentences.txt").read_text().startswith("DO NOT REPORT: diagnostics failed (divergences")
    assert (failed / FAILED_FILE).read_text().startswith("Do not report these results.")
    assert r"{\hfDoNotReport{" in (failed / "macros.tex").read_text()


def test_figures_have_their_width_and_embedded_fonts(hostile: Path) -> None:
    for name, width in (("1col", 3.25), ("2col", 6.75)):
        for kind in ("frontiers", "gains"):
            data = (hostile / f"{kind}_{name}.pdf").read_bytes()
            box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", data)
            assert box is not None
            assert float(box[1]) == pytest.approx(72 * width)
            assert b"/Subtype /Type3" not in data
            assert b"/FontFile2" in data


@pytest.mark.usefixtures("undrawn")
def test_the_same_fit_gives_the_same_files(hostile: Path, tmp_path: Path) -> None:
    write_paper(hostile_fit(), tmp_path / "again")
    for path in (tmp_path / "again").glob("*.tex"):
        assert path.read_bytes() == (hostile / path.name).read_bytes(), path.name


def test_nothing_is_left_of_a_run_that_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> list[str]:
        raise OSError("No space left on device")

    monkeypatch.setattr(figures, "write_figures", full)
    with pytest.raises(OSError, match="No space left"):
        write_paper(hostile_fit(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_single_variant_is_refused(tmp_path: Path) -> None:
    alone = fit_of(frontiers_of(points("relu", [10, 20, 40, 80])), baseline="relu")
    with pytest.raises(ValueError, match=r"The fit compares nothing: its variants are relu, .* Fit a table"):
        write_paper(alone, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b & 50% #1", r"a\_b \& 50\% \#1"),
        (r"{x} \ ~^$ <", r"\{x\} \textbackslash{} \textasciitilde{}\textasciicircum{}\$ \textless{}"),
        ("β–é", r"\ensuremath{\beta}\textendash{}\'{e}"),
        ("e\u0301", r"\'{e}"),
        ("漢", r"\hfUnicode{6F22}"),
        ("\u200b\u0007", r"\hfUnicode{200B}\hfUnicode{0007}"),
        ("a\n\tb", "a b"),
        ("--- ,,", "-{}-{}- ,{},"),
        ("[x] *", "{[}x] *"),
        ("*", "{*}"),
        ("Ω \u0391 ς", r"\ensuremath{\Omega} \ensuremath{\mathrm{A}} \ensuremath{\varsigma}"),
    ],
)
def test_escaping(text: str, expected: str) -> None:
    assert latex(text) == expected


def test_every_character_stands_for_something() -> None:
    for code in (*range(0x21, 0x600), *range(0x1E00, 0x2300), 0x1F600):
        character = chr(code)
        if not character.isspace():
            assert latex(f"a{character}") not in ("a", ""), hex(code)
    assert replaced(HOSTILE) == ("漢",)


def test_letters_stay_apart() -> None:
    assert letters("top-k 32") == "TopKThreeTwo"
    assert unique_letters(["a_b", "a b", "a-b"], taken=["AB"]) == {"a_b": "ABB", "a b": "ABC", "a-b": "ABD"}


# ---------------------------------------------------------------- command line


@pytest.mark.usefixtures("undrawn")
def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, out = tmp_path / "fit.nc", tmp_path / "paper"
    hostile_fit().save(saved)
    done = command(monkeypatch, capsys, "paper", saved, "--out", out, "--at-hit", 0.03)
    assert done.status == 0, done.err
    assert "pdflatex has no letters for 漢 \u2032 in the names" in done.err
    assert "pdflatex is not installed, so the figures are in PDF only" in done.err
    assert f"cd {out} && pdflatex example" in done.out
    assert "GainAtZeroPointZeroThreeLow}" in (out / "macros.tex").read_text("utf-8")

    again = command(monkeypatch, capsys, "paper", saved, "--out", out)
    assert again.status == 2
    assert f"{out} holds an earlier result." in again.err
    (out / "example.pdf").write_bytes(b"")
    assert command(monkeypatch, capsys, "paper", saved, "--out", out, "--force", "--quiet").status == 0
    (out / "thesis.tex").write_text("mine")
    kept = command(monkeypatch, capsys, "paper", saved, "--out", out, "--force")
    assert kept.status == 2
    assert "holds thesis.tex, which hillfront did not write" in kept.err
    assert (out / "thesis.tex").read_text() == "mine"


@pytest.mark.usefixtures("undrawn")
def test_the_command_on_a_failed_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "fit.nc"
    hostile_fit(diverging=7).save(saved)
    done = command(monkeypatch, capsys, "paper", saved, "--out", tmp_path / "paper")
    assert done.status == 1
    assert "DIAGNOSTICS FAILED: divergences" in done.err


@pytest.mark.parametrize(
    ("option", "text"), [(("--prob", 1.5), "--prob 1.5"), (("--threshold", 0.2), "--threshold 0.2")]
)
def test_bad_options(
    option: tuple[str, float],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    saved = tmp_path / "fit.nc"
    hostile_fit().save(saved)
    done = command(monkeypatch, capsys, "paper", saved, "--out", tmp_path / "paper", *option)
    assert done.status == 2
    assert text in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["fit.nc"]


def test_no_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done = command(monkeypatch, capsys, "paper", tmp_path / "no.nc", "--out", tmp_path / "paper")
    assert (done.status, "There is no file" in done.err) == (2, True)

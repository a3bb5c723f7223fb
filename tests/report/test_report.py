"""The report: what it says, that all text is only text, and that it is the same page every time."""

from __future__ import annotations

import base64
import hashlib
import re
import warnings
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hillfront as hf
from commands import command
from helpers import fit_of, frontiers_of, points
from hillfront.fits.frontier_fit import FrontierFit
from hillfront.frontiers.table import FrontierDataWarning, Frontiers
from hillfront.report import report_html, write_report
from hillfront.report.figures import FigureSet
from hillfront.report.provenance import TITLE, packaged_source
from hillfront.utils.wording import interval, significant
from report_fits import HOSTILE, QUOTED, hostile, small_fit

VOID = {"meta", "link", "br", "img", "hr", "input"}


@dataclass
class Page(HTMLParser):
    """Elements and text of a page, and whether its tags are balanced."""

    source: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert self.open_tags == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags, f"</{tag}> closes nothing"
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open_tags[-1] if self.open_tags else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self) -> str:
        return "\n".join(text for tag, text in self.texts if tag not in ("style", "script"))


@pytest.fixture(scope="module")
def fit() -> FrontierFit:
    return small_fit()


@pytest.fixture(scope="module")
def page(fit: FrontierFit) -> Page:
    return Page(report_html(fit))


@pytest.fixture(scope="module")
def hostile_fit() -> FrontierFit:
    return hostile()


@pytest.fixture(scope="module")
def hostile_page(hostile_fit: FrontierFit) -> Page:
    return Page(report_html(hostile_fit, title=f"{HOSTILE} title", source=f"{QUOTED}.nc"))


def _nothing(name: str, *_: object) -> FigureSet:
    return FigureSet(name, "", ())


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes seconds, where a test is about something else."""
    for name in ("frontier_figures", "forest_figures", "gain_figures", "checks_figures"):
        monkeypatch.setattr(f"hillfront.report.page.{name}", partial(_nothing, name))


# ---------------------------------------------------------------- text is only text


def test_hostile_names_make_no_element(page: Page, hostile_page: Page) -> None:
    known = {tag for tag, _ in page.elements}
    assert {tag for tag, _ in hostile_page.elements} - known <= {"strong"}  # of the failed checks
    assert len(hostile_page.all("script")) == len(hostile_page.all("style")) == 1
    names = {name for _, attributes in hostile_page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")]


@pytest.mark.parametrize(
    "place",
    [
        f"{HOSTILE} title",
        f"{QUOTED}.nc",
        "'<b>many</b>'",
        f"{HOSTILE} of a row",
        f"{HOSTILE}: 4 SAEs",
        f"Frontiers in {QUOTED}",
        "baseline='baseline'",
        f"group=[{QUOTED!r}]",
    ],
)
def test_hostile_names_are_shown_as_they_are(hostile_page: Page, place: str) -> None:
    assert place in hostile_page.said()


def test_names_in_figures_are_text(hostile_page: Page) -> None:
    drawn = [text for tag, text in hostile_page.texts if tag == "text"]
    assert HOSTILE in drawn
    assert QUOTED in drawn  # the dollar signs too


def test_template_text_in_a_name_is_not_run(hostile_page: Page) -> None:
    assert "{{ 7 * 7 }}" in hostile_page.said()
    assert "& 49" not in hostile_page.said()


# ---------------------------------------------------------------- the page itself


def test_nothing_is_fetched(page: Page) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "data", "xlink:href", "srcset"):
            value = attributes.get(name)
            assert value is None or value == "data:," or value.startswith("#"), (tag, value)
        assert "style" not in attributes, tag
    assert "@import" not in page.source
    assert not re.search(r"url\((?!#)", page.source)


def test_policy_knows_the_style_and_the_script(page: Page) -> None:
    metas = page.all("meta")
    policy = next(m["content"] for m in metas if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.source, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_ids_are_unique_and_references_resolve(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        wanted = (attributes.get("aria-labelledby") or "").split()
        wanted += re.findall(
            r"#([\w.-]+)", " ".join(filter(None, (attributes.get("href"), attributes.get("clip-path"))))
        )
        assert set(wanted) <= set(ids)


def test_figures_are_vector_graphics_with_words(page: Page) -> None:
    drawings = [attributes for attributes in page.all("svg")]
    assert drawings
    assert all(attributes["role"] == "img" for attributes in drawings)
    assert not page.all("image")
    assert page.source.count("<desc") == len(drawings)


def test_tables_have_captions_and_scopes(page: Page) -> None:
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.all("th"))
    regions = [a for a in page.all("div") if a.get("class") == "scroll"]
    assert len(regions) == len(page.all("table")) + 1  # and the code
    assert all(a["tabindex"] == "0" and a["role"] == "region" for a in regions)


def test_same_fit_same_bytes(fit: FrontierFit, page: Page) -> None:
    assert report_html(FrontierFit(fit.data)) == page.source


# ---------------------------------------------------------------- what it says


def test_every_factor_is_in_the_page(fit: FrontierFit, page: Page) -> None:
    sorted_by = {float(a["data-sort"]) for a in page.all("td") if a.get("data-sort")}
    numbers = fit.improvement().summary[["median", "lower", "upper", "p_gt_1", "at"]].to_numpy().ravel()
    assert set(numbers[np.isfinite(numbers)]) <= sorted_by
    assert set(fit.frontiers.table["l0"]) | set(fit.frontiers.table["performance_hit"]) <= sorted_by


def test_verdict_and_gain_come_first_in_words(fit: FrontierFit, page: Page) -> None:
    said = page.said()
    row = fit.improvement().summary.iloc[0]
    gain = f"{significant(row['median'])} {interval(row['lower'], row['upper'])}"
    assert said.index("Pareto-better.") < said.index("Every improvement factor")
    assert f"Mean sparsity gain {gain}" in said
    assert "Of 2 settings, each by itself: better in 2." in said
    assert "Do not report these results" not in said


@pytest.mark.usefixtures("without_figures")
def test_places_are_passed_on(fit: FrontierFit) -> None:
    page = Page(report_html(fit, at_hit=[0.037], at_l0=[33.0]))
    cells = [text for tag, text in page.texts if tag == "td"]
    assert {"0.037", "33"} <= set(cells)
    assert "0.02" not in cells
    with pytest.raises(ValueError, match=r"at_hit has 1\.5\. Allowed: a performance hit, between 0 and 1"):
        report_html(fit, at_hit=[1.5])


def test_failed_diagnostic_comes_first(hostile_page: Page) -> None:
    said = hostile_page.said()
    assert said.index("Do not report these results") < said.index("Verdict\n" + HOSTILE)
    assert "3 of 1200 draws diverged" in said
    assert "DO NOT REPORT: diagnostics failed (divergences" in said


def test_dropped_rows_are_counted_and_listed(
    page: Page, hostile_fit: FrontierFit, hostile_page: Page
) -> None:
    said = hostile_page.said()
    assert "1 faulty row was dropped" in said
    record = hostile_fit.frontiers.dropped
    assert record["fault"].item() in said
    assert record["value"].item() in said
    assert "Dropped rows\nNone." in page.said()


def test_single_variant() -> None:
    fit = fit_of(frontiers_of(points("topk", [8.0, 16.0, 32.0, 64.0])), baseline="topk")
    said = Page(report_html(fit)).said()
    assert "Only one variant, topk: there is nothing to compare it with." in said
    assert "All factors" not in said


def test_single_setting() -> None:
    frame = pd.concat([points("a", [8.0, 16.0, 32.0]), points("b", [8.0, 16.0, 32.0], x_half=4.0)])
    said = Page(report_html(fit_of(frontiers_of(frame), baseline="a"))).said()
    assert "b SAEs need" in said
    assert "settings" not in said.partition("Figures\nFrontiers")[0].partition("Pareto-better")[0]


def test_no_shared_range() -> None:
    frame = pd.concat([points("a", [8.0, 16.0, 32.0]), points("b", [80.0, 160.0, 320.0])])
    said = Page(report_html(fit_of(frontiers_of(frame), baseline="a"))).said()
    assert "no shared range" in said


# ---------------------------------------------------------------- options and sources


def test_settings_versions_and_hash(fit: FrontierFit, page: Page) -> None:
    said = page.said()
    for text in (
        fit.frontiers.data_hash,
        fit.data.attrs["created"],
        "nutpie",
        "seed=1,",
        "noise='student-t',",
    ):
        assert text in said


def test_citation_is_the_one_of_the_project() -> None:
    cff = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    assert f'title: "{TITLE}"' in cff


def test_packaged_data_are_cited_and_others_are_not(fit: FrontierFit) -> None:
    rows = hf.load_dataset("gated_sae", model="Gemma-7B")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrontierDataWarning)
        for y in ("loss_recovered", "ce"):
            frontiers = Frontiers.from_frame(rows, group=["site", "layer"], y=y)
            assert packaged_source(frontiers).startswith("Rajamanoharan")
            assert packaged_source(frontiers.pareto_only()).startswith("Rajamanoharan")
        other = Frontiers.from_frame(
            rows.assign(loss_recovered=rows["loss_recovered"] - 0.01), group=["site", "layer"]
        )
    assert packaged_source(other) == ""
    assert packaged_source(fit.frontiers) == ""


# ---------------------------------------------------------------- files and the command line


@pytest.mark.usefixtures("without_figures")
def test_write_report_keeps_what_is_there(fit: FrontierFit, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert write_report(fit, path) == path
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"is there already\. Pass overwrite=True"):
        write_report(fit, path)
    with pytest.raises(ValueError, match=r"at_hit has 2\.0"):
        write_report(fit, path, at_hit=[2.0], overwrite=True)
    assert path.read_bytes() == before
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        write_report(fit, tmp_path / "nowhere" / "report.html")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.usefixtures("without_figures")
def test_command(
    fit: FrontierFit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, out = fit.save(tmp_path / "fit.nc"), tmp_path / "report.html"
    done = command(monkeypatch, capsys, "report", saved, "-o", out, "--title", "A & B", "--at-hit", 0.03)
    assert (done.status, done.out) == (0, f"The report is {out}.\n")
    said = Page(out.read_text(encoding="utf-8")).said()
    assert "A & B" in said
    assert "fit.nc" in said
    assert "0.03" in said
    again = command(monkeypatch, capsys, "report", saved, "-o", out)
    assert again.status == 2
    assert "is there already. Give another --out, or --force" in again.err
    assert command(monkeypatch, capsys, "report", saved, "-o", out, "--force").status == 0


@pytest.mark.usefixtures("without_figures")
def test_command_says_that_a_diagnostic_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, out = small_fit(diverging=5).save(tmp_path / "fit.nc"), tmp_path / "report.html"
    done = command(monkeypatch, capsys, "report", saved, "-o", out)
    assert done.status == 1
    assert "do not report these results" in done.err
    assert out.is_file()


def test_command_without_a_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = command(monkeypatch, capsys, "report", tmp_path / "none.nc", "-o", tmp_path / "report.html")
    assert done.status == 2
    assert "There is no file" in done.err
    assert not (tmp_path / "report.html").exists()

"""The report in a browser: no error, no request, no overflow, sorting, and automatic accessibility rules.

Needs Chromium (the environment variable CHROMIUM, or one on the path) and the Python package playwright,
which drives it; for accessibility also axe-core (AXE_CORE=path of axe.min.js, or node_modules/axe-core in the
checkout). What is missing is named in the skip.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hillfront.report import write_report
from report_fits import HOSTILE, QUOTED, hostile, small_fit

sync_api = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@dataclass
class Opened:
    """A page that was opened, and what the browser said of it."""

    page: Any
    url: str
    requests: list[str]
    errors: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: install it, or set CHROMIUM to its path")
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="module")
def axe() -> str:
    path = Path(os.environ.get("AXE_CORE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
    if not path.is_file():
        pytest.skip("no axe-core: `npm install axe-core`, or set AXE_CORE to the path of axe.min.js")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    return {
        "plain": write_report(small_fit(), folder / "plain.html"),
        "hostile": write_report(hostile(), folder / "hostile.html", title=HOSTILE, source=QUOTED),
    }


@pytest.fixture(params=["plain", "hostile"])
def report(request: pytest.FixtureRequest, reports: dict[str, Path]) -> Path:
    return reports[request.param]


def opened(browser: Any, path: Path, *, viewport: dict[str, int] = DESKTOP, scheme: str = "light") -> Opened:
    page = browser.new_page(viewport=viewport, color_scheme=scheme)
    found = Opened(page, path.as_uri(), [], [])
    page.on("request", lambda request: found.requests.append(request.url))
    page.on("console", lambda message: found.errors.append(message.text))
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    page.on("dialog", lambda dialog: (found.errors.append(dialog.message), dialog.dismiss()))
    page.goto(found.url)
    return found


def test_no_error_and_no_request(browser: Any, report: Path) -> None:
    found = opened(browser, report)
    found.page.wait_for_timeout(200)
    assert found.errors == []
    assert found.requests == [found.url]
    found.page.close()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_page_does_not_overflow(browser: Any, report: Path, viewport: dict[str, int]) -> None:
    page = opened(browser, report, viewport=viewport).page
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.close()


def test_hostile_names_are_only_names(browser: Any, reports: dict[str, Path]) -> None:
    found = opened(browser, reports["hostile"])
    assert found.page.locator("h1").text_content() == HOSTILE
    assert found.page.locator(".verdict .name").text_content() == HOSTILE
    assert found.page.locator("script").count() == 1
    assert found.page.locator("img, b").count() == 0
    assert found.errors == []
    found.page.close()


def test_the_policy_refuses_what_was_put_in(browser: Any, reports: dict[str, Path]) -> None:
    found = opened(browser, reports["plain"])
    found.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'ran'";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = "https://example.org/picture.png";
            document.body.append(image);
        }"""
    )
    found.page.wait_for_timeout(200)
    assert found.page.title() != "ran"
    assert len([text for text in found.errors if "Content Security Policy" in text]) == 2
    found.page.close()


def test_tables_sort_by_exact_numbers_and_from_the_keyboard(browser: Any, reports: dict[str, Path]) -> None:
    page = opened(browser, reports["plain"]).page
    heading = page.locator("#factors thead th").nth(4)
    assert heading.get_attribute("aria-sort") is None
    for way in ("ascending", "descending"):
        heading.locator("button").focus()
        page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == way
        shown = page.locator("#factors tbody tr").evaluate_all(
            "rows => rows.map(row => row.cells[4].dataset.sort ?? null)"
        )
        numbers = [float(value) for value in shown if value is not None]
        assert numbers == sorted(numbers, reverse=way == "descending")
        assert len(numbers) > 20
        assert shown[: len(numbers)].count(None) == 0  # what is missing stays last
        assert page.locator("#sort-status").text_content() == f"Sorted by median, {way}."
    page.locator("#factors thead th").nth(2).locator("button").click()
    assert heading.get_attribute("aria-sort") is None
    words = page.locator("#factors tbody tr").evaluate_all(
        "rows => rows.map(row => row.cells[2].textContent)"
    )
    assert words == sorted(words)
    page.close()


def test_skip_link_and_scrolling_from_the_keyboard(browser: Any, reports: dict[str, Path]) -> None:
    page = opened(browser, reports["plain"]).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.locator(".scroll:not([tabindex='0'])").count() == 0
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_accessibility_rules(
    browser: Any, axe: str, report: Path, viewport: dict[str, int], scheme: str
) -> None:
    page = opened(browser, report, viewport=viewport, scheme=scheme).page
    page.evaluate(axe)
    result = page.evaluate("axe.run()")
    assert len(result["passes"]) > 30
    assert [(rule["id"], rule["help"], rule["nodes"][0]["html"][:200]) for rule in result["violations"]] == []
    page.close()


def test_print_shows_whole_tables_without_navigation(browser: Any, reports: dict[str, Path]) -> None:
    page = opened(browser, reports["plain"]).page
    page.emulate_media(media="print")
    cut = page.locator(".scroll").evaluate_all(
        "all => all.filter(one => one.scrollHeight > one.clientHeight + 1 && "
        "getComputedStyle(one).overflowY !== 'visible').length"
    )
    assert cut == 0
    assert not page.locator("nav").is_visible()
    # A button would keep Chromium from repeating the head of a table on each page.
    assert page.locator("thead button").first.evaluate("one => getComputedStyle(one).display") == "contents"
    assert page.pdf()[:5] == b"%PDF-"
    page.close()

"""The page of `study report` in a real browser: what it shows, its width, its colours, its accessibility."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.support.browser import Scheme, chromium, opened
from tests.support.study_command import daily_frame, random_closes, session_dates, study, write_csv

pytestmark = [pytest.mark.integration, pytest.mark.compiled]

COUNT = 700
JUMPS = (300, 690)
DATES = session_dates(date(2021, 1, 4), COUNT)
VIEWS: tuple[tuple[int, Scheme], ...] = ((1400, "light"), (1400, "dark"), (420, "light"), (420, "dark"))
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    small, big = (100 + (random_closes(COUNT, seed) - 100) / 50 for seed in (1, 2))
    for jump in JUMPS:
        small[jump:] *= 1.04 * small[jump - 1] / small[jump]
        big[jump:] *= 0.99 * big[jump - 1] / big[jump]
    bars = {
        symbol: write_csv(folder, symbol, daily_frame(DATES, np.round(closes, 6)))
        for symbol, closes in (("SMALL", small), ("BIG", big))
    }
    out, rarity = folder / "page.html", str(folder / "rarity.json")
    answer = study("nulls", "--pair", "SMALL/BIG", "--simulations", "2", "--store", rarity, bars=bars)
    assert answer.code == 0, answer.err
    answer = study("report", "--pair", "SMALL/BIG", "--rarity", rarity, "--out", str(out), bars=bars)
    assert answer.code == 0, answer.err
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_page_fits_and_axe_finds_nothing_serious(
    browser: Browser, page_file: Path, width: int, scheme: Scheme
) -> None:
    with opened(browser, page_file, width, scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (
            "nothing is wider than the page"
        )
        found = Axe().run(page).response["violations"]
        worst = [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS]
        assert worst == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in ground.strip("rgb()").split(","))
        assert (brightness < 150) == (scheme == "dark")


def test_the_verdict_is_read_first_and_the_charts_are_drawn(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, 1400, "light") as page:
        assert page.title() == "Rotascope study: SMALL/BIG"
        verdict = page.locator(".verdict").first
        box = verdict.bounding_box()
        assert box is not None
        assert box["y"] < 300
        assert f"opened on {DATES[JUMPS[1]]}" in verdict.inner_text()
        charts = page.locator("svg.chart")
        assert charts.count() == 2, "the latest year and the whole history"
        assert page.locator("svg.chart path.line").count() == 2
        lanes = charts.nth(1).locator(".lane")
        assert lanes.count() == 10
        box = charts.nth(1).bounding_box()
        assert box is not None
        for episode in lanes.locator(".episode").all():
            told = str(episode.locator("title").text_content())
            begin = re.search(r"\d{4}-\d\d-\d\d", told)
            assert begin is not None, told
            row = [str(day) for day in DATES].index(begin.group())
            x = episode.locator("line").evaluate("each => each.getBoundingClientRect().x")
            assert x == pytest.approx(box["x"] + box["width"] * row / (COUNT - 1), abs=3.0)
        named = lanes.first.locator("text").inner_html()
        assert named.endswith(f"({lanes.first.locator('.episode').count()})")


def test_a_narrow_page_keeps_its_text_readable(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, 420, "light") as page:
        sizes = page.evaluate(
            "[...document.querySelectorAll('svg.chart text')].map(each => getComputedStyle(each).fontSize)"
        )
        assert sizes
        assert set(sizes) == {"12px"}
        hidden = page.locator("table.rarity thead th.seldom")
        assert hidden.count() > 0
        assert not hidden.first.is_visible()


def test_the_page_asks_the_network_for_nothing(browser: Browser, page_file: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.resolve().as_uri())
    assert asked == [page_file.resolve().as_uri()]
    assert page.locator("script").count() == 0
    context.close()

"""The report as its reader opens it: a file in a browser, and nothing beside it."""

import os
from pathlib import Path

import pytest

from labkit import lab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    run = lab.run(lab.Plan(only=["00", "07"], output=folder / "output"))
    assert run.exit_code == 0, run.failure
    return run.report


def test_it_opens_with_its_table_and_all_its_pictures_and_asks_for_nothing(report, page, tmp_path):
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(report.as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == [], "the browser has nothing to complain of"
    rows = [row.inner_text().split("\t") for row in page.locator("table").first.locator("tr").all()]
    assert [row[0] for row in rows] == [
        "notebook", "00_start_here", "07_find_the_scanner", "99_clean_up",
    ]  # fmt: skip
    assert [row[2] for row in rows[1:]] == ["3 of 4, 1 open", "1 of 7, 6 open", "2 of 2"]
    pictures = page.evaluate("[...document.images].map(one => [one.naturalWidth, one.alt])")
    assert len(pictures) == 3
    assert all(width > 500 and len(alt) > 20 for width, alt in pictures)
    assert page.get_by_text("A hint", exact=True).first.is_visible()
    folder = Path(os.environ.get("LABKIT_SCREENSHOTS", tmp_path))
    page.screenshot(path=str(folder / "report.png"), full_page=True)
    assert report.stat().st_size < 10_000_000


def test_each_link_in_it_leads_to_a_place_in_it(report, page):
    page.goto(report.as_uri())
    targets = page.evaluate("[...document.links].map(link => link.getAttribute('href'))")
    assert targets and all(target.startswith("#") for target in targets)
    page.locator("a[href='#07_find_the_scanner']").first.click()
    assert page.get_by_text("Find the scanner").first.is_visible()

"""What a run leaves to read."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labkit import report
from labkit.execution import Outcome, Status

OUTCOMES = [
    Outcome("01_deploy", Status.PASSED, 3.25, 9, 9, checks={"PASS": 3, "TODO": 1}),
    Outcome("02_ping", Status.FAILED, 1.5, 8, 2, "In [3]:\n    1 / 0\n\nCheckFailed: a < b \x00"),
    Outcome("03_records", Status.SKIPPED),
    Outcome("99_clean_up", Status.INTERRUPTED, 1.0, 3, 1, "KeyboardInterrupt"),
]


@pytest.fixture
def executed(tmp_path):
    cell = new_code_cell("print('a < b')", execution_count=1)
    cell.outputs = [
        new_output("stream", text="a < b\n"),
        new_output("display_data", {"text/html": "<b>bold</b>", "text/plain": "bold"}),
        new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "a chart"}),
    ]
    text = "# Deploy\n\nSee [AWS](https://docs.aws.amazon.com/vpc/latest/) and [here](#deploy)."
    path = tmp_path / "01_deploy.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell(text), cell]), path)
    return Outcome("01_deploy", Status.PASSED, 3.25, 1, 1, None, path)


class Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in {"href", "src"}]
        self.ids += [value for name, value in attrs if name == "id"]


def test_the_page_holds_what_the_notebook_showed(executed):
    page = report.page(executed)
    assert "<b>bold</b>" in page
    assert "data:image/png;base64,iVBORw0KGgo=" in page
    assert "a &lt; b" in page


def test_the_report_links_to_nothing_outside(executed):
    page = report.as_html([executed], {"01_deploy": report.page(executed)}, {})
    links = Links(page)
    assert links.found
    assert not [link for link in links.found if not link.startswith(("#", "data:"))]
    assert "AWS <code>docs.aws.amazon.com/vpc/latest/</code>" in page, "the address can be read"
    assert "default-src 'none'" in page, "and nothing is loaded, whatever a notebook shows"
    assert not re.search(r"<script|@import|url\(", page)


def test_the_table_of_contents_leads_to_each_notebook():
    page = report.as_html(OUTCOMES, {}, {"target": "emulator"})
    links = Links(page)
    assert links.found == [f"#{outcome.name}" for outcome in OUTCOMES]
    assert links.ids == [outcome.name for outcome in OUTCOMES]
    assert "<td class='failed'>failed</td><td></td><td>2 of 8</td><td>1.5 s</td>" in page
    assert "<td>3 of 4, 1 open</td><td>9 of 9</td><td>3.2 s</td>" in page
    assert "target: emulator" in page
    assert "CheckFailed: a &lt; b" in page


def test_a_notebook_that_did_not_run_has_an_empty_page():
    assert report.page(OUTCOMES[2]) == ""


def test_junit_has_a_case_for_each_notebook():
    root = ElementTree.fromstring(report.as_junit(OUTCOMES))
    [suite] = root.findall("testsuite")
    counts = {"tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "5.750"}
    assert {name: suite.get(name) for name in counts} == counts
    cases = suite.findall("testcase")
    assert [(case.get("classname"), case.get("name"), case.get("time")) for case in cases] == [
        ("notebooks", outcome.name, f"{outcome.seconds:.3f}") for outcome in OUTCOMES
    ]
    assert [[child.tag for child in case] for case in cases] == [
        [], ["failure"], ["skipped"], ["error"],
    ]  # fmt: skip
    failure = cases[1][0]
    assert failure.get("message") == "CheckFailed: a < b "
    assert "1 / 0" in failure.text


def test_both_files_are_written(tmp_path):
    html_file, junit_file = report.write(tmp_path, OUTCOMES, {}, {})
    assert html_file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert ElementTree.parse(junit_file).getroot().tag == "testsuites"


def test_a_link_from_notebook_to_notebook_leads_to_its_section(tmp_path):
    path = tmp_path / "01_deploy.ipynb"
    text = "Next: [02_ping](02_ping.ipynb)"
    nbformat.write(new_notebook(cells=[new_markdown_cell(text)]), path)
    page = report.page(Outcome("01_deploy", Status.PASSED, path=path))
    assert Links(page).found == ["#02_ping"]


def test_a_report_too_large_for_mail_loses_its_largest_pictures():
    pictures = [
        f'<img alt="a" src="data:image/png;base64,{"A" * size}">' for size in (10, 900, 500)
    ]
    page = "<p>" + "".join(pictures) + "</p>"
    assert report.without_largest_pictures(page) == page
    shorter = report.without_largest_pictures(page, most_bytes=700)
    assert pictures[0] in shorter and pictures[1] not in shorter and pictures[2] in shorter
    assert "left out" in shorter and len(shorter) <= 700


def test_what_is_private_is_not_in_the_facts():
    page = report.as_html([], {}, {"log": "/home/alice/x", "account": "210987654321"})
    assert "alice" not in page and "210987654321" not in page

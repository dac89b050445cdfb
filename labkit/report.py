"""What a run leaves to read: one HTML file without outside links, and JUnit XML for CI."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from labkit import masking
from labkit.execution import Outcome, Status

RENDERING = threading.Lock()
HTML_FILE = "report.html"
JUNIT_FILE = "junit.xml"
OUTSIDE_LINK = re.compile(r"<a\b[^>]*\bhref=\"https?://([^\"]*)\"[^>]*>(.*?)</a>", re.DOTALL)
TO_A_NOTEBOOK = re.compile(r"href=(['\"])(\d\d_\w+)\.ipynb")
PICTURE = re.compile(r"<img\b[^>]*\bsrc=\"data:[^\"]*\"[^>]*>")
MOST_BYTES = 9_500_000
"""What can be mailed: under 10 MB."""

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Nothing is loaded from anywhere, and no script runs.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } section { border-top: 4px solid #d0d7de; margin-top: 3rem; }
pre, code { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
table { border-collapse: collapse; font-size: 14px; }
td, th { padding: 2px 10px; text-align: left; border: none; } table { border: none; }
tr:nth-child(even) { background: #f6f8fa; color: #1b1f24; }
.input pre, .error { background: #f6f8fa; color: #1b1f24; padding: 8px 12px; overflow-x: auto; }
.prompt { display: none; } img { max-width: 100%; }
.passed { color: #0b5d1e; } .failed, .interrupted { color: #8f0d0d; } .skipped { color: #57606a; }
"""


def page(outcome: Outcome) -> str:
    """Return an executed notebook as a piece of HTML; empty if there is none."""
    if outcome.path is None:
        return ""
    import nbformat

    notebook = nbformat.read(outcome.path, as_version=4)
    with RENDERING:
        body, _ = _exporter().from_notebook_node(notebook)
    body = TO_A_NOTEBOOK.sub(r"href=\1#\2", body)
    return OUTSIDE_LINK.sub(r"\2 <code>\1</code>", body)


@cache
def _exporter() -> Any:
    """Return nbconvert's exporter; the templates that it compiles are kept for the next page."""
    from nbconvert import HTMLExporter

    return HTMLExporter(
        template_name="basic", exclude_anchor_links=True, optimistic_validation=True
    )


def write(
    folder: Path, outcomes: Sequence[Outcome], pages: Mapping[str, str], facts: Mapping[str, str]
) -> tuple[Path, Path]:
    """Write both files and return where they are.

    Args:
        folder: Where to.
        outcomes: One for each notebook, in order.
        pages: What `page` returned, by the notebooks' names.
        facts: What else the report says at its top, e.g. the target.
    """
    written = folder / HTML_FILE, folder / JUNIT_FILE
    text = without_largest_pictures(as_html(outcomes, pages, facts))
    written[0].write_text(text, encoding="utf-8")
    written[1].write_text(as_junit(outcomes), encoding="utf-8")
    return written


HEAD = ("notebook", "", "checks passed", "cells run", "duration")


def as_html(outcomes: Sequence[Outcome], pages: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """Return the whole run as one page: a table of contents, then each notebook."""
    told = {**facts, "ended": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"}
    lines = "".join(
        f"<li>{html.escape(key)}: {html.escape(masking.mask(value))}</li>"
        for key, value in told.items()
    )
    head = "".join(f"<th>{text}</th>" for text in HEAD)
    contents = "".join(
        f"<tr><td><a href='#{one.name}'>{one.name}</a></td><td class='{one.status.value}'>"
        f"{one.status.value}</td><td>{_checks(one)}</td><td>{one.cells_done} of {one.cells}</td>"
        f"<td>{one.seconds:.1f} s</td></tr>"
        for one in outcomes
    )
    sections = "".join(_section(one, pages.get(one.name, "")) for one in outcomes)
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>VPC Flow Logs lab</title><style>{STYLE}{_colors_of_code()}</style></head><body>"
        f"<h1>VPC Flow Logs lab</h1><ul>{lines}</ul>"
        f"<table><tr>{head}</tr>{contents}</table>{sections}"
        "</body></html>\n"
    )


def without_largest_pictures(page: str, most_bytes: int = MOST_BYTES) -> str:
    """Return the page with as many pictures replaced by a sentence as it takes to be mailed."""
    over = len(page.encode()) - most_bytes
    for picture in sorted(PICTURE.findall(page), key=len, reverse=True):
        if over <= 0:
            break
        sentence = (
            "<p><i>A picture, left out to keep this file small: it is in the notebook.</i></p>"
        )
        page = page.replace(picture, sentence, 1)
        over -= len(picture) - len(sentence)
    return page


def _checks(one: Outcome) -> str:
    """Return how the checks came out, e.g. "3 of 4, 1 open"."""
    if not one.checks:
        return ""
    still_open = one.checks.get("TODO", 0)
    told = f"{one.checks.get('PASS', 0)} of {sum(one.checks.values())}"
    return f"{told}, {still_open} open" if still_open else told


def as_junit(outcomes: Sequence[Outcome]) -> str:
    """Return JUnit XML with a case for each notebook."""
    count = {status: sum(one.status is status for one in outcomes) for status in Status}
    seconds = sum(one.seconds for one in outcomes)
    suite = ElementTree.Element(
        "testsuite",
        name="labkit",
        tests=str(len(outcomes)),
        failures=str(count[Status.FAILED]),
        errors=str(count[Status.INTERRUPTED]),
        skipped=str(count[Status.SKIPPED]),
        time=f"{seconds:.3f}",
        timestamp=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    for one in outcomes:
        case = ElementTree.SubElement(
            suite, "testcase", classname="notebooks", name=one.name, time=f"{one.seconds:.3f}"
        )
        _how_it_ended(case, one)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode")


def _how_it_ended(case: ElementTree.Element, one: Outcome) -> None:
    text = NOT_IN_XML.sub("", one.error or "")
    message = text.splitlines()[-1] if text else one.status.value
    if one.status is Status.FAILED:
        ElementTree.SubElement(case, "failure", message=message).text = text
    elif one.status is Status.INTERRUPTED:
        ElementTree.SubElement(case, "error", message="interrupted").text = text
    elif one.status is Status.SKIPPED:
        ElementTree.SubElement(case, "skipped", message="an earlier notebook ended the run")


def _section(one: Outcome, body: str) -> str:
    error = f"<pre class='error'>{html.escape(one.error)}</pre>" if one.error else ""
    return (
        f"<section id='{one.name}'><p><code>{one.name}</code> "
        f"<b class='{one.status.value}'>{one.status.value}</b></p>{error}{body}</section>"
    )


def _colors_of_code() -> str:
    from pygments.formatters import HtmlFormatter

    return HtmlFormatter(style="default").get_style_defs(".highlight")

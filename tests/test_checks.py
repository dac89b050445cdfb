"""Checks as values, and as a real kernel shows them: with a person in front, and with nobody."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from jupyter_client.manager import start_new_kernel

from labkit import checks
from labkit.checks import Verdict
from labkit.errors import CheckFailed

NEITHER = "True or False"


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        pytest.param(True, Verdict.PASS, id="true"),
        pytest.param(np.bool_(True), Verdict.PASS, id="numpy's true"),
        pytest.param(np.array(True), Verdict.PASS, id="an array of no dimension"),
        pytest.param(pd.Series([True, True]).all(), Verdict.PASS, id="a column reduced"),
        pytest.param((pd.Series([1, 2], dtype="int64[pyarrow]") > 0).all(), Verdict.PASS,
                     id="a column of arrow reduced"),
        pytest.param(..., Verdict.TODO, id="an answer not given"),
    ],
)  # fmt: skip
def test_a_check_that_does_not_fail(condition, verdict):
    assert checks.expect(condition, "it holds").verdict is verdict


def test_an_answer_not_given_is_to_do_though_the_comparison_is_false():
    check = checks.expect(False, "six", got=..., expected=6)
    assert check.verdict is Verdict.TODO
    assert repr(check) == "… TODO six"


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        pytest.param(False, "^it holds$", id="false"),
        pytest.param(np.bool_(False), "^it holds$", id="numpy's false"),
        pytest.param(pd.Series([True]), f"{NEITHER}; got: Series of shape .1,.", id="a column"),
        pytest.param(pd.DataFrame({"a": [1]}), f"{NEITHER}; got: DataFrame", id="a table"),
        pytest.param(np.array([True]), f"{NEITHER}; got: ndarray", id="an array"),
        pytest.param(pd.NA, f"{NEITHER}; got: NAType: <NA>", id="pandas.NA"),
        pytest.param(None, f"{NEITHER}; got: NoneType: None", id="nothing"),
        pytest.param(1, f"{NEITHER}; got: int: 1", id="a number"),
        pytest.param("yes", f"{NEITHER}; got: str: yes", id="a text"),
    ],
)
def test_a_check_that_fails_raises_one_line(condition, says):
    with pytest.raises(CheckFailed, match=says) as caught:
        checks.expect(condition, "it holds")
    assert isinstance(caught.value, AssertionError)
    assert "\n" not in str(caught.value)


def test_what_was_got_and_expected_stands_in_the_error():
    with pytest.raises(CheckFailed) as caught:
        checks.expect(1 == 2, "two packets", got={"packets": 1}, expected=None, hint="ping\nagain")
    assert str(caught.value) == (
        "two packets; expected: None; got: {'packets': 1}; hint: ping again"
    )


def test_something_to_do_never_raises():
    assert checks.todo("ping once more").verdict is Verdict.TODO


def test_without_a_notebook_a_check_is_a_line(capsys):
    checks.expect(True, "it holds", got=1, hint="unused")
    assert capsys.readouterr().out == "✓ PASS it holds\n"


def test_the_box_escapes_what_it_shows():
    hints = ("<b>", "<i>")
    check = checks.Check(Verdict.FAIL, "a < b", got="<script>", expected=[1], hints=hints)
    box = check._repr_html_()
    assert "a &lt; b" in box and "&lt;script&gt;" in box and "<script>" not in box
    assert "&lt;b&gt;" in box and "&lt;i&gt;" in box and "<b>" not in box.replace("<b>✗", "")


class Folds(HTMLParser):
    """Each text of a box, with the number of folds around it."""

    def __init__(self, box: str) -> None:
        super().__init__()
        self.depth, self.found = 0, []
        self.feed(box)

    def handle_starttag(self, tag, attrs):
        self.depth += tag == "details"

    def handle_endtag(self, tag):
        self.depth -= tag == "details"

    def handle_data(self, text):
        self.found.append((self.depth, text.strip()))


def test_the_first_hint_is_in_plain_sight_and_each_further_one_folded_into_the_one_before():
    check = checks.Check(Verdict.FAIL, "six", hints=("one", "two", "three"))
    found = Folds(check._repr_html_()).found
    assert [depth for depth, text in found if "one" in text] == [0]
    assert (1, "two") in found and (2, "three") in found
    assert [text for _, text in found].count("Another hint") == 2


def test_an_answer_not_given_has_all_hints_folded():
    check = checks.Check(Verdict.TODO, "six", hints=("one", "two"))
    found = Folds(check._repr_html_()).found
    assert (0, checks.UNANSWERED) in found and (1, "one") in found and (2, "two") in found


def test_a_check_that_holds_shows_no_hint():
    assert "one" not in checks.Check(Verdict.PASS, "six", hints=("one",))._repr_html_()


def test_in_a_log_the_hints_stand_one_after_another():
    with pytest.raises(CheckFailed, match=r"^six; hint: one; then: two; then: three$"):
        checks.expect(False, "six", hint=["one", "two", "three"])


@pytest.mark.parametrize(
    "got", [pytest.param((..., "b"), id="a part"), pytest.param(..., id="all")]
)
def test_an_answer_of_several_parts_is_open_while_one_is_missing(got):
    assert checks.expect(False, "a pair", got=got).verdict is Verdict.TODO


@pytest.mark.parametrize("verdict", list(Verdict))
def test_text_is_legible_on_its_background(verdict):
    color, background, _ = checks.COLORS[verdict]
    lighter, darker = sorted((luminance(color), luminance(background)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 7, "WCAG 2.1, success criterion 1.4.6"


def luminance(color: str) -> float:
    """Return the relative luminance, as WCAG 2.1 defines it."""
    shares = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(extra_arguments=["--HistoryManager.enabled=False"])
    client.execute("from labkit import checks", reply=True)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def shown(client, source: str, *, attended: bool) -> tuple[str, list[dict]]:
    """Return the status of a cell, and what it displayed, as a front end gets it."""
    messages: list[dict] = []
    client.allow_stdin = attended
    reply = client.execute_interactive(
        source, allow_stdin=attended, output_hook=messages.append, timeout=60
    )
    kinds = {"display_data", "execute_result", "error", "stream"}
    return reply["content"]["status"], [
        message["content"] for message in messages if message["msg_type"] in kinds
    ]


def test_with_a_person_in_front_a_failed_check_shows_its_box_and_the_cell_goes_on(kernel):
    status, seen = shown(
        kernel, "checks.expect(False, 'two packets', got=1)\nprint('on')", attended=True
    )
    assert status == "ok"
    assert "✗ FAIL</b> two packets" in seen[0]["data"]["text/html"]
    assert seen[0]["data"]["text/plain"] == "✗ FAIL two packets; got: 1"
    assert seen[0]["metadata"] == {"labkit-check": "FAIL"}
    assert seen[1]["text"] == "on\n"


def test_with_nobody_in_front_it_shows_its_box_and_raises_a_single_line(kernel):
    status, seen = shown(kernel, "checks.expect(False, 'two packets', got=1)", attended=False)
    assert status == "error"
    assert [sorted(one) for one in seen[:1]] == [["data", "metadata", "transient"]]
    assert seen[1]["traceback"] == ["CheckFailed: two packets; got: 1"]


def test_as_the_last_expression_of_a_cell_it_is_shown_once(kernel):
    _, seen = shown(kernel, "checks.expect(True, 'fine')", attended=True)
    assert len(seen) == 1
    _, seen = shown(kernel, "check = checks.expect(True, 'fine')", attended=True)
    assert len(seen) == 1
    _, seen = shown(kernel, "check", attended=True)
    assert len(seen) == 1, "shown again when asked for in a later cell"

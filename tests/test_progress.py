"""Waits as a log shows them, as a page shows them, and as a terminal shows a run."""

from __future__ import annotations

import io

import pytest
from jupyter_client.manager import start_new_kernel

from labkit import progress
from labkit.progress import Page, Terminal
from labkit.waiting import State, Tick


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def tick(seen: str, state: State = State.WAITING, what: str = "it", elapsed_s: float = 0) -> Tick:
    return Tick(what, elapsed_s, 60, seen, state)


def logged(capsys, *news: tuple[float, object]) -> list[str]:
    """Return the lines that follow the title, for news at certain seconds."""
    clock = Clock()
    watch = progress.show("Deploying", expect="5 minutes on AWS", clock=clock)
    for clock.now, one in news:
        watch(one)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Deploying (usually 5 minutes on AWS)"
    return lines[1:]


@pytest.mark.parametrize(
    ("news", "lines"),
    [
        pytest.param([], [], id="nothing yet"),
        pytest.param([(0, tick("a")), (1, tick("a")), (2, tick("b"))], ["  0:00 a", "  0:02 b"],
                     id="a line for each change"),
        pytest.param([(0, tick("a")), (29, tick("a")), (31, tick("a")), (60, tick("a")),
                      (62, tick("a"))], ["  0:00 a", "  0:31 still a", "  1:02 still a"],
                     id="a heartbeat when nothing changes"),
        pytest.param([(0, tick("a")), (20, "an event"), (31, tick("a")), (51, tick("a"))],
                     ["  0:00 a", "  0:20 an event", "  0:51 still a"],
                     id="an event counts as a sign of life"),
        pytest.param([(0, tick("a")), (75, tick("b", State.DONE))], ["  0:00 a", "  1:15 b ✓"],
                     id="the end"),
        pytest.param([(0, tick("a")), (9, tick("a", State.TIMED_OUT))],
                     ["  0:00 a", "  0:09 a (gave up)"], id="no patience left"),
        pytest.param([(0, tick("a", State.DONE)), (1, tick("a", State.DONE, "that"))],
                     ["  0:00 a ✓", "  0:01 a ✓"], id="two waits, one after the other"),
    ],
)  # fmt: skip
def test_a_log(capsys, news, lines):
    assert logged(capsys, *news) == lines


def test_a_log_says_what_to_read_meanwhile(capsys):
    progress.show("Deploying", meanwhile="the template", clock=Clock())
    assert capsys.readouterr().out.splitlines() == ["Deploying", "  Meanwhile: the template"]


def page(*news: object, expect: str | None = "5 minutes", meanwhile: str | None = None) -> str:
    shown = Page("Deploying <it>", expect, Clock(), meanwhile)
    shown.handle = None
    for one in news:
        shown(one)
    return shown._repr_html_()


def test_a_page_says_what_it_waits_for_and_how_long_that_takes():
    shown = page(tick("CREATE_IN_PROGRESS"))
    assert "<b>Deploying &lt;it&gt;</b> <progress></progress> 0:00 CREATE_IN_PROGRESS" in shown
    assert "(usually 5 minutes)" in shown
    assert "<details" not in shown


def test_a_page_says_what_to_read_until_the_end():
    shown = page(tick("CREATE_IN_PROGRESS"), meanwhile="the <template>")
    assert "<div>Meanwhile: the &lt;template&gt;</div>" in shown
    assert "Meanwhile" not in page(tick("CREATE_COMPLETE", State.DONE), meanwhile="the template")
    assert "Meanwhile" not in page(tick("CREATE_IN_PROGRESS"))


def test_a_page_that_ended_has_a_full_bar():
    shown = page("an <event>", tick("CREATE_COMPLETE", State.DONE))
    assert "<progress value='1' max='1'></progress> 0:00 CREATE_COMPLETE ✓" in shown
    assert "usually" not in shown
    assert "<details><summary>Last events</summary>" in shown
    assert "<div>an &lt;event&gt;</div>" in shown


def test_a_page_keeps_the_last_events_only():
    shown = page(*(f"event {index}." for index in range(20)))
    assert "event 11." not in shown and "event 12." in shown and "event 19." in shown


def test_a_page_uses_only_what_jupyterlab_lets_through():
    shown = page("an event", tick("a"))
    assert not any(word in shown for word in ("data-", "role=", "aria-", "<script"))
    assert "color:" in shown.split("background:")[0], "a text color next to each background"


def test_in_a_kernel_with_a_person_in_front_one_output_is_updated_in_place():
    manager, client = start_new_kernel(extra_arguments=["--HistoryManager.enabled=False"])
    messages: list[dict] = []
    client.execute_interactive(
        "from labkit import progress\nfrom labkit.waiting import Tick, State\n"
        "watch = progress.show('Deploying')\nwatch('an event')\n"
        "watch(Tick('it', 0, 60, 'there', State.DONE))",
        allow_stdin=True,
        output_hook=messages.append,
        timeout=60,
    )
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    shown = [one for one in messages if one["msg_type"].endswith("display_data")]
    assert [one["msg_type"] for one in shown] == [
        "display_data", "update_display_data", "update_display_data",
    ]  # fmt: skip
    assert len({one["content"]["transient"]["display_id"] for one in shown}) == 1
    assert "there ✓" in shown[-1]["content"]["data"]["text/html"]
    assert shown[-1]["content"]["data"]["text/plain"] == "Deploying: 0:00 there ✓"


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_run_in_a_log_is_a_line_for_each_notebook():
    stream = io.StringIO()
    with Terminal(stream) as terminal:
        terminal("the stack is called alice")
        terminal(tick("0 of 3 cells", what="01_deploy"))
        terminal(tick("3 of 3 cells", State.DONE, "01_deploy", 75))
        terminal(tick("1 of 2 cells", State.STOPPED, "02_ping", 1))
    assert stream.getvalue().splitlines() == [
        "the stack is called alice",
        "01_deploy                      1:15  3 of 3 cells ✓",
        "02_ping                        0:01  1 of 2 cells ✗",
    ]


def test_a_run_in_a_log_has_a_heartbeat(monkeypatch):
    monkeypatch.setattr(progress, "HEARTBEAT_S", 0.05)
    stream = io.StringIO()
    with Terminal(stream) as terminal:
        terminal(tick("0 of 3 cells", what="01_deploy", elapsed_s=29))
        terminal.ended.wait(0.2)
    assert set(stream.getvalue().splitlines()) == {
        "01_deploy                      0:29  0 of 3 cells"
    }


def test_a_run_on_a_terminal_writes_the_present_line_anew():
    stream = FakeTerminal()
    with Terminal(stream) as terminal:
        terminal(tick("0 of 3 cells", what="01_deploy"))
        terminal(tick("3 of 3 cells", State.DONE, "01_deploy"))
    assert stream.getvalue().count("\r\x1b[K") == 2
    assert stream.getvalue().count("\n") == 1

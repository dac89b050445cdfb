"""The texts of a command: both outputs together, durations, times.

Sources: docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html,
docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandPlugin.html
"""

import pytest

from labkit.emulator.ssm.output import combined
from labkit.emulator.ssm.times import as_text, duration


# The cases of amazon-ssm-agent's iohandler.go
@pytest.mark.parametrize(
    ("stdout", "stderr", "text"),
    [
        pytest.param("out", "", "out", id="stdout alone has no title"),
        pytest.param("out", "err", "out\n----------ERROR-------\nerr", id="both fit"),
        pytest.param("", "err", "\n----------ERROR-------\nerr", id="stderr alone"),
        pytest.param("o" * 3000, "", "o" * 2477 + "\n---Output truncated---", id="stdout too long"),
        pytest.param(
            "o" * 3000,
            "err",
            "o" * 2450 + "\n---Output truncated---\n----------ERROR-------\nerr",
            id="stdout gives way to a short stderr",
        ),
        pytest.param(
            "out",
            "e" * 3000,
            "out\n----------ERROR-------\n" + "e" * 2450 + "\n---Error truncated----",
            id="stderr gives way to a short stdout",
        ),
        pytest.param(
            "o" * 3000,
            "e" * 3000,
            "o" * 1215
            + "\n---Output truncated---\n----------ERROR-------\n"
            + "e" * 1215
            + "\n---Error truncated----",
            id="both too long share the room",
        ),
    ],
)
def test_combined_output(stdout, stderr, text):
    assert combined(stdout, stderr) == text
    assert len(text) <= 2500


# docs.aws.amazon.com/cli/latest/reference/ssm/get-command-invocation.html
@pytest.mark.parametrize(
    ("elapsed_s", "text"),
    [(0.091, "PT0.091S"), (3.05, "PT3.05S"), (0, "PT0S"), (60, "PT1M"), (3661.5, "PT1H1M1.5S")],
)
def test_durations(elapsed_s, text):
    assert duration(1000.0, 1000.0 + elapsed_s) == text


def test_times():
    assert as_text(1582129133.544) == "2020-02-19T16:18:53.544Z"
    assert as_text(None) == ""
    assert duration(1.0, None) == ""

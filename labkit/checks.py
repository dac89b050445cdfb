"""A check cell: an expression in plain sight, a sentence, and what to try if it does not hold.

In JupyterLab a check shows its box and lets Run All go on. Where nobody sits in front it shows
the box, then raises: one cell serves the learner and CI.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from labkit import attempts, frontend
from labkit.errors import CheckFailed

LONGEST_SHOWN = 300
UNANSWERED = "Replace the ... by your answer, then run its cell and this one again."


class Verdict(Enum):
    """How a check came out; TODO is an answer that is still `...`."""

    PASS = "PASS"
    TODO = "TODO"
    FAIL = "FAIL"


# Text on background, contrast 7:1 or better, and the bar that marks the box.
COLORS = {
    Verdict.PASS: ("#0b3d1e", "#e7f6ec", "#1a7f37"),
    Verdict.TODO: ("#4a3500", "#fff5d6", "#b08800"),
    Verdict.FAIL: ("#5c0a0a", "#fdeaea", "#c62828"),
}
MARKS = {Verdict.PASS: "✓", Verdict.TODO: "…", Verdict.FAIL: "✗"}


class _Missing:
    def __repr__(self) -> str:
        return "(not given)"


MISSING: Any = _Missing()


@dataclass(eq=False)
class Check:
    """A check that was made; shows itself as a box, and as one line where HTML does not show."""

    verdict: Verdict
    sentence: str
    got: Any = MISSING
    expected: Any = MISSING
    hints: tuple[str, ...] = ()
    _shown_in: int | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        line = f"{MARKS[self.verdict]} {self.verdict.value} {self.sentence}"
        if self.verdict is Verdict.FAIL:
            line += "".join(f"; {word}: {_short(value)}" for word, value in self._facts())
            words = ["hint", *["then"] * len(self.hints[1:])]
            line += "".join(
                f"; {word}: {hint}" for word, hint in zip(words, self.hints, strict=False)
            )
        return " ".join(line.split())

    def _repr_html_(self) -> str:
        color, background, bar = COLORS[self.verdict]
        rows = ""
        if self.verdict is Verdict.FAIL:
            rows = "".join(
                f"<div>{word}: <code style='color:{color};background:{background}'>"
                f"{html.escape(_short(value))}</code></div>"
                for word, value in self._facts()
            )
        return (
            f"<div style='color:{color};background:{background};border-left:6px solid {bar};"
            f"padding:6px 12px;margin:4px 0'><b>{MARKS[self.verdict]} {self.verdict.value}</b> "
            f"{html.escape(self.sentence)}{rows}{self._hints_as_html()}</div>"
        )

    def _hints_as_html(self) -> str:
        """Return the first hint in plain sight, and each further one folded into the one before.

        An answer that was not given yet has all of them folded.
        """
        if self.verdict is Verdict.PASS:
            return ""
        is_open = self.verdict is Verdict.TODO
        shown = f"<div>{UNANSWERED}</div>" if is_open else ""
        first, rest = ((), self.hints) if is_open else (self.hints[:1], self.hints[1:])
        shown += "".join(f"<div>Hint: {html.escape(hint)}</div>" for hint in first)
        folded = ""
        for number, hint in reversed([*enumerate(rest)]):
            summary = "A hint" if is_open and number == 0 else "Another hint"
            folded = (
                f"<details><summary style='cursor:pointer'>{summary}</summary>"
                f"<div style='padding-left:12px'>{html.escape(hint)}{folded}</div></details>"
            )
        return shown + folded

    def _ipython_display_(self) -> None:
        """Show the box, but not twice when the check is also a cell's last expression."""
        shell = frontend.shell()
        count = getattr(shell, "execution_count", 0)
        if self._shown_in != count:
            self._shown_in = count
            _show(self)

    def _facts(self) -> list[tuple[str, Any]]:
        facts = [("expected", self.expected), ("got", self.got)]
        return [(word, value) for word, value in facts if value is not MISSING]


def expect(
    condition: Any,
    sentence: str,
    *,
    got: Any = MISSING,
    expected: Any = MISSING,
    hint: str | Sequence[str] = (),
) -> Check:
    """Show whether a condition holds.

    Args:
        condition: True or False, numpy's and pandas' too. `...` is an answer not given yet.
        sentence: What holds, e.g. "each interface has the request and the reply".
        got: What was seen; `...`, alone or in a tuple, is an answer not given yet.
        expected: What should have been seen.
        hint: What to try if it does not hold; several are shown one by one, on request.

    Raises:
        CheckFailed: It does not hold, or is neither true nor false, and nobody sits in front.
    """
    hints = (hint,) if isinstance(hint, str) else tuple(hint)
    if condition is ... or _is_open(got):
        check = Check(Verdict.TODO, sentence, hints=hints)
    elif (holds := _truth(condition)) is None:
        check = Check(
            Verdict.FAIL, sentence, got=_kind(condition), expected="True or False",
            hints=("Compare with == or in, and reduce a column by .all() or .any().",),
        )  # fmt: skip
    else:
        verdict = Verdict.PASS if holds else Verdict.FAIL
        check = Check(verdict, sentence, got, expected, hints)
    return _settle(check)


def todo(sentence: str, *, hint: str | Sequence[str] = ()) -> Check:
    """Show something that is still to be done; never raises."""
    hints = (hint,) if isinstance(hint, str) else tuple(hint)
    return _settle(Check(Verdict.TODO, sentence, hints=hints))


def _settle(check: Check) -> Check:
    check._ipython_display_()
    attempts.note(check.sentence, check.verdict.value)
    if check.verdict is Verdict.FAIL and not frontend.is_attended():
        raise CheckFailed(repr(check).removeprefix(f"{MARKS[Verdict.FAIL]} FAIL "))
    return check


def _show(check: Check) -> None:
    if frontend.shell() is None:
        print(repr(check))
        return
    from IPython.display import display

    display(
        {"text/html": check._repr_html_(), "text/plain": repr(check)},
        metadata={frontend.CHECK_METADATA: check.verdict.value},
        raw=True,
    )


def _is_open(answer: Any) -> bool:
    """Tell whether an answer, or a part of it, is still `...`."""
    return answer is ... or (isinstance(answer, tuple) and any(one is ... for one in answer))


def _truth(condition: Any) -> bool | None:
    """Return a truth value, or None for what is neither true nor false (a column, pandas.NA)."""
    if isinstance(condition, np.ndarray) and condition.ndim == 0:
        condition = condition[()]
    return bool(condition) if isinstance(condition, bool | np.bool_) else None


def _kind(value: Any) -> str:
    shape = f" of shape {value.shape}" if hasattr(value, "shape") else ""
    return f"{type(value).__name__}{shape}: {_short(value)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"

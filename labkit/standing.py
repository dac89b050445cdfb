"""How far a participant is: which notebooks' checks have passed, and when."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from labkit import attempts, notebooks
from labkit.attempts import Attempt

DONE_COLORS = "color:#0b3d1e;background:#e7f6ec"  # as a check that passed


@dataclass(frozen=True, slots=True)
class Page:
    """One notebook, and what of it has been done.

    Attributes:
        name: The notebook's, without its suffix.
        title: Its heading.
        checks: How many checks it has.
        passed: How many of them have passed, be it once.
        last_at: When one passed last; None if none did.
    """

    name: str
    title: str
    checks: int
    passed: int
    last_at: datetime | None

    @property
    def is_done(self) -> bool:
        """Whether all its checks have passed."""
        return self.checks == self.passed

    @property
    def when(self) -> str:
        """The time of the last check that passed, as a text."""
        return f"{self.last_at:%Y-%m-%d %H:%M} UTC" if self.last_at else ""


@dataclass(frozen=True, slots=True, repr=False)
class Standing:
    """All notebooks, in order."""

    pages: tuple[Page, ...]

    def __repr__(self) -> str:
        return "\n".join(
            f"{'✓' if page.is_done else ' '} {page.name:<24} "
            f"{page.passed:>2} of {page.checks:>2} checks  {page.when}".rstrip()
            for page in self.pages
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left'>{text}</th>" for text in HEAD)
        rows = "".join(_row(page) for page in self.pages)
        return f"<table><tr>{head}</tr>{rows}</table>"


HEAD = ("", "page", "checks passed", "the last one")


def _row(page: Page) -> str:
    mark, color = ("✓", f" style='{DONE_COLORS}'") if page.is_done else ("", "")
    link = f"<a href='{page.name}.ipynb'>{html.escape(page.title)}</a>"
    texts = (link, f"{page.passed} of {page.checks}", page.when)
    cells = "".join(f"<td style='text-align:left'>{text}</td>" for text in texts)
    return f"<tr><td{color}>{mark}</td>{cells}</tr>"


def read(folder: Path = notebooks.FOLDER) -> Standing:
    """Return how far the participant of this LABKIT_HOME is.

    Raises:
        EmulatorError: LABKIT_HOME cannot be written.
    """
    made = attempts.read()
    return Standing(
        tuple(
            _page(path, [one for one in made if one.notebook == path.stem])
            for path in notebooks.find(folder)
        )
    )


def _page(path: Path, made: Sequence[Attempt]) -> Page:
    passed = [one for one in made if one.verdict == attempts.PASSED]
    patterns = notebooks.checks_of(path)
    count = sum(
        any(pattern.fullmatch(one.sentence) for one in passed) for pattern in patterns
    )  # fmt: skip
    last_at = max((one.at for one in passed), default=None)
    return Page(path.stem, notebooks.title_of(path), len(patterns), count, last_at)

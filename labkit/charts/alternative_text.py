"""What a picture shows, in words: its alternative text, for those who do not see it.

A notebook's picture is a PNG, and its alternative text a part of the output's metadata: nbconvert
writes it into the HTML report. JupyterLab shows no such text of a PNG, so where a person sits in
front, the picture comes as an HTML image, too, which JupyterLab prefers.
"""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit import frontend

_texts: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()


def describe(ax: Axes, text: str) -> Axes:
    """Give axes their alternative text, and return them."""
    _texts[ax] = " ".join(text.split())
    _install()
    return ax


def description(picture: Axes | Figure) -> str:
    """Return the alternative text of axes, or of all of a figure's; "" where there is none."""
    if isinstance(picture, Axes):
        return _texts.get(picture, "")
    return " ".join(_texts[ax] for ax in picture.axes if ax in _texts)


def _install() -> None:
    """Have IPython show figures with their text; Matplotlib's own way of drawing them stays."""
    shell = frontend.shell()
    formatters = getattr(getattr(shell, "display_formatter", None), "formatters", {})
    png = formatters.get("image/png")
    draw = png.type_printers.get(Figure) if png else None
    if png is None or draw is None or isinstance(draw, _Picture):
        return  # drawn otherwise than as PNG, or ours already
    picture = _Picture(draw)
    png.for_type(Figure, picture)
    formatters["text/html"].for_type(Figure, picture.as_html)


class _Picture:
    """Shows a figure: a PNG with alternative text, and an HTML image where a person looks."""

    def __init__(self, draw: Callable[[Figure], Any]) -> None:
        self._draw = draw
        self._drawn: WeakKeyDictionary[Figure, Any] = WeakKeyDictionary()

    def __call__(self, figure: Figure) -> Any:
        drawn = self._drawn.pop(figure, None) or self._draw(figure)
        text = description(figure)
        if drawn is None or not text:
            return drawn
        data, metadata = drawn if isinstance(drawn, tuple) else (drawn, {})
        return data, {**metadata, "alt": text}

    def as_html(self, figure: Figure) -> str | None:
        """Return the HTML image, or None where the PNG will do; IPython asks for this first."""
        text = description(figure)
        if not text or not frontend.is_attended():
            return None
        drawn = self._drawn[figure] = self._draw(figure)
        data, metadata = drawn if isinstance(drawn, tuple) else (drawn, {})
        data = data if isinstance(data, str) else b64encode(data).decode()
        width = f' width="{metadata["width"]}"' if "width" in metadata else ""
        alt = html.escape(text, quote=True)
        return f'<img alt="{alt}"{width} src="data:image/png;base64,{data.strip()}">'

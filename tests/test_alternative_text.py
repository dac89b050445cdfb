"""A picture's text reaches who does not see it: in the output's metadata, and as an HTML image."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats

from labkit import charts, frontend
from labkit.charts.alternative_text import describe

SENTENCE = 'Two bars: "ACCEPT" & <REJECT>.'


@pytest.fixture(params=["png", "retina"])
def shell(request, monkeypatch):
    """IPython's shell as a notebook has it, with figures drawn inline."""
    mpl.use("Agg")
    shell = InteractiveShell()
    select_figure_formats(shell, {request.param})
    monkeypatch.setattr(frontend, "shell", lambda: shell)
    yield shell
    plt.close("all")


def shown(shell, figure):
    return shell.display_formatter.format(figure)


def described():
    figure, ax = plt.subplots()
    describe(ax, SENTENCE)
    return figure


def test_nobody_in_front_gets_a_png_with_the_text_as_metadata(shell, monkeypatch):
    monkeypatch.setattr(frontend, "is_attended", lambda: False)
    data, metadata = shown(shell, described())
    assert data["image/png"] and "text/html" not in data
    assert metadata["image/png"]["alt"] == SENTENCE


def test_a_person_gets_an_html_image_with_the_text(shell, monkeypatch):
    monkeypatch.setattr(frontend, "is_attended", lambda: True)
    data, metadata = shown(shell, described())
    assert 'alt="Two bars: &quot;ACCEPT&quot; &amp; &lt;REJECT&gt;."' in data["text/html"]
    assert 'src="data:image/png;base64,iVBOR' in data["text/html"]
    assert data["image/png"] and metadata["image/png"]["alt"] == SENTENCE


def test_a_figure_without_a_text_is_shown_as_ever(shell):
    described()
    data, metadata = shown(shell, plt.subplots()[0])
    assert data["image/png"] and "text/html" not in data
    assert "alt" not in metadata.get("image/png", {})


def test_a_figure_of_two_axes_tells_both(shell):
    figure, axes = plt.subplots(2)
    for ax, text in zip(axes, ("One.", "Two."), strict=True):
        describe(ax, text)
    assert charts.description(figure) == "One. Two."


def test_figures_that_are_not_drawn_as_png_are_left_alone(shell):
    select_figure_formats(shell, {"svg"})
    data, _ = shown(shell, described())
    assert "image/svg+xml" in data and "text/html" not in data

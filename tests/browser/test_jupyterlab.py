"""A participant's way: the notebooks in a real JupyterLab, Run > Run All Cells, in Chromium."""

import html
import os
import re
import shutil
from pathlib import Path

import lab_page
import nbformat
import pytest

from labkit import notebooks

pytestmark = pytest.mark.browser
NAMES = [path.name for path in notebooks.find()]


@pytest.fixture
def keep(tmp_path):
    """A function that keeps a picture, in LABKIT_SCREENSHOTS if that is set."""
    folder = Path(os.environ.get("LABKIT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def keep_it(page, name):
        lab_page.picture_of_the_whole_notebook(page, folder / f"{name}.png")

    return keep_it


def test_opening_the_kit_lists_the_notebooks_in_their_order(jupyterlab, page):
    page.goto(jupyterlab.url())
    page.wait_for_selector(".jp-DirListing-item")
    names = page.locator(".jp-DirListing-itemText").all_inner_texts()
    assert [name for name in names if name.endswith(".ipynb")] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_notebook_runs_in_order_and_no_check_fails(jupyterlab, page, keep, name):
    cells = lab_page.run_all_cells(page, jupyterlab.url(name))
    keep(page, name)
    assert not lab_page.errors(cells)
    verdicts = lab_page.verdicts(cells)
    assert "PASS" in verdicts and "FAIL" not in verdicts


def test_the_first_page_shows_the_titles_in_order_and_which_checks_have_passed(jupyterlab, page):
    """After the run above, and after a restart of Jupyter."""
    jupyterlab.stop()
    jupyterlab.start()
    cells = lab_page.run_all_cells(page, jupyterlab.url(NAMES[0]))
    (table,) = [text for text in lab_page.html_outputs(cells) if "checks passed" in text]
    rows = re.findall(r"href='(.+?)'>(.+?)</a></td>.+?>(\d+) of (\d+)</td>.+? UTC</td>", table)
    titles = [(path.name, notebooks.title_of(path)) for path in notebooks.find()]
    assert [(name, html.unescape(title)) for name, title, _, _ in rows] == titles
    assert all(0 < int(passed) <= int(total) for _, _, passed, total in rows)
    told = jupyterlab.labkit("status")
    assert all(path.stem in told for path in notebooks.find())
    assert " 0 of" not in told


@pytest.mark.parametrize("name", ["00_start_here.ipynb", "07_find_the_scanner.ipynb"])
def test_with_its_exercises_solved_each_check_passes(jupyterlab, page, keep, name):
    solved = jupyterlab.home / "notebooks" / f"solved_{name}"
    nbformat.write(notebooks.solved(notebooks.FOLDER / name), solved)
    cells = lab_page.run_all_cells(page, jupyterlab.url(solved.name))
    keep(page, solved.name)
    assert not lab_page.errors(cells)
    assert set(lab_page.verdicts(cells)) == {"PASS"}


def test_a_wrong_answer_shows_a_hint_and_a_further_one_on_request(jupyterlab, page, keep):
    wrong = jupyterlab.home / "notebooks/wrong.ipynb"
    source = (notebooks.FOLDER / "00_start_here.ipynb").read_text(encoding="utf-8")
    wrong.write_text(source.replace("ipv4_header_bytes = ...", "ipv4_header_bytes = 24"))
    cells = lab_page.run_all_cells(page, jupyterlab.url(wrong.name))
    assert not lab_page.errors(cells), "a failed check lets Run All go on"
    assert lab_page.verdicts(cells)[-1] == "FAIL"
    box = page.locator(".jp-OutputArea-output", has_text="✗ FAIL").last
    box.scroll_into_view_if_needed()
    assert box.get_by_text("Hint: Five words of 32 bits.").is_visible()
    assert not box.get_by_text("32 bits are 4 bytes.").is_visible()
    box.get_by_text("Another hint").first.click()
    assert box.get_by_text("32 bits are 4 bytes.").is_visible()
    assert not box.get_by_text("5 x 4 = 20.").is_visible()
    keep(page, "wrong_answer")


def test_in_the_dark_theme_boxes_and_pictures_stay_legible(jupyterlab, page, keep):
    """What has a background of its own sets its text's color, too: WCAG 2.1, 1.4.3."""
    lab_page.set_theme(jupyterlab.home, lab_page.DARK)
    jupyterlab.stop()
    jupyterlab.start()
    lab_page.run_all_cells(page, jupyterlab.url("00_start_here.ipynb"))
    assert page.locator("body").get_attribute("data-jp-theme-light") == "false"
    keep(page, "dark_00")
    shutil.copy(notebooks.FOLDER / "07_find_the_scanner.ipynb", jupyterlab.home / "notebooks")
    lab_page.run_all_cells(page, jupyterlab.url("07_find_the_scanner.ipynb"))
    keep(page, "dark_07")
    assert page.evaluate(LOWEST_CONTRAST) >= 4.5


LOWEST_CONTRAST = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const color = channels(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const ratios = [...document.querySelectorAll('.jp-RenderedHTMLCommon *')]
    .filter(node => [...node.childNodes].some(c => c.nodeType === 3 && c.data.trim()))
    .filter(node => node.checkVisibility())
    .map(node => [light(channels(getComputedStyle(node).color)), light(behind(node))].sort())
    .map(([dark, bright]) => (Math.max(dark, bright) + 0.05) / (Math.min(dark, bright) + 0.05));
  return Math.min(...ratios);
}"""

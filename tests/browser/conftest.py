"""JupyterLab and Chromium, one of each for the tests of a module."""

import lab_page
import pytest


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory):
    """A running JupyterLab; its emulator ends with it."""
    started = lab_page.prepare(tmp_path_factory.mktemp("jupyterlab"))
    started.start()
    yield started
    started.stop()
    started.labkit("emulator", "stop")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if lab_page.CHROMIUM is None:
        reason = "no Chromium on this machine"
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("chromium")),
            executable_path=lab_page.CHROMIUM,
            headless=True,
            args=lab_page.CHROMIUM_OPTIONS,
            viewport={"width": 1400, "height": 1000},
        )
        yield context.pages[0]
        context.close()

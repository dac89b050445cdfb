"""A participant's way: the notebooks in a real JupyterLab, Run > Run All Cells, in Chromium."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.browser

# Plain functions, not async ones: wait_for_function takes a promise for true and returns at once.
KERNEL_IS_READY = """() => {
  const app = window.jupyterapp, panel = app?.shell?.currentWidget;
  if (!panel?.context?.isReady || !panel.content?.model) return false;
  const kernel = panel.sessionContext?.session?.kernel;
  return !!kernel && panel.sessionContext.isReady && kernel.connectionStatus === 'connected'
    && kernel.status === 'idle' && app.commands.isEnabled('runmenu:run-all');
}"""
CODE_CELLS = """() => jupyterapp.shell.currentWidget.content.model.sharedModel.cells
  .filter(cell => cell.cell_type === 'code').map(cell => cell.toJSON())"""
ALL_CELLS_RAN = """() => {
  const panel = jupyterapp.shell.currentWidget;
  const cells = panel.content.model.sharedModel.cells
    .filter(cell => cell.cell_type === 'code' && cell.source.trim());
  return panel.sessionContext.session.kernel.status === 'idle'
    && (cells.every(cell => cell.execution_count != null)
        || cells.some(cell => cell.outputs.some(output => output.output_type === 'error')))
    && [...document.querySelectorAll('.jp-InputArea-prompt')]
      .every(prompt => !prompt.innerText.includes('*'));
}"""
NOTEBOOK_HEIGHT = """() => {
  const outer = document.querySelector('.jp-WindowedPanel-outer'); outer.scrollTop = 0;
  const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
  return Math.max(...cells.map(e => e.getBoundingClientRect().bottom))
    - outer.getBoundingClientRect().top;
}"""


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory):
    """The address of a JupyterLab over a copy of the notebooks, with a home of its own."""
    home = tmp_path_factory.mktemp("jupyterlab")
    shutil.copytree(NOTEBOOKS, home / "notebooks")
    settings = home / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "LABKIT_HOME": "labkit",
    }
    environment = os.environ | {name: str(home / folder) for name, folder in folders.items()}
    log = home / "jupyterlab.log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--expose-app-in-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={home / 'notebooks'}"]
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        wait_for_server(server, f"http://127.0.0.1:{port}/api/status?token={token}", log)
        yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}&reset"
    finally:
        server.terminate()
        server.wait(20)
        stop = [sys.executable, "-m", "labkit", "emulator", "stop"]
        subprocess.run(stop, env=environment, check=True, capture_output=True)


def wait_for_server(server, url, log):
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not answer:\n{log.read_text()}")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    if CHROMIUM is None:
        reason = "no Chromium on this machine"
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("chromium")),
            executable_path=CHROMIUM,
            headless=True,
            args=CHROMIUM_OPTIONS,
            viewport={"width": 1400, "height": 1000},
        )
        yield context.pages[0]
        context.close()


def run_all_cells(page, url):
    page.goto(url)
    page.wait_for_function(KERNEL_IS_READY, timeout=60_000, polling=200)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_CELLS_RAN, timeout=180_000, polling=250)
    return page.evaluate(CODE_CELLS)


def picture_of_the_whole_notebook(page, path):
    page.evaluate(
        "() => { const notebook = jupyterapp.shell.currentWidget.content;"
        " notebook.notebookConfig = {...notebook.notebookConfig, windowingMode: 'none'}; }"
    )
    page.wait_for_timeout(500)
    height = min(int(page.evaluate(NOTEBOOK_HEIGHT)) + 160, 12_000)
    page.set_viewport_size({"width": 1400, "height": height})
    page.wait_for_timeout(500)
    page.evaluate("() => { document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0; }")
    page.wait_for_timeout(300)
    page.screenshot(path=path)
    page.set_viewport_size({"width": 1400, "height": 1000})


def outputs_as_text(cells):
    return [
        "".join(output.get("data", {}).get("text/plain", "") or output.get("text", ""))
        for cell in cells
        for output in cell["outputs"]
    ]


@pytest.mark.parametrize("name", [path.name for path in sorted(NOTEBOOKS.glob("*.ipynb"))])
def test_every_notebook_runs_in_order_and_every_check_holds(jupyterlab, page, name, tmp_path):
    cells = run_all_cells(page, jupyterlab.format(name))
    picture_of_the_whole_notebook(page, str(tmp_path / f"{name}.png"))
    errors = [
        output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"
    ]
    assert not errors
    checks = [text for text in outputs_as_text(cells) if text.startswith(("✓", "✗"))]
    assert checks and not [text for text in checks if text.startswith("✗")]

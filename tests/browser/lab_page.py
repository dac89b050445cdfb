"""What the browser tests do with a JupyterLab: start one, open a notebook in it, run, look."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
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
DARK = "JupyterLab Dark"

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


@dataclass
class JupyterLab:
    """A JupyterLab over a copy of the notebooks, with a home of its own."""

    home: Path
    port: int
    token: str

    @property
    def environment(self) -> dict[str, str]:
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "LABKIT_HOME": "labkit",
        }
        return os.environ | {name: str(self.home / folder) for name, folder in folders.items()}

    def url(self, name: str = "") -> str:
        where = f"lab/tree/{name}" if name else "lab"
        return f"http://127.0.0.1:{self.port}/{where}?token={self.token}&reset"

    def start(self) -> None:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += ["--expose-app-in-browser", "--ip=127.0.0.1", f"--port={self.port}"]
        command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}"]
        command += [f"--ServerApp.root_dir={self.home / 'notebooks'}"]
        self.log = self.home / "jupyterlab.log"
        with self.log.open("a") as output:
            self.server = subprocess.Popen(
                command, env=self.environment, stdout=output, stderr=output
            )
        self._wait()

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait(20)

    def labkit(self, *arguments: str) -> str:
        """Run the command as the participant of this home; return what it prints."""
        command = [sys.executable, "-m", "labkit", *arguments]
        done = subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def _wait(self) -> None:
        address = f"http://127.0.0.1:{self.port}/api/status?token={self.token}"
        for _ in range(600):
            assert self.server.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(address, timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        pytest.fail(f"JupyterLab did not answer:\n{self.log.read_text()}")


def prepare(home: Path) -> JupyterLab:
    """Return a JupyterLab that has not been started, with settings that hide its news."""
    shutil.copytree(NOTEBOOKS, home / "notebooks")
    set_setting(home, "notification", '{"fetchNews": "false", "checkForUpdates": false}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return JupyterLab(home, port, secrets.token_hex(16))


def set_setting(home: Path, name: str, text: str) -> None:
    settings = home / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / f"{name}.jupyterlab-settings").write_text(text)


def set_theme(home: Path, theme: str) -> None:
    set_setting(home, "themes", f'{{"theme": "{theme}"}}')


def run_all_cells(page, url, timeout_s=180):
    open_notebook(page, url)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(ALL_CELLS_RAN, timeout=timeout_s * 1000, polling=250)
    return page.evaluate(CODE_CELLS)


def open_notebook(page, url):
    page.goto(url)
    page.wait_for_function(KERNEL_IS_READY, timeout=90_000, polling=200)


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
    page.screenshot(path=str(path))
    page.set_viewport_size({"width": 1400, "height": 1000})


def errors(cells):
    return [
        output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"
    ]


def verdicts(cells):
    """Return how the checks came out, in order, by what marks their outputs."""
    return [
        output["metadata"]["labkit-check"]
        for cell in cells
        for output in cell["outputs"]
        if "labkit-check" in output.get("metadata", {})
    ]


def html_outputs(cells):
    outputs = [output for cell in cells for output in cell["outputs"]]
    return [
        "".join(one["data"]["text/html"]) for one in outputs if "text/html" in one.get("data", {})
    ]

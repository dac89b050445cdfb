"""A lab as its users have it: an emulator of its own, the console script, plain papermill."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from labkit import aws, emulator_process

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@dataclass
class Lab:
    """One participant's shell, and a boto3 session that sees the same lab."""

    environment: dict[str, str]
    session: boto3.Session
    folder: Path

    def run(self, *command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        words[0] = str(BIN / words[0])
        return subprocess.run(
            words, env=self.environment, cwd=cwd, capture_output=True, text=True, timeout=300
        )

    def papermill(
        self, name: str, *options: object, cwd: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        """Run one notebook by plain papermill, by default from the root of the repository."""
        (source,) = (ROOT / "notebooks").glob(f"{name}*.ipynb")
        command = ["papermill", "--no-progress-bar", "--log-level", "ERROR"]
        target = self.folder / source.name
        return self.run(*command, source.relative_to(cwd), target, *options, cwd=cwd)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    run_file = emulator_process.start(folder / "home")
    hidden = {name for name in os.environ if name.startswith("AWS_")}
    environment = {name: text for name, text in os.environ.items() if name not in hidden}
    environment |= {"LABKIT_HOME": str(folder / "home"), "IPYTHONDIR": str(folder / "ipython")}
    yield Lab(environment, aws.on_emulator(run_file), folder)
    emulator_process.stop(folder / "home")


@pytest.fixture
def passes():
    def check(done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return check

"""moto's EC2, imported without the half of its data that hardly anybody asks for.

Importing it reads which instance types each region and zone offers: 97 files, half a second.
Here a region's file is read when that region is asked for. It also asks a new boto3 session for
EC2's regions, which reads the largest of the service models once more.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import botocore.session
from moto.utilities import utils

from labkit.emulator.service_models import LOADER

OFFERINGS = "ec2/resources/instance_type_offerings"

_importing = threading.Lock()


def load() -> None:
    """Import moto's EC2, if that was not done yet."""
    with _importing:
        if "moto.ec2.models" in sys.modules:
            return
        read = utils.load_resource

        def without_offerings(path: str) -> Any:
            return [] if path.startswith(OFFERINGS) else read(path)

        with (
            _replaced(utils, "load_resource", without_offerings),
            _replaced(botocore.session, "create_loader", lambda *_: LOADER),
        ):
            from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS as offerings
        for location_type in offerings:
            offerings[location_type] = Offerings(location_type, read)


class Offerings(Mapping[str, Any]):
    """The instance types that each region offers, in one of three ways; as moto keeps them."""

    def __init__(self, location_type: str, read: Any):
        self._type = location_type
        self._folder = f"{OFFERINGS}/{location_type}"
        files = resources.files("moto") / self._folder
        self._files = {file.name.split(".")[0]: file.name for file in files.iterdir()}
        self._read = cache(read)

    def __getitem__(self, region: str) -> list[dict[str, Any]]:
        found = self._read(f"{self._folder}/{self._files[region]}")
        for offering in found:
            offering["LocationType"] = self._type
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    """Let a module have another function for a while."""
    kept = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, kept)

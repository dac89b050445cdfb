"""AWS's service models, read from botocore's files once for everybody in this process.

moto parses and answers by them and so do boto3's clients; each with a loader of its own would read
them again (EC2's takes a third of a second).
"""

from __future__ import annotations

import threading
from typing import Any

from botocore.loaders import Loader
from moto.core.utils import get_service_model

_reading = threading.RLock()


class SharedLoader(Loader):
    """A loader of botocore's that has what moto's has, with the same dictionaries.

    Not S3's: botocore takes the bucket out of the paths of the dictionary itself.
    """

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> dict[str, Any]:
        if type_name == "service-2" and api_version is None and service_name != "s3":
            return description(service_name)
        found: Any = super().load_service_model(service_name, type_name, api_version)
        return found


def description(service: str) -> dict[str, Any]:
    """Return the model of a service as its file has it."""
    with _reading:
        model: Any = get_service_model(service)
    return model._service_description

"""AWS's service models, read from botocore's files once for everybody in this process.

moto answers by them and boto3's clients call by them. Each would read them with a loader of its
own, moto with a new one for each service, and each loader looks through the folders of all AWS
services first: a second altogether, at the emulator's start.
"""

from __future__ import annotations

import copy
from typing import Any

import moto.core.utils
from moto.core.loaders import Loader, moto_root


class SharedLoader(Loader):
    """moto's loader, which keeps what it has read, for boto3's sessions, too."""

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> dict[str, Any]:
        """Return a model; S3's is a copy: botocore takes the bucket out of the paths in it."""
        found: Any = super().load_service_model(service_name, type_name, api_version)
        return copy.deepcopy(found) if service_name == "s3" else found


LOADER = SharedLoader(extra_search_paths=[moto_root])

replaced: Any = moto.core.utils
replaced.create_loader = lambda: LOADER

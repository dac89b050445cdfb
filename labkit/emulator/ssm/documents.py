"""AWS-RunShellScript, and what SendCommand may ask of it.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/
documents-command-ssm-plugin-reference.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.emulator.refusal import ServiceError, not_emulated

RUN_SHELL_SCRIPT = "AWS-RunShellScript"
PLUGIN = "aws:runShellScript"
VERSIONS = ("1", "$DEFAULT", "$LATEST")
PARAMETERS = ("commands", "workingDirectory", "executionTimeout")
DEFAULT_TIMEOUT_S = 3600
SHORTEST_TIMEOUT_S = 5
MAX_PARAMETERS_BYTES = 97 * 1024

_OTHERS = """
AWS-ApplyAnsiblePlaybooks AWS-ApplyChefRecipes AWS-ApplyPatchBaseline AWS-ConfigureAWSPackage
AWS-ConfigureCloudWatch AWS-ConfigureDocker AWS-ConfigureWindowsUpdate AWS-FindWindowsUpdates
AWS-GatherSoftwareInventory AWS-InstallApplication AWS-InstallMissingWindowsUpdates
AWS-InstallPowerShellModule AWS-InstallSpecificWindowsUpdates AWS-InstallWindowsUpdates
AWS-JoinDirectoryServiceDomain AWS-ListWindowsInventory AWS-RunAnsiblePlaybook AWS-RunDockerAction
AWS-RunDocument AWS-RunInspecChecks AWS-RunPatchBaseline AWS-RunPatchBaselineAssociation
AWS-RunPatchBaselineWithHooks AWS-RunPowerShellScript AWS-RunRemoteScript AWS-RunSaltState
AWS-UpdateEC2Config AWS-UpdateSSMAgent AmazonCloudWatch-ManageAgent
"""
NOT_EMULATED = frozenset(_OTHERS.split())
"""Command documents that AWS has and the emulator refuses by name."""

# The allowedPattern of the document's parameter: 1 to 172800.
_TIMEOUT = re.compile(
    "([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)"
)


@dataclass(frozen=True, slots=True)
class Script:
    """Shell lines to run."""

    lines: tuple[str, ...]
    working_directory: str | None
    execution_timeout_s: int


def check_document(asked: Mapping[str, Any]) -> None:
    """Refuse every document but AWS-RunShellScript."""
    name = asked["DocumentName"].rpartition(":document/")[2]
    if name in NOT_EMULATED:
        raise not_emulated("ssm", f"SendCommand with the document {name}")
    if name != RUN_SHELL_SCRIPT:
        raise ServiceError("InvalidDocument", f"Document with name {name} does not exist.")
    version = asked.get("DocumentVersion", "$DEFAULT")
    if version not in VERSIONS:
        message = f"Document version {version} is not valid for document {name}."
        raise ServiceError("InvalidDocumentVersion", message)


def read_script(parameters: Mapping[str, Sequence[str]]) -> Script:
    """Return the script that the document's parameters describe.

    A timeout under five seconds becomes an hour: the agent does that without a word.
    """
    for name in parameters:
        if name not in PARAMETERS:
            raise _invalid(f"{RUN_SHELL_SCRIPT} has no parameter {name}.")
    if len(json.dumps(parameters).encode()) > MAX_PARAMETERS_BYTES:
        message = "The parameters are longer than 97 KB."
        raise ServiceError("MaxDocumentSizeExceeded", message)
    lines = tuple(parameters.get("commands", ()))
    if not lines:
        raise _invalid(f"{RUN_SHELL_SCRIPT} needs the parameter commands.")
    directory = _single(parameters, "workingDirectory") or None
    return Script(lines, directory, _timeout_s(_single(parameters, "executionTimeout")))


def _timeout_s(text: str) -> int:
    if not text:
        return DEFAULT_TIMEOUT_S
    if not _TIMEOUT.fullmatch(text):
        raise _invalid(f"executionTimeout is '{text}': it must be 1 to 172800, in seconds.")
    return int(text) if int(text) >= SHORTEST_TIMEOUT_S else DEFAULT_TIMEOUT_S


def _single(parameters: Mapping[str, Sequence[str]], name: str) -> str:
    values = parameters.get(name, ())
    if len(values) > 1:
        raise _invalid(f"{name} is a string: give one value.")
    return values[0] if values else ""


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameters", message)

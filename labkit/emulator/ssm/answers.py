"""Commands and invocations in the shapes of SSM's answers; what is not set is an empty text.

Source: docs.aws.amazon.com/systems-manager/latest/APIReference/API_Command.html,
API_CommandInvocation.html, API_CommandPlugin.html and API_GetCommandInvocation.html
"""

from __future__ import annotations

from typing import Any

from labkit.emulator.ssm.commands import Command, Invocation
from labkit.emulator.ssm.documents import PLUGIN, RUN_SHELL_SCRIPT
from labkit.emulator.ssm.output import combined
from labkit.emulator.ssm.output_to_s3 import STDERR, STDOUT
from labkit.emulator.ssm.times import as_datetime, as_text, duration

NOT_STARTED = -1


def command(found: Command) -> dict[str, Any]:
    """Return a command as ListCommands answers it."""
    asked, status = found.asked, found.status
    return {
        **_shared(found),
        "CommandId": found.id,
        "ExpiresAfter": as_datetime(found.expires_at),
        "Parameters": asked.get("Parameters", {}),
        "InstanceIds": asked.get("InstanceIds", []),
        "Targets": asked.get("Targets", []),
        "Status": status.status,
        "StatusDetails": status.details,
        **_output_s3(found),
        "MaxConcurrency": asked.get("MaxConcurrency", "50"),
        "MaxErrors": asked.get("MaxErrors", "0"),
        "TargetCount": len(found.invocations),
        "CompletedCount": found.count("Success", "Failed", "TimedOut", "Cancelled"),
        "ErrorCount": found.count("Failed", "ExecutionTimedOut"),
        "DeliveryTimedOutCount": found.count("DeliveryTimedOut"),
        "TimeoutSeconds": found.delivery_timeout_s,
    }


def just_sent(found: Command) -> dict[str, Any]:
    """Return a command as SendCommand answers it: Pending, with nothing counted yet."""
    counts = ("TargetCount", "CompletedCount", "ErrorCount", "DeliveryTimedOutCount")
    pending = {"Status": "Pending", "StatusDetails": "Pending"}
    return {**command(found), **pending, **dict.fromkeys(counts, 0)}


def invocation(found: Command, one: Invocation, *, details: bool) -> dict[str, Any]:
    """Return an invocation as ListCommandInvocations answers it; plugins only with details."""
    return {
        **_shared(found),
        "CommandId": found.id,
        "InstanceId": one.instance_id,
        "InstanceName": one.computer_name,
        "Status": one.status.status,
        "StatusDetails": one.status.details,
        "TraceOutput": "",
        **_urls(found, one),
        "CommandPlugins": [_plugin(found, one)] if details else [],
    }


def _plugin(found: Command, one: Invocation) -> dict[str, Any]:
    ended, status = one.outcome, one.status
    times = {
        "ResponseStartDateTime": one.started_at,
        "ResponseFinishDateTime": ended.ended_at if ended else None,
    }
    return {
        "Name": PLUGIN,
        "Status": "InProgress" if status.status == "Cancelling" else status.status,
        "StatusDetails": status.details,
        "ResponseCode": ended.exit_code if ended else NOT_STARTED,
        "Output": combined(ended.stdout, ended.stderr) if ended else "",
        **_urls(found, one),
        **_output_s3(found),
        **{name: as_datetime(at) for name, at in times.items() if at is not None},
    }


def plugin_output(found: Command, one: Invocation) -> dict[str, Any]:
    """Return an invocation as GetCommandInvocation answers it; no output before it has ended."""
    ended, status = one.outcome, one.status
    ended_at = ended.ended_at if ended else None
    return {
        "CommandId": found.id,
        "InstanceId": one.instance_id,
        "Comment": found.asked.get("Comment", ""),
        "DocumentName": RUN_SHELL_SCRIPT,
        "DocumentVersion": found.asked.get("DocumentVersion", ""),
        "PluginName": PLUGIN,
        "ResponseCode": ended.exit_code if ended else NOT_STARTED,
        "ExecutionStartDateTime": as_text(one.started_at),
        "ExecutionElapsedTime": duration(one.started_at, ended_at),
        "ExecutionEndDateTime": as_text(ended_at),
        "Status": status.status,
        "StatusDetails": status.details,
        "StandardOutputContent": ended.stdout if ended else "",
        "StandardErrorContent": ended.stderr if ended else "",
        **_urls(found, one),
        "CloudWatchOutputConfig": _no_cloudwatch_output(),
    }


def _output_s3(found: Command) -> dict[str, str]:
    place = found.output
    return {
        "OutputS3Region": place.bucket_region if place else found.region,
        "OutputS3BucketName": place.bucket if place else "",
        "OutputS3KeyPrefix": place.prefix if place else "",
    }


def _urls(found: Command, one: Invocation) -> dict[str, str]:
    """Return where stdout and stderr are in S3: told whether or not they could be written."""
    names = {"StandardOutputUrl": STDOUT, "StandardErrorUrl": STDERR}
    if found.output is None:
        return dict.fromkeys(names, "")
    return {key: found.output.url(found.id, one.instance_id, name) for key, name in names.items()}


def _no_cloudwatch_output() -> dict[str, Any]:
    return {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False}


def _shared(found: Command) -> dict[str, Any]:
    return {
        "Comment": found.asked.get("Comment", ""),
        "DocumentName": RUN_SHELL_SCRIPT,
        "DocumentVersion": found.asked.get("DocumentVersion", ""),
        "RequestedDateTime": as_datetime(found.requested_at),
        "ServiceRole": "",
        "NotificationConfig": {
            "NotificationArn": "",
            "NotificationEvents": [],
            "NotificationType": "",
        },
        "CloudWatchOutputConfig": _no_cloudwatch_output(),
    }

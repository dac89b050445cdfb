"""CreateFlowLogs, DescribeFlowLogs and DeleteFlowLogs.

Source: docs.aws.amazon.com/vpc/latest/userguide/working-with-flow-logs.html
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from labkit.emulator.ec2.filters import matching
from labkit.emulator.flow_logs import request
from labkit.emulator.flow_logs.destinations import (
    Unsuccessful,
    assume_role_context,
    check_bucket,
    check_role,
)
from labkit.emulator.flow_logs.flow_log import FlowLog, Settings, described, new_id
from labkit.emulator.flow_logs.registry import Registry
from labkit.emulator.operations import Call, Operations
from labkit.emulator.paging import page
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

FILTERS = {
    "deliver-log-status": "DeliverLogsStatus",
    "log-destination-type": "LogDestinationType",
    "flow-log-id": "FlowLogId",
    "log-group-name": "LogGroupName",
    "resource-id": "ResourceId",
    "traffic-type": "TrafficType",
}
RESOURCES = {
    # the operation that describes it, its filter, its answer's key, and AWS's words if missing
    "VPC": ("describe_vpcs", "vpc-id", "Vpcs", "InvalidVpcID.NotFound", "vpc"),
    "Subnet": ("describe_subnets", "subnet-id", "Subnets", "InvalidSubnetID.NotFound", "subnet"),
    "NetworkInterface": (
        "describe_network_interfaces",
        "network-interface-id",
        "NetworkInterfaces",
        "InvalidNetworkInterfaceID.NotFound",
        "networkInterface",
    ),
}


class Topology(Protocol):
    """What flow logs need of the topology."""

    def refresh(self, region: str, vpc_ids: Collection[str] | None = None) -> None: ...


class FlowLogs:
    """The operations on flow logs. Their tags are kept by moto, by their ids.

    Args:
        registry: the flow logs.
        inner: clients straight to moto.
        topology: told to read a VPC again, so that the next packet there is captured.
        clock: epoch seconds.
    """

    def __init__(
        self, registry: Registry, inner: Clients, topology: Topology, clock: Callable[[], float]
    ):
        self._registry = registry
        self._inner = inner
        self._topology = topology
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]] = {}

    def operations(self) -> Operations:
        return {
            ("ec2", "CreateFlowLogs"): self.create,
            ("ec2", "DescribeFlowLogs"): self.describe,
            ("ec2", "DeleteFlowLogs"): self.delete,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """Create a flow log for each resource; a destination that will not do fills Unsuccessful.

        The same ClientToken with the same parameters gives the first answer again.
        """
        asked = call.parameters
        ids = request.resource_ids(asked)
        settings = request.settings(asked, region=call.region, account_id=call.account_id)
        tags = request.tags(asked.get("TagSpecifications", ()))
        with self._lock:
            if earlier := self._earlier_answer(call):
                return earlier
            vpc_ids = {id_: self._vpc_of(asked["ResourceType"], id_, call) for id_ in ids}
            self._refuse_dry_run(asked)
            answer = self._create(call, settings, vpc_ids, tags)
        self._topology.refresh(call.region, set(vpc_ids.values()))
        return answer

    def _create(
        self, call: Call, settings: Settings, vpc_ids: Mapping[str, str], tags: list[dict[str, str]]
    ) -> dict[str, Any]:
        wanted = [replace(settings, resource_id=id_) for id_ in vpc_ids]
        self._refuse_duplicates(wanted, call.region)
        token = call.parameters.get("ClientToken") or uuid.uuid4().hex
        try:
            self._check_destination(call, settings)
        except Unsuccessful as reason:
            error = {"Code": "400", "Message": str(reason)}
            unsuccessful = [{"ResourceId": id_, "Error": error} for id_ in vpc_ids]
            return {"ClientToken": token, "FlowLogIds": [], "Unsuccessful": unsuccessful}
        made = [self._make(call, one, vpc_ids[one.resource_id], tags).id for one in wanted]
        answer = {"ClientToken": token, "FlowLogIds": made, "Unsuccessful": []}
        self._tokens[call.region, token] = (_without_token(call.parameters), answer)
        return answer

    def _make(
        self, call: Call, settings: Settings, vpc_id: str, tags: list[dict[str, str]]
    ) -> FlowLog:
        flow_log = FlowLog(
            id=new_id(),
            region=call.region,
            account_id=call.account_id,
            vpc_id=vpc_id,
            settings=settings,
            fields=request.fields(settings.log_format),
            created_at=datetime.fromtimestamp(self._clock(), UTC),
            destination_options=request.destination_options(call.parameters, settings),
            tag_field_specifications=call.parameters.get("TagFieldSpecifications"),
        )
        self._registry.add(flow_log)
        if tags:
            self._inner("ec2", call.region).create_tags(Resources=[flow_log.id], Tags=tags)
        return flow_log

    def _earlier_answer(self, call: Call) -> dict[str, Any] | None:
        found = self._tokens.get((call.region, call.parameters.get("ClientToken", "")))
        if found is None:
            return None
        parameters, answer = found
        if parameters != _without_token(call.parameters):
            message = "The client token was used before with other parameters."
            raise ServiceError("IdempotentParameterMismatch", message)
        return answer

    def _vpc_of(self, resource_type: str, id_: str, call: Call) -> str:
        operation, filter_, key, code, noun = RESOURCES[resource_type]
        describe = getattr(self._inner("ec2", call.region), operation)
        found = describe(Filters=[{"Name": filter_, "Values": [id_]}])[key]
        if not found:
            raise ServiceError(code, f"The {noun} ID '{id_}' does not exist")
        return found[0]["VpcId"]

    def _check_destination(self, call: Call, settings: Settings) -> None:
        if settings.role_arn is None:
            check_bucket(self._inner, settings, region=call.region, account_id=call.account_id)
        else:
            context = assume_role_context(call.account_id, call.region, new_id())
            check_role(self._inner, settings.role_arn, context, call.region)

    def _refuse_duplicates(self, wanted: Iterable[Settings], region: str) -> None:
        present = [item.settings for item in self._registry.in_region(region).values()]
        if any(settings in present for settings in wanted):
            raise ServiceError(
                "FlowLogAlreadyExists",
                "Error. There is an existing Flow Log with the same configuration and log "
                "destination.",
            )

    def describe(self, call: Call) -> dict[str, Any]:
        """Answer the flow logs of the region, oldest first."""
        asked = call.parameters
        found = self._found(call.region, asked.get("FlowLogIds", ()))
        self._refuse_dry_run(asked)
        tags = self._tags(call.region)
        answers = [
            described(item, self._registry.deliver_logs(item.id), tags(item.id)) for item in found
        ]
        answers = matching(answers, asked.get("Filter", ()), FILTERS)
        items, token = page(answers, asked.get("MaxResults"), asked.get("NextToken"))
        return {"FlowLogs": items, **({"NextToken": token} if token else {})}

    def delete(self, call: Call) -> dict[str, Any]:
        """Delete all of the flow logs, or none if one of them does not exist."""
        ids = call.parameters.get("FlowLogIds", ())
        if not ids:
            message = "The request must contain the parameter FlowLogIds"
            raise ServiceError("MissingParameter", message)
        with self._lock:
            found = self._found(call.region, ids)
            self._refuse_dry_run(call.parameters)
            tags = self._tags(call.region)
            for flow_log in found:
                self._registry.remove(flow_log.id)
                self._delete_tags(call.region, flow_log.id, tags(flow_log.id))
        self._topology.refresh(call.region, {flow_log.vpc_id for flow_log in found})
        return {"Unsuccessful": []}

    def _found(self, region: str, ids: Collection[str]) -> list[FlowLog]:
        here = self._registry.in_region(region)
        missing = [id_ for id_ in ids if id_ not in here]
        if missing:
            raise ServiceError(
                "InvalidFlowLogId.NotFound",
                "These flow log ids in the input list are not found: "
                f"[TotalCount: {len(missing)}] {' '.join(missing)}",
            )
        return [here[id_] for id_ in dict.fromkeys(ids)] if ids else list(here.values())

    def _tags(self, region: str) -> Callable[[str], list[dict[str, str]]]:
        """Return a look-up of the tags of this region's flow logs, by id."""
        filters = [{"Name": "resource-id", "Values": ["fl-*"]}]
        pages = self._inner("ec2", region).get_paginator("describe_tags").paginate(Filters=filters)
        tags = [tag for one in pages for tag in one["Tags"]]

        def of(flow_log_id: str) -> list[dict[str, str]]:
            mine = (tag for tag in tags if tag["ResourceId"] == flow_log_id)
            return [{"Key": tag["Key"], "Value": tag["Value"]} for tag in mine]

        return of

    def _delete_tags(self, region: str, flow_log_id: str, tags: list[dict[str, str]]) -> None:
        if tags:
            self._inner("ec2", region).delete_tags(Resources=[flow_log_id], Tags=tags)

    def _refuse_dry_run(self, asked: Mapping[str, Any]) -> None:
        if asked.get("DryRun"):
            message = "Request would have succeeded, but DryRun flag is set."
            raise ServiceError("DryRunOperation", message, 412)


def _without_token(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != "ClientToken"}

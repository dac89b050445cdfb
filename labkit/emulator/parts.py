"""All services of the emulator, built and connected to moto, to each other and to the hosts."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from labkit.emulator.athena.named_queries import NamedQueries
from labkit.emulator.athena.work_groups import WorkGroups
from labkit.emulator.cloudformation.stacks import Stacks
from labkit.emulator.ec2.addresses import Addresses
from labkit.emulator.ec2.dependencies import Dependencies
from labkit.emulator.ec2.guards import Guards
from labkit.emulator.ec2.instances import Instances, amended
from labkit.emulator.ec2.interfaces import Interfaces
from labkit.emulator.ec2.internet_gateways import InternetGateways
from labkit.emulator.ec2.launch_templates import LaunchTemplates
from labkit.emulator.ec2.network_acls import NetworkAcls
from labkit.emulator.ec2.vpc_endpoint_services import VpcEndpointServices
from labkit.emulator.ec2.vpc_endpoints import VpcEndpoints
from labkit.emulator.flow_logs.delivery import Delivery
from labkit.emulator.flow_logs.flow_logs import FlowLogs
from labkit.emulator.flow_logs.registry import Registry
from labkit.emulator.flow_logs.tags import Tags
from labkit.emulator.glue.catalog import Catalog
from labkit.emulator.iam.guards import Guards as IamGuards
from labkit.emulator.kms.keys import Keys
from labkit.emulator.logs.log_events import LogEvents
from labkit.emulator.logs.log_groups import LogGroups
from labkit.emulator.logs.put_log_events import PutLogEvents
from labkit.emulator.logs.resource_policies import ResourcePolicies
from labkit.emulator.operations import Operations
from labkit.emulator.ssm.agents import Agents
from labkit.emulator.ssm.dispatch import Dispatch
from labkit.emulator.ssm.nodes import ManagedNodes
from labkit.emulator.ssm.output_to_s3 import OutputToS3
from labkit.emulator.ssm.run_command import RunCommand
from labkit.emulator.ssm.worker import Worker
from labkit.emulator.sts.identities import Identities
from labkit.emulator.topology import Topology
from labkit.emulator.upstream import Clients, Moto
from labkit.emulator.vpc_reader import VpcReader


class Parts:
    """The services and what they share.

    Args:
        inner: clients straight to moto.
        outer: clients through the gateway.
        moto: for what no client can ask of it.
        pace: "lab" or "aws".
        start_data_plane: starts the data process and returns its handle; takes the callbacks of
            data_plane.handle.DataPlane.start.
    """

    def __init__(
        self,
        inner: Clients,
        outer: Clients,
        moto: Moto,
        *,
        pace: str,
        start_data_plane: Callable[..., Any],
    ):
        clock = time.time
        registry = Registry(inner)
        self.delivery = Delivery(registry, inner, outer, pace=pace, clock=clock)
        agents = Agents()
        self.data_plane = start_data_plane(
            on_records=self.delivery.deliver,
            on_started=lambda *started: dispatch.on_started(*started),
            on_finished=lambda outcome: dispatch.on_finished(outcome),
            on_agent=agents.on_agent,
        )
        addresses = Addresses(inner, moto)
        endpoints = VpcEndpoints(inner, addresses)
        interfaces = Interfaces(inner, endpoints, addresses)
        acls = NetworkAcls(inner)
        amend = {
            "NetworkInterfaces": interfaces.amended,
            "NetworkAcls": acls.amended,
            "Reservations": amended,
        }
        hold = partial(moto.turn, "ec2")
        describe = VpcReader(inner, amend, endpoints.described, hold)
        self.topology = Topology(describe, self.data_plane, registry.captures)
        nodes = ManagedNodes(self.topology, agents.last_heard_at, inner)
        output = OutputToS3(outer, nodes)
        self._worker = Worker("run-command")
        dispatch = Dispatch(self.data_plane, nodes, clock, output=output, later=self._worker.later)
        launch_templates = LaunchTemplates()
        work_groups = WorkGroups()
        self._services = (
            endpoints,
            VpcEndpointServices(inner),
            interfaces,
            acls,
            InternetGateways(inner),
            launch_templates,
            Instances(inner, addresses, launch_templates.data),
            Dependencies(inner),
            Guards(inner, outer),
            FlowLogs(registry, inner, self.topology, clock),
            Tags(inner),
            nodes,
            RunCommand(dispatch, inner, clock, output=output),
            LogEvents(inner),
            LogGroups(inner),
            PutLogEvents(inner, clock),
            ResourcePolicies(inner),
            Stacks(outer),
            Identities(inner),
            IamGuards(inner),
            Keys(inner),
            Catalog(inner),
            work_groups,
            NamedQueries(work_groups),
        )

    def operations(self) -> Operations:
        """Return all operations that are ours."""
        return {
            name: operation
            for service in self._services
            for name, operation in service.operations().items()
        }

    def stop(self) -> None:
        self.data_plane.stop()
        self._worker.stop()
        self.delivery.stop()

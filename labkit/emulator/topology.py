"""The VPCs as the public API describes them, handed to the data plane after each change."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from labkit.emulator.aggregation import Capture
from labkit.network.topology import Instance, NetworkInterface, Vpc, read_vpcs

Captures = Mapping[str, tuple[Capture, ...]]

_ID = re.compile(rb"\b(?:vpc|subnet|eni|i|sg|acl|rtb|vpce|[a-z]+assoc)-[0-9a-f]{8,17}\b")
_UNRELATED = re.compile(r"(Create|Delete)(Tags|FlowLogs)|.*KeyPair|.*InstanceMetadataOptions")
_STARTING = ("RunInstances", "StartInstances")


class DataPlane(Protocol):
    """What topology needs of the data process's handle."""

    def set_vpc(self, vpc_id: str, vpc: Vpc | None, captures: Captures) -> None: ...


class Topology:
    """Reads VPCs by describe_* calls, and keeps the data plane in step with them.

    A VPC is read at once when it has instances, else not before somebody asks for it: nothing
    can flow in it, and a stack's first calls need not pay for it.

    The thread that brings the data plane's answers must not ask: a read may be waiting for it.

    Args:
        describe: gives what makes up a VPC in a region, as read_vpcs takes it.
        data_plane: is told of each VPC with instances, and when one has none any more.
        captures: gives the flow logs that watch the interfaces of a VPC in a region.
    """

    def __init__(
        self,
        describe: Callable[[str, str], Mapping[str, Any]],
        data_plane: DataPlane,
        captures: Callable[[Vpc, str], Captures],
    ):
        self._describe = describe
        self._data_plane = data_plane
        self._captures = captures
        self._lock = threading.Lock()  # for the four dicts; never held while waiting
        self._vpcs: dict[str, tuple[str, Vpc]] = {}  # as last read, with the region
        self._stale: dict[str, str] = {}  # to be read before use: VPC -> region
        self._running: dict[str, str] = {}  # the data plane has it: VPC -> region
        self._vpc_of: dict[str, str] = {}  # what belongs to a VPC: id -> VPC
        self._turns: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def changed(self, service: str, operation: str, region: str, text: bytes) -> None:
        """Follow a mutating call: the gateway calls this before the answer goes out.

        The ids in the request and in its answer tell which VPCs it touched; where they do not,
        all VPCs of the region are read.
        """
        if service != "ec2" or _UNRELATED.match(operation):
            return
        ids = {match.decode() for match in _ID.findall(text)}
        touched = self._touched(ids)
        if touched:
            self.refresh(region, touched, at_once=operation in _STARTING)
        elif not operation.startswith("Create"):
            self.refresh(region)

    def refresh(
        self, region: str, vpc_ids: Collection[str] | None = None, *, at_once: bool = False
    ) -> None:
        """Read VPCs that have instances (None: all of the region) and tell the data plane.

        Returns when their rules are in force. The others are read when they are asked for, or
        now (at_once).
        """
        with self._lock:
            if vpc_ids is None:
                vpc_ids = [id_ for id_, where in self._running.items() if where == region]
            now = [id_ for id_ in vpc_ids if at_once or id_ in self._running]
            self._stale.update({id_: region for id_ in vpc_ids if id_ not in now})
        for vpc_id in now:
            self._read(region, vpc_id)

    def vpc(self, vpc_id: str) -> Vpc | None:
        """Return a VPC as it is now, or None where there is none."""
        if vpc_id in self._stale:
            self._read(self._stale[vpc_id], vpc_id)
        return self._vpcs.get(vpc_id, ("", None))[1]

    def with_instances(self, region: str) -> list[Vpc]:
        """Return the VPCs of a region that have instances."""
        return [vpc for where, vpc in self._running_vpcs() if where == region]

    def interface(self, interface_id: str) -> tuple[str, Vpc, NetworkInterface] | None:
        """Return a network interface with its region and VPC."""
        for region, vpc in self._current():
            if found := vpc.interfaces.get(interface_id):
                return region, vpc, found
        return None

    def instance(self, instance_id: str) -> tuple[str, Vpc, Instance] | None:
        """Return an instance with its region and VPC."""
        for region, vpc in self._running_vpcs():
            if found := vpc.instances.get(instance_id):
                return region, vpc, found
        return None

    def _running_vpcs(self) -> list[tuple[str, Vpc]]:
        """Return the VPCs that have instances: they are never stale, and need no reading."""
        with self._lock:
            return [self._vpcs[vpc_id] for vpc_id in self._running]

    def _current(self) -> list[tuple[str, Vpc]]:
        with self._lock:
            stale = dict(self._stale)
        for vpc_id, region in stale.items():
            self._read(region, vpc_id)
        with self._lock:
            return list(self._vpcs.values())

    def _touched(self, ids: Collection[str]) -> set[str]:
        """Return the VPCs that are named, or that hold something named.

        What is named beside one VPC and is not known yet belongs to it.
        """
        with self._lock:
            found = {id_ for id_ in ids if id_.startswith("vpc-")}
            found.update(self._vpc_of[id_] for id_ in ids if id_ in self._vpc_of)
            if len(found) == 1:
                (only,) = found
                self._vpc_of.update(dict.fromkeys(set(ids) - found, only))
            return found

    def _read(self, region: str, vpc_id: str) -> None:
        with self._turns[vpc_id]:
            with self._lock:
                self._stale.pop(vpc_id, None)
            vpc = read_vpcs(self._describe(region, vpc_id)).get(vpc_id)
            with self._lock:
                self._keep(region, vpc_id, vpc)
                running = vpc is not None and bool(vpc.instances)
                was_running = self._running.pop(vpc_id, None)
                if running:
                    self._running[vpc_id] = region
            if running and vpc is not None:
                self._data_plane.set_vpc(vpc_id, vpc, self._captures(vpc, region))
            elif was_running:
                self._data_plane.set_vpc(vpc_id, None, {})

    def _keep(self, region: str, vpc_id: str, vpc: Vpc | None) -> None:
        if vpc is None:
            self._vpcs.pop(vpc_id, None)
            self._vpc_of = {k: v for k, v in self._vpc_of.items() if v != vpc_id}
            return
        self._vpcs[vpc_id] = (region, vpc)
        parts = (
            vpc.subnets,
            vpc.interfaces,
            vpc.instances,
            vpc.security_groups,
            vpc.network_acls,
            vpc.route_tables,
        )
        self._vpc_of.update({id_: vpc_id for part in parts for id_ in part})

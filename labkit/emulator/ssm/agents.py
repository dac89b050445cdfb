"""What the data plane tells of the nodes' agents: whether their connections stand."""

from __future__ import annotations

import threading
from collections.abc import Mapping

ENDPOINTS = ("ssm", "ssmmessages")


class Agents:
    """The last word on each instance's agent. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard_at: dict[str, Mapping[str, float | None]] = {}

    def on_agent(self, instance_id: str, heard_at: Mapping[str, float | None]) -> None:
        """Take note, as data_plane.handle.DataPlane tells it; no services: there is no agent."""
        with self._lock:
            if heard_at:
                self._heard_at[instance_id] = heard_at
            else:
                self._heard_at.pop(instance_id, None)

    def last_heard_at(self, instance_id: str) -> float | None:
        """Return when the agent was last heard (epoch seconds); None if a connection is missing.

        It needs one to an `ssm` and one to an `ssmmessages` endpoint.
        """
        with self._lock:
            heard_at = self._heard_at.get(instance_id, {})
        times = [heard_at.get(service) for service in ENDPOINTS]
        known = [time for time in times if time is not None]
        return max(known) if len(known) == len(ENDPOINTS) else None

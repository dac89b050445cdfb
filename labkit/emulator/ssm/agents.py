"""What the data plane tells of the nodes' agents: whether their connections stand."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

ENDPOINTS = ("ssm", "ssmmessages")
SETTLING_S = 1.0
"""An agent that has just begun to connect is waited for that long: mostly some milliseconds."""


class Agents:
    """The last word on each instance's agent. Any thread may ask but the one that brings it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heard_at: dict[str, Mapping[str, float | None]] = {}
        self._settled_at: dict[str, float] = {}  # monotonic

    def on_agent(self, instance_id: str, heard_at: Mapping[str, float | None]) -> None:
        """Take note, as data_plane.handle.DataPlane tells it; no services: there is no agent."""
        with self._changed:
            if heard_at:
                if instance_id not in self._heard_at:
                    self._settled_at[instance_id] = time.monotonic() + SETTLING_S
                self._heard_at[instance_id] = heard_at
            else:
                self._heard_at.pop(instance_id, None)
                self._settled_at.pop(instance_id, None)
            self._changed.notify_all()

    def last_heard_at(self, instance_id: str) -> float | None:
        """Return when the agent was last heard (epoch seconds); None if a connection is missing.

        It needs one to an `ssm` and one to an `ssmmessages` endpoint.
        """
        with self._changed:
            while (heard_at := self._both(instance_id)) is None:
                wait_s = self._settled_at.get(instance_id, 0.0) - time.monotonic()
                if wait_s <= 0:
                    return None
                self._changed.wait(wait_s)
            return heard_at

    def _both(self, instance_id: str) -> float | None:
        heard_at = self._heard_at.get(instance_id, {})
        times = [heard_at.get(service) for service in ENDPOINTS]
        known = [at for at in times if at is not None]
        return max(known) if len(known) == len(ENDPOINTS) else None

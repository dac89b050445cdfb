"""Which capture windows passed an interface by without a packet: the NODATA records.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status
"""

import math
from collections.abc import Iterator, Mapping

from labkit.emulator.flow_records import Capture, FlowRecord, no_data


class QuietWindows:
    """The windows of all captures of one VPC, whole ones only.

    A window is disturbed by any packet at the interface, also by one that the capture's traffic
    type leaves out: NODATA says that there was no traffic.
    """

    def __init__(self) -> None:
        # The end of the window that is looked at next, by interface and capture; None: not yet
        # told what time it is.
        self._next_ends: dict[tuple[str, Capture], float | None] = {}
        self._disturbed: set[tuple[str, Capture, float]] = set()

    def watch(self, captures: Mapping[str, tuple[Capture, ...]]) -> None:
        """Watch these captures, by interface, and forget the others."""
        keys = [(id_, capture) for id_, found in captures.items() for capture in found]
        self._next_ends = {key: self._next_ends.get(key) for key in keys}
        self._disturbed = {one for one in self._disturbed if one[:2] in self._next_ends}

    def disturb(self, capture: Capture, interface_id: str, window_end: float) -> None:
        """Note a packet in the window that ends then."""
        self._disturbed.add((interface_id, capture, window_end))

    def close(self, vpc_id: str, now: float) -> Iterator[FlowRecord]:
        """Yield a record for each window that has ended without a packet.

        The first window that counts is the one after the first call.
        """
        for (interface_id, capture), next_end in self._next_ends.items():
            end = next_end
            if end is None:
                end = (math.ceil(now / capture.interval_s) + 1) * capture.interval_s
            while end <= now:
                if (interface_id, capture, end) not in self._disturbed:
                    yield no_data(capture, interface_id, vpc_id, end)
                end += capture.interval_s
            self._next_ends[interface_id, capture] = end
        self._disturbed = {one for one in self._disturbed if one[2] > now}

    def next_close(self) -> float:
        """Return a time before which ``close`` has nothing to do; infinity without captures."""
        ends = (-math.inf if end is None else end for end in self._next_ends.values())
        return min(ends, default=math.inf)

"""Charts of the lab: each takes data and `ax=`, and returns the Axes it drew on."""

from labkit.charts.destinations import delivery_delay, destinations
from labkit.charts.names import names
from labkit.charts.packets import packets_by_interface
from labkit.charts.round_trips import round_trips
from labkit.charts.swimlanes import swimlanes
from labkit.charts.topology import topology

__all__ = [
    "delivery_delay",
    "destinations",
    "names",
    "packets_by_interface",
    "round_trips",
    "swimlanes",
    "topology",
]

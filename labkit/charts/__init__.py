"""Charts of the lab: each takes data and `ax=`, and returns the Axes it drew on."""

from labkit.charts.alternative_text import describe, description
from labkit.charts.destinations import delivery_delay, destinations
from labkit.charts.names import names
from labkit.charts.packets import packets_by_interface
from labkit.charts.per_minute import per_minute
from labkit.charts.ports import ports
from labkit.charts.round_trips import round_trips
from labkit.charts.stack_events import stack_events
from labkit.charts.style import set_time_axis
from labkit.charts.swimlanes import swimlanes
from labkit.charts.talkers import talkers
from labkit.charts.topology import topology

__all__ = [
    "delivery_delay",
    "describe",
    "description",
    "destinations",
    "names",
    "packets_by_interface",
    "per_minute",
    "ports",
    "round_trips",
    "set_time_axis",
    "stack_events",
    "swimlanes",
    "talkers",
    "topology",
]

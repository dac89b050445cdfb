"""Boxes in boxes, and arrows between them; knows nothing of AWS's API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from labkit.charts import style

# All lengths in inches: the picture is as wide as a notebook, and so is its coordinate system.
GAP = 0.2
LINE = 0.155
TITLE = 0.26
BOX_WIDTH = 2.0
BOXES_A_ROW = 2
DESTINATION_WIDTH = 2.35
ARROW = 0.95
MONO_PT = 7.5
WRAP = 31

VPC = "#0072B2"
SUBNET = "#009E73"
INSTANCE = "#D55E00"
ENDPOINT = "#E69F00"


@dataclass(frozen=True, slots=True)
class Box:
    """A title and the lines below it."""

    title: str
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        return TITLE + LINE * sum(len(_wrapped(line)) for line in self.lines) + 0.12


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a flow log delivers to, and what its arrow says."""

    kind: str
    box: Box
    arrow: str
    is_whole_vpc: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn."""

    vpc: Box
    subnet: Box
    instances: tuple[Box, ...]
    endpoints: tuple[Box, ...]
    destinations: tuple[Destination, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Left, top, width and height; y grows downward."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


def draw(picture: Picture, ax: Axes | None) -> Axes:
    """Draw VPC and subnet at the left, the flow logs' destinations at the right."""
    vpc_x = 0.05
    subnet_width = style.WIDTH_IN - 0.1 - DESTINATION_WIDTH - ARROW - 2 * GAP
    subnet_x, subnet_y = vpc_x + GAP, picture.vpc.height + GAP
    inner_y = subnet_y + picture.subnet.height + 0.05
    hosts = _rows(picture.instances, subnet_x, inner_y, subnet_width, gap=0.6)
    hosts_bottom = max((place.bottom for place in hosts), default=inner_y)
    doors = _rows(picture.endpoints, subnet_x, hosts_bottom + 0.5, subnet_width, gap=GAP)
    bottom = max((place.bottom for place in doors), default=hosts_bottom) + GAP
    subnet = _Place(subnet_x, subnet_y, subnet_width, bottom - subnet_y)
    vpc = _Place(vpc_x, 0.05, subnet_width + 2 * GAP, bottom + GAP)
    height = vpc.bottom + 0.1

    ax = style.new_axes(ax, height + 0.4)
    ax.set_xlim(0, style.WIDTH_IN)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    _draw_box(ax, vpc, picture.vpc, VPC, face="#f3f8fc")
    _draw_box(ax, subnet, picture.subnet, SUBNET, face="#eef7f2", line="--")
    for place, box in zip(hosts, picture.instances, strict=True):
        _draw_box(ax, place, box, INSTANCE)
    for place, box in zip(doors, picture.endpoints, strict=True):
        _draw_box(ax, place, box, ENDPOINT, face="#fff8e8")
    _draw_traffic(ax, hosts, doors)
    _draw_destinations(ax, picture.destinations, vpc, subnet)
    style.set_title(ax, "The lab, as EC2 describes it")
    return ax


def _rows(boxes: Sequence[Box], x: float, y: float, width: float, *, gap: float) -> list[_Place]:
    """Place boxes in rows, each row in the middle."""
    places = []
    inner = width - 2 * GAP
    for first in range(0, len(boxes), BOXES_A_ROW):
        row = boxes[first : first + BOXES_A_ROW]
        wide = min(BOX_WIDTH, (inner - gap * (len(row) - 1)) / len(row))
        height = max(box.height for box in row)
        left = x + (width - wide * len(row) - gap * (len(row) - 1)) / 2
        places += [_Place(left + n * (wide + gap), y, wide, height) for n in range(len(row))]
        y += height + GAP
    return places


def _draw_box(
    ax: Axes, place: _Place, box: Box, color: str, *, face: str = "white", line: str = "-"
) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (place.x, place.y),
            place.width,
            place.height,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=face,
            edgecolor=color,
            linewidth=1.4,
            linestyle=line,
        )
    )
    x, y = place.x + 0.09, place.y + 0.08
    ax.text(x, y, box.title, va="top", fontsize=9.5, fontweight="bold", color=style.INK)
    lines = [part for line in box.lines for part in _wrapped(line)]
    for number, text in enumerate(lines):
        ax.text(
            x,
            y + TITLE - 0.03 + LINE * number,
            text,
            va="top",
            fontsize=MONO_PT,
            family="monospace",
            color=style.INK,
        )


def _draw_traffic(ax: Axes, hosts: Sequence[_Place], doors: Sequence[_Place]) -> None:
    """Draw the ping between the first two instances, and their agents' way to the endpoints."""
    bottom = max((each.bottom for each in hosts), default=0)
    top = min((each.y for each in doors), default=0)
    for host in (each for each in hosts if each.bottom == bottom):
        for door in (each for each in doors if each.y == top):
            start, end = (host.middle[0], host.bottom), (door.middle[0], door.y)
            _draw_arrow(ax, start, end, ENDPOINT, both=False, width=1.0)
    if hosts and doors:
        middle = (min(each.x for each in hosts) + max(each.right for each in hosts)) / 2
        _label(ax, middle, (bottom + top) / 2, "TCP 443", "#8a5a00")
    if len(hosts) > 1 and hosts[0].y == hosts[1].y:
        first, second = hosts[:2]
        y = first.middle[1]
        _draw_arrow(ax, (first.right, y), (second.x, y), INSTANCE, both=True)
        _label(ax, (first.right + second.x) / 2, y - 0.14, "ICMP", INSTANCE, face="none")


def _draw_destinations(
    ax: Axes, destinations: Sequence[Destination], vpc: _Place, subnet: _Place
) -> None:
    """Spread the destinations over the height, each with an arrow from what is logged."""
    share = vpc.height / max(len(destinations), 1)
    for number, each in enumerate(destinations):
        color = style.LOOKS[each.kind].color
        y = vpc.y + share * (number + 0.5) - each.box.height / 2
        place = _Place(vpc.right + ARROW, y, DESTINATION_WIDTH - 0.05, each.box.height)
        _draw_box(ax, place, each.box, color)
        source = vpc if each.is_whole_vpc else subnet
        middle = place.middle[1]
        _draw_arrow(ax, (source.right, middle), (place.x, middle), color, both=False)
        _label(ax, vpc.right + ARROW / 2, middle - 0.22, each.arrow, style.INK, face="none")


def _draw_arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    color: str,
    *,
    both: bool,
    width: float = 1.8,
) -> None:
    heads = "<|-|>" if both else "-|>"
    arrow = FancyArrowPatch(
        start, end, arrowstyle=heads, mutation_scale=11, color=color, linewidth=width, shrinkA=1
    )
    ax.add_patch(arrow)


def _label(ax: Axes, x: float, y: float, text: str, color: str, *, face: str = "#eef7f2") -> None:
    box = {"facecolor": face, "edgecolor": "none", "pad": 1.5}
    ax.text(x, y, text, ha="center", va="center", fontsize=8, color=color, bbox=box)


def _wrapped(line: str) -> list[str]:
    """Break what is too long for a box, as bucket names are."""
    return wrap(line, WRAP, break_on_hyphens=True) or [""]

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
INSET = 0.09
LETTER = 0.063
BOX_WIDTH = 2.05
BOXES_A_ROW = 2
DESTINATION_WIDTH = 2.35
ARROW = 0.8
MONO_PT = 7.5

# None of the colors of ACCEPT, REJECT and the two destinations.
VPC = "#555555"
SUBNET = "#56B4E9"
SUBNET_FACE = "#eef6fc"
INSTANCE = style.INK
ENDPOINT = "#E69F00"
GROUP = "#777777"


@dataclass(frozen=True, slots=True)
class Box:
    """A title and the lines below it."""

    title: str
    lines: tuple[str, ...]

    def wrapped(self, width: float) -> list[str]:
        """Return the lines, broken where they are too long for a box of that width."""
        letters = int((width - 2 * INSET) / LETTER)
        return [part for line in self.lines for part in wrap(line, letters) or [""]]

    def height(self, width: float) -> float:
        return TITLE + LINE * len(self.wrapped(width)) + 0.12


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet and what stands in it."""

    id: str
    box: Box
    instances: tuple[Box, ...]
    endpoints: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where flow logs deliver to; sources are ids of the subnets, or of the VPC, they watch."""

    kind: str
    box: Box
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn."""

    vpc: Box
    subnets: tuple[Subnet, ...]
    groups: tuple[Box, ...]
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


@dataclass(frozen=True, slots=True)
class _SubnetPlaces:
    """Where a subnet and its boxes are."""

    whole: _Place
    hosts: list[_Place]
    doors: list[_Place]


def draw(picture: Picture, ax: Axes | None) -> Axes:
    """Draw VPC, subnets and security groups at the left, the flow logs' destinations right."""
    vpc_width = style.WIDTH_IN - 0.1 - DESTINATION_WIDTH - ARROW
    x, width = 0.05 + GAP, vpc_width - 2 * GAP
    y = 0.05 + picture.vpc.height(vpc_width) + 0.05
    subnets = {}
    for subnet in picture.subnets:
        subnets[subnet.id] = _place_subnet(subnet, x, y, width)
        y = subnets[subnet.id].whole.bottom + GAP
    group_width = (width - GAP) / BOXES_A_ROW
    groups = _rows(picture.groups, x - GAP, y, width + 2 * GAP, gap=GAP, widest=group_width)
    bottom = max([y, *(place.bottom + GAP for place in groups)])
    vpc = _Place(0.05, 0.05, vpc_width, bottom - 0.05)
    height = vpc.bottom + 0.1

    ax = style.new_axes(ax, height + 0.45)
    ax.set_xlim(0, style.WIDTH_IN)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    _draw_box(ax, vpc, picture.vpc, VPC, face="#f7f7f7")
    for subnet in picture.subnets:
        _draw_subnet(ax, subnet, subnets[subnet.id])
    for place, box in zip(groups, picture.groups, strict=True):
        _draw_box(ax, place, box, GROUP, line=":")
    sources = {id_: places.whole for id_, places in subnets.items()}
    _draw_destinations(ax, picture.destinations, sources, vpc)
    style.set_title(ax, "The VPC as it is now, by what EC2 answers")
    return ax


def _place_subnet(subnet: Subnet, x: float, y: float, width: float) -> _SubnetPlaces:
    inner_y = y + subnet.box.height(width) + 0.03
    hosts = _rows(subnet.instances, x, inner_y, width, gap=0.6)
    below = max((place.bottom for place in hosts), default=inner_y)
    doors = _rows(subnet.endpoints, x, below + (0.42 if hosts else 0), width, gap=0.6)
    bottom = max((place.bottom for place in doors), default=below) + GAP
    return _SubnetPlaces(_Place(x, y, width, bottom - y), hosts, doors)


def _rows(
    boxes: Sequence[Box], x: float, y: float, width: float, *, gap: float, widest: float = BOX_WIDTH
) -> list[_Place]:
    """Place boxes in rows, each row in the middle."""
    places = []
    inner = width - 2 * GAP
    for first in range(0, len(boxes), BOXES_A_ROW):
        row = boxes[first : first + BOXES_A_ROW]
        wide = min(widest, (inner - gap * (len(row) - 1)) / len(row))
        height = max(box.height(wide) for box in row)
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
    x, y = place.x + INSET, place.y + 0.08
    ax.text(x, y, box.title, va="top", fontsize=9.5, fontweight="bold", color=style.INK)
    for number, text in enumerate(box.wrapped(place.width)):
        ax.text(
            x,
            y + TITLE - 0.03 + LINE * number,
            text,
            va="top",
            fontsize=MONO_PT,
            family="monospace",
            color=style.INK,
        )


def _draw_subnet(ax: Axes, subnet: Subnet, places: _SubnetPlaces) -> None:
    _draw_box(ax, places.whole, subnet.box, SUBNET, face=SUBNET_FACE, line="--")
    for place, box in zip(places.hosts, subnet.instances, strict=True):
        _draw_box(ax, place, box, INSTANCE)
    for place, box in zip(places.doors, subnet.endpoints, strict=True):
        _draw_box(ax, place, box, ENDPOINT, face="#fff8e8")
    _draw_traffic(ax, places.hosts, places.doors)


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
    ax: Axes, destinations: Sequence[Destination], sources: dict[str, _Place], vpc: _Place
) -> None:
    """Spread the destinations over the height, each with an arrow from all that is logged there."""
    share = vpc.height / max(len(destinations), 1)
    width = DESTINATION_WIDTH - 0.05
    for number, each in enumerate(destinations):
        color = style.LOOKS[each.kind].color
        height = each.box.height(width)
        y = vpc.y + share * (number + 0.5) - height / 2
        place = _Place(vpc.right + ARROW, y, width, height)
        _draw_box(ax, place, each.box, color)
        for nth, source_id in enumerate(each.sources):
            source = sources.get(source_id, vpc)
            aimed = place.y + height * (nth + 1) / (len(each.sources) + 1)
            # A level arrow where the two face each other; else one from the source's own height.
            low, high = source.y + 0.12, source.bottom - 0.12
            _draw_arrow(
                ax, (source.right, min(max(aimed, low), high)), (place.x, aimed), color, both=False
            )
        noun = "flow log" if len(each.sources) == 1 else "flow logs"
        _label(ax, place.x + 0.35, place.y - 0.1, noun, style.INK, face="none")


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


def _label(ax: Axes, x: float, y: float, text: str, color: str, *, face: str = SUBNET_FACE) -> None:
    box = {"facecolor": face, "edgecolor": "none", "pad": 1.5}
    ax.text(x, y, text, ha="center", va="center", fontsize=8, color=color, bbox=box)

"""Charts: what is drawn, that it can be read (no text on another), and that axes are given back."""

from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from labkit import charts
from labkit.charts.topology_picture import Box, Destination, Picture, Subnet, draw
from labkit.flowlogs import compare
from labkit.flowlogs.records import parse
from labkit.ping import PingResult, Reply
from labkit.stacks import Event

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
IP_A, IP_B, IP_SSM = "10.0.1.22", "10.0.1.25", "10.0.1.200"
ENI_A, ENI_B = "eni-01d89470fafe7a86b", "eni-0e61c483ca317dd54"
NAMES = {
    IP_A: "Instance1",
    ENI_A: "Instance1",
    IP_B: "Instance2",
    ENI_B: "Instance2",
    IP_SSM: "ssm endpoint",
}
BLUE, ORANGE, GRAY = "#0072b2", "#d55e00", "#999999"


@pytest.fixture(autouse=True)
def quiet():
    mpl.use("Agg")
    yield
    plt.close("all")


def line(eni, src, dst, packets, start_s, end_s, *, protocol=1, action="ACCEPT", port=0):
    start, end = (int((NOON + timedelta(seconds=each)).timestamp()) for each in (start_s, end_s))
    return (
        f"2 123456789012 {eni} {src} {dst} {port} {port and 443} {protocol} {packets} "
        f"{packets * 84} {start} {end} {action} OK"
    )


def four(packets, start_s, end_s):
    return [
        line(eni, src, dst, packets, start_s, end_s)
        for eni in (ENI_A, ENI_B)
        for src, dst in ((IP_A, IP_B), (IP_B, IP_A))
    ]


NODATA = f"2 1 {ENI_A} - - - - - - - {NOON.timestamp():.0f} {NOON.timestamp() + 59:.0f} - NODATA"
ONE = four(5, 0, 0)[:1]
FOUR = four(5, 0, 4)
FORTY = [
    *(each for minute in range(4) for each in four(60, 60 * minute, 60 * minute + 59)),
    *(line(ENI_B, IP_A, IP_B, 10, at, at + 59, action="REJECT") for at in (240, 300, 360)),
    *(line(ENI_A, IP_A, IP_B, 10, at, at + 59) for at in (240, 300, 360)),
    *four(7, 480, 500),
    *(line(ENI_A, IP_A, IP_SSM, 31, 4 * n, 400, protocol=6, port=40000 + n) for n in range(13)),
    NODATA,
]
SCAN = [
    line(ENI_A, IP_A, f"10.0.2.{n}", n, n * 10, n * 10, protocol=6, port=40000 + n)
    for n in range(1, 41)
]
SPLIT_SECONDS = [line(ENI_B, IP_A, IP_B, 1234567, 90 * n, 90 * n) for n in range(40)]
LOGS = [
    pytest.param(ONE, id="1 record"),
    pytest.param(FOUR, id="4 records"),
    pytest.param(FORTY, id="40 records"),
    pytest.param(SCAN, id="40 directions"),
    pytest.param(SPLIT_SECONDS, id="40 records of a second in one lane"),
]
EVENTS = {
    "ping": NOON,
    "rule removed": NOON + timedelta(seconds=2),
    "rule restored": NOON + timedelta(seconds=3),
}


def texts(ax):
    """All texts that are seen, with their places."""
    figure = ax.get_figure()
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    unseen = [] if ax.axison else [*ax.xaxis.findobj(Text), *ax.yaxis.findobj(Text)]
    found = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in unseen
    ]
    low, high = ax.get_window_extent(renderer).x0 - 1, ax.get_window_extent(renderer).x1 + 1
    ticks = {tick.get_text() for tick in ax.get_xticklabels()}
    return [
        (text, box)
        for text, box in found
        if text not in ticks or low <= (box.x0 + box.x1) / 2 <= high
    ]


def assert_readable(ax):
    """No text lies on another, and none leaves the figure."""
    figure = ax.get_figure()
    placed = texts(ax)
    for (one, box), (other, other_box) in combinations(placed, 2):
        width = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        height = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        assert width < 1 or height < 1.5, f"{one!r} lies on {other!r}"
    for text, box in placed:
        assert box.x0 > -2, f"{text!r} is cut off at the left"
        assert box.x1 < figure.bbox.width + 2, f"{text!r} is cut off at the right"


def bars(ax):
    return [
        patch
        for patch in ax.patches
        if isinstance(patch, Rectangle) and patch.get_zorder() == 2 and patch.get_width()
    ]


def labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


@pytest.mark.parametrize("lines", LOGS)
def test_swimlanes_can_be_read(lines):
    assert_readable(charts.swimlanes(parse(lines), names=NAMES, events=EVENTS))


@pytest.mark.parametrize("lines", LOGS)
def test_packets_by_interface_can_be_read(lines):
    assert_readable(charts.packets_by_interface(parse(lines), names=NAMES))


@pytest.mark.parametrize("lines", LOGS)
def test_destinations_can_be_read(lines):
    comparison = compare.destinations(parse(lines), parse(lines[:-1]))
    assert_readable(charts.destinations(comparison, names=NAMES))


def test_swimlanes_group_lanes_by_interface():
    ax = charts.swimlanes(parse(FOUR), names=NAMES)
    assert labels(ax) == [
        f"Instance1  {ENI_A}",
        "out → Instance2  ICMP",
        "in ← Instance2  ICMP",
        f"Instance2  {ENI_B}",
        "out → Instance1  ICMP",
        "in ← Instance1  ICMP",
    ]
    assert len(bars(ax)) == 4


def test_swimlanes_without_names_show_ids_and_addresses():
    assert labels(charts.swimlanes(parse(ONE))) == [ENI_A, f"{IP_A} → {IP_B}  ICMP"]


def test_the_own_address_is_the_one_in_every_record():
    log = parse([line(ENI_A, IP_A, IP_B, 1, 0, 0), line(ENI_A, IP_SSM, IP_A, 1, 0, 0, protocol=6)])
    assert labels(charts.swimlanes(log))[1:] == [f"out → {IP_B}  ICMP", f"in ← {IP_SSM}  TCP"]


def test_each_record_is_a_bar_of_its_color_and_hatch():
    ax = charts.swimlanes(parse(FORTY), names=NAMES)
    colors = [to_hex(bar.get_facecolor()) for bar in bars(ax)]
    assert {color: colors.count(color) for color in set(colors)} == {BLUE: 36, ORANGE: 3, GRAY: 1}
    rejected = [bar for bar in bars(ax) if to_hex(bar.get_facecolor()) == ORANGE]
    assert all(bar.get_hatch() for bar in rejected)
    assert [text for text, _ in texts(ax)].count("10 REJECT") == 3


def test_overlapping_records_of_a_lane_do_not_cover_each_other():
    placed = [(b.get_x(), b.get_x() + b.get_width(), b.get_y()) for b in bars_of_forty()]
    for one, other in combinations(placed, 2):
        assert one[2] != other[2] or one[1] <= other[0] + 1e-9 or other[1] <= one[0] + 1e-9


def bars_of_forty():
    return bars(charts.swimlanes(parse(FORTY), names=NAMES))


def test_a_second_in_an_hour_is_still_seen():
    ax = charts.swimlanes(parse([*ONE, line(ENI_A, IP_A, IP_B, 5, 3600, 3600)]))
    ax.get_figure().canvas.draw()
    assert min(bar.get_window_extent().width for bar in bars(ax)) >= 4


def test_a_number_beside_the_last_bar_stays_on_the_chart():
    late = line(ENI_A, IP_A, IP_B, 123456789, 3600, 3600, action="REJECT")
    ax = charts.swimlanes(parse([*ONE, late]))
    (box,) = (box for text, box in texts(ax) if text == "✗ 123,456,789")
    assert box.x1 <= ax.get_window_extent().x1 + 1


def test_events_widen_the_time_shown():
    early = NOON - timedelta(minutes=10)
    ax = charts.swimlanes(parse(FOUR), events={"rule removed": early})
    assert ax.get_xlim()[0] < mpl.dates.date2num(early)
    assert "rule removed" in [text for text, _ in texts(ax)]


def test_what_is_left_out_is_said():
    ax = charts.swimlanes(parse(SCAN))
    assert len(bars(ax)) == 24
    assert "16 more directions with fewer packets are not shown" in [text for text, _ in texts(ax)]


def test_packets_are_summed_and_expected_ones_marked():
    lines = [*four(3, 0, 2), *four(2, 60, 61), line(ENI_B, IP_A, IP_B, 4, 70, 71, action="REJECT")]
    ax = charts.packets_by_interface(
        parse(lines), names=NAMES, expected={(IP_A, IP_B): 9, (IP_B, IP_A): 5}
    )
    seen = [text for text, _ in texts(ax)]
    assert seen.count("5 packets, 420 bytes") == 3
    assert "5 + 4 REJECT packets, 756 bytes" in seen
    assert sorted(each.get_xdata()[0] for each in ax.lines) == [5, 5, 9, 9]
    assert sorted((bar.get_x(), bar.get_width()) for bar in bars(ax)) == [(0, 5)] * 4 + [(5, 4)]


def pinged(count, lost=()):
    replies = tuple(Reply(n, 127, 0.1 + n / 100) for n in range(1, count + 1) if n not in lost)
    return PingResult(IP_B, 84, count, len(replies), len(lost) / count, replies)


@pytest.mark.parametrize(
    ("count", "lost"),
    [
        pytest.param(1, (), id="one"),
        pytest.param(5, (), id="five"),
        pytest.param(60, (7, 8, 60), id="some lost"),
        pytest.param(4, (1, 2, 3, 4), id="all lost"),
    ],
)
def test_round_trips_show_replies_and_losses(count, lost):
    ax = charts.round_trips(pinged(count, lost))
    replies, losses = (list(each.get_xdata()) for each in ax.lines)
    assert replies == [n for n in range(1, count + 1) if n not in lost]
    assert losses == list(lost)
    assert_readable(ax)


def delays(count, s3=540, cloudwatch=260):
    spread = np.linspace(-60, 60, count)
    return pd.DataFrame(
        {
            "destination": ["S3"] * count + ["CloudWatch Logs"] * count,
            "delay_s": [*(s3 + spread), *(cloudwatch + spread)],
        }
    )


@pytest.mark.parametrize("count", [1, 4, 40])
def test_delays_can_be_read(count):
    assert_readable(charts.delivery_delay(delays(count)))


@pytest.mark.parametrize(("count", "dots"), [(1, 2), (19, 2), (20, 0)])
def test_delays_are_shares_with_a_dot_for_each_record_where_they_are_few(count, dots):
    ax = charts.delivery_delay(delays(count))
    assert [each.get_linestyle() for each in ax.lines] == ["--", "-"]
    assert len(ax.collections) == dots
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1
    told = f"S3 ({count} record, median 8.0" if count == 1 else f"S3 ({count} records, median 9.0"
    assert f"{told} minutes)" in [text for text, _ in texts(ax)]


def test_destinations_mark_the_flows_that_differ_and_show_them_first():
    comparison = compare.destinations(parse(FOUR), parse(FOUR[:3]))
    ax = charts.destinations(comparison, names=NAMES)
    assert labels(ax)[0] == "≠  Instance2 → Instance1\nICMP ACCEPT at Instance2"
    assert not any("≠" in label for label in labels(ax)[1:])
    assert "by network interface, five-tuple and action: 1 of 4 differ (≠)" in [
        text for text, _ in texts(ax)
    ]


ENDPOINT = Box("ssmmessages endpoint", ("vpce-0123456789abcdef0", "available"))
HOST = Box("Instance1", ("i-0123456789abcdef0", ENI_A, IP_A, "t4g.micro  running"))
GROUP = Box("Security group: instances", ("sg-0123456789abcdef0", "out: everything to anywhere"))
WHERE = Box("Private subnet", ("subnet-0123456789abcdef0", "10.0.1.0/24  us-east-1a"))


def destination(kind, name, sources):
    lines = [line for _ in sources for line in ("fl-0123456789abcdef0", "  ALL, 60 s  ACTIVE")]
    return Destination(kind, Box(f"{kind} bucket", (name, *lines)), sources)


@pytest.mark.parametrize(
    ("subnets", "hosts", "endpoints", "groups", "bucket"),
    [
        pytest.param(1, 2, 2, 2, "p-flowlogbucket-5ylgrmqybx9z", id="the lab"),
        pytest.param(2, 2, 2, 3, "p-flowlogbucket-5ylgrmqybx9z", id="with a second subnet"),
        pytest.param(1, 1, 0, 1, "b", id="one instance alone"),
        pytest.param(1, 0, 0, 0, "b", id="an empty subnet"),
        pytest.param(1, 3, 4, 1, "flow-logs-lab-" + "a-long-name-" * 4, id="more, and a long name"),
    ],
)
def test_topology_can_be_read(subnets, hosts, endpoints, groups, bucket):
    ids = tuple(f"subnet-{n}" for n in range(subnets))
    ax = draw(
        Picture(
            Box("VPC", ("vpc-0123456789abcdef0", "10.0.0.0/16")),
            tuple(Subnet(id_, WHERE, (HOST,) * hosts, (ENDPOINT,) * endpoints) for id_ in ids),
            (GROUP,) * groups,
            (destination("S3", bucket, ids), destination("CloudWatch Logs", "p-FlowLogGroup", ids)),
        ),
        None,
    )
    assert_readable(ax)
    assert ax.get_window_extent().width > 0.95 * ax.get_figure().bbox.width  # nothing sticks out


def at(seconds, logical_id, status, type_="AWS::EC2::VPC"):
    return Event(
        f"{logical_id}{seconds}", NOON + timedelta(seconds=seconds), logical_id, type_, "", status
    )


def stack_of(seconds, *, last="CREATE_COMPLETE"):
    return [
        at(0, "lab", "CREATE_IN_PROGRESS", "AWS::CloudFormation::Stack"),
        at(0, "Vpc", "CREATE_IN_PROGRESS"),
        at(seconds / 4, "Vpc", "CREATE_COMPLETE"),
        at(seconds / 4, "PrivateSubnetRouteTableAssociation", "CREATE_IN_PROGRESS"),
        at(seconds, "PrivateSubnetRouteTableAssociation", last),
        at(seconds * 2, "lab", last, "AWS::CloudFormation::Stack"),
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        pytest.param(0.4, "2 resources in 400 milliseconds (the axis is in milliseconds; on AWS "
                          "it takes minutes)", id="the emulator"),
        pytest.param(20, "2 resources in 20.0 seconds (the axis is in seconds; on AWS it takes "
                         "minutes)", id="a small stack"),
        pytest.param(270, "2 resources in 4.5 minutes (the axis is in minutes)", id="AWS"),
    ],
)  # fmt: skip
def test_a_stack_is_drawn_in_the_unit_that_fits_and_says_which(seconds, said):
    ax = charts.stack_events(stack_of(seconds))
    assert_readable(ax)
    assert said in [text for text, _ in texts(ax)]
    unit = said.split()[4]
    assert ax.get_xlabel() == f"{unit} since the stack's first event"
    assert labels(ax) == ["Vpc", "PrivateSubnetRouteTableAssociation"]
    lengths = [bar.get_width() for bar in bars(ax)]
    assert lengths[1] == pytest.approx(3 * lengths[0])


def test_a_resource_that_failed_is_hatched_and_named():
    ax = charts.stack_events(stack_of(1, last="CREATE_FAILED"))
    assert [bool(bar.get_hatch()) for bar in bars(ax)] == [False, True]
    assert "Failed: PrivateSubnetRouteTableAssociation" in charts.description(ax)


PING = {"ping": (NOON, NOON + timedelta(seconds=30))}


def heights(ax):
    return [bar.get_height() for bar in bars(ax) if bar.get_height()]


def test_records_are_summed_by_minute_and_action():
    lines = [*four(10, 5, 10), line(ENI_B, IP_A, IP_B, 7, 65, 70, action="REJECT")]
    ax = charts.per_minute(parse(lines), shaded=PING)
    assert_readable(ax)
    assert heights(ax) == [40, 7]
    assert [bar.get_hatch() for bar in bars(ax) if bar.get_height()] == ["", "////"]
    assert {line.get_linestyle() for line in ax.lines} == {":"}


def test_a_record_of_two_minutes_is_spread_over_both():
    ax = charts.per_minute(parse(four(80, 30, 89)[:1]), "bytes")
    assert heights(ax) == pytest.approx([80 * 84 / 2, 80 * 84 / 2])


@pytest.mark.parametrize("lines", LOGS)
def test_talkers_can_be_read(lines):
    assert_readable(charts.talkers(parse(lines), names=NAMES))


def test_talkers_are_named_and_counted_once():
    rejected = line(ENI_B, IP_A, IP_B, 3, 0, 4, action="REJECT")
    ax = charts.talkers(parse([*FOUR, rejected]), names=NAMES)
    written = [text.get_text() for text in ax.texts if text.get_text()]
    assert labels(ax) == ["Instance1", "Instance2"]
    assert written.count("420 B") == 2, "once each way, though two interfaces recorded it"
    assert written.count("✗ 3") == 1


def test_many_talkers_become_others():
    ax = charts.talkers(parse(SCAN))
    assert len(labels(ax)) == 12 and labels(ax)[-1] == "others"


def knocks(count, action):
    return [
        f"2 1 {ENI_B} {IP_A} {IP_B} 40000 {20 + n} 6 1 40 {int(NOON.timestamp()) + n} "
        f"{int(NOON.timestamp()) + n} {action} OK"
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [1, 30, 700])
def test_a_scan_can_be_read(count):
    ax = charts.ports(parse([*knocks(count, "REJECT"), *knocks(1, "ACCEPT")]), names=NAMES)
    assert_readable(ax)
    colors = [to_hex(each.get_facecolor()[0]) for each in ax.collections]
    assert colors == [BLUE, ORANGE]
    assert [len(each.get_offsets()) for each in ax.collections] == [1, count]
    assert f"REJECT ({count} port{'s' * (count > 1)})" in [text for text, _ in texts(ax)]


def test_known_ports_that_lie_close_together_are_not_written_over_each_other():
    known = [22, 25, 53, 80, 123, 443, 445, 5432, 6379, 8080]
    second = int(NOON.timestamp())
    lines = [f"2 1 {ENI_B} {IP_A} {IP_B} 40000 {port} 6 1 40 {second} {second} REJECT OK"
             for port in known]  # fmt: skip
    ax = charts.ports(parse(lines))
    assert_readable(ax)
    figure = ax.get_figure()
    figure.canvas.draw()
    boxes = sorted(
        (label.get_window_extent().y0, label.get_window_extent().y1)
        for label in ax.get_yticklabels()
        if label.get_text()
    )
    assert len(boxes) > 5
    assert all(above[0] > below[1] for below, above in pairwise(boxes))


def test_the_records_of_one_day_are_of_one_day():
    """The axis has margins, which belong to no day that was seen."""
    midnight = datetime(2026, 5, 12, tzinfo=UTC)
    seconds = [int(midnight.timestamp()), int(midnight.timestamp()) + 86_399]
    lines = [f"2 1 {ENI_B} {IP_A} {IP_B} 40000 22 6 1 40 {each} {each} REJECT OK"
             for each in seconds]  # fmt: skip
    assert charts.ports(parse(lines)).get_xlabel() == "time (UTC), Tue 12 May 2026"
    ax = charts.ports(parse(lines))
    charts.set_time_axis(ax, midnight, midnight + timedelta(days=1))
    assert ax.get_xlabel() == "time (UTC), Tue 12 May 2026"


def test_per_minute_tells_whose_packets_they_are():
    ax = charts.per_minute(parse(four(10, 5, 10)), "bytes", what="ICMP")
    assert ax.get_title(loc="left") == "ICMP bytes per minute, by action"
    assert charts.description(ax.get_figure()).startswith("Bar chart of ICMP bytes per minute.")


CHARTS = [
    pytest.param(lambda ax: charts.swimlanes(parse(FOUR), ax=ax), id="swimlanes"),
    pytest.param(lambda ax: charts.packets_by_interface(parse(FOUR), ax=ax), id="packets"),
    pytest.param(lambda ax: charts.round_trips(pinged(5), ax=ax), id="round trips"),
    pytest.param(lambda ax: charts.delivery_delay(delays(4), ax=ax), id="delays"),
    pytest.param(
        lambda ax: charts.destinations(compare.destinations(parse(FOUR), parse(FOUR)), ax=ax),
        id="destinations",
    ),
    pytest.param(lambda ax: charts.stack_events(stack_of(1), ax=ax), id="stack events"),
    pytest.param(lambda ax: charts.per_minute(parse(FOUR), ax=ax), id="per minute"),
    pytest.param(lambda ax: charts.talkers(parse(FOUR), ax=ax), id="talkers"),
    pytest.param(lambda ax: charts.ports(parse(knocks(3, "REJECT")), ax=ax), id="ports"),
]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_has_an_alternative_text(chart):
    ax = chart(None)
    told = charts.description(ax)
    assert len(told) > 40 and told.endswith(".")
    assert charts.description(ax.get_figure()) == told


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_draws_on_the_axes_given_and_returns_them(chart):
    _, ax = plt.subplots()
    assert chart(ax) is ax
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_makes_axes_as_wide_as_a_notebook(chart):
    ax = chart(None)
    assert ax.get_figure().get_figwidth() == 9.5
    assert ax.get_title(loc="left")


@pytest.mark.parametrize(
    ("chart", "sentence"),
    [
        pytest.param(
            lambda: charts.swimlanes(parse([])), "There are no records to draw.", id="swimlanes"
        ),
        pytest.param(
            lambda: charts.packets_by_interface(parse([NODATA])), "There are no packets", id="sums"
        ),
        pytest.param(
            lambda: charts.delivery_delay(delays(0)), "Nothing was delivered yet.", id="delays"
        ),
        pytest.param(
            lambda: charts.destinations(compare.destinations(parse([]), parse([]))),
            "Both destinations are empty.",
            id="destinations",
        ),
        pytest.param(lambda: charts.stack_events([]), "There are no events to draw.", id="events"),
        pytest.param(
            lambda: charts.per_minute(parse([NODATA])), "There are no packets", id="minutes"
        ),
        pytest.param(lambda: charts.talkers(parse([NODATA])), "There are no packets", id="talkers"),
        pytest.param(lambda: charts.ports(parse(FOUR)), "There are no TCP or UDP", id="ports"),
    ],
)
def test_an_empty_chart_says_why(chart, sentence):
    assert sentence in chart().texts[-1].get_text()

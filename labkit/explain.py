"""Why does a record say ACCEPT, or REJECT? The rule that decided, asked of the rules as they are.

AWS does not tell: reject-reason is `-` for security groups and network ACLs alike. So the record's
packets are put before the VPC's rules once more, at the record's own interface, and whatever
neither can tell is said with the answer. Works on AWS and on the emulator alike.

Sources:
    docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (reject-reason, tcp-flags)
    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from labkit.describe import read_vpc
from labkit.network.connections import Connections, opposite
from labkit.network.packets import (
    ACK,
    ICMP,
    SYN,
    TCP,
    UDP,
    Action,
    Direction,
    Packet,
    echo_request,
    reply_to,
    syn,
)  # fmt: skip
from labkit.network.path import Hop, Paths, Reason
from labkit.network.resources import NetworkInterface, Vpc
from labkit.network.words import name_decider, say_hop

__all__ = ["Explanation", "Reading", "Role", "explain", "read_vpc", "why"]

# Where Linux takes the ports of its own side from (net.ipv4.ip_local_port_range).
FIRST_EPHEMERAL_PORT = 32768


class Role(StrEnum):
    """What packets are to their flow: of the side that opened it, or of the other."""

    REQUEST = "a request"
    REPLY = "a reply"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a record's packets may have been, and what the rules say to that."""

    role: Role
    packet: Packet
    hop: Hop


@dataclass(frozen=True, slots=True)
class Explanation:
    """What decided about a record's packets.

    Attributes:
        action: The record's: "ACCEPT" or "REJECT"; "" where it has no packets.
        decided_by: The rule, by AWS's ids; "" where none can be named.
        because: One sentence, or two.
        unknown: What neither the record nor the rules can tell.
        readings: What fits the record's action; more than one if its packets may have been either.
    """

    action: str
    decided_by: str
    because: str
    unknown: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.action} by {self.decided_by}" if self.decided_by else self.action]
        return "\n".join([*lines, self.because, *(f"Not known: {each}" for each in self.unknown)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = f"{self.action} by {self.decided_by}" if self.decided_by else self.action
        known = f"<p><b>{html.escape(head)}</b><br>{html.escape(self.because)}</p>"
        items = "".join(f"<li>{html.escape(each)}</li>" for each in self.unknown)
        return known + (f"<p>What cannot be known:</p><ul>{items}</ul>" if items else "")


def explain(
    record: Mapping[str, Any] | pd.Series, vpc: Vpc, *, opened_by: str | None = None
) -> Explanation:
    """Return which rule decided about one record's packets.

    Args:
        record: A row of a flow log; the default format's fields are enough, tcp_flags help.
        vpc: From `read_vpc`: the rules to ask, as they were at that moment.
        opened_by: The address that is known to have sent the first packet, e.g. who pinged.
    """
    return _explain(dict(record), vpc, opened_by)


def why(log: pd.DataFrame, vpc: Vpc, *, opened_by: str | None = None) -> pd.Series:
    """Return what `explain` says of each record, as a column for the log."""
    told = [explain(record, vpc, opened_by=opened_by).because for _, record in log.iterrows()]
    return pd.Series(told, index=log.index, name="why", dtype="str")


def _explain(record: Mapping[str, Any], vpc: Vpc, opened_by: str | None) -> Explanation:
    if pd.isna(record["action"]):
        return Explanation("", "", _say_nothing_seen(str(record["log_status"])))
    action = Action(record["action"])
    interface = vpc.interfaces.get(str(record["interface_id"]))
    if interface is None:
        gone = f"{record['interface_id']} is not, or no longer, in {vpc.id}: nobody can be asked."
        return Explanation(action, "", gone)
    direction = _direction(record, interface)
    if direction is None:
        return Explanation(action, "", f"Neither address is one of {interface.id}'s own.")
    role, guess = _role(record, opened_by)
    roles = Role if role is None else [role]
    possible = tuple(_judge(vpc, record, interface, direction, each) for each in roles)
    fitting = tuple(reading for reading in possible if reading.hop.action is action)
    unknown = tuple(_unknown(record, action, fitting, guess))
    if not fitting:
        return Explanation(action, "", _say_contradiction(vpc, action, possible[0]), unknown)
    deciders = dict.fromkeys(name_decider(vpc, reading.hop) for reading in fitting)
    return Explanation(action, " or ".join(deciders), _say_readings(vpc, fitting), unknown, fitting)


def _direction(record: Mapping[str, Any], interface: NetworkInterface) -> Direction | None:
    """Tell which way the packets went: in the default format the addresses say so."""
    if record["srcaddr"] in interface.private_ips:
        return Direction.EGRESS
    return Direction.INGRESS if record["dstaddr"] in interface.private_ips else None


def _role(record: Mapping[str, Any], opened_by: str | None) -> tuple[Role | None, str | None]:
    """Return what the packets were, and a sentence if that is but a guess.

    SYN alone is the opening side's, SYN with ACK the other's. Without the flags, the side with an
    ephemeral port is taken for the one that opened.
    """
    if opened_by is not None:
        return (Role.REQUEST if record["srcaddr"] == opened_by else Role.REPLY), None
    flags = record.get("tcp_flags")
    if flags is not None and not pd.isna(flags) and int(flags) & SYN:
        return (Role.REPLY if int(flags) & ACK else Role.REQUEST), None
    if record["protocol"] not in (TCP, UDP):
        return None, None
    own, other = (record[name] >= FIRST_EPHEMERAL_PORT for name in ("srcport", "dstport"))
    if own == other:
        return None, None
    role = Role.REQUEST if own else Role.REPLY
    return role, f"Who opened the flow: by the ports we take each of its packets here for {role}."


def _judge(
    vpc: Vpc,
    record: Mapping[str, Any],
    interface: NetworkInterface,
    direction: Direction,
    role: Role,
) -> Reading:
    """Put the packets before the interface's rules; a reply after the request that it answers."""
    paths, connections = Paths(vpc), Connections()
    packet = _request(record, role)
    if role is Role.REPLY:
        paths.judge(packet, interface.id, opposite(direction), connections, 0.0)
        packet = reply_to(packet)
    return Reading(role, packet, paths.judge(packet, interface.id, direction, connections, 0.0))


def _request(record: Mapping[str, Any], role: Role) -> Packet:
    """Return the flow's first packet: the record's own, or the one that it answers."""
    ends = (str(record["srcaddr"]), int(record["srcport"]))
    others = (str(record["dstaddr"]), int(record["dstport"]))
    (src, srcport), (dst, dstport) = (ends, others) if role is Role.REQUEST else (others, ends)
    if record["protocol"] == ICMP:
        return echo_request(src, dst)
    if record["protocol"] == TCP:
        return syn(src, dst, dstport=dstport, srcport=srcport)
    return Packet(src, dst, int(record["protocol"]), srcport, dstport)


def _say_readings(vpc: Vpc, fitting: Sequence[Reading]) -> str:
    said = [_say(vpc, reading) for reading in fitting]
    if len({reading.hop.reason for reading in fitting}) == 1:
        return f"{_capitalize(said[0])}."
    told = zip(fitting, said, strict=True)
    return " ".join(f"If this is {reading.role}: {sentence}." for reading, sentence in told)


def _say(vpc: Vpc, reading: Reading) -> str:
    is_reply = reading.role is Role.REPLY
    return say_hop(vpc, reading.packet, reading.hop, is_reply=is_reply)


def _say_contradiction(vpc: Vpc, action: Action, reading: Reading) -> str:
    """Say that these rules would have decided otherwise, and how that can be."""
    would_be = f"{reading.hop.action}: {_say(vpc, reading)}"
    otherwise = f"By the rules as read it would be {would_be}."
    if action is Action.REJECT and reading.packet.protocol == TCP:
        cause = "came after its connection was closed"
        return f"{otherwise} Either the rules have changed since, or it {cause}."
    acl = reading.hop.acl
    if action is Action.REJECT or (acl and acl.action is Action.REJECT):  # an ACL tracks nothing
        return f"{otherwise} So the rules have changed since."
    return f"{otherwise} Either the rules have changed since, or the flow was tracked before."


def _say_nothing_seen(log_status: str) -> str:
    if log_status == "SKIPDATA":
        return "Records were skipped here: what they would have said, nobody knows."
    return "No packet passed in this time: there was nothing to decide."


def _unknown(
    record: Mapping[str, Any],
    action: Action,
    fitting: Sequence[Reading],
    guess: str | None,
) -> Iterator[str]:
    yield "Whether the rules that were read held when the packets passed."
    if action is Action.REJECT:
        yield "Whether a group or an ACL rejected, by the record alone: its reject-reason is '-'."
    elif any(reading.hop.reason is Reason.RULE for reading in fitting):
        yield "Whether the rule was asked at all: what a group tracks passes without being asked."
    if record["protocol"] == ICMP:
        yield "Which ICMP messages these were: type and code are not recorded."
    if guess:
        yield guess


def _capitalize(sentence: str) -> str:
    """Begin a sentence with a capital, unless it begins with an id."""
    first = sentence.split(maxsplit=1)[0]
    return sentence if "-" in first else sentence[0].upper() + sentence[1:]

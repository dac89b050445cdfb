"""The hints of the investigation, three for each question: a direction, a tool, nearly the answer.

They stand here since a hint that is read in the check's own cell is no hint on request.
"""

from __future__ import annotations

_HINTS = {
    "scanner": (
        "Do not count how often somebody knocked, but on how many different doors.",
        "Group the refused records by srcaddr: how many different dstport has each group?",
        'rejected.groupby("srcaddr").dstport.nunique() has them; idxmax() gives the largest.',
    ),
    "open_ports": (
        "Look at what came back: records whose dstaddr is the scanner.",
        "Who accepts a connection sends SYN-ACK, which tcp_flags reports as 18.",
        "In an answer the open port is the source port: the set of its values is what we want.",
    ),
    "misconfigured": (
        "This time it is how often that counts: the same question, thousands of times.",
        "Group the refused records by three columns: srcaddr, dstaddr and dstport.",
        'rejected.groupby(["srcaddr", "dstaddr", "dstport"]).size().idxmax() names the first.',
    ),
    "leak": (
        "Keep the hours in which nobody is at work: before six.",
        "Sum up the bytes for each pair of source and destination.",
        'outward[outward.start.dt.hour < 6].groupby(["srcaddr", "dstaddr"]).bytes.sum()',
    ),
    "beacon": (
        "Look at the time between two calls of a pair, not at the calls.",
        'calls.groupby(["srcaddr", "dstaddr"]).start.diff() gives the gaps.',
        "For which pair (with twenty gaps or more) is the gaps' std small beside their median?",
    ),
    "minutes": (
        "Each gap is nearly as long as the next: any measure of the middle will do.",
        "The mean suffers from every call that is missing; the median does not.",
        "The median of the beacon's gaps in seconds, divided by 60 and rounded.",
    ),
}


def hints(answer: str) -> tuple[str, ...]:
    """Return the hints for an answer of the notebook, by its variable's name."""
    return _HINTS[answer]

"""Do both destinations hold the same traffic? By sums first, record by record second.

Two flow logs need not cut their aggregation intervals alike, so records may differ where sums
agree: the sums decide, the records are an observation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from labkit.flowlogs.frames import to_frame
from labkit.flowlogs.pairing import Both
from labkit.flowlogs.records import ReadSummary

DESTINATIONS = {"s3": "S3", "cloudwatch_logs": "CloudWatch Logs"}
"""How columns name the destinations, and how people do."""

PORTS = ["srcport", "dstport"]

WHY = {
    "late": "later than all that the other has, and maybe still on its way",
    "duplicated": "one copy more than the other has",
    "cut differently": "the same packets and bytes, in other intervals",
    "missing": "lost on the way to the other",
}
"""Why a record may have no partner, from the harmless to the worst."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two destinations side by side; shows itself in a notebook, and as text.

    Attributes:
        sums: By interface, five-tuple and action: packets, bytes and number of records in
            each destination (`packets_s3`, `packets_cloudwatch_logs`, ...).
        matched: Records that are in both, field by field the same.
        unmatched: Records without their like in the other destination: `only_in` ("S3" or
            "CloudWatch Logs") and `why`, one of `WHY`.
        duplicated: Records that a destination has more than once: `copies_s3`,
            `copies_cloudwatch_logs`.
        newest: The end of the newest record in each destination, NaT if it has none.
    """

    sums: pd.DataFrame
    matched: pd.DataFrame
    unmatched: pd.DataFrame
    duplicated: pd.DataFrame
    newest: pd.Series

    @property
    def agree(self) -> bool:
        """Whether packets and bytes are the same for each flow."""
        return len(self.differences) == 0

    @property
    def differences(self) -> pd.DataFrame:
        """The rows of `sums` whose packets or bytes differ."""
        sums = self.sums
        differ = sums.packets_s3.ne(sums.packets_cloudwatch_logs)
        differ |= sums.bytes_s3.ne(sums.bytes_cloudwatch_logs)
        return sums.loc[differ.astype(bool), :]

    @property
    def only_in_s3(self) -> pd.DataFrame:
        """The records that CloudWatch Logs lacks."""
        return self._only_in("S3")

    @property
    def only_in_cloudwatch_logs(self) -> pd.DataFrame:
        """The records that S3 lacks."""
        return self._only_in("CloudWatch Logs")

    @property
    def counts(self) -> pd.DataFrame:
        """How many records have no partner: a row a destination that has them, a column a cause."""
        found = pd.crosstab(self.unmatched.only_in, self.unmatched.why)
        return found.reindex(index=list(DESTINATIONS.values()), columns=list(WHY), fill_value=0)

    def __str__(self) -> str:
        text = "\n".join(self._sentences())
        return text if self.agree else f"{text}\n{self.differences.to_string(max_rows=20)}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        shown = (self.sums if self.agree else self.differences).reset_index()
        if not (shown[PORTS].fillna(0) != 0).to_numpy().any():
            shown = shown.drop(columns=PORTS)  # ICMP has none, and a page is narrow
        heads = {name: _heading(name) for name in shown.columns}
        table = shown.rename(columns=heads).to_html(index=False, border=0, na_rep="-", max_rows=100)
        return "".join(f"<p>{sentence}</p>" for sentence in self._sentences()) + table

    def _only_in(self, destination: str) -> pd.DataFrame:
        there = self.unmatched.only_in == destination
        fields = [name for name in self.unmatched.columns if name not in ("only_in", "why")]
        return self.unmatched.loc[there, fields].reset_index(drop=True)

    def _sentences(self) -> list[str]:
        flows, differing = len(self.sums), len(self.differences)
        sentences = [
            f"Sums: {_count(flows, 'flow')} compared, packets and bytes "
            + ("agree in each." if self.agree else f"differ in {differing:,}.")
            if flows
            else "Sums: there is nothing to compare, both destinations are empty.",
            f"Records: {len(self.matched):,} in both, {self._unmatched_in('S3')}, "
            f"{self._unmatched_in('CloudWatch Logs')}.",
        ]
        if len(self.duplicated):
            sentences.append(
                f"More than once in one of them: {_count(len(self.duplicated), 'record')}."
            )
        return sentences + self._late()

    def _unmatched_in(self, destination: str) -> str:
        by_cause = self.counts.loc[destination]
        causes = ", ".join(f"{count:,} {why}" for why, count in by_cause.items() if count)
        return f"{by_cause.sum():,} only in {destination}" + (f" ({causes})" if causes else "")

    def _late(self) -> list[str]:
        """Say which destination's newest record is older: it may only be late."""
        if self.agree or self.newest.isna().any() or self.newest.nunique() < 2:
            return []
        behind, ahead = self.newest.sort_values().index
        return [
            f"The newest record in {behind} ends at {self.newest[behind]:%H:%M:%S} UTC, in {ahead} "
            f"at {self.newest[ahead]:%H:%M:%S}: what is later may still be on its way to {behind}."
        ]


def destinations(s3_log: pd.DataFrame, cloudwatch_log: pd.DataFrame) -> Comparison:
    """Compare the records of the same time, read from S3 and from CloudWatch Logs.

    Rows without traffic (NODATA, SKIPDATA) are left out: they have no flow. The records are
    compared by the fields that both logs have.
    """
    logs = [log.loc[log.packets.notna(), :] for log in (s3_log, cloudwatch_log)]
    newest = pd.Series([log.end.max() for log in logs], index=list(DESTINATIONS.values()))
    both = Both(logs)
    sums = {name: both.flow_sums(name) for name in ("packets", "bytes")}
    sums["records"] = both.flows.copies
    agree = np.all([sums[name][:, 0] == sums[name][:, 1] for name in ("packets", "bytes")], axis=0)
    alone = [_alone(both, which, agree, newest) for which in (0, 1)]
    matched = np.repeat(both.records.first, both.records.copies.min(axis=1))
    return Comparison(
        sums=_sums(both, sums),
        matched=_frame(both.take(matched[both.in_time(matched)])),
        unmatched=pd.concat(alone, ignore_index=True),
        duplicated=_duplicated(both),
        newest=newest,
    )


def _sums(both: Both, sums: Mapping[str, np.ndarray]) -> pd.DataFrame:
    table = both.take(both.flows.first).select(both.flow)
    for kind, values in sums.items():
        for which, name in enumerate(DESTINATIONS):
            table = table.append_column(f"{kind}_{name}", pa.array(values[:, which]))
    order = [(name, "ascending") for name in both.flow]
    return _frame(table.sort_by(order)).set_index(both.flow)


def _duplicated(both: Both) -> pd.DataFrame:
    several = both.records.copies.max(axis=1) > 1
    table = both.take(both.records.first[several])
    for which, name in enumerate(DESTINATIONS):
        copies = pa.array(both.records.copies[several, which])
        table = table.append_column(f"copies_{name}", copies)
    return _frame(table)


def _alone(both: Both, which: int, agree: np.ndarray, newest: pd.Series) -> pd.DataFrame:
    """Return the records of one log that have no partner in the other, and why.

    Args:
        both: The two logs.
        which: The one of them, 0 or 1.
        agree: For each flow, whether the two count the same.
        newest: As in `Comparison`.
    """
    records = both.records
    paired = records.copies.min(axis=1)
    surplus = records.copies[:, which] - paired
    places = np.repeat(records.first, surplus)
    frame = _frame(both.take(places))
    other = newest.iloc[1 - which]
    causes = {
        "duplicated": _is_copy(surplus, paired),
        "cut differently": agree[both.flows.of_row[places]],
        "late": np.full(len(places), True) if pd.isna(other) else frame.end > other,
    }
    why = np.select(list(causes.values()), list(causes), "missing")
    found = frame.assign(only_in=newest.index[which], why=why)
    return found.iloc[both.in_time(places)]


def _is_copy(surplus: np.ndarray, paired: np.ndarray) -> np.ndarray:
    """Tell for each record left over whether it is one more copy of another.

    Of several left over whose like is nowhere else, the first is no copy.
    """
    begins = np.cumsum(surplus) - surplus
    nth = np.arange(surplus.sum()) - np.repeat(begins, surplus)
    return (nth > 0) | (np.repeat(paired, surplus) > 0)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame = to_frame([table], ReadSummary())
    frame.attrs.clear()
    return frame


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _heading(column: str) -> str:
    """Return a column's name in words, which a browser may break over two lines."""
    for ending, destination in DESTINATIONS.items():
        column = column.replace(f"_{ending}", f" {destination}")
    return column

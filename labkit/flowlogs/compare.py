"""Do both destinations hold the same traffic? By sums first, record by record second.

Two flow logs need not cut their aggregation intervals alike, so records may differ where sums
agree: the sums decide, the records are an observation.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

FLOW = [
    "interface_id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "action",
]
DESTINATIONS = ("s3", "cloudwatch_logs")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two destinations side by side; shows itself in a notebook, and as text.

    Attributes:
        sums: By interface, five-tuple and action: packets, bytes and number of records in
            each destination (`packets_s3`, `packets_cloudwatch_logs`, ...).
        matched: Records that are in both, field by field the same.
        only_in_s3: Records without their like in CloudWatch Logs.
        only_in_cloudwatch_logs: Records without their like in S3.
        newest: The end of the newest record in each destination, NaT if it has none.
    """

    sums: pd.DataFrame
    matched: pd.DataFrame
    only_in_s3: pd.DataFrame
    only_in_cloudwatch_logs: pd.DataFrame
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

    def __str__(self) -> str:
        text = "\n".join(self._sentences())
        return text if self.agree else f"{text}\n{self.differences.to_string()}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        shown = self.sums if self.agree else self.differences
        table = shown.reset_index().to_html(index=False, border=0, na_rep="-")
        return "".join(f"<p>{sentence}</p>" for sentence in self._sentences()) + table

    def _sentences(self) -> list[str]:
        flows, differing = len(self.sums), len(self.differences)
        sentences = [
            f"Sums: {_count(flows, 'flow')} compared, packets and bytes "
            + ("agree in each." if self.agree else f"differ in {differing}.")
            if flows
            else "Sums: there is nothing to compare, both destinations are empty.",
            f"Records: {len(self.matched)} in both, {len(self.only_in_s3)} only in S3, "
            f"{len(self.only_in_cloudwatch_logs)} only in CloudWatch Logs.",
        ]
        return sentences + self._late()

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

    Rows without traffic (NODATA, SKIPDATA) are left out: they have no flow.
    """
    logs = [log.loc[log.packets.notna(), :] for log in (s3_log, cloudwatch_log)]
    matched, only_in_s3, only_in_cloudwatch_logs = _match(*logs)
    return Comparison(
        _sums(*logs),
        matched,
        only_in_s3,
        only_in_cloudwatch_logs,
        pd.Series([log.end.max() for log in logs], index=["S3", "CloudWatch Logs"]),
    )


def _sums(*logs: pd.DataFrame) -> pd.DataFrame:
    parts = [
        log.groupby(FLOW, dropna=False)
        .agg(packets=("packets", "sum"), bytes=("bytes", "sum"), records=("packets", "size"))
        .astype("int64[pyarrow]")
        .add_suffix(f"_{destination}")
        for log, destination in zip(logs, DESTINATIONS, strict=True)
    ]
    sums = parts[0].join(parts[1], how="outer").fillna(0)
    names = [f"{kind}_{each}" for kind in ("packets", "bytes", "records") for each in DESTINATIONS]
    return sums.loc[:, names].sort_index()


def _match(s3_log: pd.DataFrame, cloudwatch_log: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    """Pair equal records one to one; a record that is there twice needs its like twice."""
    fields = [name for name in s3_log.columns if name in cloudwatch_log.columns]
    numbered = [
        log[fields].assign(copy=log.groupby(fields, dropna=False).cumcount())
        for log in (s3_log, cloudwatch_log)
    ]
    merged = numbered[0].merge(numbered[1], how="outer", on=[*fields, "copy"], indicator="where")
    return tuple(
        merged.loc[merged["where"] == where, fields].sort_values("start").reset_index(drop=True)
        for where in ("both", "left_only", "right_only")
    )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

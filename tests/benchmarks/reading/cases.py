"""The cases of the README's table: what is read, by whom, from where."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reading import cloudwatch, generate
from reading.local_s3 import LocalS3
from reading.measure import Entry
from reading.methods import Job

LATENCY_MS = 20
PEER_FILES = 20  # flowlogs-reader would need minutes for all: it gets these, and is told by record


@dataclass(frozen=True)
class Case:
    """One table of figures; the first entry is ours."""

    title: str
    entries: list[Entry]
    truth: dict


class Cases:
    """Makes the data as it is needed, and starts the servers for each case.

    Attributes:
        root: Where the data is kept.
        scale: 1 for the full sizes.
        awswrangler: An interpreter that has it, or None to leave it out.
    """

    def __init__(self, root: Path, scale: float, awswrangler: str | None) -> None:
        self.root, self.scale, self.awswrangler = root, scale, awswrangler

    @contextmanager
    def many(self) -> Iterator[Case]:
        files, records = self._some(200), 25_000
        bucket = generate.dataset(self.root, "many", files, records, parquet=True)
        with self._s3(bucket) as s3:
            few = min(files, PEER_FILES)
            entries = [
                self._entry("labkit", bucket, s3.url, files * records),
                self._entry("flowlogs-reader", bucket, s3.url, few * records, few),
                *self._wrangler(bucket, s3.url, files * records),
                *(
                    self._entry(name, bucket, s3.url, files * records)
                    for name in (
                        "pandas (C), local files",
                        "pandas (pyarrow), local files",
                        "polars",
                        "duckdb, local files",
                        "inflating alone, 2 threads",
                    )
                ),
            ]
            yield Case(f"{files} files of {records:,} records", entries, _truth(bucket))

    @contextmanager
    def one(self) -> Iterator[Case]:
        records = self._some(40) * 25_000
        bucket = generate.dataset(self.root, "one", 1, records)
        pandas = ("pandas (C), local files", "pandas (pyarrow), local files")
        names = ("labkit", *pandas, "polars", "duckdb, local files")
        with self._s3(bucket) as s3:
            entries = [self._entry(name, bucket, s3.url, records) for name in names]
            yield Case(f"one file of {records:,} records", entries, _truth(bucket))

    @contextmanager
    def tiny(self) -> Iterator[Case]:
        files = self._some(2000)
        bucket = generate.dataset(self.root, "tiny", files, 100)
        with self._s3(bucket) as s3:
            entries = [
                self._entry(name, bucket, s3.url, files * 100)
                for name in ("labkit", "flowlogs-reader", "polars", "duckdb, local files")
            ]
            entries += self._wrangler(bucket, s3.url, files * 100)
            yield Case(f"{files:,} files of 100 records", entries, _truth(bucket))

    @contextmanager
    def slow(self) -> Iterator[Case]:
        files = self._some(2000)
        bucket = generate.dataset(self.root, "tiny", files, 100)
        with self._s3(bucket) as s3:
            entries = [
                self._entry(name, bucket, s3.slow_url, files * 100) for name in ("labkit", "polars")
            ]
            title = f"{files:,} files of 100 records, {LATENCY_MS} ms of latency"
            yield Case(title, entries, _truth(bucket))

    @contextmanager
    def parquet(self) -> Iterator[Case]:
        files, records = self._some(200), 25_000
        bucket = generate.dataset(self.root, "many", files, records, parquet=True)
        twin = bucket.parent / "parquet"
        names = ("labkit, local files", "pyarrow", "polars (Parquet)", "duckdb (Parquet)")
        entries = [self._entry(name, twin, "http://127.0.0.1:9", files * records) for name in names]
        yield Case(f"the Parquet twin, {files} files of {records:,}", entries, _truth(bucket))

    @contextmanager
    def logs(self) -> Iterator[Case]:
        with cloudwatch.LocalLogs(self._some(200_000)) as logs:
            entries = [
                self._entry(name, self.root, logs.url, logs.events) for name in cloudwatch.METHODS
            ]
            title = f"CloudWatch Logs, {logs.events:,} events in 50 streams"
            yield Case(title, entries, logs.truth)

    @contextmanager
    def sums(self) -> Iterator[Case]:
        files, records = self._some(200), 25_000
        bucket = generate.dataset(self.root, "many", files, records, parquet=True)
        twin = bucket.parent / "parquet"
        entries = [
            self._entry(f"{name}, in memory", twin, "http://127.0.0.1:9", files * records)
            for name in ("labkit", "polars", "duckdb", "pandas")
        ]
        title = f"bytes per minute and action of {files * records:,} records in memory"
        yield Case(title, entries, _truth(bucket))

    @contextmanager
    def out_of_core(self) -> Iterator[Case]:
        files, records, repeat = self._some(200), 25_000, 4
        bucket = generate.dataset(self.root, "many", files, records, parquet=True)
        entries = [
            Entry(
                f"{name}, out of core",
                Job("http://127.0.0.1:9", str(bucket), None, repeat),
                files * records * repeat,
            )
            for name in ("labkit", "polars", "duckdb")
        ]
        title = f"bytes per minute and action of {files * records * repeat:,} records out of core"
        yield Case(title, entries, _truth(bucket))

    def _some(self, full: int) -> int:
        return max(1, round(full * self.scale))

    def _entry(
        self, name: str, folder: Path, url: str, records: int, limit: int | None = None
    ) -> Entry:
        return Entry(name, Job(url, str(folder), limit), records)

    def _wrangler(self, bucket: Path, url: str, records: int) -> list[Entry]:
        if self.awswrangler is None:
            return []
        return [Entry("awswrangler", Job(url, str(bucket)), records, self.awswrangler)]

    @contextmanager
    def _s3(self, bucket: Path) -> Iterator[LocalS3]:
        with (
            tempfile.TemporaryDirectory() as home,
            LocalS3(bucket.parent, Path(home), LATENCY_MS) as s3,
        ):
            yield s3


ALL = ("many", "one", "tiny", "slow", "parquet", "logs", "sums", "out_of_core")


def _truth(bucket: Path) -> dict:
    return json.loads((bucket.parent / "truth.json").read_text())

"""The ways of reading that are measured, each as its documentation would have it.

A method is given a `Job` and returns rows: an Arrow table, a DataFrame of pandas or polars, or
whatever `as_table` knows. What it imports is imported before the clock starts.
"""

import importlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

START = datetime(2026, 11, 23, tzinfo=UTC)
END = START + timedelta(days=1)
INTS = ("version", "srcport", "dstport", "protocol")
LONGS = ("packets", "bytes", "start", "end")
_HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
    "start end action log-status"
)
NAMES = tuple(_HEADER.split())
COLUMNS = [name.replace("-", "_") for name in NAMES]


@dataclass(frozen=True)
class Job:
    """What to read: the bucket `text` at `url`, or the same files below `folder`."""

    url: str
    folder: str
    limit: int | None = None
    repeat: int = 1

    @property
    def paths(self) -> list[str]:
        found = sorted(str(path) for path in Path(self.folder).rglob("*.log.*"))
        return (found * self.repeat)[: self.limit]


@dataclass(frozen=True)
class Method:
    name: str
    run: Callable[[Job], Any]
    needs: tuple[str, ...] = ()

    def prepare(self) -> None:
        for each in self.needs:
            importlib.import_module(each)
        if {"boto3", "awswrangler"} & set(self.needs):
            session()
        if "labkit.flowlogs.files" in self.needs:
            from labkit.flowlogs import compiled_lines

            compiled_lines.load()


@cache
def session() -> Any:
    """Return a session whose first client has been made: that costs any user of boto3 once."""
    import boto3

    boto3.setup_default_session()
    made = boto3.DEFAULT_SESSION
    assert made is not None
    made.client("s3")
    made.client("logs")
    return made


def labkit_s3(job: Job) -> Any:
    from labkit.flowlogs import s3

    return s3.read(session(), "text", start=START, end=END)


def labkit_files(job: Job) -> Any:
    from labkit.flowlogs import files

    return files.read(job.paths)


def flowlogs_reader_s3(job: Job) -> Any:
    """Of a log too long for it, the first files only: as many five minutes as files are wanted."""
    import flowlogs_reader

    end = START + job.limit * timedelta(minutes=5) if job.limit else END
    reader = flowlogs_reader.S3FlowLogsReader(
        "text",
        start_time=START.replace(tzinfo=None),
        end_time=end.replace(tzinfo=None),
        boto_client=session().client("s3"),
        thread_count=8,
    )
    return list(reader)


def awswrangler_s3(job: Job) -> Any:
    import awswrangler as wr

    wr.config.s3_endpoint_url = job.url
    return wr.s3.read_csv(
        "s3://text/AWSLogs/",
        sep=" ",
        na_values="-",
        dtype=_pandas_types(),
        use_threads=True,
        engine="c",
    )


def _pandas_types() -> dict[str, Any]:
    import pandas as pd

    kinds = dict.fromkeys(INTS, pa.int32()) | dict.fromkeys(LONGS, pa.int64())
    return {name: pd.ArrowDtype(kinds.get(name, pa.string())) for name in NAMES}


def _pandas(job: Job, engine: str) -> Any:
    import pandas as pd

    def one(path: str) -> Any:
        return pd.read_csv(path, sep=" ", na_values="-", engine=engine, dtype=_pandas_types())

    with ThreadPoolExecutor(2) as pool:
        return pd.concat(pool.map(one, job.paths), ignore_index=True)


def pandas_c(job: Job) -> Any:
    return _pandas(job, "c")


def pandas_pyarrow(job: Job) -> Any:
    return _pandas(job, "pyarrow")


def _polars_schema() -> dict[str, Any]:
    import polars as pl

    kinds = dict.fromkeys(INTS, pl.Int32) | dict.fromkeys(LONGS, pl.Int64)
    return {name: kinds.get(name, pl.String) for name in NAMES}


def _polars_options() -> dict[str, Any]:
    return {"separator": " ", "null_values": "-", "schema": _polars_schema(), "quote_char": None}


def polars_s3(job: Job) -> Any:
    import polars as pl

    storage = {
        "aws_endpoint_url": job.url,
        "aws_access_key_id": "k",
        "aws_secret_access_key": "s",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    found = f"s3://text/AWSLogs/123456789012/vpcflowlogs/us-east-1/{START:%Y/%m/%d}/*.log.gz"
    return pl.scan_csv(found, storage_options=storage, **_polars_options()).collect()


def polars_files(job: Job) -> Any:
    import polars as pl

    return pl.scan_csv(job.paths, **_polars_options()).collect()


def _duckdb_csv(job: Job) -> str:
    kinds = dict.fromkeys(INTS, "INTEGER") | dict.fromkeys(LONGS, "BIGINT")
    columns = ", ".join(f"'{name}': '{kinds.get(name, 'VARCHAR')}'" for name in COLUMNS)
    return (
        f"read_csv({job.paths!r}, delim=' ', header=true, nullstr='-', quote='', escape='', "
        f"auto_detect=false, columns={{{columns}}})"
    )


def duckdb_files(job: Job) -> Any:
    import duckdb

    return duckdb.sql(f"SELECT * FROM {_duckdb_csv(job)}").to_arrow_table()


def inflate_files(job: Job) -> Any:
    """Nothing but inflating, by two threads: what no reader can beat."""
    from isal import igzip

    def one(path: str) -> int:
        return len(igzip.decompress(Path(path).read_bytes()))

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(one, job.paths))


def pyarrow_parquet(job: Job) -> Any:
    import pyarrow.parquet as pq

    return pa.concat_tables(pq.read_table(path) for path in job.paths).to_pandas(
        types_mapper=_arrow_dtype()
    )


def _arrow_dtype() -> Any:
    import pandas as pd

    return pd.ArrowDtype


def polars_parquet(job: Job) -> Any:
    import polars as pl

    return pl.scan_parquet(job.paths).collect()


def duckdb_parquet(job: Job) -> Any:
    import duckdb

    return duckdb.sql(f"SELECT * FROM read_parquet({job.paths!r})").to_arrow_table()


LABKIT_FILES = ("labkit.flowlogs.files", "pyarrow.pandas_compat")
LABKIT = (*LABKIT_FILES, "labkit.flowlogs.s3", "labkit.flowlogs.cloudwatch", "boto3")
READERS = {
    method.name: method
    for method in (
        Method("labkit", labkit_s3, LABKIT),
        Method("labkit, local files", labkit_files, (*LABKIT_FILES, "pyarrow.parquet")),
        Method("flowlogs-reader", flowlogs_reader_s3, ("flowlogs_reader", "boto3")),
        Method("awswrangler", awswrangler_s3, ("awswrangler",)),
        Method("pandas (C), local files", pandas_c, ("pandas", "pyarrow")),
        Method("pandas (pyarrow), local files", pandas_pyarrow, ("pandas", "pyarrow.csv")),
        Method("polars", polars_s3, ("polars",)),
        Method("polars, local files", polars_files, ("polars",)),
        Method("duckdb, local files", duckdb_files, ("duckdb", "pyarrow")),
        Method("inflating alone, 2 threads", inflate_files, ("isal.igzip",)),
        Method("pyarrow", pyarrow_parquet, ("pyarrow.pandas_compat", "pyarrow.parquet")),
        Method("polars (Parquet)", polars_parquet, ("polars",)),
        Method("duckdb (Parquet)", duckdb_parquet, ("duckdb", "pyarrow")),
    )
}


def as_table(rows: Any) -> pa.Table | None:
    """Return what a method gave as an Arrow table, to be compared with the truth."""
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, int):
        return None
    if isinstance(rows, list):
        return _of_records(rows)
    if hasattr(rows, "to_arrow"):
        return rows.to_arrow()
    return pa.Table.from_pandas(rows, preserve_index=False)


def _of_records(records: list[Any]) -> pa.Table:
    """Take flowlogs-reader's objects apart; its account ids are text, its times naive."""
    columns = {}
    for name in COLUMNS:
        values = [getattr(each, name) for each in records]
        if name in ("start", "end"):
            values = [int(each.replace(tzinfo=UTC).timestamp()) for each in values]
        columns[name] = pa.array(values)
    return pa.table(columns)


def environment(url: str) -> dict[str, str]:
    return os.environ | {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "AWS_EC2_METADATA_DISABLED": "true",
    }

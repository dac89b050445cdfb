"""Sums over many records: in memory, and over more than memory is to hold."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from reading import methods
from reading.methods import LABKIT_FILES, Job, Method


@dataclass(frozen=True)
class Sums(Method):
    """A method whose rows are sums; they must be as many bytes as the generator made."""

    def differs(self, rows: Any, job: Job, truth: dict) -> list[str]:
        if not truth:
            return []
        values = rows["bytes"]
        got = int(sum(values.to_pylist()) if isinstance(rows, pa.Table) else values.sum())
        wanted = truth["columns"]["bytes"][1] * job.repeat
        return [] if got == wanted else [f"bytes: {got} for {wanted}"]


@dataclass(frozen=True)
class InMemory(Sums):
    """Reads the Parquet twin before the clock starts."""

    kind: str = "arrow"

    def load(self, job: Job) -> None:
        loaded(job, self.kind)


@cache
def loaded(job: Job, kind: str) -> Any:
    import pyarrow.parquet as pq

    table = pa.concat_tables(pq.read_table(path) for path in job.paths)
    if kind == "polars":
        import polars as pl

        return pl.from_arrow(table)
    return table.to_pandas(types_mapper=methods._arrow_dtype()) if kind == "pandas" else table


def labkit_in_memory(job: Job) -> Any:
    from labkit.flowlogs import aggregate
    from labkit.flowlogs.columns import with_times

    return aggregate.by_minute([with_times(loaded(job, "arrow"))])


def polars_in_memory(job: Job) -> Any:
    import polars as pl

    log = loaded(job, "polars").lazy().drop_nulls("packets")
    keys = [(pl.col("start") // 60 * 60).alias("minute"), "action"]
    return log.group_by(keys).agg(pl.col("bytes").sum()).collect()


def pandas_in_memory(job: Job) -> Any:
    log = loaded(job, "pandas")
    log = log[log.packets.notna()]
    return log.groupby([log.start // 60 * 60, "action"])["bytes"].sum().to_frame()


def duckdb_in_memory(job: Job) -> Any:
    import duckdb

    log = loaded(job, "arrow")  # found by its name
    assert log is not None
    return duckdb.sql(f"{_SUM} FROM log {_WHERE}").to_arrow_table()


_SUM = 'SELECT start // 60 * 60 AS "minute", action, sum(bytes)::BIGINT AS bytes'
_WHERE = "WHERE packets IS NOT NULL GROUP BY ALL"


def labkit_out_of_core(job: Job) -> Any:
    from labkit.flowlogs import aggregate, files

    tables = files.scan(job.paths, columns=("start", "action", "packets", "bytes"))
    return aggregate.by_minute(tables)


def polars_out_of_core(job: Job) -> Any:
    import polars as pl

    log = pl.scan_csv(job.paths, **methods._polars_options()).drop_nulls("packets")
    keys = [(pl.col("start") // 60 * 60).alias("minute"), "action"]
    return log.group_by(keys).agg(pl.col("bytes").sum()).collect(engine="streaming")


def duckdb_out_of_core(job: Job) -> Any:
    import duckdb

    return duckdb.sql(f"{_SUM} FROM {methods._duckdb_csv(job)} {_WHERE}").to_arrow_table()


def pandas_out_of_core(job: Job) -> Any:
    import pandas as pd

    parts = []
    for path in job.paths:
        log = pd.read_csv(path, sep=" ", na_values="-", usecols=["start", "action", "bytes"])
        parts.append(log.groupby([log.start // 60 * 60, "action"])["bytes"].sum())
    return pd.concat(parts).groupby(level=[0, 1]).sum().to_frame()


METHODS = {
    method.name: method
    for method in (
        Sums("labkit, out of core", labkit_out_of_core, LABKIT_FILES),
        Sums("polars, out of core", polars_out_of_core, ("polars",)),
        Sums("duckdb, out of core", duckdb_out_of_core, ("duckdb", "pyarrow")),
        Sums("pandas, out of core", pandas_out_of_core, ("pandas",)),
        InMemory("labkit, in memory", labkit_in_memory, LABKIT_FILES),
        InMemory("polars, in memory", polars_in_memory, ("polars",), "polars"),
        InMemory("duckdb, in memory", duckdb_in_memory, ("duckdb",)),
        InMemory("pandas, in memory", pandas_in_memory, ("pandas",), "pandas"),
    )
}

"""Sums over many records: in memory, and over more than memory is to hold."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from reading import methods
from reading.methods import INTS, LABKIT, LONGS, Job, Method


@dataclass(frozen=True)
class Sums(Method):
    """A method whose rows are sums; they must be as many bytes as the generator made."""

    def differs(self, rows: Any, truth: dict) -> list[str]:
        if not truth:
            return []
        got = int(
            rows["bytes"].sum()
            if not isinstance(rows, pa.Table)
            else sum(rows["bytes"].to_pylist())
        )
        wanted = truth["columns"]["bytes"][1] * truth.get("repeat", 1)
        return [] if got == wanted else [f"bytes: {got} for {wanted}"]


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

    query = f"SELECT start // 60 * 60 AS minute, action, sum(bytes)::BIGINT AS bytes FROM {methods._duckdb_csv(job)} WHERE packets IS NOT NULL GROUP BY ALL"
    return duckdb.sql(query).to_arrow_table()


def pandas_out_of_core(job: Job) -> Any:
    import pandas as pd

    parts = []
    for path in job.paths:
        log = pd.read_csv(path, sep=" ", na_values="-", usecols=["start", "action", "bytes"])
        parts.append(log.groupby([log.start // 60 * 60, "action"]).bytes.sum())
    return pd.concat(parts).groupby(level=[0, 1]).sum().to_frame()


METHODS = {
    method.name: method
    for method in (
        Sums("labkit, out of core", labkit_out_of_core, LABKIT),
        Sums("polars, out of core", polars_out_of_core, ("polars",)),
        Sums("duckdb, out of core", duckdb_out_of_core, ("duckdb", "pyarrow")),
        Sums("pandas by file", pandas_out_of_core, ("pandas",)),
    )
}
_ = INTS, LONGS

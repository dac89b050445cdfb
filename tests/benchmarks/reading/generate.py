"""Flow log files of any number of records, with the checksum of every column.

Written by NumPy and Arrow's own CSV and Parquet writers, not by the code that is measured.
"""

import gzip
import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
ACCOUNT, REGION, FLOW_LOG = "123456789012", "us-east-1", "fl-1234abcd1234abcd1"
FOLDER = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{BEGIN:%Y/%m/%d}"
INTS = {"version", "srcport", "dstport", "protocol"}
LONGS = {"packets", "bytes", "start", "end"}
NAMES = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status"
).split()
NO_TRAFFIC = 1000  # one row in so many is NODATA
FLOW = ("srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "action")


def rows(seed: int, count: int) -> pa.Table:
    """Return records of 50 interfaces and 5,000 addresses in five minutes, some of them NODATA."""
    random = np.random.default_rng(seed)
    pool = np.random.default_rng(0)
    interfaces = np.array([f"eni-{n:017x}" for n in pool.integers(0, 2**60, 50)])
    addresses = np.array([f"10.{a}.{b}.{c}" for a, b, c in pool.integers(0, 256, (5000, 3))])
    slot = int(BEGIN.timestamp()) + 300 * (seed % 280)
    start = slot + random.integers(0, 240, count)
    packets = random.zipf(1.6, count).clip(1, 100_000)
    columns = {
        "version": np.full(count, 2, np.int32),
        "account-id": np.full(count, ACCOUNT),
        "interface-id": interfaces[random.integers(0, 50, count)],
        "srcaddr": addresses[random.integers(0, 5000, count)],
        "dstaddr": addresses[random.zipf(1.3, count).clip(1, 5000) - 1],
        "srcport": random.integers(1024, 65536, count).astype(np.int32),
        "dstport": random.choice([22, 53, 80, 443, 3306, 8080], count).astype(np.int32),
        "protocol": random.choice([1, 6, 17], count, p=[0.02, 0.9, 0.08]).astype(np.int32),
        "packets": packets,
        "bytes": packets * random.integers(40, 1500, count),
        "start": start,
        "end": start + random.integers(0, 60, count),
        "action": random.choice(["ACCEPT", "REJECT"], count, p=[0.9, 0.1]),
        "log-status": np.full(count, "OK"),
    }
    quiet = random.integers(0, NO_TRAFFIC, count) == 0
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    status = pc.if_else(pa.array(quiet), "NODATA", "OK")
    table = table.set_column(13, "log-status", status)
    for name in FLOW:
        place = table.column_names.index(name)
        table = table.set_column(place, name, pc.if_else(pa.array(quiet), None, table[name]))
    return table


def checksums(table: pa.Table) -> dict[str, list[int]]:
    """Return for each column: values that are there, and a sum over them, whatever their order."""
    return {
        name.replace("_", "-"): [len(values) - values.null_count, _sum(values)]
        for name, values in zip(table.column_names, table.columns, strict=True)
    }


def add(sums: list[dict[str, list[int]]]) -> dict[str, list[int]]:
    return {name: [sum(each[name][i] for each in sums) for i in (0, 1)] for name in sums[0]}


def _sum(values: pa.ChunkedArray) -> int:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("s", values.type.tz), safe=False).cast(pa.int64())
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return int(pc.sum(values).as_py() or 0)
    counts = pc.value_counts(values).to_pylist()
    return sum(
        zlib.crc32(str(each["values"]).encode()) * each["counts"]
        for each in counts
        if each["values"] is not None
    )


def text(table: pa.Table) -> bytes:
    as_text = {
        name: pc.fill_null(table[name].cast(pa.string()), "-") for name in table.column_names
    }
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(delimiter=" ", quoting_style="none", include_header=False)
    pyarrow.csv.write_csv(pa.table(as_text), sink, options)
    return sink.getvalue().to_pybytes()


def _name(number: int, ending: str) -> str:
    slot = BEGIN + timedelta(minutes=5 * (number % 280))
    return f"{ACCOUNT}_vpcflowlogs_{REGION}_{FLOW_LOG}_{slot:%Y%m%dT%H%MZ}_{number:08x}.{ending}"


def _write(task: tuple[str, int, int, int, bool]) -> dict[str, list[int]]:
    folder, number, first_seed, records, parquet = task
    seeds = range(first_seed, first_seed + max(1, records // 25_000))
    table = pa.concat_tables(rows(seed, records // len(seeds)) for seed in seeds)
    body = " ".join(NAMES).encode() + b"\n" + text(table)
    (Path(folder) / _name(number, "log.gz")).write_bytes(gzip.compress(body, 6))
    if parquet:
        twin = Path(folder.replace("/text/", "/parquet/")) / _name(number, "log.parquet")
        named = table.rename_columns([name.replace("-", "_") for name in table.column_names])
        pyarrow.parquet.write_table(named, twin, compression="snappy")
    return checksums(table)


def dataset(root: Path, name: str, files: int, records: int, *, parquet: bool = False) -> Path:
    """Make a bucket's folder unless it is there; return it. `truth.json` beside has the checksums."""
    bucket = root / f"{name}-{files}x{records}" / "text"
    truth = bucket.parent / "truth.json"
    if truth.exists():
        return bucket
    (bucket / FOLDER).mkdir(parents=True)
    if parquet:
        (bucket.parent / "parquet" / FOLDER).mkdir(parents=True)
    tasks = [(str(bucket / FOLDER), n, n, records, parquet) for n in range(files)]
    with ProcessPoolExecutor(2) as pool:
        sums = list(pool.map(_write, tasks, chunksize=max(1, files // 50)))
    truth.write_text(json.dumps({"rows": files * records, "columns": add(sums)}))
    return bucket

"""The two formats of flow log files on S3.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence

from labkit.emulator.flow_logs.lines import NONE, Values, header, text
from labkit.fields import BY_NAME


def as_text(fields: Sequence[str], rows: Sequence[Values]) -> bytes:
    """Return a gzip file: a header with the fields' names, then a line for each record."""
    lines = [header(fields), *map(text, rows)]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode())


def as_parquet(fields: Sequence[str], rows: Sequence[Values]) -> bytes:
    """Return a Parquet file, compressed with gzip inside, columns named as Athena names them.

    The guide's table gives the types. A text that does not apply is ``-``, as in a line; a number
    is null.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields
    """
    # Loaded when there is something to write: it takes half a second, and most never need it.
    import pyarrow as pa
    import pyarrow.parquet as pq

    known = [BY_NAME[name] for name in fields]
    types = {"int32": pa.int32(), "int64": pa.int64(), "string": pa.string()}
    schema = pa.schema([(field.column, types[field.dtype]) for field in known])
    missing = [NONE if field.dtype == "string" else None for field in known]
    columns = [
        [instead if row[index] is None else row[index] for row in rows]
        for index, instead in enumerate(missing)
    ]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, schema.types, strict=True)]
    file = io.BytesIO()
    table = pa.Table.from_arrays(arrays, schema=schema)
    pq.write_table(table, file, compression="gzip", store_schema=False)
    return file.getvalue()

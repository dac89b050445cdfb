"""Tables to a DataFrame: Arrow's own conversion to pandas is the measure."""

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest

from labkit.flowlogs.frames import Rows, to_frame
from labkit.flowlogs.summary import ReadSummary

S, MS = pa.timestamp("s", "UTC"), pa.timestamp("ms", "UTC")
MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def times(unit, *values):
    return pa.array(values, pa.int64()).cast(unit)


def by_arrow(tables):
    table = pa.concat_tables(tables, promote_options="permissive")

    def own(dtype):
        return None if pa.types.is_timestamp(dtype) else pd.ArrowDtype(dtype)

    return table.to_pandas(types_mapper=own)


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param([pa.table({"start": times(S, 1, 2), "bytes": [3, 4]})], id="one table"),
        pytest.param(
            [pa.table({"bytes": [n] * n, "start": times(S, *range(n))}) for n in (1, 2, 9, 100)],
            id="many, ever larger",
        ),
        pytest.param([pa.table({"start": times(S, 1, None, 3)})] * 2, id="some are missing"),
        pytest.param(
            [
                pa.table({"bytes": [1, 2]}),
                pa.table({"start": times(S, 7)}),
                pa.table({"bytes": [1]}),
            ],
            id="a column that some tables lack",
        ),
        pytest.param(
            [pa.table({"start": times(S, 1, None)}), pa.table({"start": times(MS, 1500, None)})],
            id="seconds, then milliseconds",
        ),
        pytest.param(
            [pa.table({"start": times(MS, 1500, None)}), pa.table({"start": times(S, 1, None)})],
            id="milliseconds, then seconds",
        ),
        pytest.param(
            [pa.table({"start": times(S, 1)}), pa.table({"start": times(MS, 1, 2)})] * 3,
            id="now these, now those",
        ),
        pytest.param([pa.table({"start": times(S), "a": pa.array([], "str")})], id="no rows"),
        pytest.param(
            [pa.table({"start": times(pa.timestamp("s"), 1, 2)})], id="without a time zone"
        ),
    ],
)
def test_rows_are_those_of_arrow(tables):
    frame = to_frame(tables, ReadSummary())
    pd.testing.assert_frame_equal(frame, by_arrow(tables))


def test_columns_are_in_the_order_in_which_they_came():
    frame = to_frame([pa.table({"b": [1], "start": times(S, 1)}), pa.table({"a": [1]})], None)
    assert list(frame) == ["b", "start", "a"]


def test_dictionaries_are_categories_of_all_tables():
    tables = [pa.table({"action": pa.array(list(w)).dictionary_encode()}) for w in ("AB", "BC")]
    frame = to_frame(tables, ReadSummary())
    assert frame.action.tolist() == ["A", "B", "B", "C"]
    assert frame.action.dtype == pd.CategoricalDtype(["A", "B", "C"])


def test_times_are_the_frame_s_own():
    """Neither the tables' memory, in which nobody may write, nor more than the rows need."""
    table = pa.table({"start": times(S, *range(10))})
    frame = to_frame([table, table], ReadSummary())
    frame.loc[0, "start"] = MOMENT
    assert frame.start[0] == pd.Timestamp(MOMENT)
    assert table["start"][0].as_py().year == 1970
    assert frame.start[10].year == 1970
    values = frame.start.array.asi8
    assert values.base is None or values.base.nbytes == 20 * 8


def test_no_table_is_told_from_one_without_rows():
    rows = Rows()
    assert rows.is_empty
    rows.add(pa.table({"start": times(S)}))
    assert not rows.is_empty

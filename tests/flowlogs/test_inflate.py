"""Compressed text piece by piece; what Python's gzip wrote, and what it reads, is the measure."""

import gzip
from datetime import UTC, datetime

import pytest

from labkit.flowlogs.batches import bunches
from labkit.flowlogs.inflate import inflate
from labkit.flowlogs.stored import Object

TEXT = b"2 123456789012 eni-1235b8ca123456789 - - - - - - - 1 2 - NODATA\n" * 1000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(TEXT), id="the size is told rightly"),
        pytest.param(gzip.compress(TEXT[:70]) + gzip.compress(TEXT), id="of the last member only"),
        pytest.param(gzip.compress(TEXT) + gzip.compress(TEXT[:700]), id="of a smaller member"),
        pytest.param(gzip.compress(TEXT) + b"\0" * 8, id="zeros after the member"),
    ],
)
@pytest.mark.parametrize("most", [1000, 64_000, 65_000, 4_000_000])
def test_every_byte_comes_whatever_size_the_last_bytes_tell(data, most):
    assert b"".join(inflate([data], most)) == gzip.decompress(data)


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        pytest.param([10] * 40, [16, 16, 8], id="at most sixteen"),
        pytest.param([60_000, 60_000, 10], [1, 2], id="at most 100,000 bytes"),
        pytest.param([500_000], [1], id="a larger one by itself"),
    ],
)
def test_a_thread_fetches_small_files_one_after_the_other(sizes, lengths):
    files = [Object(str(n), size, datetime.now(UTC)) for n, size in enumerate(sizes)]
    bunched = list(bunches(files))
    assert [len(each) for each in bunched] == lengths
    assert [each for bunch in bunched for each in bunch] == files

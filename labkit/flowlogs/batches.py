"""Which files are fetched, and which parsed, together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from labkit.flowlogs.stored import Object

BATCH_BYTES = 500_000
BATCH_OBJECTS = 256
LARGE_BYTES = 4_000_000
# A thread fetches small files one after the other: handing each to a thread of its own takes longer
# than fetching it from nearby, and from afar there are threads enough.
BUNCH_BYTES = 100_000
BUNCH_OBJECTS = 16

Batch = list[Object] | Object
"""Small files that are parsed together, or a large one."""


def batches(objects: Iterable[Object]) -> Iterator[Batch]:
    """Yield small files together, and each large one by itself."""
    batch: list[Object] = []
    size = 0
    for each in objects:
        large = each.size_bytes > LARGE_BYTES and not each.key.endswith("parquet")
        if batch and (large or size + each.size_bytes > BATCH_BYTES or len(batch) >= BATCH_OBJECTS):
            yield batch
            batch, size = [], 0
        if large:
            yield each
        else:
            batch.append(each)
            size += each.size_bytes
    if batch:
        yield batch


def bunches(batch: Sequence[Object]) -> Iterator[Sequence[Object]]:
    """Yield the objects of a batch in the bunches, in order, that one thread each fetches."""
    bunch: list[Object] = []
    size = 0
    for each in batch:
        size += each.size_bytes
        if bunch and (len(bunch) == BUNCH_OBJECTS or size > BUNCH_BYTES):
            yield bunch
            bunch, size = [], each.size_bytes
        bunch.append(each)
    if bunch:
        yield bunch

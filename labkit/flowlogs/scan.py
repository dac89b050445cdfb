"""Read flow log files as a stream: fetched and parsed in threads, yielded in order.

What is fetched, inflated or parsed ahead of the consumer is bounded, so memory does not grow with
the log.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from itertools import chain

import pyarrow as pa

from labkit.errors import ParameterError
from labkit.flowlogs.ahead import map_ahead
from labkit.flowlogs.batches import Batch, batches, bunches
from labkit.flowlogs.file_parts import Parsed, Reading
from labkit.flowlogs.large_file import LargeFile
from labkit.flowlogs.stored import Data, Object, Store, is_gone
from labkit.flowlogs.summary import ReadSummary, SetAside, total
from labkit.waiting import State, Tick, Watch, silent

# Objects from afar are waited for, so many at once pay; those from nearby cost work, and with more
# threads than that needs, all of them come late instead of some early.
NEAR_FETCHERS, FAR_FETCHERS = 4, 128
FAR_S = 0.005
"""What an object takes at least if it is from afar."""
NEAR_BYTES, FAR_BYTES = 3_000_000, 12_000_000
"""What is fetched ahead; from afar, what comes in a tenth of a second at a gigabit a second."""
FETCHED_OBJECTS = 4096
PARTS_AHEAD = 4
TOLD_EVERY_S = 0.25


Fetched = list[Future[list[Data | None]]]


@dataclass(frozen=True, slots=True)
class Progress(Tick):
    """How far a reader is; `seen` says the same in words."""

    records: int = 0
    objects: int = 0
    stored_bytes: int = 0


class Scan:
    """The records as Arrow tables of one log format each, in the order of the files.

    To be iterated once. With `columns=`, each table has these columns.

    Attributes:
        summary: The account of all that was yielded so far; at the end, of everything.
    """

    def __init__(
        self,
        what: str,
        store: Store,
        found: Iterable[Object | SetAside],
        reading: Reading,
        watch: Watch = silent,
    ) -> None:
        self.summary = ReadSummary()
        self._what = what
        self._store = store
        self._found = found
        self._reading = reading
        self._watch = watch
        self._began = self._told = time.monotonic()
        self._columns: set[str] = set()
        self._tables = self._run()

    def __iter__(self) -> Iterator[pa.Table]:
        return self

    def __next__(self) -> pa.Table:
        return next(self._tables)

    def close(self) -> None:
        """End early: what is under way is finished, what waits is called off."""
        self._tables.close()

    def _run(self) -> Generator[pa.Table, None, None]:
        workers = max(2, os.cpu_count() or 2)
        near, far = ThreadPoolExecutor(NEAR_FETCHERS), ThreadPoolExecutor(FAR_FETCHERS)
        parsers = ThreadPoolExecutor(workers)
        pending: deque[tuple[Future[Parsed], Callable[[Parsed], Parsed]]] = deque()
        state = State.STOPPED
        try:
            for task, settle in self._tasks(near, far):
                pending.append((parsers.submit(task), settle))
                while pending and (len(pending) > 2 * workers or pending[0][0].done()):
                    yield from self._take(*pending.popleft())
            while pending:
                yield from self._take(*pending.popleft())
            self._check_columns()
            state = State.DONE
        finally:
            for pool in (parsers, near, far):
                pool.shutdown(cancel_futures=True)
            self._tell(state)

    def _tasks(
        self, near: Executor, far: Executor
    ) -> Iterator[tuple[Callable[[], Parsed], Callable[[Parsed], Parsed]]]:
        """Yield what parses each bunch of files, and what is to be done with the outcome."""
        for batch, fetched in self._fetch(near, far):
            if isinstance(batch, Object):
                parts = map_ahead(near, _call, self._store.parts(batch), PARTS_AHEAD)
                yield from LargeFile(batch, self._reading).tasks(parts)
            else:
                files, gone = _arrived(batch, fetched)
                yield partial(self._reading.read_files, files), partial(_and, gone)

    def _fetch(self, near: Executor, far: Executor) -> Iterator[tuple[Batch, Fetched]]:
        """Fetch ahead, so far as bytes and number allow."""
        waiting: deque[tuple[Batch, Fetched]] = deque()
        pool: Executor | None = None
        most_bytes = FAR_BYTES
        for batch in batches(self._objects()):
            if isinstance(batch, Object):
                waiting.append((batch, []))
            else:
                fetched: Fetched = []
                if pool is None:
                    fetched, is_far = self._try(batch[:2], near)
                    pool, most_bytes = (far, FAR_BYTES) if is_far else (near, NEAR_BYTES)
                rest = bunches(batch[len(fetched) :])
                fetched += [pool.submit(self._get, some) for some in rest]
                waiting.append((batch, fetched))
            while len(waiting) > 1 and _is_plenty(waiting, most_bytes):
                yield waiting.popleft()
        yield from waiting

    def _try(self, objects: Sequence[Object], near: Executor) -> tuple[Fetched, bool]:
        """Fetch a few objects one by one; tell whether the last, without a first, is from afar."""
        fetched: Fetched = []
        began = time.monotonic()
        for each in objects:
            began = time.monotonic()
            fetched.append(near.submit(self._get, [each]))
            wait(fetched)
        return fetched, time.monotonic() - began > FAR_S

    def _get(self, objects: Sequence[Object]) -> list[Data | None]:
        """Fetch objects one after the other; None is one that has gone since it was listed."""
        found: list[Data | None] = []
        for each in objects:
            try:
                found.append(self._store.get(each.key))
            except Exception as error:
                if not is_gone(error):
                    raise
                found.append(None)
        return found

    def _objects(self) -> Iterator[Object]:
        for each in self._found:
            if isinstance(each, SetAside):
                self._add(ReadSummary(not_flow_log=1, set_aside=(each,)))
            else:
                yield each

    def _take(
        self, future: Future[Parsed], settle: Callable[[Parsed], Parsed]
    ) -> Iterator[pa.Table]:
        parsed = settle(future.result())
        self._add(parsed.counts)
        if time.monotonic() - self._told >= TOLD_EVERY_S:
            self._tell(State.WAITING)
        yield from parsed.tables

    def _add(self, counts: ReadSummary) -> None:
        self.summary = total([self.summary, counts])

    def _tell(self, state: State) -> None:
        self._told = time.monotonic()
        read = self.summary
        seen = (
            f"{read.rows:,} rows of {read.objects:,} objects, "
            f"{read.stored_bytes / 1e6:,.1f} MB as stored"
        )
        self._watch(
            Progress(
                self._what,
                self._told - self._began,
                float("inf"),
                seen,
                state,
                records=read.records,
                objects=read.objects,
                stored_bytes=read.stored_bytes,
            )
        )

    def _check_columns(self) -> None:
        wanted = self._reading.selection.columns or ()
        there = self._reading.seen_columns
        missing = [name for name in wanted if name not in there]
        if missing and self.summary.objects and there:
            raise ParameterError(
                f"No file has the columns {missing}; they have {', '.join(sorted(there))}."
            )


def _is_plenty(waiting: Iterable[tuple[Batch, Fetched]], most_bytes: int) -> bool:
    several = [batch if isinstance(batch, list) else [batch] for batch, _ in waiting]
    size = sum(each.size_bytes for batch in several for each in batch)
    return size > most_bytes or sum(map(len, several)) > FETCHED_OBJECTS


def _arrived(
    batch: Sequence[Object], fetched: Fetched
) -> tuple[list[tuple[str, Data]], ReadSummary]:
    """Wait for the files of a batch; tell which have gone since they were listed."""
    files, gone = [], []
    found = chain.from_iterable(future.result() for future in fetched)
    for each, data in zip(batch, found, strict=True):
        if data is None:
            gone.append(SetAside(each.key, 0, "it was listed, and gone when it was to be read"))
        else:
            files.append((each.key, data))
    return files, ReadSummary(vanished=len(gone), set_aside=tuple(gone))


def _and(more: ReadSummary, parsed: Parsed) -> Parsed:
    return parsed._replace(counts=total([parsed.counts, more]))


def _call(fetch: Callable[[], Data]) -> Data:
    return fetch()

"""The bytes of flow log files to tables: small ones together, larger ones block by block.

Small files of one log format are joined. Where a join holds anything odd, each file is parsed by
itself, so that every line is accounted for in its own file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from labkit.errors import RecordFormatError
from labkit.flowlogs import clean_lines, joined_files
from labkit.flowlogs.buffers import Buffers
from labkit.flowlogs.columns import schema, with_times
from labkit.flowlogs.parquet_files import MAGIC, read_parquet
from labkit.flowlogs.records import Malformed, ReadSummary, SetAside, count_rows, parse_table
from labkit.flowlogs.selection import Selection
from labkit.flowlogs.stored import Data
from labkit.flowlogs.summary import total
from labkit.flowlogs.text_blocks import Block, BreaksOff, NotFlowLog, text_blocks


class Parsed(NamedTuple):
    """Rows, and the account of the lines and files that they are from."""

    tables: list[pa.Table]
    counts: ReadSummary


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are to be read.

    Attributes:
        selection: What is wanted of the records.
        fields: The log format of text files that have no header.
        malformed: What becomes of what does not fit.
        seen_columns: Collects the columns that any file has.
        buffers: Memory for the texts.
    """

    selection: Selection
    fields: Sequence[str] | None = None
    malformed: Malformed = "raise"
    seen_columns: set[str] = field(default_factory=set)
    buffers: Buffers = field(default_factory=Buffers)

    def read_files(self, files: Iterable[tuple[str, Data]]) -> Parsed:
        """Read whole files, each a name and its bytes, in their order.

        Raises:
            RecordFormatError: A file or a line is malformed, unless such are kept.
        """
        parts: list[Parsed] = []
        for group in joined_files.groups(files, self.buffers.large_bytes):
            joined = self._read_joined(group) if len(group) > 1 else None
            if joined:
                parts.append(joined)
            else:
                parts.extend(each for file in group for each in self._read_alone(*file))
        tables = [table for part in parts for table in part.tables]
        return Parsed(tables, total(part.counts for part in parts))

    def parse_blocks(self, blocks: Iterable[Block]) -> Iterator[Parsed]:
        """Parse the blocks of one file, in order."""
        line = 1
        for block in blocks:
            line += block.headers
            parsed = self.parse_block(block, line)
            line += parsed.counts.lines - block.headers
            yield parsed

    def parse_block(self, block: Block, first_line: int = 1) -> Parsed:
        """Parse one block.

        Raises:
            RecordFormatError: A line is malformed, unless such are kept.
        """
        table, counts = parse_table(
            block.text,
            block.fields,
            columns=self.selection.to_read,
            begin=block.begin,
            end=block.end,
            file=block.file,
            first_line=first_line,
            malformed=self.malformed,
        )
        self.buffers.give_back(block.text)
        if block.headers:
            counts = counts._replace(
                lines=counts.lines + 1,
                header=counts.header + 1,
                text_bytes=counts.text_bytes + block.begin,
            )
        return self._select(table, schema(block.fields), counts)

    def refuse(self, name: str, error: NotFlowLog | BreaksOff) -> ReadSummary:
        """Account for a file that could not be read, or not to its end.

        Raises:
            RecordFormatError: Unless such are kept.
        """
        reason = error.reason if isinstance(error, NotFlowLog) else str(error)
        if self.malformed == "raise":
            sentence = (
                f"{name} {reason}." if isinstance(error, NotFlowLog) else f"{name}: {reason}."
            )
            raise RecordFormatError(sentence, line=error.text, file=name) from error
        kept = (SetAside(name, 0, reason, error.text),)
        if isinstance(error, BreaksOff):
            return ReadSummary(objects=1, truncated=1, set_aside=kept)
        return ReadSummary(not_flow_log=1, set_aside=kept)

    def _read_joined(self, files: Sequence[tuple[str, Data]]) -> Parsed | None:
        """Parse small files of one log format at once, or return None if any is odd."""
        text = self.buffers.take()
        try:
            joined = joined_files.join(files, text)
            if joined is None:
                return None
            fields, begin, end = joined
            table = clean_lines.parse(text, fields, self.selection.to_read, begin=begin, end=end)
        finally:
            self.buffers.give_back(text)
        if table is None:
            return None
        counts = count_rows(table)._replace(
            lines=table.num_rows + len(files),
            header=len(files),
            text_bytes=end - begin + len(files) * begin,
            objects=len(files),
            stored_bytes=sum(len(data) for _, data in files),
        )
        return self._select(with_times(table), schema(fields), counts)

    def _read_alone(self, name: str, data: Data) -> Iterator[Parsed]:
        counts = ReadSummary(stored_bytes=len(data))
        if data[: len(MAGIC)] == MAGIC:
            yield self._read_parquet(name, data)
        else:
            blocks, fate = self._blocks(name, data)
            yield from self.parse_blocks(blocks)
            counts = fate._replace(stored_bytes=len(data))
        yield Parsed([], counts)

    def _blocks(self, name: str, data: Data) -> tuple[list[Block], ReadSummary]:
        """Return a text file's blocks, and what became of it."""
        blocks: list[Block] = []
        try:
            blocks.extend(text_blocks(name, [data], self.fields, self.buffers))
        except NotFlowLog as error:
            return [], self.refuse(name, error)
        except BreaksOff as error:
            return blocks, self.refuse(name, error)
        return blocks, ReadSummary(objects=1) if blocks else ReadSummary(empty=1)

    def _read_parquet(self, name: str, data: Data) -> Parsed:
        try:
            table, counts = read_parquet(data, self.selection.to_read)
        except NotFlowLog as error:
            return Parsed([], self.refuse(name, error))
        return self._select(table, table.column_names, counts._replace(objects=1))

    def _select(self, table: pa.Table, names: Iterable[str], counts: ReadSummary) -> Parsed:
        self.seen_columns.update(names)
        kept, counts = self.selection.apply(table, counts)
        return Parsed([kept], counts)

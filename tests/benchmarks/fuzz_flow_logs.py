"""A million flow log files, each damaged somewhere: read without a wrong row or an odd error.

Run: python tests/benchmarks/fuzz_flow_logs.py [FILES] [SEED]

A file is some lines of AWS's documentation, compressed, then mutated: bytes of the text or of the
gzip file flipped, cut out, doubled, cut off. Each is read with malformed="keep" and "raise". What
must hold: every line is accounted for; each row kept is a line of the file, word for word; "raise"
raises a RecordFormatError exactly if something was set aside. Ends with 1 at the first that fails,
which it names by its seed.
"""

import gzip
import multiprocessing
import random
import re
import sys
import time

from labkit.errors import RecordFormatError
from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import compiled_lines
from labkit.flowlogs.file_parts import Reading
from labkit.flowlogs.records import write
from labkit.flowlogs.selection import Selection
from labkit.flowlogs.window import Window

PART = 10_000
HEADER = " ".join(DEFAULT_FIELDS)
LINES = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK",
    "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
    "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA",
    "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 "
    "2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK",
)
KEEP, RAISE = (Reading(Selection(Window()), malformed=way) for way in ("keep", "raise"))
NUMBERS = {
    place
    for place, name in enumerate(DEFAULT_FIELDS)
    if name in ["version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end"]
}


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Damage some bytes."""
    body = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        place, length = chance.randrange(len(body) + 1), chance.randint(1, 8)
        kind = chance.randrange(5)
        if kind == 0 and place < len(body):
            body[place] = chance.choice([chance.randrange(256), *b" -\n\t\r\0x0"])
        elif kind == 1:
            del body[place : place + length]
        elif kind == 2:
            body[place:place] = body[place : place + length]
        elif kind == 3:
            del body[place:]
        else:
            body[place:place] = bytes(chance.randrange(256) for _ in range(length))
    return bytes(body)


def make(seed: int) -> tuple[bytes, bytes | None]:
    """Return a file, and its text if only that was damaged."""
    chance = random.Random(seed)
    lines = [HEADER, *chance.choices(LINES, k=chance.randint(0, 6))]
    text = "\n".join([*lines, ""]).encode()
    if chance.random() < 0.7:
        text = mutate(chance, text)
        return (gzip.compress(text, 1) if chance.random() < 0.9 else text), text
    return mutate(chance, gzip.compress(text, 1)), None


def words(text: bytes) -> list[str]:
    """Return the lines as they would be written: one space, numbers in their shortest form."""
    found = []
    for line in text.split(b"\n"):
        parts = line.decode(errors="backslashreplace").replace("\t", " ").rstrip("\r").split(" ")
        shown = [part for part in parts if part]
        for place in NUMBERS & set(range(len(shown))):
            if re.fullmatch("-?[0-9]+", shown[place]):
                shown[place] = str(int(shown[place]))
        found.append(" ".join(shown))
    return found


def fault(seed: int) -> str | None:
    """Return what is wrong with the reading of one file."""
    data, text = make(seed)
    tables, read = KEEP.read_files([("f.log.gz", data)])
    kinds = read.records + read.nodata + read.skipdata + read.header + read.blank + read.malformed
    if read.lines != kinds or sum(map(len, tables)) != read.rows:
        return f"not every line is accounted for: {read}"
    if read.objects + read.empty + read.not_flow_log != 1:
        return f"the file is none of the kinds: {read}"
    try:
        RAISE.read_files([("f.log.gz", data)])
        raised = False
    except RecordFormatError:
        raised = True
    if raised != bool(read.set_aside):
        return f"raised: {raised}, but set aside: {read.set_aside}"
    if text is None or len(tables) != 1 or tables[0].column_names != list(COLUMNS):
        return None
    there = words(text)
    rows = write(tables[0], DEFAULT_FIELDS, header=False).split("\n")[:-1]
    wrong = [row for row in rows if row not in there]
    return f"a row that is no line of the file: {wrong[0]!r}" if wrong else None


COLUMNS = [name.replace("-", "_") for name in DEFAULT_FIELDS]


def first_fault(seeds: range) -> str | None:
    """Return what is wrong with the first file that is wrongly read, and its seed."""
    assert compiled_lines.load()
    compiled_lines.LEAST_BYTES = 0  # else such small files are left to Arrow's parser
    for seed in seeds:
        try:
            wrong = fault(seed)
        except Exception as error:
            wrong = f"an odd error: {error!r}"
        if wrong:
            return f"seed {seed}: {wrong}"
    return None


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    seeds = range(first, first + count)
    parts = [seeds[n : n + PART] for n in range(0, count, PART)]
    done = 0
    began = time.monotonic()
    with multiprocessing.Pool() as pool:
        for part, wrong in zip(parts, pool.imap(first_fault, parts), strict=True):
            if wrong:
                say(wrong)
                return 1
            done += len(part)
            if done % (5 * PART) == 0:
                say(f"{done:,} files, {time.monotonic() - began:.0f} s, nothing found")
    say(f"{count:,} files from seed {first}: nothing found")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

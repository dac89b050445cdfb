"""Which objects of a bucket may hold the flow log records of a span of time.

Keys are listed only where such records can be, however many others the bucket holds.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from labkit.flowlogs import layout
from labkit.flowlogs.ahead import map_ahead
from labkit.flowlogs.objects import PAGE, Bucket
from labkit.flowlogs.regions import find_regions
from labkit.flowlogs.stored import Object
from labkit.flowlogs.summary import SetAside
from labkit.flowlogs.window import BEGINNING, Window

SLOT = timedelta(minutes=5)
# A file is named for the slot that its records end in; the exact edge is not documented, so one
# slot more on either side. A record that ends after the span may have begun the longest aggregation
# interval earlier, and AWS's own times are up to a minute off.
BEFORE = 2 * SLOT
AFTER = SLOT + timedelta(seconds=600 + 60)
LISTERS = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a bucket to look.

    Attributes:
        prefix: A folder above `AWSLogs/`, or any part of a key below it; "" is everywhere.
        flow_log_id: Only this flow log's files.
        accounts: Only these accounts'.
        regions: Only these Regions'.
    """

    prefix: str = ""
    flow_log_id: str | None = None
    accounts: Collection[str] | None = None
    regions: Collection[str] | None = None


def find(bucket: Bucket, window: Window, place: Place) -> Iterator[Object | SetAside]:
    """Yield the objects to read, and what else lies among them, in the order of the folders.

    Raises:
        ClientError: NoSuchBucket, AccessDenied and the like.
    """
    bucket.open()
    regions = find_regions(bucket, place.prefix, accounts=place.accounts, regions=place.regions)
    slots = window.widen(BEFORE, AFTER)
    folders = [folder for region in regions for folder in _folders(region, slots, place.prefix)]
    if not regions and not place.accounts and not place.regions:
        yield from _find_anywhere(bucket, slots, place)

    def look(folder: str) -> list[Object | SetAside]:
        return list(_find_in_folder(bucket, slots, place, folder))

    if len(folders) == 1:
        yield from _find_in_folder(bucket, slots, place, folders[0])
        return
    with ThreadPoolExecutor(LISTERS) as pool:
        for listed in map_ahead(pool, look, folders, 2 * LISTERS):
            yield from listed


def _folders(region: str, window: Window, prefix: str) -> list[str]:
    if window.start == BEGINNING:
        return [region]
    days = (layout.day_prefix(region, day) for day in window.days())
    return [day for day in days if layout.are_on_one_way(day, prefix)]


def _find_in_folder(
    bucket: Bucket, slots: Window, place: Place, folder: str
) -> Iterator[Object | SetAside]:
    """Yield a folder's objects as they are listed, page by page."""
    for each, name in seek(bucket, folder, slots):
        if not each.key.startswith(place.prefix):
            continue
        if name is None and not layout.may_be_flow_log(each.key):
            yield SetAside(each.key, 0, "its name is not that of a flow log file")
        elif name is None or (
            slots.contains(name.slot) and place.flow_log_id in (None, name.flow_log_id)
        ):
            yield each


def seek(
    bucket: Bucket, folder: str, slots: Window
) -> Iterator[tuple[Object, layout.FileName | None]]:
    """Yield a folder's objects and what their names say, but not long runs of other slots'.

    Keys of one flow log in one folder are in the order of their slots. After a page of keys that
    lie outside, the listing begins anew where the next ones of interest can be.
    """
    after: str | None = ""
    while after is not None:
        outside, listed, after = 0, bucket.list(folder, after), None
        for each in listed:
            name = layout.parse_key(each.key)
            yield each, name
            outside = outside + 1 if name and not slots.contains(name.slot) else 0
            if name and outside >= PAGE:
                after = _next_of_interest(each.key, name, slots)
                if after is not None and after > each.key:
                    break
                after, outside = None, 0


def _next_of_interest(key: str, name: layout.FileName, slots: Window) -> str | None:
    """Return a key just before the next slots that are wanted."""
    stem = key[: key.rindex(name.flow_log_id) + len(name.flow_log_id)]
    if name.slot < slots.start:
        return f"{stem}_{slots.start - timedelta(minutes=1):%Y%m%dT%H%MZ}"
    return f"{stem}_~"


def _find_anywhere(bucket: Bucket, slots: Window, place: Place) -> Iterator[Object | SetAside]:
    """Look at a place without an `AWSLogs/` folder: copies of files, in whatever folders."""
    folder = place.prefix[: place.prefix.rfind("/") + 1]
    if place.prefix:
        yield from _find_in_folder(bucket, slots, place, folder)
    else:
        objects = bucket.list(folder)
        names = ((each, layout.parse_key(each.key)) for each in objects)
        yield from (each for each, name in names if name and slots.contains(name.slot))

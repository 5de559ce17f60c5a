"""A programme on an origin endpoint that lists everything: told to the log, put into pages, ended."""

from __future__ import annotations

import secrets
from dataclasses import replace

from support.program_entries import CHANNEL_GUID, make_entry, make_piece, make_video
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain import keys, ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_runtime import clock
from understudy_runtime.objectstore import ObjectStore

SLOT = ticks.from_seconds(2)
BODY = b"G" * 188 * 10
EVENT, VOD, END = b"#EXT-X-PLAYLIST-TYPE:EVENT\n", b"#EXT-X-PLAYLIST-TYPE:VOD\n", b"#EXT-X-ENDLIST\n"


def of_type(shown: Shown, playlist_type: str, *, startover_seconds: int = 3600) -> Shown:
    """The same origin endpoint with a playlist type, and a window of 20 s."""
    package = replace(shown.endpoint.hls_package, playlist_type=playlist_type, playlist_window_seconds=20)
    return Shown(replace(shown.endpoint, hls_package=package, startover_window_seconds=startover_seconds))


class EventProgramme:
    """Slots of 2 s, the first ``age`` slots before now, each available when it ends."""

    def __init__(self, shown: Shown, publisher: ProgramPublisher, store: ObjectStore, *, age: int) -> None:
        self._shown, self._publisher, self._store = shown, publisher, store
        self._begin = (clock.now_ticks() // SLOT - age) * SLOT
        self._run = secrets.token_hex(8)
        self.entries: list[ProgramEntry] = []
        self._begins: set[int] = set()

    def decide(self, count: int) -> None:
        """The next slots, so far told to nobody."""
        for number in range(len(self.entries), len(self.entries) + count):
            date = self._begin + number * SLOT
            upload = f"{self._run}{number:08x}"
            key = keys.media_object_key(CHANNEL_GUID, 1, received_milliseconds=date // 90, upload=upload, suffix="ts")
            piece = make_piece(number, duration=SLOT, size=len(BODY), object_key=key)
            renditions = [make_video(piece)]
            entry = make_entry(number, slot_duration=SLOT, renditions=renditions, endpoint=self._shown.endpoint)
            as_of = replace(entry.as_of, instant=date + SLOT)
            self.entries.append(replace(entry, program_date_time=date, available_at=date + SLOT, as_of=as_of))

    async def tell(self, count: int) -> None:
        """Append slots that have become available to the log."""
        self.decide(count)
        for entry in self.entries[-count:]:
            await self._publisher.append(entry, self._shown.endpoint)

    async def end(self) -> None:
        """The programme ends with the newest slot."""
        self._begins.add(len(self.entries))
        await self._publisher.append(replace(self.entries[-1], ended=True), self._shown.endpoint)

    async def store_page(self, begin: int, end: int) -> IndexPageKey:
        """Have slots stand in a page."""
        page = IndexPage.of(self.entries[begin:end], begins=self._begins)
        await self._store.put(page.key.render(), page.encode())
        return page.key


def listed(body: bytes) -> list[int]:
    """Media sequences of the segments in a media playlist."""
    return [int(line[6:-3]) for line in body.splitlines() if line.startswith(b"r1/v1/")]

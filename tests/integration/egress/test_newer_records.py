"""Egress of this release, and entries and configuration of a newer one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from support.deadline import eventually
from support.egress_process import EgressProcess
from support.event_programme import SLOT, EventProgramme, listed
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain import codec, keys, ticks
from understudy_domain.timeshift import LATE_ENTRIES
from understudy_runtime.kv import KeyValue
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings


def newer(payload: bytes) -> bytes:
    return payload.replace(b'"version":1', b'"version":2', 1)


async def test_entries_of_a_newer_release_are_passed_over_counted_and_never_taken_for_the_end_of_a_window(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown, shared_settings: CommonSettings
) -> None:
    shown = Shown(replace(shown.endpoint, startover_window_seconds=4 * 3600))
    await publisher.configure(shown.endpoint)
    age = LATE_ENTRIES // SLOT + 200
    show = EventProgramme(shown, publisher, ObjectStore(shared_settings), age=age)
    await show.tell(20)
    before = await asyncio.to_thread(
        eventually, lambda: egress.get(shown.media).body, within_seconds=10, what="it is listed"
    )
    assert listed(before)[-1] == 19
    begin = ticks.to_seconds(show.entries[0].program_date_time)
    window = shown.media.replace("/index", f"/start/{begin:.0f}/end/{begin + 80:.0f}/index")
    silent = egress.get(window)
    assert b"#EXT-X-PLAYLIST-TYPE:VOD" in silent.body, "nothing has come for more than an hour"
    counted = egress.metric("understudy_egress_malformed_records_total")
    show.decide(5)
    for entry in show.entries[-5:]:
        await publisher.bus.publish(publisher.subject(shown.endpoint), newer(codec.encode(entry)))
    await asyncio.to_thread(
        eventually,
        lambda: egress.metric("understudy_egress_malformed_records_total") == counted + 5,
        within_seconds=10,
        what="they are counted",
    )
    assert egress.get(shown.media).body == before
    grows = egress.get(window).body
    assert b"#EXT-X-PLAYLIST-TYPE:EVENT" in grows
    assert grows.count(b".ts\n") == 20


async def test_what_a_newer_release_configured_is_not_said_to_be_unknown(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    bucket = KeyValue(publisher.bus, keys.CONFIG_BUCKET)
    key = keys.origin_endpoint_key(shown.endpoint.id)
    assert egress.get(shown.media).status == 404
    await bucket.create(key, newer(codec.encode(shown.endpoint)))
    try:
        answer = egress.get(shown.media)
        assert (answer.status, answer.headers["cache-control"]) == (503, "no-store")
        assert b"of_a_newer_release" in answer.body
    finally:
        await bucket.delete(key)
    await asyncio.to_thread(
        eventually, lambda: egress.get(shown.media).status == 404, within_seconds=10, what="it is gone"
    )

"""A programme that ends, and goes on after all, as several processes show it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.deadline import eventually
from support.egress_process import LIVE, EgressProcess
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain import ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.reason import Reason
from understudy_runtime import clock
from understudy_runtime.settings import CommonSettings

ENDLIST = b"#EXT-X-ENDLIST\n"


def end_of(entry: ProgramEntry) -> ProgramEntry:
    """As the controller tells it."""
    return replace(entry, ended=True, reason=Reason.END, step=0)


def wait_for(process: EgressProcess, shown: Shown, *, ended: bool, line: bytes) -> bytes:
    """The media playlist, once it lists a segment, and has ended or not."""

    def is_there() -> bool:
        body = process.get(shown.media).body
        return line in body and body.endswith(ENDLIST) == ended

    eventually(is_there, within_seconds=20, what=f"{line!r}, ended: {ended}", poll_seconds=0.02)
    return process.get(shown.media).body


async def test_an_ended_programme_is_the_same_in_every_process_and_is_live_again_with_its_next_slot(
    shared_settings: CommonSettings, publisher: ProgramPublisher, shown: Shown, tmp_path: Path
) -> None:
    await publisher.configure(shown.endpoint)
    with EgressProcess(tmp_path, shared_settings, name="first") as first:
        entries = [await publisher.publish(shown.endpoint) for _ in range(4)]
        live = first.get(shown.media)
        assert not live.body.endswith(ENDLIST)
        for _ in range(2):  # said twice, as nobody should
            await publisher.append(end_of(entries[-1]), shown.endpoint)
        ended = wait_for(first, shown, ended=True, line=b"/3.ts\n")
        assert ended == live.body + ENDLIST
        with EgressProcess(tmp_path, shared_settings, name="second") as second:
            for path in (shown.multivariant, shown.media, shown.segment(3)):
                assert first.get(path) == second.get(path)
            assert second.get(shown.media).headers["cache-control"] == LIVE
            await publisher.publish(shown.endpoint, available_at=clock.now_ticks() + ticks.from_seconds(3600))
            for process in (first, second):
                assert wait_for(process, shown, ended=False, line=b"/3.ts\n") == live.body


async def test_an_end_waits_for_its_slot_to_be_available(
    shared_settings: CommonSettings, publisher: ProgramPublisher, shown: Shown, tmp_path: Path
) -> None:
    await publisher.configure(shown.endpoint)
    with EgressProcess(tmp_path, shared_settings) as process:
        await publisher.publish(shown.endpoint)
        assert process.get(shown.media).status == 200
        entry = await publisher.publish(shown.endpoint, available_at=clock.now_ticks() + ticks.from_seconds(1.5))
        await publisher.append(end_of(entry), shown.endpoint)
        assert not process.get(shown.media).body.endswith(ENDLIST)
        body = wait_for(process, shown, ended=True, line=b"/1.ts\n")
        assert clock.now_ticks() >= entry.available_at
        assert body.count(ENDLIST) == 1

"""What does not depend on which process answers, when it started, or what else is away."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from support.deadline import eventually
from support.egress_process import EgressProcess
from support.nats_server import NatsServer
from support.object_store import running_s3_server
from support.program_entries import make_endpoint
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain import ticks
from understudy_runtime import clock
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=25)


@pytest.fixture
def shown() -> Shown:
    guid = secrets.token_hex(16)
    name = f"endpoint-{guid[:8]}"
    endpoint = make_endpoint(segment_seconds=2, window_seconds=12, date_interval_seconds=4, guid=guid, name=name)
    return Shown(endpoint)


def wait_until_listed(process: EgressProcess, shown: Shown, number: int) -> None:
    line = f"/{number}.ts\n".encode()
    eventually(
        lambda: line in process.get(shown.media).body, within_seconds=20, what=f"{number} is listed", poll_seconds=0.02
    )


async def test_two_processes_answer_byte_for_byte_the_same_over_time(
    shared_settings: CommonSettings, publisher: ProgramPublisher, shown: Shown, tmp_path: Path
) -> None:
    await publisher.configure(shown.endpoint)
    with EgressProcess(tmp_path, shared_settings, name="first") as first:
        for _ in range(10):
            await publisher.publish(shown.endpoint)
        assert first.get(shown.media).status == 200
        for _ in range(5):
            await publisher.publish(shown.endpoint)
        with EgressProcess(tmp_path, shared_settings, name="second") as second:
            for number in range(15, 25):
                await publisher.publish(shown.endpoint, available_at=clock.now_ticks() + ticks.from_seconds(0.2))
                for process in (first, second):
                    wait_until_listed(process, shown, number)
                for path in (shown.multivariant, shown.media, shown.segment(number), shown.segment(number - 6)):
                    for headers in ([], ["Accept-Encoding: gzip"]):
                        assert first.get(path, *headers) == second.get(path, *headers)


async def test_a_process_that_starts_late_finds_entries_older_than_its_own_time(
    shared_settings: CommonSettings, publisher: ProgramPublisher, shown: Shown, tmp_path: Path
) -> None:
    # The delay reaches beyond what has been appended lately: the window lies in entries of long ago.
    await publisher.configure(shown.endpoint)
    for _ in range(30):
        await publisher.publish(shown.endpoint, with_objects=False)
    await publisher.publish(
        shown.endpoint, available_at=clock.now_ticks() + ticks.from_seconds(3600), with_objects=False
    )
    with EgressProcess(tmp_path, shared_settings) as process:
        body = process.get(shown.media).body
        assert b"/29.ts" in body
        assert b"/30.ts" not in body
        assert body.count(b"#EXTINF") == 6


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_restart_refuses_no_connection(
    shared_settings: CommonSettings, publisher: ProgramPublisher, shown: Shown, tmp_path: Path, end: str
) -> None:
    await publisher.configure(shown.endpoint)
    for _ in range(5):
        await publisher.publish(shown.endpoint)
    # However slow this machine is to start it: a request waits until it can be answered.
    with EgressProcess(tmp_path, shared_settings, first_request_wait_seconds="15") as process:
        expected = process.get(shown.media)
        refused: list[OSError] = []
        answered: list[bool] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                try:
                    with process.connect() as connection:
                        try:
                            answer = connection.request(shown.media)
                            answered.append((answer.status, answer.body) == (200, expected.body))
                        except (ConnectionError, TimeoutError):
                            continue  # Accepted by the process that was killed; a new connection must do.
                except ConnectionRefusedError as err:
                    refused.append(err)

        thread = threading.Thread(target=ask)
        thread.start()
        await asyncio.sleep(0.3)
        if end == "kill":
            process.kill()
        else:
            assert process.stop() == 0
        process.start()
        process.wait_until_ready()
        before = len(answered)
        eventually(lambda: len(answered) > before + 5, within_seconds=30, what="it answers again")
        over.set()
        thread.join()
        assert not refused
        assert all(answered)


async def test_without_nats_egress_serves_what_it_has_and_stays_ready(
    settings: CommonSettings, nats_server: NatsServer, own_publisher: ProgramPublisher, shown: Shown, tmp_path: Path
) -> None:
    await own_publisher.configure(shown.endpoint)
    for _ in range(5):
        await own_publisher.publish(shown.endpoint)
    with EgressProcess(tmp_path, settings, first_request_wait_seconds="0.5") as process:
        expected = process.get(shown.media)
        assert expected.status == 200
        nats_server.kill()
        eventually(
            lambda: process.metric('understudy_bus_connected{component="egress"}') == 0,
            within_seconds=10,
            what="it notices",
        )
        assert process.get(shown.media) == expected
        assert process.get(shown.segment(4)).status == 200
        assert process.get("/readyz").status == 200
        unknown = process.get(f"/out/v1/{'0' * 32}/index.m3u8")
        assert unknown.status == 503
        assert unknown.headers["cache-control"] == "no-store"
        assert unknown.headers["retry-after"] == "1"
        nats_server.start()
        await own_publisher.publish(shown.endpoint)
        eventually(lambda: b"/5.ts" in process.get(shown.media).body, within_seconds=15, what="it follows again")


async def test_without_storage_cached_segments_are_served_and_others_are_503(
    shared_settings: CommonSettings, publisher: ProgramPublisher, shown: Shown, tmp_path: Path
) -> None:
    from pydantic import SecretStr

    from understudy_runtime.objectstore import ObjectStore

    with running_s3_server(tmp_path / "s3") as storage:
        own = shared_settings.model_copy(
            update={
                "s3_endpoint_url": storage.url,
                "s3_access_key_id": storage.access_key_id,
                "s3_secret_access_key": SecretStr(storage.secret_access_key),
            }
        )
        writer = ProgramPublisher(publisher.bus, publisher.config, ObjectStore(own), shards=own.shards)
        await writer.configure(shown.endpoint)
        for _ in range(5):
            await writer.publish(shown.endpoint)
        with EgressProcess(tmp_path, own, s3_timeout_seconds="2") as process:
            cached = process.get(shown.segment(1))
            assert cached.status == 200
            storage.kill()
            assert process.get(shown.segment(1)) == cached
            away = process.get(shown.segment(2))
            assert away.status == 503
            assert away.headers["cache-control"] == "no-store"
            assert away.headers["retry-after"] == "1"
            assert process.get(shown.segment(2), method="HEAD").status == 200
            assert process.get(shown.media).status == 200
            assert process.get("/readyz").status == 200
            storage.start()
            eventually(lambda: process.get(shown.segment(2)).status == 200, within_seconds=20, what="it reads again")


async def test_a_removed_object_is_gone_and_not_an_error_of_ours(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint, with_objects=False)
    answer = egress.get(shown.segment(0))
    assert answer.status == 404
    assert json.loads(answer.body)["code"] == "left_window"
    assert answer.headers["cache-control"] == "no-store"


async def test_simultaneous_requests_for_a_segment_are_one_read(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint)
    assert egress.get(shown.media).status == 200
    misses = 'understudy_egress_segment_cache_requests_total{result="miss"}'
    before = egress.metric(misses)
    answers = await asyncio.gather(*(asyncio.to_thread(egress.get, shown.segment(0)) for _ in range(20)))
    assert {answer.body for answer in answers} == {answers[0].body}
    assert egress.metric(misses) == before + 1


async def test_a_record_that_does_not_parse_is_counted_and_skipped(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint)
    assert egress.get(shown.media).status == 200
    before = egress.metric("understudy_egress_malformed_records_total")
    await publisher.bus.publish(publisher.subject(shown.endpoint), b"nonsense")
    await publisher.publish(shown.endpoint)
    eventually(lambda: b"/1.ts" in egress.get(shown.media).body, within_seconds=20, what="the next entry is listed")
    assert egress.metric("understudy_egress_malformed_records_total") == before + 1


async def test_entries_that_were_missed_are_read_again(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    # A hole in what arrives means that a reader lost something: the log is asked, and says what there is.
    await publisher.configure(shown.endpoint)
    first = await publisher.publish(shown.endpoint)
    assert egress.get(shown.media).status == 200
    await publisher.append(replace(first, media_sequence=5, available_at=clock.now_ticks()), shown.endpoint)
    await publisher.append(replace(first, media_sequence=6, available_at=clock.now_ticks()), shown.endpoint)
    eventually(
        lambda: b"#EXT-X-MEDIA-SEQUENCE:5\n" in egress.get(shown.media).body,
        within_seconds=20,
        what="the last run without a hole is listed",
    )
    eventually(lambda: b"/6.ts" in egress.get(shown.media).body, within_seconds=20, what="and goes on")

"""Two controllers serve the same configuration: what one writes the other reads, and they never undo each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from support.control_process import Controller
from support.nats_server import NatsServer

NewId = Callable[[], str]
Answer = tuple[int, Any]


@pytest.fixture(scope="module")
def both(
    controller: Controller, config_server: NatsServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Controller, Controller]]:
    with Controller(tmp_path_factory.mktemp("second"), nats_url=config_server.url, name="second") as second:
        yield controller, second


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def test_what_one_has_written_the_other_reads_at_once(both: tuple[Controller, Controller], new_id: NewId) -> None:
    for number in range(20):
        writer, reader = both if number % 2 else reversed(both)
        channel_id = new_id()
        status, written = writer.json("POST", "/channels", {"id": channel_id})
        assert status == 200
        assert reader.json("GET", f"/channels/{channel_id}") == (200, written)
        assert reader.json("PUT", f"/channels/{channel_id}", {"description": str(number)})[0] == 200
        assert writer.json("GET", f"/channels/{channel_id}")[1]["description"] == str(number)
        assert writer.json("DELETE", f"/channels/{channel_id}") == (202, {})
        assert reader.json("GET", f"/channels/{channel_id}")[0] == 404


def test_one_of_many_creates_of_an_id_succeeds(both: tuple[Controller, Controller], new_id: NewId) -> None:
    channel_id = new_id()
    calls = [partial(both[n % 2].json, "POST", "/channels", {"id": channel_id}) for n in range(8)]
    statuses = sorted(status for status, _ in at_once(calls))
    assert statuses == [200] + [422] * 7


def test_changes_of_different_fields_at_once_are_all_kept(both: tuple[Controller, Controller], new_id: NewId) -> None:
    channel_id, endpoint_id = new_id(), new_id()
    both[0].json("POST", "/channels", {"id": channel_id})
    both[0].json("POST", "/origin_endpoints", {"id": endpoint_id, "channelId": channel_id, "hlsPackage": {}})
    changes: list[dict[str, Any]] = [
        {"description": "d"},
        {"timeDelaySeconds": 7},
        {"startoverWindowSeconds": 700},
        {"manifestName": "m"},
        {"hlsPackage": {"segmentDurationSeconds": 2}},
        {"hlsPackage": {"playlistWindowSeconds": 22}},
    ]
    calls = [
        partial(both[n % 2].json, "PUT", f"/origin_endpoints/{endpoint_id}", change) for n, change in enumerate(changes)
    ]
    assert {status for status, _ in at_once(calls)} == {200}
    _, endpoint = both[1].json("GET", f"/origin_endpoints/{endpoint_id}")
    assert (endpoint["description"], endpoint["timeDelaySeconds"], endpoint["manifestName"]) == ("d", 7, "m")
    assert endpoint["startoverWindowSeconds"] == 700
    assert endpoint["hlsPackage"]["segmentDurationSeconds"] == 2
    assert endpoint["hlsPackage"]["playlistWindowSeconds"] == 22


def test_a_channel_deleted_while_endpoints_are_created_leaves_none_behind(
    both: tuple[Controller, Controller], new_id: NewId
) -> None:
    outcomes = set()
    for number in range(25):
        deleter, creator = both if number % 2 else reversed(both)
        channel_id, endpoint_ids = new_id(), [new_id(), new_id()]
        deleter.json("POST", "/channels", {"id": channel_id})
        requests = [{"id": one, "channelId": channel_id, "hlsPackage": {}} for one in endpoint_ids]
        calls = [partial(creator.json, "POST", "/origin_endpoints", body) for body in requests]
        calls.append(partial(deleter.json, "DELETE", f"/channels/{channel_id}"))
        *created, deleted = [status for status, _ in at_once(calls)]
        there = deleter.json("GET", f"/channels/{channel_id}")[0]
        listed = deleter.json("GET", f"/origin_endpoints?channelId={channel_id}")[1]["originEndpoints"]
        outcomes.add((deleted, *created))
        assert (deleted, there) in {(202, 404), (422, 200)}
        assert len(listed) == created.count(200)
        assert there == 200 or not listed
        assert set(created) <= {200, 404}
    assert len(outcomes) > 1, "the race was never open"

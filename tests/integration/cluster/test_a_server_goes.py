"""A cluster of three nats-servers loses one, and then the next, while two encoders push and somebody watches.

The first is killed while it leads ARRIVALS: until the others have elected another leader, which takes them 4 to 9 s,
uploads are held. The next ends as a rolling upgrade ends it, and hands its streams over before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from support.deadline import eventually
from support.installation import Installation, wait_for_segments
from support.nats_cluster import NatsCluster, running_nats_cluster
from support.object_store import S3Server
from support.programme import decode_programme
from support.pusher import Pusher
from support.watcher import Watcher
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=60)

SEGMENT_SECONDS = 2
PROGRAMME_SECONDS = 120
HANDED_OVER_SECONDS = 4 * SEGMENT_SECONDS
"""How long a server may take to appear with a new segment while a leader hands over; it took 2.4 s."""
ELECTED_SECONDS = 20.0
"""The same while a leader is elected; it took 7 to 10 s."""


@dataclass
class Run:
    """What happened."""

    pushers: list[Pusher]
    watcher: Watcher
    killed_at: int
    ended_at: int
    """After how many segments."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with running_nats_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def run(cluster: NatsCluster, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    settings = CommonSettings.model_validate(
        {
            "nats_url": cluster.url,
            "s3_endpoint_url": s3_server.url,
            "s3_access_key_id": s3_server.access_key_id,
            "s3_secret_access_key": s3_server.secret_access_key,
        }
    )
    installation = Installation(tmp_path_factory.mktemp("services"), settings, nats_replicas="3", shards="4")
    try:
        installation.start()
        channel, url = installation.create(segment_seconds=SEGMENT_SECONDS)
        installation.push(channel, seconds=PROGRAMME_SECONDS)
        watcher = installation.watch(url)
        wait_for_segments(watcher, 2)
        killed = cluster.servers[cluster.leader("ARRIVALS")]
        killed_at = len(watcher.segments())
        killed.kill()
        wait_for_segments(watcher, 2, within_seconds=2 * ELECTED_SECONDS)
        killed.start()
        eventually(lambda: cluster.is_whole("PROGRAM"), within_seconds=ELECTED_SECONDS, what="the killed one is back")
        ended = cluster.servers[cluster.leader("PROGRAM")]
        ended_at = len(watcher.segments())
        ended.stop()
        wait_for_segments(watcher, 2)
        for pusher in installation.pushers:
            pusher.stop()
        watcher.stop()
        yield Run(installation.pushers, watcher, killed_at, ended_at)
    finally:
        installation.stop()


def test_every_upload_is_taken_at_the_first_try(run: Run) -> None:
    for pusher in run.pushers:
        assert (pusher.answers, pusher.refused, pusher.broken_requests) == ([], [], 0)
        assert {one.attempts for one in pusher.acknowledged} == {1}


def test_what_is_published_is_whole_and_broke_no_rule_of_live_playlists(run: Run) -> None:
    assert run.watcher.problems == [], run.watcher.describe()
    assert decode_programme(run.watcher).problems() == []


def test_a_killed_leader_costs_an_election_and_one_that_ends_nothing(run: Run) -> None:
    waits = [b.offered_at - a.offered_at for a, b in pairwise(run.watcher.segments())]
    print([round(wait, 1) for wait in waits])
    assert max(waits) <= ELECTED_SECONDS
    assert max(waits[run.ended_at - 1 :]) <= HANDED_OVER_SECONDS

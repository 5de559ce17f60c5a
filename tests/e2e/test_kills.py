"""A part of the system dies while encoders push and viewers watch: nothing promised is lost, nothing published changes.

Ingest, controller and egress are killed with SIGKILL, one at a time. Two pushers write down every acknowledgement, and
someone opens new connections to every service all the time.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import dataclass, field

import pytest

from support.connector import Connector
from support.control import Control, CreatedChannel, CreatedEndpoint
from support.deadline import eventually
from support.encoder import Encoding, encode_files, next_boundary
from support.frame_source import FRAMES_PER_SECOND
from support.logbook import Logged, MediaObjects, program_entries, program_messages, segment_facts
from support.programme import Programme, decode_programme
from support.pusher import Pusher
from support.stack import Stack
from support.watcher import Watcher

pytestmark = pytest.mark.takes(seconds=50)

SERVICES = ("ingest", "controller", "egress")
KILLS = ("ingest", "controller", "egress", "ingest")
SEGMENT_SECONDS = 1
"""Short, so that there is always one on its way when something dies."""
PROGRAMME_SECONDS = 120
"""More than the run takes, on a slow machine too."""

each_endpoint = pytest.mark.parametrize("name", ["2s-delay-0s", "4s-delay-5s"])
each_input = pytest.mark.parametrize("input_id", [1, 2])


@dataclass
class KillRun:
    """What happened, and what is written of it."""

    channel: CreatedChannel
    endpoints: dict[str, CreatedEndpoint] = field(default_factory=dict)
    watchers: dict[str, Watcher] = field(default_factory=dict)
    pushers: dict[int, Pusher] = field(default_factory=dict)
    programmes: dict[str, Programme] = field(default_factory=dict)
    snapshots: list[dict[str, list[Logged]]] = field(default_factory=list)
    """The programme of each endpoint as stored: before every kill, and at the end."""
    connector: Connector = field(default_factory=lambda: Connector({}))
    first_frame: int = 0

    def describe(self) -> str:
        """For messages."""
        return "\n".join([self.connector.describe(), *(watcher.describe() for watcher in self.watchers.values())])


@pytest.fixture(scope="module")
def run(stack: Stack, control: Control, tmp_path_factory: pytest.TempPathFactory) -> KillRun:
    """The run, once for all tests of this module."""
    happened = KillRun(control.create_channel("kills"))
    for segment, delay in ((2, 0), (4, 5)):
        name = f"{segment}s-delay-{delay}s"
        endpoint = control.create_endpoint(
            f"kills-{segment}-{delay}", happened.channel, segment_seconds=segment, time_delay_seconds=delay
        )
        happened.endpoints[name] = endpoint
        happened.watchers[name] = Watcher(name, endpoint.url, tolerates_broken=True)
    happened.first_frame = next_boundary(time.time())
    segments = encode_files(
        tmp_path_factory.mktemp("encoded"),
        first_frame=happened.first_frame,
        frames=PROGRAMME_SECONDS * FRAMES_PER_SECOND,
        encoding=Encoding(segment_seconds=SEGMENT_SECONDS),
    )
    for input_id, target in enumerate(happened.channel.inputs, start=1):
        happened.pushers[input_id] = Pusher(
            str(input_id),
            target,
            segments,
            segment_seconds=SEGMENT_SECONDS,
            first_frame=happened.first_frame,
            keeps_connection=input_id == 1,
        )
    happened.connector = Connector({service: f"{stack.service_url(service)}/healthz" for service in SERVICES})
    with contextlib.ExitStack() as cleanup:
        parts: list[Connector | Watcher | Pusher] = [happened.connector]
        for part in [*parts, *happened.watchers.values(), *happened.pushers.values()]:
            part.start()
            cleanup.callback(part.stop)
        _kill_one_after_another(stack, happened)
        _wait_for_segments(happened, 1)
    happened.snapshots.append(_snapshot(stack, happened))
    happened.programmes = {name: decode_programme(watcher) for name, watcher in happened.watchers.items()}
    return happened


def _kill_one_after_another(stack: Stack, run: KillRun) -> None:
    _wait_for_segments(run, 2)
    for service in KILLS:
        for process in [name for name in stack.processes() if name.rstrip("-0123456789") == service]:
            run.snapshots.append(_snapshot(stack, run))
            assert run.pushers[2].is_sending.wait(timeout=10), "a segment under way"
            pid = stack.kill(process)
            stack.wait_until_restarted(process, old_pid=pid)
            _wait_for_segments(run, 1)


def _snapshot(stack: Stack, run: KillRun) -> dict[str, list[Logged]]:
    return {name: program_messages(stack, endpoint.guid) for name, endpoint in run.endpoints.items()}


def _wait_for_segments(run: KillRun, more: int) -> None:
    wanted = {name: len(watcher.segments()) + more for name, watcher in run.watchers.items()}
    try:
        eventually(
            lambda: all(len(run.watchers[name].segments()) >= count for name, count in wanted.items()),
            within_seconds=30,
            what=f"so many segments offered: {wanted}",
        )
    except AssertionError as err:
        raise AssertionError(f"{err}\n{run.describe()}") from err


@each_input
def test_every_acknowledged_segment_is_stored_as_sent_and_stands_in_the_log(
    stack: Stack, run: KillRun, input_id: int
) -> None:
    acknowledged = run.pushers[input_id].acknowledged
    facts = segment_facts(stack, run.channel.guid, input_id)
    objects = MediaObjects(stack)
    stored: dict[str, set[str]] = {}
    for fact in facts:
        stored.setdefault(fact.path, set()).add(hashlib.sha256(objects.read(fact.object_key)).hexdigest())
    assert len(acknowledged) > len(KILLS)
    assert [one.name for one in acknowledged if stored.get(one.name) != {one.digest}] == []


def test_ingest_was_killed_with_uploads_under_way(run: KillRun) -> None:
    assert sum(pusher.broken_requests for pusher in run.pushers.values()) >= KILLS.count("ingest")


@each_input
def test_no_encoder_is_refused_or_turned_away(run: KillRun, input_id: int) -> None:
    print(f"{len(run.pushers[input_id].acknowledged)} acknowledged, {run.pushers[input_id].broken_requests} broken")
    assert run.pushers[input_id].refused == []
    assert run.pushers[input_id].answers == []


def test_no_new_connection_is_refused_by_any_service(run: KillRun) -> None:
    print(run.connector.describe())
    assert run.connector.refused == []
    for service in SERVICES:
        assert run.connector.answered[service] > 0
        assert sum(service in line for line in run.connector.broken) <= 20, run.connector.describe()


@each_endpoint
def test_no_entry_is_changed_doubled_or_left_out(run: KillRun, name: str) -> None:
    last = {message.sequence: message for message in run.snapshots[-1][name]}
    for snapshot in run.snapshots:
        assert [message for message in snapshot[name] if last.get(message.sequence) != message] == []
    entries = program_entries(run.snapshots[-1][name])
    first = entries[0]
    assert [entry.media_sequence for entry in entries] == [
        first.media_sequence + index for index in range(len(entries))
    ]
    assert [entry.slot for entry in entries] == [first.slot + index for index in range(len(entries))]


@each_endpoint
def test_every_acknowledged_frame_is_watched_exactly_once_and_in_order(run: KillRun, name: str) -> None:
    programme = run.programmes[name]
    assert programme.problems() == []
    assert programme.first_frame == run.first_frame


@each_endpoint
def test_nothing_that_was_published_broke_a_rule_of_live_playlists_or_changed(run: KillRun, name: str) -> None:
    watcher = run.watchers[name]
    assert watcher.problems == [], watcher.describe()

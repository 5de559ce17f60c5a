"""Every process is replaced while encoders push and viewers watch, as an upgrade of the chart does it: nobody notices.

Two processes of each service stand behind HAProxy. Input 1, viewers and the control API come through it request by
request, as through an Ingress; input 2, and another viewer, connection by connection, as through a Service: they stay
with a process until it ends. A process is told to end first, and the load balancer finds out later, by its checks. It
never tries again, so what a process refuses is counted.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from support.browser import MissingProgram
from support.connector import Connector
from support.control import Control, CreatedChannel, CreatedEndpoint
from support.deadline import eventually
from support.encoder import SEGMENT_SECONDS, Encoder
from support.haproxy import LoadBalancer, PassedRequest, Way, running_haproxy
from support.logbook import Logged, messages, program_entries, program_messages
from support.nats_server import running_nats_server
from support.object_store import running_s3_server
from support.programme import Programme, decode_programme
from support.replicas import Cluster, Ended, Ending
from support.watcher import Watcher
from understudy_domain import codec
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import SegmentArrived
from understudy_domain.ownership import LEASE_TTL
from understudy_domain.ticks import to_seconds
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=70)

WAYS = (
    Way("ingest-1", "ingest", passes_connections=False),
    Way("ingest-2", "ingest", passes_connections=True),
    Way("egress", "egress", passes_connections=False),
    Way("egress-direct", "egress", passes_connections=True),
    Way("controller", "controller", passes_connections=False),
)
STALL_SECONDS_MAX = 1.5
"""Half a target duration: that of segments of 2 s is 3 s."""
POLL_SECONDS = 0.2
LATE_SECONDS = 0.3
"""An encoder that is so far off the beat is not far from being given up for the other one."""
SLOW_SECONDS = 1.0
"""An answer that needs nothing but a turn of an event loop never takes so long."""
SEGMENT_NUMBER = re.compile(r"_(\d+)\.ts$")
TIME = r"^(?P<hours>\d\d):(?P<minutes>\d\d):(?P<seconds>[\d.]+) .*"
SHARDS = r'shards="?\[(?P<shards>[\d, ]+)\]'
RESUMED = re.compile(f"{TIME}decisions resume for .*{SHARDS}", re.MULTILINE)
GIVEN_BACK = re.compile(f"{TIME}giving .*{SHARDS}", re.MULTILINE)
DAY_SECONDS = 86_400


@dataclass
class Roll:
    """What happened."""

    channel: CreatedChannel
    endpoint: CreatedEndpoint
    encoders: dict[int, Encoder] = field(default_factory=dict)
    encoders_ran: dict[int, bool] = field(default_factory=dict)
    watchers: dict[str, Watcher] = field(default_factory=dict)
    programmes: dict[str, Programme] = field(default_factory=dict)
    connector: Connector = field(default_factory=lambda: Connector({}))
    ended: list[Ended] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    messages: list[Logged] = field(default_factory=list)
    arrived: dict[int, list[tuple[str, float]]] = field(default_factory=dict)
    """By input, the path of each segment, and when it arrived by the log's clock."""
    uploads: list[PassedRequest] = field(default_factory=list)
    """Encoder 1's, as the load balancer saw them."""
    logs: dict[str, str] = field(default_factory=dict)
    """Of the processes that took over, by name."""

    @property
    def entries(self) -> list[ProgramEntry]:
        """The programme."""
        return program_entries(self.messages)

    def encoder_late_seconds(self) -> list[float]:
        """For each segment of encoder 1 but the first, how much later it began to send it than one behind the other."""
        first: dict[int, float] = {}
        for upload in self.uploads:
            if match := SEGMENT_NUMBER.search(upload.path):
                first.setdefault(int(match[1]), upload.sent_at)
        sent = [first[number] for number in sorted(first)]
        return [later - earlier - SEGMENT_SECONDS for earlier, later in pairwise(sent)]

    def stalls(self, name: str) -> list[float]:
        """For each segment but the first, how much longer than the one before lasts it was waited for, seconds."""
        watched = self.programmes[name].watched
        return [b.offered_at - a.offered_at - a.listed.duration_seconds for a, b in pairwise(watched)]

    def waits(self) -> list[float]:
        """From each decision to the next one, seconds."""
        return [later.at - earlier.at for earlier, later in pairwise(self.messages)]

    def is_smooth(self) -> bool:
        """Whether nothing was late, and no input given up."""
        return (
            all(max(self.stalls(name)) < STALL_SECONDS_MAX for name in self.watchers)
            and max(self.waits()) < SEGMENT_SECONDS + STALL_SECONDS_MAX
            and len({entry.active_input for entry in self.entries}) == 1
        )

    def disturbances(self) -> list[str]:
        """What tells of a machine that stood still, in sentences: this run says nothing of a restart then."""
        late = max(map(abs, self.encoder_late_seconds()))
        slow = max(self.connector.slowest_seconds.values())
        lapsed = [name for name, log in self.logs.items() if "stepping down" in log]
        return [
            *[f"encoder 1 was {late:.2f} s off the beat"] * (late > LATE_SECONDS),
            *[f"an answer that needs nothing took {slow:.2f} s"] * (slow > SLOW_SECONDS),
            *[f"{name} had no time to renew its leases" for name in lapsed],
        ]

    def timeline(self, name: str) -> str:
        """For messages: when each segment was offered, and each process told to end."""
        watched = self.programmes[name].watched
        offered = {segment.offered_at: f"offered: {segment.listed.media_sequence}" for segment in watched}
        told = {one.told_at: f"{one.name} told to end" for one in self.ended}
        arrived = {at: f"{path} of input {one}" for one, segments in self.arrived.items() for path, at in segments}
        return "\n".join(f"{at:.2f} {what}" for at, what in sorted({**offered, **told, **arrived}.items()))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommonSettings]:
    """A NATS server and an S3 server of their own."""
    directory = tmp_path_factory.mktemp("stores")
    with running_nats_server(directory / "nats") as nats, running_s3_server(directory / "s3") as s3:
        yield CommonSettings(
            nats_url=nats.url,
            s3_endpoint_url=s3.url,
            s3_bucket=s3.bucket,
            s3_access_key_id=s3.access_key_id,
            s3_secret_access_key=s3.secret_access_key,
        )


@pytest.fixture(scope="module")
def run(settings: CommonSettings, tmp_path_factory: pytest.TempPathFactory) -> Roll:
    """The run, once for all tests of this module; once more if this machine has spoilt it by a stall of its own."""
    first = _roll(tmp_path_factory.mktemp("cluster"), settings, channel_id="rolled")
    if first.is_smooth() or not first.disturbances():
        return first
    print("rolled once more:", *first.disturbances(), sep="\n")
    return _roll(tmp_path_factory.mktemp("cluster"), settings, channel_id="rolled-again")


def _roll(directory: Path, settings: CommonSettings, *, channel_id: str) -> Roll:
    with contextlib.ExitStack() as cleanup:
        try:
            balancer = cleanup.enter_context(running_haproxy(directory / "haproxy", WAYS))
        except MissingProgram as err:
            err.skip()
        ways = {"ingest": "ingest-1", "second_ingest": "ingest-2", "egress": "egress", "controller": "controller"}
        cluster = Cluster(directory, settings=settings, ending=Ending.of_the_chart(), balancer=balancer, ways=ways)
        cleanup.callback(cluster.close)
        cluster.start()
        control = Control(cluster)
        channel = control.create_channel(channel_id)
        run = Roll(channel, control.create_endpoint(channel_id, channel, segment_seconds=SEGMENT_SECONDS))
        _begin(run, balancer, cleanup, directory)
        for deployment in cluster.deployments:
            deployment.roll()
        for deployment in cluster.deployments:
            run.ended += deployment.ended()
        _wait_for_segments(run, 2)
        run.encoders_ran = {input_id: encoder.is_running for input_id, encoder in run.encoders.items()}
        run.messages = program_messages(cluster, run.endpoint.guid)
        run.arrived = {input_id: _arrived(cluster, channel, input_id) for input_id in (1, 2)}
        run.faults = balancer.faults()
        run.uploads = [request for request in balancer.requests() if request.method == "PUT"]
        run.logs = cluster.logs()
    run.programmes = {name: decode_programme(watcher) for name, watcher in run.watchers.items()}
    return run


def _begin(run: Roll, balancer: LoadBalancer, cleanup: contextlib.ExitStack, directory: Path) -> None:
    for input_id, target in enumerate(run.channel.inputs, start=1):
        run.encoders[input_id] = Encoder(str(input_id), target, log_directory=directory)
    first_frame = run.encoders[1].start()
    run.encoders[2].start(first_frame=first_frame)
    path = run.endpoint.url.removeprefix(balancer.urls["egress"])
    for name in ("egress", "egress-direct"):
        run.watchers[name] = Watcher(name, f"{balancer.urls[name]}{path}", poll_seconds=POLL_SECONDS)
    run.connector = Connector(
        {name: f"{balancer.urls[name]}/healthz" for name in ("ingest-2", "egress-direct", "controller")}
    )
    for encoder in run.encoders.values():
        cleanup.callback(encoder.close)
    parts: list[Connector | Watcher] = [run.connector, *run.watchers.values()]
    for part in parts:
        part.start()
        cleanup.callback(part.stop)
    _wait_for_segments(run, 3)


def _arrived(cluster: Cluster, channel: CreatedChannel, input_id: int) -> list[tuple[str, float]]:
    found = messages(cluster, "ARRIVALS", f"arrivals.*.{channel.guid}.{input_id}")
    facts = [(codec.decode(message.payload), message.at) for message in found]
    return [(fact.path, at) for fact, at in facts if isinstance(fact, SegmentArrived)]


def _wait_for_segments(run: Roll, more: int) -> None:
    wanted = {name: len(watcher.segments()) + more for name, watcher in run.watchers.items()}
    eventually(
        lambda: all(len(run.watchers[name].segments()) >= count for name, count in wanted.items()),
        within_seconds=30,
        what=f"so many segments offered: {wanted}",
    )


def test_both_encoders_go_on_and_every_segment_that_they_made_arrived(run: Roll) -> None:
    for input_id, encoder in run.encoders.items():
        said = encoder.log()
        assert run.encoders_ran[input_id], said
        assert "refused" not in said.lower(), said
        paths = [path for path, _ in run.arrived[input_id]]
        numbers = sorted({int(match[1]) for path in paths if (match := SEGMENT_NUMBER.search(path))})
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        repeated = len(paths) - len(set(paths))
        moved = said.count("will retry with a new http session")
        print(f"input {input_id}: {len(numbers)} segments, {repeated} of them twice, moved over {moved} times")
    assert "retry" not in run.encoders[1].log(), "through an Ingress it did not even have to move"


def test_no_process_refused_a_connection_broke_one_off_or_answered_with_an_error(run: Roll) -> None:
    print(run.connector.describe())
    assert run.faults == {}
    assert run.connector.refused == []
    assert run.connector.broken == []


def test_every_process_ended_by_itself_in_time_and_cut_nothing_off(run: Roll) -> None:
    ending = Ending.of_the_chart()
    for one in run.ended:
        print(f"{one.name} ended {one.took_seconds:.1f} s after SIGTERM, of {ending.grace_seconds} s")
    assert len(run.ended) == 8
    assert {one.status for one in run.ended} == {0}
    assert [one.log for one in run.ended if "cut off" in one.log] == []
    assert [text for text in (*run.logs.values(), *(one.log for one in run.ended)) if "Traceback" in text] == []


def test_every_upload_was_answered_well_before_the_next_segment(run: Roll) -> None:
    slowest = max(upload.took_seconds for upload in run.uploads)
    print(f"the slowest of {len(run.uploads)} answers to encoder 1: {slowest:.2f} s")
    assert slowest < SEGMENT_SECONDS
    assert {upload.status for upload in run.uploads} <= {200, 201, 401}


@pytest.mark.parametrize("name", ["egress", "egress-direct"])
def test_no_playlist_stalled_for_half_a_target_duration(run: Roll, name: str) -> None:
    stalls = run.stalls(name)
    print(f"{name}: the longest stall of its playlist in {len(stalls)} segments: {max(stalls):.2f} s")
    assert max(stalls) < STALL_SECONDS_MAX, run.timeline(name)


@pytest.mark.parametrize("name", ["egress", "egress-direct"])
def test_every_frame_is_watched_once_and_nothing_published_changes(run: Roll, name: str) -> None:
    assert run.watchers[name].problems == [], run.watchers[name].describe()
    assert run.programmes[name].problems() == []
    assert run.watchers[name].broken_requests == 0


def test_the_programme_follows_one_input_throughout_and_was_decided_without_a_pause(run: Roll) -> None:
    entries = run.entries
    assert {entry.active_input for entry in entries} == {entries[0].active_input}, run.timeline("egress")
    assert {entry.discontinuity_sequence for entry in entries} == {entries[0].discontinuity_sequence}
    assert [entry.slot for entry in entries] == list(range(entries[0].slot, entries[0].slot + len(entries)))
    wait = max(run.waits())
    print(f"the longest time from one decision to the next: {wait:.2f} s, for slots of {SEGMENT_SECONDS} s")
    assert wait < SEGMENT_SECONDS + STALL_SECONDS_MAX, run.timeline("egress")


def test_siblings_take_the_channels_of_a_controller_at_once_that_is_told_to_end(run: Roll) -> None:
    logs = [*run.logs.values(), *(one.log for one in run.ended)]
    resumed = [(_second_of_day(match), _shards(match)) for text in logs for match in RESUMED.finditer(text)]
    for one in run.ended:
        if one.name.startswith("controller"):
            told_at = one.told_at % DAY_SECONDS
            given = _shards(list(GIVEN_BACK.finditer(one.log.partition("shutting down")[2]))[-1])
            took = (
                max(min(at for at, shards in resumed if at > told_at and shard in shards) for shard in given) - told_at
            )
            print(
                f"{took:.2f} s after SIGTERM to {one.name} its siblings decided for all {len(given)} shards of its own"
            )
            assert took < to_seconds(LEASE_TTL)


def _shards(match: re.Match[str]) -> list[int]:
    return [int(number) for number in match["shards"].split(", ")]


def _second_of_day(match: re.Match[str]) -> float:
    return int(match["hours"]) * 3600 + int(match["minutes"]) * 60 + float(match["seconds"])

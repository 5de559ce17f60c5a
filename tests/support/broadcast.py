"""A broadcast of two inputs into a real controller's logs, in real time, and what its programme has to be afterwards.

Every entry has to be what the core makes of the log when it is folded again from its first message, byte for byte.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS
from support.synthetic import EPOCH, Message, SyntheticEncoder
from understudy_domain import codec, keys
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.entry_events import entry_events
from understudy_domain.event import Event, EventKind
from understudy_domain.facts import (
    ChannelRemoved,
    EndpointConfigured,
    EndpointRemoved,
    MultivariantArrived,
    PlaylistArrived,
    ProgramEndOrdered,
    SegmentArrived,
    SwitchoverOrdered,
    Tick,
)
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime import jetstream
from understudy_runtime.messages import StoredMessage
from understudy_runtime.settings import CommonSettings

SHARDS = 16
SEGMENT_SECONDS = 0.5
SEGMENTS = 34
Policy = tuple[int, int]
"""Segment duration and time delay, seconds."""
ENDPOINTS: Mapping[str, Policy] = {"one": (1, 0), "two": (2, 0), "delayed": (1, 3)}
Facts = (
    SegmentArrived
    | PlaylistArrived
    | MultivariantArrived
    | EndpointConfigured
    | SwitchoverOrdered
    | ProgramEndOrdered
    | EndpointRemoved
    | ChannelRemoved
)


def create(
    controller: Controller, channel_id: str = "show", *, prefix: str = "", endpoints: Mapping[str, Policy] = ENDPOINTS
) -> tuple[str, dict[str, str]]:
    """A channel with endpoints through the API: its guid, and the endpoints' guids by id; ids begin with ``prefix``."""
    status, channel = controller.json("POST", "/channels", {"id": channel_id})
    assert status == 200
    guids = {}
    for name, (seconds, delay) in endpoints.items():
        body = {
            "id": prefix + name,
            "channelId": channel_id,
            "timeDelaySeconds": delay,
            "hlsPackage": {"segmentDurationSeconds": seconds},
        }
        status, endpoint = controller.json("POST", "/origin_endpoints", body)
        assert status == 200, endpoint
        guids[prefix + name] = endpoint["arn"].rpartition("/")[2]
    return channel["arn"].rpartition("/")[2], guids


async def publish_in_real_time(settings: CommonSettings, channel: str, messages: list[Message], t0: float) -> None:
    """Each fact at its time."""
    bus = await jetstream.connect(settings, name="test")
    try:
        shard = keys.shard_of(channel, shards=SHARDS)
        for message in sorted(messages, key=lambda one: one.instant):
            await asyncio.sleep(max(t0 + (message.instant - EPOCH) / TICKS_PER_SECOND - time.time(), 0))
            assert message.input_id is not None
            subject = keys.arrivals_subject(shard, channel, message.input_id)
            message_id = f"{channel}-{message.input_id}-{message.instant}"
            await bus.publish(subject, codec.encode(message.fact), message_id=message_id)
    finally:
        await bus.close()


async def read(settings: CommonSettings, stream: str, subject: str) -> list[StoredMessage]:
    """All that a log holds of a subject."""
    bus = await jetstream.connect(settings, name="test")
    try:
        return await bus.fetch(stream, subject)
    finally:
        await bus.close()


def _folding(log: list[StoredMessage], channel: str) -> Iterator[tuple[ChannelFold, list[ProgramEntry]]]:
    """The core after each message of a whole log, and the entries it has made of it."""
    fold = ChannelFold(ChannelState(channel))
    for message in log:
        subject = keys.parse_arrivals_subject(message.subject)
        if subject.channel_guid not in (None, channel):
            continue
        fact = codec.decode(message.payload)
        if isinstance(fact, Tick):
            made = fold.pass_time(message.instant)
        else:
            assert isinstance(fact, Facts)
            made = fold.apply(fact, input_id=subject.input_id, instant=message.instant, sequence=message.sequence)
        yield fold, made


def folded(log: list[StoredMessage], channel: str) -> dict[str, list[bytes]]:
    """What the core makes of a whole log, from its first message."""
    entries: dict[str, list[bytes]] = {}
    for _, made in _folding(log, channel):
        for entry in made:
            entries.setdefault(entry.origin_endpoint, []).append(codec.encode(entry))
    return entries


def told_of(log: list[StoredMessage], channel: str) -> list[Event]:
    """The events that a whole log has, folded from its first message, without the names of channel and endpoint."""
    events: list[Event] = []
    before: dict[str, ProgramEntry] = {}
    for fold, made in _folding(log, channel):
        events += fold.take_events()
        for entry in made:
            events += entry_events(entry, before=before.get(entry.origin_endpoint))
            before[entry.origin_endpoint] = entry
    return events


async def assert_events_are_what_the_log_has(settings: CommonSettings, channel: str) -> Counter[str]:
    """Each event once, and none besides but of what operators did; how many of each kind."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        log = await read(settings, keys.ARRIVALS_STREAM, keys.arrivals_filter(shard_of(channel)))
        stored = await read(settings, keys.EVENTS_STREAM, keys.events_filter(channel))
        events = [codec.decode_as(Event, message.payload) for message in stored]
        for event, message in zip(events, stored, strict=True):
            assert message.subject == keys.event_subject(event.kind, event.channel, event.about)
            assert event.channel_id
            assert (event.origin_endpoint_id is None) == (event.origin_endpoint is None)
        assert len({event.id for event in events}) == len(events), "each once"
        events = [event for event in events if event.kind is not EventKind.OPERATOR_ACTION]
        plain = {event.id: replace(event, channel_id="", origin_endpoint_id=None) for event in events}
        expected = {event.id: event for event in told_of(log, channel)}
        if plain == expected:
            return Counter(event.kind for event in events)
        assert time.monotonic() < give_up_at, (sorted(plain.keys() - expected), sorted(expected.keys() - plain))
        await asyncio.sleep(0.2)


def broadcast(t0: float) -> list[Message]:
    """Input 1 dies in the middle; input 2 is a little behind."""
    offset = t0 - EPOCH / TICKS_PER_SECOND
    one = SyntheticEncoder(
        1, segment_seconds=SEGMENT_SECONDS, date_offset_seconds=offset, lost=set(range(14, 24)), late={8: 0.3}
    )
    two = SyntheticEncoder(2, segment_seconds=SEGMENT_SECONDS, date_offset_seconds=offset, lag_seconds=0.6)
    return [*one.messages(range(SEGMENTS)), *two.messages(range(SEGMENTS))]


def shard_of(channel: str) -> int:
    """The shard of a channel, by guid."""
    return keys.shard_of(channel, shards=SHARDS)


async def wait_for_the_end(settings: CommonSettings, channel: str, guids: dict[str, str]) -> dict[str, list[bytes]]:
    """The entries, once the broadcast is published to its last whole slot."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        entries = {
            guid: [
                message.payload
                for message in await read(settings, keys.PROGRAM_STREAM, keys.program_subject(shard_of(channel), guid))
            ]
            for guid in guids.values()
        }
        ends = {
            guid: sum(len(codec.decode_as(ProgramEntry, payload).renditions[0].pieces) for payload in made)
            for guid, made in entries.items()
        }
        if all(end >= SEGMENTS - 4 for end in ends.values()):
            return entries
        assert time.monotonic() < deadline, ends
        await asyncio.sleep(0.2)


async def assert_programme_is_the_log_folded(
    settings: CommonSettings, channel: str, entries: Mapping[str, list[bytes]], *, facts_were_late: bool = False
) -> None:
    """Byte for byte, every endpoint (by guid); numbered without a gap, and with the switch that there had to be."""
    log = await read(settings, keys.ARRIVALS_STREAM, keys.arrivals_filter(shard_of(channel)))
    expected = folded(log, channel)
    for guid, payloads in entries.items():
        assert payloads == expected[guid][: len(payloads)], guid
        shown = [codec.decode_as(ProgramEntry, payload) for payload in payloads]
        assert [entry.media_sequence for entry in shown] == list(range(len(shown)))
        reasons = [entry.reason for entry in shown if entry.reason is not Reason.KEEP]
        assert reasons[:2] == [Reason.START, Reason.FAILOVER]
        # After an outage the log may say that one input was later than the other: then there is more to decide.
        assert facts_were_late or len(reasons) == 2, reasons
        assert not any(entry.discontinuity for entry in shown)


def metrics(controller: Controller) -> str:
    """What the controller exposes."""
    return controller.request("GET", "/metrics")[2].decode()

"""Streams, and the subjects of their messages."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Final

from understudy_domain.errors import MalformedKey
from understudy_domain.keys.identifiers import GUID

ARRIVALS_STREAM: Final = "ARRIVALS"
PROGRAM_STREAM: Final = "PROGRAM"
EVENTS_STREAM: Final = "EVENTS"

ARRIVALS_SUBJECTS: Final = "arrivals.>"
PROGRAM_SUBJECTS: Final = "program.>"
EVENTS_SUBJECTS: Final = "events.>"


def shard_of(channel_guid: str, *, shards: int) -> int:
    """The shard a channel's messages travel in, 0 to ``shards`` - 1; the same in every program and release."""
    return zlib.crc32(channel_guid.encode()) % shards


def arrivals_subject(shard: int, channel_guid: str, input_id: int) -> str:
    """Where ingest publishes the facts of one input."""
    return f"arrivals.{shard}.{channel_guid}.{input_id}"


def command_subject(shard: int, channel_guid: str) -> str:
    """Where policies and operators' commands for one channel enter the log."""
    return f"arrivals.{shard}.{channel_guid}.command"


def clock_subject(shard: int) -> str:
    """Where a shard's ticks go."""
    return f"arrivals.{shard}.clock"


def arrivals_filter(shard: int) -> str:
    """All that one shard's decisions depend on."""
    return f"arrivals.{shard}.>"


@dataclass(frozen=True, slots=True)
class ArrivalsSubject:
    """A parsed ARRIVALS subject; ``channel_guid`` is None for a tick, ``input_id`` None for a tick or a command."""

    shard: int
    channel_guid: str | None
    input_id: int | None


def parse_arrivals_subject(subject: str) -> ArrivalsSubject:
    """The parts of an ARRIVALS subject.

    Raises:
        MalformedKey: it is none.
    """
    match subject.split("."):
        case ["arrivals", shard, "clock"] if shard.isdecimal():
            return ArrivalsSubject(int(shard), None, None)
        case ["arrivals", shard, guid, "command"] if shard.isdecimal() and GUID.fullmatch(guid):
            return ArrivalsSubject(int(shard), guid, None)
        case ["arrivals", shard, guid, ("1" | "2") as input_id] if shard.isdecimal() and GUID.fullmatch(guid):
            return ArrivalsSubject(int(shard), guid, int(input_id))
        case _:
            raise MalformedKey(f"not an arrivals subject: {subject!r:.200}")


def channel_arrivals_filter(shard: int, channel_guid: str) -> str:
    """All that one channel's decisions depend on, but for its shard's ticks."""
    return f"arrivals.{shard}.{channel_guid}.>"


def program_subject(shard: int, origin_endpoint_guid: str) -> str:
    """Where the entries of one origin endpoint stand, one message a slot."""
    return f"program.{shard}.{origin_endpoint_guid}"


def program_filter(shard: int) -> str:
    """The entries of all origin endpoints of one shard."""
    return f"program.{shard}.*"


def parse_program_subject(subject: str) -> tuple[int, str]:
    """``(shard, origin endpoint guid)`` of a PROGRAM subject.

    Raises:
        MalformedKey: it is none.
    """
    match subject.split("."):
        case ["program", shard, guid] if shard.isdecimal() and GUID.fullmatch(guid):
            return int(shard), guid
        case _:
            raise MalformedKey(f"not a program subject: {subject!r:.200}")


EVENT_OF_INPUTS: Final = "inputs"
"""What an event is about that concerns both inputs of a channel."""
EVENT_OF_CHANNEL: Final = "channel"
"""What an event is about that concerns a channel as a whole: what an operator did to it."""
_EVENT_KIND = re.compile(r"[a-z_]{1,64}")


def event_subject(kind: str, channel_guid: str, about: str) -> str:
    """Where an event goes; ``about``: the guid of an origin endpoint, an input (``1``, ``2``), or a word from above."""
    return f"events.{kind}.{channel_guid}.{about}"


def events_filter(channel_guid: str | None = None) -> str:
    """All events, or those of one channel."""
    return EVENTS_SUBJECTS if channel_guid is None else f"events.*.{channel_guid}.>"


def events_of_kind(kind: str) -> str:
    """All events of a kind."""
    return f"events.{kind}.>"


@dataclass(frozen=True, slots=True)
class EventSubject:
    """A parsed EVENTS subject; ``origin_endpoint_guid`` and ``input_id`` are None where it is not about one."""

    kind: str
    channel_guid: str
    origin_endpoint_guid: str | None
    input_id: int | None


def parse_event_subject(subject: str) -> EventSubject:
    """The parts of an EVENTS subject.

    Raises:
        MalformedKey: it is none.
    """
    match subject.split("."):
        case ["events", kind, channel, about] if _EVENT_KIND.fullmatch(kind) and GUID.fullmatch(channel):
            if GUID.fullmatch(about):
                return EventSubject(kind, channel, about, None)
            if about in ("1", "2"):
                return EventSubject(kind, channel, None, int(about))
            if about in (EVENT_OF_INPUTS, EVENT_OF_CHANNEL):
                return EventSubject(kind, channel, None, None)
        case _:
            pass
    raise MalformedKey(f"not an event's subject: {subject!r:.200}")
